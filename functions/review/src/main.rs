//! The HTTP API as a Lambda function behind an API Gateway HTTP API or a function URL.

use anyhow::Context;
use ipnet::IpNet;
use review::{Random, Review};
use store::{Bucket, Clock, Store};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(
            EnvFilter::builder()
                .with_default_directive(LevelFilter::INFO.into())
                .from_env_lossy(),
        )
        .with_writer(std::io::stderr)
        .init();
    let review = Review {
        store: Store::from_env(&[Bucket::Ads, Bucket::References])
            .await
            .context("the store is not configured")?,
        clock: Clock::from_system(),
        random: Random::from_system(),
        networks: networks()?,
        uploads_at: None,
    };
    let router = review::router(review);
    lambda_http::run(router)
        .await
        .map_err(|error| anyhow::anyhow!(error))
}

/// Networks that webhooks may lie in beside public ones, from `HOMEWARD_WEBHOOK_NETWORKS`.
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
