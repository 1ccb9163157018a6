//! What was drawn over a photo: bands, letters, stickers, strokes. All that a site puts over its
//! pictures is alike, so it says nothing about the photo below.
//!
//! Drawn areas have one level throughout, and the same one in many places; what a camera sees has
//! grain, or shades off.

use super::plane::Plane;

/// Levels between a pixel and those two off, up to which it lies in an area of one level.
const FLAT_LEVELS: f32 = 3.0;
/// The share of the picture that a drawn level has at least.
const LEVEL_SHARE_MIN: f32 = 0.002;
/// Of flat pixels with about a drawn level, the share that has it within a step.
const SHARP_SHARE_MIN: f32 = 0.5;
/// Levels about a drawn one that are compared with it.
const ABOUT_LEVELS: usize = 8;
/// How far what is drawn reaches beyond its flat inside, in pixels.
const RIM_PX: usize = 4;

/// The places of a picture that were drawn, as sums of all above and left of each corner.
pub(super) struct Drawn {
    width: usize,
    height: usize,
    sums: Vec<u32>,
}

impl Drawn {
    pub fn of(picture: &Plane) -> Self {
        let (width, height) = (picture.width, picture.height);
        let flat = flat(picture);
        let known = levels(picture, &flat);
        let mut drawn = vec![false; flat.len()];
        for (at, value) in picture.values.iter().enumerate() {
            drawn[at] = flat[at] && known[level(*value)];
        }
        let spread = spread(&drawn, width, height);
        let mut sums = vec![0; (width + 1) * (height + 1)];
        for y in 0..height {
            let mut line = 0;
            for x in 0..width {
                line += u32::from(spread[y * width + x]);
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + line;
            }
        }
        Self {
            width,
            height,
            sums,
        }
    }

    /// The share of a square about a place that was drawn.
    pub fn share(&self, (x, y): (f32, f32), reach: f32) -> f32 {
        let within = |at: f32, side: usize| (at.max(0.0) as usize).min(side);
        let (left, right) = (
            within(x - reach, self.width),
            within(x + reach + 1.0, self.width),
        );
        let (top, low) = (
            within(y - reach, self.height),
            within(y + reach + 1.0, self.height),
        );
        let at = |x: usize, y: usize| self.sums[y * (self.width + 1) + x];
        let count = at(right, low) + at(left, top) - at(right, top) - at(left, low);
        count as f32 / ((right - left) * (low - top)).max(1) as f32
    }
}

/// Pixels that lie in an area of one level.
fn flat(picture: &Plane) -> Vec<bool> {
    let (width, height) = (picture.width, picture.height);
    let mut flat = vec![false; width * height];
    for y in 2..height.saturating_sub(2) {
        let rows = [y - 2, y - 1, y, y + 1, y + 2].map(|y| picture.row(y));
        for x in 2..width.saturating_sub(2) {
            let here = rows[2][x];
            let is_near = |value: f32| (value - here).abs() <= FLAT_LEVELS;
            flat[y * width + x] = is_near(rows[2][x - 2])
                && is_near(rows[2][x + 2])
                && is_near(rows[0][x])
                && is_near(rows[4][x])
                && is_near(rows[1][x - 1])
                && is_near(rows[1][x + 1])
                && is_near(rows[3][x - 1])
                && is_near(rows[3][x + 1]);
        }
    }
    flat
}

/// Which levels were drawn.
fn levels(picture: &Plane, flat: &[bool]) -> [bool; 256] {
    let mut counts = [0usize; 256];
    let pairs = picture.values.iter().zip(flat);
    pairs.for_each(|(value, flat)| counts[level(*value)] += usize::from(*flat));
    let least = (flat.len() as f32 * LEVEL_SHARE_MIN) as usize;
    let about = |at: usize, reach: usize| -> usize {
        counts[at.saturating_sub(reach)..=(at + reach).min(255)]
            .iter()
            .sum()
    };
    let mut known = [false; 256];
    for at in 0..256 {
        let near = about(at, 1);
        let is_top = counts[at] >= about(at, 1).div_ceil(3);
        if is_top && near > least && near as f32 >= SHARP_SHARE_MIN * about(at, ABOUT_LEVELS) as f32
        {
            known[at.saturating_sub(2)..=(at + 2).min(255)].fill(true);
        }
    }
    known
}

fn level(value: f32) -> usize {
    value.round().clamp(0.0, 255.0) as usize
}

/// What is drawn, and what is next to it.
fn spread(drawn: &[bool], width: usize, height: usize) -> Vec<bool> {
    let mut across = vec![false; drawn.len()];
    for y in 0..height {
        for x in (0..width).filter(|x| drawn[y * width + x]) {
            let (from, to) = (x.saturating_sub(RIM_PX), (x + RIM_PX).min(width - 1));
            across[y * width + from..=y * width + to].fill(true);
        }
    }
    let mut both = across.clone();
    for y in 0..height {
        for near in y.saturating_sub(RIM_PX)..=(y + RIM_PX).min(height - 1) {
            for x in 0..width {
                both[y * width + x] |= across[near * width + x];
            }
        }
    }
    both
}
