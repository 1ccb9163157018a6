//! Queues with the rules of SQS, as rows of the metadata database.
//!
//! A received message is invisible for a while; a worker that deletes it by its receipt has dealt with
//! it, else it comes again. What came too often without success becomes a *dead letter*, which is
//! kept with its reason until it is replayed or dropped. Time is an argument, so that a simulator
//! can bend it.

mod rows;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use tokio::sync::watch;

pub(crate) use rows::{depth, depths, free_cut_off, insert, insert_dead};

use crate::error::{Error, Result, blocking};
use crate::object_store::ObjectStore;
use rows::{cut, dead_letter, lease, millis, time};

/// How often a message is handed out before it is a dead letter, unless the queue says otherwise.
/// AWS advises five or more.
pub const RECEIVES_MAX: u32 = 5;

/// Messages that one call hands out at most, as SQS does.
pub const BATCH_MAX: usize = 10;

/// One queue. It exists from its first message on.
#[derive(Clone)]
pub struct Queue {
    store: Arc<ObjectStore>,
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
    pub(crate) fn new(store: Arc<ObjectStore>, name: String) -> Self {
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
    /// [`Error::NotCommitted`] and other failures of the metadata database.
    pub async fn send(&self, body: &str, now: Timestamp) -> Result<String> {
        let body = body.to_owned();
        let id = self
            .write(move |db, queue| Ok(insert(db, queue, &body, now)?))
            .await?;
        self.store.wakeups.wake(&self.name);
        Ok(id)
    }

    /// Hands out at most `max` messages ([`BATCH_MAX`] at most), oldest first, and hides them for
    /// `visibility`. What was handed out too often becomes a dead letter instead.
    ///
    /// # Errors
    /// Failures of the metadata database.
    pub async fn receive(
        &self,
        max: usize,
        visibility: Duration,
        now: Timestamp,
    ) -> Result<Vec<Message>> {
        let receives_max = self.receives_max;
        let hidden_until = now.as_millisecond() + millis(visibility);
        self.write(move |db, queue| {
            lease(
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
    /// Failures of the metadata database.
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
    /// Failures of the metadata database.
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
        self.store.wakeups.wake(&self.name);
        Ok(released)
    }

    /// Hides a message for `visibility` from now on, for work that takes longer than thought. Says
    /// whether the receipt was still good.
    ///
    /// # Errors
    /// Failures of the metadata database.
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
    /// Failures of the metadata database.
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
        self.store.wakeups.wake(&self.name);
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
    /// Failures of the metadata database.
    pub async fn depth(&self, now: Timestamp) -> Result<Depth> {
        self.read(move |db, queue| depth(db, queue, now)).await
    }

    /// When the next message becomes visible, be it in the past; none if there is none.
    ///
    /// # Errors
    /// Failures of the metadata database.
    pub async fn next_visible_at(&self) -> Result<Option<Timestamp>> {
        self.read(move |db, queue| {
            let sql = "SELECT min(visible_ms) FROM messages WHERE queue = ?1 AND dead_ms IS NULL";
            let next: Option<i64> = db.query_row(sql, [queue], |row| row.get(0))?;
            next.map(time).transpose()
        })
        .await
    }

    /// Rings when messages arrive or are given back. Subscribe first, receive until nothing comes,
    /// then wait for [`watch::Receiver::changed`]: what arrived in between has rung already.
    #[must_use]
    pub fn arrivals(&self) -> watch::Receiver<u64> {
        self.store.wakeups.subscribe(&self.name)
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (store, name) = (self.store.clone(), self.name.clone());
        blocking(move || {
            let metadata = store.metadata_of(&name);
            metadata.write({
                let name = name.clone();
                move |db| work(db, &name)
            })
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (store, name) = (self.store.clone(), self.name.clone());
        blocking(move || store.metadata_of(&name).read(|db| work(db, &name))).await
    }
}
