//! `homeward compare`: which references two folders of pictures have in common.
#![allow(clippy::disallowed_methods, reason = "it says how long it took")]

mod explain;
mod report;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use matching::{Level, Match, Policy, ReferenceSet};
use photo::{Limits, Reason};

use console::folder::{self, FolderEntry};
use console::image_file::{self, ReasonCode};
use console::outcome::{ExitStatus, Failure, Result};
use console::parallel;
use console::terminal::{Progress, escaped};

use explain::{Ad, Explain};
use report::{MatchRow, Summary, Unreadable};

/// Find the photos of one folder in the pictures of another
///
/// Every picture in the ads folder is compared with every photo in the references folder, with
/// the same code and rules as the cloud. It recognises the same photo again, edited or not; it
/// never recognises a face.
#[derive(Args)]
#[command(
    after_help = "The CSV has the columns reference,ad,level,method,distance,edit: one sorted \
    row for each pair that matches,\npaths relative to the folders. Files that cannot be read are \
    named on stderr and in FILE.errors.csv\n(path,reason); they do not stop the rest.\n
Exit codes: 0 compared, 1 a folder had nothing to compare, 2 usage, 3 our fault.

Examples:
  homeward compare --references missing/ --ads scraped/ --out matches.csv
  homeward compare --references missing/ --ads scraped/ --out matches.csv --level review --json
  homeward compare --references missing/ --ads scraped/ --out matches.csv --explain pictures/"
)]
pub struct Arguments {
    /// Folder of the photos that are searched for
    #[arg(long, value_name = "DIR")]
    references: PathBuf,
    /// Folder of the pictures to search
    #[arg(long, value_name = "DIR")]
    ads: PathBuf,
    /// Where the matches are written; it changes only when all is compared
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Which matches to write: those good enough for an alert, or also those to be reviewed
    #[arg(long, value_enum, default_value = "alert")]
    level: LevelArgument,
    /// Where to write a picture of each match: both sides, the outline of the photo in the ad, and
    /// places that both show
    #[arg(long, value_name = "DIR")]
    explain: Option<PathBuf>,
    /// Print the summary as one JSON line on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum LevelArgument {
    Alert,
    Review,
}

impl LevelArgument {
    fn admits(self, level: Level) -> bool {
        matches!((self, level), (Self::Review, _) | (_, Level::Alert))
    }
}

/// Compares and writes.
///
/// # Errors
/// A folder without a readable picture is the input's fault; a file that cannot be written, ours.
pub fn run(arguments: &Arguments) -> Result {
    let started = Instant::now();
    let files = report::Files::for_out(&arguments.out)?;
    let explain = arguments
        .explain
        .as_deref()
        .map(|folder| Explain::into(folder, [&arguments.references, &arguments.ads]));
    let explain = explain.transpose()?;
    let references = pictures(&arguments.references, "references", &files)?;
    let ads = pictures(&arguments.ads, "ads", &files)?;
    let mut unreadable = Vec::new();

    let set = enrol(&references, &mut unreadable);
    some_readable(set.len(), &arguments.references)?;
    let search = Search {
        set: &set,
        references: &references,
        level: arguments.level,
        explain: explain.as_ref(),
    };
    let Found {
        mut rows,
        ads_read,
        drawn,
    } = search.through(&ads, &mut unreadable);
    some_readable(ads_read, &arguments.ads)?;

    rows.sort_by(|a, b| (&a.reference, &a.ad).cmp(&(&b.reference, &b.ad)));
    files.write(&rows, &unreadable)?;
    let summary = Summary {
        references: set.len(),
        ads: ads_read,
        matches: rows.len(),
        unreadable: unreadable.len(),
        took: started.elapsed(),
    };
    report::print_report(&summary, &files, explain.as_ref(), arguments.json)?;
    drawn.map_err(|error| {
        Failure::ours(error.context("not every match could be drawn; the matches are written"))
            .hint("check the free space and your rights there, or give --explain another folder")
    })?;
    Ok(ExitStatus::Done)
}

/// The files of a folder, our own output left out.
fn pictures(folder: &Path, role: &str, files: &report::Files) -> Result<Vec<FolderEntry>> {
    let shown = escaped(&folder::text(folder.as_os_str()));
    if !folder.is_dir() {
        return Err(Failure::input(
            format_args!("no folder at {shown}"),
            format!("give --{role} a folder that exists"),
        ));
    }
    let mut entries = folder::files(folder);
    entries.retain(|entry| !files.is_ours(&entry.path));
    if entries.is_empty() {
        return Err(Failure::input(
            format_args!("the folder {shown} is empty"),
            format!("put at least one picture there, or give --{role} another folder"),
        ));
    }
    Ok(entries)
}

