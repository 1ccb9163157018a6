//! Multipart uploads: parts are contents of their own until the upload is completed, when they are
//! copied into one.

use std::io::ErrorKind;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use s3s::S3ErrorCode;
use s3s::crypto::{Checksum as _, Md5};

use crate::blobs::{ContentId, NewBlob};
use crate::digests::Claims;
use crate::events::Cause;
use crate::folder::random;
use crate::object_store::{Condition, ObjectAddress, ObjectStore};
use crate::refused::Refused;
use crate::versions::{self, Headers, NOT_TEXT, Version, from_ms};

/// The least that every part but the last must hold, as S3 has it.
const PART_BYTES_MIN: u64 = 5 << 20;

/// Part numbers go from 1 to this, as S3 has it.
pub(crate) const PART_NUMBER_MAX: i32 = 10_000;

/// An upload under way.
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) headers: Headers,
    pub(crate) created: Timestamp,
}

/// A part that is there.
#[derive(Clone)]
pub(crate) struct UploadPart {
    pub(crate) number: i32,
    pub(crate) content: ContentId,
    pub(crate) size_bytes: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) modified: Timestamp,
}

/// What the client wants to be the parts of the object: numbers, with entity tags if it gave them.
pub(crate) type Wanted = Vec<(i32, Option<String>)>;

impl ObjectStore {
    /// Begins an upload and hands back its id.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub(crate) fn begin_upload(
        &self,
        place: ObjectAddress,
        headers: &Headers,
    ) -> Result<String, Refused> {
        let id = hex::encode(random::<16>());
        let headers = serde_json::to_string(headers).map_err(|_| NOT_TEXT)?;
        let now = self.now().as_millisecond();
        self.metadata.write(move |db| {
            versions::require_bucket(db, &place.bucket)?;
            let upload = params![id, place.bucket, place.key.as_bytes(), headers, now];
            db.execute("INSERT INTO uploads VALUES (?1, ?2, ?3, ?4, ?5)", upload)?;
            Ok(id)
        })
    }

    /// The upload of that id and place.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    pub(crate) fn upload(&self, place: &ObjectAddress, id: &str) -> Result<Upload, Refused> {
        self.metadata.read(|db| find(db, place, id))
    }

    /// Adds a part whose content has arrived; an earlier one of that number goes.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    pub(crate) fn put_part(
        &self,
        place: ObjectAddress,
        id: String,
        number: i32,
        arrived: NewBlob,
    ) -> Result<UploadPart, Refused> {
        let part = UploadPart {
            number,
            content: arrived.blob.content,
            size_bytes: arrived.blob.size_bytes,
            md5: arrived.digested.md5,
            modified: self.now(),
        };
        let row = part.clone();
        let folder = Some(arrived.blob.folder);
        let written = self.metadata.write_after(folder, move |db| {
            find(db, &place, &id)?;
            let replaced = part_content(db, &id, number)?;
            insert_part(db, &id, &row)?;
            Ok::<_, Refused>(replaced)
        });
        drop(arrived.blob.guard); // the row holds it now, or nothing does
        if matches!(written, Err(Refused::Client(_))) {
            self.collect(&part.content)?;
        }
        if let Some(content) = written? {
            self.collect(&content)?;
        }
        Ok(part)
    }

    /// The parts that are there, by number.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    pub(crate) fn parts(
        &self,
        place: &ObjectAddress,
        id: &str,
    ) -> Result<Vec<UploadPart>, Refused> {
        self.metadata.read(|db| {
            find(db, place, id)?;
            all_parts(db, id)
        })
    }

    /// Uploads under way in a bucket, by key.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub(crate) fn uploads(&self, bucket: &str) -> Result<Vec<Upload>, Refused> {
        self.metadata.read(|db| {
            versions::require_bucket(db, bucket)?;
            let mut uploads = db.prepare_cached(
                "SELECT upload_id, key, headers, created_ms FROM uploads
                 WHERE bucket = ?1 ORDER BY key, created_ms, upload_id",
            )?;
            let found: Vec<Row> = uploads
                .query_map([bucket], row)?
                .collect::<Result<_, _>>()?;
            found.into_iter().map(upload).collect()
        })
    }

    /// Gives an upload up, with its parts.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    pub(crate) fn abort_upload(&self, place: ObjectAddress, id: String) -> Result<(), Refused> {
        let parts = self.metadata.write(move |db| {
            find(db, &place, &id)?;
            end(db, &id)
        })?;
        self.collect_parts(&parts)
    }

    /// Makes the object out of the wanted parts, with its events, and ends the upload: one
    /// transaction.
    ///
    /// # Errors
    /// `NoSuchUpload`, `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, those of a put.
    pub(crate) fn complete_upload(
        &self,
        place: ObjectAddress,
        id: String,
        wanted: &Wanted,
        condition: Condition,
    ) -> Result<Version, Refused> {
        let upload = self.upload(&place, &id)?;
        let parts = choose(&self.parts(&place, &id)?, wanted)?;
        let joined = self.join(&parts)?;
        let etag = etag_of(&parts);
        let (version, ended) = self.put_and(
            place.clone(),
            joined.blob,
            (etag, upload.headers),
            (condition, Cause::CompleteMultipartUpload),
            move |db| {
                find(db, &place, &id)?; // completed or aborted concurrently
                end(db, &id)
            },
        )?;
        self.collect_parts(&ended)?;
        Ok(version)
    }

    fn collect_parts(&self, parts: &[UploadPart]) -> Result<(), Refused> {
        for part in parts {
            self.collect(&part.content)?;
        }
        Ok(())
    }

    /// One content out of the parts'.
    fn join(&self, parts: &[UploadPart]) -> Result<NewBlob, Refused> {
        let claims = Claims::default();
        let mut incoming = self.blobs.receive(&claims);
        for part in parts {
            let copied = self
                .blobs
                .copy(&part.content, &(0..part.size_bytes), &mut incoming);
            // The upload may be aborted concurrently.
            copied.map_err(|error| match error.kind() {
                ErrorKind::NotFound => Refused::Client(S3ErrorCode::NoSuchUpload),
                _ => error.into(),
            })?;
        }
        self.blobs.accept(incoming, &claims)
    }
}

