//! `homeward doctor`: looks before a deployment, and tries it after.

mod costs;
mod rendering;

use std::time::Duration;

use clap::Args;

use console::outcome::{ExitStatus, Failure, Result};
use deploy::costs::Way;
use deploy::costs::month::Load;
use deploy::doctor::credentials::{self, Machine};
use deploy::doctor::parameters::{self, Chosen};
use deploy::doctor::region::{self, Named};
use deploy::doctor::smoke::{self, Deployment, stack};
use deploy::doctor::template::{self, Parameter};
use deploy::doctor::{Check, Verdict, account, tools};

/// Check a deployment on AWS: before it is made, what would stop it and what it will cost; after, that
/// it works
///
/// Before: region, credentials (whether there are any, never which), the template's parameters, and the
/// bill for so many images a day. Nothing is created, and without --online no service is asked.
///
/// After (--after STACK, or --api URL): sends a drawn photo through the whole system, waits for its
/// lead, and withdraws it. The tokens of a unit and an uploader come from HOMEWARD_UNIT_TOKEN and
/// HOMEWARD_UPLOADER_TOKEN. Works with homeward serve too.
#[derive(Args)]
#[command(visible_alias = "deploy-check", after_help = EXAMPLES)]
pub struct Arguments {
    /// Images a day that the bill is for
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    images_per_day: u64,
    /// The images come many to an object
    #[arg(long, conflicts_with = "hash_only")]
    bundled: bool,
    /// Only hashes come, and no images
    #[arg(long)]
    hash_only: bool,
    /// The images come in floods that fill every batch, and not evenly over the day
    #[arg(long)]
    in_floods: bool,
    /// Kilobytes of an image
    #[arg(long, value_name = "KB", default_value_t = 150)]
    image_kb: u64,
    /// References that are searched for
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    references: u64,
    /// References that are submitted in a day: each is searched for among all past ads
    #[arg(long, value_name = "N", default_value_t = 10)]
    new_references_per_day: u64,
    /// The stage of samconfig.toml whose parameters count
    #[arg(long, value_name = "STAGE", default_value = "default")]
    config_env: String,
    /// Parameters instead of those, as sam deploy takes them
    #[arg(long, value_name = "\"NAME=VALUE ...\"")]
    parameter_overrides: Option<String>,
    /// The region, if neither AWS_REGION nor a profile says it
    #[arg(long)]
    region: Option<String>,
    /// Ask AWS whether the credentials count, and for quotas; changes nothing
    #[arg(long)]
    online: bool,
    /// Try the deployed stack of this name
    #[arg(long, value_name = "STACK", conflicts_with = "api")]
    after: Option<String>,
    /// Try the deployment whose API is there
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// Seconds that a step of the trial may take
    #[arg(long, value_name = "S", default_value_t = 120)]
    patience: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  homeward doctor --config-env prod --images-per-day 20000
  homeward doctor --images-per-day 100000 --bundled --references 1000 --new-references-per-day 10
  homeward doctor --parameter-overrides \"Stage=prod Small=true\" --hash-only --json
  homeward doctor --online --region eu-central-1
  HOMEWARD_UNIT_TOKEN=... HOMEWARD_UPLOADER_TOKEN=... homeward doctor --after homeward-prod

Exits with 1 if a deployment would fail, or the trial did.";

/// Looks, or tries.
///
/// # Errors
/// Arguments that say nothing; a trial that stopped.
pub fn run(arguments: &Arguments) -> Result {
    let runtime = tokio::runtime::Runtime::new()?;
    let machine = Machine::this();
    let named = Named::of(&machine, arguments.region.clone());
    if arguments.after.is_some() || arguments.api.is_some() {
        let checks = runtime.block_on(tried(arguments, &machine, &named))?;
        rendering::checks(&checks, arguments.json)?;
        return Ok(ExitStatus::Done);
    }
    let known = template::parameters();
    let chosen = chosen(arguments)?;
    let checks = runtime.block_on(online_checks(arguments, &machine, &named, &chosen, &known));
    let bill = costs::bill(&load(arguments, &chosen, &known)?, &chosen, &known);
    rendering::all(&checks, &bill, arguments.json)?;
    let would_fail = checks.iter().any(|check| check.verdict == Verdict::Bad);
    Ok(match would_fail {
        true => ExitStatus::SomeInputRefused,
        false => ExitStatus::Done,
    })
}

fn way(arguments: &Arguments) -> Way {
    match (arguments.bundled, arguments.hash_only) {
        (true, _) => Way::Bundled,
        (_, true) => Way::HashOnly,
        _ => Way::Single,
    }
}

fn load(arguments: &Arguments, chosen: &Chosen, known: &[Parameter]) -> Result<Load> {
    let number = |name: &'static str| {
        let text = parameters::value(chosen, known, name);
        let wrong = |_| {
            Failure::usage(
                format_args!("{name} is no number"),
                "look at samconfig.toml",
            )
        };
        text.parse::<f64>().map_err(wrong)
    };
    let kept_days = number("AdsKeptDays")?;
    Ok(Load {
        images_per_day: arguments.images_per_day as f64,
        way: way(arguments),
        is_even: !arguments.in_floods,
        photo_bytes: arguments.image_kb as f64 * 1e3,
        references: arguments.references as f64,
        new_references_per_day: arguments.new_references_per_day as f64,
        kept_days: if kept_days > 0.0 {
            kept_days
        } else {
            f64::INFINITY
        },
        window_s: number("IngestWindow")?,
    })
}

