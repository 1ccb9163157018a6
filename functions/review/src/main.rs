//! The HTTP API as a Lambda function behind an API Gateway HTTP API or a function URL.
#![allow(clippy::disallowed_methods, reason = "settings are read here")]

use anyhow::Context;
use ipnet::IpNet;
use review::{Pages, PictureFunctions, Random, Review};
use store::{Bucket, Clock, Jitter, Names, Store};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    batches::log_to_stderr();
    let names = Names::from_env(&[Bucket::Ads, Bucket::References]);
    let names = names.context("the store is not configured")?;
    let sdk = store::sdk_config().await; // one for both: a cold start makes one way to AWS
    let review = Review {
        store: Store::with_sdk_config(&sdk, names, Jitter::from_system()).into(),
        clock: Clock::from_system(),
        random: Random::from_system(),
        networks: networks()?,
        uploads_at: None,
        pages: Some(pages(&sdk)?),
    };
    let router = review::router(review);
    lambda_http::run(router)
        .await
        .map_err(|error| anyhow::anyhow!(error))
}

/// The pages; their pictures are made by the functions that `HOMEWARD_ADS_PICTURES` and
/// `HOMEWARD_REFERENCES_PICTURES` name.
fn pages(sdk: &aws_config::SdkConfig) -> anyhow::Result<Pages> {
    let name = |variable: &str| {
        std::env::var(variable).with_context(|| format!("{variable} names no function"))
    };
    let functions = PictureFunctions {
        ads: name("HOMEWARD_ADS_PICTURES")?,
        references: name("HOMEWARD_REFERENCES_PICTURES")?,
    };
    Ok(Pages {
        pictures: functions.pictures(sdk),
        address: None, // the API's, which CloudFormation cannot tell the function that it is made of
        is_https: true,
        is_local: false,
    })
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
