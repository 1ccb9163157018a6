//! Strips and tiles that are JPEGs, whose tables may stand once for all.

use super::JPEG_TABLES;
use super::chunks::Chunks;
use super::form::Meaning;
use super::strips::Sheet;
use crate::exif::Directory;
use crate::pixels::{Layout, Raster};
use crate::{Detail, Limits, Reason, jpeg};

/// Says that three components are colours as they are.
const ADOBE_RGB: &[u8] = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0";
const START: &[u8] = b"\xff\xd8";

pub(super) fn read(
    bytes: &[u8],
    page: &Directory<'_>,
    mut sheet: Sheet<'_>,
) -> Result<Raster, Reason> {
    let form = sheet.form;
    if form.is_planar || form.bits != 8 || !matches!(form.layout, Layout::Luma | Layout::Rgb) {
        return Err(Reason::UnsupportedFormat);
    }
    let chunks = Chunks::of(bytes, page, &mut sheet)?;
    let tables = page.bytes(JPEG_TABLES).unwrap_or_default();
    for chunk in chunks.each() {
        let (piece, place) = chunk?;
        let file = whole(piece, tables, form.meaning);
        let raster = decoded(&file, (chunks.width, chunks.height))?;
        put(&mut sheet, &raster, place)?;
    }
    sheet.into_raster()
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

/// It may not be larger than its strip or tile.
fn decoded(file: &[u8], (width, height): (u32, u32)) -> Result<Raster, Reason> {
    let limits = Limits {
        bytes_max: usize::MAX,
        pixels_max: u64::from(width) * u64::from(height),
        side_px_min: 1,
        side_px_max: width.max(height),
    };
    let (raster, _) = jpeg::decode(file, Detail::Colour, &limits)?;
    Ok(raster)
}

fn put(sheet: &mut Sheet<'_>, raster: &Raster, (left, top): (u32, u32)) -> Result<(), Reason> {
    let frame = raster.frame();
    let bytes = frame.layout.bytes_per_pixel();
    if frame.layout != sheet.form.layout {
        return Err(Reason::UnsupportedFormat);
    }
    let stride = (frame.width_px as usize * bytes).max(1);
    let height = sheet.height;
    for (row, y) in frame.samples.chunks_exact(stride).zip(top..height) {
        sheet.place_colours(row, (left, y, frame.width_px))?;
    }
    Ok(())
}
