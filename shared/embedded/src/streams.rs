//! The streams of the tables, for readers that remember how far they have come.
//!
//! dynoxide writes a stream record in the transaction that changes the item, and keeps it. A
//! reader's checkpoint is a row of the streams' metadata database, moved only after the reader has dealt with a batch;
//! so a record comes at least once, whatever dies in between. AWS drops records after 24 hours:
//! here [`Streams::trim`] drops only what every reader has dealt with.

use std::sync::Arc;

use dynoxide::actions::get_records::{GetRecordsRequest, GetRecordsResponse};
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::streams::{shard_id, stream_arn};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::REGION;
use crate::error::{Error, Result, blocking};
use crate::metadata_db::MetadataDb;
use crate::object_store::ObjectStore;
use crate::queue;
use crate::tables::Tables;

/// Records that one batch holds at most, as DynamoDB Streams has it.
pub const RECORDS_MAX: usize = 1_000;

/// Readers of the tables' streams.
#[derive(Clone)]
pub struct Streams {
    store: Arc<ObjectStore>,
    tables: Arc<Tables>,
}

/// Records that a reader has not dealt with yet, in order.
#[derive(Clone)]
pub struct Batch {
    consumer: String,
    table: String,
    /// The event as Lambda gets it from DynamoDB Streams: `{"Records": […]}`.
    pub event: Value,
    /// The records' sequence numbers, in the event's order: what a partial batch response names.
    pub sequence_numbers: Vec<String>,
}

/// What became of a record that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It comes again with the next batch.
    ComesAgain {
        /// How often it has failed so far.
        failures: u32,
    },
    /// It is now a dead letter of the queue [`dead_letter_queue`], and those behind it go on.
    GivenUp,
}

impl std::fmt::Debug for Streams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Streams")
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Batch {{ table: {}, records: {} }}",
            self.table,
            self.sequence_numbers.len()
        )
    }
}

/// The queue that holds the records which a reader gave up on.
#[must_use]
pub fn dead_letter_queue(consumer: &str, table: &str) -> String {
    format!("{consumer}.{table}")
}

/// Whether a queue's name is of that kind.
pub(crate) fn is_dead_letter_queue(name: &str) -> bool {
    name.contains('.')
}

/// Moves what streams keep out of the one metadata database that a folder had before. A crash between leaves it
/// in both, and the next call goes on: checkpoints never move back, and a letter has one id.
pub(crate) fn move_out(from: &MetadataDb, to: &MetadataDb) -> Result<()> {
    let path = from.path().to_string_lossy().into_owned();
    let moved = |db: &Connection| -> Result<i64> {
        let sql = "SELECT (SELECT count(*) FROM checkpoints)
                 + (SELECT count(*) FROM messages WHERE queue LIKE '%.%')";
        Ok(db.query_row(sql, [], |row| row.get(0))?)
    };
    if from.read(moved)? == 0 {
        return Ok(());
    }
    let copied = rusqlite::Connection::open(to.path())?;
    copied.busy_timeout(std::time::Duration::from_secs(5))?;
    copied.execute("ATTACH ?1 AS old", [path])?;
    copied.execute_batch(MOVE_OUT)?;
    from.write(|db| {
        db.execute_batch("DELETE FROM checkpoints; DELETE FROM messages WHERE queue LIKE '%.%'")?;
        Ok(())
    })
}

const MOVE_OUT: &str = "BEGIN;
    INSERT INTO checkpoints SELECT * FROM old.checkpoints WHERE true
        ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence);
    INSERT OR IGNORE INTO messages
        (queue, id, body, sent_ms, visible_ms, receives, cut_off, receipt, reason, dead_ms)
        SELECT queue, id, body, sent_ms, visible_ms, receives, cut_off, receipt, reason, dead_ms
        FROM old.messages WHERE queue LIKE '%.%' ORDER BY seq;
    COMMIT";

impl Streams {
    pub(crate) fn new(store: Arc<ObjectStore>, tables: Arc<Tables>) -> Self {
        Self { store, tables }
    }

    /// The next records of a table's stream for a reader, at most `max` ([`RECORDS_MAX`] at most);
    /// none if it has dealt with all. A reader that is new starts with the oldest record.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such table or it has no stream.
    pub async fn read(&self, consumer: &str, table: &str, max: usize) -> Result<Option<Batch>> {
        let (this, consumer, table) = (self.clone(), consumer.to_owned(), table.to_owned());
        blocking(move || {
            let after = this
                .store
                .streams
                .read(|db| checkpoint(db, &consumer, &table))?;
            this.records(consumer, table, after, max.clamp(1, RECORDS_MAX))
        })
        .await
    }

