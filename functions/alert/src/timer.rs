//! The timer's part: what the stream gave up, what it had no time for, and what is due again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, stream};
use records::{TenantId, Timestamp};

use crate::fan_out::{self, Turn, UNITS_AT_ONCE};
use crate::{AlertProgram, LAGGING_AFTER};

/// No unit's turn starts later than this in a run. With the two below, the longest run takes less than
/// two of the three minutes that the function has.
const RUN_TIME: Duration = Duration::from_secs(60);

/// No attempt of a unit starts later than this in its turn; the last one may take 15 s more.
const TURN_TIME: Duration = Duration::from_secs(40);

/// Deliveries of one webhook in one turn: more than two at a time get done in it.
const WEBHOOK_DUE_MAX: usize = 1_000;

const MINUTE_MS: i64 = 60_000;

/// The first unit that the last run did not get to.
#[derive(Default)]
pub(crate) struct Next(Mutex<Option<TenantId>>);

impl Next {
    /// The units in their order, from the first that had no turn last time on. A process that
    /// remembers none begins one further each minute, so that no unit is always the last.
    fn in_turn(&self, mut units: Vec<TenantId>, now: Timestamp) -> Vec<TenantId> {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = i64::try_from(units.len()).unwrap_or(i64::MAX).max(1);
        let first = match &*next {
            Some(next) => units.partition_point(|unit| unit < next),
            None => usize::try_from((now.millis() / MINUTE_MS).rem_euclid(count)).unwrap_or(0),
        };
        let first = first.min(units.len());
        units.rotate_left(first);
        units
    }

    fn save(&self, next: Option<TenantId>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }
}

/// What became of a unit in a run.
enum Turned {
    /// It had its turn, with so many deliveries taken up.
    Taken(usize),
    /// The run's time was over; its place in this run's order.
    Unreached(usize, TenantId),
    /// What is due could not be read; told in the log.
    Failed(store::Error),
}

impl AlertProgram {
    /// Acts on the timer, about once a minute: queues what was left of the outbox, and makes the
    /// attempts that are due, of every unit in its turn. Units that the run has no time for come first
    /// in the next one.
    /// Returns how many deliveries were taken up.
    ///
    /// # Errors
    /// As the store's, if what is due cannot be read; of one unit, after all others had their turn.
    /// One delivery's failure is logged only, since it stays due.
    pub async fn on_timer(&self) -> store::Result<usize> {
        let started = self.clock.now();
        let tenants = self.store.tenants.tenants().await?.into_iter();
        let units = tenants.filter(|tenant| tenant.is_unit);
        let units = units.map(|tenant| tenant.tenant).collect();
        let units = self.next.in_turn(units, started);
        let turns: Vec<Turned> = stream::iter(units.into_iter().enumerate())
            // Owned, and its future named: a host that spawns the timer needs it `Send`.
            .map(|(place, unit)| async move { self.turn(place, unit, started).await })
            .buffer_unordered(UNITS_AT_ONCE)
            .collect()
            .await;
        self.sum_up(turns)
    }

    fn sum_up(&self, turns: Vec<Turned>) -> store::Result<usize> {
        let (mut taken, mut unreached, mut failed) = (0, Vec::new(), None);
        for turn in turns {
            match turn {
                Turned::Taken(more) => taken += more,
                Turned::Unreached(place, unit) => unreached.push((place, unit)),
                Turned::Failed(error) => failed = failed.or(Some(error)),
            }
        }
        let (count, next) = (unreached.len(), unreached.into_iter().min());
        if count > 0 {
            tracing::info!(
                count,
                "units that the timer had no time for come first next time"
            );
        }
        self.next.save(next.map(|(_, unit)| unit));
        failed.map_or(Ok(taken), Err)
    }

    async fn turn(&self, place: usize, unit: TenantId, started: Timestamp) -> Turned {
        let now = self.clock.now();
        if now.since(started) > RUN_TIME {
            return Turned::Unreached(place, unit);
        }
        let turn = Turn {
            attempt: self.sender.timeouts().total,
            ends: now.plus(TURN_TIME),
        };
        match self.serve(&unit, turn).await {
            Ok(taken) => Turned::Taken(taken),
            Err(error) => {
                tracing::warn!(%unit, %error, "what is due of a unit is not read");
                Turned::Failed(error)
            }
        }
    }

    async fn serve(&self, unit: &TenantId, turn: Turn) -> store::Result<usize> {
        self.queue_lagging(unit, turn).await?;
        let now = self.clock.now();
        let due = self
            .store
            .deliveries
            .due(unit, now, WEBHOOK_DUE_MAX)
            .await?;
        Ok(fan_out::send(self, unit, due, turn).await)
    }

    /// Queues what the stream gave up: alerts that are old enough for it to have had its time.
    async fn queue_lagging(&self, unit: &TenantId, turn: Turn) -> store::Result<()> {
        while self.clock.now() < turn.ends {
            let before = self.clock.now().minus(LAGGING_AFTER);
            let late = self.store.leads.unqueued_alerts(unit, before).await?;
            for alert in &late {
                self.queue(alert).await?;
            }
            match late.last() {
                Some(last) => self.store.leads.save_queued(unit, last.seq).await?,
                None => return Ok(()),
            }
        }
        Ok(())
    }
}
