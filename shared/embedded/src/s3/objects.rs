//! Objects: put, get, head.

use std::ops::Range;
use std::sync::Arc;

use http::header::{ETAG, LOCATION};
use http::{HeaderMap, HeaderValue, Method};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::conditions::unchanged;
use super::{body, fields};
use crate::digests::Claims;
use crate::error::blocking;
use crate::events::{Cause, encode_key};
use crate::object_store::{Condition, ObjectAddress, ObjectStore};
use crate::refused::Refused;
use crate::versions::{Headers, Version};

type Answer<T> = S3Result<S3Response<T>>;

/// The longest key in bytes, as S3 has it.
const KEY_BYTES_MAX: usize = 1_024;

pub(super) async fn put(
    store: &Arc<ObjectStore>,
    mut request: S3Request<PutObjectInput>,
) -> Answer<PutObjectOutput> {
    // A form comes as a put whose method is still POST; its length is the file's.
    let cause = if request.method == Method::POST {
        Cause::Post
    } else {
        Cause::Put
    };
    let body = request.input.body.take();
    let trailers = request.trailing_headers.take();
    let mut claims = claims(&request);
    body::announce(&mut claims, &request.headers);
    let input = request.input;
    // In a form, S3 puts the file's name there; `s3s` does not hand it on, and stored as it stands
    // every file would have the same key.
    if cause == Cause::Post && input.key.contains("${filename}") {
        return Err(S3ErrorCode::InvalidArgument.into());
    }
    let place = place(input.bucket, input.key)?;
    let location = place.clone();
    let condition = Condition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
    };
    let mut headers = fields::headers(
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
    let length = (input.content_length, trailers);
    let incoming = body::receive(store, body, &mut claims, length).await?;
    let store = store.clone();
    let (version, checksum) = blocking(move || {
        let arrived = store.blobs.accept(incoming, &claims)?;
        fields::keep_checksums(&mut headers, &arrived.digested.checksums);
        let etag = hex::encode(arrived.digested.md5);
        let version = store.put(place, arrived.blob, (etag, headers), (condition, cause))?;
        Ok::<_, Refused>((version, arrived.digested.checksums))
    })
    .await?;
    let told = match cause {
        Cause::Post => said_to_forms(&location, &version),
        _ => HeaderMap::new(),
    };
    let output = PutObjectOutput {
        e_tag: Some(fields::etag(&version)),
        version_id: Some(version.version_id),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        ..Default::default()
    };
    Ok(S3Response::with_headers(output, told))
}

/// What the answer to a form says in addition to its status, as S3 has it: `s3s` leaves both out.
fn said_to_forms(place: &ObjectAddress, version: &Version) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let key = encode_key(&place.key).replace('+', "%20");
    let path = format!("/{}/{key}", place.bucket);
    for (name, value) in [(ETAG, format!("\"{}\"", version.etag)), (LOCATION, path)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers
}

fn claims(request: &S3Request<PutObjectInput>) -> Claims {
    let input = &request.input;
    Claims {
        md5: input.content_md5.clone(),
        checksums: Checksum {
            checksum_crc32: input.checksum_crc32.clone(),
            checksum_crc32c: input.checksum_crc32c.clone(),
            checksum_crc64nvme: input.checksum_crc64nvme.clone(),
            checksum_sha1: input.checksum_sha1.clone(),
            checksum_sha256: input.checksum_sha256.clone(),
            checksum_type: None,
        },
        wanted: input
            .checksum_algorithm
            .iter()
            .map(|name| name.as_str().to_lowercase())
            .collect(),
    }
}

/// # Errors
/// `KeyTooLongError`.
pub(super) fn place(bucket: String, key: String) -> Result<ObjectAddress, S3ErrorCode> {
    if key.len() > KEY_BYTES_MAX {
        return Err(S3ErrorCode::KeyTooLongError);
    }
    if key.is_empty() {
        return Err(S3ErrorCode::InvalidArgument);
    }
    Ok(ObjectAddress { bucket, key })
}

