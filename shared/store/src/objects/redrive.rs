//! Driving an object again whose event was lost: it is copied onto itself, so that S3 tells of it
//! once more, through the same queue and to the same program as the first time.

use std::collections::HashMap;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::MetadataDirective;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use records::ObjectKey;

use crate::Objects;
use crate::db::error::{Result, classified};
use crate::objects::{UPLOADED_AT, time};

/// What may stand as it is in a copy source, in addition to letters and digits.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

impl Objects {
    /// Copies an object onto itself with the metadata it has and the time of its first upload (see
    /// [`crate::ObjectFacts::uploaded_at`]), and says whether it did: not if it
    /// is gone, or was overwritten concurrently (then its new content has an event of its own).
    /// Repeating it makes another event, which does no harm.
    ///
    /// # Errors
    /// As every verb.
    pub async fn redrive(&self, key: &ObjectKey) -> Result<bool> {
        let bucket = self.bucket_of(key);
        let Some(head) = self.head(key).await? else {
            return Ok(false);
        };
        let source = format!("{bucket}/{}", utf8_percent_encode(key.as_str(), PLAIN));
        let copied = self
            .db
            .s3
            .copy_object()
            .bucket(bucket)
            .key(key.as_str())
            .copy_source(source)
            .set_copy_source_if_match(head.e_tag)
            .metadata_directive(MetadataDirective::Replace)
            .set_metadata(Some(metadata(head.metadata, head.last_modified)?))
            .set_content_type(head.content_type)
            .send()
            .await;
        match copied {
            Ok(_) => Ok(true),
            Err(error) if is_overtaken(error.as_service_error()) => Ok(false),
            Err(error) => Err(classified("driving an object again", &error)),
        }
    }
}

/// The object's metadata, and when it was first uploaded.
fn metadata(
    known: Option<HashMap<String, String>>,
    last_modified: Option<DateTime>,
) -> Result<HashMap<String, String>> {
    let mut metadata = known.unwrap_or_default();
    if !metadata.contains_key(UPLOADED_AT) {
        metadata.insert(
            UPLOADED_AT.to_owned(),
            time(last_modified.as_ref())?.as_str(),
        );
    }
    Ok(metadata)
}

fn is_overtaken(error: Option<&impl ProvideErrorMetadata>) -> bool {
    matches!(
        error.and_then(ProvideErrorMetadata::code),
        Some("PreconditionFailed" | "NoSuchKey")
    )
}
