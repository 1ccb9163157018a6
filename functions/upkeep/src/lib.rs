//! Timers: drives again what lags, ends references whose date has passed, erases what has ended,
//! sends digests, keeps retention, compacts the searchable sets.
//!
//! Every task can be repeated, cut off, or run twice at once; what one run leaves, the next does.
#![forbid(unsafe_code)]

mod compact;
mod ended;
mod erasures;
mod fingerprints;
mod objects;
mod queues;
mod rebuild;
mod references;
mod retractions;
mod scan;
mod status;

use std::sync::Arc;
use std::time::Duration;

use records::TenantId;
use store::{Clock, CompactionRule, Store};

pub use erasures::{BehindStores, Vacuumed};
pub use queues::{GivenUp, QueueUrls, Queues, Sqs};
pub use status::Noted;

/// One task of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Drives again uploads that are pending for too long, and removes ads past their retention, in
    /// rounds over both buckets; goes on where the run before stopped.
    Objects,
    /// Ends references whose date has passed; removes the photos of those that have ended; drives
    /// again searches through the past that have not moved for an hour.
    References,
    /// Carries out the erasures that units asked for, and withdraws the leads that rest on what
    /// administrators retracted; everywhere, within minutes.
    Erasures,
    /// Tells units of the sightings that their leads got since the last alert.
    Digests,
    /// Brings the segments of references up to their log, so that none holds a reference that
    /// ended: within minutes of its end.
    Forget,
    /// Moves the tails of the searchable sets into segments, merges small ones, sweeps those that
    /// were replaced, and learns from the ads which features many of them have.
    Compact,
    /// Has every photo looked at again if this build's fingerprints are of newer algorithms than the
    /// store's, from the run after the one that notices; goes on where the run before stopped.
    Fingerprints,
    /// Searches all past ads again for every active reference: for a person, after a stream gave up
    /// changes of ads. No timer asks for it.
    Search,
    /// Brings tails, segments, manifests and records of both sets into agreement, where nothing is lost
    /// by that: for a person, after tables were put back or something in the bucket was lost. The laptop
    /// does it by itself.
    Repair,
    /// Makes the set of ads again from photos and lists of hashes, whatever is known of them: for a
    /// person, where a repair says that something is gone for good. The timer of `fingerprints` goes on
    /// with it.
    Rebuild,
}

impl Task {
    /// Every task of the timers, in the order in which one run does them.
    pub const ALL: [Self; 7] = [
        Self::Erasures,
        Self::References,
        Self::Forget,
        Self::Digests,
        Self::Objects,
        Self::Compact,
        Self::Fingerprints,
    ];

    /// The task's name, as the timer sends it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::References => "references",
            Self::Digests => "digests",
            Self::Forget => "forget",
            Self::Compact => "compact",
            Self::Fingerprints => "fingerprints",
            Self::Erasures => "erasures",
            Self::Search => "search",
            Self::Repair => "repair",
            Self::Rebuild => "rebuild",
        }
    }

    /// The tasks that a timer's event asks for: `{"task": NAME}`, or all.
    ///
    /// # Errors
    /// The unknown name.
    pub fn of_event(event: &serde_json::Value) -> Result<Vec<Self>, UnknownTask> {
        match event.get("task").and_then(serde_json::Value::as_str) {
            None => Ok(Self::ALL.to_vec()),
            Some(name) => {
                let by_hand = [Self::Search, Self::Repair, Self::Rebuild];
                let mut known = Self::ALL.into_iter().chain(by_hand);
                let task = known.find(|task| task.as_str() == name);
                task.map(|task| vec![task]).ok_or(UnknownTask)
            }
        }
    }
}

/// A timer asked for a task that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the timer asks for an unknown task; known are objects, references, erasures, digests, forget, \
     compact, fingerprints, search, repair and rebuild"
)]
pub struct UnknownTask;

/// What the function works with.
pub struct Upkeep {
    /// The records.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// How long an upload may be pending before it is driven again. Longer than a queue's
    /// redelivery, or what is merely slow is done twice.
    pub pending_max: Duration,
    /// How long after a round over both buckets began the next one may begin: each lists them whole.
    pub objects_every: Duration,
    /// How long ads are kept after they were uploaded; none keeps them until the bucket's own rule
    /// removes them.
    pub ads_kept: Option<Duration>,
    /// How long two looks at the clock may lie apart: further ahead it has jumped, and ends nothing by
    /// its date for now. None believes it always, as where it is bent.
    pub looks_apart_max: Option<Duration>,
    /// When and how much of the searchable sets is compacted.
    pub compaction: CompactionRule,
    /// What wakes those who take in photos.
    pub queues: Arc<dyn Queues>,
    /// What this process noted of its runs.
    pub noted: Noted,
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Uploads driven again.
    pub redriven: u64,
    /// Ads removed for their age.
    pub removed: u64,
    /// Ads that left the set after their retention.
    pub ended: u64,
    /// Searches through the past that were driven again.
    pub searches: u64,
    /// Leads closed since their references have ended.
    pub taken_back: u64,
    /// Leads withdrawn since what they rested on was retracted.
    pub retracted: u64,
    /// References that ended.
    pub expired: u64,
    /// Photos of ended references that were removed.
    pub erased: u64,
    /// Digests written.
    pub digests: u64,
    /// Items of the searchable sets that moved into segments.
    pub compacted: u64,
    /// Segments that were merged into others.
    pub merged: u64,
    /// Objects of segments that were deleted for good.
    pub swept: u64,
    /// Erasures that are done, with their receipts.
    pub erasures: u64,
    /// Features that are known to be common among ads, if this run learned of them.
    pub common: u64,
    /// Photos told to be looked at again for fingerprints of newer algorithms.
    pub renewed: u64,
    /// Damages of the searchable sets that were mended.
    pub mended: u64,
    /// Photos and lists told to be taken into the set of ads once more.
    pub rebuilt: u64,
    /// Objects that lie under keys of no photo, or of tenants that there are none of.
    pub orphans: u64,
}

