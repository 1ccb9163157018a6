//! A small grey picture in a few kilobytes: the ad as the proof needs to see it.
//!
//! Bit planes of wavelet coefficients, most important first, each bit told from its neighbours'
//! (the idea of EZW and SPIHT: Shapiro 1993, Said and Pearlman 1996), cut off where the room
//! ends. At 0.7 bits a pixel it is what JPEG needs twice the bytes for.

use super::range::{Bits, Reader, Writer};
use super::wavelet::{Band, analyse, bands, synthesise};

/// A grey picture, one byte a pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct Grey {
    /// Columns, at least 1.
    pub width_px: usize,
    /// Rows, at least 1.
    pub height_px: usize,
    /// Luma, row by row.
    pub luma: Vec<u8>,
}

/// Contexts of "does this coefficient begin here": 4 orientations x 6 neighbourhoods x parent.
const BEGIN: usize = 4 * 6 * 2;
/// Contexts of a later bit: the first, and all others.
const LATER: usize = 2;
/// One context for signs: they are even.
const SIGN: usize = 1;
const CONTEXTS: usize = BEGIN + LATER + SIGN;
/// Planes that a coefficient of an 8-bit picture can fill: the 5/3 wavelet gains two bits.
const PLANES: u32 = 10;

/// The picture in at most about `bytes_max` bytes, and the number of coefficient rows in them.
pub(super) fn encode(picture: &Grey, bytes_max: usize) -> (Vec<u8>, u32) {
    let mut values: Vec<i32> = picture.luma.iter().map(|&v| i32::from(v) - 128).collect();
    analyse(&mut values, picture.width_px, picture.height_px);
    let mut writer = Writer::new(CONTEXTS, bytes_max);
    walk(&values, picture.width_px, picture.height_px, &mut writer);
    writer.finish()
}

/// The picture that [`encode`] wrote, nearly. Any bytes give some picture, in bounded time.
pub(super) fn decode(width_px: usize, height_px: usize, bytes: &[u8], rows: u32) -> Grey {
    let mut reader = Reader::new(CONTEXTS, bytes, rows);
    let none = vec![0; width_px * height_px];
    let mut values = walk(&none, width_px, height_px, &mut reader);
    synthesise(&mut values, width_px, height_px);
    let luma = values.iter().map(|v| (v + 128).clamp(0, 255) as u8);
    Grey {
        width_px,
        height_px,
        luma: luma.collect(),
    }
}

/// Coefficients as far as they are known while the bits go by.
struct Known {
    width: usize,
    height: usize,
    values: Vec<i32>,
    /// What has begun around each coefficient: how many of its neighbours in the band, and
    /// [`PARENT`]. Kept as coefficients begin, which few do, since every bit asks for it.
    around: Vec<u8>,
}

/// The coefficient a scale above has begun.
const PARENT: u8 = 1 << 7;
/// More neighbours than this say no more.
const NEAR_MAX: u8 = 5;

/// Walks over the coefficients' bits, most important first; returns what a reader knows then.
fn walk(truth: &[i32], width: usize, height: usize, bits: &mut impl Bits) -> Vec<i32> {
    let bands = bands(width, height);
    let mut known = Known {
        width,
        height,
        values: vec![0; truth.len()],
        around: vec![0; truth.len()],
    };
    // per band and row, the plane below which its coefficients are not known
    let mut below: Vec<Vec<u32>> = bands.iter().map(|b| vec![PLANES; b.height]).collect();
    let heaviest = bands.iter().map(|band| band.weight).max().unwrap_or(0);
    'planes: for importance in (0..PLANES + heaviest).rev() {
        for (band, below) in bands.iter().zip(&mut below) {
            let Some(plane) = importance.checked_sub(band.weight).filter(|p| *p < PLANES) else {
                continue;
            };
            for (y, below) in (band.top..).zip(below) {
                if !bits.wants_row() {
                    break 'planes;
                }
                known.row(truth, band, y, plane, bits);
                *below = plane;
            }
        }
    }
    for (band, below) in bands.iter().zip(&below) {
        known.centre(band, below);
    }
    known.values
}

