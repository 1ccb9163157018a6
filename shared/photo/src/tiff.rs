//! TIFF: what cameras, scanners and fax machines write, and its twin for files of more than 4 GB.
//!
//! The library unpacks strips and tiles; it is told that they hold plain samples, and what those mean is
//! read here. JPEGs inside go to the JPEG decoder, since they could claim any size.

mod chunks;
mod faxes;
mod form;
mod jpegs;
mod strips;

use std::io::{Cursor, ErrorKind};

use ::tiff::TiffError;
use ::tiff::decoder::{Decoder, Limits as TiffLimits};

use crate::exif::Directory;
use crate::frames::{self, Visit};
use crate::pixels::Raster;
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
const YCBCR_SUBSAMPLING: u16 = 0x212;
/// Offsets and lengths of strips and tiles.
const CHUNK_TAGS: [u16; 4] = [0x111, 0x117, 0x144, 0x145];
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
    0x153,
    0x15b,
    YCBCR_SUBSAMPLING,
    exif::ORIENTATION,
];
/// Tables of the JPEGs inside: more than a few values, and not many.
const JPEG_TABLES: u16 = 0x15b;
const TABLES_BYTES_MAX: u64 = 64 << 10;

/// Most strips or tiles: the decoder holds 80 bytes for each.
const CHUNKS_MAX: u64 = 65_536;
/// Extra samples beside the colour are skipped by the decoder; nobody needs more than a few.
const SAMPLES_MAX: u32 = 8;
/// None, LZW, Deflate by both numbers, PackBits.
const COMPRESSIONS: [u32; 5] = [1, 5, 8, 32_773, 32_946];
/// Fax of group 3 without its lines' ends, of group 3, and of group 4.
const FAXES: [u32; 3] = [2, 3, 4];
const JPEG: u32 = 7;

/// Pages that are looked for.
const PAGES_MAX: usize = 64;

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

pub(crate) fn decode(
    bytes: &[u8],
    _: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let pages = pages(bytes)?;
    let pixels = |page: &Directory<'_>| {
        let side = |tag| u64::from(page.number(tag).unwrap_or_default());
        side(WIDTH) * side(HEIGHT)
    };
    // The first of the largest.
    let largest = pages
        .iter()
        .enumerate()
        .rev()
        .max_by_key(|(_, page)| pixels(page));
    let (number, page) = largest.ok_or(Reason::Truncated)?;
    Ok((read(bytes, page, number, limits)?, page.orientation()))
}

/// Shows every page.
pub(crate) fn walk(bytes: &[u8], limits: &Limits, visit: Visit<'_>) -> Result<(), Reason> {
    for (number, page) in pages(bytes)?.iter().enumerate() {
        let side = |tag| page.number(tag).unwrap_or_default();
        let (width_px, height_px) = (side(WIDTH), side(HEIGHT));
        if frames::admit_page(width_px, height_px, limits).is_err() {
            continue;
        }
        let Ok(raster) = read(bytes, page, number, limits) else {
            continue;
        };
        let raster = frames::of_page(raster, limits)?;
        let mut frame = raster.frame();
        frame.orientation = page.orientation();
        frame.weight = u64::from(width_px) * u64::from(height_px);
        frame.page = u32::try_from(number).ok();
        if !visit(&frame)? {
            return Ok(());
        }
    }
    Ok(())
}

fn pages(bytes: &[u8]) -> Result<Vec<Directory<'_>>, Reason> {
    let mut pages = vec![Directory::first(bytes).ok_or(Reason::Truncated)?];
    while let Some(next) = pages.last().and_then(Directory::next) {
        let seen = pages.iter().any(|page| page.place() == next.place());
        if seen || pages.len() >= PAGES_MAX {
            break;
        }
        pages.push(next);
    }
    Ok(pages)
}

fn read(
    bytes: &[u8],
    page: &Directory<'_>,
    number: usize,
    limits: &Limits,
) -> Result<Raster, Reason> {
    let sides = check(page, limits)?;
    let form = Form::of(page)?;
    let sheet = Sheet::new(sides, &form, limits)?;
    match page.number(COMPRESSION) {
        Some(JPEG) => return jpegs::read(bytes, page, sheet),
        Some(fax) if FAXES.contains(&fax) => return faxes::read(bytes, page, fax, sheet),
        _ => {}
    }
    let plain = plain(bytes, page)?;
    let mut tiff_limits = TiffLimits::default();
    tiff_limits.intermediate_buffer_size = bytes.len();
    tiff_limits.decoding_buffer_size = usize::MAX; // judged by the dimensions
    let mut decoder = Decoder::new(Cursor::new(plain.as_slice()))
        .map_err(reason)?
        .with_limits(tiff_limits);
    decoder.seek_to_image(number).map_err(reason)?;
    if decoder.dimensions().map_err(reason)? != sides {
        return Err(Reason::Corrupt);
    }
    sheet.read(&mut decoder)
}

/// The file, whose page says that its samples are plain brightness: the library then leaves them as they
/// are, however many they are and whatever they mean.
fn plain(bytes: &[u8], page: &Directory<'_>) -> Result<Vec<u8>, Reason> {
    const BLACK_IS_ZERO: u16 = 1;
    let mut plain = bytes.to_vec();
    let instead = page.instead(PHOTOMETRIC, BLACK_IS_ZERO);
    let (at, value) = instead.ok_or(Reason::Corrupt)?;
    let place = plain.get_mut(at..at + value.len());
    place.ok_or(Reason::Truncated)?.copy_from_slice(&value);
    Ok(plain)
}

/// Judges the directory before the decoder reads it; gives width and height in pixels.
fn check(directory: &Directory<'_>, limits: &Limits) -> Result<(u32, u32), Reason> {
    if !directory.is_whole() {
        return Err(Reason::Truncated);
    }
    let width_px = directory.number(WIDTH).ok_or(Reason::Corrupt)?;
    let height_px = directory.number(HEIGHT).ok_or(Reason::Corrupt)?;
    limits.admit(width_px, height_px)?;
    let samples = directory.number(SAMPLES).unwrap_or(1);
    let compression = directory.number(COMPRESSION).unwrap_or(1);
    let known = [&COMPRESSIONS[..], &FAXES, &[JPEG]].concat();
    if samples > SAMPLES_MAX || !known.contains(&compression) {
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

fn reason(error: TiffError) -> Reason {
    match error {
        TiffError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Reason::Truncated,
        // The one limit left to the decoder is the file's length.
        TiffError::LimitsExceeded => Reason::Truncated,
        TiffError::UnsupportedError(_) => Reason::UnsupportedFormat,
        _ => Reason::Corrupt,
    }
}
