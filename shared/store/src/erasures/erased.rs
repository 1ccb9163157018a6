//! What erasures found, noted thing by thing before it is removed: an erasure goes on for minutes, in
//! passes of which any may be cut off, and its receipt counts what all of them removed together.
//!
//! A thing that is noted twice, since a crash came between its note and its removal, is counted once.
//! The notes hold ids of references, which the receipt names, and hashes of what else there was; they
//! are deleted with the erasure's mark.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use records::{ErasureId, ReferenceId, TenantId};

use crate::db::calls::Range;
use crate::db::error::Result;
use crate::db::items::{Item, counted, digest, key, number, parsed, sort_key, text};
use crate::{Erasures, Table};

/// Notes written or deleted at once.
const AT_ONCE: usize = 16;

/// From what something was removed; the store's word in a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Erased {
    /// Versions of reference photos.
    ReferencePhotos,
    /// References.
    References,
    /// Segments that held a fingerprint, and were written again without it.
    Segments,
    /// Objects of segments, all versions.
    SegmentObjects,
    /// Leads.
    Leads,
    /// Alerts, from the outbox and the feed.
    Alerts,
    /// Deliveries.
    Deliveries,
    /// On a laptop: records of the tables' streams.
    TableStreams,
    /// On a laptop: messages and changes that were given up.
    DeadLetters,
}

impl Erased {
    /// Those that are counted in every deployment.
    pub const EVERYWHERE: [Self; 7] = [
        Self::ReferencePhotos,
        Self::References,
        Self::Segments,
        Self::SegmentObjects,
        Self::Leads,
        Self::Alerts,
        Self::Deliveries,
    ];

    /// The word in a receipt.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReferencePhotos => "reference_photos",
            Self::References => "references",
            Self::Segments => "segments",
            Self::SegmentObjects => "segment_objects",
            Self::Leads => "leads",
            Self::Alerts => "alerts",
            Self::Deliveries => "deliveries",
            Self::TableStreams => "table_streams",
            Self::DeadLetters => "dead_letters",
        }
    }
}

/// Which erasure removes something.
#[derive(Clone, Copy, Debug)]
pub struct ErasedBy<'a> {
    /// Whose it is.
    pub unit: &'a TenantId,
    /// The erasure.
    pub erasure: &'a ErasureId,
}

impl ErasedBy<'_> {
    fn notes(&self) -> String {
        format!("erased#{}#", self.erasure)
    }

    fn note(&self, what: Erased, thing: &str) -> String {
        format!("{}{}#{}", self.notes(), what.as_str(), digest(thing))
    }
}

/// What an erasure has found until now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErasedCounts {
    /// The references that it erased.
    pub references: BTreeSet<ReferenceId>,
    counts: BTreeMap<String, u64>,
}

impl ErasedCounts {
    /// How many things of a kind.
    pub fn count(&self, what: Erased) -> u64 {
        self.counts.get(what.as_str()).copied().unwrap_or(0)
    }

    /// Whether things of a kind were looked for, there or not.
    pub fn has_searched_for(&self, what: Erased) -> bool {
        self.counts.contains_key(what.as_str())
    }
}

impl Erasures {
    /// Notes things that an erasure is about to remove, by whatever tells one from another.
    /// Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_erased(
        &self,
        by: ErasedBy<'_>,
        what: Erased,
        things: impl IntoIterator<Item = String>,
    ) -> Result<()> {
        let notes = things.into_iter().map(|thing| {
            let mut note = note(by, what, &thing, 1);
            if what == Erased::References {
                note.insert("reference_id".into(), text(thing));
            }
            note
        });
        let notes: Vec<Item> = notes.collect();
        stream::iter(notes)
            .map(|note| self.db.put(Table::References, note))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Notes that so many things were removed at once, of which nothing else is known, possibly none;
    /// `deed` tells this removal from others.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_erased_together(
        &self,
        by: ErasedBy<'_>,
        what: Erased,
        deed: &str,
        count: u64,
    ) -> Result<()> {
        self.db
            .put(Table::References, note(by, what, deed, count))
            .await
    }

    /// What an erasure has found until now. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn erased(&self, by: ErasedBy<'_>) -> Result<ErasedCounts> {
        let mut finds = ErasedCounts::default();
        for note in self.notes_of(by).await? {
            let what: String = parsed(&note, "what", "erasure")?;
            let count = counted(&note, "count", "erasure")?;
            *finds.counts.entry(what).or_default() += count;
            if note.contains_key("reference_id") {
                let id = parsed(&note, "reference_id", "erasure")?;
                finds.references.insert(id);
            }
        }
        Ok(finds)
    }

    /// Forgets what an erasure found: its receipt tells it now. Idempotent.
    pub(crate) async fn forget_erased(&self, by: ErasedBy<'_>) -> Result<()> {
        let keys = self.notes_of(by).await?;
        let keys = keys.iter().map(|note| sort_key(note).map(str::to_owned));
        let keys: Vec<String> = keys.collect::<Result<_>>()?;
        stream::iter(keys)
            .map(|sk| self.db.delete(Table::References, by.unit.as_str(), sk))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn notes_of(&self, by: ErasedBy<'_>) -> Result<Vec<Item>> {
        let notes = Range::prefix(&by.notes());
        self.db
            .query_all(Table::References, by.unit.as_str(), notes)
            .await
    }
}

fn note(by: ErasedBy<'_>, what: Erased, thing: &str, count: u64) -> Item {
    let mut note = key(by.unit.as_str(), by.note(what, thing));
    note.insert("what".into(), text(what.as_str()));
    note.insert("count".into(), number(count));
    note
}
