//! Pictures of `f32`, and what filters make of them.
//!
//! Sums are in a fixed order and nothing is fused, so every machine computes the same bits.

use std::collections::VecDeque;

/// A picture of one value a pixel, row by row.
#[derive(Clone)]
pub(crate) struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

impl Plane {
    pub fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            values: vec![0.0; width * height],
        }
    }

    pub fn row(&self, y: usize) -> &[f32] {
        &self.values[y * self.width..(y + 1) * self.width]
    }

    fn row_mut(&mut self, y: usize) -> &mut [f32] {
        &mut self.values[y * self.width..(y + 1) * self.width]
    }

    /// Between pixels, whose centres are at whole numbers; beyond the edge its nearest value.
    pub fn sample(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let (right, low) = (
            (left + 1).min(self.width - 1),
            (top + 1).min(self.height - 1),
        );
        let (u, v) = (x - left as f32, y - top as f32);
        let (upper, lower) = (self.row(top), self.row(low));
        let above = upper[left] + (upper[right] - upper[left]) * u;
        let below = lower[left] + (lower[right] - lower[left]) * u;
        above + (below - above) * v
    }

    /// Resized by the tent filter, which widens as the picture shrinks.
    pub fn resized(&self, width: usize, height: usize) -> Self {
        let row = |y: usize, out: &mut Vec<f32>| {
            out.clear();
            out.extend_from_slice(self.row(y));
        };
        resized((self.width, self.height), (width, height), row)
    }

    /// Blurred by the binomial filter 1 4 6 4 1 each way: by one pixel.
    pub fn blurred(&self) -> Self {
        let mut down = Self::new(self.width, self.height);
        for y in 0..self.height {
            let row =
                |offset: isize| self.row(y.saturating_add_signed(offset).min(self.height - 1));
            let out = down.row_mut(y);
            let n = out.len();
            let (a, b, c) = (&row(-2)[..n], &row(-1)[..n], &row(0)[..n]);
            let (d, e) = (&row(1)[..n], &row(2)[..n]);
            for x in 0..n {
                out[x] = (a[x] + e[x] + 4.0 * (b[x] + d[x]) + 6.0 * c[x]) * (1.0 / 16.0);
            }
        }
        let mut out = Self::new(self.width, self.height);
        let mut padded = vec![0.0; self.width + 4];
        for y in 0..self.height {
            let line = down.row(y);
            let n = line.len();
            padded[2..n + 2].copy_from_slice(line);
            padded[..2].fill(line[0]);
            padded[n + 2..].fill(line[n - 1]);
            let (a, b, c) = (&padded[..n], &padded[1..n + 1], &padded[2..n + 2]);
            let (d, e) = (&padded[3..n + 3], &padded[4..n + 4]);
            let out = out.row_mut(y);
            for x in 0..n {
                out[x] = (a[x] + e[x] + 4.0 * (b[x] + d[x]) + 6.0 * c[x]) * (1.0 / 16.0);
            }
        }
        out
    }
}

/// For every output pixel along one axis: the first input pixel, and the weights from there on.
fn tents(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let ratio = from as f32 / to as f32;
    let reach = ratio.max(1.0);
    let tent = |i: usize| {
        let centre = (i as f32 + 0.5) * ratio - 0.5;
        let first = (centre - reach).ceil().max(0.0) as usize;
        let last = ((centre + reach).floor() as usize).min(from - 1);
        let weight = |j: usize| (1.0 - (j as f32 - centre).abs() / reach).max(0.0);
        let mut weights: Vec<f32> = (first..=last).map(weight).collect();
        let sum: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        (first, weights)
    };
    (0..to).map(tent).collect()
}

/// The rows that `row` yields, resized. Every row is asked for once, from the top down.
pub(super) fn resized(
    from: (usize, usize),
    to: (usize, usize),
    mut row: impl FnMut(usize, &mut Vec<f32>),
) -> Plane {
    let (across, down) = (tents(from.0, to.0), tents(from.1, to.1));
    let tents = across.iter();
    let across: Vec<Tent<'_>> = tents
        .map(|(first, all)| Tent::of(*first, all, from.0))
        .collect();
    let mut out = Plane::new(to.0, to.1);
    let mut rows: VecDeque<(usize, Vec<f32>)> = VecDeque::new();
    let mut spare = Vec::new();
    let mut sum = vec![0.0; from.0];
    let mut next = 0;
    for (y, (first, weights)) in down.iter().enumerate() {
        while next < first + weights.len() {
            let mut line: Vec<f32> = std::mem::take(&mut spare);
            row(next, &mut line);
            rows.push_back((next, line));
            next += 1;
        }
        while rows.front().is_some_and(|(at, _)| at < first) {
            spare = rows.pop_front().map(|(_, line)| line).unwrap_or_default();
        }
        sum.fill(0.0);
        for (weight, (_, line)) in weights.iter().zip(&rows) {
            let pairs = sum.iter_mut().zip(line);
            pairs.for_each(|(sum, value)| *sum += weight * value);
        }
        for (value, tent) in out.row_mut(y).iter_mut().zip(&across) {
            *value = tent.over(&sum);
        }
    }
    out
}

/// Weights in a short tent: enough for a picture that is at most halved.
const TAPS: usize = 5;

/// What one output pixel takes of a line.
enum Tent<'a> {
    /// From a first pixel on, as many as there are weights, the last of them perhaps zero: the
    /// sum is the same, and the compiler unrolls it.
    Short(usize, [f32; TAPS]),
    Long(usize, &'a [f32]),
}

impl<'a> Tent<'a> {
    /// The tent over a line of `length` pixels.
    fn of(first: usize, weights: &'a [f32], length: usize) -> Self {
        if weights.len() > TAPS || first + TAPS > length {
            return Self::Long(first, weights);
        }
        let mut short = [0.0; TAPS];
        short[..weights.len()].copy_from_slice(weights);
        Self::Short(first, short)
    }

    #[inline(always)]
    fn over(&self, line: &[f32]) -> f32 {
        match self {
            Self::Short(first, weights) => {
                let line = &line[*first..*first + TAPS];
                let pairs = line.iter().zip(weights);
                pairs.fold(0.0, |all, (value, weight)| all + value * weight)
            }
            Self::Long(first, weights) => {
                let pairs = line[*first..].iter().zip(*weights);
                pairs.fold(0.0, |all, (value, weight)| all + value * weight)
            }
        }
    }
}
