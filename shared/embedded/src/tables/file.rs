//! One file of tables: a connection that writes and some that read.

use std::path::{Path, PathBuf};
use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dynoxide::Database;
use rusqlite::Connection;

use super::Priority;
use crate::error::{Error, Result};

/// dynoxide numbers each stream record one past the greatest, and reads them by number, without an
/// index: every write would read all records there are. SQLite uses this one for both.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS homeward_stream_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// Connections that read for those who wait, in turn: so many answers are made side by side.
const INTERACTIVE_READERS: usize = 4;

/// How long a statement of ours waits for another connection to finish writing.
const BUSY: Duration = Duration::from_secs(5);

/// An open file. Each connection has its own lock and cache; SQLite's log lets all of them read
/// what is committed while one writes.
pub(super) struct TablesFile {
    path: PathBuf,
    writer: Database,
    readers: RwLock<Readers>,
    turn: AtomicUsize,
    /// Held while connections are opened again.
    opening: Mutex<()>,
}

struct Readers {
    interactive: Vec<Database>,
    background: Database,
}

impl Readers {
    fn open(path: &str) -> Result<Self> {
        let interactive = (0..INTERACTIVE_READERS).map(|_| Ok(Database::new(path)?));
        Ok(Self {
            interactive: interactive.collect::<Result<_>>()?,
            background: Database::new(path)?,
        })
    }
}

impl TablesFile {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let name = utf8(&path)?;
        let writer = Database::new(name)?;
        Connection::open(&path)?.execute_batch(STREAM_INDEX)?;
        let readers = RwLock::new(Readers::open(name)?);
        Ok(Self {
            writer,
            readers,
            turn: AtomicUsize::new(0),
            opening: Mutex::new(()),
            path,
        })
    }

    pub(super) fn writer(&self) -> &Database {
        &self.writer
    }

    /// A connection that reads what is committed, for this priority.
    pub(super) fn reader(&self, priority: Priority) -> Database {
        let readers = self.readers.read().unwrap_or_else(PoisonError::into_inner);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % INTERACTIVE_READERS;
        match (priority, readers.interactive.get(turn)) {
            (Priority::Interactive, Some(reader)) => reader.clone(),
            _ => readers.background.clone(),
        }
    }

    /// Opens the readers again: each remembers the tables' definitions that it has read.
    pub(super) fn forget_definitions(&self) -> Result<()> {
        let _one_at_a_time = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Readers::open(utf8(&self.path)?)?;
        *self.readers.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// A connection of our own.
    pub(super) fn connect(&self) -> Result<Connection> {
        let connection = Connection::open(&self.path)?;
        connection.busy_timeout(BUSY)?;
        Ok(connection)
    }
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| Error::Tables("the data folder's path is not UTF-8".into()))
}
