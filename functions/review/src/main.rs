//! The HTTP API as a Lambda function behind an API Gateway HTTP API or a function URL.
#![allow(clippy::disallowed_methods, reason = "settings are read here")]

use anyhow::Context;
use ipnet::IpNet;
use review::{Random, Review};
use store::{Bucket, Clock, Store};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    batches::log_to_stderr();
    let review = Review {
        store: Store::from_env(&[Bucket::Ads, Bucket::References])
            .await
            .context("the store is not configured")?
            .into(),
        clock: Clock::from_system(),
        random: Random::from_system(),
        networks: networks()?,
        uploads_at: None,
        pages: None, // until the deployment has the program `picture`
    };
    let router = review::router(review);
    lambda_http::run(router)
        .await
        .map_err(|error| anyhow::anyhow!(error))
}

/// Networks that webhooks may lie in, in addition to public ones, from `HOMEWARD_WEBHOOK_NETWORKS`.
fn networks() -> anyhow::Result<Vec<IpNet>> {
    let text = std::env::var("HOMEWARD_WEBHOOK_NETWORKS").unwrap_or_default();
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            entry
                .parse()
                .context("HOMEWARD_WEBHOOK_NETWORKS holds what is no network")
        })
        .collect()
}
