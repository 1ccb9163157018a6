use std::io::{Cursor, ErrorKind};

use image::codecs::bmp::BmpDecoder;
use image::{ColorType, ImageDecoder, ImageError};

use crate::bytes::{array, le16, le32};
use crate::pixels::{Layout, Raster, samples_len};
use crate::{Detail, Limits, Orientation, Reason};

pub(crate) fn decode(
    bytes: &[u8],
    _: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let (width_px, height_px) = dimensions(bytes).ok_or(Reason::Truncated)?;
    limits.admit(width_px, height_px)?;
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(reason)?;
    if decoder.dimensions() != (width_px, height_px) {
        return Err(Reason::DecoderFailure);
    }
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

/// From the header, whose length tells how wide its fields are. A negative height means that the
/// rows start at the top.
fn dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    const OLDEST_HEADER_BYTES: u32 = 12;
    if le32(bytes, 14)? == OLDEST_HEADER_BYTES {
        return Some((le16(bytes, 18)?.into(), le16(bytes, 20)?.into()));
    }
    let height = array(bytes, 22).map(i32::from_le_bytes)?;
    Some((le32(bytes, 18)?, height.unsigned_abs()))
}

fn reason(error: ImageError) -> Reason {
    match error {
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Reason::Truncated,
        ImageError::Unsupported(_) => Reason::UnsupportedFormat,
        ImageError::Limits(_) => Reason::TooManyPixels,
        _ => Reason::Corrupt,
    }
}