impl Known {
    fn row(&mut self, truth: &[i32], band: &Band, y: usize, plane: u32, bits: &mut impl Bits) {
        for x in band.left..band.left + band.width {
            let i = y * self.width + x;
            let bit = truth[i].unsigned_abs() >> plane & 1 == 1;
            let now = self.values[i];
            if now == 0 {
                if bits.bit(context(band, self.around[i]), bit) {
                    let negative = bits.bit(BEGIN + LATER, truth[i] < 0);
                    self.values[i] = if negative { -1 << plane } else { 1 << plane };
                    self.begun(band, x, y);
                }
            } else {
                let first = now.unsigned_abs() >> (plane + 1) == 1;
                if bits.bit(BEGIN + usize::from(first), bit) {
                    self.values[i] += now.signum() << plane;
                }
            }
        }
    }

    /// Tells the neighbours in the band, and those below at the next finer scale.
    fn begun(&mut self, band: &Band, x: usize, y: usize) {
        let columns = x.saturating_sub(1).max(band.left)..(x + 2).min(band.left + band.width);
        for row in y.saturating_sub(1).max(band.top)..(y + 2).min(band.top + band.height) {
            for column in columns.clone() {
                // itself too: it is not asked again once it has begun
                self.around[row * self.width + column] += 1;
            }
        }
        for row in 2 * y..(2 * y + 2).min(self.height) {
            for column in 2 * x..(2 * x + 2).min(self.width) {
                self.around[row * self.width + column] |= PARENT;
            }
        }
    }

    /// Puts every coefficient of a band in the middle of what it may still be.
    fn centre(&mut self, band: &Band, below: &[u32]) {
        for (y, below) in (band.top..).zip(below) {
            let start = y * self.width + band.left;
            for value in &mut self.values[start..start + band.width] {
                *value += value.signum() * ((1 << below) >> 1);
            }
        }
    }
}

/// How likely a coefficient begins here, by what has begun around it and a scale above it.
fn context(band: &Band, around: u8) -> usize {
    let near = (around & !PARENT).min(NEAR_MAX);
    let parent = band.orientation > 0 && around & PARENT != 0;
    (band.orientation * 6 + usize::from(near)) * 2 + usize::from(parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drawn(width_px: usize, height_px: usize) -> Grey {
        let luma = (0..width_px * height_px).map(|i| {
            let (x, y) = (i % width_px, i / width_px);
            let disc = (x * x + y * y).is_multiple_of(97) || (x / 9 + y / 7).is_multiple_of(3);
            (x * 2 % 200) as u8 + if disc { 50 } else { 0 }
        });
        Grey {
            width_px,
            height_px,
            luma: luma.collect(),
        }
    }

    proptest! {
        #[test]
        fn with_room_enough_nothing_is_lost(width in 1usize..70, height in 1usize..70) {
            let picture = drawn(width, height);
            let (bytes, rows) = encode(&picture, 1 << 20);
            prop_assert!(decode(width, height, &bytes, rows) == picture);
        }

        #[test]
        fn any_bytes_give_some_picture(bytes: Vec<u8>, rows: u32, w in 1usize..99, h in 1usize..99) {
            prop_assert_eq!(decode(w, h, &bytes, rows).luma.len(), w * h);
        }
    }

    #[test]
    fn little_room_keeps_the_likeness() {
        let picture = drawn(320, 240);
        let (bytes, rows) = encode(&picture, 4_000);
        assert!(bytes.len() < 4_100);
        let seen = decode(320, 240, &bytes, rows);
        let off = |(a, b): (&u8, &u8)| u64::from(a.abs_diff(*b));
        let off: u64 = picture.luma.iter().zip(&seen.luma).map(off).sum();
        assert!(off / (320 * 240) < 20, "mean error {}", off / (320 * 240));
    }
}
