//! From the grid to the hash: a cosine transform, its median, and one bit a coefficient.

use std::f64::consts::PI;
use std::sync::LazyLock;

use ::features::fingerprint::Hash256;

use super::axis::SAMPLES;
use super::grid::Grid;

/// Frequencies kept along each axis: the 1st to the 16th. The constant term is left out, so
/// brightness does not count.
const FREQUENCIES: usize = 16;

/// Coefficients, row by row; the row is the vertical frequency less one.
pub(crate) type Coefficients = [[f32; FREQUENCIES]; FREQUENCIES];

/// Number of coefficients that get a 0: the median and what lies below.
pub(crate) const LOW_HALF: usize = FREQUENCIES * FREQUENCIES / 2;

/// The cosines by sample and frequency. The scale is rounded to `f32` before it is multiplied,
/// and the product after, as the reference does it.
static COSINES: LazyLock<[[f32; FREQUENCIES]; SAMPLES]> = LazyLock::new(|| {
    let scale = f64::from((2.0 / SAMPLES as f64).sqrt() as f32);
    let step = PI / 2.0 / SAMPLES as f64;
    std::array::from_fn(|k| {
        std::array::from_fn(|i| (scale * (step * ((i + 1) * (2 * k + 1)) as f64).cos()) as f32)
    })
});

/// The transform along both axes. Each coefficient is summed in the reference's order, one `f32`
/// addition after the other; what runs side by side are different coefficients.
pub(crate) fn coefficients(grid: &Grid) -> Coefficients {
    let cosines = &*COSINES;
    let mut halfway = [[0.0_f32; SAMPLES]; FREQUENCIES];
    for (row, cosines) in grid.iter().zip(cosines) {
        for (sums, &cosine) in halfway.iter_mut().zip(cosines) {
            sums.iter_mut()
                .zip(row)
                .for_each(|(sum, &sample)| *sum += cosine * sample);
        }
    }
    halfway.map(|row| {
        let mut sums = [0.0_f32; FREQUENCIES];
        for (sample, cosines) in row.into_iter().zip(cosines) {
            sums.iter_mut()
                .zip(cosines)
                .for_each(|(sum, &cosine)| *sum += sample * cosine);
        }
        sums
    })
}

/// The two coefficients in the middle of their order, the lower one being the median by which
/// the reference divides them.
pub(crate) fn middle(coefficients: &Coefficients) -> (f32, f32) {
    let mut all = *coefficients
        .as_flattened()
        .as_array::<{ 2 * LOW_HALF }>()
        .expect("256");
    let (_, &mut median, above) = all.select_nth_unstable_by(LOW_HALF - 1, f32::total_cmp);
    (median, above.iter().copied().fold(f32::INFINITY, f32::min))
}

/// One bit a coefficient: 1 where it is above the median. The first coefficient is the last
/// bit, as printed. Coefficients equal to the median get a 0, so a flat picture may have fewer
/// than 128 ones.
pub(crate) fn hash(coefficients: &Coefficients) -> Hash256 {
    let (median, _) = middle(coefficients);
    let mut bytes = [0_u8; 32];
    let (eights, _) = coefficients.as_flattened().as_chunks::<8>();
    for (byte, eight) in bytes.iter_mut().rev().zip(eights) {
        *byte = (0..8).map(|bit| u8::from(eight[bit] > median) << bit).sum();
    }
    Hash256(bytes)
}
