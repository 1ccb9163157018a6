//! Single numbers out of a TIFF directory, which is also how EXIF is laid out.
//!
//! A full EXIF reader refuses a block at its first broken entry; a photo must never be refused,
//! nor turned, for its metadata.

use crate::Orientation;
use crate::bytes::{array, be16, be32, le16, le32};

pub(crate) const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const LONG8: u16 = 16;

/// Orientation by an EXIF block; upright if it says nothing that can be understood.
pub(crate) fn orientation(exif: &[u8]) -> Orientation {
    // Some writers keep JPEG's introducer in PNG and WebP too.
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Directory::first(tiff).map_or(Orientation::Upright, |directory| directory.orientation())
}

/// A directory of a TIFF, be it the kind for files of more than 4 GB.
#[derive(Clone, Copy)]
pub(crate) struct Directory<'a> {
    tiff: &'a [u8],
    numbers: Numbers,
    /// Place of the first entry.
    start: usize,
    entries: usize,
}

/// How a TIFF writes its numbers.
#[derive(Clone, Copy)]
struct Numbers {
    big_endian: bool,
    /// Counts and places have 8 bytes.
    is_long: bool,
}

impl Numbers {
    fn of(tiff: &[u8]) -> Option<Numbers> {
        let (big_endian, is_long) = match &array::<4>(tiff, 0)? {
            b"II*\0" => (false, false),
            b"MM\0*" => (true, false),
            b"II+\0" => (false, true),
            b"MM\0+" => (true, true),
            _ => return None,
        };
        Some(Numbers {
            big_endian,
            is_long,
        })
    }

    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        if self.big_endian {
            be16(bytes, at)
        } else {
            le16(bytes, at)
        }
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        if self.big_endian {
            be32(bytes, at)
        } else {
            le32(bytes, at)
        }
    }

    fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = array(bytes, at)?;
        Some(if self.big_endian {
            u64::from_be_bytes(bytes)
        } else {
            u64::from_le_bytes(bytes)
        })
    }

    /// A count or a place.
    fn word(self, bytes: &[u8], at: usize) -> Option<u64> {
        if self.is_long {
            self.u64(bytes, at)
        } else {
            self.u32(bytes, at).map(u64::from)
        }
    }

    fn word_bytes(self) -> usize {
        if self.is_long { 8 } else { 4 }
    }

    /// A tag, a kind, a count and a value.
    fn entry_bytes(self) -> usize {
        4 + 2 * self.word_bytes()
    }
}

impl<'a> Directory<'a> {
    /// `None` if it lies past the end. Entries may still do.
    pub(crate) fn first(tiff: &'a [u8]) -> Option<Directory<'a>> {
        let numbers = Numbers::of(tiff)?;
        let at = numbers.word(tiff, numbers.word_bytes())?;
        Directory::at(tiff, numbers, at)
    }

    /// The next one, if there is any.
    pub(crate) fn next(&self) -> Option<Directory<'a>> {
        let end = self.start + self.entries * self.numbers.entry_bytes();
        match self.numbers.word(self.tiff, end)? {
            0 => None,
            at => Directory::at(self.tiff, self.numbers, at),
        }
    }

    fn at(tiff: &'a [u8], numbers: Numbers, at: u64) -> Option<Directory<'a>> {
        let at = usize::try_from(at).ok()?;
        let (entries, width) = if numbers.is_long {
            (usize::try_from(numbers.u64(tiff, at)?).ok()?, 8)
        } else {
            (usize::from(numbers.u16(tiff, at)?), 2)
        };
        // No more than the file can hold.
        if entries > tiff.len() / numbers.entry_bytes() {
            return None;
        }
        Some(Directory {
            tiff,
            numbers,
            start: at.checked_add(width)?,
            entries,
        })
    }

    pub(crate) fn is_big_endian(&self) -> bool {
        self.numbers.big_endian
    }

    /// Where it lies: the same place twice is a circle.
    pub(crate) fn place(&self) -> usize {
        self.start
    }

    /// Whether the file holds all entries, if not all that they point to.
    pub(crate) fn is_whole(&self) -> bool {
        self.start + self.entries * self.numbers.entry_bytes() <= self.tiff.len()
    }

    /// The first value of a tag of short or long integers.
    pub(crate) fn number(&self, tag: u16) -> Option<u32> {
        let (kind, count, at) = self.entry(tag)?;
        match (kind, count) {
            (SHORT, 1..=2) => self.numbers.u16(self.tiff, at).map(u32::from),
            (LONG, 1) => self.numbers.u32(self.tiff, at),
            (LONG8, 1) => u32::try_from(self.numbers.u64(self.tiff, at)?).ok(),
            _ => None,
        }
    }

    /// The data of a tag whose values have one byte each.
    pub(crate) fn bytes(&self, tag: u16) -> Option<&'a [u8]> {
        let (_, count, at) = self.entry(tag)?;
        let count = usize::try_from(count).ok()?;
        let at = self.values_at(count, at)?;
        self.tiff.get(at..at.checked_add(count)?)
    }

    /// At most so many values of a tag of short or long integers.
    pub(crate) fn values(&self, tag: u16, most: u64) -> Option<Vec<u64>> {
        let (kind, count, at) = self.entry(tag)?;
        let width = match kind {
            SHORT => 2,
            LONG => 4,
            LONG8 => 8,
            _ => return None,
        };
        let all = usize::try_from(count).ok()?.checked_mul(width)?;
        let at = self.values_at(all, at)?;
        let count = usize::try_from(count.min(most)).ok()?;
        (0..count)
            .map(|index| {
                let at = at + index * width;
                match kind {
                    SHORT => self.numbers.u16(self.tiff, at).map(u64::from),
                    LONG => self.numbers.u32(self.tiff, at).map(u64::from),
                    _ => self.numbers.u64(self.tiff, at),
                }
            })
            .collect()
    }

    /// Tag and number of values of every entry that the file holds.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (u16, u64)> {
        self.places().map_while(|at| {
            Some((
                self.numbers.u16(self.tiff, at)?,
                self.numbers.word(self.tiff, at + 4)?,
            ))
        })
    }

    pub(crate) fn orientation(&self) -> Orientation {
        let number = self
            .number(ORIENTATION)
            .and_then(|number| u16::try_from(number).ok());
        number.and_then(Orientation::from_exif).unwrap_or_default()
    }

    /// Kind and number of a tag's values, and the place of the entry's own value.
    fn entry(&self, tag: u16) -> Option<(u16, u64, usize)> {
        let at = self
            .places()
            .find(|at| self.numbers.u16(self.tiff, *at) == Some(tag))?;
        Some((
            self.numbers.u16(self.tiff, at + 2)?,
            self.numbers.word(self.tiff, at + 4)?,
            at + 4 + self.numbers.word_bytes(),
        ))
    }

    /// Values of so many bytes lie in the entry if they fit, else where it points.
    fn values_at(&self, bytes: usize, at: usize) -> Option<usize> {
        if bytes <= self.numbers.word_bytes() {
            Some(at)
        } else {
            usize::try_from(self.numbers.word(self.tiff, at)?).ok()
        }
    }

    fn places(&self) -> impl Iterator<Item = usize> {
        (0..self.entries)
            .map(|entry| self.start + entry * self.numbers.entry_bytes())
            .take_while(|at| *at < self.tiff.len())
    }
}
