//! The set of references, to be held in memory and kept fresh.
//!
//! The log is the truth: per partition an append-only sequence of additions and removals, each
//! numbered in the transaction that changes the reference itself. A reader that asks for everything after
//! the last number it saw can miss nothing. When a reference ends, its addition (the fingerprint)
//! is deleted in the same transaction that appends its removal: the log forgets, its numbers do
//! not. Segments are a snapshot of the log up to a position, so that a reader who starts from
//! nothing reads few large objects, and then only what the log has behind that position.
//!
//! A partition is read from its end backwards. Numbers are given in order: a reader that has seen one
//! finds every lower one when it looks for it afterwards; forwards, it might have looked before.

use std::fmt;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use features::fingerprint::ReferenceFingerprint;
use futures::{StreamExt, TryStreamExt, stream};
use records::{ReferenceId, TenantId};
use sha2::{Digest, Sha256};

use crate::db::calls::{Query, Range};
use crate::db::error::{Error, Result};
use crate::db::items::{
    Item, PARTITIONS, SEQ_TEXT_MAX, counted, key, parsed, partition_of, partition_text,
    reference_fingerprint, seq_text, sort_key, text,
};
use crate::{References, Table};

/// The last number that a reader has seen in each partition of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPosition(pub(crate) [u64; PARTITIONS as usize]);

impl LogPosition {
    /// Before everything.
    pub fn start() -> Self {
        Self::default()
    }
}

/// What an entry of the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogChange {
    /// The reference is active, with this fingerprint.
    Added(ReferenceFingerprint),
    /// The reference is not active any more.
    Removed,
}

/// One entry of the log.
#[derive(Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Whose reference.
    pub unit: TenantId,
    /// The reference.
    pub reference_id: ReferenceId,
    /// What became of it.
    pub change: LogChange,
}

impl fmt::Debug for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let added = matches!(self.change, LogChange::Added(_));
        f.debug_struct("LogEntry")
            .field("unit", &self.unit)
            .field("reference_id", &self.reference_id)
            .field("added", &added)
            .finish()
    }
}

/// What is new in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogBatch {
    /// New entries; those about one reference stand in the order in which they happened.
    pub entries: Vec<LogEntry>,
    /// From where to ask next time.
    pub position: LogPosition,
}

/// An entry of the log with its number.
pub(crate) struct Numbered {
    pub(crate) partition: usize,
    pub(crate) seq: u64,
    pub(crate) entry: LogEntry,
}

const COUNTER: &str = "counter";

impl References {
    /// Everything that happened to the set of references after `seen`; from the start, the set as
    /// its segments hold it and what the log has behind them. Strongly consistent: every
    /// activation and every end that was acknowledged before the call is in it, or was before
    /// `seen`. Apply the entries in order.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a fingerprint or segment cannot be read: better stop than miss a
    /// match. Where a segment is at fault, [`References::references_logged`] still tells the whole set.
    pub async fn references_since(&self, seen: &LogPosition) -> Result<LogBatch> {
        if *seen != LogPosition::start() {
            return self.references_logged(seen).await;
        }
        let (mut entries, position) = self.references_in_segments().await?;
        let mut batch = self.references_logged(&position).await?;
        entries.append(&mut batch.entries);
        batch.entries = entries;
        Ok(batch)
    }

    /// As [`References::references_since`], from the log alone.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a fingerprint cannot be read.
    pub async fn references_logged(&self, seen: &LogPosition) -> Result<LogBatch> {
        let mut batch = LogBatch {
            entries: Vec::new(),
            position: *seen,
        };
        for numbered in self.log_after(seen).await? {
            let position = &mut batch.position.0[numbered.partition];
            *position = (*position).max(numbered.seq);
            batch.entries.push(numbered.entry);
        }
        Ok(batch)
    }

