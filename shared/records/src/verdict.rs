//! The history of verdicts on a lead.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::LeadId;
use crate::lead::{FirstOpinion, LeadStatus, LeadSummary, Verdict, VerdictEntry};
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
    /// The first opinion before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_before: Option<FirstOpinion>,
    /// Which opinion it was, where two are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opinion: Option<Opinion>,
}

/// The place of an opinion among the two that a unit asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// It waits for another person.
    First,
    /// It was given without knowing the first.
    Second,
}

/// A person was asked for a second opinion on its own first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnOpinion;

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
    /// How the lead is once this person has judged it, where a unit asks for two opinions or for one; and which
    /// of two it was. Of two people who disagree it cannot be told who is right: they talk.
    ///
    /// # Errors
    /// [`OwnOpinion`] if the person said the same before, and another one is asked.
    pub fn judged_by(
        &self,
        by: &PersonId,
        entry: &VerdictEntry,
        asks_two: bool,
    ) -> Result<(Self, Option<Opinion>), OwnOpinion> {
        let is_yes = entry.verdict == Verdict::Confirmed;
        let mut lead = Self {
            first_opinion: None,
            retracted: None, // a person has looked at it since
            status: entry.verdict.status(),
            verdict: Some(entry.clone()),
            ..self.clone()
        };
        let opinion = match &self.first_opinion {
            Some(first) if first.by == *by && is_yes && asks_two => return Err(OwnOpinion),
            Some(first) if first.by == *by => None, // on second thoughts
            Some(_) if is_yes => Some(Opinion::Second),
            Some(_) => {
                let unsure = VerdictEntry {
                    verdict: Verdict::Unsure,
                    ..entry.clone()
                };
                (lead.status, lead.verdict) = (LeadStatus::Unsure, Some(unsure));
                Some(Opinion::Second)
            }
            None if is_yes && asks_two && self.status != LeadStatus::Confirmed => {
                (lead.status, lead.verdict) = (LeadStatus::Open, self.verdict.clone());
                lead.first_opinion = Some(FirstOpinion {
                    by: by.clone(),
                    entry: entry.clone(),
                });
                Some(Opinion::First)
            }
            None => None,
        };
        Ok((lead, opinion))
    }

    /// A short text that changes whenever the lead is judged, opened again or rises: who judges what it
    /// has seen says which version that was.
    pub fn version(&self) -> String {
        let told = serde_json::json!([
            self.status,
            self.verdict,
            self.reopened_at,
            self.level.as_str(),
            self.first_opinion,
        ]);
        hex::encode(&Sha256::digest(told.to_string())[..8])
    }
}