    /// The reader has dealt with the whole batch.
    ///
    /// # Errors
    /// Failures of the metadata database.
    pub async fn commit(&self, batch: &Batch) -> Result<()> {
        let Some(last) = batch.sequence_numbers.last().cloned() else {
            return Ok(());
        };
        let (this, consumer, table) = (self.clone(), batch.consumer.clone(), batch.table.clone());
        blocking(move || {
            this.store
                .streams
                .write(move |db| advance(db, &consumer, &table, &last))
        })
        .await
    }

    /// The reader has dealt with what comes before `sequence_number`, and failed at that record. A record that
    /// failed more often than `retries_max` times is a dead letter: it holds up all behind it.
    ///
    /// # Errors
    /// [`Error::Missing`] if the batch has no such record.
    pub async fn fail(
        &self,
        batch: &Batch,
        (sequence_number, reason): (&str, &str),
        retries_max: u32,
        now: Timestamp,
    ) -> Result<Failure> {
        let at = batch
            .sequence_numbers
            .iter()
            .position(|number| number == sequence_number);
        let at = at.ok_or(Error::Missing("record in the batch"))?;
        let before = at
            .checked_sub(1)
            .and_then(|at| batch.sequence_numbers.get(at))
            .cloned();
        let record = batch.event.pointer(&format!("/Records/{at}")).cloned();
        let failed = Failed {
            consumer: batch.consumer.clone(),
            table: batch.table.clone(),
            before,
            sequence_number: sequence_number.to_owned(),
            body: json!({"Records": [record]}).to_string(),
            reason: reason.to_owned(),
            retries_max,
        };
        let this = self.clone();
        blocking(move || this.store.streams.write(move |db| failed.record(db, now))).await
    }

    /// How many records a reader has not dealt with, up to [`RECORDS_MAX`].
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn pending(&self, consumer: &str, table: &str) -> Result<usize> {
        let batch = self.read(consumer, table, RECORDS_MAX).await?;
        Ok(batch.map_or(0, |batch| batch.sequence_numbers.len()))
    }

    /// Rings after writes to a table. Subscribe first, read until nothing comes, then wait.
    #[must_use]
    pub fn arrivals(&self, table: &str) -> watch::Receiver<u64> {
        self.tables.writes(table)
    }

    /// Drops the records of a table that are older than `before` and that every reader has dealt
    /// with. A table without readers keeps all. Says how many went.
    ///
    /// # Errors
    /// Failures of the metadata database and of the tables.
    pub async fn trim(&self, table: &str, before: Timestamp) -> Result<usize> {
        let (this, table) = (self.clone(), table.to_owned());
        blocking(move || {
            let through = this.store.streams.read(|db| slowest(db, &table))?;
            let Some(through) = through else { return Ok(0) };
            drop_records(&this.tables.connect(&table)?, &table, &through, before)
        })
        .await
    }

    fn records(
        &self,
        consumer: String,
        table: String,
        after: Option<String>,
        max: usize,
    ) -> Result<Option<Batch>> {
        let database = self.tables.stream_reader(&table);
        let metadata = database.get_table_metadata(&table)?;
        let label = metadata
            .filter(|table| table.stream_enabled)
            .and_then(|t| t.stream_label);
        let arn = stream_arn(&table, &label.ok_or(Error::Missing("stream"))?);
        let kind = if after.is_some() {
            "AFTER_SEQUENCE_NUMBER"
        } else {
            "TRIM_HORIZON"
        };
        let iterator = database.get_shard_iterator(GetShardIteratorRequest {
            stream_arn: arn.clone(),
            shard_id: shard_id(&table),
            shard_iterator_type: kind.to_owned(),
            sequence_number: after,
        })?;
        let records = database.get_records(GetRecordsRequest {
            shard_iterator: iterator.shard_iterator.unwrap_or_default(),
            limit: Some(max),
        })?;
        if records.records.is_empty() {
            return Ok(None);
        }
        let numbers = records
            .records
            .iter()
            .map(|record| record.dynamodb.sequence_number.clone());
        let sequence_numbers = numbers.collect();
        Ok(Some(Batch {
            consumer,
            table,
            event: event(&records, &arn)?,
            sequence_numbers,
        }))
    }
}

/// The records as Lambda gets them.
fn event(records: &GetRecordsResponse, arn: &str) -> Result<Value> {
    let mut event = serde_json::to_value(records).map_err(|e| Error::Tables(e.to_string()))?;
    if let Some(Value::Array(records)) = event.get_mut("Records") {
        for record in records.iter_mut().filter_map(Value::as_object_mut) {
            record.insert("eventSourceARN".to_owned(), arn.into());
            record.insert("awsRegion".to_owned(), REGION.into());
        }
    }
    if let Some(event) = event.as_object_mut() {
        event.remove("NextShardIterator");
    }
    Ok(event)
}

fn checkpoint(db: &Connection, consumer: &str, table: &str) -> Result<Option<String>> {
    let sql = "SELECT sequence FROM checkpoints WHERE consumer = ?1 AND table_name = ?2";
    let found: Option<String> = db
        .prepare_cached(sql)?
        .query_row([consumer, table], |row| row.get(0))
        .optional()?;
    Ok(found.filter(|sequence| !sequence.is_empty())) // empty: failed before anything was done
}

