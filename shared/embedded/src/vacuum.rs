//! Leaving nothing of what was deleted: SQLite keeps deleted rows in free pages and in its log until
//! they are written over.

use rusqlite::Connection;

use crate::Embedded;
use crate::error::{Result, blocking};

/// How long a rewrite waits for others to finish their statements, in milliseconds.
const BUSY_MS: u64 = 30_000;

impl Embedded {
    /// Rewrites all databases without their free pages, empties their logs, and removes contents
    /// that no object has. Writers wait during that, for about a second a gigabyte. Safe at any time.
    /// Says how many databases there are.
    ///
    /// # Errors
    /// Failures of the disk, and [`crate::Error::Database`] if others were at work for too long:
    /// then it may be repeated.
    pub async fn vacuum(&self) -> Result<u64> {
        let (store, tables) = (self.store.clone(), self.tables.clone());
        blocking(move || {
            let mut databases = tables.connect_all()?;
            for metadata in [&store.metadata, &store.streams] {
                databases.push(Connection::open(metadata.path())?);
            }
            databases.iter().try_for_each(rewrite)?;
            store.collect_all()?;
            Ok(databases.len() as u64)
        })
        .await
    }
}

fn rewrite(database: &Connection) -> Result<()> {
    database.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    database.execute_batch("VACUUM")?;
    // Busy readers leave the log as it is; the first column of the answer says so.
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy: i64 = database.query_row(checkpoint, [], |row| row.get(0))?;
    if busy == 0 {
        return Ok(());
    }
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    Err(rusqlite::Error::SqliteFailure(code, None).into())
}
