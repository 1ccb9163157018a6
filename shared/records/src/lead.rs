//! Leads: a reference and an ad image that match. Not yet a fact.

use serde::{Deserialize, Serialize};

use features::{Level, Method};

use crate::ad::Sighting;
use crate::ids::{CaseId, ImageSha256, LeadId, ReferenceId, TenantId};
use crate::person::PersonId;
use crate::text::Label;
use crate::time::Timestamp;

/// [`Level`] as it is stored and sent.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Level", rename_all = "snake_case")]
pub(crate) enum LevelText {
    Alert,
    Review,
}

/// [`Method`] as it is stored and sent.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Method", rename_all = "snake_case")]
pub(crate) enum MethodText {
    Whole,
    Parts,
}

/// Where the fingerprint that matched comes from. What was computed here from pixels is the better
/// evidence, hence the greater one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// An uploader says so in a list of hashes; the picture was not seen here.
    Claimed,
    /// It was computed here from the picture.
    #[default]
    Computed,
}

/// Where a lead stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadStatus {
    /// Not reviewed yet.
    Open,
    /// A person says that it is the photo.
    Confirmed,
    /// A person says that it is not.
    Dismissed,
    /// A person could not tell.
    Unsure,
    /// Its ad image or its reference is gone, or what it rests on was retracted.
    Withdrawn,
}

/// A person's decision on a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is the photo.
    Confirmed,
    /// It is not.
    Dismissed,
    /// Cannot be told.
    Unsure,
}

impl Verdict {
    /// The status of a lead with this verdict.
    pub fn status(self) -> LeadStatus {
        match self {
            Self::Confirmed => LeadStatus::Confirmed,
            Self::Dismissed => LeadStatus::Dismissed,
            Self::Unsure => LeadStatus::Unsure,
        }
    }
}

/// Why a person says that it is another photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictReason {
    /// It only looks alike.
    Lookalike,
    /// The same person in another photo, by a person's eye: no match, yet the case's owner must hear of it.
    SamePersonOtherPhoto,
    /// A logo, a stock photo or a background.
    LogoOrStock,
    /// The reference photo is of no use for this.
    ReferenceUnusable,
}

/// A verdict with who gave it and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictEntry {
    /// The decision.
    pub verdict: Verdict,
    /// Who decided, in the unit's own words; none if the unit does not say.
    pub decided_by: Option<Label>,
    /// What they add, in one line; none if nothing.
    #[serde(default)]
    pub note: Option<Label>,
    /// Why, if a person said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<VerdictReason>,
    /// When.
    pub decided_at: Timestamp,
}

/// A first "same photo", which waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstOpinion {
    /// Who gave it.
    pub by: PersonId,
    /// What it said.
    pub entry: VerdictEntry,
}

/// The corners of the reference within the ad image, clockwise from its top left, as fractions of
/// the ad's width and height (0 to 1; outside that where the ad shows a part only).
pub type Outline = [(f32, f32); 4];

/// A lead without its sightings: what is stored under one key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadSummary {
    /// Its identity.
    pub lead_id: LeadId,
    /// The case of the reference.
    pub case_id: CaseId,
    /// The reference.
    pub reference_id: ReferenceId,
    /// The ad image.
    pub image_sha256: ImageSha256,
    /// How sure the policy is.
    #[serde(with = "LevelText")]
    pub level: Level,
    /// What matched.
    #[serde(with = "MethodText")]
    pub method: Method,
    /// Differing bits of the best hashes, 0 to 256.
    pub distance: u16,
    /// The edit found, in words: `as is`, `mirrored`, `crop 40%`.
    pub edit: Label,
    /// The version of the policy that decided.
    pub policy_version: u16,
    /// Where the reference lies within the ad; none if its parts do not tell.
    pub outline: Option<Outline>,
    /// Where it stands.
    pub status: LeadStatus,
    /// The latest verdict.
    pub verdict: Option<VerdictEntry>,
    /// What a first person said, if it counts only once a second one has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_opinion: Option<FirstOpinion>,
    /// When it was found.
    pub created_at: Timestamp,
    /// Where the fingerprint comes from by which it has its level.
    #[serde(default)]
    pub evidence: Evidence,
    /// Who brought the evidence by which it has its level; none only in a record of an older build.
    #[serde(default)]
    pub evidence_by: Option<TenantId>,
    /// The uploader whose flood of matches has it held for review; none if it is not held.
    #[serde(default)]
    pub held_for: Option<TenantId>,
    /// The uploader whose contribution was [retracted](crate::Retraction), if that withdrew the lead.
    #[serde(default)]
    pub retracted: Option<TenantId>,
    /// Since when it is open again although a person dismissed it: another uploader posted it, or
    /// better evidence came.
    #[serde(default)]
    pub reopened_at: Option<Timestamp>,
    /// When its reference became active, as of the last time that this lead was told or looked at: one that was
    /// submitted again is active since another time, and its leads are told again.
    #[serde(default)]
    pub reference_activated_at: Option<Timestamp>,
    /// How many postings are known, kept or only counted ([`LeadUploader`]); none only in a record of
    /// an older build.
    #[serde(default)]
    pub sightings_total: Option<u64>,
    /// The first places that its ads name; none only in a record of an older build.
    #[serde(default)]
    pub places: Option<Vec<Label>>,
}

