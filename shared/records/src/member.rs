//! Members of a bundle: names below the bundle's own key, and what became of them together.

use serde::{Deserialize, Serialize};

use crate::key::AdKey;
use crate::text::{Malformed, text_form};

/// The name of a bundle's member: a relative path of at most 512 bytes, parts separated by `/`,
/// none of them empty, `.` or `..`, without control characters and backslashes. So no member lies
/// outside its bundle, and none is spelt in two ways.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MemberName(String);

impl MemberName {
    /// The longest name in bytes: half of what an object's key may have, the bundle's own key is
    /// the other half.
    pub const BYTES_MAX: usize = 512;

    /// Reads a name; `./` in front is dropped, as `tar` writes it there.
    ///
    /// # Errors
    /// [`Malformed`] if it is no such path.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = |rule| Malformed {
            what: "member name",
            rule,
        };
        let text = text.strip_prefix("./").unwrap_or(text);
        if text.is_empty() || text.len() > Self::BYTES_MAX {
            return Err(malformed("it does not have 1 to 512 bytes"));
        }
        if text.chars().any(|c| c == '\\' || c.is_control()) {
            return Err(malformed("it holds a backslash or a control character"));
        }
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(malformed(
                "it is absolute, or has an empty part, '.' or '..' in it",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(MemberName, redacted);

impl AdKey {
    /// The key of this bundle's member: the bundle's key, a slash, the name.
    ///
    /// # Errors
    /// [`Malformed`] if it is longer than a key may be.
    pub fn member(&self, name: &MemberName) -> Result<Self, Malformed> {
        Self::parse(&format!("{self}/{name}"))
    }

    /// The key under which a member without a usable name is accounted for, by its place from 1.
    /// No member's name makes such a key: it has an empty part.
    ///
    /// # Errors
    /// [`Malformed`] if it is longer than a key may be.
    pub fn nameless_member(&self, place: u64) -> Result<Self, Malformed> {
        Self::parse(&format!("{self}//{place}"))
    }

    /// The key of a part that this bundle is cut into, by the place of its first member from 1. No
    /// member's name makes such a key, nor does the place of a nameless one.
    ///
    /// # Errors
    /// [`Malformed`] if it is longer than a key may be.
    pub fn part(&self, place: u64) -> Result<Self, Malformed> {
        Self::parse(&format!("{self}{PART}{place}"))
    }

    /// The bundle that this is a part of, or else this key itself.
    pub fn whole(&self) -> Self {
        let cut = self.as_str().rsplit_once(PART);
        let is_place = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let whole = cut.filter(|(_, place)| is_place(place));
        whole
            .and_then(|(whole, _)| Self::parse(whole).ok())
            .unwrap_or_else(|| self.clone())
    }
}

/// Between a bundle's key and the place of a part's first member.
const PART: &str = "//part-";

/// What became of a bundle's members. The two kinds of end add up to all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleCounts {
    /// Members, folders and the list of metadata left out.
    pub members: u64,
    /// Those that became uploads of their own, or, of a list of hashes, ads.
    pub taken_in: u64,
    /// Those that were refused: of a bundle each with its reason under a key of its own, of a list
    /// of hashes as [`LineFaults`](crate::LineFaults) tell.
    pub refused: u64,
    /// Lines of the list of metadata that could not be read or name no member; lines of a list of
    /// hashes that were taken in without a part of their metadata.
    pub metadata_faults: u64,
    /// Whether its members' bytes lie in it and nowhere else, so that it is kept as long as they are.
    #[serde(default)]
    pub holds_members: bool,
    /// Whether it is a list of hashes, of whose lines none becomes an upload of its own.
    #[serde(default)]
    pub is_list: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_lies_below_its_bundle() {
        let check = |text: &str, expected: Option<&str>| {
            let name = MemberName::parse(text).ok();
            assert_eq!(name.as_ref().map(MemberName::as_str), expected, "{text}");
        };
        check("a.jpg", Some("a.jpg"));
        check("./a/b c.jpg", Some("a/b c.jpg"));
        check("ünïcødé 🙂.jpg", Some("ünïcødé 🙂.jpg"));
        for outside in [
            "",
            "/etc/passwd",
            "../a",
            "a/../b",
            "a//b",
            "a/",
            ".",
            "..",
            "./",
            "././a",
            "a\\b",
            "C:\\a",
            "a\nb",
            "a\0",
        ] {
            check(outside, None);
        }
        check(&"x".repeat(512), Some(&"x".repeat(512)));
        check(&"x".repeat(513), None);
    }

    #[test]
    fn a_nameless_member_has_a_key_that_no_name_makes() {
        let bundle = AdKey::parse("ads/ngo/b.zip").expect("a key");
        let nameless = bundle.nameless_member(7).expect("a key");
        assert_eq!(nameless.as_str(), "ads/ngo/b.zip//7");
        assert!(MemberName::parse("/7").is_err());
        let named = bundle.member(&MemberName::parse("7").expect("a name"));
        assert_eq!(named.expect("a key").as_str(), "ads/ngo/b.zip/7");
    }

    #[test]
    fn a_part_leads_back_to_its_bundle_and_no_other_key_does() {
        let bundle = AdKey::parse("ads/ngo/b.zip").expect("a key");
        let part = bundle.part(65).expect("a key");
        assert_eq!(part.as_str(), "ads/ngo/b.zip//part-65");
        assert_eq!(part.whole(), bundle);
        let parts_of_parts = part.part(1).expect("a key");
        assert_eq!(parts_of_parts.whole(), part);
        for other in [
            "ads/ngo/b.zip",
            "ads/ngo/b.zip//7",
            "ads/ngo/b.zip//part-",
            "ads/ngo/b.zip//part-7/a.jpg",
            "ads/ngo/b.zip/part-7",
            "ads/ngo//part-7x",
        ] {
            let key = AdKey::parse(other).expect("a key");
            assert_eq!(key.whole(), key);
        }
        let nameless = AdKey::parse("ads/ngo//part-7").expect("a key");
        assert_eq!(nameless.whole(), nameless, "nothing is left of it");
    }

    #[test]
    fn a_key_may_still_be_too_long() {
        let bundle = AdKey::parse(&format!("ads/ngo/{}", "x".repeat(900))).expect("a key");
        let name = MemberName::parse(&"y".repeat(200)).expect("a name");
        assert!(bundle.member(&name).is_err());
    }
}
