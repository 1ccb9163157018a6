//! Messages as rows, always inside a transaction of the metadata database.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{DeadLetter, Depth, Message};
use crate::error::{Error, Result};
use crate::folder::random;
use crate::versions::from_ms;

/// How often a message may be cut off by a dying process before it is a dead letter. Being cut off
/// is no failure of the message, so it does not count as one; but a message that kills its
/// process every time must end too.
const CUT_OFF_MAX: u32 = 100;

/// From so many times on a message is a suspect: it is handed out alone, and one suspect of a queue
/// at a time. So of those that were cut off together only the one that kills the process goes on
/// being cut off, and where the process is killed from outside, what is small gets done.
const SUSPECT_FROM: u32 = 3;

/// The longest reason that is kept, in bytes.
const REASON_BYTES_MAX: usize = 1_000;

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
/// no worker can hold a receipt.
pub(crate) fn free_cut_off(db: &Connection) -> rusqlite::Result<usize> {
    db.execute(
        "UPDATE messages SET receipt = NULL, visible_ms = 0, cut_off = cut_off + 1
         WHERE receipt IS NOT NULL AND dead_ms IS NULL",
        [],
    )
}

/// Hands out what is due, and buries on the way what came too often. A suspect goes out alone.
pub(super) fn lease(
    db: &Connection,
    queue: &str,
    (max, receives_max): (usize, u32),
    hidden_until_ms: i64,
    now: Timestamp,
) -> Result<Vec<Message>> {
    let cut_off_max = match is_suspect_out(db, queue, now)? {
        true => SUSPECT_FROM - 1,
        false => u32::MAX,
    };
    let mut handed_out = Vec::new();
    while handed_out.len() < max {
        let due = due(db, queue, (max - handed_out.len(), cut_off_max), now)?;
        if due.is_empty() {
            break;
        }
        for message in due {
            if message.is_hopeless(receives_max) {
                set_dead(db, message.seq, now)?;
            } else if message.cut_off < SUSPECT_FROM {
                handed_out.push(message.hand_out(db, hidden_until_ms)?);
            } else if handed_out.is_empty() {
                let least = least_suspect(db, queue, now)?.unwrap_or(message);
                return Ok(vec![least.hand_out(db, hidden_until_ms)?]);
            } else {
                return Ok(handed_out);
            }
        }
    }
    Ok(handed_out)
}

/// Whether a worker has a suspect message of this queue.
fn is_suspect_out(db: &Connection, queue: &str, now: Timestamp) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND receipt IS NOT NULL
               AND dead_ms IS NULL AND visible_ms > ?2 AND cut_off >= ?3)";
    let asked = params![queue, now.as_millisecond(), SUSPECT_FROM];
    Ok(db.prepare_cached(sql)?.query_row(asked, |row| row.get(0))?)
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

fn due(
    db: &Connection,
    queue: &str,
    (max, cut_off_max): (usize, u32),
    now: Timestamp,
) -> Result<Vec<Due>> {
    let mut due = db.prepare_cached(
        "SELECT seq, id, body, receives, cut_off, sent_ms FROM messages
         WHERE queue = ?1 AND dead_ms IS NULL AND visible_ms <= ?2 AND cut_off <= ?4
         ORDER BY visible_ms, seq LIMIT ?3",
    )?;
    let asked = params![queue, now.as_millisecond(), max, cut_off_max];
    let rows = due.query_map(asked, Due::of)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Of the suspects that are due the one that was cut off least: whatever kills the process is tried
/// last.
fn least_suspect(db: &Connection, queue: &str, now: Timestamp) -> Result<Option<Due>> {
    let mut least = db.prepare_cached(
        "SELECT seq, id, body, receives, cut_off, sent_ms FROM messages
         WHERE queue = ?1 AND dead_ms IS NULL AND visible_ms <= ?2 AND cut_off >= ?3
         ORDER BY cut_off, visible_ms, seq LIMIT 1",
    )?;
    let asked = params![queue, now.as_millisecond(), SUSPECT_FROM];
    Ok(least.query_row(asked, Due::of).optional()?)
}

impl Due {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            id: row.get(1)?,
            body: row.get(2)?,
            receives: row.get(3)?,
            cut_off: row.get(4)?,
            sent_ms: row.get(5)?,
        })
    }

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

fn set_dead(db: &Connection, seq: i64, now: Timestamp) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "UPDATE messages SET dead_ms = ?2, receipt = NULL,
             reason = coalesce(reason, 'received ' || receives || ' times and never finished')
         WHERE seq = ?1",
    )?
    .execute(params![seq, now.as_millisecond()])
}

pub(super) fn dead_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
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

pub(super) fn time(ms: i64) -> Result<Timestamp> {
    from_ms(ms).map_err(|_| Error::Damaged("a time out of range"))
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

pub(super) fn cut(reason: &str) -> String {
    reason
        .get(..reason.floor_char_boundary(REASON_BYTES_MAX))
        .unwrap_or_default()
        .to_owned()
}
