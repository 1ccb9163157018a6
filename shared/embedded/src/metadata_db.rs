//! The one SQLite file that knows buckets, objects, uploads, queues and stream checkpoints.
//!
//! One thread writes. It takes all writes that wait, runs each in its own savepoint, makes their
//! blobs' folders durable and commits them together: one `fsync` for many, and an answer only
//! after it. Reads have their own connections and see what is committed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, Result};
use crate::folder::sync_dir;

/// The layout that this build reads and writes (`PRAGMA user_version`).
const LAYOUT: i64 = 1;

/// Writes that one commit may hold: enough to share an `fsync` well, few enough that the first of
/// them does not wait long (a write takes 20 to 100 microseconds before the commit).
const BATCH_WRITES_MAX: usize = 256;

/// Idle read connections that are kept; more are opened when needed and closed after.
const READERS_KEPT_MAX: usize = 8;

/// How large SQLite's log may stay after it was written back, in bytes.
const LOG_BYTES_KEPT: i64 = 64 << 20;

const SCHEMA: &str = include_str!("metadata.sql");

type Answer = Box<dyn FnOnce() + Send>;

struct Write {
    /// Does the work in the open transaction, and hands back what to do once that is durable.
    run: Box<dyn FnOnce(&Connection) -> Answer + Send>,
    /// A folder whose names must be durable before the commit.
    folder: Option<PathBuf>,
}

/// The open metadata database. Dropping it finishes the writes under way.
pub(crate) struct MetadataDb {
    path: PathBuf,
    writes: Option<Sender<Write>>,
    writer: Option<JoinHandle<()>>,
    readers: Mutex<Vec<Connection>>,
}

impl MetadataDb {
    /// Opens or creates the file.
    ///
    /// # Errors
    /// [`Error::FolderNewer`] for a file of a later layout; [`Error::Database`] otherwise.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > LAYOUT {
            return Err(Error::FolderNewer {
                found,
                known: LAYOUT,
            });
        }
        connection.execute_batch(&format!(
            "BEGIN; {SCHEMA} PRAGMA user_version={LAYOUT}; COMMIT"
        ))?;
        let (writes, waiting) = channel();
        let writer = std::thread::Builder::new()
            .name("ledger".into())
            .spawn(move || write_in_batches(&connection, &waiting))?;
        Ok(Self {
            path: path.to_path_buf(),
            writes: Some(writes),
            writer: Some(writer),
            readers: Mutex::new(Vec::new()),
        })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Does `work` in a transaction and returns once it is durable. An error of the work undoes it.
    /// Blocks: call it off the async threads.
    ///
    /// # Errors
    /// Those of the work; [`Error::NotCommitted`] if the commit failed.
    pub(crate) fn write<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + From<rusqlite::Error> + Send + 'static,
    {
        self.write_after(None, work)
    }

    /// As [`Self::write`], after the names in `folder` are durable.
    pub(crate) fn write_after<T, E>(
        &self,
        folder: Option<PathBuf>,
        work: impl FnOnce(&Connection) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + From<rusqlite::Error> + Send + 'static,
    {
        let (answer, answered) = sync_channel(1);
        let run = Box::new(move |connection: &Connection| in_savepoint(connection, work, answer));
        self.writes
            .as_ref()
            .and_then(|writes| writes.send(Write { run, folder }).ok())
            .ok_or(Error::NotCommitted)?;
        answered
            .recv()
            .unwrap_or_else(|_| Err(Error::NotCommitted.into()))
    }

    /// Reads what is committed. Blocks: call it off the async threads.
    ///
    /// # Errors
    /// Those of the work, and of opening a connection.
    pub(crate) fn read<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E>
    where
        E: From<Error> + From<rusqlite::Error>,
    {
        let kept = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match kept {
            Some(connection) => connection,
            None => Connection::open_with_flags(
                &self.path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?,
        };
        // One snapshot for all statements of the work.
        connection.execute_batch("BEGIN")?;
        let answer = work(&connection);
        connection.execute_batch("ROLLBACK")?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS_KEPT_MAX {
            readers.push(connection);
        }
        answer
    }
}

impl Drop for MetadataDb {
    fn drop(&mut self) {
        self.writes = None; // the writer ends after what waits
        if let Some(writer) = self.writer.take() {
            let _ = writer.join(); // a panic there was reported to the caller that waited
        }
    }
}

/// Runs one write so that its failure undoes it alone.
fn in_savepoint<T, E>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    answer: SyncSender<std::result::Result<T, E>>,
) -> Answer
where
    T: Send + 'static,
    E: From<rusqlite::Error> + Send + 'static,
{
    let begun = connection.execute_batch("SAVEPOINT one");
    let mut outcome = begun.map_err(E::from).and_then(|()| work(connection));
    let ended = match outcome {
        Ok(_) => connection.execute_batch("RELEASE one"),
        Err(_) => connection.execute_batch("ROLLBACK TO one; RELEASE one"),
    };
    if let (Ok(_), Err(error)) = (&outcome, ended) {
        outcome = Err(error.into());
    }
    Box::new(move || {
        let _ = answer.send(outcome); // the caller may have gone; its write stands
    })
}

