//! Lists of hashes: what an uploader sends who may not hand out pictures. JSON lines, read
//! strictly: a line that says what it is, then one line a picture.
//!
//! ```text
//! {"format":"homeward-hashes","version":1}
//! {"path":"a/1.jpg","sha256":"…","size":81234,"width":640,"height":480,"fingerprint":"…",
//!  "source_url":"https://…","ad_id":"1","seen_at":"2026-11-24T10:00:00Z","place":"Springfield"}
//! ```
//! `sha256` is of the picture's file, `size` its bytes, `width` and `height` its pixels as stored;
//! `fingerprint` is [`AdFingerprint::to_bytes`] in base64, both stages in one. The last four may be
//! null or left out. A line ends in `\n` and stands on one line; nothing else may be in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::ad::{AdMetadata, MetadataNote};
use crate::ids::ImageSha256;
use crate::member::MemberName;
use crate::reason::ReasonCode;
use crate::strict;
use features::AdFeatures;
use features::fingerprint::{AdFingerprint, FINGERPRINT_VERSION};

/// The first line.
const HEADER: &str = r#"{"format":"homeward-hashes","version":1}"#;
/// What the first line of any version starts with.
const FORMAT: &[u8] = br#"{"format":"homeward-hashes""#;

/// The longest line in bytes. A fingerprint has 16 KB at most, in base64 22 KB; addresses and labels
/// 5 KB, six times that if every character is escaped.
pub const HASH_LINE_BYTES_MAX: usize = 64 * 1024;

/// Most lines of a list that are not empty, its first left out: as many as a bundle may have entries.
/// Records with all features come to half of that within the 32 MiB that a list may have.
pub const HASH_LINES_MAX: usize = 10_000;

/// One picture that stays where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashRecord {
    /// Its name in the list.
    pub name: MemberName,
    /// Its content.
    pub image_sha256: ImageSha256,
    /// Bytes of its file.
    pub size_bytes: u64,
    /// Width as stored in the file, in pixels.
    pub width_px: u32,
    /// Height as stored in the file, in pixels.
    pub height_px: u32,
    /// Its fingerprint.
    pub fingerprint: AdFingerprint,
    /// What the uploader says about it.
    pub metadata: AdMetadata,
    /// What was kept out of that.
    pub notes: Vec<MetadataNote>,
}

/// Why a line is no such record; the name stands here where it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashFault {
    /// The picture's name.
    pub name: Option<MemberName>,
    /// Why the line is refused.
    pub reason: ReasonCode,
}

/// Whether these bytes start a list of hashes, of whatever version.
pub fn is_hash_list(bytes: &[u8]) -> bool {
    bytes.starts_with(FORMAT)
}

/// The lines of a list of hashes behind its first that are not empty, each with its number in the
/// file, from 1.
///
/// # Errors
/// [`ReasonCode::NEWER_FORMAT`] if the first line is not one that this build knows,
/// [`ReasonCode::TOO_MANY_LINES`] if there are more than [`HASH_LINES_MAX`].
pub fn hash_lines(bytes: &[u8]) -> Result<impl Iterator<Item = (u64, &[u8])>, ReasonCode> {
    let mut lines = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    let first = lines.next().map_or(&[][..], |(_, first)| first);
    if first.trim_ascii() != HEADER.as_bytes() {
        return Err(ReasonCode::NEWER_FORMAT);
    }
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    if lines.clone().nth(HASH_LINES_MAX).is_some() {
        return Err(ReasonCode::TOO_MANY_LINES);
    }
    Ok(lines)
}

/// The first line of a list, with its end.
pub fn hash_list_header() -> String {
    format!("{HEADER}\n")
}

impl HashRecord {
    /// The record as its line, with its end.
    pub fn to_line(&self) -> String {
        let metadata = &self.metadata;
        let line = json!({
            "path": self.name, "sha256": self.image_sha256, "size": self.size_bytes,
            "width": self.width_px, "height": self.height_px,
            "fingerprint": STANDARD.encode(self.fingerprint.to_bytes()),
            "source_url": metadata.source_url, "ad_id": metadata.ad_id,
            "seen_at": metadata.seen_at, "place": metadata.place,
        });
        format!("{line}\n")
    }

