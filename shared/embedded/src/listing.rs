//! Listings: keys in byte order, rolled up at a delimiter, page by page.

use std::ops::ControlFlow;

use rusqlite::Connection;
use s3s::S3ErrorCode;

use crate::refused::Refused;
use crate::store::after_all;
use crate::versions::{self, Cursor, Version};

/// Entries that one page may hold, as S3 limits it.
pub(crate) const PAGE_MAX: usize = 1_000;

/// Which keys are listed.
#[derive(Default)]
pub(crate) struct Query {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    /// Keys that share what comes up to the delimiter after the prefix are one entry.
    pub(crate) delimiter: Option<String>,
    /// Entries up to and including this one are left out.
    pub(crate) after: Option<String>,
    /// Of the key `after`, versions older than this one are listed all the same.
    pub(crate) after_version: Option<String>,
    /// Every version and delete marker, instead of the newest versions.
    pub(crate) versions: bool,
    pub(crate) max: usize,
}

/// One entry of a listing.
pub(crate) enum Entry {
    Object(Box<Version>),
    CommonPrefix(String),
}

/// A page of a listing.
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// Whether more entries follow.
    pub(crate) truncated: bool,
}

/// Why a walk stopped.
enum Stop {
    /// Everything that starts with this is one entry: go on behind it.
    RolledUp(String),
    Full,
}

/// Lists one page.
///
/// # Errors
/// `NoSuchBucket`; `InvalidArgument` for a version to go on behind that is none.
pub(crate) fn page(db: &Connection, query: &Query) -> Result<Page, Refused> {
    versions::require_bucket(db, &query.bucket)?;
    let max = query.max.min(PAGE_MAX);
    let mut entries = Vec::new();
    let end = after_all(query.prefix.as_bytes());
    let mut next = (max > 0).then_some(start(query)?);
    let mut truncated = false;
    while let Some(from) = next.take() {
        let range = (&from, end.as_deref());
        let stop = versions::walk(db, &query.bucket, range, query.versions, |version| {
            visit(query, version, max, &mut entries)
        })?;
        match stop {
            Some(Stop::RolledUp(common)) => next = after_all(common.as_bytes()).map(Cursor::at),
            Some(Stop::Full) => truncated = true,
            None => {}
        }
    }
    Ok(Page { entries, truncated })
}

fn start(query: &Query) -> Result<Cursor, S3ErrorCode> {
    let prefix = Cursor::at(query.prefix.as_bytes().to_vec());
    let Some(after) = query.after.as_ref().filter(|after| **after >= query.prefix) else {
        return Ok(prefix);
    };
    let Some(version) = &query.after_version else {
        return Ok(Cursor::behind(after));
    };
    let seq = versions::seq_of(version).ok_or(S3ErrorCode::InvalidArgument)?;
    Ok(Cursor {
        key: after.as_bytes().to_vec(),
        seq,
    })
}

fn visit(
    query: &Query,
    version: Version,
    max: usize,
    entries: &mut Vec<Entry>,
) -> ControlFlow<Stop> {
    let common = common_prefix(query, &version.key).map(str::to_owned);
    if let Some(common) = &common
        && query.after.as_ref() == Some(common)
    {
        return ControlFlow::Break(Stop::RolledUp(common.clone())); // the page before ended with it
    }
    if entries.len() == max {
        return ControlFlow::Break(Stop::Full);
    }
    match common {
        Some(common) => {
            entries.push(Entry::CommonPrefix(common.clone()));
            ControlFlow::Break(Stop::RolledUp(common))
        }
        None => {
            entries.push(Entry::Object(Box::new(version)));
            ControlFlow::Continue(())
        }
    }
}

/// What of a key is rolled up: everything up to the first delimiter after the prefix.
fn common_prefix<'a>(query: &Query, key: &'a str) -> Option<&'a str> {
    let delimiter = query
        .delimiter
        .as_deref()
        .filter(|delimiter| !delimiter.is_empty())?;
    let rest = key.get(query.prefix.len()..)?;
    let at = rest.find(delimiter)?;
    key.get(..query.prefix.len() + at + delimiter.len())
}
