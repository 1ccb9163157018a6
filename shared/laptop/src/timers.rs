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

/// Listing the buckets, compacting and cleaning up: a hundredth of the timers' pace is often enough.
const TIMERS_PER_SCAN: u32 = 100;

/// Forgetting what has ended, in segments too: at the usual pace, once a minute.
const TIMERS_PER_FORGETTING: u32 = 12;

/// How long the streams keep records that were dealt with, as DynamoDB does.
const STREAM_HOURS: i64 = 24;

pub(super) fn start(
    tasks: &mut JoinSet<anyhow::Result<()>>,
    (stop, behind): (&CancellationToken, &Handle),
    embedded: &Embedded,
    programs: &Arc<Programs>,
    every: Duration,
) {
    let retries = programs.clone();
    every_so_often(tasks, (stop, behind), every, move || {
        let programs = retries.clone();
        async move { Ok(programs.alerting.on_timer().await.map(drop)?) }
    });
    let (erasing, folder) = (programs.clone(), embedded.clone());
    every_so_often(tasks, (stop, behind), every, move || {
        let (programs, embedded) = (erasing.clone(), folder.clone());
        async move { erasing::run(&programs, &embedded).await }
    });
    let upkeep = programs.clone();
    every_so_often(tasks, (stop, behind), every, move || {
        let programs = upkeep.clone();
        async move {
            programs.upkeep.retractions().await?;
            let tasks = [Task::References, Task::Digests];
            Ok(programs.upkeep.run(&tasks).await.map(drop)?)
        }
    });
    let forgetting = programs.clone();
    every_so_often(
        tasks,
        (stop, behind),
        every * TIMERS_PER_FORGETTING,
        move || {
            let programs = forgetting.clone();
            async move { Ok(programs.upkeep.run(&[Task::Forget]).await.map(drop)?) }
        },
    );
    let (renewing, stopped) = (programs.clone(), stop.clone());
    every_so_often(
        tasks,
        (stop, behind),
        every * TIMERS_PER_FORGETTING,
        move || {
            let (programs, stopped) = (renewing.clone(), stopped.clone());
            async move {
                let renewed = programs.upkeep.run(&[Task::Fingerprints]);
                // It may wait for minutes until a queue is shorter; the next start goes on.
                stopped.run_until_cancelled(renewed).await.transpose()?;
                Ok(())
            }
        },
    );
    let (objects, embedded) = (programs.clone(), embedded.clone());
    every_so_often(tasks, (stop, behind), every * TIMERS_PER_SCAN, move || {
        let (programs, embedded) = (objects.clone(), embedded.clone());
        async move {
            mend(&programs).await?;
            programs.upkeep.run(&[Task::Objects, Task::Compact]).await?;
            clean(&embedded).await
        }
    });
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
