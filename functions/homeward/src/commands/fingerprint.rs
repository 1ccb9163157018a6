//! `homeward fingerprint`: the exchange hash of pictures, one JSON line each.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use photo::Limits;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use console::folder::{self, FolderEntry};
use console::image_file::{self, ExchangeHash, ReasonCode};
use console::outcome::{ExitStatus, Failure, Result};
use console::parallel;
use console::terminal::Progress;

/// Print the PDQ hash of pictures, one JSON line each
///
/// The hash is for exchange with other systems: PDQ of the picture as it is stored, at full size
/// and in full colour, without turning it as its EXIF data asks, just as the reference
/// implementation computes it. Matching uses the same hash of the upright picture, and more.
///
/// Formats: JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF, JPEG XL, JPEG 2000, told by content and not by name.
#[derive(Args)]
#[command(
    after_help = "Each line has path, sha256, width, height, pdq (64 hex digits) and quality \
    (0 to 100; below 50 the picture\nhas too little structure to be matched), or path and error \
    for a file that cannot be read.\nA hurt file is read as far as it goes, and has partial.\n
Exit codes: 0 all were read, 1 some were not.

Examples:
  homeward fingerprint photo.jpg
  homeward fingerprint photos/ more/*.png > fingerprints.jsonl
  homeward fingerprint photos/ | jq -r 'select(.error) | .path'"
)]
pub struct Arguments {
    /// Pictures, or folders of them (searched through all levels, in order of name)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

struct Read {
    sha256: [u8; 32],
    exchange: ExchangeHash,
}

/// Prints a line for each picture, in the order of the arguments.
///
/// # Errors
/// The input's fault if there is no file at all, ours if stdout cannot be written.
pub fn run(arguments: &Arguments) -> Result {
    let entries: Vec<FolderEntry> = arguments
        .paths
        .iter()
        .flat_map(|path| entries(path))
        .collect();
    if entries.is_empty() {
        return Err(Failure::input(
            "no file there",
            "give pictures, or folders that hold some",
        ));
    }
    let progress = Progress::new("pictures", entries.len());
    let limits = Limits::of_references();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut outcome = ExitStatus::Done;
    let work = |entry: &FolderEntry| {
        let read = read(entry, &limits);
        progress.advance();
        read
    };
    parallel::in_order(&entries, work, |number, read| {
        if read.is_err() {
            outcome = ExitStatus::SomeInputRefused;
        }
        writeln!(out, "{}", line(&entries[number].name, read))
    })?;
    out.flush()?;
    Ok(outcome)
}

/// The files at `path`, named as the person would name them.
fn entries(path: &Path) -> Vec<FolderEntry> {
    if !path.is_dir() {
        return vec![folder::single(path)];
    }
    let named = |entry: FolderEntry| FolderEntry {
        name: folder::text(entry.path.as_os_str()),
        ..entry
    };
    folder::files(path).into_iter().map(named).collect()
}

fn read(entry: &FolderEntry, limits: &Limits) -> std::result::Result<Read, ReasonCode> {
    if let Some(reason) = entry.refused {
        return Err(reason);
    }
    let bytes = image_file::read(&entry.path, limits)?;
    let exchange = image_file::exchange(&bytes, limits).map_err(|reason| reason.as_str())?;
    Ok(Read {
        sha256: Sha256::digest(&bytes).into(),
        exchange,
    })
}

fn line(path: &str, read: std::result::Result<Read, ReasonCode>) -> String {
    match read {
        Ok(Read { sha256, exchange }) => {
            let mut members = vec![
                ("path", json!(path)),
                ("sha256", json!(hex::encode(sha256))),
                ("width", json!(exchange.width_px)),
                ("height", json!(exchange.height_px)),
                ("pdq", json!(hex::encode(exchange.pdq.0))),
                ("quality", json!(exchange.quality)),
            ];
            if exchange.is_partial {
                members.push(("partial", json!(true)));
            }
            object(&members)
        }
        Err(reason) => object(&[("path", json!(path)), ("error", json!(reason))]),
    }
}

/// A JSON object with its members in this order, which people read.
fn object(members: &[(&str, Value)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}
