//! What travels in one object: one file, a bundle of many, or a list of their hashes.

use std::fs::File;
use std::io;

use bundles::Packer;
use photo::Limits;
use rayon::prelude::*;
use records::{AdMetadata, HashRecord, MemberName, hash_list_header};
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::journal::Taken;
use super::kind::FileKind;
use super::plan::{Planned, RefusedFile};
use console::image_file::{self, ReasonCode};

/// Bytes of files in one bundle at most: well within what a deployment takes (400 MiB), and a cut
/// costs no more than this.
const BUNDLE_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Records of one list of hashes: at 24 KB each, it stays below 12 MiB.
const HASHES_MAX: usize = 500;

/// How files are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadMode {
    /// Each for itself.
    Singly,
    /// Many together.
    Bundles {
        /// Files in one bundle at most.
        files_max: usize,
    },
    /// Only what is computed of them.
    Hashes,
}

/// One object to be sent.
pub struct UploadObject {
    /// Its key, below the tenant's prefix.
    pub name: String,
    /// Its media type.
    pub content_type: &'static str,
    /// What is said about it; about a bundle nothing, its members have their own.
    pub metadata: AdMetadata,
    /// Its bytes.
    pub body: Body,
    /// What its acknowledgement acknowledges.
    pub files: Vec<Taken>,
    /// What had to be left out.
    pub refused: Vec<RefusedFile>,
}

/// The bytes of an object.
pub enum Body {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file that goes with the upload object.
    File(NamedTempFile),
}

impl UploadMode {
    /// Files that travel together, in order.
    pub fn groups(self, files: Vec<Planned>) -> Vec<Vec<Planned>> {
        let files_max = match self {
            Self::Singly => 1,
            Self::Bundles { files_max } => files_max,
            Self::Hashes => HASHES_MAX,
        };
        let mut groups: Vec<Vec<Planned>> = Vec::new();
        let mut bytes = u64::MAX;
        for file in files {
            let alone = !matches!(file.kind, FileKind::Picture(_));
            bytes = bytes.saturating_add(file.taken.size);
            match groups.last_mut() {
                Some(group) if !alone && group.len() < files_max && bytes <= BUNDLE_BYTES_MAX => {
                    group.push(file);
                }
                _ => {
                    bytes = if alone { u64::MAX } else { file.taken.size };
                    groups.push(vec![file]);
                }
            }
        }
        groups
    }

    /// Packs one group. Blocks: it reads the files again.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn build(self, group: &[Planned], prefix: &str) -> io::Result<UploadObject> {
        match (self, group) {
            (Self::Hashes, _) => Ok(hashes(group, prefix)),
            (Self::Bundles { .. }, [file]) if !matches!(file.kind, FileKind::Picture(_)) => {
                single(file)
            }
            (Self::Bundles { .. }, _) => bundle(group, prefix),
            (Self::Singly, [file]) => single(file),
            (Self::Singly, _) => unreachable!("a group of one"),
        }
    }
}

/// The file's bytes, if they are still those that were planned.
fn bytes_of(file: &Planned) -> Result<Vec<u8>, RefusedFile> {
    let refused = |reason: ReasonCode| RefusedFile {
        path: file.entry.name.clone(),
        reason,
    };
    let bytes_max = usize::try_from(file.kind.bytes_max()).unwrap_or(usize::MAX);
    let limits = Limits {
        bytes_max,
        ..Limits::default()
    };
    let bytes = image_file::read(&file.entry.path, &limits).map_err(refused)?;
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    if sha256 == file.taken.sha256 {
        Ok(bytes)
    } else {
        Err(refused("changed_meanwhile"))
    }
}

fn single(file: &Planned) -> io::Result<UploadObject> {
    let mut object = UploadObject {
        name: file.taken.name.clone(),
        content_type: file.kind.content_type(),
        metadata: file.metadata.clone(),
        body: Body::Bytes(Vec::new()),
        files: Vec::new(),
        refused: Vec::new(),
    };
    match bytes_of(file) {
        Ok(bytes) => {
            object.files.push(file.taken.clone());
            object.body = Body::Bytes(bytes);
        }
        Err(refused) => object.refused.push(refused),
    }
    Ok(object)
}

/// A tar, its list of metadata first, whose name is made of what it holds: packed again after a cut
/// it is the same object.
fn bundle(group: &[Planned], prefix: &str) -> io::Result<UploadObject> {
    let (mut files, mut refused) = (Vec::new(), Vec::new());
    let list = metadata_list(group);
    let mut packer = Packer::new(NamedTempFile::new()?, &list)?;
    for file in group {
        match bytes_of(file) {
            Ok(bytes) => {
                packer.append(&file.entry.name, &bytes)?;
                files.push(file.taken.clone());
            }
            Err(fault) => refused.push(fault),
        }
    }
    let file = packer.finish()?;
    Ok(UploadObject {
        name: format!("{prefix}bundle-{}.tar", name_of(&files, &list)),
        content_type: "application/x-tar",
        metadata: AdMetadata::default(),
        body: Body::File(file),
        files,
        refused,
    })
}

