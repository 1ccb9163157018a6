//! One axis of the reference's filter and sampling, as 64 short rows of weights.

/// Samples along each axis of the reference's grid.
pub(crate) const SAMPLES: usize = 64;

/// The pixel under sample `k` of an axis of `length_px`: the reference samples centres, rounded
/// down.
pub(crate) fn sampled_px(k: usize, length_px: usize) -> usize {
    (2 * k + 1) * length_px / (2 * SAMPLES)
}

/// The width of the reference's box filter for an axis of `length_px`, at least 1: half of a
/// sample's share of the axis, rounded up, since it runs twice.
pub(crate) fn window_px(length_px: usize) -> usize {
    length_px.div_ceil(2 * SAMPLES)
}

/// How far right of its centre a box of `window_px` reaches, the centre included. An even box
/// leans to the right by one pixel.
pub(crate) fn reach_px(window_px: usize) -> usize {
    (window_px + 2) / 2
}

/// The weights with which the pixels of an axis enter one sample.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weights {
    /// The first pixel that counts.
    pub first_px: usize,
    /// Its weight and those of the pixels after it; they add up to 1.
    pub values: Vec<f32>,
}

/// What two box passes and the sampling do along one axis.
pub(crate) struct Axis {
    length_px: usize,
    samples: Vec<Weights>,
}

impl Axis {
    /// The reference's axis over `length_px` pixels, at least one.
    pub fn new(length_px: usize) -> Self {
        let samples = (0..SAMPLES)
            .map(|k| weights(sampled_px(k, length_px), length_px))
            .collect();
        Self { length_px, samples }
    }

    /// The axis that does to the mirrored pixels, read in their old order, what this one does to
    /// the pixels.
    pub fn mirrored(&self) -> Self {
        let flip = |weights: &Weights| Weights {
            first_px: self.length_px - weights.first_px - weights.values.len(),
            values: weights.values.iter().rev().copied().collect(),
        };
        Self {
            length_px: self.length_px,
            samples: self.samples.iter().map(flip).collect(),
        }
    }

    /// The weights of the 64 samples, in order.
    pub fn samples(&self) -> &[Weights] {
        &self.samples
    }
}

/// The pixels that the box around `centre` covers: it is cut off at both ends of the axis.
fn covered(centre: usize, length_px: usize) -> std::ops::Range<usize> {
    let window = window_px(length_px);
    let right = reach_px(window);
    centre.saturating_sub(window - right)..(centre + right).min(length_px)
}

/// A box over boxes. Each box is an average of what it covers, so near the ends, where boxes are
/// cut off, the pixels they still cover count more.
fn weights(centre: usize, length_px: usize) -> Weights {
    let outer = covered(centre, length_px);
    let first_px = covered(outer.start, length_px).start;
    let end_px = covered(outer.end - 1, length_px).end;
    let mut values = vec![0.0_f64; end_px - first_px];
    let outer_share = 1.0 / outer.len() as f64;
    for inner in outer.map(|centre| covered(centre, length_px)) {
        let share = outer_share / inner.len() as f64;
        values[inner.start - first_px..inner.end - first_px]
            .iter_mut()
            .for_each(|v| *v += share);
    }
    Weights {
        first_px,
        values: values.into_iter().map(|value| value as f32).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weights are sums of boxes over boxes, so their cost grows with the square of a side.
    #[test]
    fn the_longest_side_costs_less_than_the_largest_picture() {
        const SIDE_PX_MAX: usize = u16::MAX as usize; // photo::Limits
        const PIXELS_MAX: usize = 64 << 20;
        let sums = |length_px: usize| {
            let boxes = |k| covered(sampled_px(k, length_px), length_px);
            let inner = |centre| covered(centre, length_px).len();
            (0..SAMPLES).flat_map(boxes).map(inner).sum::<usize>()
        };
        assert!(3 * sums(SIDE_PX_MAX) < PIXELS_MAX);
        assert!(sums(PIXELS_MAX / 16) > 500 * PIXELS_MAX, "as it once was");
    }
}
