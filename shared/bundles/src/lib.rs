//! Hostile archives to members, one at a time, within limits.
//!
//! A bundle is a tar or a zip in a file. [`open`] reads its whole structure first: a fault there
//! refuses the bundle before any of it is taken in. What is wrong with one member alone (its name,
//! its kind, its bytes) is that member's fault, and the others go on. No path of an archive is ever
//! used as a path here; no picture is decoded; nothing is held but the list of members and one
//! member's bytes.
#![forbid(unsafe_code)]

mod metadata;
mod packing;
mod reason;
mod tarred;
mod zipped;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek};

use flate2::read::DeflateDecoder;
use records::MemberName;

pub use metadata::{METADATA_MEMBER, Metadata};
pub use packing::{Packer, pack};
pub use reason::Reason;

/// Bytes that tell a bundle: a tar says so at 257.
pub const HEAD_BYTES: usize = 512;

/// What a bundle may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive.
    pub bytes_max: u64,
    /// Entries, folders included.
    pub entries_max: u64,
    /// Bytes of one member, unpacked.
    pub member_bytes_max: u64,
    /// Bytes of all members, unpacked.
    pub unpacked_bytes_max: u64,
    /// Bytes of the list of metadata.
    pub metadata_bytes_max: u64,
}

impl Default for Limits {
    /// 400 MiB, since a Lambda function has 512 MB of disk that costs nothing; 10,000 entries, whose
    /// list takes 3 MB; members of 32 MiB, as photos have at most; twice the archive's size unpacked,
    /// since pictures are packed already and shrink no further; 16 MiB of metadata, 1.6 KB an entry.
    fn default() -> Self {
        Self {
            bytes_max: 400 << 20,
            entries_max: 10_000,
            member_bytes_max: 32 << 20,
            unpacked_bytes_max: 800 << 20,
            metadata_bytes_max: 16 << 20,
        }
    }
}

/// Why something of a bundle cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bundle's or the member's fault.
    #[error("{0}")]
    Refused(Reason),
    /// The disk's.
    #[error("a bundle cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// An archive whose structure is sound.
pub struct Bundle {
    file: File,
    members: Vec<Member>,
    metadata: Option<ArchiveEntry>,
}

/// One member: a file, or what stands in a file's place.
pub struct Member {
    /// Its name, or why it cannot be taken in whatever its bytes are.
    pub name: Result<MemberName, (Option<MemberName>, Reason)>,
    entry: ArchiveEntry,
}

