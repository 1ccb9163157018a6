//! The three listings of objects.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::fields;
use crate::error::blocking;
use crate::listing::{self, ListingEntry, PAGE_MAX, Page, Query};
use crate::object_store::ObjectStore;
use crate::versions::Version;

type Answer<T> = S3Result<S3Response<T>>;

/// What `encoding-type=url` leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

/// How names are written: plainly, or percent-encoded where the client asks for it because XML
/// cannot hold every character of a key.
#[derive(Clone, Copy)]
struct Naming {
    encoded: bool,
}

impl Naming {
    fn of(encoding_type: Option<&EncodingType>) -> S3Result<Self> {
        match encoding_type.map(EncodingType::as_str) {
            None => Ok(Self { encoded: false }),
            Some(EncodingType::URL) => Ok(Self { encoded: true }),
            Some(_) => Err(S3ErrorCode::InvalidArgument.into()),
        }
    }

    fn write(self, name: &str) -> String {
        if self.encoded {
            percent_encode(name.as_bytes(), KEPT).to_string()
        } else {
            name.into()
        }
    }

    fn write_some(self, name: Option<&String>) -> Option<String> {
        name.map(|name| self.write(name))
    }
}

pub(super) async fn first_form(
    store: &Arc<ObjectStore>,
    request: S3Request<ListObjectsInput>,
) -> Answer<ListObjectsOutput> {
    let input = request.input;
    let naming = Naming::of(input.encoding_type.as_ref())?;
    let query = Query {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: input.marker.clone().filter(|marker| !marker.is_empty()),
        max: page_size(input.max_keys)?,
        ..Default::default()
    };
    let page = list(store, query).await?;
    let next_marker = next(&page).map(|name| naming.write(name));
    let (contents, common_prefixes) = entries(&page, naming);
    Ok(S3Response::new(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(naming.write(&input.prefix.unwrap_or_default())),
        marker: Some(naming.write(&input.marker.unwrap_or_default())),
        max_keys: Some(input.max_keys.unwrap_or(1_000)),
        is_truncated: Some(page.truncated),
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        delimiter: naming.write_some(input.delimiter.as_ref()),
        next_marker,
        encoding_type: input.encoding_type,
        request_charged: None,
    }))
}

pub(super) async fn second_form(
    store: &Arc<ObjectStore>,
    request: S3Request<ListObjectsV2Input>,
) -> Answer<ListObjectsV2Output> {
    let input = request.input;
    let naming = Naming::of(input.encoding_type.as_ref())?;
    let after = match &input.continuation_token {
        Some(token) => Some(read_token(token)?),
        None => input.start_after.clone().filter(|after| !after.is_empty()),
    };
    let query = Query {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after,
        max: page_size(input.max_keys)?,
        ..Default::default()
    };
    let page = list(store, query).await?;
    let (contents, common_prefixes) = entries(&page, naming);
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(naming.write(&input.prefix.unwrap_or_default())),
        max_keys: Some(input.max_keys.unwrap_or(1_000)),
        key_count: i32::try_from(page.entries.len()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.truncated),
        next_continuation_token: next(&page).map(|name| URL_SAFE_NO_PAD.encode(name)),
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        delimiter: naming.write_some(input.delimiter.as_ref()),
        encoding_type: input.encoding_type,
        start_after: naming.write_some(input.start_after.as_ref()),
        request_charged: None,
    }))
}

