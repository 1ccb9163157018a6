//! `homeward report`: what the sealed report of a lead proves.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use records::{LeadReport, ReceiptFault, SealedReport};
use serde_json::{Value, json};

use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::print;

use super::receipt::read;

/// Check the sealed report of a lead
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verify(Verify),
}

/// Check that a report is as a deployment sealed it
///
/// Reads what the page of a report saves, or the answer of GET /v1/leads/ID/report, and prints the report as
/// JSON. Only the public key of the deployment tells whose seal it is: GET /v1/receipts-key gives it to all,
/// without a token. Without --key nothing is proved but that the report was not changed since it was
/// sealed, and the exit code is 1.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
struct Verify {
    /// The file; - reads the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The public key of the deployment, base64
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

const EXAMPLES: &str =
    "Exit codes: 0 this deployment sealed it, 1 it proves nothing, 2 usage, 3 our fault.

Examples:
  key=$(curl -s https://homeward.example/v1/receipts-key | jq -r .public_key)
  homeward report verify report.json --key \"$key\"
  homeward report verify report.json --key \"$key\" | jq .report.lead.verdict";

/// Checks.
///
/// # Errors
/// What is no report, was changed, or is sealed with another key is the input's fault.
pub fn run(arguments: &Arguments) -> Result {
    let Command::Verify(Verify { file, key }) = &arguments.command;
    let sealed: SealedReport =
        serde_json::from_slice(&read(file, no_report)?).map_err(|_| no_report())?;
    let report = sealed.opened().map_err(refused)?;
    if let Some(key) = key {
        sealed.is_by(key).map_err(refused)?;
    }
    let shown = rendered(&sealed, &report, key.is_some());
    writeln!(std::io::stdout().lock(), "{shown:#}")?;
    if key.is_none() {
        print(
            "nothing says whose key sealed this; hint: give --key the public key of the deployment, \
             from GET /v1/receipts-key",
        );
        return Ok(ExitStatus::SomeInputRefused);
    }
    Ok(ExitStatus::Done)
}

fn rendered(sealed: &SealedReport, report: &LeadReport, key_is_checked: bool) -> Value {
    json!({
        "proved": key_is_checked,
        "seal": "intact",
        "public_key": sealed.public_key,
        "report": report,
    })
}

fn refused(fault: ReceiptFault) -> Failure {
    let (what, hint) = match fault {
        ReceiptFault::Key => (
            "the public key is not base64 of an ed25519 key's 32 bytes",
            "a public key is 44 characters; GET /v1/receipts-key gives it",
        ),
        ReceiptFault::AnotherKey => (
            "the report is sealed with another key",
            "ask the deployment that you think sealed it",
        ),
        ReceiptFault::Signature => (
            "the seal is not that of this report: one of them was changed",
            "ask the unit for the report again: GET /v1/leads/ID/report",
        ),
        ReceiptFault::Unreadable => (
            "what is sealed is no report of the format homeward-lead-report/1",
            "is it of a newer homeward?",
        ),
    };
    Failure::input(what, hint)
}

fn no_report() -> Failure {
    Failure::input(
        "this is no sealed report",
        "give the file that the page of a report saves, or what GET /v1/leads/ID/report answers",
    )
}
