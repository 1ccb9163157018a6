use std::fmt;

use crate::frames::{Frame, FramesShown};
use crate::{Detail, Format, Limits, Orientation, Reason};

/// Samples of 8 bits, row by row from the top, without padding.
#[derive(Clone, PartialEq, Eq)]
pub enum Pixels {
    /// One byte a pixel.
    Luma(Vec<u8>),
    /// Three bytes a pixel: red, green, blue.
    Rgb(Vec<u8>),
}

/// A decoded picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Photo {
    /// Width in pixels, as stored.
    pub width_px: u32,
    /// Height in pixels, as stored.
    pub height_px: u32,
    /// The samples, as stored: the orientation is not yet applied.
    pub pixels: Pixels,
    /// How the picture wants to be turned to stand upright.
    pub orientation: Orientation,
    /// The type of the file, by its content.
    pub format: Format,
    /// The file is hurt, and this is what it still shows; or pages or frames of it could not be looked at.
    pub is_partial: bool,
    /// Which frames of a file of several these are.
    pub shown: FramesShown,
}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for Photo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} {}x{} [redacted]",
            self.format, self.width_px, self.height_px
        )
    }
}

/// How a decoder laid out its samples of 8 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Luma,
    LumaAlpha,
    Rgb,
    Rgba,
    /// Ink, 255 = full: as TIFF stores it.
    Cmyk,
}

impl Layout {
    pub(crate) fn bytes_per_pixel(self) -> usize {
        match self {
            Layout::Luma => 1,
            Layout::LumaAlpha => 2,
            Layout::Rgb => 3,
            Layout::Rgba | Layout::Cmyk => 4,
        }
    }
}

/// What a decoder hands over.
pub(crate) struct Raster {
    width_px: u32,
    height_px: u32,
    layout: Layout,
    samples: Vec<u8>,
    is_partial: bool,
}

/// The part of a hurt picture that has to be there, of 4: a photo is found again by a quarter of it.
const ENOUGH_OF_4: u32 = 1;

impl Raster {
    /// Takes a decoder's samples; a number that does not fit the dimensions is its failure.
    pub(crate) fn new(
        width_px: u32,
        height_px: u32,
        layout: Layout,
        samples: Vec<u8>,
    ) -> Result<Raster, Reason> {
        let bytes = samples_len(width_px, height_px, layout)?;
        if samples.len() != bytes {
            return Err(Reason::DecoderFailure);
        }
        Ok(Raster {
            width_px,
            height_px,
            layout,
            samples,
            is_partial: false,
        })
    }

    /// What a hurt file still shows: its first rows, if they are enough.
    pub(crate) fn first_rows(mut self, rows: u32, limits: &Limits) -> Option<Raster> {
        if rows.saturating_mul(4) < self.height_px.saturating_mul(ENOUGH_OF_4) {
            return None;
        }
        // Its pixels were judged before they were read.
        let sides = Limits {
            pixels_max: u64::MAX,
            ..*limits
        };
        sides.admit(self.width_px, rows).ok()?;
        let bytes = samples_len(self.width_px, rows, self.layout).ok()?;
        self.samples.truncate(bytes);
        (self.height_px, self.is_partial) = (rows, true);
        Some(self)
    }

    /// The same, of a file that holds more, which cannot be read.
    pub(crate) fn partial_if(mut self, is_part: bool) -> Raster {
        self.is_partial |= is_part;
        self
    }

    /// This one with another of the same width below it.
    pub(crate) fn over(mut self, lower: Raster) -> Result<Raster, Reason> {
        if lower.width_px != self.width_px {
            return Err(Reason::Corrupt);
        }
        if lower.layout != self.layout {
            return self.into_rgb()?.over(lower.into_rgb()?);
        }
        let height_px = self.height_px.checked_add(lower.height_px);
        self.height_px = height_px.ok_or(Reason::TooManyPixels)?;
        self.samples.extend_from_slice(&lower.samples);
        Ok(self.partial_if(lower.is_partial))
    }

    fn into_rgb(mut self) -> Result<Raster, Reason> {
        match self.layout {
            Layout::Rgb => return Ok(self),
            Layout::Luma => self.samples = self.samples.iter().flat_map(|it| [*it; 3]).collect(),
            Layout::Cmyk => self.samples = repack(self.samples, cmyk_to_rgb),
            _ => return Err(Reason::UnsupportedFormat),
        }
        self.layout = Layout::Rgb;
        Ok(self)
    }

    /// The same on white, as far as a mask of any size that is stretched to it covers it: 255 is all.
    pub(crate) fn under(mut self, mask: &Raster) -> Raster {
        if self.layout == Layout::Cmyk {
            self.samples = repack(self.samples, cmyk_to_rgb);
            self.layout = Layout::Rgb;
        }
        let bytes = self.layout.bytes_per_pixel();
        let stride = (self.width_px as usize * bytes).max(1);
        let place = |at: usize, of: u32, side: u32| at * side as usize / of.max(1) as usize;
        for (row, y) in self.samples.chunks_exact_mut(stride).zip(0..) {
            let start = place(y, self.height_px, mask.height_px) * mask.width_px as usize;
            let alphas = mask.samples.get(start..).unwrap_or_default();
            for (pixel, x) in row.chunks_exact_mut(bytes).zip(0..) {
                let alpha = alphas.get(place(x, self.width_px, mask.width_px));
                for sample in pixel {
                    *sample = over_white(*sample, alpha.copied().unwrap_or(255));
                }
            }
        }
        self
    }

    pub(crate) fn is_partial(&self) -> bool {
        self.is_partial
    }

