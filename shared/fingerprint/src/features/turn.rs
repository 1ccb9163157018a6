//! The direction of a patch, and angles without a machine's own trigonometry, whose last bits
//! differ from one library to the next.

use super::key_points::vertex;
use super::plane::Plane;

/// Directions in the histogram: ten degrees each.
const BINS: usize = 36;
/// The patch's radius for its direction, in pixels at the key point's size.
const RADIUS_PX: f32 = 10.0;

/// The direction in which most of the patch brightens, in turns from pointing right, clockwise.
pub(super) fn direction(image: &Plane, cx: f32, cy: f32, size: f32) -> f32 {
    let bins = histogram(image, cx, cy, RADIUS_PX * size);
    let neighbours = |i: usize| (bins[(i + BINS - 1) % BINS], bins[(i + 1) % BINS]);
    let best = (0..BINS).fold(0, |best, i| if bins[i] > bins[best] { i } else { best });
    let (before, after) = neighbours(best);
    (best as f32 + vertex(before, bins[best], after)) / BINS as f32
}

/// How much the patch brightens in each direction, smoothed.
fn histogram(image: &Plane, cx: f32, cy: f32, radius: f32) -> [f32; BINS] {
    let mut bins = [0.0; BINS];
    let range = |centre: f32, side: usize| {
        let first = (centre - radius).ceil().max(1.0) as usize;
        first..=((centre + radius).floor() as usize).min(side - 2)
    };
    let shrink = 1.0 / (radius * radius);
    for y in range(cy, image.height) {
        let (above, here, below) = (image.row(y - 1), image.row(y), image.row(y + 1));
        for x in range(cx, image.width) {
            let (dx, dy) = (x as f32 - cx, y as f32 - cy);
            let near = 1.0 - (dx * dx + dy * dy) * shrink;
            if near <= 0.0 {
                continue;
            }
            let (across, down) = (here[x + 1] - here[x - 1], below[x] - above[x]);
            let weight = (across * across + down * down).sqrt() * near * near;
            let at = turn_of(across, down) * BINS as f32;
            let share = at - at.floor();
            bins[at as usize % BINS] += weight * (1.0 - share);
            bins[(at as usize + 1) % BINS] += weight * share;
        }
    }
    for _ in 0..3 {
        let before = bins;
        for (i, bin) in bins.iter_mut().enumerate() {
            let sides = before[(i + BINS - 1) % BINS] + before[(i + 1) % BINS];
            *bin = (sides + 2.0 * before[i]) * 0.25;
        }
    }
    bins
}

/// The angle of a vector in turns, 0 to 1, by a polynomial (Abramowitz and Stegun 4.4.49, error
/// below 2e-6 of a turn).
fn turn_of(x: f32, y: f32) -> f32 {
    let (ax, ay) = (x.abs(), y.abs());
    let longer = ax.max(ay);
    if longer == 0.0 {
        return 0.0;
    }
    let t = ax.min(ay) / longer;
    let s = t * t;
    let series =
        0.999_866 + s * (-0.330_299_5 + s * (0.180_141 + s * (-0.085_133 + s * 0.020_835_1)));
    let eighth = t * series * (0.5 / std::f32::consts::PI);
    let quarter = if ay > ax { 0.25 - eighth } else { eighth };
    let half = if x < 0.0 { 0.5 - quarter } else { quarter };
    if y < 0.0 { 1.0 - half } else { half }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_those_of_the_library_nearly() {
        for turn in 0..256 {
            let angle = turn as f32 * std::f32::consts::TAU / 256.0;
            let back = turn_of(angle.cos(), angle.sin()) * 256.0;
            let off = (back - turn as f32).abs();
            assert!(off.min(256.0 - off) < 0.01, "{turn} came back as {back}");
        }
    }
}
