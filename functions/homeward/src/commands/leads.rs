//! `homeward leads`, `judge` and `withdraw`: what a unit does with leads, by the API of a deployment.

use clap::{Args, ValueEnum};
use client::{Client, Column, DeploymentArguments, ListingForm, print_items, text_of};
use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::print;
use reqwest::Method;
use serde_json::json;

/// List the leads of a unit, newest first
///
/// A lead is a photo that was found in an advertisement. It is not a fact until a person confirms it.
#[derive(Args)]
#[command(after_help = LEADS_EXAMPLES)]
pub struct LeadsArguments {
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// Only those of this status: open, confirmed, dismissed, unsure, withdrawn
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only those of this level: alert, review
    #[arg(long, value_name = "LEVEL")]
    level: Option<String>,
    /// Only those of this case
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
    #[command(flatten)]
    form: ListingForm,
}

const LEADS_EXAMPLES: &str = "Examples:
  HOMEWARD_TOKEN=hw_... homeward leads --to https://homeward.example --status open
  homeward leads --to https://homeward.example --token-file unit.token --csv > leads.csv";

const COLUMNS: [Column; 9] = [
    ("lead", "/lead_id"),
    ("case", "/case_id"),
    ("level", "/level"),
    ("status", "/status"),
    ("edit", "/edit"),
    ("distance", "/distance"),
    ("sightings", "/sightings_total"),
    ("source", "/sightings/0/source_url"),
    ("created", "/created_at"),
];

/// Lists them.
///
/// # Errors
/// What the deployment refuses is the input's fault; one that does not answer is ours.
pub fn list(arguments: &LeadsArguments) -> Result {
    let client = Client::new(&arguments.deployment)?;
    let filters = [
        ("status", arguments.status.as_deref()),
        ("level", arguments.level.as_deref()),
        ("case_id", arguments.case.as_deref()),
    ];
    let items = client.all("leads", &filters)?;
    print_items(&items, &COLUMNS, arguments.form)?;
    Ok(ExitStatus::Done)
}

/// Give a verdict on a lead
#[derive(Args)]
#[command(after_help = JUDGE_EXAMPLES)]
pub struct JudgeArguments {
    /// The lead's id
    #[arg(value_name = "LEAD")]
    lead: String,
    /// What a person says who looked at both pictures
    verdict: Verdict,
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// One line about it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Why it is another photo, e.g. same_person_other_photo
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Who decided
    #[arg(long, value_name = "NAME")]
    decided_by: Option<String>,
}

/// What a person decides.
#[derive(Clone, Copy, ValueEnum)]
enum Verdict {
    /// It is the photo
    Confirmed,
    /// It is another photo
    Dismissed,
    /// It cannot be told
    Unsure,
}

const JUDGE_EXAMPLES: &str = "Examples:
  homeward judge 5f1c... confirmed --decided-by \"R. Amari\" --to https://homeward.example
  homeward judge 5f1c... dismissed --reason same_person_other_photo --to https://homeward.example";

/// Judges.
///
/// # Errors
/// As [`list`].
pub fn judge(arguments: &JudgeArguments) -> Result {
    let client = Client::new(&arguments.deployment)?;
    let verdict = match arguments.verdict {
        Verdict::Confirmed => "confirmed",
        Verdict::Dismissed => "dismissed",
        Verdict::Unsure => "unsure",
    };
    let body = json!({"verdict": verdict, "note": arguments.note, "reason": arguments.reason,
        "decided_by": arguments.decided_by});
    let path = format!("leads/{}/verdict", path_part(&arguments.lead)?);
    let lead = client.send(&Method::POST, &path, Some(&body))?;
    print(format_args!("the lead is {}", text_of(&lead, "/status")));
    Ok(ExitStatus::Done)
}

/// Withdraw references: nothing is sent about them any more
///
/// Answers once no alert about them is under way. What was withdrawn can be submitted again.
#[derive(Args)]
#[command(after_help = WITHDRAW_EXAMPLES)]
pub struct WithdrawArguments {
    /// Ids of references
    #[arg(value_name = "REFERENCE", required_unless_present = "case")]
    references: Vec<String>,
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// All references of this case
    #[arg(long, value_name = "CASE", conflicts_with = "references")]
    case: Option<String>,
}

const WITHDRAW_EXAMPLES: &str = "Examples:
  homeward withdraw --case 26-0417 --to https://homeward.example
  homeward withdraw 9b2f... --to https://homeward.example --token-file unit.token";

/// Withdraws.
///
/// # Errors
/// As [`list`]; a case that has no reference to withdraw.
pub fn withdraw(arguments: &WithdrawArguments) -> Result {
    let client = Client::new(&arguments.deployment)?;
    let ids = match &arguments.case {
        None => arguments.references.clone(),
        Some(case) => standing(&client, case)?,
    };
    for id in &ids {
        let path = format!("references/{}", path_part(id)?);
        client.send(&Method::DELETE, &path, None)?;
        print(format_args!("{id} is withdrawn"));
    }
    Ok(ExitStatus::Done)
}

/// References of a case that have not ended.
fn standing(client: &Client, case: &str) -> Result<Vec<String>> {
    let items = client.all("references", &[("case_id", Some(case))])?;
    let standing = items.iter().filter(|it| it["ended_at"].is_null());
    let ids: Vec<_> = standing.map(|it| text_of(it, "/reference_id")).collect();
    match ids.is_empty() {
        false => Ok(ids),
        true => Err(Failure::input(
            "the case has no reference that stands",
            "`homeward references list` shows those that there are",
        )),
    }
}

/// An id as part of a path: what is none would name another path.
///
/// # Errors
/// The input's fault.
pub(crate) fn path_part(id: &str) -> Result<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match !id.is_empty() && id.chars().all(is_plain) {
        true => Ok(id),
        false => Err(Failure::input(
            "that is no id",
            "ids are letters, digits, - and _, as the lists print them",
        )),
    }
}
