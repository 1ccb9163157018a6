//! `homeward demo`: photos in, edited ads in, leads and delivered alerts out.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::demo::run::{Outcomes, run as run_demo};
use crate::demo::{sheet, sources, table};
use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::print;
use lab::edited_ads::{EditedAd, Source, edited_ads};
use laptop::Laptop;

/// See Homeward find photos in edited ads, from upload to delivered alert
///
/// Makes ads from the photos as advertisers do (mirrored, cropped, captioned, in collages), sends
/// photos and ads through the whole system on this machine, receives its signed alerts, and shows
/// what was found and what was not. Nothing leaves this machine. It recognises the same photo
/// again, never a face.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folder of photos; `infra/demo` obtains a few that are free to use
    #[arg(long, value_name = "DIR", default_value = "target/demo-photos")]
    photos: PathBuf,
    /// How many of the photos to use, in order of name
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=50))]
    count: u8,
    /// Folder for the contact sheet and the data; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "homeward-demo")]
    out: PathBuf,
    /// Print the result as JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Afterwards open the inbox with the leads in a browser, to decide about them; Ctrl-C ends it
    #[arg(long)]
    open: bool,
}

const EXAMPLES: &str = "Examples:
  homeward demo --photos my-photos/
  homeward demo --photos my-photos/ --open
  homeward demo --photos my-photos/ --count 20 --json";

/// Runs the demonstration.
///
/// # Errors
/// Photos that cannot be read; anything that fails on the way.
pub fn run(arguments: &Arguments) -> Result {
    laptop::log_to_stderr();
    if !arguments.photos.is_dir() {
        return Err(Failure::input(
            "there is no folder of photos for the demonstration",
            "run infra/demo, which obtains some, or give --photos a folder of your own",
        ));
    }
    let photos = sources(&arguments.photos, usize::from(arguments.count))?;
    print(format_args!(
        "making edited ads from {} photos ...",
        photos.len()
    ));
    let ads = edited_ads(&photos, 1).map_err(Failure::ours)?;
    std::fs::create_dir_all(&arguments.out)?;
    let data = tempfile::tempdir_in(&arguments.out)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let (outcomes, laptop) = runtime.block_on(run_demo(data.path(), &photos, &ads))?;
    let page = arguments.out.join("contact-sheet.html");
    write_sheet(&page, &photos, &ads, &outcomes)?;
    if arguments.json {
        print_json(&page, &ads, &outcomes)?;
    } else {
        print_table(&page, &ads, &outcomes)?;
    }
    runtime.block_on(ended(laptop, arguments.open))?;
    Ok(if outcomes.agree {
        ExitStatus::Done
    } else {
        ExitStatus::SomeInputRefused
    })
}

/// Stops the system, at once or when the person has seen enough.
async fn ended(laptop: Laptop, opens: bool) -> anyhow::Result<()> {
    if opens {
        // Of the link that was made at the start the ten minutes may be over.
        let link = laptop.sign_in_link().await?;
        print(format_args!(
            "Its leads, to look at and decide: {link} (Ctrl-C ends it)"
        ));
        browse(&link);
        tokio::signal::ctrl_c().await?;
    }
    laptop.stop().await
}

/// Opens a browser where the machine has a way to do so; the link was printed in any case.
fn browse(link: &str) {
    let way = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let quiet = std::process::Stdio::null;
    let mut command = std::process::Command::new(way);
    command.arg(link).stdout(quiet()).stderr(quiet());
    if command.spawn().is_err() {
        print("open it in a browser on this machine");
    }
}

fn write_sheet(
    page: &Path,
    photos: &[Source],
    ads: &[EditedAd],
    outcomes: &Outcomes,
) -> Result<()> {
    let html = sheet::contact_sheet(photos, ads, &outcomes.shown, &outcomes.figures());
    Ok(std::fs::write(page, html.map_err(Failure::ours)?)?)
}

fn print_table(page: &Path, ads: &[EditedAd], outcomes: &Outcomes) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", table::by_edit(ads, &outcomes.shown))?;
    for (name, figure) in outcomes.figures() {
        writeln!(out, "{name}: {figure}")?;
    }
    writeln!(out, "\nEvery match is a lead until a person confirms it.")?;
    writeln!(out, "See for yourself: {}", page.display())
}

fn print_json(page: &Path, ads: &[EditedAd], outcomes: &Outcomes) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let rows: Vec<_> = outcomes
        .shown
        .iter()
        .filter_map(|shown| {
            let lead = shown.lead.as_ref();
            Some(json!({
                "ad": ads.get(shown.ad)?.name, "made_by": ads.get(shown.ad)?.edit, "found": lead.is_some(),
                "method": lead.map(|lead| &lead.method), "distance": lead.map(|lead| lead.distance_bits),
                "edit": lead.map(|lead| &lead.edit), "level": lead.map(|lead| &lead.level),
                "alerted_after_ms": lead.and_then(|lead| lead.alerted_after_ms),
            }))
        })
        .collect();
    let figures: serde_json::Map<_, _> = outcomes
        .figures()
        .into_iter()
        .map(|(name, figure)| (name.to_owned(), figure.into()))
        .collect();
    writeln!(
        out,
        "{}",
        json!({"matches": rows, "figures": figures, "contact_sheet": page})
    )
}
