//! `homeward dead-letters`: what was given up, and sending it again.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use embedded::Embedded;
use serde_json::Value;

use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::print;
use laptop::dead_letters::{self, Which};
use laptop::inspection::{self, Inspected};

/// List what was given up after too many attempts, or send it again
///
/// A message or change that fails again and again is set aside with its reason, so that those behind
/// it go on. It is listed by its id; what it carries is not shown. Once the reason is mended, send it
/// again: that can be repeated and changes nothing that was done already. Works next to a running
/// `homeward serve` as well.
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    replay: Option<Replay>,
    #[command(flatten)]
    list: List,
}

#[derive(Args)]
struct List {
    /// The data folder of `homeward serve`
    #[arg(long, value_name = "DIR", default_value = "homeward-data")]
    data: PathBuf,
    /// Print the list as one JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Replay {
    /// Send dead letters on their way again
    Replay {
        /// The id of one, as listed
        #[arg(value_name = "ID", required_unless_present = "all")]
        id: Option<String>,
        /// All of them
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// The data folder of `homeward serve`
        #[arg(long, value_name = "DIR", default_value = "homeward-data")]
        data: PathBuf,
        /// Print the count as one JSON line
        #[arg(long)]
        json: bool,
    },
}

const EXAMPLES: &str = "Exit codes: 0 done, 1 no such folder or letter, 2 usage, 3 our fault.

Examples:
  homeward dead-letters --data homeward-data
  homeward dead-letters --data homeward-data --json | jq -r '.[].source' | sort | uniq -c
  homeward dead-letters replay 5d41402abc4b2a76b9719d911017c592 --data homeward-data
  homeward dead-letters replay --all --data homeward-data";

/// Lists, or sends again.
///
/// # Errors
/// A folder that is none of ours or a dead letter that is not there is the input's fault.
pub fn run(arguments: &Arguments) -> Result {
    laptop::log_to_stderr();
    let runtime = tokio::runtime::Runtime::new()?;
    match &arguments.replay {
        None => runtime.block_on(list(&arguments.list)),
        Some(Replay::Replay { id, data, json, .. }) => {
            let which = id.clone().map_or(Which::All, Which::One);
            runtime.block_on(replay(data, &which, *json))
        }
    }
}

async fn list(arguments: &List) -> Result {
    let dead_letters = match inspection::inspect(&arguments.data)? {
        Inspected::At(look) => dead_letters::list(&look.embedded)
            .await
            .map_err(Failure::ours)?,
        Inspected::Taken => laptop::ask_for_dead_letters(&arguments.data).await?,
    };
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{dead_letters}")?;
        return Ok(ExitStatus::Done);
    }
    let dead_letters = dead_letters.as_array().cloned().unwrap_or_default();
    for letter in &dead_letters {
        writeln!(out, "{}", row(letter))?;
    }
    match dead_letters.len() {
        0 => print("nothing was given up"),
        count => print(format_args!(
            "{count} given up; hint: mend the reason (the log of serve says more), then: \
             homeward dead-letters replay --all"
        )),
    }
    Ok(ExitStatus::Done)
}

/// Id, when it was given up, after how many attempts, where, why.
fn row(letter: &Value) -> String {
    let text = |name: &str| letter[name].as_str().unwrap_or_default();
    let second = text("dead_at").get(..19).unwrap_or_default();
    let attempts = letter["attempts"].as_u64().unwrap_or(0);
    format!(
        "{}  {second}Z  {attempts} attempts  {}  {}",
        text("id"),
        text("source"),
        text("reason")
    )
}

async fn replay(data: &Path, which: &Which, json: bool) -> Result {
    let replayed = match open(data)? {
        Some(embedded) => dead_letters::replay(&embedded, which)
            .await
            .map_err(Failure::ours)?,
        None => laptop::ask_for_replay(data, which).await?,
    };
    if json {
        writeln!(std::io::stdout().lock(), "{{\"replayed\":{replayed}}}")?;
    }
    if replayed == 0 && matches!(which, Which::One(_)) {
        return Err(Failure::input(
            "no dead letter has this id (any more)",
            "homeward dead-letters lists those that there are",
        ));
    }
    print(format_args!("{replayed} sent again"));
    Ok(ExitStatus::Done)
}

/// The folder, to be changed, or none if a system runs on it that is to be asked.
fn open(data: &Path) -> Result<Option<Embedded>> {
    inspection::check(data)?;
    match Embedded::open(data) {
        Ok(embedded) => Ok(Some(embedded)),
        Err(embedded::Error::FolderTaken(_)) => Ok(None),
        Err(error) => Err(Failure::input(
            error,
            "is this the folder of a homeward serve?",
        )),
    }
}
