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
    if let Some(file) = with_lost_intervals(&clean.file) {
        let repaired = Clean { file, ..*clean };
        let raster = common_kind(&repaired, detail, limits, false).ok()?;
        return raster.first_rows(clean.frame.height_px, limits);
    }
    let raster = common_kind(clean, detail, limits, false).ok()?;
    let rows = painted_rows(&raster);
    raster.first_rows(rows, limits)
}

/// Intervals in a row that may be lost: restarts are numbered from 0 to 7 only.
const LOST_MAX: usize = 3;

/// The file with the interval before in place of each that is lost, as the restarts' numbers tell, so that
/// what follows lies where it belongs; none if no interval is lost.
fn with_lost_intervals(file: &[u8]) -> Option<Vec<u8>> {
    let scan = memchr::memmem::find(file, b"\xff\xda")?;
    let mut repaired = file.get(..scan)?.to_vec();
    let (mut from, mut expected, mut lost) = (scan, 0, 0);
    let data = scan + 2;
    for at in memchr::memchr_iter(0xff, file.get(data..)?).map(|at| at + data) {
        let Some(number @ 0xd0..=0xd7) = file.get(at + 1).copied() else {
            continue;
        };
        let interval = file.get(from..at)?;
        repaired.extend_from_slice(interval);
        let missing = (usize::from(number - 0xd0) + 8 - expected) % 8;
        if (1..=LOST_MAX).contains(&missing) && from > scan {
            lost += missing;
            for step in 0..missing {
                repaired.extend_from_slice(&restart(expected + step));
                repaired.extend_from_slice(interval.get(2..)?);
            }
            expected += missing;
        }
        expected = (expected + 1) % 8;
        from = at;
    }
    repaired.extend_from_slice(file.get(from..)?);
    (lost > 0).then_some(repaired)
}

fn restart(number: usize) -> [u8; 2] {
    [0xff, 0xd0 + u8::try_from(number % 8).expect("below 8")]
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
