//! The structure of a zip: its central directory, checked against the local headers.

use std::fs::File;

use rawzip::{CompressionMethod, ErrorKind, ZipArchive, ZipFileHeaderRecord};

use crate::{ArchiveEntry, Error, Limits, Listed, Packed, Reason};

/// A buffer for a record of the directory: 46 bytes, a name, an extra field and a comment of at most
/// 65,535 bytes each. Longer ones than this are refused.
const BUFFER_BYTES: usize = 128 * 1024;

/// The kind of a file in the Unix half of its attributes, and that of an ordinary one.
const UNIX_KIND: u32 = 0o170_000;
const UNIX_FILE: u32 = 0o100_000;

const CORRUPT: Error = Error::Refused(Reason::BundleCorrupt);

/// Every entry but folders.
pub(crate) fn list(file: &File, limits: &Limits) -> Result<Vec<Listed>, Error> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let archive = ZipArchive::from_file(file.try_clone()?, &mut buffer).map_err(broken)?;
    let said = archive.entries_hint();
    if said > limits.entries_max {
        return Err(Error::Refused(Reason::BundleTooManyMembers));
    }
    let (mut listed, mut ranges, mut count) = (Vec::new(), Vec::new(), 0);
    let mut entries = archive.entries(&mut buffer);
    while let Some(record) = entries.next_entry().map_err(broken)? {
        count += 1;
        if count > said {
            return Err(CORRUPT);
        }
        if record.is_dir() {
            continue;
        }
        let local = archive.get_entry(record.wayfinder()).map_err(broken)?;
        let (start, end) = local.compressed_data_range();
        ranges.push((start, end));
        listed.push(of_record(&record, start, end.saturating_sub(start)));
    }
    if count != said {
        return Err(CORRUPT);
    }
    check_apart(ranges, archive.directory_offset())?;
    Ok(listed)
}

fn of_record(record: &ZipFileHeaderRecord<'_>, at: u64, stored_bytes: u64) -> Listed {
    let crc32 = record.crc32();
    let bytes = record.uncompressed_size_hint();
    let method = record.compression_method();
    let fault = fault(record, method, stored_bytes);
    let packed = match method {
        CompressionMethod::DEFLATE => Packed::Deflated { crc32 },
        _ => Packed::Stored { crc32 },
    };
    Listed {
        name: record.file_path().as_bytes().to_vec(),
        entry: ArchiveEntry {
            at,
            stored_bytes,
            bytes,
            packed,
        },
        fault,
    }
}

fn fault(
    record: &ZipFileHeaderRecord<'_>,
    method: CompressionMethod,
    stored_bytes: u64,
) -> Option<Reason> {
    let unix_kind = (record.external_attributes() >> 16) & UNIX_KIND;
    let flags = record.flags();
    if flags.is_encrypted() || flags.has_strong_encryption() || flags.is_masked() {
        Some(Reason::Encrypted)
    } else if unix_kind != 0 && unix_kind != UNIX_FILE {
        Some(Reason::NotAFile)
    } else if method == CompressionMethod::STORE {
        (stored_bytes != record.uncompressed_size_hint()).then_some(Reason::Corrupt)
    } else {
        (method != CompressionMethod::DEFLATE).then_some(Reason::UnsupportedCompression)
    }
}

/// Entries whose bytes overlap, or reach into the directory, are how a small archive unpacks into a
/// huge one.
fn check_apart(mut ranges: Vec<(u64, u64)>, directory: u64) -> Result<(), Error> {
    ranges.sort_unstable();
    let mut free_from = 0;
    for (start, end) in ranges {
        if start < free_from || end < start || end > directory {
            return Err(CORRUPT);
        }
        free_from = end;
    }
    Ok(())
}

fn broken(error: rawzip::Error) -> Error {
    let cut = |error: &std::io::Error| error.kind() == std::io::ErrorKind::UnexpectedEof;
    match error.kind() {
        ErrorKind::IO(io) if !cut(io) => Error::Io(std::io::Error::from(io.kind())),
        ErrorKind::MissingEndOfCentralDirectory | ErrorKind::Eof | ErrorKind::IO(_) => {
            Error::Refused(Reason::BundleTruncated)
        }
        _ => CORRUPT,
    }
}
