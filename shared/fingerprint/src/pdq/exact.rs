//! The reference's filter with its own rounding, streamed.
//!
//! The same additions, subtractions and divisions in the same order as the reference's loops over
//! whole pictures, but row by row: memory is a few dozen rows instead of eight bytes a pixel.

use std::collections::VecDeque;

use super::axis::{SAMPLES, reach_px, sampled_px, window_px};
use super::grid::Grid;
use crate::picture::{Region, luma_row};

/// The grid with the same bits as the reference's.
pub(crate) fn grid(region: &Region<'_>) -> Grid {
    let (width, height) = (region.width_px(), region.height_px());
    let mut sampler = Sampler::new(width, height);
    if (width, height) == (SAMPLES, SAMPLES) {
        // the reference takes such a picture for one that was sampled already
        for_each_luma_row(region, |row| sampler.take(row));
        return sampler.grid;
    }
    let across = window_px(width);
    let mut first = BoxDown::new(width, height);
    let mut second = BoxDown::new(width, height);
    let mut after_second = |row: &[f32]| sampler.take(row);
    let mut after_first = |row: &[f32]| second.push(&box_across(row, across), &mut after_second);
    for_each_luma_row(region, |row| {
        first.push(&box_across(row, across), &mut after_first)
    });
    first.finish(&mut after_first);
    second.finish(&mut after_second);
    sampler.grid
}

fn for_each_luma_row(region: &Region<'_>, mut visit: impl FnMut(&[f32])) {
    let mut luma = Vec::with_capacity(region.width_px());
    for y in 0..region.height_px() {
        luma_row(region.row(y), region.channels(), &mut luma);
        visit(&luma);
    }
}

/// One box pass along a row, by a running sum.
fn box_across(row: &[f32], window: usize) -> Vec<f32> {
    let lead = reach_px(window) - 1;
    let mut out = Vec::with_capacity(row.len());
    let mut sum = 0.0_f32;
    for &value in &row[..lead] {
        sum += value;
    }
    for (count, &value) in (lead + 1..=window).zip(&row[lead..window]) {
        sum += value;
        out.push(sum / count as f32);
    }
    for (&entering, &leaving) in row[window..].iter().zip(row) {
        sum += entering;
        sum -= leaving;
        out.push(sum / window as f32);
    }
    for (count, &leaving) in (1..window).rev().zip(&row[row.len() - window..]).take(lead) {
        sum -= leaving;
        out.push(sum / count as f32);
    }
    out
}

/// One box pass down all columns at once, by a running sum for each.
struct BoxDown {
    window: usize,
    sums: Vec<f32>,
    /// The rows under the box, the oldest first.
    covered: VecDeque<Vec<f32>>,
    seen: usize,
}

impl BoxDown {
    fn new(width: usize, height: usize) -> Self {
        let window = window_px(height);
        Self {
            window,
            sums: vec![0.0; width],
            covered: VecDeque::with_capacity(window),
            seen: 0,
        }
    }

    /// Takes the next row and gives on the row whose box is now complete, if there is one.
    fn push(&mut self, row: &[f32], emit: &mut impl FnMut(&[f32])) {
        self.seen += 1;
        self.sums
            .iter_mut()
            .zip(row)
            .for_each(|(sum, value)| *sum += value);
        if self.seen > self.window {
            self.drop_oldest();
        }
        self.covered.push_back(row.to_vec());
        if self.seen >= reach_px(self.window) {
            self.emit_average(emit);
        }
    }

    /// Gives on the last rows, whose boxes reach beyond the end.
    fn finish(&mut self, emit: &mut impl FnMut(&[f32])) {
        for _ in 1..reach_px(self.window) {
            self.drop_oldest();
            self.emit_average(emit);
        }
    }

    fn drop_oldest(&mut self) {
        let oldest = self.covered.pop_front().expect("a full box covers rows");
        self.sums
            .iter_mut()
            .zip(oldest)
            .for_each(|(sum, value)| *sum -= value);
    }

    fn emit_average(&self, emit: &mut impl FnMut(&[f32])) {
        let count = self.covered.len() as f32;
        let average: Vec<f32> = self.sums.iter().map(|sum| sum / count).collect();
        emit(&average);
    }
}

/// Keeps the pixels that the grid samples.
struct Sampler {
    width: usize,
    height: usize,
    row: usize,
    grid: Grid,
}

impl Sampler {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            row: 0,
            grid: [[0.0; SAMPLES]; SAMPLES],
        }
    }

    fn take(&mut self, row: &[f32]) {
        for (k, samples) in self.grid.iter_mut().enumerate() {
            if sampled_px(k, self.height) == self.row {
                *samples = std::array::from_fn(|i| row[sampled_px(i, self.width)]);
            }
        }
        self.row += 1;
    }
}