type Row = (String, Vec<u8>, String, i64);

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn upload((id, key, headers, created_ms): Row) -> Result<Upload, Refused> {
    Ok(Upload {
        id,
        key: String::from_utf8(key).map_err(|_| NOT_TEXT)?,
        headers: serde_json::from_str(&headers).map_err(|_| NOT_TEXT)?,
        created: from_ms(created_ms).map_err(|_| NOT_TEXT)?,
    })
}

fn find(db: &Connection, place: &ObjectAddress, id: &str) -> Result<Upload, Refused> {
    versions::require_bucket(db, &place.bucket)?;
    let found = db
        .prepare_cached(
            "SELECT upload_id, key, headers, created_ms FROM uploads
             WHERE upload_id = ?1 AND bucket = ?2 AND key = ?3",
        )?
        .query_row(params![id, place.bucket, place.key.as_bytes()], row)
        .optional()?;
    upload(found.ok_or(S3ErrorCode::NoSuchUpload)?)
}

fn all_parts(db: &Connection, id: &str) -> Result<Vec<UploadPart>, Refused> {
    let mut parts = db.prepare_cached(
        "SELECT number, sha256, size, md5, modified_ms FROM parts
         WHERE upload_id = ?1 ORDER BY number",
    )?;
    let found = parts.query_map([id], |row| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
        ))
    })?;
    found
        .map(|row| {
            let (number, content, size_bytes, md5, modified_ms) = row?;
            let modified = from_ms(modified_ms).map_err(|_| NOT_TEXT)?;
            Ok(UploadPart {
                number,
                content,
                size_bytes,
                md5,
                modified,
            })
        })
        .collect()
}

fn part_content(db: &Connection, id: &str, number: i32) -> rusqlite::Result<Option<ContentId>> {
    db.prepare_cached("SELECT sha256 FROM parts WHERE upload_id = ?1 AND number = ?2")?
        .query_row(params![id, number], |row| row.get(0))
        .optional()
}

fn insert_part(db: &Connection, id: &str, part: &UploadPart) -> rusqlite::Result<usize> {
    let modified_ms = part.modified.as_millisecond();
    db.prepare_cached("INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            id,
            part.number,
            part.content,
            part.size_bytes,
            part.md5,
            modified_ms
        ])
}

/// Ends an upload; hands back the parts whose contents may go.
fn end(db: &Connection, id: &str) -> Result<Vec<UploadPart>, Refused> {
    let parts = all_parts(db, id)?;
    db.execute("DELETE FROM uploads WHERE upload_id = ?1", [id])?; // and its parts
    Ok(parts)
}

/// The wanted parts out of those that are there.
fn choose(there: &[UploadPart], wanted: &Wanted) -> Result<Vec<UploadPart>, S3ErrorCode> {
    if wanted.is_empty() {
        return Err(S3ErrorCode::MalformedXML);
    }
    if !wanted.is_sorted_by(|(one, _), (next, _)| one < next) {
        return Err(S3ErrorCode::InvalidPartOrder);
    }
    let mut parts = Vec::with_capacity(wanted.len());
    for (number, etag) in wanted {
        let part = there.iter().find(|part| part.number == *number);
        let part = part.ok_or(S3ErrorCode::InvalidPart)?;
        if etag
            .as_ref()
            .is_some_and(|etag| *etag != hex::encode(part.md5))
        {
            return Err(S3ErrorCode::InvalidPart);
        }
        parts.push(part.clone());
    }
    let all_but_last = parts.iter().rev().skip(1);
    if all_but_last
        .into_iter()
        .any(|part| part.size_bytes < PART_BYTES_MIN)
    {
        return Err(S3ErrorCode::EntityTooSmall);
    }
    Ok(parts)
}

/// S3's entity tag of an object in parts: the MD5 of the parts' MD5s, and their number.
fn etag_of(parts: &[UploadPart]) -> String {
    let mut md5 = Md5::new();
    parts.iter().for_each(|part| md5.update(&part.md5));
    format!("{}-{}", hex::encode(md5.finalize()), parts.len())
}
