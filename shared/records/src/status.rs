//! How a deployment is doing, as its administrator is told: counts and times, nothing about any person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What the timers saw last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauges {
    /// When they looked.
    pub taken_at: Timestamp,
    /// The searchable set of ads.
    pub ads: SetGauges,
    /// The searchable set of references.
    pub references: SetGauges,
    /// Searches of references through the past that are not done.
    pub searches_open: u64,
    /// Since when the one that waits longest has not moved; none if all are done.
    #[serde(default)]
    pub searches_open_since: Option<Timestamp>,
    /// When the oldest ad came that was neither recorded nor refused as the round over the buckets met it.
    #[serde(default)]
    pub ads_pending_since: Option<Timestamp>,
    /// Changes of tables that were given up after too many attempts, about: dead letters. None if that was not told.
    #[serde(default)]
    pub changes_given_up: Option<u64>,
}

/// How a searchable set is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetGauges {
    /// Messages that wait for the program that takes its photos in, about; none if the queue did not answer.
    pub waiting: Option<u64>,
    /// Messages that it gave up after too many attempts, about: dead letters. None if that was not told.
    #[serde(default)]
    pub given_up: Option<u64>,
    /// Items in its segments. What was taken in since the last compaction comes on top.
    pub items: u64,
    /// Its segments.
    pub segments: u64,
    /// How often its manifest was changed.
    pub generation: u64,
    /// How often it had to be brought into agreement, and one.
    pub epoch: u64,
    /// Whether it is being made again from photos and lists, and does not hold them all yet.
    pub is_rebuilding: bool,
    /// What is wrong with it, and what to do.
    pub fault: Option<String>,
}

/// The last run of one task of the timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRun {
    /// When it ended.
    pub ended_at: Timestamp,
    /// Whether it did its work: if not, the log of `upkeep` says why, and the next run tries again.
    pub is_done: bool,
}

/// How a deployment is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// When this was put together.
    pub checked_at: Timestamp,
    /// What the timers saw last; none if they have not run yet.
    pub gauges: Option<Gauges>,
    /// The last run of each task of the timers, by its name.
    pub tasks: BTreeMap<String, TaskRun>,
}
