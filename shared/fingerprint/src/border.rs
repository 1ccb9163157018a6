//! Flat borders: frames, letterboxes and bars around a photo.
//!
//! A side is trimmed line by line for as long as lines look like its outermost one. That one may
//! be of any colour; a little JPEG noise is allowed, and a few stray pixels. Only luma counts, so
//! a luma-only decoded ad is trimmed where its reference in colour is.

use std::ops::Range;

use crate::picture::{Region, milliluma};

/// How far the mean luma of a flat line may lie from the border's, in levels of 255. Lines of a
/// border differ by less than 2 down to JPEG quality 10; slopes such as skies soon differ by more.
const MEAN_LEVELS_MAX: u32 = 5;

/// How far a pixel of a flat line may lie from the border's level. JPEG rings by up to 20 levels
/// where a border meets a photo.
const PIXEL_LEVELS_MAX: u32 = 20;

/// One in this many pixels of a flat line may lie farther off.
const STRAY_PIXELS_ONE_IN: usize = 50;

/// One part in this many of each side's length is kept at least, or nothing is trimmed. The most
/// that honest edits need is 16:9 within 9:16, which keeps a third.
const KEPT_ONE_IN: usize = 5;

/// A border under one in this many of both sides' lengths is none: trimming it moves a hash by
/// less than a re-encoding does.
const BORDER_ONE_IN: usize = 100;

/// Frames within frames: how often the four sides are looked at.
const ROUNDS_MAX: usize = 3;

/// Shorter sides are not trimmed: a hash of what is left would be one of its noise.
const KEPT_PX_MIN: usize = 32;

/// The region without its flat border; `None` if it has none to speak of.
pub(crate) fn without_border<'a>(region: &Region<'a>) -> Option<Region<'a>> {
    let (columns, rows) = bounds(region)?;
    let kept_enough = |kept: usize, of: usize| kept >= KEPT_PX_MIN && kept * KEPT_ONE_IN >= of;
    let removed_enough = |kept: usize, of: usize| (of - kept) * BORDER_ONE_IN >= of;
    let (width, height) = (region.width_px(), region.height_px());
    let trims = removed_enough(columns.len(), width) || removed_enough(rows.len(), height);
    let keeps = kept_enough(columns.len(), width) && kept_enough(rows.len(), height);
    (trims && keeps).then(|| region.cut(columns, rows))
}

/// The columns and rows within the border; `None` if all is flat.
fn bounds(region: &Region<'_>) -> Option<(Range<usize>, Range<usize>)> {
    let (mut columns, mut rows) = (0..region.width_px(), 0..region.height_px());
    for _ in 0..ROUNDS_MAX {
        let before = columns.clone();
        rows = trimmed(rows, |y| columns.clone().map(move |x| luma(region, x, y)))?;
        columns = trimmed(columns, |x| rows.clone().map(move |y| luma(region, x, y)))?;
        if columns == before {
            break; // rows look as they did: another round would only creep up a slope
        }
    }
    Some((columns, rows))
}

fn luma(region: &Region<'_>, x: usize, y: usize) -> u8 {
    match *region.pixel(x, y) {
        [luma] => luma,
        ref pixel => u8::try_from(milliluma(pixel) / 1000).expect("at most 255"),
    }
}

/// The lines that are left when flat ones are taken from both ends; `None` if none are.
fn trimmed<L>(lines: Range<usize>, line: impl Fn(usize) -> L) -> Option<Range<usize>>
where
    L: ExactSizeIterator<Item = u8>,
{
    let first_level = median(line(lines.start));
    let start = lines.clone().find(|&i| !is_flat(line(i), first_level))?;
    let last_level = median(line(lines.end - 1));
    let end = lines.rev().find(|&i| !is_flat(line(i), last_level))? + 1;
    (start < end).then_some(start..end)
}

fn median(line: impl ExactSizeIterator<Item = u8>) -> u8 {
    let middle = line.len() / 2;
    let mut counts = [0_usize; 256];
    line.for_each(|level| counts[usize::from(level)] += 1);
    let mut seen = 0;
    let level = counts.iter().position(|count| {
        seen += count;
        seen > middle
    });
    u8::try_from(level.expect("a line has pixels")).expect("one of 256 levels")
}

/// True if a line is of one level, give or take. Stops at the first pixel too many, so a photo
/// without border costs next to nothing.
fn is_flat(line: impl ExactSizeIterator<Item = u8>, level: u8) -> bool {
    let length = line.len();
    let mut stray_left = length / STRAY_PIXELS_ONE_IN;
    let mut off_by = 0_u32;
    for pixel in line {
        let off = u32::from(pixel.abs_diff(level));
        off_by += off;
        if off > PIXEL_LEVELS_MAX {
            match stray_left.checked_sub(1) {
                Some(left) => stray_left = left,
                None => return false,
            }
        }
    }
    off_by <= MEAN_LEVELS_MAX * u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
