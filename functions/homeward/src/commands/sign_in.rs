//! `homeward sign-in`: another link to the pages of a running system.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::print;

/// Print a link that signs a person in to the pages of the running 'homeward serve'
///
/// The link works once and for ten minutes. Who opens it sees the leads of the tenant 'unit' and decides
/// about them.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The data folder of `homeward serve`
    #[arg(long, value_name = "DIR", default_value = "homeward-data")]
    data: PathBuf,
    /// Print JSON instead of the link alone
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  homeward sign-in --data homeward-data
  xdg-open \"$(homeward sign-in --data homeward-data)\"";

/// Prints it.
///
/// # Errors
/// A system that does not run.
pub fn run(arguments: &Arguments) -> Result {
    let runtime = tokio::runtime::Runtime::new()?;
    let asked = runtime.block_on(laptop::ask_for_sign_in(&arguments.data));
    let link = asked.map_err(|error| {
        Failure::input(
            format_args!("{error:#}"),
            "links come from the running system: start homeward serve on this folder",
        )
    })?;
    let mut out = std::io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{link}")?,
        false => writeln!(out, "{}", link["open"].as_str().unwrap_or_default())?,
    }
    let told = link.get("open").is_some_and(Value::is_string);
    if told {
        print("it works once, for ten minutes");
    }
    Ok(ExitStatus::Done)
}
