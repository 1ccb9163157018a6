use super::{BITS, COLOUR_MAP, COMPRESSION, EXTRA_SAMPLES, JPEG, PHOTOMETRIC, PLANAR, SAMPLES};
use super::{SAMPLES_MAX, YCBCR_SUBSAMPLING};
use crate::Reason;
use crate::exif::Directory;
use crate::pixels::Layout;

/// An extra sample that says nothing about the colours before it.
const UNSPECIFIED: u64 = 0;
/// An alpha by which the colours before it are multiplied already.
const ASSOCIATED_ALPHA: u64 = 1;
/// Colours of a palette: one for each value of at most 8 bits.
const COLOURS_MAX: u64 = 3 << 8;

/// What the samples of a page mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    Palette,
    Inks,
    YCbCr,
}

/// How the samples of a page lie, and what they mean.
pub(super) struct Form {
    pub(super) meaning: Meaning,
    pub(super) layout: Layout,
    /// Samples of a pixel, extra ones included.
    pub(super) samples: usize,
    /// Bits of a sample: 1, 2, 4, 8, 16 or 32.
    pub(super) bits: u8,
    /// Each sample's plane lies apart.
    pub(super) is_planar: bool,
    /// Colours are multiplied by their alpha.
    is_multiplied: bool,
    palette: Vec<[u8; 3]>,
}

impl Form {
    pub(super) fn of(page: &Directory<'_>) -> Result<Form, Reason> {
        let samples = page.number(SAMPLES).unwrap_or(1);
        let meaning = match page.number(PHOTOMETRIC).ok_or(Reason::Corrupt)? {
            0 => Meaning::WhiteIsZero,
            1 => Meaning::BlackIsZero,
            2 => Meaning::Rgb,
            3 => Meaning::Palette,
            5 => Meaning::Inks,
            6 => Meaning::YCbCr,
            _ => return Err(Reason::UnsupportedFormat),
        };
        let extra = page.values(EXTRA_SAMPLES, 1).unwrap_or_default();
        let has_alpha = extra.first() != Some(&UNSPECIFIED);
        let layout = match (meaning, samples) {
            (Meaning::WhiteIsZero | Meaning::BlackIsZero, 2) if has_alpha => Layout::LumaAlpha,
            (Meaning::WhiteIsZero | Meaning::BlackIsZero, 1..) => Layout::Luma,
            (Meaning::Rgb, 4..) if has_alpha => Layout::Rgba,
            (Meaning::Rgb | Meaning::YCbCr, 3..) | (Meaning::Palette, 1..) => Layout::Rgb,
            (Meaning::Inks, 4..) => Layout::Cmyk,
            _ => return Err(Reason::UnsupportedFormat),
        };
        let bits = page
            .values(BITS, u64::from(SAMPLES_MAX))
            .unwrap_or_else(|| vec![1]);
        let bits = match bits[..] {
            [first @ (1 | 2 | 4 | 8 | 16 | 32), ..] if bits.iter().all(|it| *it == first) => first,
            _ => return Err(Reason::UnsupportedFormat),
        };
        let form = Form {
            meaning,
            layout,
            samples: samples as usize,
            bits: bits as u8,
            is_planar: page.number(PLANAR) == Some(2) && samples > 1,
            is_multiplied: extra.first() == Some(&ASSOCIATED_ALPHA),
            palette: palette(page, meaning, bits)?,
        };
        form.check_subsampling(page)?;
        Ok(form)
    }

    /// Colour at half the resolution is read only of the JPEGs inside.
    fn check_subsampling(&self, page: &Directory<'_>) -> Result<(), Reason> {
        let halves = page
            .values(YCBCR_SUBSAMPLING, 2)
            .unwrap_or_else(|| vec![2, 2]);
        let is_jpeg = page.number(COMPRESSION) == Some(JPEG);
        if self.meaning == Meaning::YCbCr && !is_jpeg && (halves != [1, 1] || self.bits != 8) {
            return Err(Reason::UnsupportedFormat);
        }
        Ok(())
    }

    /// Turns a pixel's samples of 8 bits into those of the layout. Values of a palette, and samples of
    /// fewer bits, come as they are stored.
    pub(super) fn pixel(&self, stored: &[u8], pixel: &mut [u8]) {
        match (self.meaning, stored) {
            (Meaning::Palette, [index, ..]) => {
                let colour = self.palette.get(usize::from(*index));
                pixel.copy_from_slice(colour.unwrap_or(&[0; 3]));
            }
            (Meaning::YCbCr, [y, cb, cr, ..]) => {
                pixel.copy_from_slice(&crate::jpeg::ycc_to_rgb([*y, *cb, *cr]));
            }
            _ => {
                for (sample, stored) in pixel.iter_mut().zip(stored) {
                    *sample = self.spread(*stored);
                }
                self.settle(pixel);
            }
        }
    }

    /// Samples of few bits reach as far as those of 8.
    fn spread(&self, stored: u8) -> u8 {
        match self.bits {
            1 => stored * 255,
            2 => stored * 85,
            4 => stored * 17,
            _ => stored,
        }
    }

    /// Makes black 0, and puts colours that are multiplied by their alpha on white.
    fn settle(&self, pixel: &mut [u8]) {
        if self.meaning == Meaning::WhiteIsZero
            && let Some(grey) = pixel.first_mut()
        {
            *grey = 255 - *grey;
        }
        let has_alpha = matches!(self.layout, Layout::LumaAlpha | Layout::Rgba);
        if let Some((alpha, colours)) = pixel.split_last_mut().filter(|_| has_alpha)
            && self.is_multiplied
        {
            let white = 255 - *alpha;
            colours
                .iter_mut()
                .for_each(|it| *it = it.saturating_add(white));
            *alpha = 255;
        }
    }
}

/// Colours of 16 bits by their high bytes; some writers forget to use those.
fn palette(page: &Directory<'_>, meaning: Meaning, bits: u64) -> Result<Vec<[u8; 3]>, Reason> {
    if meaning != Meaning::Palette {
        return Ok(Vec::new());
    }
    if bits > 8 {
        return Err(Reason::UnsupportedFormat);
    }
    let map = page
        .values(COLOUR_MAP, COLOURS_MAX)
        .ok_or(Reason::Truncated)?;
    let is_low = map.iter().all(|it| *it < 256);
    let byte = |value: u64| (if is_low { value } else { value >> 8 }) as u8;
    let (reds, rest) = map.split_at(map.len() / 3);
    let (greens, blues) = rest.split_at(rest.len() / 2);
    let colours = reds.iter().zip(greens).zip(blues);
    Ok(colours
        .map(|((red, green), blue)| [byte(*red), byte(*green), byte(*blue)])
        .collect())
}
