//! Pixels to JPEG.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, RgbImage};
use records::NoPicture;

/// Enough to tell two photos apart on a screen; a page with three of them has about 100 KB.
const QUALITY: u8 = 68;

/// A baseline JPEG without metadata.
pub(crate) fn jpeg(picture: &RgbImage) -> Result<Vec<u8>, NoPicture> {
    let (width, height) = picture.dimensions();
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    let encoded = encoder.encode(picture.as_raw(), width, height, ExtendedColorType::Rgb8);
    encoded.map_err(|_| NoPicture::Unreadable)?;
    Ok(bytes)
}
