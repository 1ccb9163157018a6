//! What a folder holds: every file with its content's hash, before anything is sent.

use std::convert::Infallible;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use photo::Reason;
use records::{AdKey, AdMetadata, MemberName};
use sha2::{Digest, Sha256};

use super::journal::{Journal, Taken};
use super::kind::{FileKind, HEAD_BYTES, is_litter};
use super::metadata::Metadata;
use super::upload_object::UploadMode;
use console::folder::{self, FolderEntry};
use console::image_file::{ReasonCode, io_reason};
use console::outcome::{Failure, Result};
use console::parallel;
use console::terminal::{Progress, escaped};

/// One file to be sent.
#[derive(Clone)]
pub struct Planned {
    /// Where it is.
    pub entry: FolderEntry,
    /// What it is noted as once it is sent.
    pub taken: Taken,
    /// What it is sent as.
    pub kind: FileKind,
    /// What is known about it.
    pub metadata: AdMetadata,
}

/// A file that is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedFile {
    /// Its path below the folder.
    pub path: String,
    /// Why.
    pub reason: ReasonCode,
}

/// Everything below the folder.
pub struct UploadPlan {
    /// Files that can be sent.
    pub files: Vec<Planned>,
    /// Files that cannot.
    pub refused: Vec<RefusedFile>,
    /// What systems leave in folders, by its path: not sent, and no error.
    pub litter: Vec<String>,
    /// Where all lies that is not sent, with the reason unless it is not selected.
    pub others: Vec<(PathBuf, Option<ReasonCode>)>,
    /// Files that `--include` and `--exclude` leave out.
    pub not_selected: usize,
}

impl UploadPlan {
    /// What a deployment does not have yet.
    pub fn rest(&self, journal: &Journal) -> Vec<Planned> {
        let missing = |file: &&Planned| !journal.has(&file.taken);
        self.files.iter().filter(missing).cloned().collect()
    }

    /// Whether it names nothing at all.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.refused.is_empty() && self.litter.is_empty()
    }
}

/// Reads the files.
pub fn make(
    entries: &[FolderEntry],
    prefix: &str,
    metadata: &Metadata,
    packing: UploadMode,
) -> UploadPlan {
    let progress = Progress::new("files read", entries.len());
    let work = |entry: &FolderEntry| {
        let read = read(entry, prefix, packing);
        progress.advance();
        read
    };
    let (mut files, mut refused, mut litter) = (Vec::new(), Vec::new(), Vec::new());
    let mut others = Vec::new();
    let done = parallel::in_order(entries, work, |place, read| {
        let entry = &entries[place];
        if let Err(reason) = read {
            others.push((entry.path.clone(), Some(reason)));
        }
        match read {
            Ok((taken, kind)) => files.push(Planned {
                entry: entry.clone(),
                taken,
                kind,
                metadata: metadata.of(&entry.name),
            }),
            Err(_) if is_litter(&entry.name) => litter.push(entry.name.clone()),
            Err(reason) => {
                let path = entry.name.clone();
                refused.push(RefusedFile { path, reason });
            }
        }
        Ok::<(), Infallible>(())
    });
    let Ok(()) = done;
    UploadPlan {
        files,
        refused,
        litter,
        others,
        not_selected: 0,
    }
}

/// The files of a folder; `ours` are files of this command, which are not sent.
///
/// # Errors
/// A folder that is none.
pub fn entries(folder: &Path, ours: &[Option<&Path>]) -> Result<Vec<FolderEntry>> {
    let shown = escaped(&folder::text(folder.as_os_str()));
    if !folder.is_dir() {
        return Err(Failure::input(
            format_args!("no folder at {shown}"),
            "give a folder that exists",
        ));
    }
    let ours: Vec<_> = ours
        .iter()
        .flatten()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let mut entries = folder::files_within(folder);
    entries.retain(|entry| {
        !entry
            .path
            .canonicalize()
            .is_ok_and(|path| ours.contains(&path))
    });
    Ok(entries)
}

