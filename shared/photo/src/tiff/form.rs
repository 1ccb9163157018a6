use super::{BITS, COLOUR_MAP, COMPRESSION, EXTRA_SAMPLES, JPEG, PHOTOMETRIC, PLANAR, SAMPLES};
use super::{SAMPLE_FORMAT, SAMPLES_MAX, YCBCR_SUBSAMPLING, lab};
use crate::Reason;
use crate::exif::Directory;
use crate::pixels::Layout;

/// An extra sample that says nothing about the colours before it.
const UNSPECIFIED: u64 = 0;
/// An alpha by which the colours before it are multiplied already.
const ASSOCIATED_ALPHA: u64 = 1;
/// Colours of a palette: one for each value of at most 8 bits.
const COLOURS_MAX: u64 = 3 << 8;
/// Most bits of a sample that does not end with a byte.
pub(super) const ODD_BITS_MAX: u8 = 16;

/// What the samples of a page mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    Palette,
    Inks,
    YCbCr,
    /// CIE L*a*b*, whose colours are around 0.
    Lab,
    /// The same, whose colours are around 128.
    LabAround128,
}

/// How a number is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Whole,
    /// Half of the values are below 0: the lowest is black.
    Signed,
    Float,
}

/// How the samples of a page lie, and what they mean.
pub(super) struct Form {
    pub(super) meaning: Meaning,
    pub(super) layout: Layout,
    /// Samples of a pixel, extra ones included.
    pub(super) samples: usize,
    /// Bits of a sample: 1 to 16, 32 or 64.
    pub(super) bits: u8,
    pub(super) kind: Kind,
    /// Each sample's plane lies apart.
    pub(super) is_planar: bool,
    /// Columns and rows of brightness for one of colour.
    pub(super) halves: (u32, u32),
    /// Colours are multiplied by their alpha.
    is_multiplied: bool,
    palette: Vec<[u8; 3]>,
}

impl Form {
    pub(super) fn of(page: &Directory<'_>) -> Result<Form, Reason> {
        let samples = page.number(SAMPLES).unwrap_or(1);
        let meaning = match page.number(PHOTOMETRIC).unwrap_or_default() {
            0 => Meaning::WhiteIsZero,
            1 => Meaning::BlackIsZero,
            2 => Meaning::Rgb,
            3 => Meaning::Palette,
            5 => Meaning::Inks,
            6 if samples < 3 => Meaning::BlackIsZero, // brightness alone
            6 => Meaning::YCbCr,
            8 => Meaning::Lab,
            9 => Meaning::LabAround128,
            _ => return Err(Reason::UnsupportedFormat),
        };
        let extra = page.values(EXTRA_SAMPLES, 1).unwrap_or_default();
        let kind = kind(page)?;
        let bits = bits(page, kind)?;
        let form = Form {
            meaning,
            layout: layout(
                (meaning, bits),
                samples,
                extra.first() != Some(&UNSPECIFIED),
            )?,
            samples: samples as usize,
            bits,
            kind,
            is_planar: page.number(PLANAR) == Some(2) && samples > 1,
            halves: halves(page, meaning)?,
            is_multiplied: extra.first() == Some(&ASSOCIATED_ALPHA),
            palette: palette(page, meaning, bits)?,
        };
        if form.is_halved() && (form.is_planar || form.bits != 8 || form.samples != 3) {
            return Err(Reason::UnsupportedFormat);
        }
        Ok(form)
    }

    /// There is less colour than brightness.
    pub(super) fn is_halved(&self) -> bool {
        self.halves != (1, 1)
    }

    /// Whether the samples are unpacked as bytes, and taken apart here.
    pub(super) fn comes_in_bytes(&self) -> bool {
        self.is_halved() || !matches!(self.bits, 8 | 16 | 32 | 64)
    }

    /// A stored sample of at most 16 bits as one of 8: of more the highest. Values of a palette stay as they
    /// are.
    pub(super) fn byte(&self, stored: u32) -> u8 {
        let bits = u32::from(self.bits);
        let is_signed = self.kind == Kind::Signed && !self.is_lab();
        let stored = if is_signed {
            stored ^ 1 << (bits - 1)
        } else {
            stored
        };
        match bits {
            8 => stored as u8,
            9.. => (stored >> (bits - 8)) as u8,
            _ if self.meaning == Meaning::Palette => stored as u8,
            // Few bits reach as far as 8.
            _ => (stored * 255 / ((1 << bits) - 1)) as u8,
        }
    }

