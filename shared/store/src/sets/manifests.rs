//! The manifest of a set: read, and replaced by compare-and-swap only.
//!
//! An empty set and one that has lost its manifest look alike in the bucket, and must never be taken
//! for one another: no person would be found, and no unit alerted. So a table records how far the manifest of
//! ads has come. The first manifest is an empty one; it is noted before any manifest lists a segment,
//! and each later one before the tail gives up what it absorbed. A reader of a manifest reads the
//! note first: then the manifest is at least as new, or it was lost.
//!
//! References need no such note: their log has everything, and a reader without a manifest reads it
//! from its start.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use segments::{Manifest, SetKind};

use crate::db::error::{Error, Result, classified};
use crate::db::items::{counted, key, number};
use crate::sets::objects::manifest_key;
use crate::{Segments, Table};

/// A manifest as it stood when it was read: what the next swap is conditioned on.
#[derive(Clone, Debug)]
pub struct VersionedManifest {
    /// What it says.
    pub manifest: Manifest,
    /// The object's entity tag; none if there was no manifest yet.
    etag: Option<String>,
    /// The generation that was noted when it was read; none if none ever was.
    noted: Option<u64>,
}

/// Where it is noted how far manifests have come.
const GENERATIONS: &str = "manifest";
const ADS: &str = "ads";
const GENERATION: &str = "generation";

/// Longer than any manifest that this build writes: 100 bytes a segment, and a segment holds
/// thousands of ads.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// How S3 says that a condition did not hold, or could not be judged since another write was
/// under way.
const LOST_CODES: &[&str] = &[
    "PreconditionFailed",
    "ConditionalRequestConflict",
    "NoSuchKey",
];

impl Segments {
    /// The manifest of a set as it stands. Strongly consistent. A set that never had one is empty.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be read, or is gone or older than it was: better stop than miss
    /// a match.
    pub async fn manifest(&self, kind: SetKind) -> Result<VersionedManifest> {
        let noted = match kind {
            SetKind::Ads => self.saved_generation().await?,
            SetKind::References => None,
        };
        let Some((bytes, etag)) = self.manifest_bytes(kind).await? else {
            if noted.is_some() {
                return Err(Error::Damaged("manifest of ads (it is gone)"));
            }
            return Ok(VersionedManifest {
                manifest: Manifest::empty(kind),
                etag: None,
                noted,
            });
        };
        let manifest = Manifest::from_bytes(kind, &bytes)?;
        if noted.is_some_and(|noted| manifest.generation < noted) {
            return Err(Error::Damaged("manifest of ads (an older one lies there)"));
        }
        Ok(VersionedManifest {
            manifest,
            etag: Some(etag),
            noted,
        })
    }

    async fn saved_generation(&self) -> Result<Option<u64>> {
        let found = self.db.get(Table::Ads, GENERATIONS, ADS).await?;
        let generation = found.map(|note| counted(&note, GENERATION, "note of a manifest"));
        generation.transpose()
    }

    /// Notes that the manifest has come so far, if that is not noted: before anything is given up that
    /// only this manifest, or one after it, leads to. Idempotent.
    pub(crate) async fn save_manifest_record(&self, current: &VersionedManifest) -> Result<()> {
        let generation = current.manifest.generation;
        let is_noted = current.noted.is_some_and(|noted| noted >= generation);
        match current.etag.is_none() || is_noted {
            true => Ok(()),
            false => {
                self.save_generation(current.manifest.kind, generation)
                    .await
            }
        }
    }

    async fn save_generation(&self, kind: SetKind, generation: u64) -> Result<()> {
        if kind != SetKind::Ads {
            return Ok(());
        }
        let mut note = key(GENERATIONS, ADS);
        note.insert(GENERATION.into(), number(generation));
        let is_newer = "attribute_not_exists(pk) OR generation < :generation";
        let values = [(":generation", number(generation))];
        self.db
            .put_if(Table::Ads, note, is_newer, &[], &values)
            .await
            .map(drop)
    }

    async fn manifest_bytes(&self, kind: SetKind) -> Result<Option<(Bytes, String)>> {
        self.small_object(
            &manifest_key(kind),
            MANIFEST_BYTES_MAX,
            "reading a manifest",
        )
        .await
    }

    /// Replaces a manifest, unless another caller did since it was read; says whether it did. What
    /// was replaced by this very call although its first answer was lost counts as done.
    ///
    /// # Errors
    /// [`Error::Rejected`] if an invariant of manifests does not hold of the next one.
    pub(crate) async fn swap(&self, current: &VersionedManifest, next: &Manifest) -> Result<bool> {
        if let Some(broken) = next.broken_invariant() {
            return Err(Error::Rejected(broken));
        }
        if !next.succeeds(&current.manifest) {
            return Err(Error::Rejected("a manifest follows the one before it"));
        }
        let Some(current) = self.begun(current).await? else {
            return Ok(false);
        };
        self.save_manifest_record(&current).await?;
        let is_swapped = self.put_manifest(next, current.etag.as_deref()).await?;
        if is_swapped.is_some() {
            self.save_generation(next.kind, next.generation).await?;
        }
        Ok(is_swapped.is_some())
    }

    /// A set that has a manifest: the first one of ads is empty, and is noted before another one takes
    /// its place. None if another caller was faster.
    async fn begun(&self, current: &VersionedManifest) -> Result<Option<VersionedManifest>> {
        let kind = current.manifest.kind;
        if kind != SetKind::Ads || current.etag.is_some() {
            return Ok(Some(current.clone()));
        }
        let first = Manifest::empty(kind);
        let etag = self.put_manifest(&first, None).await?;
        Ok(etag.map(|etag| VersionedManifest {
            manifest: first,
            etag: Some(etag),
            noted: None,
        }))
    }

    /// Writes a manifest in the place of the one of this entity tag, or where there is none; its own
    /// tag, or none if the condition does not hold.
    async fn put_manifest(&self, next: &Manifest, over: Option<&str>) -> Result<Option<String>> {
        let bytes = next.to_bytes();
        let request = self
            .db
            .s3
            .put_object()
            .bucket(&self.db.names.segments_bucket)
            .key(manifest_key(next.kind))
            .content_type("application/octet-stream")
            .body(ByteStream::from(bytes.clone()));
        let request = match over {
            Some(etag) => request.if_match(etag),
            None => request.if_none_match("*"),
        };
        match request.send().await {
            Ok(answer) => Ok(Some(answer.e_tag.unwrap_or_default())),
            Err(error) if is_lost(error.as_service_error()) => {
                let found = self.manifest_bytes(next.kind).await?;
                Ok(found.and_then(|(found, etag)| (found == bytes).then_some(etag)))
            }
            Err(error) => Err(classified("replacing a manifest", &error)),
        }
    }
}

fn is_lost(error: Option<&impl ProvideErrorMetadata>) -> bool {
    let code = error.and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| LOST_CODES.contains(&code))
}
