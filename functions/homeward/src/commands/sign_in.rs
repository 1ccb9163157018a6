//! `homeward sign-in`: another link to the pages of a running system.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use records::PersonRole;
use serde_json::Value;

use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::print;

/// Print a link that signs a person in to the pages of the running 'homeward serve'
///
/// The link works once and for ten minutes. Who opens it sees the leads of the tenant 'unit' and decides
/// about them, as the person at this computer or as the one that is named.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The data folder of `homeward serve`
    #[arg(long, value_name = "DIR", default_value = "homeward-data")]
    data: PathBuf,
    /// Whom it signs in; without it, the person at this computer
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What that person may do; without it, everything
    #[arg(long, value_name = "ROLE", requires = "name")]
    role: Vec<Role>,
    /// Print JSON instead of the link alone
    #[arg(long)]
    json: bool,
}

/// What a person may do.
#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// Sees leads and judges them, adds photos
    Reviewer,
    /// Withdraws, erases, releases, seals reports
    Supervisor,
    /// Reads the audit log
    Auditor,
}

impl Role {
    fn of_person(self) -> PersonRole {
        match self {
            Self::Reviewer => PersonRole::Reviewer,
            Self::Supervisor => PersonRole::Supervisor,
            Self::Auditor => PersonRole::Auditor,
        }
    }
}

const EXAMPLES: &str = "Examples:
  homeward sign-in --data homeward-data
  homeward sign-in --data homeward-data --name 'S. Berg' --role reviewer
  xdg-open \"$(homeward sign-in --data homeward-data)\"";

/// Prints it.
///
/// # Errors
/// A system that does not run.
pub fn run(arguments: &Arguments) -> Result {
    let runtime = tokio::runtime::Runtime::new()?;
    let roles: Vec<PersonRole> = arguments.role.iter().map(|role| role.of_person()).collect();
    let person = (arguments.name.as_deref(), roles.as_slice());
    let asked = runtime.block_on(laptop::ask_for_sign_in(&arguments.data, person));
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
