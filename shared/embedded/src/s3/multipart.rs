//! Multipart uploads on the wire.

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::{body, copies, fields, objects};
use crate::digests::Claims;
use crate::error::blocking;
use crate::object_store::{Condition, ObjectAddress, ObjectStore};
use crate::refused::Refused;
use crate::uploads::{self, PART_NUMBER_MAX, Wanted};

type Answer<T> = S3Result<S3Response<T>>;

/// Parts that one page of a listing may hold.
const PAGE_MAX: i32 = 1_000;

pub(super) async fn create(
    store: &Arc<ObjectStore>,
    request: S3Request<CreateMultipartUploadInput>,
) -> Answer<CreateMultipartUploadOutput> {
    let input = request.input;
    let place = objects::place(input.bucket.clone(), input.key.clone())?;
    let headers = fields::headers(
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
    let store = store.clone();
    let id = blocking(move || store.begin_upload(place, &headers)).await?;
    Ok(S3Response::new(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        ..Default::default()
    }))
}

pub(super) async fn put_part(
    store: &Arc<ObjectStore>,
    mut request: S3Request<UploadPartInput>,
) -> Answer<UploadPartOutput> {
    let body = request.input.body.take();
    let trailers = request.trailing_headers.take();
    let input = request.input;
    let mut claims = Claims {
        md5: input.content_md5,
        checksums: Checksum {
            checksum_crc32: input.checksum_crc32,
            checksum_crc32c: input.checksum_crc32c,
            checksum_crc64nvme: input.checksum_crc64nvme,
            checksum_sha1: input.checksum_sha1,
            checksum_sha256: input.checksum_sha256,
            checksum_type: None,
        },
        wanted: input
            .checksum_algorithm
            .iter()
            .map(|name| name.as_str().to_lowercase())
            .collect(),
    };
    body::announce(&mut claims, &request.headers);
    let number = part_number(input.part_number)?;
    let place = ObjectAddress {
        bucket: input.bucket,
        key: input.key,
    };
    let length = (input.content_length, trailers);
    let incoming = body::receive(store, body, &mut claims, length).await?;
    let store = store.clone();
    let (part, checksum) = blocking(move || {
        let arrived = store.blobs.accept(incoming, &claims)?;
        let checksum = arrived.digested.checksums.clone();
        let part = store.put_part(place, input.upload_id, number, arrived)?;
        Ok::<_, Refused>((part, checksum))
    })
    .await?;
    Ok(S3Response::new(UploadPartOutput {
        e_tag: Some(part_etag(&part)),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        ..Default::default()
    }))
}

pub(super) async fn copy_part(
    store: &Arc<ObjectStore>,
    request: S3Request<UploadPartCopyInput>,
) -> Answer<UploadPartCopyOutput> {
    let input = request.input;
    let number = part_number(input.part_number)?;
    let source = copies::source(store, input.copy_source).await?;
    let content = source.content.ok_or(S3ErrorCode::NoSuchKey)?;
    let range = match input.copy_source_range {
        None => 0..source.size_bytes,
        Some(range) => s3s::dto::Range::parse(&range)
            .map_err(|_| S3ErrorCode::InvalidArgument)?
            .check(source.size_bytes)?,
    };
    let place = ObjectAddress {
        bucket: input.bucket,
        key: input.key,
    };
    let store = store.clone();
    let part = blocking(move || {
        let claims = Claims::default();
        let mut incoming = store.blobs.receive(&claims);
        store.blobs.copy(&content, &range, &mut incoming)?;
        let arrived = store.blobs.accept(incoming, &claims)?;
        store.put_part(place, input.upload_id, number, arrived)
    })
    .await?;
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result: Some(CopyPartResult {
            e_tag: Some(part_etag(&part)),
            last_modified: Some(fields::time(part.modified)),
            ..Default::default()
        }),
        copy_source_version_id: Some(source.version_id),
        ..Default::default()
    }))
}

