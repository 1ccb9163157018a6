//! The Lambda function `ingest`: cold start and loop. What it does is in the library.
#![allow(clippy::disallowed_methods, reason = "settings are read here")]

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use ingest::Ingest;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use store::{Bucket, Clock, Store};

/// Days that ads are kept; unset keeps them.
const ADS_KEPT_DAYS: &str = "HOMEWARD_ADS_KEPT_DAYS";

/// One at a time: the function's memory is set for one picture at the limit.
const DECODERS_MAX: usize = 1;

fn main() -> Result<(), Error> {
    photo::sandbox::init();
    serve()
}

#[tokio::main]
async fn serve() -> Result<(), Error> {
    batches::log_to_stderr();
    let limits = photo::Limits::default();
    let mut ingest = Ingest::new(
        Store::from_env(&[Bucket::Ads, Bucket::Segments]).await?,
        limits,
        Clock::from_system(),
        DECODERS_MAX,
    );
    ingest.ads_kept = ads_kept()?;
    let ingest = &ingest;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(ingest.handle(event.payload).await)
    }))
    .await
}

fn ads_kept() -> Result<Option<Duration>, Error> {
    let Ok(text) = std::env::var(ADS_KEPT_DAYS) else {
        return Ok(None);
    };
    let days: u32 = text
        .parse()
        .map_err(|_| format!("{ADS_KEPT_DAYS} is no number"))?;
    Ok(Some(Duration::from_secs(u64::from(days) * 86_400)))
}