    pub(crate) fn into_samples(self) -> Vec<u8> {
        self.samples
    }

    /// The same, borrowed.
    pub(crate) fn frame(&self) -> Frame<'_> {
        Frame {
            width_px: self.width_px,
            height_px: self.height_px,
            layout: self.layout,
            samples: &self.samples,
            orientation: Orientation::Upright,
            weight: 0,
            page: None,
        }
    }

    /// Reduces to what the caller asked for, in place: no second picture in memory.
    pub(crate) fn into_photo(
        self,
        detail: Detail,
        orientation: Orientation,
        format: Format,
    ) -> Photo {
        let samples = self.samples;
        let pixels = match (self.layout, detail) {
            (Layout::Luma, _) => Pixels::Luma(samples),
            (Layout::LumaAlpha, _) => Pixels::Luma(repack(samples, |[luma, alpha]: [u8; 2]| {
                [over_white(luma, alpha)]
            })),
            (Layout::Rgb, Detail::Colour) => Pixels::Rgb(samples),
            (Layout::Rgb, Detail::Luma) => Pixels::Luma(repack(samples, |rgb| [luma(rgb)])),
            (Layout::Rgba, Detail::Colour) => Pixels::Rgb(repack(samples, rgba_over_white)),
            (Layout::Rgba, Detail::Luma) => {
                Pixels::Luma(repack(samples, |rgba| [luma(rgba_over_white(rgba))]))
            }
            (Layout::Cmyk, Detail::Colour) => Pixels::Rgb(repack(samples, cmyk_to_rgb)),
            (Layout::Cmyk, Detail::Luma) => {
                Pixels::Luma(repack(samples, |cmyk| [luma(cmyk_to_rgb(cmyk))]))
            }
        };
        let (width_px, height_px) = (self.width_px, self.height_px);
        Photo {
            width_px,
            height_px,
            pixels,
            orientation,
            format,
            is_partial: self.is_partial,
            shown: FramesShown::default(),
        }
    }
}

/// Bytes of a raster of these dimensions.
pub(crate) fn samples_len(width_px: u32, height_px: u32, layout: Layout) -> Result<usize, Reason> {
    usize::try_from(u64::from(width_px) * u64::from(height_px))
        .ok()
        .and_then(|pixels| pixels.checked_mul(layout.bytes_per_pixel()))
        .ok_or(Reason::TooManyPixels)
}

/// ITU-R 601 in 16 bit fixed point, with the rounding of Pillow's `convert("L")`.
pub(crate) fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + 0x8000;
    u8::try_from(sum >> 16).expect("the weights add up to 65536")
}

pub(crate) fn over_white(sample: u8, alpha: u8) -> u8 {
    let (sample, alpha) = (u32::from(sample), u32::from(alpha));
    let sum = sample * alpha + 255 * (255 - alpha);
    u8::try_from((sum + 127) / 255).expect("a mean of two bytes")
}

fn rgba_over_white([r, g, b, alpha]: [u8; 4]) -> [u8; 3] {
    [
        over_white(r, alpha),
        over_white(g, alpha),
        over_white(b, alpha),
    ]
}

/// As Pillow: `255 - k` dimmed by each ink.
pub(crate) fn cmyk_to_rgb([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let dim = |ink: u8| {
        let white = u32::from(255 - k);
        let shade = white * u32::from(ink) + 128;
        u8::try_from(white - (((shade >> 8) + shade) >> 8)).expect("at most 255")
    };
    [dim(c), dim(m), dim(y)]
}

/// Rewrites pixels of `FROM` bytes as pixels of `TO` bytes in the same buffer.
pub(crate) fn repack<const FROM: usize, const TO: usize>(
    mut samples: Vec<u8>,
    pixel: impl Fn([u8; FROM]) -> [u8; TO],
) -> Vec<u8> {
    const { assert!(TO <= FROM) }
    let pixels = samples.len() / FROM;
    for at in 0..pixels {
        let mut from = [0; FROM];
        from.copy_from_slice(&samples[at * FROM..][..FROM]);
        samples[at * TO..][..TO].copy_from_slice(&pixel(from));
    }
    samples.truncate(pixels * TO);
    samples.shrink_to_fit();
    samples
}

impl Raster {
    /// The raster at a place on a larger white canvas, as RGB.
    pub(crate) fn on_white_canvas(
        self,
        (width_px, height_px): (u32, u32),
        (left, top): (u32, u32),
    ) -> Result<Raster, Reason> {
        let fits = |offset: u32, side: u32, canvas: u32| {
            offset.checked_add(side).is_some_and(|end| end <= canvas)
        };
        if !fits(left, self.width_px, width_px) || !fits(top, self.height_px, height_px) {
            return Err(Reason::Corrupt);
        }
        let stride = samples_len(self.width_px, 1, Layout::Rgb)?;
        let frame = match self.layout {
            Layout::Rgb => self.samples,
            Layout::Rgba => repack(self.samples, rgba_over_white),
            _ => return Err(Reason::DecoderFailure),
        };
        let mut samples = vec![255; samples_len(width_px, height_px, Layout::Rgb)?];
        let offset = samples_len(left, 1, Layout::Rgb)?;
        let rows = samples.chunks_exact_mut(samples_len(width_px, 1, Layout::Rgb)?);
        let rows = rows.skip(usize::try_from(top).map_err(|_| Reason::Corrupt)?);
        for (row, source) in rows.zip(frame.chunks_exact(stride)) {
            row[offset..offset + stride].copy_from_slice(source);
        }
        Raster::new(width_px, height_px, Layout::Rgb, samples)
    }
}