pub(super) async fn get(
    store: &Arc<ObjectStore>,
    request: S3Request<GetObjectInput>,
) -> Answer<GetObjectOutput> {
    let input = request.input;
    let version = find(store, input.bucket, input.key, input.version_id).await?;
    unchanged(
        &version,
        (input.if_match.as_ref(), input.if_unmodified_since.as_ref()),
        (
            input.if_none_match.as_ref(),
            input.if_modified_since.as_ref(),
        ),
    )?;
    let content = version.content.ok_or(S3ErrorCode::NoSuchKey)?;
    let (range, content_range) = part(&version, input.range, input.part_number)?;
    let body = body::send(store, content, range.clone()).await?;
    let whole = content_range.is_none();
    let checksum = checksums(&version, input.checksum_mode.as_ref(), whole);
    let headers = &version.headers;
    let status = (!whole).then_some(http::StatusCode::PARTIAL_CONTENT);
    let output = GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        body: Some(body),
        cache_control: headers.get("cache-control").cloned(),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        content_disposition: headers.get("content-disposition").cloned(),
        content_encoding: headers.get("content-encoding").cloned(),
        content_language: headers.get("content-language").cloned(),
        content_length: length(&range),
        content_range,
        content_type: Some(content_type(headers)),
        e_tag: Some(fields::etag(&version)),
        expires: fields::expires(headers),
        last_modified: Some(fields::time(version.modified)),
        metadata: fields::metadata(headers),
        version_id: Some(version.version_id.clone()),
        ..Default::default()
    };
    Ok(S3Response {
        status,
        ..S3Response::new(output)
    })
}

pub(super) async fn head(
    store: &Arc<ObjectStore>,
    request: S3Request<HeadObjectInput>,
) -> Answer<HeadObjectOutput> {
    let input = request.input;
    let version = find(store, input.bucket, input.key, input.version_id).await?;
    unchanged(
        &version,
        (input.if_match.as_ref(), input.if_unmodified_since.as_ref()),
        (
            input.if_none_match.as_ref(),
            input.if_modified_since.as_ref(),
        ),
    )?;
    let (range, content_range) = part(&version, input.range, input.part_number)?;
    let whole = content_range.is_none();
    let checksum = checksums(&version, input.checksum_mode.as_ref(), whole);
    let headers = &version.headers;
    let status = (!whole).then_some(http::StatusCode::PARTIAL_CONTENT);
    let output = HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        cache_control: headers.get("cache-control").cloned(),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        content_disposition: headers.get("content-disposition").cloned(),
        content_encoding: headers.get("content-encoding").cloned(),
        content_language: headers.get("content-language").cloned(),
        content_length: length(&range),
        content_range,
        content_type: Some(content_type(headers)),
        e_tag: Some(fields::etag(&version)),
        expires: fields::expires(headers),
        last_modified: Some(fields::time(version.modified)),
        metadata: fields::metadata(headers),
        version_id: Some(version.version_id.clone()),
        ..Default::default()
    };
    Ok(S3Response {
        status,
        ..S3Response::new(output)
    })
}

/// The version that a read is about.
///
/// # Errors
/// `NoSuchKey` behind a delete marker, `MethodNotAllowed` for a delete marker by its id: both with
/// the header that says so.
pub(super) async fn find(
    store: &Arc<ObjectStore>,
    bucket: String,
    key: String,
    id: Option<String>,
) -> S3Result<Version> {
    let (store, by_id) = (store.clone(), id.is_some());
    let find = move || store.find(&ObjectAddress { bucket, key }, id.as_deref());
    let version = blocking(find).await?;
    if version.content.is_some() {
        return Ok(version);
    }
    let code = if by_id {
        S3ErrorCode::MethodNotAllowed
    } else {
        S3ErrorCode::NoSuchKey
    };
    let mut error = S3Error::new(code);
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::from_str(&version.version_id) {
        headers.insert("x-amz-version-id", id);
    }
    error.set_headers(headers);
    Err(error)
}

/// What of the content is asked for, and the header that says so if it is not all.
///
/// # Errors
/// `InvalidRange`.
fn part(
    version: &Version,
    range: Option<s3s::dto::Range>,
    part_number: Option<i32>,
) -> S3Result<(Range<u64>, Option<String>)> {
    if part_number.is_some_and(|number| number != 1) {
        return Err(S3ErrorCode::InvalidRange.into()); // parts are not kept apart
    }
    let size = version.size_bytes;
    let Some(range) = range else {
        return Ok((0..size, None));
    };
    let range = range.check(size)?;
    let last = range.end.saturating_sub(1);
    let header = format!("bytes {}-{last}/{size}", range.start);
    Ok((range, Some(header)))
}

fn length(range: &Range<u64>) -> Option<i64> {
    i64::try_from(range.end.saturating_sub(range.start)).ok()
}

fn checksums(version: &Version, mode: Option<&ChecksumMode>, whole: bool) -> Checksum {
    if whole && mode.is_some() {
        fields::checksums(&version.headers)
    } else {
        Checksum::default()
    }
}

fn content_type(headers: &Headers) -> String {
    headers
        .get("content-type")
        .cloned()
        .unwrap_or_else(|| "binary/octet-stream".to_owned())
}
