//! What the S3 server does, as verbs on contents and rows. All of it blocks: call it off the async
//! threads.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use s3s::S3ErrorCode;
use s3s::dto::ETagCondition;

use crate::blobs::{Blobs, ContentId, Placed};
use crate::error::{Error, Result};
use crate::events::{self, Cause};
use crate::folder::Folder;
use crate::ledger::Ledger;
use crate::queue::{self, Doorbells};
use crate::refused::Refused;
use crate::versions::{self, Headers, NewVersion, Version};

/// Tells the time of new objects.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Contents, rows, and the bells that ring when rows for others were written.
pub(crate) struct Store {
    pub(crate) doorbells: Doorbells,
    pub(crate) blobs: Blobs,
    pub(crate) ledger: Ledger,
    clock: Clock,
    /// Keeps other processes out; let go last.
    _folder: Arc<Folder>,
}

/// What must hold of the newest version for a write to happen.
#[derive(Default, Clone)]
pub(crate) struct Condition {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
}

/// A key of a bucket.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl Store {
    pub(crate) fn open(folder: Arc<Folder>, clock: Clock) -> Result<Self> {
        let ledger = Ledger::open(&folder.ledger())?;
        ledger.write(|db| Ok::<_, Error>(queue::free_cut_off(db)?))?;
        let blobs = Blobs::open(&folder)?;
        Ok(Self {
            doorbells: Doorbells::default(),
            blobs,
            ledger,
            clock,
            _folder: folder,
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Makes a bucket that is not there yet.
    pub(crate) fn create_bucket(&self, name: String) -> Result<()> {
        let created_ms = self.now().as_millisecond();
        self.ledger.write(move |db| {
            db.execute(
                "INSERT OR IGNORE INTO buckets VALUES (?1, ?2)",
                params![name, created_ms],
            )?;
            Ok(())
        })
    }

    /// From now on a queue hears of new objects under a prefix of a bucket.
    ///
    /// # Errors
    /// [`Error::Missing`] for the bucket.
    pub(crate) fn notify(&self, bucket: String, prefix: String, queue: String) -> Result<()> {
        self.ledger.write(move |db| {
            let there: bool = db.query_row(
                "SELECT EXISTS (SELECT 1 FROM buckets WHERE name = ?1)",
                [&bucket],
                |row| row.get(0),
            )?;
            if !there {
                return Err(Error::Missing("bucket"));
            }
            db.execute(
                "INSERT OR IGNORE INTO notifications VALUES (?1, ?2, ?3)",
                params![bucket, prefix.as_bytes(), queue],
            )?;
            Ok(())
        })
    }

    /// Adds a version whose content has arrived, with its events, if the condition holds: one
    /// transaction.
    ///
    /// # Errors
    /// `PreconditionFailed`, `NoSuchKey` (`If-Match` on nothing), `NoSuchBucket`.
    pub(crate) fn put(
        &self,
        place: Place,
        placed: Placed,
        what: (String, Headers),
        how: (Condition, Cause),
    ) -> Result<Version, Refused> {
        Ok(self.put_and(place, placed, what, how, |_| Ok(()))?.0)
    }

    /// As [`Self::put`], with `also` in the same transaction.
    pub(crate) fn put_and<T: Send + 'static>(
        &self,
        place: Place,
        placed: Placed,
        (etag, headers): (String, Headers),
        (condition, cause): (Condition, Cause),
        also: impl FnOnce(&Connection) -> Result<T, Refused> + Send + 'static,
    ) -> Result<(Version, T), Refused> {
        let new = NewVersion {
            bucket: place.bucket,
            key: place.key,
            content: Some(placed.content),
            size_bytes: placed.size_bytes,
            etag,
            headers,
            now: self.now(),
        };
        let content = placed.content;
        let written = self.ledger.write_after(Some(placed.folder), move |db| {
            let also = also(db)?;
            let (version, queues) = add_checked(db, &new, &condition, cause)?;
            Ok::<_, Refused>((version, queues, also))
        });
        drop(placed.pin); // the row holds it now, or nothing does
        if matches!(written, Err(Refused::Client(_))) {
            self.collect(&content)?;
        }
        let (version, queues, also) = written?;
        queues.iter().for_each(|queue| self.doorbells.ring(queue));
        Ok((version, also))
    }

    /// The newest version of a key or the named one, a delete marker too.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`.
    pub(crate) fn find(&self, place: &Place, id: Option<&str>) -> Result<Version, Refused> {
        self.ledger.read(|db| {
            versions::require_bucket(db, &place.bucket)?;
            let (found, absent) = match id {
                None => {
                    let found = versions::latest(db, &place.bucket, &place.key)?;
                    (found, S3ErrorCode::NoSuchKey)
                }
                Some(id) => {
                    let found = versions::by_id(db, &place.bucket, &place.key, id)?;
                    (found, S3ErrorCode::NoSuchVersion)
                }
            };
            found.ok_or(Refused::Client(absent))
        })
    }

    /// Deletes keys, by a delete marker on top, and versions, for good, in one transaction. A
    /// version's content goes with it if nothing else has it. What does not exist is deleted too.
    ///
    /// # Errors
    /// `NoSuchBucket`; for each key `PreconditionFailed`.
    pub(crate) fn delete(
        &self,
        bucket: String,
        doomed: Vec<Doomed>,
    ) -> Result<Vec<Result<Option<Version>, S3ErrorCode>>, Refused> {
        let now = self.now();
        let answers = self.ledger.write(move |db| {
            versions::require_bucket(db, &bucket)?;
            let each = doomed
                .into_iter()
                .map(|one| delete_one(db, &bucket, one, now));
            each.map(client_fault).collect::<Result<Vec<_>, Refused>>()
        })?;
        let removed = answers
            .iter()
            .filter_map(|answer| answer.as_ref().ok()?.as_ref());
        for content in removed.filter_map(|version| version.content) {
            self.collect(&content)?;
        }
        Ok(answers)
    }

    /// Removes for good all versions of a bucket's keys under a prefix that are older than
    /// `before`, with what they alone contained. Says how many versions went.
    pub(crate) fn expire(&self, bucket: String, prefix: &str, before: Timestamp) -> Result<u64> {
        let (from, to) = (prefix.as_bytes().to_vec(), after_all(prefix.as_bytes()));
        let old = self
            .ledger
            .read(|db| old_versions(db, &bucket, (from, to), before))?;
        let mut contents = BTreeSet::new();
        for few in old.chunks(EXPIRE_BATCH_MAX) {
            let (bucket, few) = (bucket.clone(), few.to_vec());
            contents.extend(
                self.ledger
                    .write(move |db| remove_each(db, &bucket, &few))?,
            );
        }
        for content in &contents {
            self.collect(content)?;
        }
        Ok(old.len() as u64)
    }

    /// Removes a content that no row refers to. Says whether it went.
    pub(crate) fn collect(&self, content: &ContentId) -> Result<bool> {
        self.blobs.collect(content, || {
            self.ledger
                .read(|db| Ok::<_, Error>(versions::refers_to(db, content)?))
        })
    }

    /// Removes every content that no row refers to: left by puts that a crash cut off, or by
    /// removals whose second half it cut off. Says how many went.
    pub(crate) fn collect_all(&self) -> Result<u64> {
        let mut gone = 0;
        for content in self.blobs.contents()? {
            gone += u64::from(self.collect(&content)?);
        }
        Ok(gone)
    }
}

/// A key to be deleted, or one version of it.
pub(crate) struct Doomed {
    pub(crate) key: String,
    pub(crate) version_id: Option<String>,
    pub(crate) condition: Condition,
}

/// The delete marker that was added, or the version that was removed, if it existed.
fn delete_one(
    db: &Connection,
    bucket: &str,
    doomed: Doomed,
    now: Timestamp,
) -> Result<Option<Version>, Refused> {
    if let Some(id) = &doomed.version_id {
        return Ok(versions::remove(db, bucket, &doomed.key, id)?);
    }
    doomed
        .condition
        .check(versions::latest(db, bucket, &doomed.key)?.as_ref())?;
    let marker = NewVersion {
        bucket: bucket.to_owned(),
        key: doomed.key,
        content: None,
        size_bytes: 0,
        etag: String::new(),
        headers: Headers::new(),
        now,
    };
    versions::add(db, &marker).map(Some)
}

/// Splits what one of many clients' wishes met from what ends them all.
fn client_fault<T>(outcome: Result<T, Refused>) -> Result<Result<T, S3ErrorCode>, Refused> {
    match outcome {
        Ok(done) => Ok(Ok(done)),
        Err(Refused::Client(code)) => Ok(Err(code)),
        Err(ours) => Err(ours),
    }
}

/// Versions that one transaction of an expiry removes, so that puts are not kept waiting.
const EXPIRE_BATCH_MAX: usize = 500;

fn old_versions(
    db: &Connection,
    bucket: &str,
    (from, to): (Vec<u8>, Option<Vec<u8>>),
    before: Timestamp,
) -> Result<Vec<(String, String)>> {
    let mut old = db.prepare_cached(
        "SELECT key, version_id FROM versions
         WHERE bucket = ?1 AND key >= ?2 AND (?3 IS NULL OR key < ?3) AND modified_ms < ?4",
    )?;
    let found = old.query_map(params![bucket, from, to, before.as_millisecond()], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?))
    })?;
    found
        .map(|row| {
            let (key, id) = row?;
            let key = String::from_utf8(key).map_err(|_| Error::Damaged("a key is not UTF-8"))?;
            Ok((key, id))
        })
        .collect()
}

