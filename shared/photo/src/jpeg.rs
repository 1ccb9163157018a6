//! JPEG: baseline and progressive, 8 bit, by Huffman or by arithmetic.

mod clean;
mod frame;
mod hurt;
mod rare;
mod standard;

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use crate::pixels::{Layout, Raster, samples_len};
use crate::{Detail, Limits, Orientation, Reason};
use clean::Clean;
use frame::Colour;
pub(crate) use rare::ycc_to_rgb;

pub(crate) fn decode(
    bytes: &[u8],
    detail: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let clean = Clean::of(bytes, limits)?;
    let orientation = clean.orientation;
    let raster = read(&clean, detail, limits)?;
    drop(clean);
    Ok((raster.within(limits.pixels_max)?, orientation))
}

/// In colour, of a JPEG that is a part of a picture: `own` limits its sides, `limits` the work.
pub(crate) fn decode_part(bytes: &[u8], own: &Limits, limits: &Limits) -> Result<Raster, Reason> {
    read(&Clean::of(bytes, own)?, Detail::Colour, limits)
}

/// As [`decode_part`], of four inks as they are stored, 255 for full: as TIFF holds them, without Adobe's habit of
/// inverting.
pub(crate) fn inks(bytes: &[u8], own: &Limits, limits: &Limits) -> Result<Raster, Reason> {
    rare::inks(&Clean::of(bytes, own)?, limits)
}

fn read(clean: &Clean, detail: Detail, limits: &Limits) -> Result<Raster, Reason> {
    match whole(clean, detail, limits) {
        Err(reason @ (Reason::Truncated | Reason::Corrupt)) => {
            hurt::read(clean, detail, limits).ok_or(reason)
        }
        whole => whole,
    }
}

fn whole(clean: &Clean, detail: Detail, limits: &Limits) -> Result<Raster, Reason> {
    let frame = clean.frame;
    if clean.cut && (frame.progressive || !clean.interleaved) {
        // More scans may have followed, and what is there is a blurred picture.
        return Err(Reason::Truncated);
    }
    if frame.arithmetic {
        limits.admit_part(frame.width_px, frame.height_px)?;
        return arithmetic(clean, detail);
    }
    if is_common(clean) {
        // The lenient mode paints what is missing in grey and reports success.
        common_kind(clean, detail, limits, true)
    } else {
        rare::decode(clean, detail, limits)
    }
}

/// In a process of its own: the decoder has unsafe code.
#[cfg(feature = "arithmetic")]
fn arithmetic(clean: &Clean, detail: Detail) -> Result<Raster, Reason> {
    use crate::sandbox::{Codec, Decoder};

    if clean.cut {
        return Err(Reason::Truncated);
    }
    let pixels = u64::from(clean.frame.width_px) * u64::from(clean.frame.height_px);
    let planes = Decoder::start()?.planes(Codec::ArithmeticJpeg, &clean.file, pixels)?;
    planes.into_raster(detail)
}

#[cfg(not(feature = "arithmetic"))]
fn arithmetic(_: &Clean, _: Detail) -> Result<Raster, Reason> {
    Err(Reason::UnsupportedFormat)
}

fn is_common(clean: &Clean) -> bool {
    let frame = clean.frame;
    let is_common =
        !frame.arithmetic && frame.common_sampling && (frame.progressive || clean.interleaved);
    is_common && frame.components != 4
}

fn common_kind(
    clean: &Clean,
    detail: Detail,
    limits: &Limits,
    strict: bool,
) -> Result<Raster, Reason> {
    let (space, layout) = match (clean.frame.colour, detail) {
        (Colour::Luma, _) | (Colour::YCbCr, Detail::Luma) => (ColorSpace::Luma, Layout::Luma),
        _ => (ColorSpace::RGB, Layout::Rgb),
    };
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .set_strict_mode(strict)
        .jpeg_set_max_scans(clean::SCANS_MAX)
        .jpeg_set_out_colorspace(space);
    let (width_px, height_px) = (clean.frame.width_px, clean.frame.height_px);
    let coefficients = if clean.frame.progressive {
        clean.frame.coefficient_bytes
    } else {
        0
    };
    let bytes = coefficients + layout.bytes_per_pixel() as u64;
    // A strip of a TIFF may be small.
    let of_any_side = Limits {
        side_px_min: 1,
        ..*limits
    };
    of_any_side.admit_reduced(width_px, height_px, bytes)?;
    let mut samples = vec![0; samples_len(width_px, height_px, layout)?];
    JpegDecoder::new_with_options(ZCursor::new(&clean.file), options)
        .decode_into(&mut samples)
        .map_err(|error| reason(&error, clean.cut))?;
    Raster::new(width_px, height_px, layout, samples)
}

fn reason(error: &DecodeErrors, cut: bool) -> Reason {
    match error {
        DecodeErrors::Unsupported(_) => Reason::UnsupportedFormat,
        _ if cut => Reason::Truncated,
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => Reason::Truncated,
        _ => Reason::Corrupt,
    }
}
