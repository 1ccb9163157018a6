//! `homeward verify`: proves that the records agree.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::Args;
use serde_json::Value;

use console::outcome::{ExitStatus, Result};
use console::terminal::{Progress, print};
use laptop::consistency::{self, Contents};
use laptop::inspection::{self, Inspected};

/// Prove that nothing was lost, missed or told twice
///
/// Counts every upload from both ends, reads every stored photo and holds it against its hash, holds
/// records against objects, the searchable sets against records and audit logs against their heads,
/// compares every image with every reference again, and checks the leads and alerts against that.
/// Changes nothing in the folder: a backup that cannot be written to will do. Works next to a running
/// `homeward serve` as well. Prints what was counted as JSON; what disagrees is named there in words. Shows
/// counts and ids only: no hash, no name, no key.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The data folder of `homeward serve`
    #[arg(long, value_name = "DIR", default_value = "homeward-data")]
    data: PathBuf,
}

const EXAMPLES: &str =
    "Exit codes: 0 all agrees, 1 something disagrees or no such folder, 2 usage, 3 our fault.

Examples:
  homeward verify --data homeward-data
  homeward verify --data homeward-data | jq .disagreements
  homeward verify --data /mnt/backup/homeward-data";

/// Prints what was counted.
///
/// # Errors
/// A folder that is none of ours, or cannot be read.
pub fn run(arguments: &Arguments) -> Result {
    laptop::log_to_stderr();
    let runtime = tokio::runtime::Runtime::new()?;
    let consistency = runtime.block_on(consistency_of(&arguments.data))?;
    writeln!(std::io::stdout().lock(), "{consistency:#}")?;
    let agree = consistency
        .get("agree")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    if !agree {
        print("the sums disagree; hint: see \"disagreements\" above");
    }
    Ok(if agree {
        ExitStatus::Done
    } else {
        ExitStatus::SomeInputRefused
    })
}

async fn consistency_of(data: &Path) -> Result<Value> {
    match inspection::inspect(data)? {
        Inspected::At(look) => {
            let store = laptop::prepare(&look.embedded).await?;
            let contents = Contents::Read(Box::new(progress()));
            Ok(consistency::count(&look.embedded, &store, contents)
                .await?
                .to_json())
        }
        Inspected::Taken => {
            print("a homeward serve has this folder and is asked: it reads all that it holds");
            Ok(laptop::ask_for_consistency(data).await?)
        }
    }
}

/// Says how many contents were read.
fn progress() -> impl Fn(u64, u64) + Send + Sync {
    let shown = OnceLock::new();
    move |_, total| {
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        shown
            .get_or_init(|| Progress::new("photos read", total))
            .advance();
    }
}