    fn is_lab(&self) -> bool {
        matches!(self.meaning, Meaning::Lab | Meaning::LabAround128)
    }

    /// Turns a pixel's samples of 8 bits, or the values of a palette, into those of the layout.
    pub(super) fn pixel(&self, stored: &[u8], pixel: &mut [u8]) {
        match (self.meaning, stored) {
            (Meaning::Palette, [index, more @ ..]) => {
                let colour = self.palette.get(usize::from(*index));
                let [r, g, b] = colour.copied().unwrap_or_default();
                let alpha = more.first().copied().unwrap_or(255);
                for (sample, it) in pixel.iter_mut().zip([r, g, b, alpha]) {
                    *sample = it;
                }
            }
            (Meaning::YCbCr, [y, cb, cr, ..]) => {
                pixel.copy_from_slice(&crate::jpeg::ycc_to_rgb([*y, *cb, *cr]));
            }
            (Meaning::Lab, [l, a, b, ..]) => {
                pixel.copy_from_slice(&lab::to_rgb(*l, i16::from(*a as i8), i16::from(*b as i8)));
            }
            (Meaning::LabAround128, [l, a, b, ..]) => {
                let around = |it: u8| i16::from(it) - 128;
                pixel.copy_from_slice(&lab::to_rgb(*l, around(*a), around(*b)));
            }
            _ => {
                for (sample, stored) in pixel.iter_mut().zip(stored) {
                    *sample = *stored;
                }
                self.settle(pixel);
            }
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

fn layout((meaning, bits): (Meaning, u8), samples: u32, has_alpha: bool) -> Result<Layout, Reason> {
    use Meaning::{BlackIsZero, Inks, Lab, LabAround128, Palette, Rgb, WhiteIsZero, YCbCr};
    Ok(match (meaning, samples) {
        (Palette, 2..) if has_alpha && bits == 8 => Layout::Rgba,
        (WhiteIsZero | BlackIsZero, 2) if has_alpha => Layout::LumaAlpha,
        (WhiteIsZero | BlackIsZero, 1..) => Layout::Luma,
        (Rgb, 4..) if has_alpha => Layout::Rgba,
        (Rgb | YCbCr | Lab | LabAround128, 3..) | (Palette, 1..) => Layout::Rgb,
        (Inks, 4..) => Layout::Cmyk,
        _ => return Err(Reason::UnsupportedFormat),
    })
}

/// How each sample is written: all are alike.
fn kind(page: &Directory<'_>) -> Result<Kind, Reason> {
    let kinds = page.values(SAMPLE_FORMAT, u64::from(SAMPLES_MAX));
    let kinds = kinds.unwrap_or_else(|| vec![1]);
    if kinds.iter().any(|it| Some(it) != kinds.first()) {
        return Err(Reason::UnsupportedFormat);
    }
    match kinds.first() {
        None | Some(1 | 4) => Ok(Kind::Whole),
        Some(2) => Ok(Kind::Signed),
        Some(3) => Ok(Kind::Float),
        _ => Err(Reason::UnsupportedFormat),
    }
}

/// Bits of each sample: all have as many.
fn bits(page: &Directory<'_>, kind: Kind) -> Result<u8, Reason> {
    let bits = page.values(BITS, u64::from(SAMPLES_MAX));
    let bits = bits.unwrap_or_else(|| vec![1]);
    let first = bits.first().copied().unwrap_or_default();
    let known = match kind {
        Kind::Float => matches!(first, 16 | 32 | 64),
        _ => (1..=u64::from(ODD_BITS_MAX)).contains(&first) || first == 32,
    };
    if !known || bits.iter().any(|it| *it != first) {
        return Err(Reason::UnsupportedFormat);
    }
    Ok(first as u8)
}

/// Columns and rows of brightness for one of colour; JPEGs inside say it themselves.
fn halves(page: &Directory<'_>, meaning: Meaning) -> Result<(u32, u32), Reason> {
    if meaning != Meaning::YCbCr || page.number(COMPRESSION) == Some(JPEG) {
        return Ok((1, 1));
    }
    let halves = page.values(YCBCR_SUBSAMPLING, 2);
    match halves.as_deref().unwrap_or(&[2, 2]) {
        [across @ (1 | 2 | 4), down @ (1 | 2 | 4)] => Ok((*across as u32, *down as u32)),
        _ => Err(Reason::Corrupt),
    }
}

/// Colours of 16 bits by their high bytes; some writers forget to use those.
fn palette(page: &Directory<'_>, meaning: Meaning, bits: u8) -> Result<Vec<[u8; 3]>, Reason> {
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
