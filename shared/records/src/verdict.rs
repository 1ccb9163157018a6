//! The history of verdicts on a lead.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::LeadId;
use crate::lead::{LeadStatus, LeadSummary, VerdictEntry};
use crate::person::PersonId;
use crate::time::Timestamp;

/// One decision on a lead, or that it was taken back, with how the lead stood before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// The lead.
    pub lead_id: LeadId,
    /// Who.
    pub by: Option<PersonId>,
    /// When.
    pub at: Timestamp,
    /// The decision; none where the one before was taken back.
    pub entry: Option<VerdictEntry>,
    /// How the lead stood before.
    pub status_before: LeadStatus,
    /// The verdict before.
    pub verdict_before: Option<VerdictEntry>,
}

impl VerdictRecord {
    /// How long a decision can be taken back: a slip of the hand is noticed at once.
    pub const TAKE_BACK: Duration = Duration::from_secs(15);

    /// Its place in the history, a text that sorts by time. Two decisions at the same time have two
    /// places; the same one again has the same.
    pub fn place(&self) -> String {
        let told = serde_json::json!([self.by, self.entry, self.verdict_before]);
        let which = hex::encode(&Sha256::digest(told.to_string())[..4]);
        format!("{:015}#{which}", self.at.millis())
    }

    /// Whether this person may take it back now. A request that comes late on a slow line has some
    /// seconds of grace.
    pub fn may_be_taken_back(&self, by: &PersonId, now: Timestamp) -> bool {
        let grace = Self::TAKE_BACK + Duration::from_secs(5);
        self.entry.is_some() && self.by.as_ref() == Some(by) && now.since(self.at) <= grace
    }
}

impl LeadSummary {
    /// A short text that changes whenever the lead is judged, opened again or rises: who judges what it
    /// has seen says which version that was.
    pub fn version(&self) -> String {
        let told = serde_json::json!([
            self.status,
            self.verdict,
            self.reopened_at,
            self.level.as_str()
        ]);
        hex::encode(&Sha256::digest(told.to_string())[..8])
    }
}
