//! The conditions of reads, in the order of RFC 9110.

use http::{HeaderMap, HeaderValue};
use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::fields;
use crate::object_store::names;
use crate::versions::Version;

/// A condition on the entity tag, and one on the time.
pub(super) type TagAndTime<'a> = (Option<&'a ETagCondition>, Option<&'a Timestamp>);

/// The conditions of a read, in the order of RFC 9110.
///
/// # Errors
/// `PreconditionFailed`, `NotModified`.
pub(super) fn unchanged(
    version: &Version,
    wanted: TagAndTime<'_>,
    unwanted: TagAndTime<'_>,
) -> S3Result<()> {
    let modified = fields::whole_seconds(version.modified);
    let as_wanted = match wanted {
        (Some(condition), _) => names(condition, &version.etag),
        (None, Some(since)) => modified <= *since,
        (None, None) => true,
    };
    if !as_wanted {
        return Err(S3ErrorCode::PreconditionFailed.into());
    }
    let known = match unwanted {
        (Some(condition), _) => names(condition, &version.etag),
        (None, Some(since)) => modified <= *since,
        (None, None) => false,
    };
    if !known {
        return Ok(());
    }
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = HeaderMap::new();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", version.etag)) {
        headers.insert(http::header::ETAG, etag);
    }
    error.set_headers(headers);
    Err(error)
}

/// As [`unchanged`], for the source of a copy, where every miss is a failed precondition.
pub(super) fn source_unchanged(
    source: &Version,
    wanted: TagAndTime<'_>,
    unwanted: TagAndTime<'_>,
) -> S3Result<()> {
    unchanged(source, wanted, unwanted).map_err(|_| S3ErrorCode::PreconditionFailed.into())
}
