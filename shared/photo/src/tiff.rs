//! TIFF: what cameras, scanners and fax machines write, and its twin for files of more than 4 GB.
//!
//! The library unpacks strips and tiles, one by one; it is told that they hold plain samples, and what those mean
//! is read here. JPEGs inside go to the JPEG decoder, since they could claim any size.

mod chunks;
mod faxes;
mod form;
mod jpegs;
mod lab;
mod strips;
mod unpacked;

use std::cmp::Reverse;
use std::io::ErrorKind;

use ::tiff::TiffError;

use crate::exif::Directory;
use crate::frames::{self, Patience, Visit};
use crate::pixels::Raster;
#[cfg(feature = "packers")]
use crate::sandbox::Codec;
use crate::{Detail, Limits, Orientation, Reason, exif};
use form::Form;
use strips::Sheet;

const WIDTH: u16 = 0x100;
const HEIGHT: u16 = 0x101;
const BITS: u16 = 0x102;
const COMPRESSION: u16 = 0x103;
const PHOTOMETRIC: u16 = 0x106;
const SAMPLES: u16 = 0x115;
const PLANAR: u16 = 0x11c;
const COLOUR_MAP: u16 = 0x140;
const EXTRA_SAMPLES: u16 = 0x152;
const SAMPLE_FORMAT: u16 = 0x153;
const YCBCR_SUBSAMPLING: u16 = 0x212;
/// Offsets and lengths of strips and tiles.
const CHUNK_TAGS: [u16; 4] = [0x111, STRIP_LENGTHS, 0x144, TILE_LENGTHS];
const STRIP_LENGTHS: u16 = 0x117;
const TILE_LENGTHS: u16 = 0x145;
/// Everything else that the decoder reads: a few values each.
const FORM_TAGS: [u16; 17] = [
    WIDTH,
    HEIGHT,
    COMPRESSION,
    SAMPLES,
    BITS,
    PHOTOMETRIC,
    0x10a,
    0x116,
    PLANAR,
    0x13d,
    0x142,
    0x143,
    EXTRA_SAMPLES,
    SAMPLE_FORMAT,
    0x15b,
    YCBCR_SUBSAMPLING,
    exif::ORIENTATION,
];
/// Tables of the JPEGs inside: more than a few values, and not many.
const JPEG_TABLES: u16 = 0x15b;
const TABLES_BYTES_MAX: u64 = 64 << 10;

/// Most strips or tiles: the decoder holds 80 bytes for each.
const CHUNKS_MAX: u64 = 65_536;
/// Extra samples behind the colours are skipped; no writer needs more than a few.
const SAMPLES_MAX: u32 = 8;
/// None, LZW, Deflate by both numbers, PackBits.
const COMPRESSIONS: [u32; 5] = [1, 5, 8, 32_773, 32_946];
/// Fax of group 3 without its lines' ends, of group 3, and of group 4.
const FAXES: [u32; 3] = [2, 3, 4];
/// A JPEG as the sixth edition of the standard had it, and as it is today.
const OLD_JPEG: u32 = 6;
const JPEG: u32 = 7;
const WEBP: u32 = 50_001;
/// Packed by programs' own packers, which are undone in a process of its own.
const LZMA: u32 = 34_925;
const ZSTANDARD: u32 = 50_000;

/// Pages that are looked for.
const PAGES_MAX: usize = 64;

/// The largest page that can be read; of equal ones the first. One that is too large is refused with the file.
pub(crate) fn decode(
    bytes: &[u8],
    _: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let Pages { pages, .. } = pages(bytes)?;
    let mut largest: Vec<&Directory<'_>> = pages.iter().collect();
    largest.sort_by_key(|page| {
        let (width_px, height_px) = sides(page);
        Reverse(u64::from(width_px) * u64::from(height_px))
    });
    let (mut patience, mut refused) = (Patience::new(), None);
    for page in largest {
        if patience.is_over() {
            break;
        }
        match read(bytes, page, limits) {
            Ok(raster) => return Ok((raster.partial_if(refused.is_some()), page.orientation())),
            // A thumbnail in its place would pass for the photo.
            Err(Reason::TooManyPixels) => return Err(Reason::TooManyPixels),
            Err(reason) => {
                patience.wasted(sides(page), stored_bytes(page));
                refused = refused.or(Some(reason));
            }
        }
    }
    Err(refused.unwrap_or(Reason::Truncated))
}

/// Shows every page.
pub(crate) fn walk(bytes: &[u8], limits: &Limits, visit: Visit<'_>) -> Result<u32, Reason> {
    let Pages { pages, mut missed } = pages(bytes)?;
    let mut patience = Patience::new();
    for (page, number) in pages.iter().zip(0..) {
        let sides = sides(page);
        match frames::admit_page(sides.0, sides.1, limits) {
            Ok(()) if !patience.is_over() => {}
            // Too small to show anything.
            Err(Reason::TooSmall) => continue,
            _ => {
                missed += 1;
                continue;
            }
        }
        let Ok(raster) = read(bytes, page, limits) else {
            patience.wasted(sides, stored_bytes(page));
            missed += 1;
            continue;
        };
        let raster = frames::of_page(raster, limits)?;
        let mut frame = raster.frame();
        frame.orientation = page.orientation();
        frame.weight = u64::from(sides.0) * u64::from(sides.1);
        frame.page = Some(number);
        if !visit(&frame)? {
            break;
        }
    }
    Ok(missed)
}