pub(super) async fn complete(
    store: &Arc<ObjectStore>,
    request: S3Request<CompleteMultipartUploadInput>,
) -> Answer<CompleteMultipartUploadOutput> {
    let input = request.input;
    let parts = input
        .multipart_upload
        .and_then(|upload| upload.parts)
        .unwrap_or_default();
    let wanted: Option<Wanted> = parts
        .into_iter()
        .map(|part| Some((part.part_number?, part.e_tag.map(ETag::into_value))))
        .collect();
    let wanted = wanted.ok_or(S3ErrorCode::MalformedXML)?;
    let condition = Condition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
    };
    let place = ObjectAddress {
        bucket: input.bucket.clone(),
        key: input.key.clone(),
    };
    let store = store.clone();
    let complete = move || store.complete_upload(place, input.upload_id, &wanted, condition);
    let version = blocking(complete).await?;
    Ok(S3Response::new(CompleteMultipartUploadOutput {
        bucket: Some(input.bucket),
        e_tag: Some(fields::etag(&version)),
        key: Some(input.key),
        version_id: Some(version.version_id),
        ..Default::default()
    }))
}

pub(super) async fn abort(
    store: &Arc<ObjectStore>,
    request: S3Request<AbortMultipartUploadInput>,
) -> Answer<AbortMultipartUploadOutput> {
    let input = request.input;
    let place = ObjectAddress {
        bucket: input.bucket,
        key: input.key,
    };
    let store = store.clone();
    blocking(move || store.abort_upload(place, input.upload_id)).await?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}

pub(super) async fn list_parts(
    store: &Arc<ObjectStore>,
    request: S3Request<ListPartsInput>,
) -> Answer<ListPartsOutput> {
    let input = request.input;
    let place = ObjectAddress {
        bucket: input.bucket.clone(),
        key: input.key.clone(),
    };
    let (store, id) = (store.clone(), input.upload_id.clone());
    let there = blocking(move || store.parts(&place, &id)).await?;
    let after = input.part_number_marker.unwrap_or(0);
    let max = input.max_parts.unwrap_or(PAGE_MAX).clamp(0, PAGE_MAX);
    let room = usize::try_from(max).unwrap_or(0);
    let behind: Vec<_> = there.iter().filter(|part| part.number > after).collect();
    let parts: Vec<Part> = behind.iter().take(room).map(|part| listed(part)).collect();
    let last = parts.last().and_then(|part| part.part_number);
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        is_truncated: Some(behind.len() > parts.len()),
        key: Some(input.key),
        max_parts: Some(max),
        next_part_number_marker: last,
        part_number_marker: Some(after),
        parts: Some(parts),
        upload_id: Some(input.upload_id),
        ..Default::default()
    }))
}

fn listed(part: &uploads::UploadPart) -> Part {
    Part {
        e_tag: Some(part_etag(part)),
        last_modified: Some(fields::time(part.modified)),
        part_number: Some(part.number),
        size: i64::try_from(part.size_bytes).ok(),
        ..Default::default()
    }
}

/// All uploads under way: there are never enough of them here for pages.
pub(super) async fn list_uploads(
    store: &Arc<ObjectStore>,
    request: S3Request<ListMultipartUploadsInput>,
) -> Answer<ListMultipartUploadsOutput> {
    let input = request.input;
    let (store, bucket) = (store.clone(), input.bucket.clone());
    let found = blocking(move || store.uploads(&bucket)).await?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let uploads = found
        .into_iter()
        .filter(|upload| upload.key.starts_with(&prefix))
        .map(|upload| MultipartUpload {
            initiated: Some(fields::time(upload.created)),
            key: Some(upload.key),
            upload_id: Some(upload.id),
            ..Default::default()
        })
        .collect();
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        is_truncated: Some(false),
        prefix: input.prefix,
        uploads: Some(uploads),
        ..Default::default()
    }))
}

fn part_number(number: i32) -> Result<i32, S3ErrorCode> {
    if (1..=PART_NUMBER_MAX).contains(&number) {
        Ok(number)
    } else {
        Err(S3ErrorCode::InvalidArgument)
    }
}

fn part_etag(part: &uploads::UploadPart) -> ETag {
    ETag::Strong(hex::encode(part.md5))
}
