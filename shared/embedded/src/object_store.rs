//! What the S3 server does, as verbs on contents and rows. All of it blocks: call it off the async
//! threads.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use s3s::S3ErrorCode;
use s3s::dto::ETagCondition;

use crate::blobs::{Blobs, StoredBlob};
use crate::error::{Error, Result};
use crate::events::{self, Cause};
use crate::folder::Folder;
use crate::metadata_db::MetadataDb;
use crate::queue;
use crate::refused::Refused;
use crate::streams;
use crate::versions::{self, Headers, NewVersion, Version};
use crate::wakeups::Wakeups;

/// Tells the time of new objects.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Contents, rows, and the bells that ring when rows for others were written.
pub(crate) struct ObjectStore {
    pub(crate) wakeups: Wakeups,
    pub(crate) blobs: Blobs,
    pub(crate) metadata: MetadataDb,
    /// Checkpoints and dead letters of the tables' streams: how often they are written depends on
    /// who is searched for, and a put waits for the metadata database.
    pub(crate) streams: MetadataDb,
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
pub(crate) struct ObjectAddress {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl ObjectStore {
    pub(crate) fn open(folder: Arc<Folder>, clock: Clock) -> Result<Self> {
        let metadata = MetadataDb::open(&folder.metadata())?;
        let streams = MetadataDb::open(&folder.streams())?;
        streams::move_out(&metadata, &streams)?;
        for metadata in [&metadata, &streams] {
            metadata.write(|db| Ok::<_, Error>(queue::free_cut_off(db)?))?;
        }
        let blobs = Blobs::open(&folder)?;
        Ok(Self {
            wakeups: Wakeups::default(),
            blobs,
            metadata,
            streams,
            clock,
            _folder: folder,
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The metadata database that holds a queue.
    pub(crate) fn metadata_of(&self, queue: &str) -> &MetadataDb {
        match streams::is_dead_letter_queue(queue) {
            true => &self.streams,
            false => &self.metadata,
        }
    }

    /// Every queue that holds anything, by name.
    pub(crate) fn depths(&self, now: Timestamp) -> Result<Vec<queue::Depth>> {
        let mut depths = self.metadata.read(|db| queue::depths(db, now))?;
        depths.extend(self.streams.read(|db| queue::depths(db, now))?);
        depths.sort_by(|a, b| a.queue.cmp(&b.queue));
        Ok(depths)
    }

    /// Makes a bucket that is not there yet.
    pub(crate) fn create_bucket(&self, name: String) -> Result<()> {
        let created_ms = self.now().as_millisecond();
        self.metadata.write(move |db| {
            db.execute(
                "INSERT OR IGNORE INTO buckets VALUES (?1, ?2)",
                params![name, created_ms],
            )?;
            Ok(())
        })
    }

    /// From now on a queue hears of new objects under a prefix of a bucket, or of removed ones.
    ///
    /// # Errors
    /// [`Error::Missing`] for the bucket, and for a queue that lies in the streams' metadata database.
    pub(crate) fn notify(
        &self,
        bucket: String,
        prefix: String,
        queue: String,
        of: Cause,
    ) -> Result<()> {
        if streams::is_dead_letter_queue(&queue) {
            return Err(Error::Missing("queue for objects: its name holds a dot"));
        }
        self.metadata.write(move |db| {
            let there: bool = db.query_row(
                "SELECT EXISTS (SELECT 1 FROM buckets WHERE name = ?1)",
                [&bucket],
                |row| row.get(0),
            )?;
            if !there {
                return Err(Error::Missing("bucket"));
            }
            let table = of.heard_by();
            db.execute(
                &format!("INSERT OR IGNORE INTO {table} VALUES (?1, ?2, ?3)"),
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
        place: ObjectAddress,
        blob: StoredBlob,
        what: (String, Headers),
        how: (Condition, Cause),
    ) -> Result<Version, Refused> {
        Ok(self.put_and(place, blob, what, how, |_| Ok(()))?.0)
    }

    /// As [`Self::put`], with `also` in the same transaction.
    pub(crate) fn put_and<T: Send + 'static>(
        &self,
        place: ObjectAddress,
        blob: StoredBlob,
        (etag, headers): (String, Headers),
        (condition, cause): (Condition, Cause),
        also: impl FnOnce(&Connection) -> Result<T, Refused> + Send + 'static,
    ) -> Result<(Version, T), Refused> {
        let new = NewVersion {
            bucket: place.bucket,
            key: place.key,
            content: Some(blob.content),
            size_bytes: blob.size_bytes,
            etag,
            headers,
            now: self.now(),
        };
        let content = blob.content;
        let written = self.metadata.write_after(Some(blob.folder), move |db| {
            let also = also(db)?;
            let (version, queues) = add_checked(db, &new, &condition, cause)?;
            Ok::<_, Refused>((version, queues, also))
        });
        drop(blob.guard); // the row holds it now, or nothing does
        if matches!(written, Err(Refused::Client(_))) {
            self.collect(&content)?;
        }
        let (version, queues, also) = written?;
        queues.iter().for_each(|queue| self.wakeups.wake(queue));
        Ok((version, also))
    }

    /// The newest version of a key or the named one, a delete marker too.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`.
    pub(crate) fn find(&self, place: &ObjectAddress, id: Option<&str>) -> Result<Version, Refused> {
        self.metadata.read(|db| {
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
    let queues = events::enqueue(db, &new.bucket, &version, cause, version.modified)?;
    Ok((version, queues))
}

impl Condition {
    /// Checks the condition against the newest version. A delete marker is no object.
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
