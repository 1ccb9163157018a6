//! What the administrator is told of the timers: that they ran, and what they saw.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use records::{Gauges, SetGauges, TaskRun, TenantSettings, Timestamp};
use store::{ObjectKind, SetKind};

use crate::{GivenUp, Task, Upkeep};

/// A run that went as the one before is noted this often: on a laptop the timers fire each few seconds, and an idle
/// one must leave the disk alone.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// When this process noted what last.
#[derive(Debug, Default)]
pub struct Noted(Mutex<BTreeMap<&'static str, TaskRun>>);

impl Noted {
    /// Whether this is worth a write; if so, it counts as written.
    fn is_news(&self, what: &'static str, run: TaskRun) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = noted.get(what).is_some_and(|last| {
            last.is_done == run.is_done && run.ended_at < last.ended_at.plus(NOTED_EVERY)
        });
        if !is_old {
            noted.insert(what, run);
        }
        !is_old
    }
}

impl Upkeep {
    /// Notes how tasks ended.
    pub(crate) async fn note_runs(&self, tasks: &[Task], is_done: bool) -> store::Result<()> {
        let ended_at = self.clock.now();
        let run = TaskRun { ended_at, is_done };
        for task in tasks {
            if self.noted.is_news(task.as_str(), run) {
                self.store.checkpoints.save_run(task.as_str(), &run).await?;
            }
        }
        Ok(())
    }

    /// Looks at queues, sets and searches, and notes what it saw.
    pub(crate) async fn take_gauges(&self, tenants: &[TenantSettings]) -> store::Result<()> {
        let taken_at = self.clock.now();
        let looked = TaskRun {
            ended_at: taken_at,
            is_done: true,
        };
        if !self.noted.is_news("gauges", looked) {
            return Ok(());
        }
        let gauges = self.gauges(tenants, taken_at).await?;
        self.store.checkpoints.save_gauges(&gauges).await
    }

    async fn gauges(
        &self,
        tenants: &[TenantSettings],
        taken_at: Timestamp,
    ) -> store::Result<Gauges> {
        let (mut searches_open, mut searches_open_since) = (0, None);
        for unit in tenants.iter().filter(|tenant| tenant.is_unit) {
            let open = self.store.searches.open_searches(&unit.tenant).await?;
            searches_open += open.len() as u64;
            searches_open_since = open.into_iter().chain(searches_open_since).min();
        }
        let round = self.store.checkpoints.bucket_scan().await?;
        Ok(Gauges {
            taken_at,
            ads: self.set_gauges(SetKind::Ads, ObjectKind::Ad).await?,
            references: self
                .set_gauges(SetKind::References, ObjectKind::Reference)
                .await?,
            searches_open,
            searches_open_since,
            ads_pending_since: round.and_then(|it| it.unsettled),
            changes_given_up: self.given_up(GivenUp::Changes).await,
        })
    }

    async fn set_gauges(&self, set: SetKind, photos: ObjectKind) -> store::Result<SetGauges> {
        let asked = self.queues.waiting(photos).await;
        let waiting = asked
            .inspect_err(|error| tracing::warn!(%error, "how much waits is not known now"))
            .ok();
        let given_up = self.given_up(GivenUp::Objects(photos)).await;
        let gauges = self.store.segments.gauges(set).await?;
        Ok(SetGauges {
            waiting,
            given_up,
            ..gauges
        })
    }

    async fn given_up(&self, what: GivenUp) -> Option<u64> {
        let asked = self.queues.given_up(what).await;
        asked
            .inspect_err(|error| tracing::warn!(%error, "how much was given up is not known now"))
            .ok()
            .flatten()
    }
}