fn chosen(arguments: &Arguments) -> Result<Chosen> {
    let text = match &arguments.parameter_overrides {
        Some(text) => text.clone(),
        None => parameters::of_stage(&arguments.config_env).ok_or_else(|| {
            Failure::usage(
                "samconfig.toml has no such stage",
                "--config-env dev, or prod",
            )
        })?,
    };
    parameters::parse(&text).map_err(|_| {
        let hint = "write --parameter-overrides \"Stage=prod Small=true\"";
        Failure::usage("a parameter is NAME=VALUE", hint)
    })
}

async fn online_checks(
    arguments: &Arguments,
    machine: &Machine,
    named: &Named,
    chosen: &Chosen,
    known: &[Parameter],
) -> Vec<Check> {
    let mut checks = vec![
        region::check(named),
        credentials::check(machine),
        tools::check(machine.variable("PATH").unwrap_or_default()),
    ];
    checks.extend(parameters::check(chosen, known));
    checks.extend(match (arguments.online, named.region()) {
        (true, Some(region)) => account::check(region, chosen, known).await,
        _ => account::not_asked(),
    });
    checks
}

async fn tried(arguments: &Arguments, machine: &Machine, named: &Named) -> Result<Vec<Check>> {
    let token = |name: &'static str| {
        machine.variable(name).map(str::to_owned).ok_or_else(|| {
            let hint = "homeward token new issues one; see infra/README.md";
            Failure::usage(format_args!("{name} is not set"), hint)
        })
    };
    let (unit_token, uploader_token) = (
        token("HOMEWARD_UNIT_TOKEN")?,
        token("HOMEWARD_UPLOADER_TOKEN")?,
    );
    let api = match (&arguments.api, &arguments.after) {
        (Some(url), _) => url.clone(),
        (None, Some(name)) => {
            let region = named.region().ok_or_else(|| {
                Failure::usage("no region is named", "set AWS_REGION, or give --region")
            })?;
            let found = stack::api_of(name, region).await;
            found.map_err(|error| {
                Failure::input(
                    format_args!("{error:#}"),
                    "is that the stack's name and region?",
                )
            })?
        }
        (None, None) => return Err(Failure::usage("nothing to try", "--api URL")),
    };
    let deployment = Deployment {
        api,
        unit_token,
        uploader_token,
        patience: Duration::from_secs(arguments.patience),
    };
    smoke::run(&deployment).await.map_err(|error| {
        let hint = "infra/README.md, When an alarm rings: look at queues, dead letters and logs";
        Failure::input(format_args!("{error:#}"), hint)
    })
}
