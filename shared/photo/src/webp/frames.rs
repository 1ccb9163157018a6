//! Every frame of an animated WebP, drawn on what the ones before left.

use super::{Chunks, HEADER_BYTES, Parts, le24};
use crate::frames::{self, Screen, Visit};
use crate::{Limits, Reason};

/// Where a frame's fields have its time, and how it is drawn.
const TIME_AT: usize = 12;
const FLAGS_AT: usize = 15;
/// Clears a frame's place afterwards.
const CLEAR: u8 = 1;
/// Puts a frame in place of what is there.
const REPLACE: u8 = 2;

pub(crate) fn walk(bytes: &[u8], limits: &Limits, visit: Visit<'_>) -> Result<u32, Reason> {
    let mut chunks = Chunks::new(bytes.get(HEADER_BYTES..).unwrap_or_default());
    let frames: Vec<&[u8]> = chunks
        .by_ref()
        .filter_map(|(kind, data)| (kind == *b"ANMF").then_some(data))
        .collect();
    if frames.is_empty() {
        return Ok(0);
    }
    let whole = Parts::of(bytes)?;
    let canvas = whole.canvas.ok_or(Reason::Corrupt)?;
    let missed = u32::from(whole.cut);
    if frames::admit(canvas.0, canvas.1, limits).is_err() {
        return Ok(missed.saturating_add(u32::try_from(frames.len()).unwrap_or(u32::MAX)));
    }
    let mut screen = Screen::new(canvas.0, canvas.1)?;
    for data in frames {
        let mut parts = Parts::default();
        parts.first_frame(data)?;
        let (still, at) = parts.still.zip(parts.offset).ok_or(Reason::Corrupt)?;
        let (width_px, height_px) = still.dimensions()?;
        limits.admit_part(width_px, height_px)?;
        frames::admit(width_px, height_px, limits)?;
        let flags = *data.get(FLAGS_AT).ok_or(Reason::Corrupt)?;
        let shown_ms = le24(data, TIME_AT).ok_or(Reason::Corrupt)?;
        screen.draw(&still.read(width_px, height_px)?, at, flags & REPLACE == 0)?;
        if !visit(&screen.frame(u64::from(shown_ms).max(10)))? {
            return Ok(missed);
        }
        if flags & CLEAR != 0 {
            screen.clear((at.0, at.1, width_px, height_px));
        }
    }
    Ok(missed)
}
