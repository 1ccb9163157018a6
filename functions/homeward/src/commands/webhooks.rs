//! `homeward webhook`: where a unit's alerts are delivered, and what became of them, by the API of a deployment.
#![allow(
    clippy::disallowed_methods,
    reason = "how long a test alert may be on its way"
)]

use std::time::{Duration, Instant};

use clap::{Args, Subcommand, ValueEnum};
use client::{Client, Column, DeploymentArguments, ListingForm, print_items, text_of};
use console::outcome::{ExitStatus, Result};
use console::terminal::print;
use reqwest::Method;
use serde_json::{Value, json};

use super::leads::path_part;

/// Have alerts delivered to a case system, try it, and see what became of each
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: WebhookCommand,
}

#[derive(Subcommand)]
enum WebhookCommand {
    /// Make a webhook or change it; a new one's secret is printed this once
    Set(Set),
    /// List the webhooks of the unit
    List(List),
    /// Remove a webhook: nothing is delivered to it any more
    Remove(Named),
    /// Send an alert that is marked as a test to all webhooks, and tell whether they took it
    Test(Test),
    /// List what became of the alerts that went to a webhook, newest first
    Deliveries(Deliveries),
    /// Deliver an alert once more to a receiver that lost it
    Repeat(Repeat),
}

#[derive(Args)]
#[command(after_help = EXAMPLES)]
struct Set {
    /// Its name, e.g. cases: lower-case letters, digits and -
    #[arg(value_name = "NAME")]
    name: String,
    /// The address that alerts are sent to
    #[arg(value_name = "URL")]
    url: String,
    /// What the messages are said to be: `json` for receivers that parse nothing else (Express, Node-RED, n8n)
    #[arg(long, value_enum)]
    content_type: Option<ContentType>,
    /// Make new keys; messages are signed with the old ones too for a day
    #[arg(long)]
    rotate: bool,
    #[command(flatten)]
    deployment: DeploymentArguments,
}

#[derive(Clone, Copy, ValueEnum)]
enum ContentType {
    /// application/cloudevents+json
    Cloudevents,
    /// application/json
    Json,
}

const EXAMPLES: &str = "Examples:
  homeward webhook set cases https://cases.example/homeward --to https://homeward.example --token-file unit.token
  homeward webhook test --to https://homeward.example --token-file unit.token
  homeward webhook deliveries cases --to https://homeward.example --token-file unit.token --csv > deliveries.csv
  homeward webhook repeat cases north-000000000012 --to https://homeward.example --token-file unit.token";

#[derive(Args)]
struct List {
    #[command(flatten)]
    deployment: DeploymentArguments,
    #[command(flatten)]
    form: ListingForm,
}

#[derive(Args)]
struct Named {
    /// The webhook
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    deployment: DeploymentArguments,
}

#[derive(Args)]
#[command(after_help = EXAMPLES)]
struct Test {
    /// How long to wait for what becomes of it
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    wait: u64,
    #[command(flatten)]
    deployment: DeploymentArguments,
    #[command(flatten)]
    form: ListingForm,
}

#[derive(Args)]
#[command(after_help = EXAMPLES)]
struct Deliveries {
    /// The webhook
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    deployment: DeploymentArguments,
    #[command(flatten)]
    form: ListingForm,
}

#[derive(Args)]
#[command(after_help = EXAMPLES)]
struct Repeat {
    /// The webhook
    #[arg(value_name = "NAME")]
    name: String,
    /// The alert, as its webhook-id and the list of deliveries name it
    #[arg(value_name = "ALERT_ID")]
    alert: String,
    #[command(flatten)]
    deployment: DeploymentArguments,
}

const WEBHOOKS: [Column; 6] = [
    ("webhook", "/name"),
    ("address", "/url"),
    ("type", "/content_type"),
    ("state", "/state"),
    ("reason", "/reason"),
    ("changed", "/updated_at"),
];
const DELIVERIES: [Column; 8] = [
    ("alert", "/alert_id"),
    ("type", "/type"),
    ("lead", "/lead_id"),
    ("state", "/state"),
    ("attempts", "/attempts"),
    ("answer", "/last_status"),
    ("reason", "/reason"),
    ("next attempt", "/next_attempt_at"),
];
const TESTED: [Column; 6] = [
    ("webhook", "/webhook"),
    ("state", "/state"),
    ("attempts", "/attempts"),
    ("answer", "/last_status"),
    ("reason", "/reason"),
    ("next attempt", "/next_attempt_at"),
];

