//! Looking at a data folder without changing anything in it: the databases are copied aside and opened
//! there, contents are read where they lie. Works on a backup that cannot be written to, and on what a
//! kill left.

use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use embedded::Embedded;
use tempfile::TempDir;

use console::outcome::{Failure, Result};

/// What every SQLite database begins with.
const DATABASE: &[u8] = b"SQLite format 3\0";

/// The databases without which a folder is no data folder.
const DATABASES: [&str; 2] = ["ledger.db", "tables.db"];

/// Files that are copied: databases, and what SQLite has not written into them yet.
const COPIED: [&str; 2] = [".db", ".db-wal"];

/// A data folder that is looked at.
pub struct Inspection {
    /// The servers on its copy. Whatever is written to them goes with it.
    pub embedded: Embedded,
    _aside: TempDir,
    /// Keeps `homeward serve` from starting on the folder until then.
    _lock: Option<File>,
}

/// A folder that can be looked at, or one on which a system runs that is to be asked.
pub enum Inspected {
    /// It is copied aside.
    At(Box<Inspection>),
    /// A `homeward serve` has it.
    Taken,
}

/// Looks at a data folder.
///
/// # Errors
/// A folder that is none of `homeward serve` is the input's fault.
pub fn inspect(data: &Path) -> Result<Inspected> {
    check(data)?;
    let lock = match lock(data)? {
        Lock::Taken => return Ok(Inspected::Taken),
        Lock::Held(file) => Some(file),
        Lock::None => None,
    };
    let aside =
        copy(data).context("copying the databases aside, into the folder for temporary files")?;
    let embedded = Embedded::open(aside.path()).map_err(|error| {
        Failure::input(error, "the data folder is damaged, or of a newer homeward")
    })?;
    Ok(Inspected::At(Box::new(Inspection {
        embedded,
        _aside: aside,
        _lock: lock,
    })))
}

/// Refuses what is no data folder, and changes nothing.
///
/// # Errors
/// The input's fault.
pub fn check(data: &Path) -> Result<()> {
    const HINT: &str = "give --data the folder that homeward serve uses";
    if !data.is_dir() {
        return Err(Failure::input("there is no such data folder", HINT));
    }
    for name in DATABASES {
        if !is_database(&data.join(name))? {
            let what = format!("this is no data folder of homeward serve: it has no {name}");
            return Err(Failure::input(what, HINT));
        }
    }
    Ok(())
}

fn is_database(path: &Path) -> Result<bool> {
    let mut begin = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(DATABASE.len() as u64).read_to_end(&mut begin)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    Ok(begin == DATABASE)
}

enum Lock {
    Held(File),
    Taken,
    /// A backup may be without the file.
    None,
}

fn lock(data: &Path) -> Result<Lock> {
    let file = match File::open(data.join("lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Lock::None),
        Err(error) => return Err(error.into()),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Lock::Held(file)),
        Err(TryLockError::WouldBlock) => Ok(Lock::Taken),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// A folder that only its owner may read, with copies of the databases, and with the contents where
/// they lie. It goes when it is dropped.
fn copy(data: &Path) -> anyhow::Result<TempDir> {
    let aside = tempfile::Builder::new()
        .prefix("homeward-look-")
        .tempdir()?;
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_copied = COPIED
            .iter()
            .any(|end| name.to_string_lossy().ends_with(end));
        if is_copied && entry.file_type()?.is_file() {
            copy_file(&entry.path(), &aside.path().join(name))?;
        }
    }
    let prefixes = aside.path().join("blobs");
    fs::create_dir(&prefixes)?;
    for first in 0..=u8::MAX {
        let name = hex::encode([first]);
        let prefix = fs::canonicalize(data.join("blobs").join(&name));
        match prefix {
            Ok(prefix) => std::os::unix::fs::symlink(prefix, prefixes.join(name))?,
            // A backup may be without empty folders.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                fs::create_dir(prefixes.join(name))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(aside)
}

/// With the usual rights: those of a backup may forbid writing.
fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    std::io::copy(&mut from, &mut to).map(drop)
}
