//! Compaction of the ads' tail: its packs become a segment. Each step can be repeated, cut off, or done
//! by two at once.
//!
//! 1. [`AdsSet::tail_batch`] reads the manifest, then which packs the tail names.
//! 2. [`AdsSet::write_batch`] writes their ads as a segment, which no reader sees yet.
//! 3. [`AdsSet::enter`] swaps the manifest for one that lists the segment and names the packs that it
//!    absorbed, on the condition that the manifest of step 1 still stands. So no two segments ever
//!    hold the ads of the same pack: of two who read the same packs, one loses the swap and starts
//!    again; its segment lies there until [`GarbageCollector::sweep`](crate::GarbageCollector::sweep).
//! 4. [`AdsSet::clear_tail`] deletes the items of the tail that name absorbed packs, and then notes in
//!    the manifest that they are gone. The next compaction does this first. No pack has the name of
//!    one before it, so what came since stays.
//!
//! A reader takes the tail before the manifest. A pack leaves the tail only after the manifest has its
//! segment, so the reader meets its ads in one or in both.

use futures::{StreamExt, TryStreamExt, stream};
use records::Timestamp;
use segments::{Absorbed, Item as SetItem, SegmentEntry, SegmentName, SetKind};

use crate::ads::packs::{PACKS_AT_ONCE, PACKS_PER_PAGE, Pack, pack_key};
use crate::ads::pages::AdsPosition;
use crate::db::error::{Error, Result};
use crate::db::items::ms;
use crate::sets::building::build_blocking;
use crate::sets::manifests::VersionedManifest;
use crate::{AdsSet, Compacted, CompactionRule, Table};

/// Packs of the tail, and the manifest that stood before they were named.
#[derive(Clone, Debug)]
pub struct TailBatch {
    current: VersionedManifest,
    packs: Vec<Pack>,
    /// Whether the tail had more.
    has_more: bool,
}

impl TailBatch {
    /// The number of ads.
    pub fn len(&self) -> usize {
        self.packs.iter().map(Pack::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.packs.is_empty()
    }

    fn bytes(&self) -> u64 {
        self.packs.iter().map(|pack| pack.entry.bytes).sum()
    }

    /// Whether it is time to compact.
    fn is_due(&self, rule: &CompactionRule, now: Timestamp) -> bool {
        let oldest = self.packs.iter().map(|pack| pack.came_at_ms).min();
        let is_old = oldest.is_some_and(|oldest| oldest <= ms(now.minus(rule.tail_age_max)));
        self.has_more || is_old || !self.is_empty() && self.len() >= rule.tail_ads_min
    }
}

/// A segment that no manifest names yet.
#[derive(Clone, Debug)]
pub struct Written {
    current: VersionedManifest,
    entry: SegmentEntry,
    absorbed: Vec<SegmentName>,
}

/// Deletions of the tail under way at once.
const DELETES_AT_ONCE: usize = 32;
/// Swaps tried before the rest is left to the next run.
const SWAPS_MAX: u32 = 10;

impl AdsSet {
    /// Moves what is due from the ads' tail into segments. Idempotent; safe twice at once.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a pack or segment cannot be read: it stays where it is.
    pub async fn compact_ads(&self, rule: &CompactionRule, now: Timestamp) -> Result<Compacted> {
        let mut done = Compacted::default();
        for _ in 0..rule.batches_max {
            done.cleared += self.clear_tail(rule, now).await?;
            let batch = self.tail_batch(rule).await?;
            if batch.is_empty() || !batch.is_due(rule, now) {
                return Ok(done);
            }
            let (ads, has_more) = (batch.len() as u64, batch.has_more);
            let entered = match self.write_batch(batch, now).await {
                Err(Error::Gone(_)) => false, // another caller compacts
                written => self.enter(&written?).await?,
            };
            if entered {
                done.items += ads;
            } else {
                done.lost += 1;
            }
            if !has_more {
                done.cleared += self.clear_tail(rule, now).await?;
                return Ok(done);
            }
        }
        Ok(done)
    }

