//! How much there is to see in a picture.

use super::grid::Grid;

/// Gradients, in per cent of the full range, that make one point of quality. The reference calls
/// it heuristic.
const GRADIENT_PER_POINT: u32 = 90;

/// The best quality.
const QUALITY_MAX: u32 = 100;

/// The difference of neighbours in per cent of the full range, before it is cut to an integer.
pub(crate) fn gradients(grid: &Grid) -> impl Iterator<Item = f32> {
    let down = grid
        .iter()
        .zip(&grid[1..])
        .flat_map(|(row, below)| row.iter().zip(below));
    let right = grid.iter().flat_map(|row| row.iter().zip(&row[1..]));
    down.chain(right).map(|(u, v)| (u - v) * 100.0 / 255.0)
}

/// The quality that a sum of gradients stands for, 0 to 100.
pub(crate) fn points(gradient_sum: u32) -> u8 {
    (gradient_sum / GRADIENT_PER_POINT).min(QUALITY_MAX) as u8
}

/// The reference's quality, 0 to 100. Each gradient is cut to an integer *before* they are
/// summed: only steps of a hundredth of the range or more count.
pub(crate) fn quality(grid: &Grid) -> u8 {
    points(gradients(grid).map(|gradient| gradient.abs() as u32).sum())
}
