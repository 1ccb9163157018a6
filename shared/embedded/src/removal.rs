//! What leaves: deleted keys, removed versions, expired ones, and contents that nothing has.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use s3s::S3ErrorCode;

use crate::blobs::ContentId;
use crate::error::{Error, Result};
use crate::events::{self, Cause};
use crate::object_store::{Condition, ObjectStore, after_all};
use crate::refused::Refused;
use crate::versions::{self, Headers, NewVersion, Version};

impl ObjectStore {
    /// Deletes keys, by a delete marker on top, and versions, for good, in one transaction. A
    /// version's content goes with it if nothing else has it. What does not exist is deleted too.
    ///
    /// # Errors
    /// `NoSuchBucket`; for each key `PreconditionFailed`.
    pub(crate) fn delete(
        &self,
        bucket: String,
        to_delete: Vec<ToDelete>,
    ) -> Result<Vec<Result<Option<Version>, S3ErrorCode>>, Refused> {
        let now = self.now();
        let answers = self.metadata.write(move |db| {
            versions::require_bucket(db, &bucket)?;
            let mut queues = BTreeSet::new();
            let each = to_delete
                .into_iter()
                .map(|one| delete_one(db, &bucket, one, now, &mut queues));
            let answers = each
                .map(client_fault)
                .collect::<Result<Vec<_>, Refused>>()?;
            Ok::<_, Refused>((answers, queues))
        })?;
        let (answers, queues) = answers;
        queues.iter().for_each(|queue| self.wakeups.wake(queue));
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
            .metadata
            .read(|db| old_versions(db, &bucket, (from, to), before))?;
        let mut contents = BTreeSet::new();
        for few in old.chunks(EXPIRE_BATCH_MAX) {
            let (bucket, few) = (bucket.clone(), few.to_vec());
            contents.extend(
                self.metadata
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
            self.metadata
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
pub(crate) struct ToDelete {
    pub(crate) key: String,
    pub(crate) version_id: Option<String>,
    pub(crate) condition: Condition,
}

/// The delete marker that was added, or the version that was removed, if it existed. Its event goes
/// to `queues`, which are to be woken.
fn delete_one(
    db: &Connection,
    bucket: &str,
    to_delete: ToDelete,
    now: Timestamp,
    queues: &mut BTreeSet<String>,
) -> Result<Option<Version>, Refused> {
    if let Some(id) = &to_delete.version_id {
        let removed = versions::remove(db, bucket, &to_delete.key, id)?;
        if let Some(version) = &removed {
            queues.extend(events::enqueue(db, bucket, version, Cause::Delete, now)?);
        }
        return Ok(removed);
    }
    to_delete
        .condition
        .check(versions::latest(db, bucket, &to_delete.key)?.as_ref())?;
    let marker = NewVersion {
        bucket: bucket.to_owned(),
        key: to_delete.key,
        content: None,
        size_bytes: 0,
        etag: String::new(),
        headers: Headers::new(),
        now,
    };
    let marker = versions::add(db, &marker)?;
    let told = events::enqueue(db, bucket, &marker, Cause::DeleteMarker, now)?;
    queues.extend(told);
    Ok(Some(marker))
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