/// Where an entry's bytes lie, and what they must come to.
#[derive(Clone, Copy, Debug)]
struct ArchiveEntry {
    at: u64,
    stored_bytes: u64,
    bytes: u64,
    packed: Packed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packed {
    /// As they are, without a checksum (tar).
    Plain,
    /// As they are.
    Stored { crc32: u32 },
    /// By DEFLATE.
    Deflated { crc32: u32 },
}

/// What an archive says of an entry, before names are judged together.
struct Listed {
    name: Vec<u8>,
    entry: ArchiveEntry,
    /// Why it is no ordinary file with bytes that can be read.
    fault: Option<Reason>,
}

/// Whether these first bytes are those of a bundle.
pub fn is_bundle(head: &[u8]) -> bool {
    is_zip(head) || is_tar(head)
}

fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// Whether these bytes are an archive of a kind that people pack pictures into: refused as members,
/// since archives in archives have no end.
pub fn is_archive(head: &[u8]) -> bool {
    const MAGIC: [&[u8]; 8] = [
        b"PK\x07\x08",
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ\0",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07",
        b"\x28\xb5\x2f\xfd",
        b"MSCF",
    ];
    is_bundle(head) || MAGIC.iter().any(|magic| head.starts_with(magic))
}

/// Reads the structure of an archive.
///
/// # Errors
/// [`Error::Refused`] with the reason: then none of it may be taken in.
pub fn open(mut file: File, limits: &Limits) -> Result<Bundle, Error> {
    let file_bytes = file.metadata()?.len();
    if file_bytes > limits.bytes_max {
        return Err(Error::Refused(Reason::TooLarge));
    }
    file.rewind()?;
    let mut head = Vec::new();
    (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let listed = if is_zip(&head) {
        zipped::list(&file, limits)?
    } else if is_tar(&head) {
        tarred::list(&file, file_bytes, limits)?
    } else {
        return Err(Error::Refused(Reason::BundleCorrupt));
    };
    let unpacked = listed.iter().map(|listed| listed.entry.bytes);
    let unpacked = unpacked.fold(0_u64, u64::saturating_add);
    if unpacked > limits.unpacked_bytes_max {
        return Err(Error::Refused(Reason::BundleTooLargeUnpacked));
    }
    let (members, metadata) = judged(listed, limits);
    if members.is_empty() {
        return Err(Error::Refused(Reason::BundleEmpty));
    }
    Ok(Bundle {
        file,
        members,
        metadata,
    })
}

/// Names, compared with each other; the list of metadata apart.
fn judged(listed: Vec<Listed>, limits: &Limits) -> (Vec<Member>, Option<ArchiveEntry>) {
    let (mut seen, mut metadata) = (HashSet::new(), None);
    let mut members = Vec::with_capacity(listed.len());
    for Listed { name, entry, fault } in listed {
        let name = MemberName::parse(&text(&name)).map_err(|_| (None, Reason::UnsafeName));
        let name = name.and_then(|name| match fault {
            _ if !seen.insert(name.clone()) => Err((None, Reason::DuplicateName)),
            Some(fault) => Err((Some(name), fault)),
            None => Ok(name),
        });
        let is_metadata = |name: &MemberName| name.as_str() == METADATA_MEMBER;
        if metadata.is_none() && name.as_ref().is_ok_and(is_metadata) {
            metadata = Some(entry);
            continue;
        }
        let name = name.and_then(|name| match entry.bytes {
            0 => Err((Some(name), Reason::Empty)),
            bytes if bytes > limits.member_bytes_max => Err((Some(name), Reason::TooLarge)),
            _ => Ok(name),
        });
        members.push(Member { name, entry });
    }
    (members, metadata)
}

/// A name as text; bytes that are none become `%XX`, so that names in old encodings stay apart.
fn text(name: &[u8]) -> String {
    let mut out = String::new();
    for chunk in name.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

impl Member {
    /// Bytes it has, unpacked, as the archive says.
    pub fn size_bytes(&self) -> u64 {
        self.entry.bytes
    }
}

impl Bundle {
    /// Every member, in the archive's order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The bytes of a member, whole and checked.
    ///
    /// # Errors
    /// [`Error::Refused`] if they are not what the archive says, or an archive themselves.
    ///
    /// # Panics
    /// If there is no member of that number.
    pub fn read(&self, member: usize) -> Result<Vec<u8>, Error> {
        let bytes = self.bytes(&self.members[member].entry)?;
        if is_archive(&bytes) {
            return Err(Error::Refused(Reason::NestedArchive));
        }
        Ok(bytes)
    }

    /// What the bundle's list says about its members.
    ///
    /// # Errors
    /// Failures of the disk. A list that cannot be read costs what it says, and no member.
    pub fn metadata(&self, limits: &Limits) -> io::Result<Metadata> {
        let Some(entry) = &self.metadata else {
            return Ok(Metadata::default());
        };
        if entry.bytes > limits.metadata_bytes_max {
            return Ok(Metadata::unreadable());
        }
        match self.bytes(entry) {
            Ok(bytes) => Ok(Metadata::parse(&bytes)),
            Err(Error::Refused(_)) => Ok(Metadata::unreadable()),
            Err(Error::Io(error)) => Err(error),
        }
    }

    /// One byte more than said is asked for, so that a lie is seen and costs no more than that.
    fn bytes(&self, entry: &ArchiveEntry) -> Result<Vec<u8>, Error> {
        let stored = Part {
            file: &self.file,
            at: entry.at,
            left: entry.stored_bytes,
        };
        let (read, crc32) = match entry.packed {
            Packed::Plain => (filled(stored, entry.bytes)?, None),
            Packed::Stored { crc32 } => (filled(stored, entry.bytes)?, Some(crc32)),
            Packed::Deflated { crc32 } => (inflated(stored, entry.bytes)?, Some(crc32)),
        };
        let sound = read.len() as u64 == entry.bytes
            && crc32.is_none_or(|crc32| crc32 == crc32fast::hash(&read));
        sound.then_some(read).ok_or(Error::Refused(Reason::Corrupt))
    }
}

/// A part of the file, read by place: members are read side by side, and a cursor would be shared.
struct Part<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(into.len());
        let into = into.get_mut(..most).unwrap_or_default();
        let read = read_at(self.file, into, self.at)?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, at)
}

fn filled(stored: impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut read = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
    stored
        .take(bytes.saturating_add(1))
        .read_to_end(&mut read)?;
    Ok(read)
}

/// What does not inflate is the member's fault and not the disk's.
fn inflated(stored: impl Read, bytes: u64) -> Result<Vec<u8>, Error> {
    filled(DeflateDecoder::new(stored), bytes).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            Error::Refused(Reason::Corrupt)
        }
        _ => Error::Io(error),
    })
}
