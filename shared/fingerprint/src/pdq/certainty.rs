//! Whether rounding in the reference could have given another hash than the fast way.

use super::dct::{Coefficients, middle};
use super::grid::Grid;
use super::quality::{gradients, points};
use crate::picture::Region;

/// How far the reference's rounded arithmetic may stray from the fast way's.
pub(crate) struct GridError {
    /// Of a sample of the grid, in luma levels.
    sample: f32,
    /// Of a coefficient near the median.
    coefficient: f32,
}

impl GridError {
    pub fn of(_region: &Region<'_>) -> Self {
        Self {
            sample: 1e-3,
            coefficient: 4e-3,
        }
    }
}

/// True if the low half stays the low half when every coefficient strays by its error.
pub(crate) fn bits_are_certain(coefficients: &Coefficients, error: &GridError) -> bool {
    let (median, above) = middle(coefficients);
    above - median > 2.0 * error.coefficient
}

/// The quality, if it is the same for the least and the greatest gradients that the samples'
/// errors allow.
pub(crate) fn quality(grid: &Grid, error: &GridError) -> Option<u8> {
    let slack = 2.0 * error.sample * 100.0 / 255.0;
    let (mut least, mut greatest) = (0, 0);
    for gradient in gradients(grid) {
        let size = gradient.abs();
        least += (size - slack).max(0.0) as u32;
        greatest += (size + slack) as u32;
    }
    (points(least) == points(greatest)).then(|| points(least))
}
