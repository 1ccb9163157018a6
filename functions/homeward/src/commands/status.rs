//! `homeward status`: how a deployment is doing, in the cloud or on a laptop.

use std::io::Write;

use clap::Args;
use client::{Client, DeploymentArguments, text_of};
use console::outcome::{ExitStatus, Result};
use console::terminal::{escaped, print};
use serde_json::Value;

/// Say how a deployment is doing: what waits, how large its searchable sets are, when its timers ran
///
/// For administrators. What is at fault is said with the next step, and ends with exit code 1.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// Print the API's JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  HOMEWARD_TOKEN=$ADMIN_TOKEN homeward status --to $API
  homeward status --to https://homeward.example --token-file admin.token --json";

/// Asks, and prints.
///
/// # Errors
/// What the deployment refuses is the input's fault; one that does not answer is ours.
pub fn run(arguments: &Arguments) -> Result {
    let status = Client::new(&arguments.deployment)?.get("status")?;
    let mut out = std::io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{status}")?,
        false => writeln!(out, "{}", lines(&status).join("\n"))?,
    }
    let faults = faults(&status);
    for fault in &faults {
        print(fault);
    }
    Ok(match faults.is_empty() {
        true => ExitStatus::Done,
        false => ExitStatus::SomeInputRefused,
    })
}

/// Sets by their places in the answer.
const SETS: [(&str, &str); 2] = [("ads", "/gauges/ads"), ("references", "/gauges/references")];

fn lines(status: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let of = |place: &str, name: &str| text_of(status, &format!("{place}/{name}"));
    match status["gauges"].is_null() {
        true => lines.push("the timers have not looked yet: ask again in a few minutes".to_owned()),
        false => {
            lines.push(format!(
                "as seen at {}",
                text_of(status, "/gauges/taken_at")
            ));
            for (name, place) in SETS {
                let waiting = match of(place, "waiting").as_str() {
                    "" => "an unknown number".to_owned(),
                    number => number.to_owned(),
                };
                lines.push(format!(
                    "{name:<10}  {:>9} in {} segments (newer ones on top), {waiting} waiting to be taken in",
                    of(place, "items"),
                    of(place, "segments"),
                ));
            }
            let open = text_of(status, "/gauges/searches_open");
            let since = since(status, "/gauges/searches_open_since", "unmoved since");
            lines.push(format!(
                "searches    {open:>9} through the past not done{since}"
            ));
            let pending = since_of_ads(status);
            lines.extend(pending);
        }
    }
    let tasks = status["tasks"].as_object();
    for (name, run) in tasks.into_iter().flatten() {
        let name = escaped(name);
        let end = match run["is_done"] == true {
            true => "done",
            false => "FAILED",
        };
        lines.push(format!(
            "timer {name:<14} {} {end}",
            text_of(run, "/ended_at")
        ));
    }
    lines
}

/// `, WORDS TIME` if there is a time.
fn since(status: &Value, place: &str, words: &str) -> String {
    match text_of(status, place).as_str() {
        "" => String::new(),
        time => format!(", {words} {time}"),
    }
}

fn since_of_ads(status: &Value) -> Option<String> {
    let time = text_of(status, "/gauges/ads_pending_since");
    let told = || {
        format!("uploads     the oldest that is not settled came at {time} and was driven again")
    };
    (!time.is_empty()).then(told)
}

/// Dead letters by their places in the answer.
const GIVEN_UP: [(&str, &str); 3] = [
    ("ads", "/gauges/ads/given_up"),
    ("photos", "/gauges/references/given_up"),
    ("changes of tables", "/gauges/changes_given_up"),
];

/// What a person has to do something about.
fn faults(status: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, place) in SETS {
        let set = status.pointer(place).unwrap_or(&Value::Null);
        if let Some(fault) = set["fault"].as_str() {
            faults.push(format!("the set of {name}: {}", escaped(fault)));
        }
        if set["is_rebuilding"] == true {
            faults.push(format!(
                "the set of {name} is being made again: until it is, what is not found may still be there"
            ));
        }
    }
    for (name, place) in GIVEN_UP {
        let count = status.pointer(place).and_then(Value::as_u64);
        if let Some(count @ 1..) = count {
            faults.push(format!(
                "{count} {name} were given up (next: mend what the logs say; then on AWS `homeward stage dead-letters \
                 --replay`, on a laptop `homeward dead-letters replay --all`)"
            ));
        }
    }
    let tasks = status["tasks"].as_object();
    let failed = tasks
        .into_iter()
        .flatten()
        .filter(|(_, run)| run["is_done"] == false);
    faults.extend(failed.map(|(name, _)| {
        let name = escaped(name);
        format!("the last run of {name} failed and comes again; the log of upkeep says why")
    }));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status() -> Value {
        let set = |items| {
            json!({"waiting": 3, "items": items, "segments": 2, "generation": 9, "epoch": 1,
                "is_rebuilding": false, "fault": null})
        };
        json!({"checked_at": "2026-11-24T10:05:00.000Z",
            "gauges": {"taken_at": "2026-11-24T10:00:00.000Z", "ads": set(1_234_567),
                "references": set(12), "searches_open": 1},
            "tasks": {"compact": {"ended_at": "2026-11-24T09:00:00.000Z", "is_done": true}}})
    }

    #[test]
    fn what_is_well_is_told_in_a_few_lines() {
        let expected = "as seen at 2026-11-24T10:00:00.000Z\n\
            ads           1234567 in 2 segments (newer ones on top), 3 waiting to be taken in\n\
            references         12 in 2 segments (newer ones on top), 3 waiting to be taken in\n\
            searches            1 through the past not done\n\
            timer compact        2026-11-24T09:00:00.000Z done";
        assert_eq!(lines(&status()).join("\n"), expected);
        assert_eq!(faults(&status()), Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_is_named_with_the_next_step() {
        let mut status = status();
        status["gauges"]["ads"]["fault"] = json!("manifest of ads (next: upkeep's task repair)");
        status["gauges"]["references"]["is_rebuilding"] = json!(true);
        status["tasks"]["compact"]["is_done"] = json!(false);
        status["gauges"]["ads"]["given_up"] = json!(7);
        status["gauges"]["changes_given_up"] = json!(1);
        status["gauges"]["ads_pending_since"] = json!("2026-11-20T10:00:00.000Z");
        status["gauges"]["searches_open_since"] = json!("2026-11-23T10:00:00.000Z");
        let lines = lines(&status).join("\n");
        assert!(
            lines.contains("not done, unmoved since 2026-11-23"),
            "{lines}"
        );
        assert!(lines.contains("came at 2026-11-20"), "{lines}");
        let faults = faults(&status);
        assert_eq!(faults.len(), 5);
        assert!(faults[2].starts_with("7 ads were given up") && faults[3].contains("--replay"));
        assert!(faults[0].contains("next: upkeep's task repair"));
    }

    #[test]
    fn a_deployment_whose_timers_have_not_run_says_so() {
        let status = json!({"checked_at": "x", "gauges": null, "tasks": {}});
        assert_eq!(lines(&status).len(), 1);
        assert!(faults(&status).is_empty());
    }
}
