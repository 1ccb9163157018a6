//! `homeward receipt`: what the receipt of an erasure proves.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use records::{Receipt, ReceiptFault, SignedReceipt};
use serde_json::{Value, json};

use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::print;

/// A receipt has 40 bytes a reference: of the largest case there ever was, far less than this.
const BYTES_MAX: u64 = 16 << 20;

/// Check the receipt of an erasure
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verify(Verify),
}

/// Check that a receipt is as a deployment signed it
///
/// Reads the answer of GET /v1/erasures/ID, or the receipt in it, and prints what was erased as JSON.
/// Anyone can sign something that looks like a receipt: only the public key of the deployment tells
/// whose it is. GET /v1/receipts-key gives it to all, without a token. Keep it with the receipt,
/// from where you trust it. Without --key nothing is proved but that the receipt was not changed since
/// it was signed, and the exit code is 1.
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

const EXAMPLES: &str = "Exit codes: 0 this deployment signed it, 1 it proves nothing, 2 usage, 3 our fault.

Examples:
  key=$(curl -s https://homeward.example/v1/receipts-key | jq -r .public_key)
  homeward receipt verify erasure.json --key \"$key\"
  homeward receipt verify erasure.json --key \"$key\" | jq -r '.removed[] | [.store, .removed] | @tsv'
  curl -s -H \"Authorization: Bearer $TOKEN\" https://homeward.example/v1/erasures/$ID \\
    | homeward receipt verify - --key \"$key\"";

/// Checks.
///
/// # Errors
/// What is no receipt, was changed, or is signed with another key is the input's fault.
pub fn run(arguments: &Arguments) -> Result {
    let Command::Verify(Verify { file, key }) = &arguments.command;
    let signed = signed(&read(file, no_receipt)?)?;
    let receipt = signed.opened().map_err(refused)?;
    if let Some(key) = key {
        signed.is_by(key).map_err(refused)?;
    }
    let told = rendered(&signed, &receipt, key.is_some());
    writeln!(std::io::stdout().lock(), "{told:#}")?;
    if key.is_none() {
        print(
            "nothing says whose key signed this; hint: give --key the public key of the deployment, \
             from GET /v1/receipts-key",
        );
        return Ok(ExitStatus::SomeInputRefused);
    }
    Ok(ExitStatus::Done)
}

fn rendered(signed: &SignedReceipt, receipt: &Receipt, key_is_checked: bool) -> Value {
    json!({
        "proved": key_is_checked,
        "signature": "intact",
        "public_key": signed.public_key,
        "erasure_id": receipt.erasure_id,
        "unit": receipt.unit,
        "reference_ids": receipt.reference_ids,
        "requested_at": receipt.requested_at,
        "done_at": receipt.done_at,
        "removed": receipt.removed,
        "remains": receipt.remains,
    })
}

fn refused(fault: ReceiptFault) -> Failure {
    let hint = match fault {
        ReceiptFault::Key => "a public key is 44 characters; GET /v1/receipts-key gives it",
        ReceiptFault::AnotherKey => "ask the deployment that you think signed it",
        ReceiptFault::Signature => "ask the unit for its erasure anew: GET /v1/erasures/ID",
        ReceiptFault::Unreadable => "is it of a newer homeward?",
    };
    Failure::input(fault, hint)
}

/// The bytes of a file, or of the standard input for `-`; more than anything sealed has are what `no_such` says.
pub(super) fn read(file: &Path, no_such: impl Fn() -> Failure) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut from: Box<dyn Read> = match file.as_os_str() == "-" {
        true => Box::new(std::io::stdin().lock()),
        false => Box::new(File::open(file).map_err(unread)?),
    };
    from.by_ref()
        .take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    match bytes.len() as u64 > BYTES_MAX {
        true => Err(no_such()),
        false => Ok(bytes),
    }
}

fn unread(error: std::io::Error) -> Failure {
    Failure::input(
        format!("the file cannot be read: {error}"),
        "name the file that holds the deployment's answer",
    )
}

/// The answer of `GET /v1/erasures/{erasure_id}`, or what it has under `receipt`.
fn signed(bytes: &[u8]) -> Result<SignedReceipt> {
    let value: Value = serde_json::from_slice(bytes).map_err(|_| no_receipt())?;
    let inner = match value.get("receipt") {
        Some(Value::Null) if value.get("state").is_some() => {
            return Err(Failure::input(
                "the erasure is not done yet: it has no receipt",
                "ask for it again in some minutes",
            ));
        }
        Some(inner @ Value::Object(_)) => inner.clone(),
        _ => value,
    };
    serde_json::from_value(inner).map_err(|_| no_receipt())
}

fn no_receipt() -> Failure {
    Failure::input(
        "this is no receipt of an erasure",
        "give the JSON that GET /v1/erasures/ID answers",
    )
}