    /// Reads a line. Malformed metadata is left out with a note, as everywhere: a wrong date must
    /// not cost a lead.
    ///
    /// # Errors
    /// [`HashFault`] with the reason: `malformed_record`, `malformed_fingerprint`,
    /// `unknown_fingerprint_version`, `too_small`.
    pub fn parse(line: &[u8], side_px_min: u32) -> Result<Self, HashFault> {
        let fault = |name: Option<&MemberName>, reason| HashFault {
            name: name.cloned(),
            reason,
        };
        let malformed = || fault(None, ReasonCode::MALFORMED_RECORD);
        if line.len() > HASH_LINE_BYTES_MAX {
            return Err(malformed());
        }
        let Ok(Value::Object(mut fields)) = strict::parse(line, 1) else {
            return Err(malformed());
        };
        let name = text(&mut fields, "path").and_then(|text| MemberName::parse(&text).ok());
        let name = name.ok_or_else(malformed)?;
        let record = Self::of_fields(name.clone(), fields, side_px_min);
        record.map_err(|reason| fault(Some(&name), reason))
    }

    fn of_fields(
        name: MemberName,
        mut fields: Map<String, Value>,
        side_px_min: u32,
    ) -> Result<Self, ReasonCode> {
        let image = text(&mut fields, "sha256").and_then(|text| ImageSha256::parse(&text).ok());
        let whole = |fields: &mut Map<String, Value>, name| fields.remove(name)?.as_u64();
        let side = |fields: &mut Map<String, Value>, name| {
            u32::try_from(whole(fields, name)?)
                .ok()
                .filter(|px| *px > 0)
        };
        let size_bytes = whole(&mut fields, "size");
        let (width, height) = (side(&mut fields, "width"), side(&mut fields, "height"));
        let encoded = text(&mut fields, "fingerprint");
        let (metadata, notes) = metadata(&mut fields)?;
        let (true, Some(image_sha256), Some(size_bytes), Some(width_px), Some(height_px)) =
            (fields.is_empty(), image, size_bytes, width, height)
        else {
            return Err(ReasonCode::MALFORMED_RECORD);
        };
        if width_px.min(height_px) < side_px_min {
            return Err(ReasonCode::TOO_SMALL);
        }
        Ok(Self {
            name,
            image_sha256,
            size_bytes,
            width_px,
            height_px,
            fingerprint: fingerprint(encoded.as_deref().unwrap_or_default())?,
            metadata,
            notes,
        })
    }
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    match fields.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Fields of a line, and the names that they have as an object's user metadata.
const METADATA: [(&str, &str); 4] = [
    ("source_url", "source-url"),
    ("ad_id", "ad-id"),
    ("seen_at", "seen-at"),
    ("place", "place"),
];

fn metadata(
    fields: &mut Map<String, Value>,
) -> Result<(AdMetadata, Vec<MetadataNote>), ReasonCode> {
    let mut pairs = Vec::new();
    for (field, name) in METADATA {
        match fields.remove(field) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => pairs.push((name, text)),
            Some(_) => return Err(ReasonCode::MALFORMED_RECORD),
        }
    }
    Ok(AdMetadata::parse(
        pairs.iter().map(|(name, text)| (*name, text.as_str())),
    ))
}

