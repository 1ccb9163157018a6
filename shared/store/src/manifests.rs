//! The manifest of a set: read, and replaced by compare-and-swap only.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use segments::{Kind, Manifest};

use crate::Store;
use crate::error::{Result, told};
use crate::segment_objects::manifest_key;

/// A manifest as it stood when it was read: what the next swap is conditioned on.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What it says.
    pub manifest: Manifest,
    /// The object's entity tag; none if there was no manifest yet.
    etag: Option<String>,
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

impl Store {
    /// The manifest of a set as it stands. Strongly consistent. A set without one is empty.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`] if it cannot be read: better stop than miss a match.
    pub async fn manifest(&self, kind: Kind) -> Result<Standing> {
        let Some((bytes, etag)) = self.manifest_bytes(kind).await? else {
            return Ok(Standing {
                manifest: Manifest::empty(kind),
                etag: None,
            });
        };
        Ok(Standing {
            manifest: Manifest::from_bytes(kind, &bytes)?,
            etag: Some(etag),
        })
    }

    async fn manifest_bytes(&self, kind: Kind) -> Result<Option<(Bytes, String)>> {
        self.small_object(
            &manifest_key(kind),
            MANIFEST_BYTES_MAX,
            "reading a manifest",
        )
        .await
    }

    /// Replaces a manifest, unless somebody else did since it was read; says whether it did. What
    /// was replaced by this very call although its first answer was lost counts as done.
    pub(crate) async fn swap(&self, standing: &Standing, next: &Manifest) -> Result<bool> {
        let bytes = next.to_bytes();
        let request = self
            .s3
            .put_object()
            .bucket(&self.names.segments_bucket)
            .key(manifest_key(next.kind))
            .content_type("application/octet-stream")
            .body(ByteStream::from(bytes.clone()));
        let request = match &standing.etag {
            Some(etag) => request.if_match(etag),
            None => request.if_none_match("*"),
        };
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_lost(error.as_service_error()) => {
                let found = self.manifest_bytes(next.kind).await?;
                Ok(found.is_some_and(|(found, _)| found == bytes))
            }
            Err(error) => Err(told("replacing a manifest", &error)),
        }
    }
}

fn is_lost(error: Option<&impl ProvideErrorMetadata>) -> bool {
    let code = error.and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| LOST_CODES.contains(&code))
}
