//! The searchable set of ads: tail, packs, segments, stop features.

pub(crate) mod compaction;
pub(crate) mod ending;
pub(crate) mod packs;
pub(crate) mod pages;
pub(crate) mod stop_features;

use crate::{Db, Segments};

/// The searchable set of ads: tail, packs, segments, stop features. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AdsSet {
    pub(crate) db: Db,
    pub(crate) segments: Segments,
}

impl AdsSet {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            segments: Segments::new(db),
        }
    }
}
