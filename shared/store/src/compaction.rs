//! Compaction of the ads' tail: its items move into a segment. Each step can be repeated, cut off,
//! or done by two at once.
//!
//! 1. [`Store::tail_batch`] reads the manifest, then items of the tail.
//! 2. [`Store::write_batch`] writes them as a segment, which nobody reads yet.
//! 3. [`Store::enter`] swaps the manifest for one that lists the segment, on the condition that
//!    the manifest of step 1 still stands. So no two segments ever hold the same item of the tail:
//!    of two who read the same items, one loses the swap and starts again; its segment lies there
//!    until [`Store::sweep`].
//! 4. [`Store::clear_tail`] deletes the items of the tail that segments hold, each only if it is the
//!    very one that was read, and then notes in the manifest that they are gone. Until that note
//!    the manifest says that the tail may hold them too, and whoever compacts next does this first.
//!
//! A reader takes the tail before the manifest. An item leaves the tail only after the manifest has
//! its segment, so the reader meets it in one or in both.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use records::Timestamp;
use segments::{Built, Entry, Front, Id, Item as SetItem, Kind, MergeRule};

use crate::ads::{CAME_AT, ad_partition, ad_sk};
use crate::ads_set::{AdsPosition, stored_ad};
use crate::error::{Error, Result};
use crate::items::{Item, counted, key, ms, number};
use crate::manifests::Standing;
use crate::{Store, Table};

/// When and how much is compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactionRule {
    /// The tail is compacted once it has this many items ...
    pub tail_items_min: usize,
    /// ... or one that came so long ago.
    pub tail_age_max: Duration,
    /// Bytes of one batch at most, about: what fits in memory twice.
    pub batch_bytes_max: u64,
    /// Batches of one run at most: the rest is the next run's.
    pub batches_max: usize,
    /// The references' log is compacted once it has this many entries.
    pub log_entries_min: usize,
    /// When segments are merged.
    pub merge: MergeRule,
    /// How long a segment that was replaced stays for those who still read it, and one that no
    /// manifest ever named for those who may still be at work on it. Longer than any of them runs.
    pub grace: Duration,
}

impl Default for CompactionRule {
    /// For programs with a gigabyte of memory and a quarter of an hour.
    fn default() -> Self {
        Self {
            tail_items_min: 1_000, // 16 MB with all features: cheaper in a segment from then on
            tail_age_max: Duration::from_secs(24 * 3_600),
            batch_bytes_max: 64 << 20, // 4,000 ads with all features
            batches_max: 64,
            log_entries_min: 256, // 3 MB: a second's read for a program that starts
            merge: MergeRule {
                segments_min: 4,
                segments_max: 8,
                bytes_max: 128 << 20, // a search reads one well within a quarter of an hour
            },
            grace: Duration::from_secs(3_600), // four times what a function may run
        }
    }
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Items that moved into segments.
    pub items: u64,
    /// Items that left the tail.
    pub cleared: u64,
    /// Segments that were merged into others.
    pub merged: u64,
    /// Swaps that others won: their work stands, this one's is done again.
    pub lost: u64,
    /// Objects deleted for good.
    pub deleted: u64,
}

impl std::ops::AddAssign for Compacted {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.cleared += other.cleared;
        self.merged += other.merged;
        self.lost += other.lost;
        self.deleted += other.deleted;
    }
}

/// Items of the tail, and the manifest that stood before they were read.
#[derive(Clone, Debug)]
pub struct TailBatch {
    standing: Standing,
    items: Vec<SetItem>,
    /// Whether the tail had more.
    has_more: bool,
}

impl TailBatch {
    /// The number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether it is time to compact.
    fn is_due(&self, rule: &CompactionRule, now: Timestamp) -> bool {
        let oldest = self.items.iter().map(|item| item.stamp).min();
        let is_old = oldest.is_some_and(|oldest| oldest <= ms(now.minus(rule.tail_age_max)));
        self.has_more || is_old || !self.is_empty() && self.len() >= rule.tail_items_min
    }
}

/// A segment that no manifest names yet.
#[derive(Clone, Debug)]
pub struct Written {
    standing: Standing,
    entry: Entry,
}

/// The stamp of an ad that a build put into the tail which did not say when.
const UNKNOWN: u64 = 0;
/// Deletions of the tail under way at once.
const DELETES_AT_ONCE: usize = 32;
/// Swaps tried before the rest is left to the next run.
const SWAPS_MAX: u32 = 10;

impl Store {
    /// Moves what is due from the ads' tail into segments. Idempotent; safe twice at once.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a fingerprint or segment cannot be read: it stays where it is.
    pub async fn compact_ads(&self, rule: &CompactionRule, now: Timestamp) -> Result<Compacted> {
        let mut done = Compacted::default();
        for _ in 0..rule.batches_max {
            done.cleared += self.clear_tail().await?;
            let batch = self.tail_batch(rule).await?;
            if batch.is_empty() || !batch.is_due(rule, now) {
                return Ok(done);
            }
            let (items, has_more) = (batch.len() as u64, batch.has_more);
            let written = self.write_batch(batch, now).await?;
            if self.enter(&written).await? {
                done.items += items;
            } else {
                done.lost += 1;
            }
            if !has_more {
                done.cleared += self.clear_tail().await?;
                return Ok(done);
            }
        }
        Ok(done)
    }

