//! Cold start and Lambda loop of `alert`: woken by the leads' stream, and by a timer for retries.
#![allow(clippy::disallowed_methods, reason = "settings are read here")]

use alert::address::Networks;
use alert::send::{Egress, Sender, Timeouts};
use alert::{AlertProgram, resolver};
use anyhow::Context as _;
use aws_lambda_events::dynamodb::Event;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use store::{Clock, Store};

/// Networks that messages may go to in addition to public ones, e.g. `127.0.0.0/8,::1/128`.
const NETWORKS: &str = "HOMEWARD_WEBHOOK_NETWORKS";
/// A PEM file of certificate authorities trusted in addition to the public ones.
const AUTHORITIES: &str = "HOMEWARD_WEBHOOK_CA";

#[tokio::main]
async fn main() -> Result<(), Error> {
    batches::log_to_stderr();
    let mut program = AlertProgram::new(
        Store::from_env(&[]).await?,
        Sender::new(&exit()?)?,
        Clock::from_system(),
    );
    program.pages_at = std::env::var("HOMEWARD_PAGES_ADDRESS").ok();
    let program = &program;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        dispatch(event.payload, program).await
    }))
    .await
}

/// A batch of the stream has `Records`; whatever else wakes us is the timer.
async fn dispatch(event: Value, program: &AlertProgram) -> Result<Value, Error> {
    if event.get("Records").is_none() {
        let taken_up = program.on_timer().await?;
        return Ok(serde_json::json!({ "taken_up": taken_up }));
    }
    let event: Event = serde_json::from_value(event)?;
    Ok(serde_json::to_value(program.on_leads(&event).await)?)
}

fn exit() -> anyhow::Result<Egress> {
    let list = std::env::var(NETWORKS).unwrap_or_default();
    let networks = Networks::parse(&list).with_context(|| format!("reading {NETWORKS}"))?;
    let authorities = match std::env::var_os(AUTHORITIES) {
        Some(path) => reqwest::Certificate::from_pem_bundle(&std::fs::read(path)?)?,
        None => Vec::new(),
    };
    Ok(Egress {
        networks,
        timeouts: Timeouts::default(),
        authorities,
        lookup: resolver::system(),
    })
}
