//! Object versions as rows: found, added, removed, always inside a transaction of the metadata database.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use s3s::S3ErrorCode;

use crate::blobs::ContentId;
use crate::error::Error;
use crate::folder::random;
use crate::refused::Refused;

/// What is kept of an object in addition to its content: HTTP header names, in lower case, to values.
pub(crate) type Headers = BTreeMap<String, String>;

/// One version of an object.
#[derive(Clone)]
pub(crate) struct Version {
    /// Grows with every version in the folder.
    pub(crate) seq: i64,
    pub(crate) key: String,
    pub(crate) version_id: String,
    pub(crate) latest: bool,
    /// None for a delete marker.
    pub(crate) content: Option<ContentId>,
    pub(crate) size_bytes: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) headers: Headers,
    /// Whole milliseconds.
    pub(crate) modified: Timestamp,
}

/// A version to be added.
pub(crate) struct NewVersion {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) content: Option<ContentId>,
    pub(crate) size_bytes: u64,
    pub(crate) etag: String,
    pub(crate) headers: Headers,
    pub(crate) now: Timestamp,
}

const COLUMNS: &str = "seq, key, version_id, latest, sha256, size, etag, headers, modified_ms";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Version> {
    let text = |column: usize, bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|error| wrong(column, error))
    };
    let headers: String = row.get(7)?;
    Ok(Version {
        seq: row.get(0)?,
        key: text(1, row.get(1)?)?,
        version_id: row.get(2)?,
        latest: row.get(3)?,
        content: row.get(4)?,
        size_bytes: row.get(5)?,
        etag: row.get(6)?,
        headers: serde_json::from_str(&headers).map_err(|error| wrong(7, error))?,
        modified: from_ms(row.get(8)?).map_err(|error| wrong(8, error))?,
    })
}

/// A column whose value this build could not have written.
fn wrong(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

pub(crate) fn from_ms(ms: i64) -> Result<Timestamp, jiff::Error> {
    Timestamp::from_millisecond(ms)
}

/// The newest version of a key, a delete marker too.
pub(crate) fn latest(
    db: &Connection,
    bucket: &str,
    key: &str,
) -> rusqlite::Result<Option<Version>> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM versions WHERE bucket = ?1 AND key = ?2 AND latest = 1"
    ))?
    .query_row(params![bucket, key.as_bytes()], from_row)
    .optional()
}

/// One version of a key by its id.
pub(crate) fn by_id(
    db: &Connection,
    bucket: &str,
    key: &str,
    version_id: &str,
) -> rusqlite::Result<Option<Version>> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM versions WHERE version_id = ?3 AND bucket = ?1 AND key = ?2"
    ))?
    .query_row(params![bucket, key.as_bytes(), version_id], from_row)
    .optional()
}

/// Where a walk through the versions of a bucket goes on: with the versions of `key` below `seq`,
/// then with the keys behind.
pub(crate) struct Cursor {
    pub(crate) key: Vec<u8>,
    pub(crate) seq: i64,
}

impl Cursor {
    /// Starts with a key, or where it would be.
    pub(crate) fn at(key: Vec<u8>) -> Self {
        Self { key, seq: i64::MAX }
    }

    /// Starts behind a key.
    pub(crate) fn behind(key: &str) -> Self {
        Self {
            key: key.into(),
            seq: 0,
        } // every seq is greater
    }
}

