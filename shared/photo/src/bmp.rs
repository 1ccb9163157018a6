use std::io::{Cursor, ErrorKind};

use image::codecs::bmp::BmpDecoder;
use image::{ColorType, ImageDecoder, ImageError};

use crate::pixels::{Layout, Raster, samples_len};
use crate::{Detail, Limits, Orientation, Reason};

pub(crate) fn decode(
    bytes: &[u8],
    _: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(reason)?;
    let (width_px, height_px) = decoder.dimensions();
    limits.admit(width_px, height_px)?;
    let layout = match decoder.color_type() {
        ColorType::Rgb8 => Layout::Rgb,
        ColorType::Rgba8 => Layout::Rgba,
        _ => return Err(Reason::DecoderFailure),
    };
    let mut samples = vec![0; samples_len(width_px, height_px, layout)?];
    decoder.read_image(&mut samples).map_err(reason)?;
    let raster = Raster::new(width_px, height_px, layout, samples)?;
    Ok((raster, Orientation::Upright))
}

fn reason(error: ImageError) -> Reason {
    match error {
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Reason::Truncated,
        ImageError::Unsupported(_) => Reason::UnsupportedFormat,
        ImageError::Limits(_) => Reason::TooManyPixels,
        _ => Reason::Corrupt,
    }
}
