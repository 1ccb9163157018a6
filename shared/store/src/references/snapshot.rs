//! The snapshot of the references' log: segments that hold the set as of a position.
//!
//! Compaction applies the log behind the position to the segments and swaps the manifest for one
//! with the new segments and the new position. Nothing leaves the log for that: a reference that
//! ends must leave the store in one transaction, and one that is held must come back. So a segment
//! that is damaged costs time and no match, and is made again from the log.
//!
//! A removal in the log means that segments may hold a fingerprint of the sought that ought to be
//! gone. Then the segments that hold it are written again without it, and whatever lies in the
//! bucket other than the new manifest's segments is deleted at once, under its readers too.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use records::Timestamp;
use segments::{Id, Item, Manifest, SegmentEntry, SetKind};

use crate::References;
use crate::db::error::{Error, Result};
use crate::db::items::ms;
use crate::references::log::{LogChange, LogEntry, LogPosition, Numbered};
use crate::sets::compaction_rule::{Compacted, CompactionRule};
use crate::sets::manifests::VersionedManifest;
use crate::uploads::AT_ONCE;

/// What the log has behind the segments.
struct ReferenceChanges {
    /// What became of each reference: its item, or none if it ended.
    changes: BTreeMap<Id, Option<Item>>,
    /// References that ended, or did for a while.
    removed: BTreeSet<Id>,
    entries: usize,
    position: LogPosition,
}

impl ReferenceChanges {
    fn of(numbered: Vec<Numbered>, from: LogPosition) -> Self {
        let mut news = Self {
            changes: BTreeMap::new(),
            removed: BTreeSet::new(),
            entries: numbered.len(),
            position: from,
        };
        for Numbered {
            partition,
            seq,
            entry,
        } in numbered
        {
            let id = Id::Reference(entry.reference_id.clone());
            let change = match entry.change {
                LogChange::Added(fingerprint) => Some(Item::of_reference(
                    entry.unit,
                    entry.reference_id,
                    seq,
                    fingerprint,
                )),
                LogChange::Removed => {
                    news.removed.insert(id.clone());
                    None
                }
            };
            news.changes.insert(id, change);
            let position = &mut news.position.0[partition];
            *position = (*position).max(seq);
        }
        news
    }

    fn added(&self) -> impl Iterator<Item = &Item> {
        self.changes.values().flatten()
    }
}

impl References {
    /// The references that the segments hold, as entries of the log, and the position up to which
    /// they hold it.
    pub(crate) async fn references_in_segments(&self) -> Result<(Vec<LogEntry>, LogPosition)> {
        let mut attempts = self.db.attempts("reading the references");
        loop {
            let manifest = self.segments.manifest(SetKind::References).await?.manifest;
            match self.entries_of(&manifest).await {
                // Rewritten concurrently, since a reference ended.
                Err(Error::Gone(_)) => attempts.again().await?,
                entries => return Ok((entries?, LogPosition(manifest.position))),
            }
        }
    }

