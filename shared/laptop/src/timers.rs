//! What the cloud's timers wake, and the housekeeping of the embedded servers.

use std::sync::Arc;
use std::time::Duration;

use embedded::Embedded;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use upkeep::Task;

use super::erasing;
use super::host::{Programs, names};

/// What a timer wakes.
#[derive(Clone, Copy, Debug)]
enum Round {
    /// Deliveries that are due.
    Alerts,
    /// What is to be erased.
    Erasures,
    /// Ends of references, digests, contributions that were taken back.
    References,
    /// What has ended leaves the segments too.
    Forgetting,
    /// Photos of older fingerprints are looked at again.
    Renewal,
    /// Lists the buckets, mends and compacts the sets, cleans up.
    Scan,
}

/// Every round, and how many of the timers' periods lie between two of them.
const ROUNDS: [(Round, u32); 6] = [
    (Round::Alerts, 1),
    (Round::Erasures, 1),
    (Round::References, 1),
    (Round::Forgetting, 12), // at the usual pace, once a minute
    (Round::Renewal, 12),
    (Round::Scan, 100),
];

/// How long the streams keep records that were dealt with, as DynamoDB does.
const STREAM_HOURS: i64 = 24;

/// What the rounds work with.
struct Timers {
    programs: Arc<Programs>,
    embedded: Embedded,
    stop: CancellationToken,
}

pub(super) fn start(
    tasks: &mut JoinSet<anyhow::Result<()>>,
    (stop, behind): (&CancellationToken, &Handle),
    embedded: &Embedded,
    programs: &Arc<Programs>,
    every: Duration,
) {
    let timers = Arc::new(Timers {
        programs: programs.clone(),
        embedded: embedded.clone(),
        stop: stop.clone(),
    });
    for (round, periods) in ROUNDS {
        let timers = timers.clone();
        every_so_often(tasks, (stop, behind), every * periods, move || {
            let timers = timers.clone();
            async move { timers.round(round).await }
        });
    }
}

impl Timers {
    async fn round(&self, round: Round) -> anyhow::Result<()> {
        let upkeep = &self.programs.upkeep;
        match round {
            Round::Alerts => drop(self.programs.alerting.on_timer().await?),
            Round::Erasures => erasing::run(&self.programs, &self.embedded).await?,
            Round::References => {
                upkeep.retractions().await?;
                upkeep.run(&[Task::References, Task::Digests]).await?;
            }
            Round::Forgetting => drop(upkeep.run(&[Task::Forget]).await?),
            Round::Renewal => {
                let renewed = upkeep.run(&[Task::Fingerprints]);
                // It may wait for minutes until a queue is shorter; the next start goes on.
                self.stop.run_until_cancelled(renewed).await.transpose()?;
            }
            Round::Scan => {
                mend(&self.programs).await?;
                upkeep.run(&[Task::Objects, Task::Compact]).await?;
                clean(&self.embedded).await?;
            }
        }
        Ok(())
    }
}

/// Brings the searchable sets into agreement; what is gone from them for good is made again from the
/// photos, which lie on the same disk.
async fn mend(programs: &Programs) -> anyhow::Result<()> {
    match programs.upkeep.run(&[Task::Repair]).await {
        Err(error @ store::Error::Damaged(_)) => {
            tracing::error!(%error, "the set of ads is made again from its photos and lists");
            programs.upkeep.run(&[Task::Rebuild]).await.map(drop)?;
        }
        repaired => drop(repaired?),
    }
    Ok(())
}

/// Repeats a round. A failed one is said, and the next one tries again: no round leaves anything
/// half done.
fn every_so_often<R>(
    tasks: &mut JoinSet<anyhow::Result<()>>,
    (stop, behind): (&CancellationToken, &Handle),
    every: Duration,
    round: impl Fn() -> R + Send + 'static,
) where
    R: Future<Output = anyhow::Result<()>> + Send,
{
    let stop = stop.clone();
    let rounds = async move {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return Ok(()),
            }
            if let Err(error) = round().await {
                tracing::warn!(%error, "a timer's round is not done and comes again");
            }
        }
    };
    tasks.spawn_on(rounds, behind);
}

async fn clean(embedded: &Embedded) -> anyhow::Result<()> {
    embedded.sweep_ttl().await?;
    embedded.collect_garbage().await?;
    let before = Timestamp::now() - SignedDuration::from_hours(STREAM_HOURS);
    for stream in super::STREAMS {
        embedded
            .streams()
            .trim(&names().table(stream.table), before)
            .await?;
    }
    Ok(())
}
