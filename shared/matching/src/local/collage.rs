//! The panels of a collage: an ad cut along straight seams from side to side.

use features::Grey;

use super::layout::{commonest, is_flat, luma};

/// An upright rectangle of an ad, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panel {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

/// Cuts in a row: panels of panels of panels.
const DEPTH_MAX: usize = 4;
/// A panel's shortest side, in shares of the ad's, and in pixels.
const SIDE_SHARE_MIN: f32 = 0.14;
const SIDE_PX_MIN: usize = 24;
/// Grey levels by which the two sides of a seam differ, and by which a thin gap differs from both.
const STEP_LEVELS: i32 = 10;
/// The share of a seam's length along which the picture changes at least: across all of the ad,
/// and across a part of it, which is shorter and more likely an edge of what is shown.
const SEAM_SHARE: f32 = 0.62;
const INNER_SEAM_SHARE: f32 = 0.75;
/// The share of what agrees with the reference that may lie across a seam: it is one picture.
const ACROSS_MAX: f32 = 0.05;
/// By how much more it changes there than next to it.
const STANDS_OUT: f32 = 0.3;
/// How far from a seam its surroundings are looked at, in pixels: beyond a gap's other rim.
const NEXT_TO_PX: std::ops::RangeInclusive<usize> = 5..=10;
/// From this share of flat places of about one grey on, a panel is no picture.
const ONE_GREY_SHARE: f32 = 0.8;

/// A cut between two columns or rows.
struct Seam {
    at: usize,
    share: f32,
    stands_out: f32,
}

/// The panels of an ad; one if it has no seam. What lies at `together`, in pixels, is not cut apart.
pub(super) fn panels(ad: &Grey, together: &[(f32, f32)]) -> Vec<Panel> {
    let whole = Panel {
        left: 0,
        top: 0,
        right: ad.width_px,
        bottom: ad.height_px,
    };
    let mut panels = Vec::new();
    whole.cut(ad, together, DEPTH_MAX, &mut panels);
    panels
}

impl Panel {
    /// Whether a place lies within, or up to `margin_px` next to it.
    pub fn holds(&self, (x, y): (f32, f32), margin_px: f32) -> bool {
        let between = |at: f32, from: usize, to: usize| {
            at >= from as f32 - margin_px && at <= to as f32 + margin_px
        };
        between(x, self.left, self.right) && between(y, self.top, self.bottom)
    }

    /// Whether it shows something, rather than a flat area.
    pub fn is_picture(&self, ad: &Grey) -> bool {
        let mut levels = [0; 256];
        for y in self.top..self.bottom {
            for x in (self.left..self.right).filter(|x| is_flat(ad, *x, y)) {
                levels[usize::from(luma(ad, x, y))] += 1;
            }
        }
        (commonest(&levels) as f32) < ONE_GREY_SHARE * self.area() as f32
    }

    /// Whether it reaches the ad's edge. Tiles of up to eight do; a picture in the middle of
    /// another one does not, though seams may seem to cut it out.
    pub fn touches(&self, ad: &Grey) -> bool {
        let (right, bottom) = (self.right == ad.width_px, self.bottom == ad.height_px);
        self.left == 0 || self.top == 0 || right || bottom
    }

    /// Its pixels.
    pub fn area(&self) -> usize {
        (self.right - self.left) * (self.bottom - self.top)
    }

    fn cut(self, ad: &Grey, together: &[(f32, f32)], depth: usize, panels: &mut Vec<Self>) {
        let upright = seam(
            (self.left, self.right),
            (self.top, self.bottom),
            ad.width_px,
            |x, y| i32::from(luma(ad, x, y)),
        );
        let level = seam(
            (self.top, self.bottom),
            (self.left, self.right),
            ad.height_px,
            |y, x| i32::from(luma(ad, x, y)),
        );
        let strength = |seam: &Option<Seam>| seam.as_ref().map_or(0.0, |s| s.share + s.stands_out);
        let is_upright = strength(&upright) >= strength(&level);
        let share_min = if depth == DEPTH_MAX {
            SEAM_SHARE
        } else {
            INNER_SEAM_SHARE
        };
        let seam = if is_upright { upright } else { level };
        let halves = seam
            .filter(|seam| depth > 0 && seam.share >= share_min)
            .map(|seam| self.halves(seam.at, is_upright))
            .filter(|halves| !separates(halves, together));
        let Some(halves) = halves else {
            return panels.push(self);
        };
        for half in halves {
            half.cut(ad, together, depth - 1, panels);
        }
    }

    fn halves(self, at: usize, is_upright: bool) -> [Self; 2] {
        match is_upright {
            true => [Self { right: at, ..self }, Self { left: at, ..self }],
            false => [Self { bottom: at, ..self }, Self { top: at, ..self }],
        }
    }
}

