//! Objects in S3: photos as they were uploaded.

pub(crate) mod encoded_words;
pub(crate) mod forms;
pub(crate) mod redrive;

use std::collections::HashMap;
use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{EncodingType, Object as Listed};
use bytes::{Bytes, BytesMut};
use records::{AdMetadata, MetadataNote, ObjectKey, Timestamp, decode_event_key};
use tokio::io::AsyncWriteExt;

use crate::Db;
use crate::db::error::{Error, Result, classified};
use crate::objects::encoded_words::decoded;

/// Photos in the two buckets, as they were uploaded. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    pub(crate) db: Db,
}

impl Objects {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }
}

/// Which of the two buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// The ads bucket.
    Ad,
    /// The references bucket.
    Reference,
}

/// What S3 knows of an object in addition to its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Its size.
    pub size_bytes: u64,
    /// Its version, where the bucket keeps versions.
    pub version_id: Option<String>,
    /// When S3 accepted it.
    pub last_modified: Timestamp,
    /// User metadata: names in lower case, without `x-amz-meta-`.
    pub metadata: HashMap<String, String>,
}

/// Where [`Objects::redrive`] keeps the time of the first upload: without it, a copy that it makes
/// would look like a new submission.
pub(crate) const UPLOADED_AT: &str = "homeward-uploaded-at";

impl ObjectFacts {
    /// When the object was first uploaded, however often it was driven again. Metadata can only
    /// make it earlier, so inventing it gains nothing.
    pub fn uploaded_at(&self) -> Timestamp {
        let said = self
            .metadata
            .get(UPLOADED_AT)
            .and_then(|text| Timestamp::parse(text).ok());
        said.map_or(self.last_modified, |said| said.min(self.last_modified))
    }

    /// What the uploader said about an ad, and what had to be kept out of it.
    pub fn ad_metadata(&self) -> (AdMetadata, Vec<MetadataNote>) {
        AdMetadata::parse(self.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())))
    }
}

impl fmt::Debug for ObjectFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectFacts")
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

/// An object with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its bytes, whole.
    pub bytes: Bytes,
    /// What S3 knows of it.
    pub facts: ObjectFacts,
}

/// What a fetch found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The object.
    Object(Object),
    /// It has more bytes than the limit and was not downloaded.
    OverLimit(ObjectFacts),
    /// There is no such object or version (any more).
    Gone,
}

/// An object to be written.
#[derive(Clone)]
pub struct NewObject {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its media type.
    pub content_type: String,
    /// User metadata: names without `x-amz-meta-`.
    pub metadata: HashMap<String, String>,
}

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key.
    pub key: ObjectKey,
    /// Its size.
    pub size_bytes: u64,
    /// When S3 accepted it.
    pub last_modified: Timestamp,
}

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectsPage {
    /// Objects whose keys are ours.
    pub items: Vec<ListedObject>,
    /// Objects that lie there under keys that are not ours, but for markers of folders.
    pub foreign: u64,
    /// Where the next page starts; none at the end.
    pub next: Option<String>,
}

impl Objects {
    /// The key of an event's object if the object is ours: in the ads bucket under `ads/`, or in
    /// the references bucket under `references/`. `encoded_key` is the key as S3 events spell it.
    pub fn locate(&self, bucket: &str, encoded_key: &str) -> Option<ObjectKey> {
        let key = ObjectKey::from_event(encoded_key).ok()?;
        (!bucket.is_empty() && bucket == self.bucket_of(&key)).then_some(key)
    }

    /// The bucket of a kind of photo.
    pub fn bucket(&self, kind: ObjectKind) -> &str {
        match kind {
            ObjectKind::Ad => &self.db.names.ads_bucket,
            ObjectKind::Reference => &self.db.names.references_bucket,
        }
    }

    pub(crate) fn bucket_of(&self, key: &ObjectKey) -> &str {
        match key {
            ObjectKey::Ad(_) => self.bucket(ObjectKind::Ad),
            ObjectKey::Reference(_) => self.bucket(ObjectKind::Reference),
        }
    }