    /// The entries of the log behind a position, those of a partition in their order.
    pub(crate) async fn log_after(&self, seen: &LogPosition) -> Result<Vec<Numbered>> {
        let parts: Vec<Vec<Item>> = stream::iter((0..PARTITIONS).zip(seen.0))
            .map(|(partition, seen)| self.partition_after(partition, seen))
            .buffered(usize::from(PARTITIONS))
            .try_collect()
            .await?;
        let mut entries = Vec::new();
        for (partition, items) in parts.iter().enumerate() {
            for item in items {
                entries.push(Numbered {
                    partition,
                    seq: seq(item)?,
                    entry: log_entry(item)?,
                });
            }
        }
        Ok(entries)
    }

    async fn partition_after(&self, partition: u8, seen: u64) -> Result<Vec<Item>> {
        let range = Range::between(seq_text(seen.saturating_add(1)), SEQ_TEXT_MAX);
        let (mut items, mut after): (Vec<Item>, Option<String>) = (Vec::new(), None);
        loop {
            let mut query = Query::of(
                Table::ReferencesTail,
                partition_text(partition),
                range.clone(),
            );
            query.newest_first = true;
            query.after = after.as_deref();
            let (page, next) = self.db.query(&query).await?;
            items.extend(page);
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        items.reverse();
        Ok(items)
    }

    /// The next number of a reference's partition, and its counter as it stands.
    pub(crate) async fn log_tail(&self, id: &ReferenceId) -> Result<LogTail> {
        let partition = log_partition(id);
        let counter = self
            .db
            .get(Table::ReferencesTail, partition.as_str(), COUNTER)
            .await?;
        let last = counter.map_or(Ok(0), |item| counted(&item, "seq", "counter"))?;
        Ok(LogTail { partition, last })
    }

    /// Steps that append entries from [`LogTail::next`] on, unless others took their numbers.
    pub(crate) fn steps_append<const N: usize>(
        &self,
        tail: &LogTail,
        entries: [Item; N],
    ) -> Result<Vec<TransactWriteItem>> {
        let mut steps = Vec::with_capacity(N + 1);
        let mut last = tail.last;
        for mut entry in entries {
            last += 1;
            entry.extend(key(tail.partition.as_str(), seq_text(last)));
            steps.push(self.db.step_put_new(Table::ReferencesTail, entry)?);
        }
        let counter = key(tail.partition.as_str(), COUNTER);
        steps.push(
            self.db
                .step_count(Table::ReferencesTail, counter, (tail.last, last))?,
        );
        Ok(steps)
    }
}

/// The end of one partition of the log.
pub(crate) struct LogTail {
    pub(crate) partition: String,
    last: u64,
}

impl LogTail {
    pub(crate) fn next(&self) -> u64 {
        self.last + 1
    }
}

pub(crate) fn log_partition(id: &ReferenceId) -> String {
    let [first_byte, ..]: [u8; 32] = Sha256::digest(id.as_str()).into();
    partition_of(first_byte)
}

/// An entry without its key.
pub(crate) fn entry(kind: &str, unit: &TenantId, id: &ReferenceId) -> Item {
    Item::from([
        ("kind".to_owned(), text(kind)),
        ("tenant".to_owned(), text(unit.as_str())),
        ("reference_id".to_owned(), text(id.as_str())),
    ])
}

/// The entry without its key that adds a reference with its fingerprint.
pub(crate) fn addition(unit: &TenantId, id: &ReferenceId, fingerprint: AttributeValue) -> Item {
    let mut added = entry(ADDED, unit, id);
    added.insert("fingerprint".into(), fingerprint);
    added
}

pub(crate) const ADDED: &str = "reference_added";
pub(crate) const REMOVED: &str = "reference_removed";

pub(crate) fn seq(item: &Item) -> Result<u64> {
    sort_key(item)?
        .parse()
        .map_err(|_| Error::Damaged("log entry"))
}

/// The entry that an item holds.
pub(crate) fn log_entry(item: &Item) -> Result<LogEntry> {
    let kind: String = parsed(item, "kind", "log entry")?;
    Ok(LogEntry {
        unit: parsed(item, "tenant", "log entry")?,
        reference_id: parsed(item, "reference_id", "log entry")?,
        change: match kind.as_str() {
            ADDED => LogChange::Added(reference_fingerprint(item)?),
            REMOVED => LogChange::Removed,
            _ => return Err(Error::Damaged("log entry")),
        },
    })
}
