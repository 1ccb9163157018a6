//! Strips and tiles that are faxes.

use super::chunks::Chunks;
use super::strips::Sheet;
use crate::Reason;
use crate::exif::Directory;
use crate::fax::{Coding, Fax};
use crate::pixels::Raster;

const FILL_ORDER: u16 = 0x10a;
/// What group 3 is free to do.
const OPTIONS: u16 = 0x124;
const IN_TWO_DIRECTIONS: u32 = 1;

pub(super) fn read(
    bytes: &[u8],
    page: &Directory<'_>,
    compression: u32,
    mut sheet: Sheet<'_>,
) -> Result<Raster, Reason> {
    if sheet.form.bits != 1 || sheet.form.samples != 1 {
        return Err(Reason::UnsupportedFormat);
    }
    let chunks = Chunks::of(bytes, page, &mut sheet)?;
    let options = page.number(OPTIONS).unwrap_or_default();
    let coding = match compression {
        4 => Coding::Group4,
        3 if options & IN_TWO_DIRECTIONS != 0 => Coding::Group3_2D,
        _ => Coding::Group3_1D,
    };
    let is_turned = page.number(FILL_ORDER) == Some(2);
    for chunk in chunks.each(0) {
        let (piece, (left, top)) = chunk?;
        let fax = Fax {
            width_px: chunks.width,
            height_px: chunks.rows(top),
            coding,
            is_aligned: compression == 2,
        };
        let rows = if is_turned {
            let turned: Vec<u8> = piece.iter().map(|byte| byte.reverse_bits()).collect();
            fax.read(&turned)?
        } else {
            fax.read(piece)?
        };
        sheet.place_packed(&rows, (left, top, chunks.width), 0)?;
    }
    sheet.into_raster()
}
