//! Retractions: an administrator takes back, as a whole, what an uploader contributed.

use serde::{Deserialize, Serialize};

use crate::ids::TenantId;
use crate::time::Timestamp;

/// How far a retraction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetractionState {
    /// Nothing new rests on the contribution; the leads that rest on it alone are being withdrawn.
    Withdrawing,
    /// They are withdrawn.
    Done,
    /// It was lifted: the contribution counts again, and all past ads will be searched for every
    /// reference, so that no match of the meantime is missed.
    Lifting,
}

impl RetractionState {
    /// As it is stored and served.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Withdrawing => "withdrawing",
            Self::Done => "done",
            Self::Lifting => "lifting",
        }
    }
}

/// An uploader's contribution that was taken back: no lead, no alert and no digest rests on it. What
/// was uploaded stays recorded, so that it can be lifted, and so that the uploader sees no difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retraction {
    /// Whose contribution.
    pub tenant: TenantId,
    /// How far it has come.
    pub state: RetractionState,
    /// Since when nothing rests on it.
    pub retracted_at: Timestamp,
    /// Leads that it has withdrawn.
    pub leads_withdrawn: u64,
    /// Since when the searches of all past ads that it needs may have begun; none before it needs any.
    #[serde(default)]
    pub searches_from: Option<Timestamp>,
}

impl Retraction {
    /// Whether the contribution is taken back: not if that was lifted.
    pub fn is_in_force(&self) -> bool {
        self.state != RetractionState::Lifting
    }
}
