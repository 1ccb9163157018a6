//! What is at fault in a list: all of it is counted, and the first of it named. A record for each line
//! would let an uploader turn two bytes into a kilobyte that is kept and a write that is paid for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ad::MetadataNote;
use crate::member::MemberName;
use crate::reason::ReasonCode;

/// Lines that are named. The list's author sees by these what to correct, and by the counts how much.
pub const LINES_NAMED_MAX: usize = 100;

/// The longest name that is kept of a line, in bytes: a hundred of them take 20 KB of an upload's
/// record, and a page of a hundred uploads stays below what a function may answer (6 MB). A line with
/// a longer name is told by its number alone.
const NAME_BYTES_MAX: usize = 200;

/// What is at fault in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineFaults {
    /// How many lines were refused for each reason, or lost a part of their metadata.
    pub by_reason: BTreeMap<ReasonCode, u64>,
    /// The first of them, by their place: at most [`LINES_NAMED_MAX`].
    pub first: Vec<LineFault>,
}

/// One line that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineFault {
    /// Which line of the file it is, from 1, as editors count.
    pub line: u64,
    /// The picture's name, if it could be read and is no longer than 200 bytes.
    pub name: Option<MemberName>,
    /// Whether it was refused; otherwise it was taken in without a part of its metadata.
    pub refused: bool,
    /// Why it was refused, or which part of its metadata was kept out.
    pub reason: ReasonCode,
}

impl LineFaults {
    /// Counts a line that is refused, and names it if it is among the first. Lines come in their
    /// order.
    pub fn refuse(&mut self, line: u64, name: Option<&MemberName>, reason: ReasonCode) {
        self.add(line, name, reason, true);
    }

    /// As [`LineFaults::refuse`], of a line that was taken in without a part of its metadata.
    pub fn note(&mut self, line: u64, name: &MemberName, note: MetadataNote) {
        self.add(line, Some(name), note.into(), false);
    }

    fn add(&mut self, line: u64, name: Option<&MemberName>, reason: ReasonCode, refused: bool) {
        *self.by_reason.entry(reason.clone()).or_default() += 1;
        if self.first.len() < LINES_NAMED_MAX {
            let name = name.filter(|name| name.as_str().len() <= NAME_BYTES_MAX);
            self.first.push(LineFault {
                line,
                name: name.cloned(),
                refused,
                reason,
            });
        }
    }

    /// Whether nothing is at fault.
    pub fn is_empty(&self) -> bool {
        self.by_reason.is_empty()
    }
}

impl From<MetadataNote> for ReasonCode {
    fn from(note: MetadataNote) -> Self {
        match note {
            MetadataNote::MalformedSourceUrl => Self::MALFORMED_SOURCE_URL,
            MetadataNote::MalformedAdId => Self::MALFORMED_AD_ID,
            MetadataNote::MalformedSeenAt => Self::MALFORMED_SEEN_AT,
            MetadataNote::MalformedPlace => Self::MALFORMED_PLACE,
            MetadataNote::Partial => Self::TRUNCATED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_named() {
        let mut faults = LineFaults::default();
        assert!(faults.is_empty());
        let name = |length: usize| MemberName::parse(&"n".repeat(length)).ok();
        faults.refuse(2, name(NAME_BYTES_MAX).as_ref(), ReasonCode::TOO_SMALL);
        faults.refuse(3, name(NAME_BYTES_MAX + 1).as_ref(), ReasonCode::TOO_SMALL);
        for line in 4..1_000 {
            faults.refuse(line, None, ReasonCode::MALFORMED_RECORD);
        }
        let counts = [
            (ReasonCode::MALFORMED_RECORD, 996),
            (ReasonCode::TOO_SMALL, 2),
        ];
        assert_eq!(faults.by_reason, BTreeMap::from(counts));
        assert_eq!(faults.first.len(), LINES_NAMED_MAX);
        assert_eq!(faults.first[0].name, name(NAME_BYTES_MAX));
        assert_eq!((faults.first[1].line, &faults.first[1].name), (3, &None));
        assert_eq!(faults.first[99].line, 101);
    }

    #[test]
    fn a_note_is_a_reason_by_the_same_word() {
        use MetadataNote as Note;
        for note in [
            Note::MalformedSourceUrl,
            Note::MalformedAdId,
            Note::MalformedSeenAt,
            Note::MalformedPlace,
        ] {
            let word = serde_json::to_value(note).expect("a word");
            assert_eq!(word, ReasonCode::from(note).as_str());
        }
    }
}
