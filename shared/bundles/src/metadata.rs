//! The list of metadata next to the pictures of a bundle: JSON lines of `path`, `source_url`,
//! `ad_id`, `seen_at`, `place`.

use std::collections::HashMap;

use records::{MemberName, strict};
use serde_json::{Map, Value};

/// The member that is the list, at the bundle's root.
pub const METADATA_MEMBER: &str = "metadata.jsonl";

/// The longest line in bytes: three labels and an address, every character escaped.
const LINE_BYTES_MAX: usize = 32 * 1024;

/// S3 keeps 2,048 bytes of names and values with an object; ours in addition to the uploader's take 80.
const OBJECT_METADATA_BYTES_MAX: usize = 1_960;

/// Fields of a line, and the names that they have as an object's user metadata.
const FIELDS: [(&str, &str); 4] = [
    ("source_url", "source-url"),
    ("ad_id", "ad-id"),
    ("seen_at", "seen-at"),
    ("place", "place"),
];

/// What is said about members. Values are as they came: who takes the member in judges them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    by_name: HashMap<MemberName, Vec<(&'static str, String)>>,
    faults: u64,
}

impl Metadata {
    /// A list of which nothing could be read.
    pub(crate) fn unreadable() -> Self {
        Self {
            faults: 1,
            ..Self::default()
        }
    }

    /// Reads a list; a line that is none costs itself alone. Of two lines about one member the first
    /// counts.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut metadata = Self::default();
        let lines = bytes.split(|byte| *byte == b'\n');
        for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
            match self::line(line) {
                Some((name, fields)) if !metadata.by_name.contains_key(&name) => {
                    metadata.by_name.insert(name, fields);
                }
                _ => metadata.faults += 1,
            }
        }
        metadata
    }

    /// What is said about a member, as names and values of user metadata.
    pub fn of(&self, name: &MemberName) -> &[(&'static str, String)] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The lines of a list that says the same about these members; empty if nothing is said.
    pub(crate) fn list<'a>(&self, members: impl Iterator<Item = &'a MemberName>) -> String {
        let mut list = String::new();
        for name in members.filter(|name| self.by_name.contains_key(*name)) {
            let said = self.of(name).iter().filter_map(|(metadata, text)| {
                let field = FIELDS.iter().find(|(_, name)| name == metadata)?.0;
                Some((field.to_owned(), Value::from(text.as_str())))
            });
            let mut line: Map<String, Value> = said.collect();
            line.insert("path".to_owned(), Value::from(name.as_str()));
            list += &Value::Object(line).to_string();
            list.push('\n');
        }
        list
    }

    /// Lines that could not be read, and those that name none of these members.
    pub fn faults<'a>(&self, members: impl Iterator<Item = &'a MemberName>) -> u64 {
        let used = members
            .filter(|name| self.by_name.contains_key(*name))
            .count();
        self.faults + self.by_name.len().saturating_sub(used) as u64
    }
}

type Line = (MemberName, Vec<(&'static str, String)>);

fn line(text: &[u8]) -> Option<Line> {
    if text.len() > LINE_BYTES_MAX {
        return None;
    }
    let Ok(Value::Object(mut fields)) = strict::parse(text, 1) else {
        return None;
    };
    let Some(Value::String(path)) = fields.remove("path") else {
        return None;
    };
    let name = MemberName::parse(&path).ok()?;
    let mut pairs = Vec::new();
    for (field, name) in FIELDS {
        match fields.remove(field) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => pairs.push((name, text)),
            Some(_) => return None,
        }
    }
    let bytes: usize = pairs
        .iter()
        .map(|(name, text)| name.len() + text.len())
        .sum();
    let one_line = pairs
        .iter()
        .all(|(_, text)| !text.chars().any(char::is_control));
    (fields.is_empty() && one_line && bytes <= OBJECT_METADATA_BYTES_MAX).then_some((name, pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> MemberName {
        MemberName::parse(text).expect("a name")
    }

    #[test]
    fn a_line_costs_itself_alone() {
        let list = b"{\"path\":\"a.jpg\",\"place\":\"K\xc3\xb6ln\",\"ad_id\":null}\n\n\
            not json\n{\"path\":\"b.jpg\",\"city\":\"x\"}\n{\"path\":\"../c\"}\n{\"path\":\"a.jpg\"}\n\
            {\"path\":\"d.jpg\",\"place\":7}\n{\"path\":\"e.jpg\",\"place\":\"a\\nb\"}\n\
            {\"path\":\"./f.jpg\",\"seen_at\":\"yesterday\"}";
        let metadata = Metadata::parse(list);
        assert_eq!(metadata.of(&name("a.jpg")), [("place", "Köln".to_owned())]);
        assert_eq!(
            metadata.of(&name("f.jpg")),
            [("seen-at", "yesterday".to_owned())]
        );
        assert_eq!(metadata.of(&name("b.jpg")), []);
        let both = [name("a.jpg"), name("f.jpg"), name("g.jpg")];
        assert_eq!(metadata.faults(both.iter()), 6);
        assert_eq!(metadata.faults(both[..1].iter()), 7);
    }

    #[test]
    fn what_no_object_can_carry_is_a_fault() {
        let line = format!(
            "{{\"path\":\"a\",\"source_url\":\"https://x/{}\"}}",
            "y".repeat(1_990)
        );
        assert_eq!(Metadata::parse(line.as_bytes()).faults([].iter()), 1);
    }
}
