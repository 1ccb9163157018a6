//! The manifest of a set: read, and replaced by compare-and-swap only.
//!
//! An empty set and one that has lost its manifest look alike in the bucket, and must never be taken
//! for one another: no person would be found, and no unit alerted. So a [record](super::record) in a
//! table names the manifest that stands. The next one is announced there, then swapped in, then
//! confirmed, at the latest before the tail gives up what it absorbed. A reader of a manifest reads
//! the record first: then the manifest is the one named there or a later one, or the set is damaged.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use records::SetGauges;
use segments::{Manifest, SetKind};

use crate::Segments;
use crate::db::error::{Error, Result, classified};
use crate::sets::objects::manifest_key;
use crate::sets::record::{SetFault, SetRecord, digest_of};

/// A manifest as it stood when it was read: what the next swap is conditioned on.
#[derive(Clone, Debug)]
pub struct VersionedManifest {
    /// What it says.
    pub manifest: Manifest,
    /// The object's entity tag and what stands for its bytes; none if there was no manifest yet.
    found: Option<(String, String)>,
    /// Whether it is to be replaced whatever the record says of it: in a repair.
    is_disowned: bool,
    fault: Option<SetFault>,
}

impl VersionedManifest {
    /// Whether it can be read, and is newer than what the record names.
    pub(crate) fn is_ahead(&self) -> bool {
        self.fault == Some(SetFault::Ahead)
    }
}

/// What lies in the bucket and the record that was read before it.
struct Standing {
    record: Option<SetRecord>,
    /// The manifest if its bytes can be read, and its entity tag.
    found: Option<(Result<Manifest>, String, String)>,
}

impl Standing {
    fn fault(&self) -> Option<SetFault> {
        let found = self.found.as_ref();
        let found = found.and_then(|(manifest, _, digest)| {
            let manifest = manifest.as_ref().ok()?;
            Some((manifest, digest.as_str()))
        });
        SetRecord::fault(self.record.as_ref(), found)
    }

    /// What is wrong with it; none: it is whole.
    fn error(&self, kind: SetKind) -> Option<Error> {
        let unreadable = self
            .found
            .as_ref()
            .and_then(|(read, _, _)| read.as_ref().err());
        match unreadable {
            Some(error) => Some(*error),
            None => self.fault().map(|fault| fault.error(kind)),
        }
    }

