//! What the buckets and tables are called in this deployment.

use crate::error::{Error, Result};
use crate::tables::Table;

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
    /// `HOMEWARD_SEGMENTS_BUCKET`. A function that has no right to a bucket may leave its name out:
    /// it is then empty, and nothing is found in it.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the names of both buckets of photos are missing.
    pub fn from_env() -> Result<Self> {
        let read = |name| std::env::var(name).unwrap_or_default();
        let names = Self {
            table_prefix: std::env::var("HOMEWARD_TABLE_PREFIX")
                .unwrap_or_else(|_| Self::TABLE_PREFIX_DEFAULT.to_owned()),
            ads_bucket: read("HOMEWARD_ADS_BUCKET"),
            references_bucket: read("HOMEWARD_REFERENCES_BUCKET"),
            segments_bucket: read("HOMEWARD_SEGMENTS_BUCKET"),
        };
        if names.ads_bucket.is_empty() && names.references_bucket.is_empty() {
            return Err(Error::Configuration(
                "neither HOMEWARD_ADS_BUCKET nor HOMEWARD_REFERENCES_BUCKET is set",
            ));
        }
        Ok(names)
    }

    /// The full name of a table.
    pub fn table(&self, table: Table) -> String {
        format!("{}{}", self.table_prefix, table.suffix())
    }
}