    /// Reads one version of an object (none: the newest) of at most `bytes_max` bytes. A larger one
    /// is told from its header and not downloaded.
    ///
    /// # Errors
    /// [`Error::Unavailable`] also if the connection ends before the object does.
    pub async fn fetch(
        &self,
        key: &ObjectKey,
        version_id: Option<&str>,
        bytes_max: u64,
    ) -> Result<Fetched> {
        let request = self
            .db
            .s3
            .get_object()
            .bucket(self.bucket_of(key))
            .key(key.as_str())
            .set_version_id(version_id.map(str::to_owned));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Ok(Fetched::Gone),
            Err(error) => return Err(classified("reading an object", &error)),
        };
        let facts = facts(&answer)?;
        if facts.size_bytes > bytes_max {
            return Ok(Fetched::OverLimit(facts));
        }
        let bytes = read_whole(answer.body, facts.size_bytes).await?;
        Ok(Fetched::Object(Object { bytes, facts }))
    }

    /// The first bytes of one version of an object, at most `bytes_max`; none if it is gone.
    ///
    /// # Errors
    /// As every verb.
    pub async fn peek(
        &self,
        key: &ObjectKey,
        version_id: Option<&str>,
        bytes_max: usize,
    ) -> Result<Option<Bytes>> {
        let request = self
            .db
            .s3
            .get_object()
            .bucket(self.bucket_of(key))
            .key(key.as_str())
            .set_version_id(version_id.map(str::to_owned))
            .range(format!("bytes=0-{}", bytes_max.saturating_sub(1)));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(classified("reading an object", &error)),
        };
        let size_bytes = answer.content_length().unwrap_or(0);
        let size_bytes = u64::try_from(size_bytes).unwrap_or(0);
        if size_bytes > bytes_max as u64 {
            return Err(Error::Unavailable("reading a part of an object"));
        }
        read_whole(answer.body, size_bytes).await.map(Some)
    }

    /// Pours one version of an object into a file, piece by piece; says whether it was there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] also if the connection ends before the object does, or the file cannot
    /// be written.
    pub async fn download(
        &self,
        key: &ObjectKey,
        version_id: Option<&str>,
        into: &mut tokio::fs::File,
    ) -> Result<bool> {
        const CUT: Error = Error::Unavailable("reading an object into a file");
        let request = self
            .db
            .s3
            .get_object()
            .bucket(self.bucket_of(key))
            .key(key.as_str())
            .set_version_id(version_id.map(str::to_owned));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Ok(false),
            Err(error) => return Err(classified("reading an object", &error)),
        };
        let size_bytes = facts(&answer)?.size_bytes;
        let (mut body, mut poured) = (answer.body, 0_u64);
        while let Some(chunk) = body.try_next().await.map_err(|_| CUT)? {
            poured += chunk.len() as u64;
            into.write_all(&chunk).await.map_err(|_| CUT)?;
        }
        into.flush().await.map_err(|_| CUT)?;
        if poured == size_bytes {
            Ok(true)
        } else {
            Err(CUT)
        }
    }

    /// What S3 says of the newest version of an object; none if none lies there.
    pub(crate) async fn head(&self, key: &ObjectKey) -> Result<Option<HeadObjectOutput>> {
        let request = self
            .db
            .s3
            .head_object()
            .bucket(self.bucket_of(key))
            .key(key.as_str());
        match request.send().await {
            Ok(head) => Ok(Some(head)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(classified("looking at an object", &error)),
        }
    }

    /// Whether this version of an object is the one that lies there now, neither replaced nor removed; where a
    /// bucket keeps no versions, whether there is one.
    ///
    /// # Errors
    /// As every verb.
    pub async fn is_current(&self, key: &ObjectKey, version_id: Option<&str>) -> Result<bool> {
        let head = self.head(key).await?;
        Ok(head.is_some_and(|head| head.version_id.as_deref() == version_id))
    }

    /// Writes an object and returns its version, where the bucket keeps versions. Repeating it
    /// writes another version of the same bytes.
    ///
    /// # Errors
    /// As every verb.
    pub async fn put_object(&self, key: &ObjectKey, object: NewObject) -> Result<Option<String>> {
        let answer = self
            .db
            .s3
            .put_object()
            .bucket(self.bucket_of(key))
            .key(key.as_str())
            .content_type(object.content_type)
            .set_metadata(Some(object.metadata))
            .body(ByteStream::from(object.bytes))
            .send()
            .await
            .map_err(|error| classified("writing an object", &error))?;
        Ok(answer.version_id)
    }

    /// Deletes an object: this version of it for good, or (none) puts a delete marker on top.
    /// Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn delete_object(&self, key: &ObjectKey, version_id: Option<&str>) -> Result<()> {
        self.db
            .s3
            .delete_object()
            .bucket(self.bucket_of(key))
            .key(key.as_str())
            .set_version_id(version_id.map(str::to_owned))
            .send()
            .await
            .map_err(|error| classified("deleting an object", &error))?;
        Ok(())
    }

    /// Puts a delete marker on top of an object that was listed, unless another has come under its key since;
    /// says whether it did. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn delete_listed(&self, listed: &ListedObject) -> Result<bool> {
        if let Some(head) = self.head(&listed.key).await? {
            let modified = time(head.last_modified.as_ref())?;
            let is_newer = modified.seconds() > listed.last_modified.seconds();
            let size_bytes = head.content_length.and_then(|it| u64::try_from(it).ok());
            if is_newer || size_bytes != Some(listed.size_bytes) {
                return Ok(false);
            }
        }
        self.delete_object(&listed.key, None).await?;
        Ok(true)
    }

    /// One page of the current objects of a bucket below a prefix, by key. Strongly consistent, as
    /// S3 is.
    ///
    /// # Errors
    /// As every verb.
    pub async fn objects_page(
        &self,
        kind: ObjectKind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ObjectsPage> {
        let answer = self
            .db
            .s3
            .list_objects_v2()
            .bucket(self.bucket(kind))
            .prefix(prefix)
            .set_start_after(after.map(str::to_owned))
            .encoding_type(EncodingType::Url) // XML cannot hold every key
            .max_keys(i32::try_from(limit.clamp(1, 1000)).unwrap_or(1000))
            .send()
            .await
            .map_err(|error| classified("listing objects", &error))?;
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let mut page = ObjectsPage {
            items: Vec::new(),
            foreign: 0,
            next: None,
        };
        for object in answer.contents() {
            let name = spelt_out(object.key().unwrap_or_default(), encoded)?;
            match listed(object, &name)? {
                _ if is_folder_marker(&name, object.size().unwrap_or(0)) => {}
                Some(item) => page.items.push(item),
                None => page.foreign += 1,
            }
            page.next = Some(name);
        }
        if answer.is_truncated() != Some(true) {
            page.next = None;
        }
        Ok(page)
    }
}