    fn into_versioned(self, kind: SetKind, is_disowned: bool) -> VersionedManifest {
        let fault = self.fault();
        let recorded = self.record.map_or(0, |it| it.generation);
        let (read, found) = match self.found {
            Some((read, etag, digest)) => (read.ok(), Some((etag, digest))),
            None => (None, None),
        };
        let mut manifest = read.unwrap_or_else(|| Manifest::empty(kind));
        if is_disowned {
            manifest.generation = manifest.generation.max(recorded);
        }
        VersionedManifest {
            manifest,
            found,
            is_disowned,
            fault,
        }
    }
}

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
    /// [`Error::Damaged`] if it cannot be read, or is another one than the record names: gone, older,
    /// newer, or of another history. Better stop than miss a match.
    pub async fn manifest(&self, kind: SetKind) -> Result<VersionedManifest> {
        let standing = self.standing(kind).await?;
        match standing.error(kind) {
            Some(error) => Err(error),
            None => Ok(standing.into_versioned(kind, false)),
        }
    }

    /// How a set is doing, but for what waits to be taken in. A set that is damaged is told, and no error.
    ///
    /// # Errors
    /// As every verb, but for the damage.
    pub async fn gauges(&self, kind: SetKind) -> Result<SetGauges> {
        let standing = self.standing(kind).await?;
        let fault = standing.error(kind).map(|error| error.to_string());
        let record = standing.record.as_ref();
        Ok(SetGauges {
            waiting: None,
            given_up: None,
            items: record.map_or(0, |it| it.items),
            segments: record.map_or(0, |it| it.segments),
            generation: record.map_or(0, |it| it.generation),
            epoch: record.map_or(1, |it| it.epoch),
            is_rebuilding: record.is_some_and(|it| it.is_rebuilding),
            fault,
        })
    }

    /// As [`Segments::manifest`], and if it is damaged, what to begin from in its place and what is
    /// wrong: the manifest that lies there, or an empty one, of the highest generation that is known.
    /// A swap replaces it whatever the record says.
    pub(crate) async fn manifest_or_fault(
        &self,
        kind: SetKind,
    ) -> Result<(VersionedManifest, Option<Error>)> {
        let standing = self.standing(kind).await?;
        let error = standing.error(kind);
        Ok((standing.into_versioned(kind, error.is_some()), error))
    }

    /// The record, then the manifest; both again if the record changed in between and they disagree.
    async fn standing(&self, kind: SetKind) -> Result<Standing> {
        let mut attempts = self.db.attempts("reading a manifest that others replace");
        let mut record = self.record(kind).await?;
        loop {
            let found = self.manifest_bytes(kind).await?;
            let found = found.map(|(bytes, etag)| {
                let read = Manifest::from_bytes(kind, &bytes).map_err(Error::from);
                (read, etag, digest_of(&bytes))
            });
            let standing = Standing { record, found };
            if standing.fault().is_none() {
                return Ok(standing);
            }
            let again = self.record(kind).await?;
            if again == standing.record {
                return Ok(standing);
            }
            record = again;
            attempts.again().await?;
        }
    }

    /// Records that this manifest stands, if that is not recorded: before anything is given up that
    /// only this manifest, or one after it, leads to. Idempotent.
    pub(crate) async fn save_manifest_record(&self, current: &VersionedManifest) -> Result<()> {
        match &current.found {
            Some((_, digest)) => self.confirm(&current.manifest, digest).await,
            None => Ok(()),
        }
    }

    /// The manifest among those that were replaced or removed that the record names; none if no
    /// version of it is left.
    pub(crate) async fn manifest_version(&self, kind: SetKind) -> Result<Option<Manifest>> {
        let Some(record) = self.record(kind).await? else {
            return Ok(None);
        };
        for version in self.manifest_versions(kind).await? {
            let bytes = self
                .manifest_of_version(kind, &version, MANIFEST_BYTES_MAX)
                .await?;
            let Some(bytes) = bytes.filter(|it| record.names(&digest_of(it))) else {
                continue;
            };
            return Ok(Manifest::from_bytes(kind, &bytes).ok());
        }
        Ok(None)
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
        let over = match current.is_disowned {
            true => None,
            false => {
                self.save_manifest_record(current).await?;
                Some(current.manifest.generation)
            }
        };
        let bytes = Bytes::from(next.to_bytes());
        let digest = digest_of(&bytes);
        if !self.announce(next.kind, over, &digest).await? {
            return Ok(false);
        }
        let over = current.found.as_ref().map(|(etag, _)| etag.as_str());
        let is_swapped = self.put_manifest(next.kind, bytes, over).await?;
        if is_swapped {
            self.confirm(next, &digest).await?;
        }
        Ok(is_swapped)
    }

    /// Writes a manifest in the place of the one of this entity tag, or where there is none; says
    /// whether the condition held.
    async fn put_manifest(&self, kind: SetKind, bytes: Bytes, over: Option<&str>) -> Result<bool> {
        let request = self
            .db
            .s3
            .put_object()
            .bucket(&self.db.names.segments_bucket)
            .key(manifest_key(kind))
            .content_type("application/octet-stream")
            .body(ByteStream::from(bytes.clone()));
        let request = match over {
            Some(etag) => request.if_match(etag),
            None => request.if_none_match("*"),
        };
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_lost(error.as_service_error()) => {
                let found = self.manifest_bytes(kind).await?;
                Ok(found.is_some_and(|(found, _)| found == bytes))
            }
            Err(error) => Err(classified("replacing a manifest", &error)),
        }
    }
}

fn is_lost(error: Option<&impl ProvideErrorMetadata>) -> bool {
    let code = error.and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| LOST_CODES.contains(&code))
}
