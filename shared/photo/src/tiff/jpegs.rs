//! Strips and tiles that are JPEGs, whose tables may stand once for all.

use super::JPEG_TABLES;
use super::chunks::Chunks;
use super::form::Meaning;
use super::strips::Sheet;
use crate::exif::Directory;
use crate::pixels::{Layout, Raster};
use crate::{Detail, Limits, Reason, jpeg, webp};

/// Says that three components are colours as they are.
const ADOBE_RGB: &[u8] = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0";
const START: &[u8] = b"\xff\xd8";

/// Where a JPEG of the old kind starts that is a file of its own.
const OLD_START: u16 = 0x201;

pub(super) fn read(
    bytes: &[u8],
    page: &Directory<'_>,
    mut sheet: Sheet<'_>,
) -> Result<Raster, Reason> {
    let (form, limits) = (sheet.form, sheet.limits);
    let has_alpha = matches!(form.layout, Layout::LumaAlpha | Layout::Rgba);
    if form.bits != 8 || has_alpha {
        return Err(Reason::UnsupportedFormat);
    }
    let chunks = Chunks::of(bytes, page, &mut sheet)?;
    let tables = page.bytes(JPEG_TABLES).unwrap_or_default();
    for plane in 0..sheet.planes() {
        for chunk in chunks.each(plane) {
            let (piece, place) = chunk?;
            let file = whole(piece, tables, form.meaning);
            let raster = decoded(&file, (chunks.width, chunks.height), form.layout, &limits)?;
            put(&mut sheet, &raster, place, plane)?;
        }
    }
    sheet.into_raster()
}

/// Strips and tiles that are WebPs.
pub(super) fn read_webps(
    bytes: &[u8],
    page: &Directory<'_>,
    mut sheet: Sheet<'_>,
) -> Result<Raster, Reason> {
    let form = sheet.form;
    let is_known = form.meaning == Meaning::Rgb && form.bits == 8 && !form.is_planar;
    if !is_known || form.samples != form.layout.bytes_per_pixel() {
        return Err(Reason::UnsupportedFormat);
    }
    let chunks = Chunks::of(bytes, page, &mut sheet)?;
    let own = own_limits((chunks.width, chunks.height));
    for chunk in chunks.each(0) {
        let (piece, place) = chunk?;
        let (raster, _) = webp::decode(piece, Detail::Colour, &own)?;
        put(&mut sheet, &raster, place, 0)?;
    }
    sheet.into_raster()
}

/// A page whose JPEG is a file of its own within this one. Those whose tables lie apart are not read.
pub(super) fn read_old(
    bytes: &[u8],
    page: &Directory<'_>,
    (width, height): (u32, u32),
    limits: &Limits,
) -> Result<Raster, Reason> {
    let start = page.number(OLD_START).ok_or(Reason::UnsupportedFormat)?;
    let file = usize::try_from(start).ok().and_then(|at| bytes.get(at..));
    let file = file.ok_or(Reason::Truncated)?;
    if !file.starts_with(START) {
        return Err(Reason::UnsupportedFormat);
    }
    let raster = decoded(file, (width, height), Layout::Rgb, limits)?;
    let frame = raster.frame();
    if (frame.width_px, frame.height_px) != (width, height) {
        return Err(Reason::Corrupt);
    }
    Ok(raster)
}

/// A JPEG of its own: start, tables without their start and end, and the rest.
fn whole(piece: &[u8], tables: &[u8], meaning: Meaning) -> Vec<u8> {
    let tables = tables.strip_prefix(START).unwrap_or_default();
    let tables = tables.strip_suffix(b"\xff\xd9").unwrap_or(tables);
    let colours: &[u8] = if meaning == Meaning::Rgb {
        ADOBE_RGB
    } else {
        &[]
    };
    let rest = piece.strip_prefix(START).unwrap_or(piece);
    [START, colours, tables, rest].concat()
}

/// Those of a strip or tile of these sides.
fn own_limits((width, height): (u32, u32)) -> Limits {
    Limits {
        bytes_max: usize::MAX,
        pixels_max: u64::from(width) * u64::from(height),
        reduced_px_max: 0,
        side_px_min: 1,
        side_px_max: width.max(height),
    }
}

/// It may not be larger than its strip or tile.
fn decoded(
    file: &[u8],
    (width, height): (u32, u32),
    layout: Layout,
    limits: &Limits,
) -> Result<Raster, Reason> {
    let own = own_limits((width, height));
    if layout == Layout::Cmyk {
        return jpeg::inks(file, &own, limits);
    }
    jpeg::decode_part(file, &own, limits)
}

fn put(
    sheet: &mut Sheet<'_>,
    raster: &Raster,
    (left, top): (u32, u32),
    plane: usize,
) -> Result<(), Reason> {
    let frame = raster.frame();
    let bytes = frame.layout.bytes_per_pixel();
    let (form, height) = (sheet.form, sheet.height);
    let wanted = if form.is_planar {
        Layout::Luma
    } else {
        form.layout
    };
    if frame.layout != wanted {
        return Err(Reason::UnsupportedFormat);
    }
    // Of samples that mean colours as they are, black may be at either end, and alpha in them.
    let has_meaning = matches!(form.meaning, Meaning::WhiteIsZero | Meaning::Rgb);
    let is_as_stored = has_meaning && form.samples == bytes;
    let stride = (frame.width_px as usize * bytes).max(1);
    for (row, y) in frame.samples.chunks_exact(stride).zip(top..height) {
        let place = (left, y, frame.width_px);
        if form.is_planar || is_as_stored {
            sheet.place_row(row, place, plane)?;
        } else {
            sheet.place_colours(row, place)?;
        }
    }
    Ok(())
}