/// Whether an object is what some clients put where they show a folder: empty, its key with a slash at
/// the end. It is no photo, and passed over.
pub fn is_folder_marker(key: &str, size_bytes: i64) -> bool {
    size_bytes == 0 && key.ends_with('/')
}

fn spelt_out(key: &str, encoded: bool) -> Result<String> {
    if encoded {
        decode_event_key(key).map_err(|_| Error::Damaged("listing"))
    } else {
        Ok(key.to_owned())
    }
}

fn listed(object: &Listed, name: &str) -> Result<Option<ListedObject>> {
    let Ok(key) = ObjectKey::parse(name) else {
        return Ok(None);
    };
    Ok(Some(ListedObject {
        key,
        size_bytes: object
            .size()
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or(0),
        last_modified: time(object.last_modified())?,
    }))
}

pub(crate) fn is_gone<E: ProvideErrorMetadata>(
    error: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>,
) -> bool {
    // 405: the version named is a delete marker.
    matches!(
        error
            .as_service_error()
            .and_then(ProvideErrorMetadata::code),
        Some("NoSuchKey" | "NoSuchVersion" | "MethodNotAllowed" | "NotFound")
    )
}

fn facts(answer: &GetObjectOutput) -> Result<ObjectFacts> {
    let size_bytes = answer
        .content_length()
        .and_then(|length| u64::try_from(length).ok())
        .ok_or(Error::Unavailable("reading an object's size"))?;
    let metadata = answer.metadata().cloned().unwrap_or_default();
    Ok(ObjectFacts {
        size_bytes,
        version_id: answer.version_id().map(str::to_owned),
        last_modified: time(answer.last_modified())?,
        metadata: metadata
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), decoded(&value)))
            .collect(),
    })
}

pub(crate) fn time(time: Option<&DateTime>) -> Result<Timestamp> {
    time.and_then(|time| time.to_millis().ok())
        .map(Timestamp::from_millis)
        .ok_or(Error::Unavailable("reading an object's time"))
}

/// Collects a body that ought to have `size_bytes` and holds no more than that in memory.
pub(crate) async fn read_whole(mut body: ByteStream, size_bytes: u64) -> Result<Bytes> {
    const CUT: Error = Error::Unavailable("reading an object's bytes");
    let size = usize::try_from(size_bytes).map_err(|_| CUT)?;
    let mut bytes = BytesMut::with_capacity(size);
    while let Some(chunk) = body.try_next().await.map_err(|_| CUT)? {
        if bytes.len() + chunk.len() > size {
            return Err(CUT);
        }
        bytes.extend_from_slice(&chunk);
    }
    if bytes.len() == size {
        Ok(bytes.freeze())
    } else {
        Err(CUT)
    }
}

impl fmt::Debug for NewObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewObject")
            .field("size_bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}
