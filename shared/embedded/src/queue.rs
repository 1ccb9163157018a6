//! Queues with the rules of SQS, as rows of the ledger.
//!
//! A received message is invisible for a while; whoever deletes it by its receipt has dealt with
//! it, else it comes again. What came too often without success becomes a *dead letter*, which is
//! kept with its reason until it is replayed or dropped. Time is an argument, so that a simulator
//! can bend it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::watch;

use crate::error::{Error, Result, blocking};
use crate::folder::random;
use crate::store::Store;
use crate::versions::from_ms;

/// How often a message is handed out before it is a dead letter, unless the queue says otherwise.
/// AWS advises five or more.
pub const RECEIVES_MAX: u32 = 5;

/// How often a message may be cut off by a dying process before it is a dead letter. Being cut off
/// is no failure of the message, so it does not count as one; but a message that kills its
/// process every time must end too.
const CUT_OFF_MAX: u32 = 100;

/// Messages that one call hands out at most, as SQS does.
pub const BATCH_MAX: usize = 10;

/// The longest reason that is kept, in bytes.
const REASON_BYTES_MAX: usize = 1_000;

/// One queue. It exists from its first message on.
#[derive(Clone)]
pub struct Queue {
    store: Arc<Store>,
    name: String,
    receives_max: u32,
}

/// A message that was handed out and is invisible to others for now.
#[derive(Clone)]
pub struct Message {
    /// The same each time that the message comes.
    pub id: String,
    /// For this time only.
    pub receipt: String,
    /// For an object's event: the JSON that S3 sends through SQS.
    pub body: String,
    /// How often it was handed out, this time included.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
}

/// A message that was given up.
#[derive(Clone)]
pub struct DeadLetter {
    /// To name it in [`Queue::replay`].
    pub id: String,
    /// As it was sent.
    pub body: String,
    /// How often it was handed out.
    pub receive_count: u32,
    /// The last failure that was reported, or why it was given up.
    pub reason: String,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it was given up.
    pub dead_at: Timestamp,
}

/// What a queue holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    /// The queue's name.
    pub queue: String,
    /// Messages that can be received now.
    pub visible: u64,
    /// Messages that were received, or put off, and become visible later.
    pub invisible: u64,
    /// Dead letters.
    pub dead: u64,
    /// When the oldest message that is not dead was sent.
    pub oldest_sent_at: Option<Timestamp>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.receive_count;
        write!(f, "Message {{ body: [redacted], receive_count: {count} }}")
    }
}

impl std::fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.receive_count;
        write!(
            f,
            "DeadLetter {{ body: [redacted], receive_count: {count} }}"
        )
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Queue({})", self.name)
    }
}

impl Queue {
    pub(crate) fn new(store: Arc<Store>, name: String) -> Self {
        Self {
            store,
            name,
            receives_max: RECEIVES_MAX,
        }
    }

    /// The same queue with another number of receives before a message is a dead letter.
    #[must_use]
    pub fn receives_max(mut self, receives_max: u32) -> Self {
        self.receives_max = receives_max.max(1);
        self
    }

    /// The queue's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends a message. It is durable when this returns.
    ///
    /// # Errors
    /// [`Error::NotCommitted`] and other failures of the ledger.
    pub async fn send(&self, body: &str, now: Timestamp) -> Result<String> {
        let body = body.to_owned();
        let id = self
            .write(move |db, queue| Ok(insert(db, queue, &body, now)?))
            .await?;
        self.store.doorbells.ring(&self.name);
        Ok(id)
    }

    /// Hands out at most `max` messages ([`BATCH_MAX`] at most), oldest first, and hides them for
    /// `visibility`. What was handed out too often becomes a dead letter instead.
    ///
    /// # Errors
    /// Failures of the ledger.
    pub async fn receive(
        &self,
        max: usize,
        visibility: Duration,
        now: Timestamp,
    ) -> Result<Vec<Message>> {
        let receives_max = self.receives_max;
        let hidden_until = now.as_millisecond() + millis(visibility);
        self.write(move |db, queue| {
            hand_out(
                db,
                queue,
                (max.min(BATCH_MAX), receives_max),
                hidden_until,
                now,
            )
        })
        .await
    }