    /// Step 1: the manifest, then items of the tail, as many as a batch holds. Call
    /// [`Store::clear_tail`] before: what it left is passed over here.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a fingerprint cannot be read.
    pub async fn tail_batch(&self, rule: &CompactionRule) -> Result<TailBatch> {
        let mut batch = TailBatch {
            standing: self.manifest(Kind::Ads).await?,
            items: Vec::new(),
            has_more: false,
        };
        if batch
            .standing
            .manifest
            .live
            .iter()
            .any(|it| it.tail_holds_it)
        {
            return Ok(batch); // somebody else's are still being cleared
        }
        let mut bytes = 0;
        for start in AdsPosition::starts() {
            let mut position = Some(start);
            while let Some(here) = position {
                if bytes >= rule.batch_bytes_max || batch.len() >= segments::ITEMS_MAX / 2 {
                    batch.has_more = true;
                    return Ok(batch);
                }
                let (items, next) = self.tail_page(&here).await?;
                for item in &items {
                    let item = set_item(item)?;
                    bytes += item.bytes();
                    batch.items.push(item);
                }
                position = next;
            }
        }
        Ok(batch)
    }

    /// Step 2: writes a batch as a segment that nobody reads yet.
    ///
    /// # Errors
    /// As every verb.
    ///
    /// # Panics
    /// If the batch is empty.
    pub async fn write_batch(&self, batch: TailBatch, now: Timestamp) -> Result<Written> {
        let generation = batch.standing.manifest.generation;
        let mut built = build_aside(Kind::Ads, batch.items, now, generation).await?;
        built.entry.tail_holds_it = true;
        let entry = built.entry;
        self.put_segment(Kind::Ads, built).await?;
        Ok(Written {
            standing: batch.standing,
            entry,
        })
    }

    /// Step 3: makes the segment part of the set, unless the manifest changed since step 1. Says
    /// whether it did; if not, start again.
    ///
    /// # Errors
    /// As every verb.
    pub async fn enter(&self, written: &Written) -> Result<bool> {
        let standing = &written.standing;
        let next = standing
            .manifest
            .next(&Default::default(), 0, vec![written.entry]);
        self.swap(standing, &next).await
    }

    /// Step 4: deletes from the tail what segments hold, and notes in the manifest that it did.
    /// Says how many items it deleted. Idempotent; safe twice at once.
    ///
    /// # Errors
    /// As every verb.
    pub async fn clear_tail(&self) -> Result<u64> {
        let mut cleared = 0;
        for _ in 0..SWAPS_MAX {
            let standing = self.manifest(Kind::Ads).await?;
            let held = |entry: &&Entry| entry.tail_holds_it;
            let held: Vec<Entry> = standing
                .manifest
                .live
                .iter()
                .filter(held)
                .copied()
                .collect();
            if held.is_empty() {
                return Ok(cleared);
            }
            let mut next = standing.manifest.next(&Default::default(), 0, Vec::new());
            for entry in &held {
                let front = match self.front(Kind::Ads, entry).await {
                    Err(Error::Gone(_)) => continue, // rewritten meanwhile: the swap will be lost
                    front => front?,
                };
                cleared += self.delete_from_tail(&front).await?;
                let noted = next.live.iter_mut().filter(|it| it.name == entry.name);
                noted.for_each(|it| it.tail_holds_it = false);
            }
            if self.swap(&standing, &next).await? {
                return Ok(cleared);
            }
        }
        Ok(cleared)
    }

    async fn delete_from_tail(&self, front: &Front) -> Result<u64> {
        let deleted: Vec<bool> = stream::iter(0..front.len())
            .map(|item| self.delete_one_from_tail(front, item))
            .buffer_unordered(DELETES_AT_ONCE)
            .try_collect()
            .await?;
        Ok(deleted.into_iter().map(u64::from).sum())
    }

    /// Deletes the very item that the segment holds: another one that came under its key since
    /// (the same image, uploaded again after an erasure) stays.
    async fn delete_one_from_tail(&self, front: &Front, item: usize) -> Result<bool> {
        let Id::Image(image) = front.id(item) else {
            return Err(segments::Fault::Another.into());
        };
        let key = key(ad_partition(&image), ad_sk(&image, front.owner(item)));
        let came_at = front.stamp(item);
        if came_at == UNKNOWN {
            let condition = format!("attribute_not_exists({CAME_AT})");
            return self.delete_if(Table::AdsTail, key, &condition, &[]).await;
        }
        let values = [(":came_at", number(came_at))];
        let condition = format!("{CAME_AT} = :came_at");
        self.delete_if(Table::AdsTail, key, &condition, &values)
            .await
    }
}

fn set_item(item: &Item) -> Result<SetItem> {
    let ad = stored_ad(item)?;
    let came_at = match item.contains_key(CAME_AT) {
        true => counted(item, CAME_AT, "ad")?,
        false => UNKNOWN,
    };
    Ok(SetItem::of_ad(
        ad.tenant,
        ad.image_sha256,
        came_at,
        ad.fingerprint,
    ))
}

/// Builds a segment off the async threads: it is sorted, summed and hashed.
pub(crate) async fn build_aside(
    kind: Kind,
    items: Vec<SetItem>,
    now: Timestamp,
    generation: u64,
) -> Result<Built> {
    let build = move || segments::build(kind, items, ms(now), generation);
    let built = tokio::task::spawn_blocking(build).await;
    built.map_err(|_| Error::Unavailable("building a segment"))
}
