//! References: photos of missing persons, or only their fingerprints.

use std::collections::BTreeMap;
use std::time::Duration;

use features::ReferenceKind;
use serde::{Deserialize, Serialize};

use crate::ids::{CaseId, ImageSha256, ReferenceId, TenantId};
use crate::key::ReferenceKey;
use crate::reason::ReasonCode;
use crate::text::Label;
use crate::time::Timestamp;

/// [`ReferenceKind`] as it is stored and sent.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ReferenceKind", rename_all = "snake_case")]
pub(crate) enum ReferenceKindText {
    Photo,
    PageWithPhoto,
    Page,
}

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

/// Whether leads of a reference reach the case system: counted and held for each uploader apart, so
/// that the flood of one silences no other uploader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertLimit {
    /// Since when leads of some uploader are held for review; none if all are alerted.
    pub held_since: Option<Timestamp>,
    /// Alerts in any 24 hours on what one uploader brings, beyond which its leads are held.
    pub per_day_max: u32,
    /// The uploaders whose leads are held, because their ads matched too much, and since when.
    #[serde(default)]
    pub held: BTreeMap<TenantId, Timestamp>,
    /// When it was alerted on in the last 24 hours, by uploader, in milliseconds since 1970.
    #[serde(default)]
    pub recent: BTreeMap<TenantId, Vec<i64>>,
}

impl AlertLimit {
    /// The most alerts in 24 hours, unless the unit says otherwise. One photo of one person is
    /// posted again and again, but repeated postings of the same file are one lead; 50 *different*
    /// files a day is an advertiser that saves it again for every site and city. Beyond that, what
    /// matches is more likely a logo, a stock photo or a background than a person, and no person can
    /// look at more before the next day: what is held is not lost.
    pub const PER_DAY_MAX_DEFAULT: u32 = 50;
    /// The highest limit that a unit can set: the times fit a small item.
    pub const PER_DAY_MAX_MAX: u32 = 500;
    /// Times kept of all uploaders together, about 90 KB of an item that may have 400: 200 uploaders
    /// at the usual limit. Beyond it each uploader still has its first alert of a day.
    pub const TIMES_MAX: usize = 10_000;
    /// What "a day" is.
    pub const WINDOW: Duration = Duration::from_secs(86_400);

    /// How this stands after a new lead of alert level from an uploader, and what becomes of that
    /// lead.
    #[must_use]
    pub fn after_lead(&self, uploader: &TenantId, now: Timestamp) -> (Self, AlertDecision) {
        let mut after = self.clone();
        if self.held.contains_key(uploader) {
            return (after, AlertDecision::Held);
        }
        let oldest = now.minus(Self::WINDOW).millis();
        after.recent.retain(|_, times| {
            times.retain(|at| *at > oldest);
            !times.is_empty()
        });
        let all: usize = after.recent.values().map(Vec::len).sum();
        let own = after.recent.entry(uploader.clone()).or_default();
        let is_full = all >= Self::TIMES_MAX && !own.is_empty();
        if is_full || own.len() >= self.per_day_max as usize {
            after.held.insert(uploader.clone(), now);
            after.held_since = after.held_since.or(Some(now));
            return (after, AlertDecision::FirstHeld);
        }
        own.push(now.millis());
        (after, AlertDecision::Alerted)
    }

    /// How this stands once the unit has said that the reference is in order.
    #[must_use]
    pub fn released(&self, per_day_max: Option<u32>) -> Self {
        Self {
            per_day_max: per_day_max.unwrap_or(self.per_day_max),
            ..Self::default()
        }
    }
}

impl Default for AlertLimit {
    fn default() -> Self {
        Self {
            held_since: None,
            per_day_max: Self::PER_DAY_MAX_DEFAULT,
            held: BTreeMap::new(),
            recent: BTreeMap::new(),
        }
    }
}

