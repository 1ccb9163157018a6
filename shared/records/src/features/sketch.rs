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
    /// The plane below which a coefficient is not known.
    below: Vec<u8>,
}

/// Walks over the coefficients' bits, most important first; returns what a reader knows then.
fn walk(truth: &[i32], width: usize, height: usize, bits: &mut impl Bits) -> Vec<i32> {
    let bands = bands(width, height);
    let mut known = Known {
        width,
        height,
        values: vec![0; truth.len()],
        below: vec![PLANES as u8; truth.len()],
    };
    let heaviest = bands.iter().map(|band| band.weight).max().unwrap_or(0);
    'planes: for importance in (0..PLANES + heaviest).rev() {
        for band in &bands {
            let Some(plane) = importance.checked_sub(band.weight).filter(|p| *p < PLANES) else {
                continue;
            };
            for y in band.top..band.top + band.height {
                if !bits.wants_row() {
                    break 'planes;
                }
                known.row(truth, band, y, plane, bits);
            }
        }
    }
    known.centred()
}

impl Known {
    fn row(&mut self, truth: &[i32], band: &Band, y: usize, plane: u32, bits: &mut impl Bits) {
        for x in band.left..band.left + band.width {
            let i = y * self.width + x;
            let bit = truth[i].unsigned_abs() >> plane & 1 == 1;
            let now = self.values[i];
            if now == 0 {
                let context = self.context(band, x, y);
                if bits.bit(context, bit) {
                    let negative = bits.bit(BEGIN + LATER, truth[i] < 0);
                    self.values[i] = if negative { -1 << plane } else { 1 << plane };
                }
            } else {
                let first = now.unsigned_abs() >> (plane + 1) == 1;
                if bits.bit(BEGIN + usize::from(first), bit) {
                    self.values[i] += now.signum() << plane;
                }
            }
            self.below[i] = plane as u8;
        }
    }

    /// How likely a coefficient begins here, by what has begun around it and a scale above it.
    fn context(&self, band: &Band, x: usize, y: usize) -> usize {
        let begun = |x: usize, y: usize| usize::from(self.values[y * self.width + x] != 0);
        let (left, right) = (x > band.left, x + 1 < band.left + band.width);
        let mut near = 0;
        let mut three = |y: usize, middle: bool| {
            near += if left { begun(x - 1, y) } else { 0 };
            near += if right { begun(x + 1, y) } else { 0 };
            near += if middle { begun(x, y) } else { 0 };
        };
        three(y, false);
        if y > band.top {
            three(y - 1, true);
        }
        if y + 1 < band.top + band.height {
            three(y + 1, true);
        }
        let parent = band.orientation > 0
            && (x / 2 < self.width && y / 2 < self.height)
            && begun(x / 2, y / 2) == 1;
        (band.orientation * 6 + near.min(5)) * 2 + usize::from(parent)
    }

    /// Every coefficient in the middle of what it may still be.
    fn centred(self) -> Vec<i32> {
        let halves = self.below.iter().map(|&below| (1 << below) >> 1);
        let centred = self.values.iter().zip(halves);
        centred.map(|(v, half)| v + v.signum() * half).collect()
    }
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
