//! The reference's filter with its own rounding, streamed.
//!
//! The same additions, subtractions and divisions in the same order as the reference's loops over
//! whole pictures, but row by row: memory is a few dozen rows instead of eight bytes a pixel.

use std::collections::VecDeque;

use super::axis::{SAMPLES, reach_px, sampled_px, window_px};
use super::grid::Grid;
use crate::picture::{Region, luma_row};

/// Rows that are blurred side by side. A running sum waits for its last addition, so eight of
/// them take hardly longer than one.
const LANES: usize = 8;

/// The grid with the same bits as the reference's.
pub(crate) fn grid(region: &Region<'_>) -> Grid {
    let (width, height) = (region.width_px(), region.height_px());
    let mut sampler = Sampler::new(width, height);
    if (width, height) == (SAMPLES, SAMPLES) {
        // the reference takes such a picture for one that was sampled already
        for_each_luma_row(region, |row| sampler.take(row));
        return sampler.grid;
    }
    let mut passes = [Pass::new(width, height), Pass::new(width, height)];
    for_each_luma_row(region, |row| feed(&mut passes, row, &mut sampler));
    finish(&mut passes, &mut sampler);
    sampler.grid
}

fn for_each_luma_row(region: &Region<'_>, mut visit: impl FnMut(&[f32])) {
    let mut luma = Vec::with_capacity(region.width_px());
    for y in 0..region.height_px() {
        luma_row(region.row(y), region.channels(), &mut luma);
        visit(&luma);
    }
}

/// Sends a row through the passes that are left, and what comes out of the last to the sampler.
fn feed(passes: &mut [Pass], row: &[f32], sampler: &mut Sampler) {
    match passes {
        [] => sampler.take(row),
        [pass, rest @ ..] => pass.push(row, &mut |row| feed(rest, row, sampler)),
    }
}

/// Ends the passes in order, each after the one before has given all.
fn finish(passes: &mut [Pass], sampler: &mut Sampler) {
    if let [pass, rest @ ..] = passes {
        pass.finish(&mut |row| feed(rest, row, sampler));
        finish(rest, sampler);
    }
}

/// One box pass along rows and then down columns.
struct Pass {
    window: usize,
    /// Rows that wait until there are enough to blur them side by side, pixel by pixel.
    waiting: Vec<[f32; LANES]>,
    waiting_rows: usize,
    blurred: Vec<[f32; LANES]>,
    row: Vec<f32>,
    down: BoxDown,
}

impl Pass {
    fn new(width: usize, height: usize) -> Self {
        Self {
            window: window_px(width),
            waiting: vec![[0.0; LANES]; width],
            waiting_rows: 0,
            blurred: Vec::with_capacity(width),
            row: Vec::with_capacity(width),
            down: BoxDown::new(width, height),
        }
    }

    fn push(&mut self, row: &[f32], emit: &mut dyn FnMut(&[f32])) {
        let lane = self.waiting_rows;
        for (lanes, &value) in self.waiting.iter_mut().zip(row) {
            lanes[lane] = value;
        }
        self.waiting_rows += 1;
        if self.waiting_rows == LANES {
            self.blur_waiting(emit);
        }
    }

    fn blur_waiting(&mut self, emit: &mut dyn FnMut(&[f32])) {
        box_across(&self.waiting, self.window, &mut self.blurred);
        for lane in 0..self.waiting_rows {
            self.row.clear();
            self.row
                .extend(self.blurred.iter().map(|lanes| lanes[lane]));
            self.down.push(&self.row, emit);
        }
        self.waiting_rows = 0;
    }

    fn finish(&mut self, emit: &mut dyn FnMut(&[f32])) {
        self.blur_waiting(emit);
        self.down.finish(emit);
    }
}

/// One box pass along rows, by a running sum for each.
fn box_across(rows: &[[f32; LANES]], window: usize, out: &mut Vec<[f32; LANES]>) {
    let lead = reach_px(window) - 1;
    let mut sums = [0.0_f32; LANES];
    let add = |sums: &mut [f32; LANES], values: &[f32; LANES]| {
        sums.iter_mut()
            .zip(values)
            .for_each(|(sum, value)| *sum += value);
    };
    let subtract = |sums: &mut [f32; LANES], values: &[f32; LANES]| {
        sums.iter_mut()
            .zip(values)
            .for_each(|(sum, value)| *sum -= value);
    };
    out.clear();
    for values in &rows[..lead] {
        add(&mut sums, values);
    }
    for (count, values) in (lead + 1..=window).zip(&rows[lead..window]) {
        add(&mut sums, values);
        out.push(sums.map(|sum| sum / count as f32));
    }
    out.extend(rows[window..].iter().zip(rows).map(|(entering, leaving)| {
        add(&mut sums, entering);
        subtract(&mut sums, leaving);
        sums.map(|sum| sum / window as f32)
    }));
    for (count, leaving) in (1..window)
        .rev()
        .zip(&rows[rows.len() - window..])
        .take(lead)
    {
        subtract(&mut sums, leaving);
        out.push(sums.map(|sum| sum / count as f32));
    }
}

/// One box pass down all columns at once, by a running sum for each.
struct BoxDown {
    window: usize,
    sums: Vec<f32>,
    /// The rows under the box, the oldest first.
    covered: VecDeque<Vec<f32>>,
    average: Vec<f32>,
    seen: usize,
}

impl BoxDown {
    fn new(width: usize, height: usize) -> Self {
        let window = window_px(height);
        Self {
            window,
            sums: vec![0.0; width],
            covered: VecDeque::with_capacity(window),
            average: Vec::with_capacity(width),
            seen: 0,
        }
    }

    /// Takes the next row and gives on the row whose box is now complete, if there is one.
    fn push(&mut self, row: &[f32], emit: &mut dyn FnMut(&[f32])) {
        self.seen += 1;
        self.sums
            .iter_mut()
            .zip(row)
            .for_each(|(sum, value)| *sum += value);
        let mut newest = if self.seen > self.window {
            self.drop_oldest()
        } else {
            Vec::new()
        };
        newest.clear();
        newest.extend_from_slice(row);
        self.covered.push_back(newest);
        if self.seen >= reach_px(self.window) {
            self.emit_average(emit);
        }
    }

    /// Gives on the last rows, whose boxes reach beyond the end.
    fn finish(&mut self, emit: &mut dyn FnMut(&[f32])) {
        for _ in 1..reach_px(self.window) {
            self.drop_oldest();
            self.emit_average(emit);
        }
    }

    fn drop_oldest(&mut self) -> Vec<f32> {
        let oldest = self.covered.pop_front().expect("a full box covers rows");
        self.sums
            .iter_mut()
            .zip(&oldest)
            .for_each(|(sum, value)| *sum -= value);
        oldest
    }

    fn emit_average(&mut self, emit: &mut dyn FnMut(&[f32])) {
        let count = self.covered.len() as f32;
        self.average.clear();
        self.average.extend(self.sums.iter().map(|sum| sum / count));
        emit(&self.average);
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
