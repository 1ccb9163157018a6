//! What the buckets and tables are called in this deployment.
#![allow(clippy::disallowed_methods, reason = "settings are read here")]

use crate::db::error::{Error, Result};
use crate::db::tables::Table;

/// A bucket, as a program says that it needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Where uploaders put ads.
    Ads,
    /// Where units put reference photos.
    References,
    /// Where the segments of the searchable sets lie.
    Segments,
}

/// Names of buckets and tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// In front of every table's name.
    pub table_prefix: String,
    /// Where uploaders put ads.
    pub ads_bucket: String,
    /// Where units put reference photos.
    pub references_bucket: String,
    /// Where the segments of the searchable sets lie.
    pub segments_bucket: String,
}

impl Names {
    /// In front of every table's name unless `HOMEWARD_TABLE_PREFIX` says otherwise.
    pub const TABLE_PREFIX_DEFAULT: &'static str = "homeward-";

    /// From `HOMEWARD_TABLE_PREFIX`, `HOMEWARD_ADS_BUCKET`, `HOMEWARD_REFERENCES_BUCKET` and
    /// `HOMEWARD_SEGMENTS_BUCKET`. A program may leave out the name of a bucket that it does not need;
    /// it is then empty.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the name of a bucket that it needs is missing or empty: it would
    /// start and then fail on each photo.
    pub fn from_env(needed: &[Bucket]) -> Result<Self> {
        Self::of_variables(needed, |name| std::env::var(name).ok())
    }

    fn of_variables(needed: &[Bucket], read: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let prefix = read("HOMEWARD_TABLE_PREFIX");
        let read = |name| read(name).unwrap_or_default();
        let names = Self {
            table_prefix: prefix.unwrap_or_else(|| Self::TABLE_PREFIX_DEFAULT.to_owned()),
            ads_bucket: read("HOMEWARD_ADS_BUCKET"),
            references_bucket: read("HOMEWARD_REFERENCES_BUCKET"),
            segments_bucket: read("HOMEWARD_SEGMENTS_BUCKET"),
        };
        for bucket in needed {
            let (name, missing) = match bucket {
                Bucket::Ads => (&names.ads_bucket, "HOMEWARD_ADS_BUCKET is not set"),
                Bucket::References => (
                    &names.references_bucket,
                    "HOMEWARD_REFERENCES_BUCKET is not set",
                ),
                Bucket::Segments => (
                    &names.segments_bucket,
                    "HOMEWARD_SEGMENTS_BUCKET is not set",
                ),
            };
            if name.trim().is_empty() {
                return Err(Error::Configuration(missing));
            }
        }
        Ok(names)
    }

    /// The full name of a table.
    pub fn table(&self, table: Table) -> String {
        format!("{}{}", self.table_prefix, table.suffix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_does_not_start_without_the_name_of_a_bucket_that_it_needs() {
        let variables = |segments: &'static str| {
            move |name: &str| match name {
                "HOMEWARD_ADS_BUCKET" => Some("ads".to_owned()),
                "HOMEWARD_SEGMENTS_BUCKET" => Some(segments.to_owned()),
                _ => None,
            }
        };
        let check = |needed: &[Bucket], segments, missing: Option<&'static str>| {
            let names = Names::of_variables(needed, variables(segments));
            let expected = missing.map(|name| Error::Configuration(name).to_string());
            assert_eq!(names.err().map(|error| error.to_string()), expected);
        };
        check(&[], "", None);
        check(&[Bucket::Ads, Bucket::Segments], "segments", None);
        check(&[Bucket::Ads], "", None);
        let no_segments = Some("HOMEWARD_SEGMENTS_BUCKET is not set");
        check(&[Bucket::Ads, Bucket::Segments], "", no_segments);
        check(&[Bucket::Segments], " ", no_segments);
        let no_references = Some("HOMEWARD_REFERENCES_BUCKET is not set");
        check(&[Bucket::References], "segments", no_references);
    }
}
