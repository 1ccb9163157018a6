//! The segments and the manifest of each searchable set.

pub(crate) mod building;
pub(crate) mod compaction_rule;
pub(crate) mod manifests;
pub(crate) mod merging;
pub(crate) mod objects;
pub(crate) mod record;
pub(crate) mod repair;

use crate::Db;

/// The segments and the manifest of each searchable set. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Segments {
    pub(crate) db: Db,
}

impl Segments {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }
}
