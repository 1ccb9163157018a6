//! Buckets. They are always versioned.

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::fields;
use crate::REGION;
use crate::error::blocking;
use crate::object_store::ObjectStore;
use crate::refused::Refused;
use crate::versions::{self, from_ms};

type Answer<T> = S3Result<S3Response<T>>;

/// Succeeds for a bucket that exists, as S3 does in its oldest region.
pub(super) async fn create(
    store: &Arc<ObjectStore>,
    request: S3Request<CreateBucketInput>,
) -> Answer<CreateBucketOutput> {
    let (store, bucket) = (store.clone(), request.input.bucket);
    let location = Some(format!("/{bucket}"));
    blocking(move || store.create_bucket(bucket))
        .await
        .map_err(Refused::from)?;
    Ok(S3Response::new(CreateBucketOutput { location }))
}

pub(super) async fn head(
    store: &Arc<ObjectStore>,
    request: S3Request<HeadBucketInput>,
) -> Answer<HeadBucketOutput> {
    require(store, request.input.bucket).await?;
    let bucket_region = Some(REGION.to_owned());
    Ok(S3Response::new(HeadBucketOutput {
        bucket_region,
        ..Default::default()
    }))
}

/// Only an empty bucket goes: one without versions and uploads.
pub(super) async fn delete(
    store: &Arc<ObjectStore>,
    request: S3Request<DeleteBucketInput>,
) -> Answer<DeleteBucketOutput> {
    let (store, bucket) = (store.clone(), request.input.bucket);
    let deleted = move || {
        store.metadata.write(move |db| {
            versions::require_bucket(db, &bucket)?;
            let used: bool = db.query_row(
                "SELECT EXISTS (SELECT 1 FROM versions WHERE bucket = ?1)
                     OR EXISTS (SELECT 1 FROM uploads WHERE bucket = ?1)",
                [&bucket],
                |row| row.get(0),
            )?;
            if used {
                return Err(Refused::Client(S3ErrorCode::BucketNotEmpty));
            }
            db.execute("DELETE FROM notifications WHERE bucket = ?1", [&bucket])?;
            db.execute("DELETE FROM buckets WHERE name = ?1", [&bucket])?;
            Ok(())
        })
    };
    blocking(deleted).await?;
    Ok(S3Response::new(DeleteBucketOutput::default()))
}

pub(super) async fn list(
    store: &Arc<ObjectStore>,
    request: S3Request<ListBucketsInput>,
) -> Answer<ListBucketsOutput> {
    let (store, prefix) = (store.clone(), request.input.prefix.unwrap_or_default());
    let found = blocking(move || {
        store.metadata.read(|db| {
            let mut buckets = db.prepare("SELECT name, created_ms FROM buckets ORDER BY name")?;
            let found = buckets.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok::<_, Refused>(found.collect::<rusqlite::Result<Vec<(String, i64)>>>()?)
        })
    })
    .await?;
    let buckets = found
        .into_iter()
        .filter(|(name, _)| name.starts_with(&prefix))
        .map(|(name, created_ms)| Bucket {
            bucket_region: None,
            creation_date: from_ms(created_ms).ok().map(fields::time),
            name: Some(name),
        })
        .collect();
    Ok(S3Response::new(ListBucketsOutput {
        buckets: Some(buckets),
        ..Default::default()
    }))
}

pub(super) async fn location(
    store: &Arc<ObjectStore>,
    request: S3Request<GetBucketLocationInput>,
) -> Answer<GetBucketLocationOutput> {
    require(store, request.input.bucket).await?;
    Ok(S3Response::new(GetBucketLocationOutput::default())) // none means us-east-1
}

pub(super) async fn versioning(
    store: &Arc<ObjectStore>,
    request: S3Request<GetBucketVersioningInput>,
) -> Answer<GetBucketVersioningOutput> {
    require(store, request.input.bucket).await?;
    let status = Some(BucketVersioningStatus::from_static(
        BucketVersioningStatus::ENABLED,
    ));
    Ok(S3Response::new(GetBucketVersioningOutput {
        status,
        ..Default::default()
    }))
}

/// Versioning cannot be turned off; turning it on changes nothing.
pub(super) async fn set_versioning(
    store: &Arc<ObjectStore>,
    request: S3Request<PutBucketVersioningInput>,
) -> Answer<PutBucketVersioningOutput> {
    require(store, request.input.bucket).await?;
    let status = request.input.versioning_configuration.status;
    if status.is_some_and(|status| status.as_str() == BucketVersioningStatus::ENABLED) {
        return Ok(S3Response::new(PutBucketVersioningOutput::default()));
    }
    Err(S3ErrorCode::IllegalVersioningConfigurationException.into())
}

async fn require(store: &Arc<ObjectStore>, bucket: String) -> S3Result<()> {
    let store = store.clone();
    let found = blocking(move || {
        store
            .metadata
            .read(|db| versions::require_bucket(db, &bucket))
    });
    Ok(found.await?)
}
