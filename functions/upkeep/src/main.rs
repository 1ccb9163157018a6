//! The Lambda function `upkeep`: cold start and loop. What it does is in the library.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use store::{Clock, CompactionRule, Store};
use upkeep::{Task, Upkeep};

/// Days that ads are kept; unset leaves it to the bucket's own rule.
const ADS_KEPT_DAYS: &str = "HOMEWARD_ADS_KEPT_DAYS";

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
        compaction: CompactionRule::default(),
    };
    let upkeep = &upkeep;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
        let done = upkeep.run(&Task::of_event(&event.payload)?).await?;
        Ok::<_, Error>(done.to_json())
    }))
    .await
}

fn ads_kept() -> Result<Option<Duration>, Error> {
    let Ok(text) = std::env::var(ADS_KEPT_DAYS) else {
        return Ok(None);
    };
    let days: u64 = text
        .parse()
        .map_err(|_| format!("{ADS_KEPT_DAYS} is not a number of days"))?;
    Ok(Some(Duration::from_secs(days * 86_400)))
}
