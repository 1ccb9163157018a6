//! Deletes: a delete marker on a key, or the end of a version.

use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::{Server, messages};
use crate::error::blocking;
use crate::object_store::Condition;
use crate::removal::ToDelete;
use crate::versions::Version;

type Answer<T> = S3Result<S3Response<T>>;

pub(super) async fn delete(
    server: &Server,
    request: S3Request<DeleteObjectInput>,
) -> Answer<DeleteObjectOutput> {
    let input = request.input;
    let (bucket, key) = (input.bucket.clone(), input.key.clone());
    let to_delete = ToDelete {
        key: input.key,
        version_id: input.version_id.clone(),
        condition: Condition {
            if_match: input.if_match,
            if_none_match: None,
        },
    };
    let store = server.store.clone();
    let answers = blocking(move || store.delete(input.bucket, vec![to_delete])).await?;
    let version = answers
        .into_iter()
        .next()
        .ok_or(S3ErrorCode::InternalError)??;
    server.rules.removed(&bucket, &[key]).await?;
    Ok(S3Response::new(DeleteObjectOutput {
        delete_marker: version.as_ref().map(|version| version.content.is_none()),
        version_id: version
            .map(|version| version.version_id)
            .or(input.version_id),
        request_charged: None,
    }))
}

pub(super) async fn delete_many(
    server: &Server,
    request: S3Request<DeleteObjectsInput>,
) -> Answer<DeleteObjectsOutput> {
    let input = request.input;
    let quiet = input.delete.quiet.unwrap_or(false);
    let names: Vec<_> = input
        .delete
        .objects
        .into_iter()
        .map(|object| (object.key, object.version_id))
        .collect();
    let to_delete = names.iter().cloned().map(|(key, version_id)| ToDelete {
        key,
        version_id,
        condition: Condition::default(),
    });
    let (store, to_delete) = (server.store.clone(), to_delete.collect());
    let bucket = input.bucket.clone();
    let answers = blocking(move || store.delete(input.bucket, to_delete)).await?;
    let done = names
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.is_ok());
    let gone: Vec<String> = done.map(|((key, _), _)| key.clone()).collect();
    server.rules.removed(&bucket, &gone).await?;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for ((key, version_id), answer) in names.into_iter().zip(answers) {
        match answer {
            Ok(_) if quiet => {}
            Ok(version) => deleted.push(deleted_object(key, version_id, version)),
            Err(code) => errors.push(Error {
                code: Some(code.as_str().to_owned()),
                key: Some(key),
                message: Some(messages::of(code.as_str()).to_owned()),
                version_id,
            }),
        }
    }
    let (deleted, errors) = (Some(deleted), Some(errors));
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted,
        errors,
        request_charged: None,
    }))
}

fn deleted_object(
    key: String,
    version_id: Option<String>,
    version: Option<Version>,
) -> DeletedObject {
    let marker = version.filter(|version| version.content.is_none());
    DeletedObject {
        delete_marker: marker.as_ref().map(|_| true),
        delete_marker_version_id: marker.map(|marker| marker.version_id),
        key: Some(key),
        version_id,
    }
}
