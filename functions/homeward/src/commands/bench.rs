//! `homeward bench`: how well matching does on photos of one's own.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use console::folder;
use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::{escaped, print};
use lab::recall::report::{self, About};
use lab::recall::same_person::SamePerson;
use lab::recall::{self, RecallSettings};

/// Measure how well matching does on photos of your own
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Recall(Recall),
}

/// How many edited copies are found, and how many pairs are found falsely
///
/// Takes photos of a folder as references, edits copies of them in 40 ways, searches them all with
/// the code and rules of the cloud, and writes a Markdown report with a plot. Nothing else is
/// written, nothing leaves the machine.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 measured, 1 no photo could be read, 2 usage, 3 our fault.

Examples:
  homeward bench recall --photos my-photos/ --report recall.md
  homeward bench recall --photos my-photos/ --report recall.md --hold 2/3 --lookalikes others/
  homeward bench recall --photos my-photos/ --report recall.md --transforms my_edits.py
  homeward bench recall --photos my-photos/ --report recall.md --pages 20"
)]
struct Recall {
    /// Folder of photos, the more the better
    #[arg(long, value_name = "DIR")]
    photos: PathBuf,
    /// Where the report is written; its plot is written next to it as FILE.svg
    #[arg(long, value_name = "FILE.md")]
    report: PathBuf,
    /// Pictures that are no copies of the photos; NAME_1.jpg shows the person of NAME.jpg
    #[arg(long, value_name = "DIR")]
    lookalikes: Option<PathBuf>,
    /// Only every N-th photo from the I-th on is a reference; the others fill collages (of 0/1, where
    /// there are no others, a tenth of the photos, at most 12)
    #[arg(long, value_name = "I/N", default_value = "0/1", value_parser = hold)]
    hold: (usize, usize),
    /// Makes the copies instead of the 40 built in: called as `python3 FILE.py PHOTOS OUT --fillers
    /// DIR --seed N`, it leaves them in OUT with a truth.csv (ad_file,ref_file,group)
    #[arg(long, value_name = "FILE.py")]
    transforms: Option<PathBuf>,
    /// What the names of portraits have in common, to count them apart
    #[arg(long, value_name = "TEXT", default_value = "face")]
    portraits: String,
    /// Which photos show the same person, to count pairs of them apart: one person a line, names
    /// parted by commas
    #[arg(long, value_name = "FILE")]
    same_person: Option<PathBuf>,
    /// Also draw pages (posters, frames of sites, documents, chats, feeds, certificates) of so many
    /// templates a kind with the photos on them, and compare those of a template with each other
    #[arg(long, value_name = "N", default_value_t = 0)]
    pages: u32,
    /// Another seed makes other copies
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// `I/N` with I below N.
fn hold(text: &str) -> std::result::Result<(usize, usize), String> {
    let parts = text.split_once('/');
    let numbers = parts.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    let valid = numbers.filter(|(first, step)| first < step);
    valid.ok_or_else(|| "it is not I/N with I below N, such as 2/3".to_owned())
}

/// Measures and writes.
///
/// # Errors
/// A folder without a readable photo is the input's fault; a file that cannot be written, ours.
pub fn run(arguments: &Arguments) -> Result {
    let What::Recall(recall) = &arguments.what;
    for folder in [Some(&recall.photos), recall.lookalikes.as_ref()]
        .into_iter()
        .flatten()
    {
        if !folder.is_dir() {
            let shown = escaped(&folder::text(folder.as_os_str()));
            let hint = "give --photos (and --lookalikes) a folder that exists";
            return Err(Failure::input(format_args!("no folder at {shown}"), hint));
        }
    }
    let plan = RecallSettings {
        photos: recall.photos.clone(),
        hold: recall.hold,
        lookalikes: recall.lookalikes.clone(),
        transforms: recall.transforms.clone(),
        portraits: recall.portraits.clone(),
        persons: persons(recall.same_person.as_deref())?,
        templates: recall.pages,
        seed: recall.seed,
    };
    let tally = recall::measure(&plan)?;
    let plot = recall.report.with_extension("svg");
    let name = |path: &Path| folder::text(path.file_name().unwrap_or(path.as_os_str()));
    let edits = recall.transforms.as_deref();
    let about = About {
        date: &jiff::Zoned::now().date().to_string(),
        data: &name(&recall.photos),
        hold: recall.hold,
        edits: &edits.map_or_else(
            || "homeward itself".to_owned(),
            |file| format!("`{}`", name(file)),
        ),
        seed: recall.seed,
        plot: &name(&plot),
    };
    fs::write(&plot, report::plot(&tally))?;
    fs::write(&recall.report, report::markdown(&tally, &about))?;
    print_summary(&tally, &recall.report);
    Ok(ExitStatus::Done)
}

fn persons(list: Option<&Path>) -> Result<SamePerson> {
    let Some(list) = list else {
        return Ok(SamePerson::default());
    };
    let hint = "give --same-person a text: one person a line, names of photos parted by commas";
    let shown = escaped(&folder::text(list.as_os_str()));
    let text = fs::read_to_string(list)
        .map_err(|error| Failure::input(format_args!("{shown}: {error}"), hint))?;
    SamePerson::parse(&text).map_err(|fault| {
        Failure::input(
            format_args!("{shown}: {}", escaped(&fault.to_string())),
            hint,
        )
    })
}

fn print_summary(tally: &recall::tally::Tally, report: &Path) {
    let all = tally.all();
    let alerts: u64 = tally.falsely.values().map(|falsely| falsely.at_alert).sum();
    print(format_args!(
        "{} of {} copies found at alert level, {alerts} alerts on pairs that are no copies; \
         the report is in {}",
        all.at_alert,
        all.all,
        escaped(&folder::text(report.as_os_str()))
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_photos_is_named_by_two_numbers() {
        assert_eq!(hold("2/3"), Ok((2, 3)));
        for wrong in ["3/3", "1", "a/b", "1/0", "-1/2", ""] {
            assert!(hold(wrong).is_err(), "{wrong}");
        }
    }
}
