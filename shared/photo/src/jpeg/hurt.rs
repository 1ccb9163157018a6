//! What a hurt JPEG still shows, as browsers do: rows up to where it ends, or a blurred picture, or all but a
//! stripe.

use super::clean::Clean;
use super::{common_kind, is_common};
use crate::pixels::Raster;
use crate::{Detail, Limits};

/// Scans of a progressive picture that give all of it, if blurred: the first one, and a second that had
/// begun.
const SCANS_MIN: usize = 2;

/// The decoder paints in one brightness what it does not find.
pub(super) fn read(clean: &Clean, detail: Detail, limits: &Limits) -> Option<Raster> {
    if !is_common(clean) {
        return None;
    }
    if clean.frame.progressive && clean.scans < SCANS_MIN {
        return None;
    }
    let raster = common_kind(clean, detail, false).ok()?;
    let rows = painted_rows(&raster);
    raster.first_rows(rows, limits)
}

/// Rows before those at the end that show nothing.
fn painted_rows(raster: &Raster) -> u32 {
    let frame = raster.frame();
    let bytes = frame.layout.bytes_per_pixel();
    let stride = (frame.width_px as usize * bytes).max(1);
    let rows = frame.samples.chunks_exact(stride);
    let nothing = rows.rev().take_while(|row| is_flat(row, bytes)).count();
    frame.height_px - u32::try_from(nothing).unwrap_or(frame.height_px)
}

fn is_flat(row: &[u8], bytes: usize) -> bool {
    let mut pixels = row.chunks_exact(bytes);
    let first = pixels.next().unwrap_or_default();
    pixels.all(|pixel| pixel == first)
}