pub(super) async fn versions(
    store: &Arc<ObjectStore>,
    request: S3Request<ListObjectVersionsInput>,
) -> Answer<ListObjectVersionsOutput> {
    let input = request.input;
    let naming = Naming::of(input.encoding_type.as_ref())?;
    let query = Query {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: input.key_marker.clone().filter(|marker| !marker.is_empty()),
        after_version: input
            .version_id_marker
            .clone()
            .filter(|marker| !marker.is_empty()),
        versions: true,
        max: page_size(input.max_keys)?,
    };
    let page = list(store, query).await?;
    let last = page.entries.last().filter(|_| page.truncated);
    let next_version_id_marker = match last {
        Some(ListingEntry::Object(version)) => Some(version.version_id.clone()),
        _ => None,
    };
    Ok(S3Response::new(ListObjectVersionsOutput {
        common_prefixes: Some(common_prefixes(&page, naming)),
        delete_markers: Some(delete_markers(&page, naming)),
        versions: Some(object_versions(&page, naming)),
        delimiter: naming.write_some(input.delimiter.as_ref()),
        encoding_type: input.encoding_type,
        is_truncated: Some(page.truncated),
        key_marker: naming.write_some(input.key_marker.as_ref()),
        max_keys: Some(input.max_keys.unwrap_or(1_000)),
        name: Some(input.bucket),
        next_key_marker: next(&page).map(|name| naming.write(name)),
        next_version_id_marker,
        prefix: Some(naming.write(&input.prefix.unwrap_or_default())),
        request_charged: None,
        version_id_marker: input.version_id_marker,
    }))
}

async fn list(store: &Arc<ObjectStore>, query: Query) -> S3Result<Page> {
    let store = store.clone();
    Ok(blocking(move || store.metadata.read(|db| listing::page(db, &query))).await?)
}

fn page_size(max_keys: Option<i32>) -> S3Result<usize> {
    let max = max_keys.map_or(Ok(PAGE_MAX), usize::try_from);
    Ok(max.map_err(|_| S3ErrorCode::InvalidArgument)?.min(PAGE_MAX))
}

/// Where the next page goes on.
fn next(page: &Page) -> Option<&str> {
    let last = page.entries.last().filter(|_| page.truncated)?;
    Some(match last {
        ListingEntry::Object(version) => &version.key,
        ListingEntry::CommonPrefix(prefix) => prefix,
    })
}

fn read_token(token: &str) -> S3Result<String> {
    let name = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|name| String::from_utf8(name).ok());
    Ok(name.ok_or(S3ErrorCode::InvalidArgument)?)
}

fn objects(page: &Page) -> impl Iterator<Item = &Version> {
    page.entries.iter().filter_map(|entry| match entry {
        ListingEntry::Object(version) => Some(version.as_ref()),
        ListingEntry::CommonPrefix(_) => None,
    })
}

fn common_prefixes(page: &Page, naming: Naming) -> Vec<CommonPrefix> {
    let prefixes = page.entries.iter().filter_map(|entry| match entry {
        ListingEntry::CommonPrefix(prefix) => Some(prefix),
        ListingEntry::Object(_) => None,
    });
    prefixes
        .map(|prefix| CommonPrefix {
            prefix: Some(naming.write(prefix)),
        })
        .collect()
}

fn entries(page: &Page, naming: Naming) -> (Vec<Object>, Vec<CommonPrefix>) {
    let contents = objects(page).map(|version| Object {
        e_tag: Some(fields::etag(version)),
        key: Some(naming.write(&version.key)),
        last_modified: Some(fields::time(version.modified)),
        size: fields::size(version),
        storage_class: Some(ObjectStorageClass::from_static(
            ObjectStorageClass::STANDARD,
        )),
        ..Default::default()
    });
    (contents.collect(), common_prefixes(page, naming))
}

fn object_versions(page: &Page, naming: Naming) -> Vec<ObjectVersion> {
    let objects = objects(page).filter(|version| version.content.is_some());
    let versions = objects.map(|version| ObjectVersion {
        e_tag: Some(fields::etag(version)),
        is_latest: Some(version.latest),
        key: Some(naming.write(&version.key)),
        last_modified: Some(fields::time(version.modified)),
        size: fields::size(version),
        version_id: Some(version.version_id.clone()),
        ..Default::default()
    });
    versions.collect()
}

fn delete_markers(page: &Page, naming: Naming) -> Vec<DeleteMarkerEntry> {
    let markers = objects(page).filter(|version| version.content.is_none());
    let entries = markers.map(|version| DeleteMarkerEntry {
        is_latest: Some(version.latest),
        key: Some(naming.write(&version.key)),
        last_modified: Some(fields::time(version.modified)),
        owner: None,
        version_id: Some(version.version_id.clone()),
    });
    entries.collect()
}