    /// Ends a message that was dealt with. Says whether the receipt was still good: if not, the
    /// message has been handed out again.
    ///
    /// # Errors
    /// Failures of the ledger.
    pub async fn delete(&self, receipt: &str) -> Result<bool> {
        let receipt = receipt.to_owned();
        self.write(move |db, queue| {
            let sql = "DELETE FROM messages WHERE queue = ?1 AND receipt = ?2 AND dead_ms IS NULL";
            Ok(db.prepare_cached(sql)?.execute(params![queue, receipt])? == 1)
        })
        .await
    }

    /// Gives a message back after a failure: it comes again after `delay`, and the reason goes
    /// with it. Says whether the receipt was still good.
    ///
    /// # Errors
    /// Failures of the ledger.
    pub async fn release(
        &self,
        receipt: &str,
        delay: Duration,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (receipt, reason) = (receipt.to_owned(), cut(reason));
        let visible_ms = now.as_millisecond() + millis(delay);
        let released = self
            .write(move |db, queue| {
                let sql = "UPDATE messages SET visible_ms = ?3, receipt = NULL, reason = ?4
                           WHERE queue = ?1 AND receipt = ?2 AND dead_ms IS NULL";
                let done = params![queue, receipt, visible_ms, reason];
                Ok(db.prepare_cached(sql)?.execute(done)? == 1)
            })
            .await?;
        self.store.doorbells.ring(&self.name);
        Ok(released)
    }

    /// Hides a message for `visibility` from now on, for work that takes longer than thought. Says
    /// whether the receipt was still good.
    ///
    /// # Errors
    /// Failures of the ledger.
    pub async fn change_visibility(
        &self,
        receipt: &str,
        visibility: Duration,
        now: Timestamp,
    ) -> Result<bool> {
        let receipt = receipt.to_owned();
        let visible_ms = now.as_millisecond() + millis(visibility);
        self.write(move |db, queue| {
            let sql = "UPDATE messages SET visible_ms = ?3
                       WHERE queue = ?1 AND receipt = ?2 AND dead_ms IS NULL";
            Ok(db
                .prepare_cached(sql)?
                .execute(params![queue, receipt, visible_ms])?
                == 1)
        })
        .await
    }

