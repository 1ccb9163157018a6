//! Segments as objects: written, read by ranges, listed, deleted for good. A pack of the ads' tail is
//! a small segment under a prefix of its own.

use std::fmt;
use std::ops::Range;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use bytes::Bytes;
use records::Timestamp;
use segments::{Built, Item, SegmentEntry, SegmentIndex, SegmentName, SetKind};

use crate::Segments;
use crate::db::error::{Error, Result, classified};
use crate::objects::{is_gone, read_whole, time};

/// What an object of the segments bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Segment(SegmentName),
    /// A version of the manifest that was replaced.
    OldManifest,
}

/// One version of an object of a set.
#[derive(Clone, Debug)]
pub(crate) struct StoredVersion {
    pub(crate) stored: Stored,
    pub(crate) modified: Timestamp,
    /// Whether it is what lies under the key, or the mark that nothing does.
    pub(crate) is_latest: bool,
    /// Whether it is such a mark.
    pub(crate) is_marker: bool,
    version_id: Option<String>,
}

impl fmt::Display for StoredVersion {
    /// What tells it from every other one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stored {
            Stored::Segment(name) => write!(f, "{name}")?,
            Stored::OldManifest => write!(f, "manifest")?,
        }
        write!(f, " {}", self.version_id.as_deref().unwrap_or_default())
    }
}

/// Where segments lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefix {
    /// Those that a manifest names, and the manifest.
    Segments(SetKind),
    /// Those that the ads' tail names: what the ingesting program may write to.
    Packs,
}

impl From<SetKind> for Prefix {
    fn from(kind: SetKind) -> Self {
        Self::Segments(kind)
    }
}

impl Prefix {
    fn folder(self) -> &'static str {
        match self {
            Self::Segments(SetKind::Ads) => "ads/",
            Self::Segments(SetKind::References) => "references/",
            Self::Packs => "packs/",
        }
    }

    fn kind(self) -> SetKind {
        match self {
            Self::Segments(kind) => kind,
            Self::Packs => SetKind::Ads,
        }
    }

    pub(crate) fn key(self, name: &SegmentName) -> String {
        format!("{}{name}", self.folder())
    }
}

pub(crate) fn manifest_key(kind: SetKind) -> String {
    format!("{}manifest", Prefix::from(kind).folder())
}

impl Segments {
    /// Writes a segment under its name. No part of the set before a manifest names it.
    pub(crate) async fn put_segment(&self, kind: SetKind, built: Built) -> Result<()> {
        self.put_bytes(kind.into(), &built.entry.name, built.bytes.into())
            .await
    }