/// A fingerprint as this build makes them: of another version it would be compared with what it
/// does not resemble.
fn fingerprint(encoded: &str) -> Result<AdFingerprint, ReasonCode> {
    let bytes = STANDARD.decode(encoded).ok();
    let fingerprint = bytes
        .and_then(|bytes| AdFingerprint::from_bytes(&bytes).ok())
        .ok_or(ReasonCode::MALFORMED_FINGERPRINT)?;
    if fingerprint.version != FINGERPRINT_VERSION {
        return Err(ReasonCode::UNKNOWN_FINGERPRINT_VERSION);
    }
    let features = &fingerprint.features;
    if !features.is_empty() && AdFeatures::from_bytes(features).is_err() {
        return Err(ReasonCode::MALFORMED_FINGERPRINT);
    }
    Ok(fingerprint)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use features::fingerprint::{Hash256, HashVariant};
    use proptest::prelude::*;

    fn record(version: u16) -> HashRecord {
        let view = HashVariant {
            pdq: Hash256([5; 32]),
            quality: 90,
            second: Hash256([6; 32]),
        };
        let pairs = [("place", "Köln"), ("seen-at", "2026-11-24T10:00:00Z")];
        HashRecord {
            name: MemberName::parse("a/1.jpg").unwrap(),
            image_sha256: ImageSha256::of(b"picture"),
            size_bytes: 7,
            width_px: 640,
            height_px: 480,
            fingerprint: AdFingerprint {
                version,
                whole: view,
                trimmed: Some(view),
                features: Vec::new(),
            },
            metadata: AdMetadata::parse(pairs).0,
            notes: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let record = record(FINGERPRINT_VERSION);
        let list = hash_list_header() + &record.to_line() + "\n" + &record.to_line();
        assert!(is_hash_list(list.as_bytes()));
        let read: Vec<_> = hash_lines(list.as_bytes())
            .unwrap()
            .map(|(number, line)| (number, HashRecord::parse(line, 16).unwrap()))
            .collect();
        assert_eq!(read, [(2, record.clone()), (4, record)]);
    }

    #[test]
    fn a_list_has_a_bounded_number_of_lines() {
        let check = |lines: usize, expected: Result<usize, ReasonCode>| {
            let list = hash_list_header() + &"x\n \n".repeat(lines);
            let read = hash_lines(list.as_bytes()).map(Iterator::count);
            assert_eq!(read, expected);
        };
        check(HASH_LINES_MAX, Ok(HASH_LINES_MAX));
        check(HASH_LINES_MAX + 1, Err(ReasonCode::TOO_MANY_LINES));
    }

    fn check(change: impl Fn(&mut Map<String, Value>), expected: ReasonCode) {
        let mut line: Value = serde_json::from_str(&record(FINGERPRINT_VERSION).to_line()).unwrap();
        change(line.as_object_mut().unwrap());
        let read = HashRecord::parse(line.to_string().as_bytes(), 16);
        assert_eq!(read.unwrap_err().reason, expected, "{line}");
    }

    #[test]
    fn a_record_is_read_strictly() {
        let malformed = ReasonCode::MALFORMED_RECORD;
        for field in ["path", "sha256", "size", "width", "height"] {
            check(|line| drop(line.remove(field)), malformed.clone());
            check(
                |line| drop(line.insert(field.into(), json!(-1))),
                malformed.clone(),
            );
        }
        check(
            |line| drop(line.insert("pdq".into(), json!(""))),
            malformed.clone(),
        );
        check(
            |line| drop(line.insert("place".into(), json!(7))),
            malformed.clone(),
        );
        check(
            |line| drop(line.insert("width".into(), json!(0))),
            malformed.clone(),
        );
        check(
            |line| drop(line.insert("width".into(), json!(15))),
            ReasonCode::TOO_SMALL,
        );
        for broken in [json!(null), json!(""), json!("AAAA"), json!("%")] {
            check(
                |line| drop(line.insert("fingerprint".into(), broken.clone())),
                ReasonCode::MALFORMED_FINGERPRINT,
            );
        }
        let other = record(FINGERPRINT_VERSION + 1).to_line();
        let refused = HashRecord::parse(other.as_bytes(), 16).unwrap_err();
        assert_eq!(refused.reason, ReasonCode::UNKNOWN_FINGERPRINT_VERSION);
        assert_eq!(refused.name.unwrap().as_str(), "a/1.jpg");
    }

    #[test]
    fn malformed_metadata_costs_a_note_and_not_the_record() {
        let line = record(FINGERPRINT_VERSION).to_line();
        let line = line.replace("2026-11-24T10:00:00.000Z", "yesterday");
        let read = HashRecord::parse(line.as_bytes(), 16).unwrap();
        assert_eq!(read.notes, [MetadataNote::MalformedSeenAt]);
        assert_eq!(read.metadata.seen_at, None);
        assert!(read.metadata.place.is_some());
    }

    #[test]
    fn a_text_of_a_line_stands_for_itself() {
        let line = record(FINGERPRINT_VERSION).to_line();
        let line = line.replace("Köln", "=?UTF-8?Q?a?=");
        let read = HashRecord::parse(line.as_bytes(), 16).unwrap();
        let place = read.metadata.place.unwrap();
        assert_eq!(place.as_str(), "=?UTF-8?Q?a?=");
    }

    #[test]
    fn another_first_line_is_of_a_newer_format() {
        for list in [r#"{"format":"homeward-hashes","version":2}"#, ""] {
            let refused = hash_lines(list.as_bytes()).map(drop);
            assert_eq!(refused, Err(ReasonCode::NEWER_FORMAT), "{list}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(bytes: Vec<u8>, at in 0usize..400, to: u8) {
            let _ = HashRecord::parse(&bytes, 16);
            let mut line = record(FINGERPRINT_VERSION).to_line().into_bytes();
            let at = at % line.len();
            line[at] = to;
            let _ = HashRecord::parse(&line, 16);
            line.truncate(at);
            prop_assert!(HashRecord::parse(&line, 16).is_err());
        }
    }
}
