//! Whether a deployment works: a drawn photo goes in as a reference, its mirrored copy as an ad, the
//! lead comes out, and the reference is withdrawn again, which closes the lead, whatever happened. The
//! case's number says that it is a test, and so does each alert about it.

pub mod client;
pub mod photo;
pub mod stack;

use std::time::{Duration, Instant};

use anyhow::Context;
use records::CaseId;
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
const POLL_EVERY: Duration = Duration::from_millis(500);

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
    let case = format!("{}{}", CaseId::TEST_PREFIX, drawn.name);
    let found = tokio::select! {
        found = trial(&client, deployment.patience, &case, drawn) => found,
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    let cleared = clear(&client, deployment.patience, &case).await;
    let cleared = cleared.with_context(|| format!("withdrawing what it left in the case {case}"));
    let lead = match (found, cleared) {
        (Ok(lead), Ok(())) => lead,
        (Err(stopped), Ok(())) | (Ok(_), Err(stopped)) => return Err(stopped),
        (Err(stopped), Err(left)) => anyhow::bail!("{stopped:#}; besides, {left:#}"),
    };
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
    let stays = "the reference is withdrawn and its lead closed; of the drawn ad its record stays, and \
                 its photo until AdsKeptDays";
    Ok(vec![
        Check::good(ABOUT, seen),
        Check::good("what the smoke test leaves", stays),
    ])
}

/// Waits for Ctrl-C, or for a request of the system that this program ends.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let ended = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(_) => std::future::pending().await, // a system that tells of none
        }
    };
    tokio::select! {
        told = tokio::signal::ctrl_c() => if told.is_err() { std::future::pending().await },
        () = ended => {}
    }
}

/// Withdraws every reference of the case, and waits until none of its leads is open. By the case's
/// number and not the reference's id, which is unknown to a caller whose submission was cut off.
async fn clear(client: &Client, patience: Duration, case: &str) -> anyhow::Result<()> {
    for reference in client.references(case).await? {
        client.withdraw(&reference).await?;
    }
    let is_closed = async || {
        let leads = client.leads(case).await?;
        let is_open = |lead: &Value| lead.get("status") == Some(&json!("open"));
        Ok((!leads.iter().any(is_open)).then_some(()))
    };
    until(patience, is_closed)
        .await
        .context("waiting for its lead to be closed")
}

async fn trial(
    client: &Client,
    patience: Duration,
    case: &str,
    drawn: Drawn,
) -> anyhow::Result<Value> {
    let submitted = client.submit(case, drawn.jpeg).await;
    let reference = submitted.context("submitting a drawn photo")?;
    find(client, patience, case, &reference, &drawn.mirrored).await
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
        tokio::time::sleep(POLL_EVERY).await;
    }
}
