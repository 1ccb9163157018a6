//! `homeward references`: a unit's reference photos, by the API of a deployment.
#![allow(
    clippy::disallowed_methods,
    reason = "how long the checks of a photo may take"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use client::{Client, Column, DeploymentArguments, ListingForm, NewPhoto, print_items, text_of};
use console::folder::{self, FolderEntry};
use console::image_file;
use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::{Progress, escaped, print};
use photo::{Format, Limits};
use serde_json::{Value, json};

/// Submit and list the photos of missing people
///
/// The system recognises the same photo in advertisements, never a face: a different photo of the person is
/// not found, so submit every photo that there is.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: References,
}

#[derive(Subcommand)]
enum References {
    Add(AddArguments),
    List(ListArguments),
}

/// Submit the photos of a file, a folder or a manifest
///
/// The same photo again in a case is the same reference, so that a command that was cut off can be given again.
#[derive(Args)]
#[command(after_help = ADD_EXAMPLES)]
pub struct AddArguments {
    /// A photo, or a folder that is searched through all levels
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// The case that they belong to
    #[arg(long, value_name = "CASE", required_unless_present = "manifest")]
    case: Option<String>,
    /// On what ground they may be searched for [default: the unit's own]
    #[arg(long, value_name = "TEXT")]
    legal_basis: Option<String>,
    /// When they end, e.g. 2027-06-30T00:00:00Z [default: as the unit's settings say]
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// CSV with the columns path, case_id and, if need be, legal_basis, expires_at: only what it names is submitted
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Wait until each photo was looked at, and tell those that cannot be used
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    form: ListingForm,
}

const ADD_EXAMPLES: &str = "Examples:
  HOMEWARD_TOKEN=hw_... homeward references add photos/ --case 26-0417 --to https://homeward.example --wait
  homeward references add photos/ --manifest cases.csv --to https://homeward.example --token-file unit.token";

/// List references and what became of them
#[derive(Args)]
#[command(after_help = LIST_EXAMPLES)]
pub struct ListArguments {
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// Only those of this case
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
    /// Only those of this status: pending, active, rejected, withdrawn, expired
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    #[command(flatten)]
    form: ListingForm,
}

const LIST_EXAMPLES: &str = "Examples:
  homeward references list --to https://homeward.example --case 26-0417
  homeward references list --to https://homeward.example --status rejected --csv > rejected.csv";

const COLUMNS: [Column; 7] = [
    ("reference", "/reference_id"),
    ("case", "/case_id"),
    ("status", "/status"),
    ("reason", "/reason"),
    ("past ads", "/search/state"),
    ("created", "/created_at"),
    ("expires", "/expires_at"),
];
const ADDED: [Column; 5] = [
    ("photo", "/photo"),
    ("case", "/case_id"),
    ("reference", "/reference_id"),
    ("status", "/status"),
    ("reason", "/reason"),
];

/// How long the checks of one photo may take.
const CHECKED_MAX: Duration = Duration::from_secs(120);
/// Between two looks at a photo that is not checked yet.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Submits or lists.
///
/// # Errors
/// What cannot be read or is refused is the input's fault; a deployment that does not answer is ours.
pub fn run(arguments: &Arguments) -> Result {
    match &arguments.command {
        References::Add(arguments) => add(arguments),
        References::List(arguments) => list(arguments),
    }
}

fn list(arguments: &ListArguments) -> Result {
    let client = Client::new(&arguments.deployment)?;
    let filters = [
        ("case_id", arguments.case.as_deref()),
        ("status", arguments.status.as_deref()),
    ];
    let items = client.all("references", &filters)?;
    print_items(&items, &COLUMNS, arguments.form)?;
    Ok(ExitStatus::Done)
}