/// Between two looks at a test alert that is on its way.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Sets, lists, removes, tests or repeats.
///
/// # Errors
/// What the deployment refuses is the input's fault; one that does not answer is ours.
pub fn run(arguments: &Arguments) -> Result {
    match &arguments.command {
        WebhookCommand::Set(arguments) => set(arguments),
        WebhookCommand::List(list) => {
            let items = Client::new(&list.deployment)?.all("webhooks", &[])?;
            print_items(&items, &WEBHOOKS, list.form)?;
            Ok(ExitStatus::Done)
        }
        WebhookCommand::Remove(webhook) => {
            let path = format!("webhooks/{}", path_part(&webhook.name)?);
            Client::new(&webhook.deployment)?.send(&Method::DELETE, &path, None)?;
            print(format_args!("{} is removed", webhook.name));
            Ok(ExitStatus::Done)
        }
        WebhookCommand::Test(arguments) => test(arguments),
        WebhookCommand::Deliveries(of) => {
            let path = format!("webhooks/{}/deliveries", path_part(&of.name)?);
            let items = Client::new(&of.deployment)?.all(&path, &[])?;
            print_items(&items, &DELIVERIES, of.form)?;
            Ok(ExitStatus::Done)
        }
        WebhookCommand::Repeat(repeat) => {
            let (name, alert) = (path_part(&repeat.name)?, path_part(&repeat.alert)?);
            let path = format!("webhooks/{name}/deliveries/{alert}");
            Client::new(&repeat.deployment)?.send(&Method::POST, &path, None)?;
            print(format_args!(
                "{alert} is queued for {name}; `homeward webhook deliveries {name}` tells what becomes of it"
            ));
            Ok(ExitStatus::Done)
        }
    }
}

fn set(arguments: &Set) -> Result {
    let content_type = arguments.content_type.map(|of| match of {
        ContentType::Cloudevents => "application/cloudevents+json",
        ContentType::Json => "application/json",
    });
    let path = format!("webhooks/{}", path_part(&arguments.name)?);
    let mut body = json!({ "url": arguments.url, "rotate": arguments.rotate });
    if let Some(content_type) = content_type {
        body["content_type"] = json!(content_type);
    }
    let client = Client::new(&arguments.deployment)?;
    let webhook = client.send(&Method::PUT, &path, Some(&body))?;
    let name = &arguments.name;
    let form = ListingForm {
        csv: false,
        json: true,
    };
    print_items(std::slice::from_ref(&webhook), &WEBHOOKS, form)?;
    match webhook.get("secret") {
        Some(_) => print(format_args!(
            "{name} is set; its secret is shown this once. `homeward webhook test` tries it"
        )),
        None => print(format_args!("{name} is set; its keys are as before")),
    }
    Ok(ExitStatus::Done)
}

fn test(arguments: &Test) -> Result {
    let client = Client::new(&arguments.deployment)?;
    let sent = client.send(&Method::POST, "alerts/test", None)?;
    let alert = text_of(&sent, "/alert_id");
    let names: Vec<&str> = match &sent["webhooks"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if names.is_empty() {
        print(format_args!(
            "{alert} is in the feed; the unit has no webhook: `homeward webhook set` makes one"
        ));
        return Ok(ExitStatus::Done);
    }
    let until = Instant::now() + Duration::from_secs(arguments.wait);
    let mut deliveries = Vec::new();
    for name in names {
        deliveries.push(outcome(&client, (name, &alert), until)?);
    }
    print_items(&deliveries, &TESTED, arguments.form)?;
    let is_taken = |delivery: &Value| delivery["state"] == "delivered";
    match deliveries.iter().all(is_taken) {
        true => Ok(ExitStatus::Done),
        false => {
            print(format_args!(
                "not every webhook took {alert}; an attempt that failed is made again at the time above"
            ));
            Ok(ExitStatus::SomeInputRefused)
        }
    }
}

/// What became of an alert at a webhook: as soon as it was tried, or when the time is over. It is looked for in the
/// list, where one that is not queued yet is no error.
fn outcome(client: &Client, (name, alert): (&str, &str), until: Instant) -> Result<Value> {
    let path = format!("webhooks/{name}/deliveries?limit=20");
    loop {
        let mut page = client.get(&path)?;
        let items = page["items"].as_array_mut().map(std::mem::take);
        let mut items = items.unwrap_or_default().into_iter();
        let found = items.find(|it| it["alert_id"] == alert);
        let is_tried = |it: &Value| it["attempts"] != 0 || it["state"] != "pending";
        if found.as_ref().is_some_and(is_tried) || Instant::now() >= until {
            let mut delivery = found.unwrap_or_else(|| json!({ "state": "not queued yet" }));
            delivery["webhook"] = json!(name);
            return Ok(delivery);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
