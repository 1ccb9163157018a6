//! Whether a deployment works: a drawn photo goes in as a reference, its mirrored copy as an ad, the
//! lead comes out, and the reference is withdrawn again, whatever happened.

pub mod client;
pub mod photo;
pub mod stack;

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use super::Check;
use client::Client;
use photo::Drawn;

const ABOUT: &str = "smoke test";

/// A running deployment, and whom it lets do what.
pub struct Deployment {
    /// Of the API, without `/v1`.
    pub api: String,
    /// A unit's token.
    pub unit_token: String,
    /// An uploader's token.
    pub uploader_token: String,
    /// How long a step may take: cold starts, a queue, two streams.
    pub patience: Duration,
}

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs it.
///
/// # Errors
/// Where it stopped.
pub async fn run(deployment: &Deployment) -> anyhow::Result<Vec<Check>> {
    let client = Client::new(deployment)?;
    let started = Instant::now();
    client
        .health()
        .await
        .context("asking whether it is there")?;
    let drawn = Drawn::new()?;
    let case = format!("homeward-doctor-{}", drawn.name);
    let reference = client
        .submit(&case, drawn.jpeg)
        .await
        .context("submitting a drawn photo")?;
    let found = find(
        &client,
        deployment.patience,
        &case,
        &reference,
        &drawn.mirrored,
    )
    .await;
    let withdrawn = client
        .withdraw(&reference)
        .await
        .context("withdrawing it again");
    let lead = found?;
    withdrawn?;
    let took = started.elapsed().as_secs_f64();
    let text = |name: &str| {
        lead.get(name)
            .and_then(Value::as_str)
            .unwrap_or("?")
            .to_owned()
    };
    let seen = format!(
        "a lead, found by {} as {}, {took:.1} s in all",
        text("method"),
        text("edit")
    );
    let stays = "the reference is withdrawn; of the drawn ad its record stays, and its photo until \
                 AdsKeptDays";
    Ok(vec![
        Check::good(ABOUT, seen),
        Check::good("what the smoke test leaves", stays),
    ])
}

async fn find(
    client: &Client,
    patience: Duration,
    case: &str,
    reference: &str,
    ad: &[u8],
) -> anyhow::Result<Value> {
    let is_active = async || {
        let reference = client.reference(reference).await?;
        let status = reference
            .get("status")
            .and_then(Value::as_str)
            .unwrap_or_default();
        anyhow::ensure!(status != "rejected", "the drawn photo was rejected");
        Ok((status == "active").then_some(()))
    };
    until(patience, is_active)
        .await
        .context("waiting for the reference to be active")?;
    client.upload(ad).await.context("uploading the ad")?;
    let has_lead = async || Ok(client.leads(case).await?.into_iter().next());
    let lead = until(patience, has_lead)
        .await
        .context("waiting for the lead")?;
    anyhow::ensure!(
        lead.get("case_id") == Some(&json!(case)),
        "the lead is of another case"
    );
    Ok(lead)
}

async fn until<T>(
    patience: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "not within {} s",
            patience.as_secs()
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
