//! What a lead knows of one uploader's sightings: the first are kept one by one, those after them are
//! counted, and beyond a number not even that. So a picture that an uploader posts a hundred thousand
//! times, in a list or by as many uploads, costs a lead a few writes, and no caller waits for them.
//!
//! Each known sighting is marked by eight bytes of its object key's hash, so that it counts once
//! however the work is cut and repeated: a pack, a search and a crash each bring other batches. The
//! marks of those that are kept stand in the uploader's item, which every addition of that uploader is
//! conditioned on; the marks of the others stand in items behind the sightings, where a look at a lead
//! does not come.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use records::{AdKey, LeadId, LeadUploader, Sighting, TenantId};
use sha2::{Digest, Sha256};

use crate::db::calls::Range;
use crate::db::error::{Error, Result};
use crate::db::items::{Item, counted, key, parsed, sort_key, text};
use crate::leads::sightings::{is_of_uploader, lead_sightings_prefix};
use crate::{Leads, Table};

/// Marks in one item: 4 KB, as much as is written each time something is counted.
const MARKS_PER_ITEM: usize = 500;

const WHAT: &str = "lead's uploader";

/// What stands for a sighting that is known. Two of ten thousand are the same once in 10^11 times; an
/// uploader who makes some miscounts its own by as many.
type Mark = u64;

fn mark(object_key: &AdKey) -> Mark {
    let digest: [u8; 32] = Sha256::digest(object_key.as_str().as_bytes()).into();
    digest
        .first_chunk()
        .map_or(0, |bytes| Mark::from_be_bytes(*bytes))
}

/// After every sighting, whose digest is in hex.
fn marks_prefix(lead: &LeadId) -> String {
    format!("{}marks#", lead_sightings_prefix(lead))
}

fn marks_sk(lead: &LeadId, uploader: &TenantId, place: usize) -> String {
    format!("{}{uploader}#{place:03}", marks_prefix(lead))
}

fn marks_attribute(marks: &[Mark]) -> AttributeValue {
    let bytes: Vec<u8> = marks.iter().flat_map(|mark| mark.to_be_bytes()).collect();
    AttributeValue::B(Blob::new(bytes))
}

/// The marks of these sightings, as an attribute.
pub(crate) fn marks_of(sightings: &[&Sighting]) -> AttributeValue {
    let marks: Vec<Mark> = sightings.iter().map(|it| mark(&it.object_key)).collect();
    marks_attribute(&marks)
}

fn marks(item: &Item, name: &str) -> Result<Vec<Mark>> {
    let value = item.get(name).and_then(|value| value.as_b().ok());
    let (marks, rest) = value.ok_or(Error::Damaged(WHAT))?.as_ref().as_chunks();
    if !rest.is_empty() {
        return Err(Error::Damaged(WHAT));
    }
    Ok(marks
        .iter()
        .map(|mark| Mark::from_be_bytes(*mark))
        .collect())
}

/// What is known of one uploader's sightings of a lead.
#[derive(Default)]
pub(crate) struct Known {
    /// How many; none before the first.
    pub(crate) sightings: Option<u64>,
    kept: Vec<Mark>,
    counted: Vec<Mark>,
}

/// What of some sightings is to be written.
pub(crate) struct NewSightings<'a> {
    pub(crate) kept: Vec<&'a Sighting>,
    counted: Vec<Mark>,
    /// Whether others of them are left for another transaction.
    pub(crate) is_more: bool,
}

impl NewSightings<'_> {
    pub(crate) fn len(&self) -> u64 {
        (self.kept.len() + self.counted.len()) as u64
    }
}

impl Known {
    /// What is new of these, as much as is kept and counted, and of what is kept as much as is written
    /// together.
    pub(crate) fn news<'a>(&self, some: &[&'a Sighting], together: usize) -> NewSightings<'a> {
        let mut seen: BTreeSet<Mark> = self.kept.iter().chain(&self.counted).copied().collect();
        let is_new = |it: &&'a Sighting| seen.insert(mark(&it.object_key));
        let mut new: Vec<&Sighting> = some.iter().copied().filter(is_new).collect();
        let kept_max = LeadUploader::SIGHTINGS_KEPT_MAX.saturating_sub(self.kept.len());
        let beyond = new.split_off(new.len().min(kept_max));
        let later = new.split_off(new.len().min(together));
        if !later.is_empty() {
            return NewSightings {
                kept: new,
                counted: Vec::new(),
                is_more: true,
            };
        }
        let known = self.sightings.unwrap_or(0) + new.len() as u64;
        let room = LeadUploader::SIGHTINGS_COUNTED_MAX.saturating_sub(known);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let counted = beyond.iter().take(room).map(|it| mark(&it.object_key));
        NewSightings {
            kept: new,
            counted: counted.collect(),
            is_more: false,
        }
    }

    /// The marks of all that are kept once the news is written.
    pub(crate) fn kept_with(&self, news: &NewSightings<'_>) -> AttributeValue {
        let new = news.kept.iter().map(|it| mark(&it.object_key));
        let all: Vec<Mark> = self.kept.iter().copied().chain(new).collect();
        marks_attribute(&all)
    }
}

