//! The Lambda function `upkeep`: cold start and loop. What it does is in the library.
#![allow(clippy::disallowed_methods, reason = "settings are read here")]

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use store::{Bucket, Clock, CompactionRule, Jitter, Names, Store};
use upkeep::{Sqs, Task, Upkeep};

/// The URLs of both buckets' queues.
const ADS_QUEUE: &str = "HOMEWARD_ADS_QUEUE";
const REFERENCES_QUEUE: &str = "HOMEWARD_REFERENCES_QUEUE";
const ADS_KEPT_DAYS: &str = "HOMEWARD_ADS_KEPT_DAYS"; // unset leaves it to the bucket's own rule
/// Ads that wait for a segment before one is written for them; unset takes the default.
const TAIL_ITEMS_MIN: &str = "HOMEWARD_TAIL_ITEMS_MIN";
const VERSIONS_KEPT_DAYS: &str = "HOMEWARD_SEGMENT_VERSIONS_DAYS"; // 0 keeps none

/// Longer than the queue's redelivery: five times its visibility of six minutes.
const PENDING_MAX: Duration = Duration::from_secs(30 * 60);
/// A round over both buckets each day, by a timer that fires each hour.
const SCAN_EVERY: Duration = Duration::from_secs(DAY_S - 1_800);
const DAY_S: u64 = 86_400;
/// The timers of what ends by its date fire each hour and every six: a day without either is a jump.
const OBSERVATIONS_APART_MAX: Duration = Duration::from_secs(DAY_S);

#[tokio::main]
async fn main() -> Result<(), Error> {
    batches::log_to_stderr();
    let config = store::sdk_config().await;
    let upkeep = Upkeep {
        store: Store::with_sdk_config(
            &config,
            Names::from_env(&[Bucket::Ads, Bucket::References, Bucket::Segments])?,
            Jitter::from_system(),
        ),
        clock: Clock::from_system(),
        pending_max: PENDING_MAX,
        objects_every: SCAN_EVERY,
        ads_kept: number(ADS_KEPT_DAYS)?.map(|it| Duration::from_secs(u64::from(it) * DAY_S)),
        looks_apart_max: Some(OBSERVATIONS_APART_MAX),
        compaction: CompactionRule::from_tail_ads(number(TAIL_ITEMS_MIN)?.map(|it| it as usize))
            .keeping_versions(number(VERSIONS_KEPT_DAYS)?),
        queues: Arc::new(Sqs::from_env(&config, ADS_QUEUE, REFERENCES_QUEUE)?),
        noted: Default::default(),
    };
    let upkeep = &upkeep;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
        let done = upkeep.run(&Task::of_event(&event.payload)?).await?;
        Ok::<_, Error>(done.to_json())
    }))
    .await
}

fn number(name: &str) -> Result<Option<u32>, Error> {
    let text = std::env::var(name).ok();
    let number = text.map(|text| text.parse()).transpose();
    Ok(number.map_err(|_| format!("{name} is no number"))?)
}
