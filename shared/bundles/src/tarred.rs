//! The structure of a tar: headers only, bodies are skipped.
//!
//! Entries are read raw, since the crate's own resolution of long names holds as much of them in
//! memory as a header claims.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::{ArchiveEntry, Error, Limits, Listed, Packed, Reason};

const BLOCK_BYTES: u64 = 512;

/// The longest extension header (a long name, a pax record) that is read, in bytes: names have 512
/// at most, times, owners and attributes a few hundred.
const EXTENSION_BYTES_MAX: u64 = 64 * 1024;

/// Extension headers before one entry; `tar` writes two.
const EXTENSIONS_MAX: u32 = 8;

/// What extension headers say of the entry behind them.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    is_sparse: bool,
    count: u32,
}

/// Every entry but folders.
pub(crate) fn list(file: &File, file_bytes: u64, limits: &Limits) -> Result<Vec<Listed>, Error> {
    (&mut &*file).seek(SeekFrom::Start(0))?;
    let mut archive = tar::Archive::new(file);
    let mut listed = Vec::new();
    let (mut entries, mut end, mut extensions) = (0, 0, Extensions::default());
    for entry in archive.entries_with_seek().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        entries += 1;
        if entries > limits.entries_max.saturating_mul(2) {
            return Err(Error::Refused(Reason::BundleTooManyMembers));
        }
        let (at, bytes) = (entry.raw_file_position(), entry.size());
        end = padded_end(at, bytes).ok_or(Error::Refused(Reason::BundleCorrupt))?;
        if at.saturating_add(bytes) > file_bytes {
            return Err(Error::Refused(Reason::BundleTruncated));
        }
        let kind = entry.header().entry_type();
        if is_extension(kind) {
            extensions.add(kind, &mut entry, bytes)?;
            continue;
        }
        let said = std::mem::take(&mut extensions);
        if kind.is_dir() {
            continue;
        }
        let fault = fault(kind, &said);
        let name = said.name.unwrap_or_else(|| entry.path_bytes().into_owned());
        if is_folder(&name) && bytes == 0 {
            continue;
        }
        listed.push(Listed {
            name,
            // Whatever a link or device claims to hold is not unpacked.
            entry: plain(at, if fault.is_some() { 0 } else { bytes }),
            fault,
        });
        if listed.len() as u64 > limits.entries_max {
            return Err(Error::Refused(Reason::BundleTooManyMembers));
        }
    }
    if extensions.count > 0 || !has_end_mark(file, end)? {
        return Err(Error::Refused(Reason::BundleTruncated));
    }
    Ok(listed)
}

impl Extensions {
    fn add(
        &mut self,
        kind: tar::EntryType,
        entry: &mut impl Read,
        bytes: u64,
    ) -> Result<(), Error> {
        const CORRUPT: Error = Error::Refused(Reason::BundleCorrupt);
        self.count += 1;
        if bytes > EXTENSION_BYTES_MAX || self.count > EXTENSIONS_MAX {
            return Err(CORRUPT);
        }
        let mut body = Vec::new();
        entry.read_to_end(&mut body)?;
        if kind.is_gnu_longname() {
            if body.last() == Some(&0) {
                body.pop();
            }
            self.name = Some(body);
        } else if kind.is_pax_local_extensions() {
            for record in tar::PaxExtensions::new(&body) {
                let record = record.map_err(|_| CORRUPT)?;
                self.pax(record.key_bytes(), record.value_bytes())?;
            }
        }
        Ok(())
    }

    /// A size of its own would move where the next header is looked for: readers that disagree about
    /// it see different archives. No file of ours needs one.
    fn pax(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        match key {
            b"path" => self.name = Some(value.to_vec()),
            b"size" => return Err(Error::Refused(Reason::BundleCorrupt)),
            key if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
            _ => {}
        }
        Ok(())
    }
}

fn is_extension(kind: tar::EntryType) -> bool {
    kind.is_gnu_longname()
        || kind.is_gnu_longlink()
        || kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions()
}

fn fault(kind: tar::EntryType, said: &Extensions) -> Option<Reason> {
    let is_file = (kind.is_file() || kind.is_contiguous()) && !said.is_sparse;
    (!is_file).then_some(Reason::NotAFile)
}

/// Old tars mark a folder by its name alone.
fn is_folder(name: &[u8]) -> bool {
    name.last() == Some(&b'/')
}

fn plain(at: u64, bytes: u64) -> ArchiveEntry {
    ArchiveEntry {
        at,
        stored_bytes: bytes,
        bytes,
        packed: Packed::Plain,
    }
}

/// Where the next header stands.
fn padded_end(at: u64, bytes: u64) -> Option<u64> {
    at.checked_add(bytes.checked_next_multiple_of(BLOCK_BYTES)?)
}

/// Whether a block of zeros stands behind the last entry: a tar that was cut between two entries
/// has none.
fn has_end_mark(mut file: &File, end: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(end))?;
    let mut block = Vec::new();
    file.take(BLOCK_BYTES).read_to_end(&mut block)?;
    Ok(block.len() as u64 == BLOCK_BYTES && block.iter().all(|byte| *byte == 0))
}

/// The crate tells faults of the archive as errors of the kind `Other`.
fn broken(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::Other | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => {
            Error::Refused(Reason::BundleCorrupt)
        }
        _ => Error::Io(error),
    }
}