    pub(crate) async fn put_bytes(
        &self,
        prefix: Prefix,
        name: &SegmentName,
        bytes: Bytes,
    ) -> Result<()> {
        self.db
            .s3
            .put_object()
            .bucket(&self.db.names.segments_bucket)
            .key(prefix.key(name))
            .content_type("application/octet-stream")
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| classified("writing a segment", &error))?;
        Ok(())
    }

    /// A small object of the segments bucket with its entity tag; none if there is none.
    pub(crate) async fn small_object(
        &self,
        key: &str,
        bytes_max: u64,
        doing: &'static str,
    ) -> Result<Option<(Bytes, String)>> {
        let request = self
            .db
            .s3
            .get_object()
            .bucket(&self.db.names.segments_bucket)
            .key(key);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(classified(doing, &error)),
        };
        let cut = Error::Unavailable(doing);
        let etag = answer.e_tag().ok_or(cut)?.to_owned();
        let length = answer
            .content_length()
            .and_then(|it| u64::try_from(it).ok());
        let length = length.filter(|it| *it <= bytes_max).ok_or(cut)?;
        Ok(Some((read_whole(answer.body, length).await?, etag)))
    }

    /// Bytes of a segment.
    ///
    /// # Errors
    /// [`Error::Gone`] if there is no such object, [`Error::Damaged`] if it ends before the range.
    pub(crate) async fn segment_bytes(
        &self,
        prefix: Prefix,
        name: &SegmentName,
        range: Range<u64>,
    ) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let wanted = range.end - range.start;
        let request = self
            .db
            .s3
            .get_object()
            .bucket(&self.db.names.segments_bucket)
            .key(prefix.key(name))
            .range(format!("bytes={}-{}", range.start, range.end - 1));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Err(Error::Gone("the segment")),
            Err(error) if is_outside(error.as_service_error()) => {
                return Err(segments::SegmentError::Truncated.into());
            }
            Err(error) => return Err(classified("reading a segment", &error)),
        };
        let length = answer
            .content_length()
            .and_then(|it| u64::try_from(it).ok());
        if length != Some(wanted) {
            return Err(segments::SegmentError::Truncated.into());
        }
        read_whole(answer.body, wanted).await
    }

    /// A segment without its features, held against what the manifest says of it.
    ///
    /// # Errors
    /// [`Error::Gone`] if it was replaced concurrently; [`Error::Damaged`] if it is missing although
    /// the manifest still names it, or is not what the manifest says.
    pub(crate) async fn segment_index(
        &self,
        kind: SetKind,
        entry: &SegmentEntry,
    ) -> Result<SegmentIndex> {
        let bytes = self.bytes_of(kind, entry, 0..entry.index_bytes).await?;
        Ok(SegmentIndex::open(kind, bytes, entry)?)
    }

    /// A segment's items, all of them, held against its name too.
    ///
    /// # Errors
    /// As [`Self::segment_index`].
    pub(crate) async fn segment_items(
        &self,
        kind: SetKind,
        entry: &SegmentEntry,
    ) -> Result<Vec<Item>> {
        let bytes = self.bytes_of(kind, entry, 0..entry.bytes).await?;
        items_blocking(kind, entry, bytes).await
    }

    async fn bytes_of(
        &self,
        kind: SetKind,
        entry: &SegmentEntry,
        range: Range<u64>,
    ) -> Result<Bytes> {
        let read = self.segment_bytes(kind.into(), &entry.name, range).await;
        if matches!(read, Err(Error::Gone(_))) {
            let now = self.manifest(kind).await?.manifest;
            if now.entry(&entry.name).is_some() {
                return Err(Error::Damaged(
                    "segment (missing; next: upkeep's task repair)",
                ));
            }
        }
        read
    }

    /// Every version of every segment of a prefix that lies in the bucket, and of its manifest those
    /// that were replaced. What is none of ours is skipped.
    pub(crate) async fn stored_versions(&self, prefix: Prefix) -> Result<Vec<StoredVersion>> {
        let (mut found, mut markers) = (Vec::new(), (None, None));
        loop {
            let page = self
                .db
                .s3
                .list_object_versions()
                .bucket(&self.db.names.segments_bucket)
                .prefix(prefix.folder())
                .set_key_marker(markers.0)
                .set_version_id_marker(markers.1)
                .send()
                .await
                .map_err(|error| classified("listing segments", &error))?;
            for it in page.versions() {
                let state = (it.is_latest() == Some(true), false);
                let facts = (it.key(), it.version_id(), it.last_modified());
                found.extend(version(prefix, facts, state)?);
            }
            for it in page.delete_markers() {
                let state = (it.is_latest() == Some(true), true);
                let facts = (it.key(), it.version_id(), it.last_modified());
                found.extend(version(prefix, facts, state)?);
            }
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            markers = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    /// What lies in the bucket under a prefix, without what was replaced or removed.
    pub(crate) async fn stored_now(&self, prefix: Prefix) -> Result<Vec<StoredVersion>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self
                .db
                .s3
                .list_objects_v2()
                .bucket(&self.db.names.segments_bucket)
                .prefix(prefix.folder())
                .set_continuation_token(after)
                .send()
                .await
                .map_err(|error| classified("listing segments", &error))?;
            for it in page.contents() {
                let facts = (it.key(), None, it.last_modified());
                found.extend(version(prefix, facts, (true, false))?);
            }
            after = page.next_continuation_token;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// The versions of a set's manifest that were replaced or removed, newest first.
    pub(crate) async fn manifest_versions(&self, kind: SetKind) -> Result<Vec<String>> {
        let (mut found, mut markers) = (Vec::new(), (None, None));
        loop {
            let page = self
                .db
                .s3
                .list_object_versions()
                .bucket(&self.db.names.segments_bucket)
                .prefix(manifest_key(kind))
                .set_key_marker(markers.0)
                .set_version_id_marker(markers.1)
                .send()
                .await
                .map_err(|error| classified("listing manifests", &error))?;
            let versions = page.versions().iter();
            found.extend(versions.filter_map(|it| it.version_id().map(str::to_owned)));
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            markers = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    /// A version of a manifest; none if it is gone.
    pub(crate) async fn manifest_of_version(
        &self,
        kind: SetKind,
        version_id: &str,
        bytes_max: u64,
    ) -> Result<Option<Bytes>> {
        let doing = "reading a version of a manifest";
        let request = self
            .db
            .s3
            .get_object()
            .bucket(&self.db.names.segments_bucket)
            .key(manifest_key(kind))
            .version_id(version_id);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(classified(doing, &error)),
        };
        let length = answer
            .content_length()
            .and_then(|it| u64::try_from(it).ok());
        let length = length.filter(|it| *it <= bytes_max);
        let length = length.ok_or(Error::Unavailable(doing))?;
        read_whole(answer.body, length).await.map(Some)
    }

    /// Deletes what lies under a key and keeps it as a version, which [`Segments::delete_version`] of
    /// the mark brings back. Idempotent.
    pub(crate) async fn mark_deleted(&self, prefix: Prefix, name: &SegmentName) -> Result<()> {
        self.db
            .s3
            .delete_object()
            .bucket(&self.db.names.segments_bucket)
            .key(prefix.key(name))
            .send()
            .await
            .map_err(|error| classified("deleting a segment", &error))?;
        Ok(())
    }

    /// Deletes a version for good. Idempotent.
    pub(crate) async fn delete_version(
        &self,
        prefix: Prefix,
        version: &StoredVersion,
    ) -> Result<()> {
        let key = match version.stored {
            Stored::Segment(name) => prefix.key(&name),
            Stored::OldManifest => manifest_key(prefix.kind()),
        };
        self.db
            .s3
            .delete_object()
            .bucket(&self.db.names.segments_bucket)
            .key(key)
            .set_version_id(version.version_id.clone())
            .send()
            .await
            .map_err(|error| classified("deleting a segment", &error))?;
        Ok(())
    }
}

/// All items of a whole segment, off the async threads.
pub(crate) async fn items_blocking(
    kind: SetKind,
    entry: &SegmentEntry,
    bytes: Bytes,
) -> Result<Vec<Item>> {
    let entry = *entry;
    let read = tokio::task::spawn_blocking(move || segments::whole(kind, bytes, &entry));
    let read = read.await;
    Ok(read
        .map_err(|_| Error::Unavailable("reading a segment"))??
        .1)
}

fn is_outside(error: Option<&impl ProvideErrorMetadata>) -> bool {
    error.and_then(ProvideErrorMetadata::code) == Some("InvalidRange")
}

type Facts<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a DateTime>);

fn version(
    prefix: Prefix,
    (key, version_id, modified): Facts<'_>,
    (is_latest, is_marker): (bool, bool),
) -> Result<Option<StoredVersion>> {
    let name = key.and_then(|key| key.strip_prefix(prefix.folder()));
    let is_old = !is_latest || is_marker;
    let stored = match name {
        Some("manifest") if is_old && prefix != Prefix::Packs => Stored::OldManifest,
        Some(name) => match SegmentName::parse(name) {
            Some(name) => Stored::Segment(name),
            None => return Ok(None),
        },
        None => return Ok(None),
    };
    Ok(Some(StoredVersion {
        stored,
        modified: time(modified)?,
        is_latest,
        is_marker,
        version_id: version_id.map(str::to_owned),
    }))
}