fn remove_each(
    db: &Connection,
    bucket: &str,
    versions: &[(String, String)],
) -> Result<Vec<ContentId>> {
    let mut contents = Vec::new();
    for (key, id) in versions {
        let removed = versions::remove(db, bucket, key, id)?;
        contents.extend(removed.and_then(|version| version.content));
    }
    Ok(contents)
}

/// The transaction of a put: condition, version, events.
fn add_checked(
    db: &Connection,
    new: &NewVersion,
    condition: &Condition,
    cause: Cause,
) -> Result<(Version, Vec<String>), Refused> {
    versions::require_bucket(db, &new.bucket)?;
    condition.check(versions::latest(db, &new.bucket, &new.key)?.as_ref())?;
    let version = versions::add(db, new)?;
    let queues = events::enqueue(db, &new.bucket, &version, cause)?;
    Ok((version, queues))
}

impl Condition {
    /// Holds the condition against the newest version. A delete marker is no object.
    ///
    /// # Errors
    /// `NoSuchKey` for `If-Match` on nothing, `PreconditionFailed`.
    pub(crate) fn check(&self, newest: Option<&Version>) -> Result<(), S3ErrorCode> {
        let etag = newest
            .filter(|v| v.content.is_some())
            .map(|v| v.etag.as_str());
        if let Some(wanted) = &self.if_match {
            let etag = etag.ok_or(S3ErrorCode::NoSuchKey)?;
            if !names(wanted, etag) {
                return Err(S3ErrorCode::PreconditionFailed);
            }
        }
        match (&self.if_none_match, etag) {
            (Some(unwanted), Some(etag)) if names(unwanted, etag) => {
                Err(S3ErrorCode::PreconditionFailed)
            }
            _ => Ok(()),
        }
    }
}

/// Whether a condition names an entity tag.
pub(crate) fn names(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(named) => named.value() == etag,
    }
}

/// The first byte string after all that start with `prefix`; none if there is no such.
pub(crate) fn after_all(prefix: &[u8]) -> Option<Vec<u8>> {
    let keep = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut next = prefix.get(..=keep)?.to_vec();
    *next.last_mut()? += 1;
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_behind_all_its_keys() {
        for (prefix, end) in [
            (&b"a/"[..], Some(&b"a0"[..])),
            (b"", None),
            (b"a\xff\xff", Some(b"b")),
            (b"\xff", None),
        ] {
            assert_eq!(after_all(prefix).as_deref(), end);
        }
    }
}
