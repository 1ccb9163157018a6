//! A unit's case system, for the demonstration: it registers a webhook, receives alerts, checks
//! their signatures, and reads the leads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

use laptop::Laptop;

/// What it has received: the lead's id, and when.
type Alerts = Arc<Mutex<HashMap<String, Instant>>>;

#[derive(Clone)]
struct Inbox {
    secret: Arc<Mutex<Vec<u8>>>,
    alerts: Alerts,
}

/// The running case system.
pub(super) struct CaseSystem {
    client: reqwest::Client,
    api: String,
    token: String,
    alerts: Alerts,
}

impl CaseSystem {
    /// Listens on loopback and registers itself with the system.
    pub(super) async fn start(laptop: &Laptop) -> anyhow::Result<Self> {
        let inbox = Inbox {
            secret: Arc::default(),
            alerts: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/alerts", listener.local_addr()?);
        let app = Router::new()
            .route("/alerts", post(receive))
            .with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let system = Self {
            client: reqwest::Client::builder().no_proxy().build()?,
            api: laptop.ports.api.clone(),
            token: laptop.tokens.unit.clone(),
            alerts: inbox.alerts,
        };
        let made = system
            .put("/v1/webhooks/demo", &json!({ "url": url }))
            .await?;
        let secret = made
            .get("secret")
            .and_then(Value::as_str)
            .context("a webhook has a secret")?;
        let secret = STANDARD.decode(secret.trim_start_matches("whsec_"))?;
        *inbox.secret.lock().expect("no holder of the lock panics") = secret;
        Ok(system)
    }

    async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self
            .client
            .put(format!("{}{path}", self.api))
            .bearer_auth(&self.token);
        Ok(request
            .json(body)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }

    /// Every lead, page by page.
    pub(super) async fn leads(&self) -> anyhow::Result<Vec<Value>> {
        let (mut leads, mut after) = (Vec::new(), None::<String>);
        loop {
            let mut request = self
                .client
                .get(format!("{}/v1/leads", self.api))
                .bearer_auth(&self.token);
            if let Some(after) = &after {
                request = request.query(&[("after", after)]);
            }
            let mut page: Value = request.send().await?.error_for_status()?.json().await?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                leads.extend(items);
            }
            match page.get("next").and_then(Value::as_str) {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(leads),
            }
        }
    }

    /// When the alert about each lead arrived; waits until all of alert level are there.
    pub(super) async fn await_alerts(
        &self,
        leads: &[Value],
        patience: Duration,
    ) -> anyhow::Result<HashMap<String, Instant>> {
        let expected = leads
            .iter()
            .filter(|lead| lead.get("level") == Some(&json!("alert")))
            .count();
        let deadline = Instant::now() + patience;
        loop {
            let alerts = self
                .alerts
                .lock()
                .expect("no holder of the lock panics")
                .clone();
            if alerts.len() >= expected {
                return Ok(alerts);
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "{} of {expected} alerts arrived",
                alerts.len()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let secret = inbox
        .secret
        .lock()
        .expect("no holder of the lock panics")
        .clone();
    if !is_signed(&secret, &headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(lead) = event.get("subject").and_then(Value::as_str) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut alerts = inbox.alerts.lock().expect("no holder of the lock panics");
    alerts.entry(lead.to_owned()).or_insert_with(Instant::now);
    StatusCode::NO_CONTENT
}

/// The check that a Standard Webhooks receiver makes. <https://www.standardwebhooks.com>
fn is_signed(secret: &[u8], headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let signatures = text("webhook-signature")
        .split(' ')
        .filter_map(|one| one.strip_prefix("v1,"));
    let mut signatures = signatures.filter_map(|one| STANDARD.decode(one).ok());
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return false;
    };
    let signed = format!("{}.{}.", text("webhook-id"), text("webhook-timestamp"));
    let mac = mac.chain_update(signed).chain_update(body);
    signatures.any(|signature| mac.clone().verify_slice(&signature).is_ok())
}