impl Done {
    /// The counts as JSON, as the function answers and the log says.
    pub fn to_json(self) -> serde_json::Value {
        serde_json::json!({
            "redriven": self.redriven, "removed": self.removed, "ended": self.ended, "expired": self.expired,
            "erased": self.erased, "digests": self.digests, "compacted": self.compacted,
            "merged": self.merged, "swept": self.swept, "erasures": self.erasures,
            "common": self.common, "searches": self.searches,
            "taken_back": self.taken_back, "retracted": self.retracted,
            "renewed": self.renewed, "mended": self.mended, "rebuilt": self.rebuilt,
            "orphans": self.orphans,
        })
    }
}

/// Of the deployed function.
impl Upkeep {
    /// Longer than the queue's redelivery: five times its visibility of six minutes.
    pub const PENDING_MAX: Duration = Duration::from_secs(30 * 60);
    /// A round over both buckets each day, by a timer that fires each hour.
    pub const SCAN_EVERY: Duration = Duration::from_secs(86_400 - 1_800);
    /// The timers of what ends by its date fire each hour and every six: a day without either is a jump.
    pub const LOOKS_APART_MAX: Duration = Duration::from_secs(86_400);
}

impl Upkeep {
    /// Carries out tasks for all tenants.
    ///
    /// # Errors
    /// As the store's; what was done until then stays done.
    pub async fn run(&self, tasks: &[Task]) -> store::Result<Done> {
        let done = self.run_all(tasks).await;
        let noted = self.note_runs(tasks, done.is_ok()).await;
        if let Err(store::Error::Damaged(_)) = done {
            batches::damage();
        }
        let done = done?;
        noted.map(|()| done)
    }

    async fn run_all(&self, tasks: &[Task]) -> store::Result<Done> {
        let mut done = Done::default();
        let tenants = self.store.tenants.tenants().await?;
        for task in tasks {
            match task {
                Task::Objects => self.objects(&tenants, &mut done).await?,
                Task::Fingerprints => {
                    self.continue_rebuild(&mut done).await?;
                    self.renew_fingerprints(&mut done).await?;
                }
                Task::Repair => self.repair(&mut done).await?,
                Task::Rebuild => self.rebuild(&mut done).await?,
                Task::Forget => self.forget(&mut done).await?,
                Task::Compact => self.compact(&tenants, &mut done).await?,
                Task::Erasures => {
                    done.erasures += self.erasures(&erasures::Aws).await?;
                    done.retracted += self.retractions().await?;
                }
                Task::References | Task::Digests | Task::Search => {
                    for unit in tenants.iter().filter(|tenant| tenant.is_unit) {
                        self.of_unit(*task, &unit.tenant, &mut done).await?;
                    }
                }
            }
        }
        if tasks.contains(&Task::References) {
            self.take_gauges(&tenants).await?;
        }
        tracing::info!(done = %done.to_json(), "upkeep is done");
        Ok(done)
    }

    async fn of_unit(&self, task: Task, unit: &TenantId, done: &mut Done) -> store::Result<()> {
        match task {
            Task::Digests => self.digests(unit, done).await,
            Task::Search => self.search_again(unit, done).await,
            _ => {
                self.expire(unit, done).await?;
                self.erase(unit, done).await?;
                self.take_back(unit, done).await?;
                self.wake_searches(unit, done).await
            }
        }
    }

    async fn digests(&self, unit: &TenantId, done: &mut Done) -> store::Result<()> {
        for lead in self.store.leads.extended_leads(unit).await? {
            let sent = self
                .store
                .leads
                .send_digest(unit, &lead, self.clock.now())
                .await?;
            done.digests += u64::from(sent.is_some());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_timer_asks_for_one_task_or_for_all() {
        let check = |event, expected| assert_eq!(Task::of_event(&event), expected);
        check(json!({"task": "digests"}), Ok(vec![Task::Digests]));
        check(json!({"task": "objects"}), Ok(vec![Task::Objects]));
        check(json!({"task": "forget"}), Ok(vec![Task::Forget]));
        check(json!({"task": "compact"}), Ok(vec![Task::Compact]));
        check(json!({"task": "erasures"}), Ok(vec![Task::Erasures]));
        check(
            json!({"task": "fingerprints"}),
            Ok(vec![Task::Fingerprints]),
        );
        check(json!({"task": "search"}), Ok(vec![Task::Search]));
        check(json!({"task": "repair"}), Ok(vec![Task::Repair]));
        check(json!({"task": "rebuild"}), Ok(vec![Task::Rebuild]));
        check(json!({"source": "aws.events"}), Ok(Task::ALL.to_vec()));
        check(json!(null), Ok(Task::ALL.to_vec()));
        check(json!({"task": "format the disk"}), Err(UnknownTask));
    }
}
