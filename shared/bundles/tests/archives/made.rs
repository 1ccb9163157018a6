//! Makers of archives, byte by byte, so that each lie is one field.

use std::fs::File;
use std::io::Write;

use bundles::{Bundle, Error, Limits, Reason};
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Small, so that what goes over them is small too.
pub const LIMITS: Limits = Limits {
    bytes_max: 1 << 20,
    entries_max: 20,
    member_bytes_max: 10_000,
    unpacked_bytes_max: 30_000,
    metadata_bytes_max: 5_000,
};

pub fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

pub fn open(bytes: &[u8]) -> Result<Bundle, Reason> {
    match bundles::open(file(bytes), &LIMITS) {
        Ok(bundle) => Ok(bundle),
        Err(Error::Refused(reason)) => Err(reason),
        Err(Error::Io(error)) => panic!("the disk is not at fault: {error}"),
    }
}

/// What each member came to: its name (or none) with its bytes or its reason.
pub type Ends = Vec<(Option<String>, Result<Vec<u8>, Reason>)>;

pub fn ends(bytes: &[u8]) -> Result<Ends, Reason> {
    let bundle = open(bytes)?;
    let members = bundle.members().iter().enumerate();
    Ok(members
        .map(|(place, member)| match &member.name {
            Err((name, reason)) => (name.as_ref().map(ToString::to_string), Err(*reason)),
            Ok(name) => match bundle.read(place) {
                Ok(bytes) => (Some(name.to_string()), Ok(bytes)),
                Err(Error::Refused(reason)) => (Some(name.to_string()), Err(reason)),
                Err(Error::Io(error)) => panic!("the disk is not at fault: {error}"),
            },
        })
        .collect())
}

/// The end of the only member.
pub fn end(bytes: &[u8]) -> Result<Vec<u8>, Reason> {
    let mut ends = ends(bytes)?;
    assert_eq!(ends.len(), 1);
    ends.remove(0).1
}

/// One header of a tar and what stands behind it.
pub fn tar_entry(kind: u8, name: &[u8], body: &[u8]) -> Vec<u8> {
    tar_entry_saying(kind, name, body, body.len() as u64)
}

pub fn tar_entry_saying(kind: u8, name: &[u8], body: &[u8], size: u64) -> Vec<u8> {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name);
    header[100..107].copy_from_slice(b"0000644");
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut entry = header.to_vec();
    entry.extend(body);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

pub fn tar_of(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = entries.concat();
    tar.extend([0; 1024]);
    tar
}

pub fn pax(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let length = (1..).find(|n| n - n.to_string().len() == rest).unwrap();
    tar_entry(b'x', b"pax", format!("{length} {key}={value}\n").as_bytes())
}

/// One entry of a zip, as it says it is.
#[derive(Clone)]
pub struct Zipped {
    pub name: Vec<u8>,
    pub stored: Vec<u8>,
    pub bytes: u64,
    pub crc32: u32,
    pub method: u16,
    pub flags: u16,
    pub attributes: u32,
    /// Where its local header is said to be, if not where it is.
    pub offset: Option<u32>,
}

pub fn stored(name: &str, body: &[u8]) -> Zipped {
    Zipped {
        name: name.into(),
        stored: body.to_vec(),
        bytes: body.len() as u64,
        crc32: crc32fast_hash(body),
        method: 0,
        flags: 0,
        attributes: 0o100_644 << 16,
        offset: None,
    }
}

pub fn deflated(name: &str, body: &[u8]) -> Zipped {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    Zipped {
        stored: encoder.finish().unwrap(),
        method: 8,
        ..stored(name, body)
    }
}

fn crc32fast_hash(body: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(body);
    crc.sum()
}

fn fields(zipped: &Zipped) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(zipped.flags.to_le_bytes());
    out.extend(zipped.method.to_le_bytes());
    out.extend([0; 4]); // time and date
    out.extend(zipped.crc32.to_le_bytes());
    out.extend((zipped.stored.len() as u32).to_le_bytes());
    out.extend((zipped.bytes as u32).to_le_bytes());
    out.extend((zipped.name.len() as u16).to_le_bytes());
    out.extend([0; 2]); // no extra field
    out
}

pub fn zip_of(entries: &[Zipped]) -> Vec<u8> {
    zip_saying(entries, entries.len() as u16)
}

pub fn zip_saying(entries: &[Zipped], count: u16) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = entry.offset.unwrap_or(zip.len() as u32);
        directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
        directory.extend(fields(entry));
        directory.extend([0; 6]); // no comment, disk 0, internal attributes
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
        if entry.offset.is_none() {
            zip.extend(b"PK\x03\x04\x14\x00");
            zip.extend(fields(entry));
            zip.extend(&entry.name);
            zip.extend(&entry.stored);
        }
    }
    let start = zip.len() as u32;
    zip.extend(&directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend(count.to_le_bytes());
    zip.extend(count.to_le_bytes());
    zip.extend((directory.len() as u32).to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0; 2]);
    zip
}
