//! The Lambda function `upkeep`: cold start and loop. What it does is in the library.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use store::{Clock, CompactionRule, Store};
use upkeep::{Task, Upkeep};

/// Days that ads are kept; unset leaves it to the bucket's own rule.
const ADS_KEPT_DAYS: &str = "HOMEWARD_ADS_KEPT_DAYS";

/// Ads that wait for a segment before one is written for them; unset takes the default.
const TAIL_ITEMS_MIN: &str = "HOMEWARD_TAIL_ITEMS_MIN";

/// Longer than the queue's redelivery: five times its visibility of six minutes.
const PENDING_MAX: Duration = Duration::from_secs(30 * 60);

#[tokio::main]
async fn main() -> Result<(), Error> {
    batches::log_to_stderr();
    let upkeep = Upkeep {
        store: Store::from_env().await?,
        clock: Clock::from_system(),
        pending_max: PENDING_MAX,
        ads_kept: ads_kept()?,
        compaction: compaction()?,
    };
    let upkeep = &upkeep;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
        let done = upkeep.run(&Task::of_event(&event.payload)?).await?;
        Ok::<_, Error>(done.to_json())
    }))
    .await
}

fn ads_kept() -> Result<Option<Duration>, Error> {
    let days = number(ADS_KEPT_DAYS)?;
    Ok(days.map(|days| Duration::from_secs(u64::from(days) * 86_400)))
}

fn compaction() -> Result<CompactionRule, Error> {
    let rule = CompactionRule::default();
    let wanted = number(TAIL_ITEMS_MIN)?.map(|it| it as usize);
    let tail_ads_min = wanted.unwrap_or(rule.tail_ads_min);
    Ok(CompactionRule {
        tail_ads_min,
        log_entries_min: rule.log_entries_min.min(tail_ads_min),
        ..rule
    })
}

fn number(name: &str) -> Result<Option<u32>, Error> {
    let Ok(text) = std::env::var(name) else {
        return Ok(None);
    };
    let number = text.parse().map_err(|_| format!("{name} is no number"))?;
    Ok(Some(number))
}
