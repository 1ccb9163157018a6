//! Moves tables out of the one file that a data folder had before.

use std::fs::{self, File};
use std::path::Path;

use dynoxide::Database;
use dynoxide::actions::delete_table::DeleteTableRequest;
use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::folder::sync_dir;

/// Moves the tables of these names from the file `from` into the file `to`, with their streams. A
/// crash at any point leaves them whole in one of the two, and the next call goes on.
pub(super) fn move_out(from: &Path, to: &Path, names: &[&str]) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    let there = tables(from)?;
    let moving = there.iter().any(|name| names.contains(&name.as_str()));
    if !moving {
        return Ok(());
    }
    if !to.exists() {
        copy(from, to, names)?;
    }
    let done = keep(from, |name| !names.contains(&name))?;
    tracing::info!(tables = done, "tables were moved into a file of their own");
    Ok(())
}

/// Copies the whole file, and throws out of the copy what is not moved. It gets its name when it
/// is whole and durable.
fn copy(from: &Path, to: &Path, names: &[&str]) -> Result<()> {
    let half = to.with_extension("new");
    if half.exists() {
        fs::remove_file(&half)?;
    }
    let path = half
        .to_str()
        .ok_or(Error::Damaged("the folder's path is no text"))?;
    Connection::open(from)?.execute("VACUUM INTO ?1", [path])?;
    keep(&half, |name| names.contains(&name))?;
    // Closes the log into the file: only one file is renamed.
    Connection::open(&half)?.pragma_update(None, "journal_mode", "DELETE")?;
    File::open(&half)?.sync_all()?;
    fs::rename(&half, to)?;
    sync_dir(to.parent().unwrap_or(Path::new(".")))?;
    Ok(())
}

/// Deletes the tables that are not to stay; says how many.
fn keep(path: &Path, stays: impl Fn(&str) -> bool) -> Result<usize> {
    let database = open(path)?;
    let mut deleted = 0;
    for table_name in tables(path)?.into_iter().filter(|name| !stays(name)) {
        database.delete_table(DeleteTableRequest { table_name })?;
        deleted += 1;
    }
    Ok(deleted)
}

fn tables(path: &Path) -> Result<Vec<String>> {
    Ok(open(path)?.list_tables(Default::default())?.table_names)
}

fn open(path: &Path) -> Result<Database> {
    let path = path
        .to_str()
        .ok_or(Error::Damaged("the folder's path is no text"))?;
    Ok(Database::new(path)?)
}