/// The sightings that a lead knows of, kept or not, by who posted them.
pub struct KnownSightings {
    of: BTreeMap<TenantId, (u64, BTreeSet<Mark>)>,
}

impl KnownSightings {
    /// Whether this posting is known, or lies beyond what is counted of its uploader.
    pub fn has(&self, object_key: &AdKey) -> bool {
        let of_uploader = self.of.get(object_key.tenant());
        of_uploader.is_some_and(|(count, marks)| {
            *count >= LeadUploader::SIGHTINGS_COUNTED_MAX || marks.contains(&mark(object_key))
        })
    }

    /// How many are known of all uploaders, if each one's number is that of its sightings.
    pub fn total(&self) -> Option<u64> {
        let count = |(count, marks): &(u64, BTreeSet<Mark>)| {
            (*count == marks.len() as u64).then_some(*count)
        };
        self.of.values().map(count).sum()
    }
}

impl Leads {
    /// What a lead knows of an uploader's sightings, as of the item that additions are conditioned on,
    /// or later.
    pub(crate) async fn known_of(
        &self,
        unit: &TenantId,
        (lead, uploader): (&LeadId, &TenantId),
        item: Option<&Item>,
    ) -> Result<Known> {
        let Some(item) = item else {
            return Ok(Known::default());
        };
        let sightings = counted(item, "sightings", WHAT)?;
        let mut known = Known {
            sightings: Some(sightings),
            kept: marks(item, "kept")?,
            counted: Vec::new(),
        };
        if sightings > known.kept.len() as u64 {
            let of_uploader = Range::prefix(&format!("{}{uploader}#", marks_prefix(lead)));
            let found = self.db.query_all(Table::Leads, unit.as_str(), of_uploader);
            for item in found.await? {
                known.counted.extend(marks(&item, "counted")?);
            }
        }
        Ok(known)
    }

    /// Every sighting that a lead knows of, by its mark: of those that are kept what is there, of the
    /// others what was counted. Strongly consistent; reads all of them.
    ///
    /// # Errors
    /// As every verb.
    pub async fn known_sightings(&self, unit: &TenantId, id: &LeadId) -> Result<KnownSightings> {
        let range = Range::prefix(&lead_sightings_prefix(id));
        let (mut of, marks_prefix) = (BTreeMap::new(), marks_prefix(id));
        for item in self
            .db
            .query_all(Table::Leads, unit.as_str(), range)
            .await?
        {
            if is_of_uploader(&item) {
                let uploader: TenantId = parsed(&item, "uploaded_by", WHAT)?;
                let count = counted(&item, "sightings", WHAT)?;
                of.insert(uploader, (count, BTreeSet::new()));
            } else if sort_key(&item)?.starts_with(&marks_prefix) {
                let uploader: TenantId = parsed(&item, "uploaded_by", WHAT)?;
                let (_, known) = of.entry(uploader).or_default();
                known.extend(marks(&item, "counted")?);
            } else {
                let kept: AdKey = parsed(&item, "object_key", "sighting")?;
                let (_, known) = of.entry(kept.tenant().clone()).or_default();
                known.insert(mark(&kept));
            }
        }
        Ok(KnownSightings { of })
    }

    /// The steps that write what is counted and not kept.
    pub(crate) fn steps_counted(
        &self,
        unit: &TenantId,
        (lead, uploader): (&LeadId, &TenantId),
        known: &Known,
        news: &NewSightings<'_>,
    ) -> Result<Vec<TransactWriteItem>> {
        if news.counted.is_empty() {
            return Ok(Vec::new());
        }
        let first = known.counted.len() / MARKS_PER_ITEM;
        let before = known.counted.iter().skip(first * MARKS_PER_ITEM);
        let all: Vec<Mark> = before.chain(&news.counted).copied().collect();
        let write = |(place, some): (usize, &[Mark])| {
            let mut item = key(unit.as_str(), marks_sk(lead, uploader, first + place));
            let by = text(uploader.as_str());
            item.extend([
                ("uploaded_by".to_owned(), by),
                ("counted".to_owned(), marks_attribute(some)),
            ]);
            self.db.step_put(Table::Leads, item)
        };
        all.chunks(MARKS_PER_ITEM).enumerate().map(write).collect()
    }
}
