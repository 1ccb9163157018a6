//! JPEGs that zune-jpeg 0.5.15 gets wrong (by comparison with libjpeg on a matrix of encodings):
//! four inks, samplings other than 4:4:4, 4:2:2 and 4:2:0, and baseline scans of single
//! components. jpeg-decoder is slower and heavier, and right.

use jpeg_decoder::{ColorTransform, Decoder, Error};

use super::clean::Clean;
use super::frame::Colour;
use crate::pixels::{Layout, Raster, cmyk_to_rgb, luma, repack, samples_len};
use crate::{Detail, Limits, Reason};

/// Its coefficients, rows in flight to its workers, planes and result come to 24 bytes a pixel
/// of four inks, where everything else stays below 12: so it may have half the pixels.
const WEIGHT: u64 = 2;

pub(super) fn decode(clean: &Clean, detail: Detail, limits: &Limits) -> Result<Raster, Reason> {
    let (width_px, height_px) = (clean.frame.width_px, clean.frame.height_px);
    limits.admit_pixels(width_px, height_px, WEIGHT)?;
    let samples = components(clean)?;
    let colour = clean.frame.colour;
    let (layout, samples) = match (colour, detail) {
        (Colour::Luma, _) => (Layout::Luma, samples),
        (Colour::Rgb, _) => (Layout::Rgb, samples),
        (Colour::YCbCr, Detail::Luma) => (Layout::Luma, repack(samples, |[y, _, _]: [u8; 3]| [y])),
        (Colour::YCbCr, Detail::Colour) => (Layout::Rgb, repack(samples, ycc_to_rgb)),
        (Colour::Cmyk | Colour::Ycck, Detail::Luma) => (
            Layout::Luma,
            repack(samples, |inks| [luma(inks_to_rgb(colour, inks))]),
        ),
        (Colour::Cmyk | Colour::Ycck, Detail::Colour) => (
            Layout::Rgb,
            repack(samples, |inks| inks_to_rgb(colour, inks)),
        ),
    };
    Raster::new(width_px, height_px, layout, samples)
}

/// Four components as stored.
pub(super) fn inks(clean: &Clean, limits: &Limits) -> Result<Raster, Reason> {
    if clean.frame.components != 4 || clean.frame.arithmetic {
        return Err(Reason::UnsupportedFormat);
    }
    let (width_px, height_px) = (clean.frame.width_px, clean.frame.height_px);
    limits.admit_pixels(width_px, height_px, WEIGHT)?;
    let mut samples = components(clean)?;
    samples.iter_mut().for_each(|it| *it = 255 - *it);
    Raster::new(width_px, height_px, Layout::Cmyk, samples)
}

/// The components as stored, interleaved; four of them inverted.
fn components(clean: &Clean) -> Result<Vec<u8>, Reason> {
    let (width_px, height_px) = (clean.frame.width_px, clean.frame.height_px);
    let mut decoder = Decoder::new(clean.file.as_slice());
    decoder.set_max_decoding_buffer_size(samples_len(width_px, height_px, Layout::Cmyk)?);
    // The names are the decoder's; the effect is that it converts nothing. (Its `None` panics.)
    decoder.set_color_transform(match clean.frame.colour {
        Colour::Luma => ColorTransform::Grayscale,
        Colour::YCbCr | Colour::Rgb => ColorTransform::RGB,
        Colour::Cmyk | Colour::Ycck => ColorTransform::CMYK,
    });
    decoder.decode().map_err(|error| match error {
        Error::Unsupported(_) => Reason::UnsupportedFormat,
        _ if clean.cut => Reason::Truncated,
        Error::Io(_) => Reason::Truncated,
        _ => Reason::Corrupt,
    })
}

/// Inverted components to RGB as Pillow: it takes every four-ink JPEG to be inverted by Adobe's
/// habit, and libjpeg turns YCCK into inks first.
fn inks_to_rgb(colour: Colour, [c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let [c, m, y] = match colour {
        Colour::Ycck => ycc_to_rgb([255 - c, 255 - m, 255 - y]),
        _ => [c, m, y],
    };
    cmyk_to_rgb([c, m, y, k])
}

/// libjpeg's fixed-point conversion.
pub(crate) fn ycc_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let sample = |value: i32| u8::try_from(value.clamp(0, 255)).expect("clamped");
    [
        sample(y + ((91_881 * cr + HALF) >> 16)),
        sample(y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16)),
        sample(y + ((116_130 * cb + HALF) >> 16)),
    ]
}