/// Walks through the versions of a bucket from a cursor up to a key, by key and then newest first,
/// until `visit` breaks; hands back what it broke with. `all` includes old versions and delete
/// markers.
pub(crate) fn scan<B>(
    db: &Connection,
    bucket: &str,
    (from, to): (&Cursor, Option<&[u8]>),
    all: bool,
    mut visit: impl FnMut(Version) -> ControlFlow<B>,
) -> rusqlite::Result<Option<B>> {
    let which = if all {
        ""
    } else {
        "AND latest = 1 AND sha256 IS NOT NULL"
    };
    let end = if to.is_some() {
        "AND key < ?4"
    } else {
        "AND ?4 IS NULL"
    };
    let mut walk = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM versions
         WHERE bucket = ?1 AND key >= ?2 AND (key > ?2 OR seq < ?3) {end} {which}
         ORDER BY key, seq DESC"
    ))?;
    let mut rows = walk.query(params![bucket, from.key, from.seq, to])?;
    while let Some(row) = rows.next()? {
        if let ControlFlow::Break(with) = visit(from_row(row)?) {
            return Ok(Some(with));
        }
    }
    Ok(None)
}

/// The seq that a version id starts with.
pub(crate) fn seq_of(version_id: &str) -> Option<i64> {
    i64::from_str_radix(version_id.get(..16)?, 16).ok()
}

/// Adds a version and makes it the newest of its key.
///
/// # Errors
/// `NoSuchBucket`.
pub(crate) fn add(db: &Connection, new: &NewVersion) -> Result<Version, Refused> {
    require_bucket(db, &new.bucket)?;
    let seq: i64 = db
        .prepare_cached(
            "SELECT 1 + coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'versions'",
        )?
        .query_row([], |row| row.get(0))?;
    // Starts with the seq, so that a listing can go on behind a version that is gone by then.
    let version_id = format!("{seq:016x}{}", hex::encode(random::<8>()));
    let headers = serde_json::to_string(&new.headers).map_err(|_| NOT_TEXT)?;
    let key = new.key.as_bytes();
    let modified_ms = new.now.as_millisecond();
    db.prepare_cached(
        "UPDATE versions SET latest = 0 WHERE bucket = ?1 AND key = ?2 AND latest = 1",
    )?
    .execute(params![new.bucket, key])?;
    db.prepare_cached(
        "INSERT INTO versions
             (bucket, key, version_id, latest, sha256, size, etag, headers, modified_ms, seq)
         VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        new.bucket,
        key,
        version_id,
        new.content,
        new.size_bytes,
        new.etag,
        headers,
        modified_ms,
        seq
    ])?;
    Ok(Version {
        seq,
        key: new.key.clone(),
        version_id,
        latest: true,
        content: new.content,
        size_bytes: new.size_bytes,
        etag: new.etag.clone(),
        headers: new.headers.clone(),
        modified: from_ms(modified_ms).unwrap_or(new.now),
    })
}

/// Removes one version for good; the one before it becomes the newest.
pub(crate) fn remove(
    db: &Connection,
    bucket: &str,
    key: &str,
    version_id: &str,
) -> rusqlite::Result<Option<Version>> {
    let Some(version) = by_id(db, bucket, key, version_id)? else {
        return Ok(None);
    };
    db.prepare_cached("DELETE FROM versions WHERE seq = ?1")?
        .execute([version.seq])?;
    if version.latest {
        db.prepare_cached(
            "UPDATE versions SET latest = 1 WHERE seq =
                 (SELECT max(seq) FROM versions WHERE bucket = ?1 AND key = ?2)",
        )?
        .execute(params![bucket, key.as_bytes()])?;
    }
    Ok(Some(version))
}

/// Whether a row refers to a content.
pub(crate) fn refers_to(db: &Connection, content: &ContentId) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM versions WHERE sha256 = ?1)
             OR EXISTS (SELECT 1 FROM parts WHERE sha256 = ?1)",
    )?
    .query_row([content], |row| row.get(0))
}

/// # Errors
/// `NoSuchBucket`.
pub(crate) fn require_bucket(db: &Connection, bucket: &str) -> Result<(), Refused> {
    let found: bool = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM buckets WHERE name = ?1)")?
        .query_row([bucket], |row| row.get(0))?;
    if found {
        Ok(())
    } else {
        Err(S3ErrorCode::NoSuchBucket.into())
    }
}

pub(crate) const NOT_TEXT: Error = Error::Damaged("headers cannot be written as JSON");