/// What becomes of a new lead of alert level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertDecision {
    /// The case system is told.
    Alerted,
    /// It is the first of its uploader that is held: the case system is told that, once.
    FirstHeld,
    /// It is held like those before it.
    Held,
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
    /// What it is: of a page with a photo on it, the photo is what is searched for.
    #[serde(default, with = "ReferenceKindText")]
    pub shows: ReferenceKind,
    /// Its file is hurt, or some of its pages or frames could not be looked at: what it shows is searched for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_partial: bool,
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
    /// Whether its leads are told or held.
    #[serde(default)]
    pub alerting: AlertLimit,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 + hours * 3_600_000)
    }

    fn uploader(name: &str) -> TenantId {
        TenantId::parse(name).expect("a tenant")
    }

    fn decided_for(alerting: &mut AlertLimit, by: &str, hours: i64) -> AlertDecision {
        let (after, told) = alerting.after_lead(&uploader(by), at(hours));
        *alerting = after;
        told
    }

    fn decided(alerting: &mut AlertLimit, hours: i64) -> AlertDecision {
        decided_for(alerting, "uploader", hours)
    }

    #[test]
    fn more_than_so_many_alerts_in_any_day_hold_the_rest() {
        let mut alerting = AlertLimit {
            per_day_max: 3,
            ..AlertLimit::default()
        };
        for hour in [0, 10, 20, 24, 34] {
            assert_eq!(
                decided(&mut alerting, hour),
                AlertDecision::Alerted,
                "three a day are no burst"
            );
        }
        assert_eq!(decided(&mut alerting, 35), AlertDecision::FirstHeld);
        assert_eq!(alerting.held_since, Some(at(35)));
        assert_eq!(decided(&mut alerting, 36), AlertDecision::Held);
        assert_eq!(
            decided(&mut alerting, 999),
            AlertDecision::Held,
            "until a person decides"
        );
        let mut alerting = alerting.released(None);
        assert_eq!(decided(&mut alerting, 1_000), AlertDecision::Alerted);
        assert_eq!(
            (
                alerting.per_day_max,
                alerting.recent[&uploader("uploader")].len()
            ),
            (3, 1)
        );
        assert_eq!(alerting.released(Some(9)).per_day_max, 9);
    }

    #[test]
    fn a_clock_that_goes_back_loses_no_count() {
        let mut alerting = AlertLimit {
            per_day_max: 2,
            ..AlertLimit::default()
        };
        assert_eq!(decided(&mut alerting, 50), AlertDecision::Alerted);
        assert_eq!(decided(&mut alerting, 1), AlertDecision::Alerted);
        assert_eq!(
            decided(&mut alerting, 50),
            AlertDecision::Alerted,
            "the early one is over"
        );
        assert_eq!(decided(&mut alerting, 51), AlertDecision::FirstHeld);
    }

    #[test]
    fn a_flood_of_one_uploader_holds_no_other() {
        let mut alerting = AlertLimit {
            per_day_max: 2,
            ..AlertLimit::default()
        };
        for _ in 0..9 {
            decided_for(&mut alerting, "flood", 0);
        }
        for _ in 0..2 {
            assert_eq!(decided_for(&mut alerting, "ngo", 1), AlertDecision::Alerted);
        }
        assert_eq!(
            decided_for(&mut alerting, "ngo", 1),
            AlertDecision::FirstHeld
        );
        assert_eq!(
            decided_for(&mut alerting, "other", 1),
            AlertDecision::Alerted
        );
        let held: Vec<_> = alerting.held.keys().map(TenantId::as_str).collect();
        assert_eq!(held, ["flood", "ngo"]);
        assert_eq!(alerting.held_since, Some(at(0)), "the first of them");
    }

    #[test]
    fn what_is_counted_stays_small_and_a_first_alert_goes_out_still() {
        let mut alerting = AlertLimit {
            per_day_max: AlertLimit::PER_DAY_MAX_MAX,
            ..AlertLimit::default()
        };
        for round in 0..AlertLimit::TIMES_MAX {
            let by = format!("u{}", round % 20);
            assert_eq!(decided_for(&mut alerting, &by, 0), AlertDecision::Alerted);
        }
        assert_eq!(decided_for(&mut alerting, "ngo", 1), AlertDecision::Alerted);
        assert_eq!(
            decided_for(&mut alerting, "ngo", 1),
            AlertDecision::FirstHeld
        );
    }
}