/// Moves a checkpoint forward, never back: batches may be committed twice.
fn advance(db: &Connection, consumer: &str, table: &str, sequence: &str) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO checkpoints (consumer, table_name, sequence) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)",
    )?
    .execute([consumer, table, sequence])?;
    Ok(())
}

/// The checkpoint of the reader that is furthest behind.
fn slowest(db: &Connection, table: &str) -> Result<Option<String>> {
    let sql = "SELECT min(sequence) FROM checkpoints WHERE table_name = ?1";
    let slowest: Option<String> = db.query_row(sql, [table], |row| row.get(0))?;
    Ok(slowest.filter(|sequence| !sequence.is_empty()))
}

/// Drops records, but never the newest, from which dynoxide goes on counting.
fn drop_records(
    tables: &Connection,
    table: &str,
    through: &str,
    before: Timestamp,
) -> Result<usize> {
    // A public sequence number is the stored one with a 1 and zeros in port, to 21 digits.
    let stored: i64 = through
        .strip_prefix('1')
        .and_then(|digits| digits.parse().ok())
        .ok_or(Error::Damaged("a checkpoint is no sequence number"))?;
    let dropped = tables.execute(
        "DELETE FROM _stream_records WHERE table_name = ?1
             AND CAST(sequence_number AS INTEGER) <= ?2 AND created_at < ?3
             AND CAST(sequence_number AS INTEGER) < (SELECT max(CAST(sequence_number AS INTEGER))
                 FROM _stream_records WHERE table_name = ?1)",
        params![table, stored, before.as_second()],
    )?;
    Ok(dropped)
}

/// A record that failed.
struct Failed {
    consumer: String,
    table: String,
    before: Option<String>,
    sequence_number: String,
    body: String,
    reason: String,
    retries_max: u32,
}

impl Failed {
    /// Counts the failure; gives the record up if it is one too many. One transaction.
    fn record(self, db: &Connection, now: Timestamp) -> Result<Failure> {
        advance(
            db,
            &self.consumer,
            &self.table,
            self.before.as_deref().unwrap_or_default(),
        )?;
        let who = [&self.consumer, &self.table];
        let sql = "SELECT failing, failures FROM checkpoints
                   WHERE consumer = ?1 AND table_name = ?2";
        let (failing, failures): (Option<String>, u32) =
            db.query_row(sql, who, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let again = failing.as_ref() == Some(&self.sequence_number);
        let failures = if again { failures + 1 } else { 1 };
        db.execute(
            "UPDATE checkpoints SET failing = ?3, failures = ?4
             WHERE consumer = ?1 AND table_name = ?2",
            params![self.consumer, self.table, self.sequence_number, failures],
        )?;
        if failures <= self.retries_max {
            return Ok(Failure::ComesAgain { failures });
        }
        let queue = dead_letter_queue(&self.consumer, &self.table);
        queue::insert_dead(db, &queue, &self.body, (failures, &self.reason), now)?;
        advance(db, &self.consumer, &self.table, &self.sequence_number)?;
        Ok(Failure::GivenUp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_and_dead_letters_move_once_and_never_back() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let open = |name: &str| MetadataDb::open(&dir.path().join(name)).expect("opens");
        let (from, to) = (open("ledger.db"), open("streams.db"));
        let now = Timestamp::UNIX_EPOCH;
        let old = from.write(move |db| {
            advance(db, "lookup", "ads", "100")?;
            advance(db, "alert", "leads", "300")?;
            queue::insert(db, "ingest", "stays", now)?;
            Ok::<_, Error>(queue::insert_dead(
                db,
                "lookup.ads",
                "moves",
                (5, "why"),
                now,
            )?)
        });
        old.expect("written");
        let newer = to.write(|db| advance(db, "lookup", "ads", "200"));
        newer.expect("written");
        for _ in 0..2 {
            move_out(&from, &to).expect("moved");
            let ads = to.read(|db| checkpoint(db, "lookup", "ads")).expect("read");
            let leads = to
                .read(|db| checkpoint(db, "alert", "leads"))
                .expect("read");
            assert_eq!(
                (ads.as_deref(), leads.as_deref()),
                (Some("200"), Some("300"))
            );
            let held = |metadata: &MetadataDb| {
                let depths = metadata.read(|db| queue::depths(db, now)).expect("read");
                let held = depths
                    .into_iter()
                    .map(|it| (it.queue, it.visible + it.dead));
                held.collect::<Vec<_>>()
            };
            assert_eq!(held(&from), [("ingest".to_owned(), 1)]);
            assert_eq!(held(&to), [("lookup.ads".to_owned(), 1)]);
        }
    }
}