fn read(
    entry: &FolderEntry,
    prefix: &str,
    packing: UploadMode,
) -> std::result::Result<(Taken, FileKind), ReasonCode> {
    if let Some(reason) = entry.refused {
        return Err(reason);
    }
    let name = format!("{prefix}{}", entry.name);
    check_name(&entry.name, &name, packing)?;
    let (sha256, size, kind) = digest(&entry.path)?;
    if packing == UploadMode::Hashes && !matches!(kind, FileKind::Picture(_)) {
        return Err(Reason::NotAnImage.as_str());
    }
    Ok((Taken { name, sha256, size }, kind))
}

/// The longest tenant's prefix, `ads/` and 63 characters and `/`, takes part in a key's length.
const PREFIX_MAX: &str = "ads/123456789012345678901234567890123456789012345678901234567890123/";

/// Names that S3 or a bundle would not keep as they are.
fn check_name(path: &str, name: &str, packing: UploadMode) -> std::result::Result<(), ReasonCode> {
    const UNSUPPORTED: ReasonCode = "unsupported_name";
    let fills_in = name.contains("${"); // S3 replaces `${filename}` in a form's key
    if fills_in || name.chars().any(char::is_control) {
        return Err(UNSUPPORTED);
    }
    AdKey::parse(&format!("{PREFIX_MAX}{name}")).map_err(|_| "name_too_long")?;
    if packing == UploadMode::Singly {
        return Ok(());
    }
    let reserved = path == bundles::METADATA_MEMBER;
    match MemberName::parse(path) {
        Ok(member) if member.as_str() == path && !reserved => Ok(()),
        _ => Err(UNSUPPORTED),
    }
}

/// Content, size and kind of a file, read once and held nowhere.
fn digest(path: &Path) -> std::result::Result<([u8; 32], u64, FileKind), ReasonCode> {
    let metadata = std::fs::metadata(path).map_err(|error| io_reason(&error))?;
    if !metadata.is_file() {
        return Err("not_a_file"); // a pipe or a device may never end
    }
    let mut file = File::open(path).map_err(|error| io_reason(&error))?;
    let mut head = Vec::new();
    let mut start = (&mut file).take(HEAD_BYTES as u64);
    start
        .read_to_end(&mut head)
        .map_err(|error| io_reason(&error))?;
    if head.is_empty() {
        return Err("empty"); // a form takes no empty file
    }
    let kind = FileKind::of(&head).map_err(Reason::as_str)?;
    if metadata.len() > kind.bytes_max() {
        return Err(Reason::TooLarge.as_str());
    }
    let mut hash = Sha256::new_with_prefix(&head);
    let mut rest = file.take(kind.bytes_max());
    let read =
        std::io::copy(&mut rest, &mut Hashing(&mut hash)).map_err(|error| io_reason(&error))?;
    Ok((hash.finalize().into(), head.len() as u64 + read, kind))
}

struct Hashing<'a>(&'a mut Sha256);

impl std::io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_not_be_kept_are_refused_before_sending() {
        let check = |path: &str, packing, expected: Option<ReasonCode>| {
            let name = format!("p/{path}");
            assert_eq!(check_name(path, &name, packing).err(), expected, "{path}");
        };
        let bundles = UploadMode::Bundles { files_max: 10 };
        check("a/b c.jpg", UploadMode::Singly, None);
        check("a\\b.jpg", UploadMode::Singly, None);
        check("a\\b.jpg", bundles, Some("unsupported_name"));
        check("${filename}", UploadMode::Singly, Some("unsupported_name"));
        check("a\nb", UploadMode::Singly, Some("unsupported_name"));
        check("metadata.jsonl", UploadMode::Singly, None);
        check("metadata.jsonl", bundles, Some("unsupported_name"));
        check(&"x".repeat(960), UploadMode::Singly, Some("name_too_long"));
    }
}