    /// The dead letters, oldest first.
    ///
    /// # Errors
    /// Failures of the ledger.
    pub async fn dead_letters(&self, max: usize) -> Result<Vec<DeadLetter>> {
        self.read(move |db, queue| {
            let sql = "SELECT id, body, receives, reason, sent_ms, dead_ms FROM messages
                       WHERE queue = ?1 AND dead_ms IS NOT NULL ORDER BY seq LIMIT ?2";
            let mut dead = db.prepare_cached(sql)?;
            let found = dead.query_map(params![queue, max], dead_letter)?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Sends a dead letter again, as if it were new.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such dead letter.
    pub async fn replay(&self, id: &str, now: Timestamp) -> Result<()> {
        let id = id.to_owned();
        self.write(move |db, queue| {
            let sql = "UPDATE messages SET dead_ms = NULL, receives = 0, cut_off = 0,
                           receipt = NULL, visible_ms = ?3
                       WHERE queue = ?1 AND id = ?2 AND dead_ms IS NOT NULL";
            let replayed = db.execute(sql, params![queue, id, now.as_millisecond()])?;
            if replayed == 1 {
                Ok(())
            } else {
                Err(Error::Missing("dead letter"))
            }
        })
        .await?;
        self.store.doorbells.ring(&self.name);
        Ok(())
    }

    /// Drops a dead letter for good.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such dead letter.
    pub async fn drop_dead_letter(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.write(move |db, queue| {
            let sql = "DELETE FROM messages WHERE queue = ?1 AND id = ?2 AND dead_ms IS NOT NULL";
            let dropped = db.execute(sql, params![queue, id])?;
            if dropped == 1 {
                Ok(())
            } else {
                Err(Error::Missing("dead letter"))
            }
        })
        .await
    }

    /// How much the queue holds, and since when.
    ///
    /// # Errors
    /// Failures of the ledger.
    pub async fn depth(&self, now: Timestamp) -> Result<Depth> {
        self.read(move |db, queue| Ok::<_, Error>(depth(db, queue, now)?))
            .await
    }

    /// When the next message becomes visible, be it in the past; none if there is none.
    ///
    /// # Errors
    /// Failures of the ledger.
    pub async fn next_visible_at(&self) -> Result<Option<Timestamp>> {
        self.read(move |db, queue| {
            let sql = "SELECT min(visible_ms) FROM messages WHERE queue = ?1 AND dead_ms IS NULL";
            let next: Option<i64> = db.query_row(sql, [queue], |row| row.get(0))?;
            next.map(from_ms)
                .transpose()
                .map_err(|_| Error::Damaged("a time out of range"))
        })
        .await
    }

    /// Rings when messages arrive or are given back. Subscribe first, receive until nothing comes,
    /// then wait for [`watch::Receiver::changed`]: what arrived in between has rung already.
    #[must_use]
    pub fn arrivals(&self) -> watch::Receiver<u64> {
        self.store.doorbells.listen(&self.name)
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (store, name) = (self.store.clone(), self.name.clone());
        blocking(move || store.ledger.write(move |db| work(db, &name))).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (store, name) = (self.store.clone(), self.name.clone());
        blocking(move || store.ledger.read(move |db| work(db, &name))).await
    }
}

/// Adds a message to a queue in an open transaction, and hands back its id.
pub(crate) fn insert(
    db: &Connection,
    queue: &str,
    body: &str,
    now: Timestamp,
) -> rusqlite::Result<String> {
    let id = hex::encode(random::<16>());
    db.prepare_cached(
        "INSERT INTO messages (queue, id, body, sent_ms, visible_ms) VALUES (?1, ?2, ?3, ?4, ?4)",
    )?
    .execute(params![queue, id, body, now.as_millisecond()])?;
    Ok(id)
}

/// Adds a dead letter in an open transaction: for streams, whose records are no messages.
pub(crate) fn insert_dead(
    db: &Connection,
    queue: &str,
    body: &str,
    (receives, reason): (u32, &str),
    now: Timestamp,
) -> rusqlite::Result<()> {
    let id = insert(db, queue, body, now)?;
    db.execute(
        "UPDATE messages SET dead_ms = ?2, receives = ?3, reason = ?4 WHERE id = ?1",
        params![id, now.as_millisecond(), receives, cut(reason)],
    )?;
    Ok(())
}

/// Makes visible what the last process had received and not finished. Only for the start: then
/// nobody can hold a receipt.
pub(crate) fn free_cut_off(db: &Connection) -> rusqlite::Result<usize> {
    db.execute(
        "UPDATE messages SET receipt = NULL, visible_ms = 0, cut_off = cut_off + 1
         WHERE receipt IS NOT NULL AND dead_ms IS NULL",
        [],
    )
}

/// Hands out what is due, and buries on the way what came too often.
fn hand_out(
    db: &Connection,
    queue: &str,
    (max, receives_max): (usize, u32),
    hidden_until_ms: i64,
    now: Timestamp,
) -> Result<Vec<Message>> {
    let mut handed_out = Vec::new();
    while handed_out.len() < max {
        let due = due(db, queue, max - handed_out.len(), now)?;
        if due.is_empty() {
            break;
        }
        for message in due {
            if message.is_hopeless(receives_max) {
                bury(db, message.seq, now)?;
            } else {
                handed_out.push(message.hand_out(db, hidden_until_ms)?);
            }
        }
    }
    Ok(handed_out)
}

/// A visible message before it is handed out.
struct Due {
    seq: i64,
    id: String,
    body: String,
    receives: u32,
    cut_off: u32,
    sent_ms: i64,
}

fn due(db: &Connection, queue: &str, max: usize, now: Timestamp) -> Result<Vec<Due>> {
    let mut due = db.prepare_cached(
        "SELECT seq, id, body, receives, cut_off, sent_ms FROM messages
         WHERE queue = ?1 AND dead_ms IS NULL AND visible_ms <= ?2
         ORDER BY visible_ms, seq LIMIT ?3",
    )?;
    let rows = due.query_map(params![queue, now.as_millisecond(), max], |row| {
        Ok(Due {
            seq: row.get(0)?,
            id: row.get(1)?,
            body: row.get(2)?,
            receives: row.get(3)?,
            cut_off: row.get(4)?,
            sent_ms: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

impl Due {
    fn is_hopeless(&self, receives_max: u32) -> bool {
        self.receives.saturating_sub(self.cut_off) >= receives_max || self.cut_off >= CUT_OFF_MAX
    }

    fn hand_out(self, db: &Connection, hidden_until_ms: i64) -> Result<Message> {
        let receipt = hex::encode(random::<16>());
        db.prepare_cached(
            "UPDATE messages SET receipt = ?2, visible_ms = ?3, receives = receives + 1
             WHERE seq = ?1",
        )?
        .execute(params![self.seq, receipt, hidden_until_ms])?;
        Ok(Message {
            id: self.id,
            receipt,
            body: self.body,
            receive_count: self.receives + 1,
            sent_at: time(self.sent_ms)?,
        })
    }
}

fn bury(db: &Connection, seq: i64, now: Timestamp) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "UPDATE messages SET dead_ms = ?2, receipt = NULL,
             reason = coalesce(reason, 'received ' || receives || ' times and never finished')
         WHERE seq = ?1",
    )?
    .execute(params![seq, now.as_millisecond()])
}

fn dead_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let reason: Option<String> = row.get(3)?;
    let at = |ms: i64| from_ms(ms).map_err(|_| rusqlite::Error::InvalidQuery);
    Ok(DeadLetter {
        id: row.get(0)?,
        body: row.get(1)?,
        receive_count: row.get(2)?,
        reason: reason.unwrap_or_default(),
        sent_at: at(row.get(4)?)?,
        dead_at: at(row.get(5)?)?,
    })
}

/// What every queue holds that holds anything.
pub(crate) fn depths(db: &Connection, now: Timestamp) -> Result<Vec<Depth>> {
    let mut queues = db.prepare_cached("SELECT DISTINCT queue FROM messages ORDER BY queue")?;
    let names = queues.query_map([], |row| row.get::<_, String>(0))?;
    names.map(|name| depth(db, &name?, now)).collect()
}

/// What one queue holds.
pub(crate) fn depth(db: &Connection, queue: &str, now: Timestamp) -> Result<Depth> {
    let facts = db
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE dead_ms IS NULL AND visible_ms <= ?2),
                    count(*) FILTER (WHERE dead_ms IS NULL AND visible_ms > ?2),
                    count(*) FILTER (WHERE dead_ms IS NOT NULL),
                    min(sent_ms) FILTER (WHERE dead_ms IS NULL)
             FROM messages WHERE queue = ?1",
        )?
        .query_row(params![queue, now.as_millisecond()], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get::<_, Option<i64>>(3)?,
            ))
        })
        .optional()?;
    let (visible, invisible, dead, oldest) = facts.unwrap_or_default();
    let oldest_sent_at = oldest.map(time).transpose()?;
    Ok(Depth {
        queue: queue.to_owned(),
        visible,
        invisible,
        dead,
        oldest_sent_at,
    })
}

fn time(ms: i64) -> Result<Timestamp> {
    from_ms(ms).map_err(|_| Error::Damaged("a time out of range"))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn cut(reason: &str) -> String {
    reason
        .get(..reason.floor_char_boundary(REASON_BYTES_MAX))
        .unwrap_or_default()
        .to_owned()
}

/// Wakes those who wait for a queue or a stream.
#[derive(Default)]
pub(crate) struct Doorbells(Mutex<HashMap<String, watch::Sender<u64>>>);

impl Doorbells {
    pub(crate) fn ring(&self, name: &str) {
        self.bell(name).send_modify(|rings| *rings += 1);
    }

    pub(crate) fn listen(&self, name: &str) -> watch::Receiver<u64> {
        self.bell(name).subscribe()
    }

    fn bell(&self, name: &str) -> watch::Sender<u64> {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bells
            .entry(name.to_owned())
            .or_insert_with(|| watch::channel(0).0)
            .clone()
    }
}
