//! How far scans over all objects of both buckets have come: they outlive the runs of a program.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::text::redacted;
use crate::time::Timestamp;

/// What a scan is at, in this order: references are few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanStage {
    /// The photos of references.
    References,
    /// Ads.
    Ads,
    /// It is over.
    Over,
}

/// A scan that looks for objects whose event was lost and for those past their time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketScan {
    /// What it is at.
    pub stage: ScanStage,
    /// The key behind which the stage goes on; none at its start.
    pub after: Option<String>,
    /// When it began.
    pub began_at: Timestamp,
    /// Objects that it met so far under keys of no photo, or of tenants that there are none of.
    #[serde(default)]
    pub orphans: u64,
    /// Ads that were uploaded before it end by it; none where they are kept.
    #[serde(default)]
    pub ends_before: Option<Timestamp>,
    /// The same of the last scan that was over: no photo of before it is left.
    #[serde(default)]
    pub ended_before: Option<Timestamp>,
    /// Ads that were uploaded before it were recorded or refused when the last scan looked: until their end there
    /// is nothing to ask about them.
    #[serde(default)]
    pub settled_before: Option<Timestamp>,
    /// The oldest ad that this scan has driven again.
    #[serde(default)]
    pub unsettled: Option<Timestamp>,
}

impl BucketScan {
    /// A scan from the start of both buckets on, by what the one before has left.
    pub fn next(last: Option<&Self>, began_at: Timestamp, ends_before: Option<Timestamp>) -> Self {
        Self {
            stage: ScanStage::References,
            after: None,
            began_at,
            orphans: 0,
            ends_before,
            ended_before: last.and_then(|it| it.ended_before),
            settled_before: last.and_then(|it| it.settled_before),
            unsettled: None,
        }
    }

    /// What it has come to once it is over: ads that came so long before it began are settled, but for those that
    /// were driven again.
    pub fn close(&mut self, settles_after: Duration) {
        self.ended_before = self.ends_before.max(self.ended_before);
        let settled = self.began_at.minus(settles_after);
        self.settled_before = Some(self.unsettled.map_or(settled, |oldest| oldest.min(settled)));
    }
}

impl fmt::Debug for BucketScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f) // a key says whose photo it is
    }
}

/// A scan over all photos, so that each gets a fingerprint of a version of the algorithms.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// The version.
    pub version: u16,
    /// What it is at.
    pub stage: ScanStage,
    /// The key behind which the stage goes on; none at its start.
    pub after: Option<String>,
    /// Photos that were told to be looked at again, in both stages.
    pub told: u64,
    /// When this was written.
    pub updated_at: Timestamp,
}

impl Renewal {
    /// A scan that has not told anything yet.
    pub fn new(version: u16, now: Timestamp) -> Self {
        Self {
            version,
            stage: ScanStage::References,
            after: None,
            told: 0,
            updated_at: now,
        }
    }
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f) // a key says whose photo it is
    }
}
