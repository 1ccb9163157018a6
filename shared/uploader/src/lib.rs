//! A folder of pictures to a deployment, as an uploader does it: plans, sends, notes what was acknowledged,
//! waits. `homeward upload`, and `homeward-upload` for those who need no more. Links no server and no AWS SDK.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "attempts at a server have deadlines and draw their waits; a token may come by the environment"
)]

mod journal;
mod kind;
mod metadata;
mod plan;
mod report;
mod selection;
mod send;
mod server;
mod upload_object;
mod wait;
mod watch;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use console::folder;
use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::{escaped, print};

use jiff::tz::TimeZone;
use journal::Journal;
use metadata::{DateOrder, Metadata, Reading, TimeRules};
use plan::UploadPlan;
use report::Summary;
use selection::Selection;
use server::Server;
use upload_object::UploadMode;
use watch::Watched;

/// Upload a folder of ad pictures
///
/// Every picture below the folder is sent, told by its first bytes and not by its name; archives (.tar,
/// .zip) are sent as bundles. Nothing else leaves this machine: what is no picture, and links that lead
/// out of the folder, are named and not sent; what systems leave in folders (.DS_Store, Thumbs.db,
/// ._*, desktop.ini) is named and no fault. What was acknowledged is noted in a state file, so that the
/// same command goes on where it was cut off, and later sends only what is new. The token of an
/// uploader is read from HOMEWARD_TOKEN or a file.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folder of pictures, searched through all levels
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Address of the deployment's API
    #[arg(long, value_name = "URL")]
    to: String,
    /// File that holds the token; without it HOMEWARD_TOKEN does
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// What is known about the pictures: .csv, .tsv or .jsonl with path, source_url, ad_id, seen_at, place, or
    /// what scrapers call them; other columns are not used
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    /// Which columns of the metadata mean what, where their names do not say it, e.g. path=Bild,place=Ort
    #[arg(long, value_name = "FIELD=COLUMN,..", requires = "metadata")]
    map: Option<String>,
    /// Zone of the metadata's times that name none, e.g. Europe/Lisbon
    #[arg(long, value_name = "ZONE", requires = "metadata")]
    time_zone: Option<String>,
    /// Which comes first in the metadata's dates such as 3/4/2026, where no row tells
    #[arg(long, value_name = "ORDER", requires = "metadata")]
    dates: Option<DateOrder>,
    /// How the metadata is encoded, unless it is UTF-8 or begins with a byte order mark, e.g. windows-1252
    #[arg(long, value_name = "NAME", requires = "metadata")]
    encoding: Option<String>,
    /// Send only files like this, e.g. '*.jpg' or site-a; may be given more than once. A pattern without / is of names
    /// at any level, one with / of paths below DIR; what lies in a folder that it names is meant too, and the case of
    /// letters does not matter
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// Do not send files like this, e.g. thumbs; counts before --include
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// What the objects' keys start with, behind the tenant's own prefix, e.g. 2026/11/
    #[arg(long, value_name = "TEXT", default_value = "")]
    prefix: String,
    /// Objects sent at the same time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// Pack pictures into bundles of up to N: many small files travel faster in few objects
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1000",
        value_parser = clap::value_parser!(u32).range(2..=5_000), conflicts_with = "hashes_only")]
    bundle: Option<u32>,
    /// Send fingerprints that are made here, and no picture; who reviews a lead then sees none
    #[arg(long)]
    hashes_only: bool,
    /// State file [default: DIR.homeward-upload.jsonl, next to the folder]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Wait until every upload is recorded or rejected, and name those that were rejected
    #[arg(long)]
    wait: bool,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Go on after that: look every N seconds for files that are new, until it is interrupted [default: 30]. A row of
    /// the metadata has to be there before its picture; *.part, *.tmp and the like are left until they are renamed
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "30",
        value_parser = clap::value_parser!(u32).range(1..=86_400), conflicts_with = "dry_run")]
    watch: Option<u32>,
    /// Try again for this long while the deployment does not answer
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    patience: u64,
    /// Print the summary as one JSON line on stdout
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Paths in the metadata file are relative to DIR, with / between the parts.
Exit codes: 0 all was sent (and, with --wait, recorded), 1 some files were refused of which no earlier
run told, 2 usage, 3 our fault. The state file remembers what was told, so a nightly run ends with 1 only
when something new is wrong; --json lists all of it, each with \"new\".

