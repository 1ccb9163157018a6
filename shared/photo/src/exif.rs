//! Single numbers out of a TIFF directory, which is also how EXIF is laid out.
//!
//! A full EXIF reader refuses a block at its first broken entry; a photo must never be refused,
//! nor turned, for its metadata.

use crate::Orientation;
use crate::bytes::{array, be16, be32, le16, le32};

pub(crate) const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const ENTRY_BYTES: usize = 12;

/// Orientation by an EXIF block; upright if it says nothing that can be understood.
pub(crate) fn orientation(exif: &[u8]) -> Orientation {
    // Some writers keep JPEG's introducer in PNG and WebP too.
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Directory::first(tiff).map_or(Orientation::Upright, |directory| directory.orientation())
}

/// The first directory of a TIFF.
pub(crate) struct Directory<'a> {
    tiff: &'a [u8],
    u16_at: fn(&[u8], usize) -> Option<u16>,
    u32_at: fn(&[u8], usize) -> Option<u32>,
    /// Place of the first entry.
    start: usize,
    entries: usize,
}

impl<'a> Directory<'a> {
    /// `None` if it lies past the end. Entries may still do.
    pub(crate) fn first(tiff: &'a [u8]) -> Option<Directory<'a>> {
        let mut directory = match &array::<4>(tiff, 0)? {
            b"II*\0" => Directory {
                tiff,
                u16_at: le16,
                u32_at: le32,
                start: 0,
                entries: 0,
            },
            b"MM\0*" => Directory {
                tiff,
                u16_at: be16,
                u32_at: be32,
                start: 0,
                entries: 0,
            },
            _ => return None,
        };
        let at = usize::try_from((directory.u32_at)(tiff, 4)?).ok()?;
        directory.start = at.checked_add(2)?;
        directory.entries = usize::from((directory.u16_at)(tiff, at)?);
        Some(directory)
    }

    /// Whether the file holds all entries, if not all that they point to.
    pub(crate) fn is_whole(&self) -> bool {
        self.start + self.entries * ENTRY_BYTES <= self.tiff.len()
    }

    /// The first value of a tag of short or long integers.
    pub(crate) fn number(&self, tag: u16) -> Option<u32> {
        let at = self
            .places()
            .find(|at| (self.u16_at)(self.tiff, *at) == Some(tag))?;
        let (kind, count) = (
            (self.u16_at)(self.tiff, at + 2)?,
            (self.u32_at)(self.tiff, at + 4)?,
        );
        match (kind, count) {
            (SHORT, 1..=2) => (self.u16_at)(self.tiff, at + 8).map(u32::from),
            (LONG, 1) => (self.u32_at)(self.tiff, at + 8),
            _ => None,
        }
    }

    /// Tag and number of values of every entry that the file holds.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (u16, u32)> {
        self.places().map_while(|at| {
            Some((
                (self.u16_at)(self.tiff, at)?,
                (self.u32_at)(self.tiff, at + 4)?,
            ))
        })
    }

    pub(crate) fn orientation(&self) -> Orientation {
        let number = self
            .number(ORIENTATION)
            .and_then(|number| u16::try_from(number).ok());
        number.and_then(Orientation::from_exif).unwrap_or_default()
    }

    fn places(&self) -> impl Iterator<Item = usize> {
        (0..self.entries)
            .map(|entry| self.start + entry * ENTRY_BYTES)
            .take_while(|at| *at < self.tiff.len())
    }
}
