//! References: photos of the sought, or only their fingerprints.

use serde::{Deserialize, Serialize};

use crate::ids::{CaseId, ImageSha256, ReferenceId};
use crate::key::ReferenceKey;
use crate::reason::ReasonCode;
use crate::text::Label;
use crate::time::Timestamp;

/// Where a reference stands. Only an active one is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceStatus {
    /// Submitted, not yet checked.
    Pending,
    /// Matched against every ad.
    Active,
    /// Stopped until a person decides; the reason says why.
    Held,
    /// Taken back by its unit; erased.
    Withdrawn,
    /// Its date passed; erased.
    Expired,
    /// Not usable; the reason says why.
    Rejected,
}

impl ReferenceStatus {
    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Held => "held",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
        }
    }
}

/// How far the search of a new reference through the past ads has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchState {
    /// Not begun.
    #[default]
    Waiting,
    /// Under way.
    Running,
    /// Every ad that was there before the reference has been compared.
    Done,
}

/// Progress of that search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchProgress {
    /// Where it stands.
    pub state: SearchState,
    /// Ad images compared so far. One that moves while the search goes on may count twice, here
    /// and in the total.
    pub images_searched: u64,
    /// Ad images to be compared, those among them that were; grows until all are known.
    #[serde(default)]
    pub images_total: u64,
    /// When this was written.
    pub updated_at: Option<Timestamp>,
}

/// One reference as its unit sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its identity.
    pub reference_id: ReferenceId,
    /// The case it is of.
    pub case_id: CaseId,
    /// Where it stands.
    pub status: ReferenceStatus,
    /// Why it was held or rejected, or how it ended.
    pub reason: Option<ReasonCode>,
    /// The photo's content; none if it came as a fingerprint only.
    pub image_sha256: Option<ImageSha256>,
    /// The photo's object; none if it came as a fingerprint only.
    pub object_key: Option<ReferenceKey>,
    /// The photo's width in pixels, as stored in the file.
    pub width_px: Option<u32>,
    /// The photo's height in pixels, as stored in the file.
    pub height_px: Option<u32>,
    /// The quality of its whole-picture hash, 0 to 100.
    pub quality: Option<u8>,
    /// On what ground it may be searched for.
    pub legal_basis: Label,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was submitted (for an object, its `Last-Modified`).
    pub created_at: Timestamp,
    /// When it first became active.
    pub activated_at: Option<Timestamp>,
    /// When it was withdrawn, expired or rejected.
    pub ended_at: Option<Timestamp>,
    /// Progress through the past ads.
    pub search: SearchProgress,
}