Examples:
  HOMEWARD_TOKEN=hw_... homeward upload scraped/ --to https://homeward.example
  homeward upload scraped/ --to https://homeward.example --token-file token --metadata ads.csv --wait
  homeward upload scraped/ --to https://homeward.example --metadata ads.csv --map path=Bild --time-zone Europe/Kyiv
  homeward upload scraped/ --to https://homeward.example --bundle 1000 --jobs 4
  homeward upload scraped/ --to https://homeward.example --hashes-only
  homeward upload scraped/ --to https://homeward.example --include '*.jpg' --exclude thumbs --watch 60
  homeward upload scraped/ --to https://homeward.example --dry-run --json";

/// Plans, sends, waits, reports.
///
/// # Errors
/// A folder, file, token or address that cannot be used is the input's or the command line's fault;
/// a deployment that does not answer is ours.
pub fn run(arguments: &Arguments) -> Result {
    let state = journal::place(&arguments.folder, arguments.state.as_deref());
    let selection = Selection::new(&arguments.include, &arguments.exclude)?;
    let mut journal = Journal::open(&state, &arguments.to, arguments.dry_run)?;
    if arguments.dry_run {
        return dry_run(arguments, &selection, &mut journal);
    }
    let patience = Duration::from_secs(arguments.patience);
    let token = client::token(arguments.token_file.as_deref())?;
    let server = Server::new(&arguments.to, token, patience)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut uploader = Uploader {
        arguments,
        selection,
        journal,
        server,
        runtime,
    };
    match arguments.watch {
        None => uploader.round(None),
        Some(seconds) => watch::run(&mut uploader, Duration::from_secs(seconds.into())),
    }
}

/// Says what would be sent.
fn dry_run(arguments: &Arguments, selection: &Selection, journal: &mut Journal) -> Result {
    let started = Instant::now();
    let metadata = metadata(arguments)?;
    let plan = plan(arguments, selection, &metadata, None)?;
    let mut summary = Summary::of(&plan, Some(&metadata));
    let rest = plan.rest(journal);
    summary.already_sent = plan.files.len() - rest.len();
    print(format_args!("{} files would be sent", rest.len()));
    summary.would_send = Some(rest.len());
    summary.settle(journal)?;
    summary.print(arguments.json, started.elapsed())
}

/// All that one run or many rounds of it need.
struct Uploader<'a> {
    arguments: &'a Arguments,
    selection: Selection,
    journal: Journal,
    server: Server,
    runtime: tokio::runtime::Runtime,
}

impl Uploader<'_> {
    fn has_folder(&self) -> bool {
        self.arguments.folder.is_dir()
    }

    /// Plans, sends, waits and reports once. Of a folder that is watched, what was looked at is passed over, and
    /// noted there as soon as it is settled; a round that finds nothing says nothing.
    fn round(&mut self, mut watched: Option<&mut Watched>) -> Result {
        let (started, arguments) = (Instant::now(), self.arguments);
        let metadata = metadata(arguments)?;
        let plan = plan(
            arguments,
            &self.selection,
            &metadata,
            watched.as_deref_mut(),
        )?;
        if watched.is_some() && plan.is_empty() {
            return Ok(ExitStatus::Done);
        }
        let is_whole = watched.as_ref().is_none_or(|watched| watched.is_first());
        let mut summary = Summary::of(&plan, is_whole.then_some(&metadata));
        let rest = plan.rest(&self.journal);
        summary.already_sent = plan.files.len() - rest.len();
        let jobs = usize::from(arguments.jobs);
        let Self {
            journal, server, ..
        } = self;
        self.runtime.block_on(async {
            let packing = packing(arguments);
            send::all(server, journal, rest, packing, jobs, &mut summary).await?;
            if arguments.wait && !plan.files.is_empty() {
                summary.waited = Some(wait::until_settled(server, &plan, journal).await?);
            }
            Ok::<_, Failure>(())
        })?;
        summary.settle(journal)?;
        if let Some(watched) = watched {
            watched.settle(&plan, journal, &summary);
        }
        summary.print(arguments.json, started.elapsed())
    }
}

