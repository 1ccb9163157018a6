//! `homeward verify`: proves the sums.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use embedded::Embedded;
use serde_json::Value;

use crate::laptop::{self, sums};
use crate::outcome::{Failure, Outcome, Result};
use crate::talk::say;

/// Prove that nothing was lost, missed or told twice
///
/// Counts every upload from both ends, compares every image with every reference anew, and holds
/// the leads and alerts against that. Works beside a running `homeward serve` as well. Prints the
/// sums as JSON and exits with 1 if they disagree. Shows counts only: no hash, no name, no key.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The data folder of `homeward serve`
    #[arg(long, value_name = "DIR", default_value = "homeward-data")]
    data: PathBuf,
}

const EXAMPLES: &str = "Examples:
  homeward verify --data homeward-data
  homeward verify --data homeward-data | jq .uploads";

/// Prints the sums.
///
/// # Errors
/// A folder that is none of ours, or cannot be read.
pub fn run(arguments: &Arguments) -> Result {
    laptop::log_to_stderr();
    let runtime = tokio::runtime::Runtime::new()?;
    let sums = runtime.block_on(sums_of(&arguments.data))?;
    writeln!(std::io::stdout().lock(), "{sums:#}")?;
    let agree = sums.get("agree").and_then(Value::as_bool).unwrap_or(false);
    if !agree {
        say("the sums disagree; hint: see \"disagreements\" above");
    }
    Ok(if agree {
        Outcome::Done
    } else {
        Outcome::SomeInputRefused
    })
}

async fn sums_of(data: &Path) -> Result<Value> {
    if !data.is_dir() {
        return Err(Failure::input(
            "there is no such data folder",
            "give --data the folder that homeward serve uses",
        ));
    }
    match Embedded::open(data) {
        Ok(embedded) => {
            let store = laptop::prepare(&embedded).await?;
            Ok(sums::count(&embedded, &store).await?.to_json())
        }
        Err(embedded::Error::FolderTaken(_)) => Ok(laptop::ask_for_sums(data).await?),
        Err(error) => Err(Failure::input(
            error,
            "is this the folder of a homeward serve?",
        )),
    }
}