/// How often one uploader posted a lead's ad image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadUploader {
    /// Who.
    pub uploaded_by: TenantId,
    /// How many postings of theirs are known, 1 to [`LeadUploader::SIGHTINGS_COUNTED_MAX`], which
    /// means so many or more. More than [`LeadUploader::SIGHTINGS_KEPT_MAX`] of them are not kept one
    /// by one.
    pub sightings: u64,
    /// Whether an administrator has [retracted](crate::Retraction) what they contributed.
    #[serde(default)]
    pub retracted: bool,
}

impl LeadUploader {
    /// Postings of one uploader that a lead keeps one by one: the first that come. One uploader's
    /// hundred thousand postings of a picture would hold up all alerts, and tell a person
    /// nothing that their number and the first hundred do not.
    pub const SIGHTINGS_KEPT_MAX: usize = 100;

    /// Postings of one uploader that a lead counts, each by eight bytes: 80 KB. More are not told
    /// apart.
    pub const SIGHTINGS_COUNTED_MAX: u64 = 10_000;
}

/// A lead as its unit sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lead {
    /// Everything but the sightings.
    #[serde(flatten)]
    pub summary: LeadSummary,
    /// Known postings of the ad image by object key; of more than [`Lead::SIGHTINGS_MAX`] only so
    /// many, among them one of each uploader. All that are kept can be had by the page.
    pub sightings: Vec<Sighting>,
    /// Who posted it, and how often.
    #[serde(default)]
    pub uploaders: Vec<LeadUploader>,
}

impl Lead {
    /// Sightings shown with a lead: as many as an alert tells.
    pub const SIGHTINGS_MAX: usize = crate::alert::AlertData::SIGHTINGS_MAX;
}

impl LeadSummary {
    /// Whether the case system is told.
    pub fn is_alert(&self) -> bool {
        self.level == Level::Alert
    }

    /// How good the evidence is: first by the level that it gave, held or not, then by where it
    /// comes from.
    pub fn rank(&self) -> (bool, Evidence) {
        (self.is_alert() || self.held_for.is_some(), self.evidence)
    }

    /// The API's path of this lead.
    pub fn path(&self) -> String {
        format!("/v1/leads/{}", self.lead_id)
    }
}

/// A match that `lookup` found, to be recorded as a lead.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundLead {
    /// Whose reference it is.
    pub unit: TenantId,
    /// The reference.
    pub reference_id: ReferenceId,
    /// The ad image.
    pub image_sha256: ImageSha256,
    /// Who brought the ad image that was compared.
    pub uploaded_by: TenantId,
    /// Where the fingerprint comes from that was compared.
    pub evidence: Evidence,
    /// How sure the policy is.
    pub level: Level,
    /// What matched.
    pub method: Method,
    /// Differing bits of the best hashes, 0 to 256.
    pub distance: u16,
    /// The edit found, in words.
    pub edit: Label,
    /// The version of the policy that decided.
    pub policy_version: u16,
    /// Where the reference lies within the ad; none if its parts do not tell.
    pub outline: Option<Outline>,
}

impl FoundLead {
    /// How good this evidence is, as [`LeadSummary::rank`] has it.
    pub fn rank(&self) -> (bool, Evidence) {
        (self.level == Level::Alert, self.evidence)
    }
}
