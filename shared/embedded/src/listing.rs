//! Listings: keys in byte order, rolled up at a delimiter, page by page.

use std::ops::ControlFlow;

use rusqlite::Connection;
use s3s::S3ErrorCode;

use crate::object_store::after_all;
use crate::refused::Refused;
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
pub(crate) enum ListingEntry {
    Object(Box<Version>),
    CommonPrefix(String),
}

/// A page of a listing.
pub(crate) struct Page {
    pub(crate) entries: Vec<ListingEntry>,
    /// Whether more entries follow.
    pub(crate) truncated: bool,
}

/// Why a walk stopped.
enum ListingStop {
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
        let stop = versions::scan(db, &query.bucket, range, query.versions, |version| {
            visit(query, version, max, &mut entries)
        })?;
        match stop {
            Some(ListingStop::RolledUp(common)) => {
                next = after_all(common.as_bytes()).map(Cursor::at)
            }
            Some(ListingStop::Full) => truncated = true,
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
    entries: &mut Vec<ListingEntry>,
) -> ControlFlow<ListingStop> {
    let common = common_prefix(query, &version.key).map(str::to_owned);
    if let Some(common) = &common
        && query.after.as_ref() == Some(common)
    {
        return ControlFlow::Break(ListingStop::RolledUp(common.clone())); // the page before ended with it
    }
    if entries.len() == max {
        return ControlFlow::Break(ListingStop::Full);
    }
    match common {
        Some(common) => {
            entries.push(ListingEntry::CommonPrefix(common.clone()));
            ControlFlow::Break(ListingStop::RolledUp(common))
        }
        None => {
            entries.push(ListingEntry::Object(Box::new(version)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata_db::MetadataDb;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// What S3 documents, said plainly: roll up, sort, leave out what repeats.
    fn naive(keys: &BTreeSet<String>, prefix: &str, delimiter: &str) -> BTreeSet<String> {
        let under = keys.iter().filter(|key| key.starts_with(prefix));
        let entry = |key: &String| match key[prefix.len()..].find(delimiter) {
            Some(at) if !delimiter.is_empty() => {
                key[..prefix.len() + at + delimiter.len()].to_owned()
            }
            _ => key.clone(),
        };
        under.map(entry).collect()
    }

    /// A metadata database with two versions of each key.
    fn filled(dir: &tempfile::TempDir, keys: &BTreeSet<String>) -> MetadataDb {
        let metadata = MetadataDb::open(&dir.path().join("ledger.db")).expect("opens");
        let keys = keys.clone();
        let fill = move |db: &Connection| -> Result<(), Refused> {
            db.execute("INSERT INTO buckets VALUES ('b', 0)", [])?;
            for key in &keys {
                let new = versions::NewVersion {
                    bucket: "b".into(),
                    key: key.clone(),
                    content: Some([0; 32]),
                    size_bytes: 0,
                    etag: String::new(),
                    headers: versions::Headers::new(),
                    now: jiff::Timestamp::UNIX_EPOCH,
                };
                versions::add(db, &new)?;
                versions::add(db, &new)?;
            }
            Ok(())
        };
        metadata.write(fill).unwrap_or_else(|_| panic!("filled"));
        metadata
    }

    fn name(entry: &ListingEntry) -> String {
        match entry {
            ListingEntry::Object(version) => version.key.clone(),
            ListingEntry::CommonPrefix(prefix) => prefix.clone(),
        }
    }

    fn all_pages(metadata: &MetadataDb, mut query: Query) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            let page = metadata.read(|db| page(db, &query));
            let page = page.unwrap_or_else(|_| panic!("a page"));
            names.extend(page.entries.iter().map(name));
            if !page.truncated {
                return names;
            }
            query.after = names.last().cloned();
            query.after_version = match page.entries.last() {
                Some(ListingEntry::Object(version)) if query.versions => {
                    Some(version.version_id.clone())
                }
                _ => None,
            };
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn pages_together_are_the_whole_listing(
            keys in prop::collection::btree_set("[ab/é\u{10FFFF}]{1,5}", 0..40),
            prefix in "[ab/]{0,2}",
            delimiter in "(/|a|b/)?",
            max in 1_usize..5,
        ) {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let metadata = filled(&dir, &keys);
            let query = Query {
                bucket: "b".into(),
                prefix: prefix.clone(),
                delimiter: Some(delimiter.clone()),
                max,
                ..Query::default()
            };
            let expected: Vec<_> = naive(&keys, &prefix, &delimiter).into_iter().collect();
            prop_assert_eq!(all_pages(&metadata, query), expected);

            let under = keys.iter().filter(|key| key.starts_with(&prefix));
            let twice: Vec<_> = under.flat_map(|key| [key.clone(), key.clone()]).collect();
            let query = Query { bucket: "b".into(), prefix: prefix.clone(), max, versions: true, ..Query::default() };
            prop_assert_eq!(all_pages(&metadata, query), twice);
        }
    }
}