    async fn entries_of(&self, manifest: &Manifest) -> Result<Vec<LogEntry>> {
        let parts: Vec<Vec<Item>> = stream::iter(manifest.live.clone())
            .map(|entry| async move {
                self.segments
                    .segment_items(SetKind::References, &entry)
                    .await
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let entry = |item: Item| {
            let fingerprint = item.reference_fingerprint();
            let Id::Reference(reference_id) = item.id else {
                return Err(segments::SegmentError::Another.into());
            };
            Ok(LogEntry {
                unit: item.owner,
                reference_id,
                change: LogChange::Added(fingerprint),
            })
        };
        parts.into_iter().flatten().map(entry).collect()
    }

    /// Brings the segments of references up to the log, if enough is new or if a reference ended
    /// that they may hold. Idempotent; safe twice at once.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a fingerprint of the log cannot be read, [`Error::Unavailable`] if
    /// others kept changing the manifest.
    pub async fn compact_references(
        &self,
        rule: &CompactionRule,
        now: Timestamp,
    ) -> Result<Compacted> {
        let mut done = Compacted::default();
        let mut attempts = self.db.attempts("compacting the references");
        loop {
            let kind = SetKind::References;
            let (current, fault) = self.segments.manifest_or_fault(kind).await?;
            let swapped = match fault {
                None => self.snapshot(&current, rule, now, &mut done).await,
                Some(error) => Err(error),
            };
            // The log is the truth: all segments are made again from it.
            let is_damaged = matches!(swapped, Err(Error::Damaged(_)));
            let swapped = match is_damaged {
                true => self.snapshot_again(&current, now, &mut done).await,
                false => swapped,
            };
            match swapped {
                Ok(true) => {
                    done.mended += u64::from(is_damaged);
                    return Ok(done);
                }
                Ok(false) | Err(Error::Gone(_)) => {
                    done.lost += 1;
                    attempts.again().await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Applies the log to the segments, if that is due; says whether no more is to be done.
    async fn snapshot(
        &self,
        current: &VersionedManifest,
        rule: &CompactionRule,
        now: Timestamp,
        done: &mut Compacted,
    ) -> Result<bool> {
        let manifest = &current.manifest;
        let from = LogPosition(manifest.position);
        let news = ReferenceChanges::of(self.log_after(&from).await?, from);
        let is_long = news.entries >= rule.log_entries_min.max(1);
        if !is_long && news.removed.is_empty() {
            return Ok(true);
        }
        // Where nothing lies in the bucket, nothing there can hold what ended.
        let lying = self
            .segments
            .stored_versions(SetKind::References.into())
            .await?;
        if !is_long && lying.is_empty() {
            return Ok(true);
        }
        let kind = SetKind::References;
        let affected = self.garbage.holding(kind, manifest, &news.removed).await?;
        let mut items = self.segments.items_of_all(kind, &affected).await?;
        items.retain(|item| !news.changes.contains_key(&item.id));
        let is_swapped = self
            .enter_snapshot(current, &affected, items, &news, now)
            .await?;
        if let (Some(next), false) = (&is_swapped, news.removed.is_empty()) {
            done.deleted += self.garbage.delete_all_but(next, lying).await?;
        }
        done.items += is_swapped
            .as_ref()
            .map_or(0, |_| news.added().count() as u64);
        Ok(is_swapped.is_some())
    }

    /// Makes all segments from the whole log; says whether the manifest names them now.
    async fn snapshot_again(
        &self,
        current: &VersionedManifest,
        now: Timestamp,
        done: &mut Compacted,
    ) -> Result<bool> {
        let start = LogPosition::start();
        let news = ReferenceChanges::of(self.log_after(&start).await?, start);
        let lying = self
            .segments
            .stored_versions(SetKind::References.into())
            .await?;
        let all = &current.manifest.live;
        let Some(next) = self
            .enter_snapshot(current, all, Vec::new(), &news, now)
            .await?
        else {
            return Ok(false);
        };
        done.items += news.added().count() as u64;
        done.deleted += self.garbage.delete_all_but(&next, lying).await?;
        Ok(true)
    }

    /// Swaps segments for others that hold `kept` and what is new, as of the news' position. The
    /// manifest that now stands, or none if another one was faster.
    async fn enter_snapshot(
        &self,
        current: &VersionedManifest,
        without: &[SegmentEntry],
        mut kept: Vec<Item>,
        news: &ReferenceChanges,
        now: Timestamp,
    ) -> Result<Option<Manifest>> {
        kept.extend(news.added().cloned());
        let attempt = (now, current.manifest.generation);
        let with = self
            .garbage
            .put_all(SetKind::References, kept, attempt)
            .await?;
        let without = without.iter().map(|entry| entry.name).collect();
        let mut next = current.manifest.next(&without, ms(now), with);
        next.position = news.position.0;
        Ok(self.segments.swap(current, &next).await?.then_some(next))
    }
}
