//! What `homeward compare` leaves behind: two CSV files, and a summary.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use matching::Match;
use tempfile::NamedTempFile;

use super::explain::Explain;
use console::folder;
use console::image_file::ReasonCode;
use console::outcome::{Failure, Result};
use console::terminal::{escaped, print};

/// A pair that matches.
pub(super) struct MatchRow {
    pub(super) reference: String,
    pub(super) ad: String,
    pub(super) found: Match,
}

/// A file that gave no fingerprint.
pub(super) struct Unreadable {
    pub(super) path: String,
    pub(super) reason: ReasonCode,
}

/// What was done.
pub(super) struct Summary {
    pub(super) references: usize,
    pub(super) ads: usize,
    pub(super) matches: usize,
    pub(super) unreadable: usize,
    pub(super) took: Duration,
}

/// The two files that we write.
pub(super) struct Files {
    out: PathBuf,
    errors: PathBuf,
    parent: PathBuf,
}

impl Files {
    /// The files that `--out` asks for; checked before hours of work, written after.
    pub(super) fn for_out(out: &Path) -> Result<Self> {
        let shown = escaped(&folder::text(out.as_os_str()));
        let parent = match out.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => out,
        };
        if out.is_dir() || !parent.is_dir() {
            return Err(Failure::usage(
                format_args!("{shown} cannot be written: its folder does not exist, or it is one"),
                "give --out a file in a folder that exists, such as matches.csv",
            ));
        }
        Ok(Self {
            out: out.to_owned(),
            errors: errors_path_of(out),
            parent: parent.to_owned(),
        })
    }

    /// Whether `path` is one of the two, left there by an earlier run.
    pub(super) fn is_ours(&self, path: &Path) -> bool {
        [&self.out, &self.errors].into_iter().any(|ours| {
            ours.file_name() == path.file_name()
                && ours
                    .canonicalize()
                    .is_ok_and(|ours| path.canonicalize().is_ok_and(|p| p == ours))
        })
    }

    /// Writes both; each appears whole or not at all, the matches last.
    pub(super) fn write(&self, rows: &[MatchRow], unreadable: &[Unreadable]) -> Result<()> {
        let errors = unreadable
            .iter()
            .map(|file| [file.path.clone(), file.reason.to_owned()]);
        self.replace(&self.errors, csv(&["path", "reason"], errors))?;
        let head = ["reference", "ad", "level", "method", "distance", "edit"];
        self.replace(&self.out, csv(&head, rows.iter().map(MatchRow::fields)))
    }

    fn replace(&self, path: &Path, content: csv::Result<Vec<u8>>) -> Result<()> {
        let content = content.map_err(Failure::ours)?;
        let written = temporary_in(&self.parent).and_then(|mut file| {
            file.write_all(&content)?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)
        });
        let shown = escaped(&folder::text(path.as_os_str()));
        written.map(|_| ()).map_err(|error| {
            Failure::ours(anyhow::Error::from(error).context(format!("{shown} was not written")))
                .hint("check the free space and your rights there, or give --out another place")
        })
    }
}

impl MatchRow {
    fn fields(&self) -> [String; 6] {
        let found = &self.found;
        [
            self.reference.clone(),
            self.ad.clone(),
            found.level.to_string(),
            found.method.to_string(),
            found.distance_bits.to_string(),
            found.edit.to_string(),
        ]
    }
}

/// Says what was done; as JSON on stdout where a program asked.
pub(super) fn print_report(
    summary: &Summary,
    files: &Files,
    explain: Option<&Explain>,
    json: bool,
) -> Result<()> {
    let Summary {
        references,
        ads,
        matches,
        unreadable,
        took,
    } = summary;
    let seconds = took.as_secs_f64();
    let [out, errors] = [&files.out, &files.errors].map(|path| folder::text(path.as_os_str()));
    print(format_args!(
        "{references} references, {ads} ads: {matches} matches in {} ({seconds:.1} s)",
        escaped(&out)
    ));
    if *unreadable > 0 {
        print(format_args!(
            "{unreadable} files could not be read, see {}",
            escaped(&errors)
        ));
    }
    let pictures = explain.map(|explain| folder::text(explain.folder().as_os_str()));
    if let Some(folder) = &pictures {
        print(format_args!(
            "a picture of each match is in {}",
            escaped(folder)
        ));
    }
    if json {
        let line = serde_json::json!({
            "references": references, "ads": ads, "matches": matches, "unreadable": unreadable,
            "seconds": seconds, "out": out, "errors": errors, "explained": pictures,
        });
        writeln!(io::stdout().lock(), "{line}")?;
    }
    Ok(())
}

/// `matches.csv` has `matches.errors.csv`.
fn errors_path_of(out: &Path) -> PathBuf {
    let is_csv = out
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let stem = if is_csv {
        out.file_stem()
    } else {
        out.file_name()
    };
    let mut name = stem.unwrap_or_default().to_owned();
    name.push(".errors.csv");
    out.with_file_name(name)
}

fn csv<const N: usize>(
    head: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head)?;
    rows.into_iter()
        .try_for_each(|row| writer.write_record(row))?;
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // As any new file: by default a temporary file is for its owner alone.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.prefix(".homeward-").tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_errors_file_is_next_to_the_matches() {
        let check = |out: &str, errors: &str| {
            assert_eq!(errors_path_of(Path::new(out)), Path::new(errors));
        };
        check("matches.csv", "matches.errors.csv");
        check("out/a.b.CSV", "out/a.b.errors.csv");
        check("matches", "matches.errors.csv");
        check("matches.v2", "matches.v2.errors.csv");
    }
}