/// A photo to be submitted, and what is told about it.
struct ToAdd {
    entry: FolderEntry,
    fields: Vec<(&'static str, String)>,
}

fn add(arguments: &AddArguments) -> Result {
    let photos = to_add(arguments)?;
    let client = Client::new(&arguments.deployment)?;
    let progress = Progress::new("photos", photos.len());
    let (mut added, mut refused) = (Vec::new(), 0);
    for photo in &photos {
        match submitted(&client, photo, arguments.wait) {
            Ok(reference) => {
                refused += usize::from(reference["status"] == "rejected");
                added.push(reference);
            }
            Err(Refused::Photo(why)) => {
                progress.print(format_args!("{}: {why}", escaped(&photo.entry.name)));
                refused += 1;
            }
            Err(Refused::All(failure)) => return Err(failure),
        }
        progress.advance();
    }
    drop(progress);
    print_items(&added, &ADDED, arguments.form)?;
    if refused > 0 {
        print(format_args!(
            "{refused} of {} photos cannot be used",
            photos.len()
        ));
        return Ok(ExitStatus::SomeInputRefused);
    }
    Ok(ExitStatus::Done)
}

fn to_add(arguments: &AddArguments) -> Result<Vec<ToAdd>> {
    let entries = match arguments.path.is_dir() {
        true => folder::files_within(&arguments.path),
        false => vec![folder::single(&arguments.path)],
    };
    let common = [
        ("case_id", &arguments.case),
        ("legal_basis", &arguments.legal_basis),
        ("expires_at", &arguments.expires_at),
    ];
    let common: Vec<_> = common
        .iter()
        .filter_map(|(name, value)| Some((*name, (*value).clone()?)))
        .collect();
    let Some(manifest) = &arguments.manifest else {
        let with_common = |entry| ToAdd {
            entry,
            fields: common.clone(),
        };
        return Ok(entries.into_iter().map(with_common).collect());
    };
    let mut rows = rows_of(manifest)?;
    let mut photos = Vec::new();
    for entry in entries {
        let Some(own) = rows.remove(&entry.name) else {
            continue;
        };
        let is_own = |name| own.iter().any(|(it, _)| *it == name);
        let rest = common.iter().filter(|(name, _)| !is_own(*name)).cloned();
        let fields = rest.chain(own.clone()).collect();
        photos.push(ToAdd { entry, fields });
    }
    match rows.keys().min() {
        None => Ok(photos),
        Some(missing) => Err(Failure::input(
            format_args!(
                "the manifest names {}, which is not there",
                escaped(missing)
            ),
            "paths are relative to PATH, with / between the parts; nothing was submitted",
        )),
    }
}

/// Columns of a manifest that are sent on.
const FIELDS: [&str; 3] = ["case_id", "legal_basis", "expires_at"];

/// What a manifest tells of each path.
fn rows_of(manifest: &Path) -> Result<HashMap<String, Vec<(&'static str, String)>>> {
    let fault = |error: &dyn std::fmt::Display| {
        Failure::input(
            format_args!("the manifest: {error}"),
            "it is CSV in UTF-8 with a first line of columns: path, case_id, legal_basis, expires_at",
        )
    };
    let mut reader = csv::Reader::from_path(manifest).map_err(|error| fault(&error))?;
    let heads = reader.headers().map_err(|error| fault(&error))?.clone();
    let mut rows = HashMap::new();
    for (at, row) in reader.records().enumerate() {
        let line = at + 2; // as a spreadsheet counts
        let row = row.map_err(|error| fault(&error))?;
        let named = || heads.iter().map(str::trim).zip(&row);
        let path = named().find(|(head, _)| *head == "path");
        let (_, path) = path.ok_or_else(|| fault(&"there is no column path"))?;
        let fields: Vec<_> = FIELDS
            .iter()
            .filter_map(|name| {
                let (_, value) = named().find(|(head, value)| head == name && !value.is_empty())?;
                Some((*name, value.to_owned()))
            })
            .collect();
        if rows.insert(path.to_owned(), fields).is_some() {
            return Err(fault(&format_args!("line {line} names a path again")));
        }
    }
    Ok(rows)
}

/// Why a photo was not submitted.
enum Refused {
    /// It cannot be used; the others can.
    Photo(String),
    /// No other one can be submitted either.
    All(Failure),
}

/// The reference as it stands, with the name of its photo.
fn submitted(client: &Client, photo: &ToAdd, waits: bool) -> std::result::Result<Value, Refused> {
    let bytes = bytes_of(&photo.entry).map_err(|reason| Refused::Photo(reason.to_owned()))?;
    let asked = NewPhoto {
        fields: photo.fields.clone(),
        photo: bytes,
    };
    let submitted = client.submit(&asked).map_err(of_photo_or_all)?;
    let id = text_of(&submitted, "/reference_id");
    let mut reference = match waits {
        true => checked(client, &id).map_err(Refused::All)?,
        false => submitted,
    };
    let case = photo.fields.iter().find(|(name, _)| *name == "case_id");
    reference["photo"] = json!(photo.entry.name);
    reference["case_id"] = json!(case.map(|(_, case)| case));
    Ok(reference)
}

/// A refusal of what was sent concerns that photo alone; one of the token, or none at all, all of them.
fn of_photo_or_all(failure: Failure) -> Refused {
    let text = format!("{:#}", failure.cause);
    let is_of_photo = ["(400)", "(409)", "(413)", "(415)", "(422)"]
        .iter()
        .any(|status| text.ends_with(status));
    match is_of_photo {
        true => Refused::Photo(text),
        false => Refused::All(failure),
    }
}

/// The file's bytes, if they begin as a picture does that deployments read.
fn bytes_of(entry: &FolderEntry) -> std::result::Result<Vec<u8>, &'static str> {
    if let Some(reason) = entry.refused {
        return Err(reason);
    }
    let bytes = image_file::read(&entry.path, &Limits::of_references())?;
    let head = bytes.get(..photo::HEAD_BYTES).unwrap_or(&bytes);
    Format::of(head).map_err(|reason| reason.as_str())?;
    Ok(bytes)
}

/// The reference, once it was looked at.
fn checked(client: &Client, id: &str) -> Result<Value> {
    let started = Instant::now();
    loop {
        let reference = client.get(&format!("references/{id}"))?;
        if reference["status"] != "pending" || started.elapsed() > CHECKED_MAX {
            return Ok(reference);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
