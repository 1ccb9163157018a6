//! How far a walk over all photos has come, on which each gets a fingerprint of newer algorithms.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::redacted;
use crate::time::Timestamp;

/// Which photos are looked at again, in this order: the sought are few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalStage {
    /// The photos of references.
    References,
    /// Ads.
    Ads,
    /// All were told.
    Over,
}

/// A walk over all photos, so that each gets a fingerprint of a version of the algorithms.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// The version.
    pub version: u16,
    /// What is walked over.
    pub stage: RenewalStage,
    /// The key behind which the stage goes on; none at its start.
    pub after: Option<String>,
    /// Photos that were told to be looked at again, in both stages.
    pub told: u64,
    /// When this was written.
    pub updated_at: Timestamp,
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f) // a key says whose photo it is
    }
}