fn write_in_batches(connection: &Connection, waiting: &Receiver<Write>) {
    while let Ok(first) = waiting.recv() {
        let batch = std::iter::once(first)
            .chain(waiting.try_iter())
            .take(BATCH_WRITES_MAX)
            .collect();
        // Without a commit the answers are dropped, which tells every caller `NotCommitted`.
        if let Err(error) = commit(connection, batch) {
            tracing::error!(%error, "a batch of writes was not committed");
            let _ = connection.execute_batch("ROLLBACK"); // none open is fine too
        }
    }
    let _ = connection.execute_batch("PRAGMA optimize"); // advice for the next start only
}

fn commit(connection: &Connection, batch: Vec<Write>) -> Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut folders = BTreeSet::new();
    let mut answers = Vec::with_capacity(batch.len());
    for write in batch {
        answers.push((write.run)(connection));
        folders.extend(write.folder);
    }
    // A full disk makes SQLite abandon the transaction by itself.
    if connection.is_autocommit() {
        return Err(Error::NotCommitted);
    }
    for folder in folders {
        sync_dir(&folder)?;
    }
    connection.execute_batch("COMMIT")?;
    for answer in answers {
        answer();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn metadata(dir: &tempfile::TempDir) -> MetadataDb {
        MetadataDb::open(&dir.path().join("ledger.db")).expect("opens")
    }

    fn add(metadata: &MetadataDb, name: String) -> Result<usize> {
        metadata.write(move |db| {
            Ok(db.execute(
                "INSERT INTO buckets (name, created_ms) VALUES (?1, 0)",
                [name],
            )?)
        })
    }

    fn count(metadata: &MetadataDb) -> i64 {
        metadata
            .read(|db| -> Result<i64> {
                Ok(db.query_row("SELECT count(*) FROM buckets", [], |row| row.get(0))?)
            })
            .expect("reads")
    }

    #[test]
    fn a_failed_write_undoes_itself_and_no_other() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let metadata = Arc::new(metadata(&dir));
        let writers: Vec<_> = (0..64)
            .map(|n| {
                let metadata = metadata.clone();
                std::thread::spawn(move || add(&metadata, format!("b{}", n / 2)).is_ok())
            })
            .collect();
        let accepted = writers
            .into_iter()
            .filter_map(|w| w.join().ok())
            .filter(|ok| *ok)
            .count();
        assert_eq!((accepted, count(&metadata)), (32, 32));
    }

    #[test]
    fn a_closed_database_holds_what_was_acknowledged() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let first = metadata(&dir);
        add(&first, "b".into()).expect("stored");
        drop(first);
        assert_eq!(count(&metadata(&dir)), 1);
    }

    #[test]
    fn a_database_of_a_later_layout_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        drop(metadata(&dir));
        let file = Connection::open(dir.path().join("ledger.db")).expect("opens");
        file.pragma_update(None, "user_version", LAYOUT + 1)
            .expect("set");
        drop(file);
        let refused = MetadataDb::open(&dir.path().join("ledger.db"));
        assert!(matches!(refused, Err(Error::FolderNewer { .. })));
    }
}
