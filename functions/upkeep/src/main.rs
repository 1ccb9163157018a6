//! The Lambda function `upkeep`: cold start and loop. What it does is in the library.
#![allow(clippy::disallowed_methods, reason = "settings are read here")]

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use store::{Bucket, Clock, CompactionRule, Jitter, Names, Store};
use upkeep::{QueueUrls, Sqs, Task, Upkeep};

/// URLs of queues: of both buckets, then those of dead letters, which may be unset.
const QUEUES: [&str; 5] = [
    "HOMEWARD_ADS_QUEUE",
    "HOMEWARD_REFERENCES_QUEUE",
    "HOMEWARD_ADS_DEAD_LETTERS",
    "HOMEWARD_REFERENCES_DEAD_LETTERS",
    "HOMEWARD_STREAM_FAILURES",
];
const ADS_KEPT_DAYS: &str = "HOMEWARD_ADS_KEPT_DAYS"; // unset leaves it to the bucket's own rule
/// Ads that wait for a segment before one is written for them; unset takes the default.
const TAIL_ITEMS_MIN: &str = "HOMEWARD_TAIL_ITEMS_MIN";
const VERSIONS_KEPT_DAYS: &str = "HOMEWARD_SEGMENT_VERSIONS_DAYS"; // 0 keeps none

const DAY_S: u64 = 86_400;

#[tokio::main]
async fn main() -> Result<(), Error> {
    batches::log_to_stderr();
    let config = store::sdk_config().await;
    let queues = QueueUrls::read(QUEUES, |name| std::env::var(name).ok())?;
    let upkeep = Upkeep {
        store: Store::with_sdk_config(
            &config,
            Names::from_env(&[Bucket::Ads, Bucket::References, Bucket::Segments])?,
            Jitter::from_system(),
        ),
        clock: Clock::from_system(),
        pending_max: Upkeep::PENDING_MAX,
        objects_every: Upkeep::SCAN_EVERY,
        ads_kept: number(ADS_KEPT_DAYS)?.map(|it| Duration::from_secs(u64::from(it) * DAY_S)),
        looks_apart_max: Some(Upkeep::LOOKS_APART_MAX),
        compaction: CompactionRule::from_tail_ads(number(TAIL_ITEMS_MIN)?.map(|it| it as usize))
            .keeping_versions(number(VERSIONS_KEPT_DAYS)?),
        queues: Arc::new(Sqs::new(&config, queues)),
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
