//! Merging: small segments become larger ones, so that a search opens few.

use std::collections::BTreeSet;

use records::Timestamp;
use segments::{Item, SegmentEntry, SegmentName, SetKind, to_merge};

use crate::Segments;
use crate::db::error::{Error, Result};
use crate::db::items::ms;
use crate::sets::building::build_blocking;
use crate::sets::compaction_rule::{Compacted, CompactionRule};

impl Segments {
    /// Merges segments of a set until none has company of its size. The replaced ones stay for the
    /// rule's grace. Idempotent; safe twice at once: of two who merge, one loses the swap and
    /// looks again.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a segment cannot be read: it stays where it is.
    pub async fn merge_segments(
        &self,
        kind: SetKind,
        rule: &CompactionRule,
        now: Timestamp,
    ) -> Result<Compacted> {
        let mut done = Compacted::default();
        for _ in 0..rule.batches_max {
            match self.merge_once(kind, rule, now).await {
                Ok(Some(merged)) => done.merged += merged,
                Ok(None) => return Ok(done),
                // Rewritten concurrently, or the swap went to another caller.
                Err(Error::Gone(_) | Error::Conflict(_)) => done.lost += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// One merge: how many segments became one; none if all can stay.
    ///
    /// # Errors
    /// [`Error::Gone`] and [`Error::Conflict`] if the manifest changed concurrently.
    async fn merge_once(
        &self,
        kind: SetKind,
        rule: &CompactionRule,
        now: Timestamp,
    ) -> Result<Option<u64>> {
        let current = self.manifest(kind).await?;
        let chosen = to_merge(&current.manifest.live, &rule.merge);
        let chosen: Vec<SegmentEntry> = chosen.into_iter().copied().collect();
        if chosen.is_empty() {
            return Ok(None);
        }
        let items = self.items_of_all(kind, &chosen).await?;
        let built = build_blocking(kind, items, now, current.manifest.generation).await?;
        let names: BTreeSet<SegmentName> = chosen.iter().map(|entry| entry.name).collect();
        let due_at_ms = ms(now.plus(rule.grace));
        let next = current.manifest.next(&names, due_at_ms, vec![built.entry]);
        self.put_segment(kind, built).await?;
        if self.swap(&current, &next).await? {
            Ok(Some(names.len() as u64))
        } else {
            Err(Error::Conflict("the manifest changed meanwhile"))
        }
    }

    pub(crate) async fn items_of_all(
        &self,
        kind: SetKind,
        entries: &[SegmentEntry],
    ) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        for entry in entries {
            items.extend(self.segment_items(kind, entry).await?);
        }
        Ok(items)
    }
}