fn metadata_list(group: &[Planned]) -> String {
    let known = group
        .iter()
        .filter(|file| file.metadata != AdMetadata::default());
    let line = |file: &Planned| {
        let AdMetadata {
            source_url,
            ad_id,
            seen_at,
            place,
        } = &file.metadata;
        format!(
            "{}\n",
            json!({"path": file.entry.name, "source_url": source_url, "ad_id": ad_id,
            "seen_at": seen_at, "place": place})
        )
    };
    known.map(line).collect()
}

/// A list of what this machine computes of the pictures, on all cores.
fn hashes(group: &[Planned], prefix: &str) -> UploadObject {
    let records: Vec<Result<HashRecord, RefusedFile>> = group.par_iter().map(record).collect();
    let (mut list, mut files, mut refused) = (hash_list_header(), Vec::new(), Vec::new());
    for (file, record) in group.iter().zip(records) {
        match record {
            Ok(record) => {
                list += &record.to_line();
                files.push(file.taken.clone());
            }
            Err(fault) => refused.push(fault),
        }
    }
    UploadObject {
        name: format!("{prefix}hashes-{}.jsonl", name_of(&files, &list)),
        content_type: "application/x-ndjson",
        metadata: AdMetadata::default(),
        body: Body::Bytes(list.into_bytes()),
        files,
        refused,
    }
}

fn record(file: &Planned) -> Result<HashRecord, RefusedFile> {
    let refused = |reason: ReasonCode| RefusedFile {
        path: file.entry.name.clone(),
        reason,
    };
    let bytes = bytes_of(file)?;
    let name = MemberName::parse(&file.entry.name).map_err(|_| refused("unsupported_name"))?;
    reading::hash_record(name, &bytes, &Limits::default(), file.metadata.clone())
        .map_err(|reason| refused(reason.as_str()))
}

/// 64 bits that stand for what a upload object holds.
fn name_of(files: &[Taken], list: &str) -> String {
    let mut hash = Sha256::new();
    for file in files {
        hash.update((file.name.len() as u64).to_be_bytes());
        hash.update(&file.name);
        hash.update(file.sha256);
    }
    hash.update(list);
    hex::encode(&hash.finalize()[..8])
}

impl Body {
    /// How many bytes.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn len(&self) -> io::Result<u64> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::File(file) => Ok(file.as_file().metadata()?.len()),
        }
    }

    /// A reader of its own for each attempt.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn open(&self) -> io::Result<Opened> {
        Ok(match self {
            Self::Bytes(bytes) => Opened::Bytes(bytes.clone()),
            Self::File(file) => Opened::File(file.reopen()?),
        })
    }
}

/// The bytes of one attempt.
pub enum Opened {
    /// In memory.
    Bytes(Vec<u8>),
    /// To be read from its start.
    File(File),
}

#[cfg(test)]
mod tests {
    use super::*;
    use console::folder;

    fn planned(name: &str, size: u64, kind: FileKind) -> Planned {
        Planned {
            entry: folder::single(std::path::Path::new(name)),
            taken: Taken {
                name: name.to_owned(),
                sha256: [1; 32],
                size,
            },
            kind,
            metadata: AdMetadata::default(),
        }
    }

    fn lengths(packing: UploadMode, files: &[(u64, FileKind)]) -> Vec<usize> {
        let files = files.iter().map(|(size, kind)| planned("a", *size, *kind));
        packing
            .groups(files.collect())
            .iter()
            .map(Vec::len)
            .collect()
    }

    #[test]
    fn groups_keep_to_their_limits_and_archives_stand_alone() {
        let bundles = UploadMode::Bundles { files_max: 3 };
        let (picture, archive) = (
            FileKind::Picture("image/png"),
            FileKind::Bundle("application/zip"),
        );
        let few = [(1, picture); 7];
        assert_eq!(lengths(UploadMode::Singly, &few), [1; 7]);
        assert_eq!(lengths(bundles, &few), [3, 3, 1]);
        let large = [
            (100 << 20, picture),
            (20 << 20, picture),
            (20 << 20, picture),
        ];
        assert_eq!(lengths(bundles, &large), [2, 1]);
        let mixed = [(1, picture), (1, archive), (1, picture), (1, picture)];
        assert_eq!(lengths(bundles, &mixed), [1, 1, 2]);
        assert_eq!(lengths(bundles, &[]), [0; 0]);
    }

    #[test]
    fn the_same_files_make_the_same_bundle() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jpg");
        std::fs::write(&path, b"picture").expect("written");
        let mut file = planned("a.jpg", 7, FileKind::Picture("image/jpeg"));
        file.entry.path = path;
        file.taken.sha256 = Sha256::digest(b"picture").into();
        let pack = |file: &Planned| bundle(std::slice::from_ref(file), "p/").expect("packed");
        let (first, second) = (pack(&file), pack(&file));
        assert_eq!(first.name, second.name);
        assert_eq!(first.files, [file.taken.clone()]);
        file.metadata.place = records::Label::parse("Köln").ok();
        assert_ne!(pack(&file).name, first.name);
        file.taken.sha256 = [0; 32];
        let changed = pack(&file);
        assert_eq!(
            (changed.files.len(), changed.refused[0].reason),
            (0, "changed_meanwhile")
        );
    }
}
