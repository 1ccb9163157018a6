//! What the tables' streams tell: new items, as the domain's words.

use features::fingerprint::ReferenceFingerprint;
use records::{Alert, ImageSha256, ReferenceId, Sighting, TenantId};

use crate::ads::packs::{PACK, Pack};
use crate::db::error::Result;
use crate::db::items::{Item, record};
use crate::references::log::{ADDED, LogChange, log_entry, seq};
use crate::searches::{SEARCH, SearchKey, SearchPart, part_of, search_of};
use crate::uploads::image_of;

/// A new item that some program acts upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// New images are in the searchable set of ads.
    Ads(Pack),
    /// An image was posted (once more).
    Sighting {
        /// The image.
        image_sha256: ImageSha256,
        /// The posting.
        sighting: Sighting,
    },
    /// A reference is active.
    Reference {
        /// Whose.
        unit: TenantId,
        /// Which.
        reference_id: ReferenceId,
        /// The number of this activation in the log.
        seq: u64,
        /// Its fingerprint.
        fingerprint: ReferenceFingerprint,
    },
    /// A part of a search waits to be done.
    Search(SearchPart),
    /// A search that has not moved for long is to go on.
    SearchAgain(SearchKey),
    /// An alert is in the outbox.
    Alert(Alert),
}

/// The change that a stream's `INSERT` record tells by its new image; none for items that no program
/// acts upon. Records of other kinds (`MODIFY`, `REMOVE`) are not news: skip them.
///
/// # Errors
/// [`crate::Error::Damaged`] if the item is of a known kind and cannot be read.
pub fn inserted(new_image: serde_dynamo::Item) -> Result<Option<Change>> {
    let item = Item::from(new_image);
    let word = |name: &str| {
        item.get(name)
            .and_then(|value| value.as_s().ok())
            .map(String::as_str)
    };
    if word("outbox") == Some("alert") {
        return Ok(Some(Change::Alert(record(item, "alert")?)));
    }
    match word("kind") {
        Some(PACK) => Ok(Some(Change::Ads(Pack::of_item(&item)?))),
        Some("sighting") => Ok(Some(Change::Sighting {
            image_sha256: image_of(&item)?.image_sha256,
            sighting: record(item, "sighting")?,
        })),
        Some(ADDED) => {
            let entry = log_entry(&item)?;
            let LogChange::Added(fingerprint) = entry.change else {
                return Ok(None);
            };
            let (unit, reference_id) = (entry.unit, entry.reference_id);
            Ok(Some(Change::Reference {
                unit,
                reference_id,
                seq: seq(&item)?,
                fingerprint,
            }))
        }
        Some(SEARCH) if item.contains_key("segment") => Ok(Some(Change::Search(part_of(&item)?))),
        Some(SEARCH) => Ok(Some(Change::SearchAgain(search_of(&item)?))),
        _ => Ok(None),
    }
}
