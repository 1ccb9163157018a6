//! Every frame of an animation, drawn on what the ones before left.

use ::gif::{DecodeOptions, DisposalMethod, MemoryLimit};

use super::{Screen as Sides, reason};
use crate::bytes::le16;
use crate::frames::{self, Screen, Visit};
use crate::pixels::{Layout, Raster};
use crate::{Limits, Reason};

/// What browsers make of a frame's time if it is next to none, in milliseconds.
const SHORTEST_MS: u64 = 100;

pub(crate) fn walk(bytes: &[u8], limits: &Limits, visit: Visit<'_>) -> Result<u32, Reason> {
    let sides = Sides {
        width: le16(bytes, 6).ok_or(Reason::Truncated)?,
        height: le16(bytes, 8).ok_or(Reason::Truncated)?,
    };
    let mut options = DecodeOptions::new();
    options.allow_unknown_blocks(true);
    options.set_memory_limit(MemoryLimit::Unlimited); // we bring the buffer
    let mut decoder = options.read_info(bytes).map_err(reason)?;
    let mut screen = None;
    let mut missed = 0;
    while let Some(frame) = decoder.next_frame_info().map_err(reason)?.cloned() {
        let sides = sides.grown_to(&frame)?;
        if frames::admit(sides.width.into(), sides.height.into(), limits).is_err() {
            missed += 1;
            continue;
        }
        let screen = match &mut screen {
            Some(screen) => screen,
            none => none.insert(Screen::new(sides.width.into(), sides.height.into())?),
        };
        let mut indices = vec![0; usize::from(frame.width) * usize::from(frame.height)];
        decoder.read_into_buffer(&mut indices).map_err(reason)?;
        let raster = coloured(&frame, &indices, decoder.palette().map_err(reason)?)?;
        let at = (u32::from(frame.left), u32::from(frame.top));
        let kept = (frame.dispose == DisposalMethod::Previous).then(|| screen.kept());
        screen.draw(&raster, at, true)?;
        let shown_ms = u64::from(frame.delay) * 10;
        let weight = if shown_ms < 20 { SHORTEST_MS } else { shown_ms };
        if !visit(&screen.frame(weight))? {
            return Ok(missed);
        }
        if let Some(kept) = kept {
            screen.restore(kept);
        } else if frame.dispose == DisposalMethod::Background {
            screen.clear((at.0, at.1, frame.width.into(), frame.height.into()));
        }
    }
    Ok(missed)
}

fn coloured(frame: &::gif::Frame<'_>, indices: &[u8], palette: &[u8]) -> Result<Raster, Reason> {
    let mut samples = Vec::with_capacity(indices.len() * 4);
    for index in indices {
        let at = usize::from(*index) * 3;
        let colour = palette.get(at..at + 3).unwrap_or(&[0; 3]);
        samples.extend_from_slice(colour);
        samples.push(if frame.transparent == Some(*index) {
            0
        } else {
            255
        });
    }
    Raster::new(
        frame.width.into(),
        frame.height.into(),
        Layout::Rgba,
        samples,
    )
}
