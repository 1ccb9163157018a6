//! Copies: another row for the same content.

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::conditions::source_unchanged;
use super::fields;
use super::objects::{find, place};
use crate::error::blocking;
use crate::events::Cause;
use crate::object_store::{Condition, ObjectStore};
use crate::versions::Version;

type Answer<T> = S3Result<S3Response<T>>;

pub(super) async fn copy(
    store: &Arc<ObjectStore>,
    request: S3Request<CopyObjectInput>,
) -> Answer<CopyObjectOutput> {
    let input = request.input;
    let place = place(input.bucket, input.key)?;
    let source = source(store, input.copy_source).await?;
    source_unchanged(
        &source,
        (
            input.copy_source_if_match.as_ref(),
            input.copy_source_if_unmodified_since.as_ref(),
        ),
        (
            input.copy_source_if_none_match.as_ref(),
            input.copy_source_if_modified_since.as_ref(),
        ),
    )?;
    let replace = input
        .metadata_directive
        .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
    let mut headers = source.headers.clone();
    if replace {
        headers = fields::headers(
            [
                ("cache-control", input.cache_control),
                ("content-disposition", input.content_disposition),
                ("content-encoding", input.content_encoding),
                ("content-language", input.content_language),
                ("content-type", input.content_type),
            ],
            input.expires.as_ref(),
            input.metadata,
        )?;
        fields::keep_checksums(&mut headers, &fields::checksums(&source.headers));
    }
    let store = store.clone();
    let (content, etag) = (
        source.content.ok_or(S3ErrorCode::NoSuchKey)?,
        source.etag.clone(),
    );
    let copy = blocking(move || {
        let blob = store.blobs.again(content)?.ok_or(S3ErrorCode::NoSuchKey)?;
        store.put(
            place,
            blob,
            (etag, headers),
            (Condition::default(), Cause::Copy),
        )
    })
    .await?;
    Ok(S3Response::new(CopyObjectOutput {
        copy_object_result: Some(CopyObjectResult {
            e_tag: Some(fields::etag(&copy)),
            last_modified: Some(fields::time(copy.modified)),
            ..Default::default()
        }),
        copy_source_version_id: Some(source.version_id),
        version_id: Some(copy.version_id),
        ..Default::default()
    }))
}

/// The version that a copy starts from.
pub(super) async fn source(store: &Arc<ObjectStore>, source: CopySource) -> S3Result<Version> {
    match source {
        CopySource::Bucket {
            bucket,
            key,
            version_id,
        } => find(store, bucket.into(), key.into(), version_id.map(Into::into)).await,
        _ => Err(S3ErrorCode::NotImplemented.into()),
    }
}