fn metadata(arguments: &Arguments) -> Result<Metadata> {
    match &arguments.metadata {
        Some(file) => Metadata::read(file, &reading(arguments)?),
        None => Ok(Metadata::default()),
    }
}

/// What the folder holds, without the files of this command.
fn plan(
    arguments: &Arguments,
    selection: &Selection,
    metadata: &Metadata,
    watched: Option<&mut Watched>,
) -> Result<UploadPlan> {
    let state = journal::place(&arguments.folder, arguments.state.as_deref());
    let ours = [Some(state.as_path()), arguments.metadata.as_deref()];
    let (is_watched, mut is_first) = (watched.is_some(), true);
    let mut entries = plan::entries(&arguments.folder, &ours)?;
    if let Some(watched) = watched {
        entries = watched.news(entries);
        is_first = watched.is_first();
    }
    if is_first {
        for pattern in selection.unused(&entries) {
            print(format_args!("{}: no file is like this", escaped(&pattern)));
        }
    }
    let (entries, left_out) = selection.split(entries);
    if entries.is_empty() && !is_watched {
        return Err(nothing(arguments, left_out.len()));
    }
    let mut plan = plan::make(&entries, &arguments.prefix, metadata, packing(arguments));
    plan.not_selected = left_out.len();
    let left_out = left_out.into_iter().map(|entry| (entry.path, None));
    plan.others.extend(left_out);
    Ok(plan)
}

/// Why a folder with so many files has nothing to be sent.
fn nothing(arguments: &Arguments, files: usize) -> Failure {
    let shown = escaped(&folder::text(arguments.folder.as_os_str()));
    match files {
        0 => Failure::input(
            format_args!("the folder {shown} is empty"),
            "put pictures there, or give another folder",
        ),
        _ => Failure::input(
            format_args!("none of the {files} files is selected"),
            "mend --include and --exclude: a pattern with / is of paths below the folder",
        ),
    }
}

/// How the metadata is read.
fn reading(arguments: &Arguments) -> Result<Reading> {
    let map = arguments.map.as_deref().map(metadata::mapping);
    let map = map.transpose().map_err(|fault| {
        Failure::usage(
            format_args!("--map: {fault}"),
            "separate several by commas, e.g. path=Bild,place=Ort",
        )
    })?;
    let zone = arguments
        .time_zone
        .as_deref()
        .map(TimeZone::get)
        .transpose();
    let zone = zone.map_err(|_| {
        let shown = console::terminal::escaped(arguments.time_zone.as_deref().unwrap_or_default());
        Failure::usage(
            format_args!("--time-zone {shown} is no zone"),
            "name one as in Europe/Lisbon or America/Bogota; UTC is one too",
        )
    })?;
    Ok(Reading {
        map: map.unwrap_or_default(),
        encoding: arguments.encoding.clone(),
        times: TimeRules {
            zone,
            order: arguments.dates,
        },
    })
}

fn packing(arguments: &Arguments) -> UploadMode {
    match arguments.bundle {
        _ if arguments.hashes_only => UploadMode::Hashes,
        Some(files_max) => UploadMode::Bundles {
            files_max: usize::try_from(files_max).unwrap_or(usize::MAX),
        },
        None => UploadMode::Singly,
    }
}