/// Whether a cut separates what lies together.
fn separates(halves: &[Panel; 2], together: &[(f32, f32)]) -> bool {
    let within = |half: &Panel| together.iter().filter(|at| half.holds(**at, 0.0)).count();
    let [first, second] = [within(&halves[0]), within(&halves[1])];
    first.min(second) as f32 > ACROSS_MAX * (first + second) as f32
}

/// The clearest seam across `from..to` whose length is `start..end`; `luma` takes the place across,
/// then the place along.
fn seam(
    (from, to): (usize, usize),
    (start, end): (usize, usize),
    side: usize,
    luma: impl Fn(usize, usize) -> i32,
) -> Option<Seam> {
    let margin = ((side as f32 * SIDE_SHARE_MIN) as usize).max(SIDE_PX_MIN);
    if to - from < 2 * margin || end <= start {
        return None;
    }
    let changes = |at: usize| {
        let changes = (start..end).filter(|&along| {
            let value = |across: usize| luma(across.clamp(from, to - 1), along);
            let (before, here, after) = (value(at - 2), value(at), value(at + 2));
            let thin = (here - before)
                .min(here - after)
                .max((before - here).min(after - here));
            (value(at + 1) - before).abs() > STEP_LEVELS || thin > STEP_LEVELS
        });
        changes.count() as f32 / (end - start) as f32
    };
    let shares: Vec<f32> = (from + 2..to.saturating_sub(2)).map(changes).collect();
    let share = |at: usize| shares.get(at.checked_sub(from + 2)?).copied();
    let next_to = |at: usize| {
        let both = NEXT_TO_PX.flat_map(|px| [at.checked_sub(px).and_then(share), share(at + px)]);
        let known: Vec<f32> = both.flatten().collect();
        known.iter().sum::<f32>() / known.len().max(1) as f32
    };
    let seam = |at: usize| {
        let own = share(at)?;
        Some(Seam {
            at,
            share: own,
            stands_out: own - next_to(at),
        })
    };
    (from + margin..to - margin)
        .filter_map(seam)
        .filter(|seam| seam.share >= SEAM_SHARE && seam.stands_out >= STANDS_OUT)
        .max_by(|a, b| (a.share + a.stands_out).total_cmp(&(b.share + b.stands_out)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of many greys, other ones for each seed.
    fn texture(seed: usize, x: usize, y: usize) -> u8 {
        let (u, v) = ((x + y * 2 / 5) / 7, (3 * y + x) / 15);
        let n = (u + v * 131 + seed * 7_919).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (n >> 40) as u8 / 2 + 40 + (seed % 5 * 10) as u8
    }

    fn drawn(width_px: usize, height_px: usize, pixel: impl Fn(usize, usize) -> u8) -> Grey {
        let places = (0..width_px * height_px).map(|i| pixel(i % width_px, i / width_px));
        Grey {
            width_px,
            height_px,
            luma: places.collect(),
        }
    }

    fn check(ad: &Grey, expected: &[(usize, usize, usize, usize)]) {
        let near = |a: usize, b: usize| a.abs_diff(b) <= 4;
        let panels = panels(ad, &[]);
        assert_eq!(panels.len(), expected.len(), "{panels:?}");
        for (left, top, right, bottom) in expected {
            let is_there = |panel: &Panel| {
                near(panel.left, *left)
                    && near(panel.top, *top)
                    && near(panel.right, *right)
                    && near(panel.bottom, *bottom)
            };
            assert!(panels.iter().any(is_there), "{left} {top} in {panels:?}");
        }
    }

    #[test]
    fn a_picture_without_seams_is_one_tile() {
        check(
            &drawn(300, 220, |x, y| texture(1, x, y)),
            &[(0, 0, 300, 220)],
        );
        check(
            &drawn(300, 220, |x, y| (x / 3 + y / 3) as u8),
            &[(0, 0, 300, 220)],
        );
        check(&drawn(9, 4, |_, _| 3), &[(0, 0, 9, 4)]);
    }

    #[test]
    fn tiles_are_cut_along_lines_and_along_edges() {
        let gaps = drawn(303, 203, |x, y| {
            match (x.abs_diff(151) <= 1, y.abs_diff(101) <= 1) {
                (false, false) => texture(x / 151 + y / 101 * 2, x, y),
                _ => 255,
            }
        });
        let four = [
            (0, 0, 151, 101),
            (151, 0, 303, 101),
            (0, 101, 151, 203),
            (151, 101, 303, 203),
        ];
        check(&gaps, &four);
        let edge = drawn(300, 200, |x, y| {
            if x < 150 {
                texture(1, x, y) / 2
            } else {
                130 + texture(2, x, y) / 2
            }
        });
        check(&edge, &[(0, 0, 150, 200), (150, 0, 300, 200)]);
    }
}
