//! Where a picture is lighter than its surroundings: a bit a cell.

use std::fmt;

/// A row of up to 128 cells, the leftmost in the lowest bit.
pub type RowBits = u128;

/// A picture squeezed to a square of cells, each lighter or darker than what surrounds it, and
/// whether clearly so.
#[derive(Clone, PartialEq, Eq)]
pub struct Grid {
    /// A row each: set where lighter.
    pub lighter: Vec<RowBits>,
    /// A row each: set where the difference is clear.
    pub clear: Vec<RowBits>,
}

/// A difference is clear from this share of the picture's mean difference on: about three cells
/// in five of a photo are.
const CLEAR_SHARE: f32 = 0.5;
/// And from this many grey levels on: less is noise of the encoding.
const CLEAR_LEVELS: f32 = 0.75;

impl Grid {
    /// The grid of a picture of `side` x `side` values, of which only the `valid` ones are known.
    ///
    /// # Panics
    /// If `side` exceeds 128 or the lengths do not fit.
    pub fn of(values: &[f32], valid: &[bool], side: usize) -> Self {
        assert!(side <= RowBits::BITS as usize, "a row is one word");
        assert!(values.len() == side * side && valid.len() == side * side);
        let differences = differences(values, side);
        let known = || differences.iter().zip(valid).filter(|(_, known)| **known);
        let count = known().count().max(1);
        let mean = known().map(|(d, _)| d.abs()).sum::<f32>() / count as f32;
        let floor = (mean * CLEAR_SHARE).max(CLEAR_LEVELS);
        let rows = |set: &dyn Fn(usize) -> bool| -> Vec<RowBits> {
            let row = |y: usize| (0..side).map(move |x| (x, y * side + x));
            let bits = |y| row(y).fold(0, |bits, (x, i)| bits | RowBits::from(set(i)) << x);
            (0..side).map(bits).collect()
        };
        Self {
            lighter: rows(&|i| differences[i] > 0.0),
            clear: rows(&|i| valid[i] && differences[i].abs() >= floor),
        }
    }

    /// Cells a side.
    pub fn side(&self) -> usize {
        self.lighter.len()
    }
}

impl fmt::Debug for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grid([redacted])")
    }
}

/// Every value less the mean of its surroundings, which are two passes of the binomial filter
/// 1 4 6 4 1 each way (a blur of 1.4 cells): a high-pass fine enough that aligned faces of
/// different people differ.
fn differences(values: &[f32], side: usize) -> Vec<f32> {
    let around = binomial(&binomial(values, side), side);
    let pairs = values.iter().zip(&around);
    pairs.map(|(value, around)| value - around).collect()
}

fn binomial(values: &[f32], side: usize) -> Vec<f32> {
    let mut down = vec![0.0; values.len()];
    for y in 0..side {
        let row = |offset: isize| {
            let y = y.saturating_add_signed(offset).min(side - 1);
            &values[y * side..(y + 1) * side]
        };
        let (a, b, c, d, e) = (row(-2), row(-1), row(0), row(1), row(2));
        for (x, out) in down[y * side..(y + 1) * side].iter_mut().enumerate() {
            *out = (a[x] + e[x] + 4.0 * (b[x] + d[x]) + 6.0 * c[x]) / 16.0;
        }
    }
    let mut out = vec![0.0; values.len()];
    let mut padded = vec![0.0; side + 4];
    for (line, out) in down.chunks_exact(side).zip(out.chunks_exact_mut(side)) {
        padded[2..side + 2].copy_from_slice(line);
        padded[..2].fill(line[0]);
        padded[side + 2..].fill(line[side - 1]);
        for (out, w) in out.iter_mut().zip(padded.windows(5)) {
            *out = (w[0] + w[4] + 4.0 * (w[1] + w[3]) + 6.0 * w[2]) / 16.0;
        }
    }
    out
}
