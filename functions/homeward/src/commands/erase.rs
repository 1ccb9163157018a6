//! `homeward erase`: a reference or a case out of every store, with a signed receipt.
#![allow(
    clippy::disallowed_methods,
    reason = "how long an erasure may take until its receipt"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use client::{Client, DeploymentArguments, text_of};
use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::print;
use reqwest::Method;
use serde_json::{Value, json};

/// Erase a reference, or a whole case, from every store
///
/// Nothing about it is sent any more once this answers; the rest is done within minutes, and the receipt
/// written. What is erased cannot be brought back.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The reference
    #[arg(long, value_name = "REFERENCE", required_unless_present = "case")]
    reference: Option<String>,
    /// The case, with all its references
    #[arg(long, value_name = "CASE", conflicts_with = "reference")]
    case: Option<String>,
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// Where the signed receipt is written
    #[arg(long, value_name = "FILE", default_value = "erasure.json")]
    receipt: PathBuf,
    /// Yes, it cannot be brought back
    #[arg(long)]
    yes: bool,
}

const EXAMPLES: &str = "Examples:
  homeward erase --case 26-0417 --yes --to https://homeward.example --receipt 26-0417.json
  homeward receipt verify 26-0417.json --key \"$key\"";

/// How long it may take until the receipt is there.
const RECEIPT_MAX: Duration = Duration::from_secs(15 * 60);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Erases, waits, and writes the receipt.
///
/// # Errors
/// What the deployment refuses is the input's fault; no answer, or no receipt in time, is ours.
pub fn run(arguments: &Arguments) -> Result {
    if !arguments.yes {
        return Err(Failure::usage(
            "what is erased cannot be brought back",
            "say --yes; `homeward withdraw` only silences it",
        ));
    }
    if arguments.receipt.exists() {
        return Err(Failure::input(
            format_args!("{} is there already", arguments.receipt.display()),
            "name another file with --receipt",
        ));
    }
    let client = Client::new(&arguments.deployment)?;
    let body = match &arguments.case {
        Some(case) => json!({ "case_id": case }),
        None => json!({ "reference_id": arguments.reference }),
    };
    let begun = client.send(&Method::POST, "erasures", Some(&body))?;
    let id = text_of(&begun, "/erasure_id");
    print(format_args!(
        "erasure {id}: nothing about it is sent any more; waiting for the receipt"
    ));
    let receipt = receipt(&client, &id)?;
    let text = serde_json::to_string_pretty(&receipt).map_err(anyhow::Error::from)?;
    std::fs::write(&arguments.receipt, text + "\n")?;
    print(format_args!(
        "erased; the receipt is {}",
        arguments.receipt.display()
    ));
    Ok(ExitStatus::Done)
}

fn receipt(client: &Client, id: &str) -> Result<Value> {
    let started = Instant::now();
    loop {
        let erasure = client.get(&format!("erasures/{id}"))?;
        if !erasure["receipt"].is_null() {
            return Ok(erasure["receipt"].clone());
        }
        if started.elapsed() > RECEIPT_MAX {
            let cause = anyhow::anyhow!("there is no receipt yet");
            let hint = format!("it goes on by itself: GET /v1/erasures/{id} has it later");
            return Err(Failure::ours(cause).hint(hint));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