fn some_readable(count: usize, folder: &Path) -> Result<()> {
    if count > 0 {
        return Ok(());
    }
    let shown = escaped(&folder::text(folder.as_os_str()));
    Err(Failure::input(
        format_args!("no picture in the folder {shown} can be read"),
        "JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF, JPEG XL and JPEG 2000 are read; each file's reason stands above",
    ))
}

/// The references that can be read, each named by its place in `entries`.
fn enrol(entries: &[FolderEntry], unreadable: &mut Vec<Unreadable>) -> ReferenceSet<usize> {
    let mut set = ReferenceSet::new();
    each_readable(
        ("references", Limits::of_references()),
        entries,
        unreadable,
        |_, bytes, limits| image_file::of_reference(bytes, limits),
        |number, fingerprint| set.insert(number, fingerprint),
    );
    set
}

/// What ads are searched for, and what becomes of matches.
struct Search<'a> {
    set: &'a ReferenceSet<usize>,
    references: &'a [FolderEntry],
    level: LevelArgument,
    explain: Option<&'a Explain>,
}

/// What a search found.
struct Found {
    /// A row for each match at the level.
    rows: Vec<MatchRow>,
    ads_read: usize,
    /// The first failure to draw a match.
    drawn: anyhow::Result<()>,
}

impl Search<'_> {
    /// Searches every ad. No ad's fingerprint is kept.
    fn through(&self, ads: &[FolderEntry], unreadable: &mut Vec<Unreadable>) -> Found {
        let policy = Policy::default();
        let mut all = Found {
            rows: Vec::new(),
            ads_read: 0,
            drawn: Ok(()),
        };
        let find = |entry: &FolderEntry, bytes: &[u8], limits: &Limits| {
            let fingerprint = image_file::of_ad(bytes, limits)?;
            let mut found = self.set.find(&fingerprint, &policy);
            found.retain(|(_, found)| self.level.admits(found.level));
            let ad = Ad {
                entry,
                bytes,
                fingerprint: &fingerprint,
            };
            let drawn = self.draw(&ad, &found);
            Ok((found, drawn))
        };
        let of_ads = ("ads", Limits::default());
        each_readable(of_ads, ads, unreadable, find, |number, (found, drawn)| {
            all.ads_read += 1;
            if all.drawn.is_ok() {
                all.drawn = drawn;
            }
            all.rows
                .extend(found.into_iter().map(|(reference, found)| MatchRow {
                    reference: self.references[reference].name.clone(),
                    ad: ads[number].name.clone(),
                    found,
                }));
        });
        all
    }

    /// Draws every match of an ad, if that is asked for.
    fn draw(&self, ad: &Ad<'_>, found: &[(usize, Match)]) -> anyhow::Result<()> {
        let Some(explain) = self.explain else {
            return Ok(());
        };
        found.iter().try_for_each(|(number, found)| {
            let fingerprint = self.set.get(number).expect("found in this set");
            explain.write((&self.references[*number], fingerprint), ad, found)
        })
    }
}

/// Runs `work` on each picture's bytes, on all cores, and hands what it makes to `take` with the
/// picture's place in `entries`. Pictures that cannot be read are said and noted.
fn each_readable<T: Send>(
    (what, limits): (&'static str, Limits),
    entries: &[FolderEntry],
    unreadable: &mut Vec<Unreadable>,
    work: impl Fn(&FolderEntry, &[u8], &Limits) -> std::result::Result<T, Reason> + Sync,
    mut take: impl FnMut(usize, T),
) {
    let progress = Progress::new(what, entries.len());
    let read = |entry: &FolderEntry| {
        let made = made_of(entry, &limits, &work);
        progress.advance();
        made
    };
    let done = parallel::in_order(entries, read, |number, made| {
        match made {
            Ok(made) => take(number, made),
            Err(reason) => {
                let path = folder::text(entries[number].path.as_os_str());
                progress.print(format_args!("unreadable: {}: {reason}", escaped(&path)));
                unreadable.push(Unreadable { path, reason });
            }
        }
        Ok::<(), Infallible>(())
    });
    let Ok(()) = done;
}

fn made_of<T>(
    entry: &FolderEntry,
    limits: &Limits,
    work: impl Fn(&FolderEntry, &[u8], &Limits) -> std::result::Result<T, Reason>,
) -> std::result::Result<T, ReasonCode> {
    if let Some(reason) = entry.refused {
        return Err(reason);
    }
    let bytes = image_file::read(&entry.path, limits)?;
    work(entry, &bytes, limits).map_err(Reason::as_str)
}