/// The directories of a file.
struct Pages<'a> {
    pages: Vec<Directory<'a>>,
    /// Some, if there are more.
    missed: u32,
}

fn pages(bytes: &[u8]) -> Result<Pages<'_>, Reason> {
    let mut pages = vec![Directory::first(bytes).ok_or(Reason::Truncated)?];
    let mut missed = 0;
    while let Some(next) = pages.last().and_then(Directory::next) {
        if pages.iter().any(|page| page.place() == next.place()) {
            break;
        }
        if pages.len() >= PAGES_MAX {
            missed = frames::SOME;
            break;
        }
        pages.push(next);
    }
    Ok(Pages { pages, missed })
}

/// Width and height of a page in pixels; 0 if it has none.
fn sides(page: &Directory<'_>) -> (u32, u32) {
    let side = |tag| page.number(tag).unwrap_or_default();
    (side(WIDTH), side(HEIGHT))
}

/// Bytes of its strips or tiles, as it states them.
fn stored_bytes(page: &Directory<'_>) -> u64 {
    let lengths = [STRIP_LENGTHS, TILE_LENGTHS].map(|tag| page.values(tag, CHUNKS_MAX));
    let lengths = lengths.into_iter().flatten().flatten();
    lengths.fold(0, u64::saturating_add)
}

fn read(bytes: &[u8], page: &Directory<'_>, limits: &Limits) -> Result<Raster, Reason> {
    let sides = check(page, limits)?;
    let compression = page.number(COMPRESSION).unwrap_or(1);
    if compression == OLD_JPEG {
        limits.admit_part(sides.0, sides.1)?;
        // It says itself what its samples are, and its writers forgot to.
        return jpegs::read_old(bytes, page, sides, limits);
    }
    let form = Form::of(page)?;
    let sheet = Sheet::new(sides, &form, limits)?;
    match compression {
        JPEG => jpegs::read(bytes, page, sheet),
        WEBP => jpegs::read_webps(bytes, page, sheet),
        fax if FAXES.contains(&fax) => faxes::read(bytes, page, fax, sheet),
        packed => sheet.read(bytes, page, packed),
    }
}

/// Judges the directory before the decoder reads it; gives width and height in pixels.
fn check(directory: &Directory<'_>, limits: &Limits) -> Result<(u32, u32), Reason> {
    if !directory.is_whole() {
        return Err(Reason::Truncated);
    }
    let width_px = directory.number(WIDTH).ok_or(Reason::Corrupt)?;
    let height_px = directory.number(HEIGHT).ok_or(Reason::Corrupt)?;
    limits.admit_reduced(width_px, height_px, 1)?;
    let samples = directory.number(SAMPLES).unwrap_or(1);
    let compression = directory.number(COMPRESSION).unwrap_or(1);
    let known = [&COMPRESSIONS[..], &FAXES, &[OLD_JPEG, JPEG, WEBP]].concat();
    let is_known = known.contains(&compression) || packer(compression).is_some();
    if samples > SAMPLES_MAX || !is_known {
        return Err(Reason::UnsupportedFormat);
    }
    let mut seen = Vec::new();
    for (tag, count) in directory.counts() {
        let most = match tag {
            JPEG_TABLES => TABLES_BYTES_MAX,
            tag if CHUNK_TAGS.contains(&tag) => CHUNKS_MAX,
            tag if FORM_TAGS.contains(&tag) => u64::from(SAMPLES_MAX),
            _ => continue,
        };
        // Of twins, the decoder may believe the one that was not judged here.
        if seen.contains(&tag) {
            return Err(Reason::Corrupt);
        }
        seen.push(tag);
        if count > most {
            return Err(Reason::UnsupportedFormat);
        }
    }
    Ok((width_px, height_px))
}

/// What undoes a packer that is not undone here.
#[cfg(feature = "packers")]
fn packer(compression: u32) -> Option<Codec> {
    match compression {
        LZMA => Some(Codec::Lzma),
        ZSTANDARD => Some(Codec::Zstandard),
        _ => None,
    }
}

#[cfg(not(feature = "packers"))]
fn packer(_: u32) -> Option<()> {
    None
}

fn reason(error: TiffError) -> Reason {
    match error {
        TiffError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Reason::Truncated,
        // The one limit left to the decoder is the file's length.
        TiffError::LimitsExceeded => Reason::Truncated,
        TiffError::UnsupportedError(_) => Reason::UnsupportedFormat,
        _ => Reason::Corrupt,
    }
}
