//! The 64x64 grid of blurred samples that a hash is made of.

use super::axis::{Axis, SAMPLES, Weights};
use crate::picture::Region;

/// Luma samples, row by row, 0 to 255.
pub(crate) type Grid = [[f32; SAMPLES]; SAMPLES];

/// Applies one operator to the rows and each of several to the columns.
///
/// Rows first: the windows of neighbouring samples hardly overlap, so every pixel is read about
/// once, in memory order, and what remains are 64 rows. Colours are mixed to luma only then.
pub(crate) fn grids<const N: usize>(
    region: &Region<'_>,
    rows: &Axis,
    columns: [&Axis; N],
) -> [Grid; N] {
    let mut grids = [[[0.0; SAMPLES]; SAMPLES]; N];
    let mut sums = Vec::new();
    for (k, weights) in rows.samples().iter().enumerate() {
        weigh_rows(region, weights, &mut sums);
        let luma = if region.channels() == 1 {
            &sums
        } else {
            &mixed(&sums)
        };
        for (grid, columns) in grids.iter_mut().zip(columns) {
            for (sample, weights) in grid[k].iter_mut().zip(columns.samples()) {
                let covered = weights.first_px..weights.first_px + weights.values.len();
                *sample = weigh(&luma[covered], &weights.values);
            }
        }
    }
    grids
}

/// The grid with its rows and columns exchanged.
pub(crate) fn transposed(grid: &Grid) -> Grid {
    std::array::from_fn(|y| std::array::from_fn(|x| grid[x][y]))
}

/// The weighted sum of the rows that one sample covers, byte by byte.
fn weigh_rows(region: &Region<'_>, weights: &Weights, sums: &mut Vec<f32>) {
    sums.clear();
    sums.resize(region.width_px() * region.channels(), 0.0);
    let (fours, rest) = weights.values.as_chunks::<4>();
    let mut y = weights.first_px;
    for &[a, b, c, d] in fours {
        let [ra, rb, rc, rd] = std::array::from_fn(|i| region.row(y + i));
        for ((((sum, &va), &vb), &vc), &vd) in sums.iter_mut().zip(ra).zip(rb).zip(rc).zip(rd) {
            *sum +=
                (f32::from(va) * a + f32::from(vb) * b) + (f32::from(vc) * c + f32::from(vd) * d);
        }
        y += 4;
    }
    for (&weight, y) in rest.iter().zip(y..) {
        for (sum, &value) in sums.iter_mut().zip(region.row(y)) {
            *sum += f32::from(value) * weight;
        }
    }
}

/// Red, green and blue mixed to luma by the reference's weights.
fn mixed(sums: &[f32]) -> Vec<f32> {
    let (pixels, _) = sums.as_chunks::<3>();
    pixels
        .iter()
        .map(|[red, green, blue]| 0.299 * red + 0.587 * green + 0.114 * blue)
        .collect()
}

/// A weighted sum, in eight lanes so that it vectorises, always in the same order.
fn weigh(values: &[f32], weights: &[f32]) -> f32 {
    let (value_lanes, values) = values.as_chunks::<8>();
    let (weight_lanes, weights) = weights.as_chunks::<8>();
    let mut lanes = [0.0_f32; 8];
    for (values, weights) in value_lanes.iter().zip(weight_lanes) {
        for ((lane, value), weight) in lanes.iter_mut().zip(values).zip(weights) {
            *lane += value * weight;
        }
    }
    let rest: f32 = values
        .iter()
        .zip(weights)
        .map(|(value, weight)| value * weight)
        .sum();
    lanes.iter().sum::<f32>() + rest
}
