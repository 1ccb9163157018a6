//! `homeward stage`: what an administrator does to a stage on AWS with the rights of an AWS account.

use std::io::Write;

use clap::{Args, Subcommand};
use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::{escaped, print};
use deploy::doctor::credentials::Machine;
use deploy::doctor::region::Named;
use deploy::stage::Stage;
use deploy::stage::dead_letters::SentAgain;
use serde_json::json;

/// Look after a stage on AWS: its first administrator, its timers' tasks, its dead letters
///
/// Works with the AWS credentials and region of this machine, as every tool of AWS does, and needs no token.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a token of an administrator, and print it
    #[command(after_help = TOKEN_EXAMPLES)]
    AdminToken(Where),
    /// Have a task of the timers done now, and print what it did
    #[command(after_help = RUN_EXAMPLES)]
    Run {
        /// The task, e.g. repair, rebuild, search or objects; an error that asks for one names it
        #[arg(value_name = "TASK")]
        task: String,
        #[command(flatten)]
        at: Where,
    },
    /// Say how many messages and changes were given up, or send them again
    #[command(after_help = LETTERS_EXAMPLES)]
    DeadLetters {
        /// Send them on their way again; that can be repeated and does nothing twice
        #[arg(long)]
        replay: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: Where,
    },
}

#[derive(Args)]
struct Where {
    /// The stack's name, as infra/deploy says it
    #[arg(long, value_name = "STACK")]
    stack: String,
    /// The region, if neither AWS_REGION nor a profile says it
    #[arg(long)]
    region: Option<String>,
}

const TOKEN_EXAMPLES: &str =
    "The token is shown once; only its hash is stored, in the stage's table of tenants.

Examples:
  export HOMEWARD_TOKEN=\"$(homeward stage admin-token --stack homeward-prod)\"";

const RUN_EXAMPLES: &str =
    "Prints the counts of what was done as JSON. A task can be cut off and asked for again.

Examples:
  homeward stage run repair --stack homeward-prod
  homeward stage run search --stack homeward-prod | jq .searches";

const LETTERS_EXAMPLES: &str =
    "Exit codes: 0 listed or all sent again, 1 some could not be sent, or AWS refused, 2 usage, 3 our fault.

Examples:
  homeward stage dead-letters --stack homeward-prod
  homeward stage dead-letters --stack homeward-prod --replay";

/// Does it.
///
/// # Errors
/// No region; no such stack; no right to what it takes.
pub fn run(arguments: &Arguments) -> Result {
    let runtime = tokio::runtime::Runtime::new()?;
    match &arguments.command {
        Command::AdminToken(at) => runtime.block_on(admin_token(at)),
        Command::Run { task, at } => runtime.block_on(run_task(task, at)),
        Command::DeadLetters { replay, json, at } => {
            runtime.block_on(dead_letters(at, *replay, *json))
        }
    }
}

async fn stage(at: &Where) -> Result<Stage> {
    let machine = Machine::this();
    let named = Named::of(&machine, at.region.clone());
    let region = named
        .region()
        .ok_or_else(|| Failure::usage("no region is named", "set AWS_REGION, or give --region"))?;
    Stage::of_machine(&at.stack, region).await.map_err(refused)
}

fn refused(error: anyhow::Error) -> Failure {
    Failure::input(
        format_args!("{}", escaped(&format!("{error:#}"))),
        "are stack, region and credentials right? homeward doctor --online looks",
    )
}

async fn admin_token(at: &Where) -> Result {
    let token = stage(at)
        .await?
        .new_administrator()
        .await
        .map_err(refused)?;
    writeln!(std::io::stdout().lock(), "{}", token.reveal())?;
    print("this is the only time that it is shown; homeward tenant and token work with it");
    Ok(ExitStatus::Done)
}

async fn run_task(task: &str, at: &Where) -> Result {
    let stage = stage(at).await?;
    print("asked; a task may take up to 15 minutes");
    let done = stage.run_task(task).await.map_err(|error| {
        Failure::input(
            format_args!("{}", escaped(&format!("{error:#}"))),
            "the log of upkeep says more",
        )
    })?;
    writeln!(std::io::stdout().lock(), "{done}")?;
    Ok(ExitStatus::Done)
}

async fn dead_letters(at: &Where, replay: bool, json: bool) -> Result {
    let stage = stage(at).await?;
    let mut out = std::io::stdout().lock();
    if replay {
        let all = stage.send_again().await.map_err(refused)?;
        match json {
            true => writeln!(
                out,
                "{}",
                json!(all.iter().map(sent_json).collect::<Vec<_>>())
            )?,
            false => said(&mut out, &all)?,
        }
        return Ok(match all.iter().all(|it| it.failed.is_empty()) {
            true => ExitStatus::Done,
            false => ExitStatus::SomeInputRefused,
        });
    }
    let all = stage.dead_letters().await.map_err(refused)?;
    let counts = all
        .iter()
        .map(|it| json!({ "of": it.of, "count": it.count }));
    match json {
        true => writeln!(out, "{}", json!(counts.collect::<Vec<_>>()))?,
        false => {
            for letters in &all {
                writeln!(out, "{:<8} {}", letters.of, letters.count)?;
            }
        }
    }
    let is_empty = all.iter().all(|it| it.count == 0);
    if !is_empty && !json {
        print("hint: mend the reason (the function's log says it), then --replay");
    }
    Ok(ExitStatus::Done)
}

fn said(out: &mut impl Write, all: &[SentAgain]) -> std::io::Result<()> {
    for kind in all {
        writeln!(
            out,
            "{:<8} {} sent again, {} failed",
            kind.of,
            kind.sent,
            kind.failed.len()
        )?;
        for failed in &kind.failed {
            print(escaped(failed));
        }
    }
    Ok(())
}

fn sent_json(kind: &SentAgain) -> serde_json::Value {
    json!({ "of": kind.of, "sent": kind.sent, "failed": kind.failed })
}