    /// Step 1: the manifest, then packs of the tail, as many as a batch holds. Call
    /// [`AdsSet::clear_tail`] before: what it left is skipped here.
    ///
    /// # Errors
    /// [`Error::Damaged`] if an item of the tail cannot be read.
    pub async fn tail_batch(&self, rule: &CompactionRule) -> Result<TailBatch> {
        let mut batch = TailBatch {
            current: self.segments.manifest(SetKind::Ads).await?,
            packs: Vec::new(),
            has_more: false,
        };
        if !batch.current.manifest.uncleared().is_empty() {
            return Ok(batch); // another caller's are still being cleared
        }
        for start in AdsPosition::starts() {
            let mut position = Some(start);
            while let Some(here) = position {
                let is_full = batch.bytes() >= rule.batch_bytes_max;
                if is_full || batch.len() >= segments::ITEMS_MAX / 2 {
                    batch.has_more = true;
                    return Ok(batch);
                }
                let (packs, next) = self.packs_page(&here, Some(PACKS_PER_PAGE)).await?;
                batch.packs.extend(packs);
                position = next;
            }
        }
        Ok(batch)
    }

    /// Step 2: writes the ads of a batch as a segment that no reader sees yet.
    ///
    /// # Errors
    /// [`Error::Gone`] if another caller compacted one of the packs concurrently.
    ///
    /// # Panics
    /// If the batch is empty.
    pub async fn write_batch(&self, batch: TailBatch, now: Timestamp) -> Result<Written> {
        let packs = stream::iter(batch.packs.clone());
        let packs = packs.map(|pack| async move { self.pack_items(&pack).await });
        let items: Vec<Vec<SetItem>> = packs.buffered(PACKS_AT_ONCE).try_collect().await?;
        let items = items.into_iter().flatten().collect();
        let generation = batch.current.manifest.generation;
        let built = build_blocking(SetKind::Ads, items, now, generation).await?;
        let entry = built.entry;
        self.segments.put_segment(SetKind::Ads, built).await?;
        Ok(Written {
            current: batch.current,
            entry,
            absorbed: batch.packs.iter().map(Pack::name).collect(),
        })
    }

    /// Step 3: makes the segment part of the set, unless the manifest changed since step 1. Says
    /// whether it did; if not, start again.
    ///
    /// # Errors
    /// As every verb.
    pub async fn enter(&self, written: &Written) -> Result<bool> {
        let current = &written.current;
        let mut next = current
            .manifest
            .next(&Default::default(), 0, vec![written.entry]);
        next.absorbed
            .retain(|it| !written.absorbed.contains(&it.name));
        let absorbed = |name: &SegmentName| Absorbed {
            name: *name,
            due_at_ms: None,
        };
        next.absorbed.extend(written.absorbed.iter().map(absorbed));
        self.segments.swap(current, &next).await
    }

    /// Step 4: deletes what names absorbed packs from the tail, and notes in the manifest that it
    /// did. Says how many packs left the tail. Idempotent; safe twice at once.
    ///
    /// # Errors
    /// As every verb.
    pub async fn clear_tail(&self, rule: &CompactionRule, now: Timestamp) -> Result<u64> {
        let mut cleared = 0;
        for _ in 0..SWAPS_MAX {
            let current = self.segments.manifest(SetKind::Ads).await?;
            let uncleared = current.manifest.uncleared();
            if uncleared.is_empty() {
                return Ok(cleared);
            }
            self.segments.save_manifest_record(&current).await?;
            let deleted: Vec<bool> = stream::iter(uncleared)
                .map(|name| self.delete_from_tail(name))
                .buffer_unordered(DELETES_AT_ONCE)
                .try_collect()
                .await?;
            cleared += deleted.into_iter().map(u64::from).sum::<u64>();
            let mut next = current.manifest.next(&Default::default(), 0, Vec::new());
            let due_at_ms = Some(ms(now.plus(rule.grace)));
            let noted = next.absorbed.iter_mut();
            noted
                .filter(|it| it.due_at_ms.is_none())
                .for_each(|it| it.due_at_ms = due_at_ms);
            if self.segments.swap(&current, &next).await? {
                return Ok(cleared);
            }
        }
        Ok(cleared)
    }

    pub(crate) async fn delete_from_tail(&self, pack: SegmentName) -> Result<bool> {
        let there = "attribute_exists(pk)";
        self.db
            .delete_if(Table::AdsTail, pack_key(&pack), there, &[])
            .await
    }
}
