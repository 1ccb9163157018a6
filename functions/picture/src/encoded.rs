//! Pixels to JPEG.

use image::RgbImage;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use records::NoPicture;

/// Enough to tell two photos apart on a screen; a page with three of them has under 100 KB.
const QUALITY: u8 = 72;

/// A baseline JPEG without metadata.
pub(crate) fn jpeg(picture: &RgbImage) -> Result<Vec<u8>, NoPicture> {
    let px = |side: u32| u16::try_from(side).map_err(|_| NoPicture::Unreadable);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_optimized_huffman_tables(true);
    let size = (px(picture.width())?, px(picture.height())?);
    let encoded = encoder.encode(picture.as_raw(), size.0, size.1, ColorType::Rgb);
    encoded.map_err(|_| NoPicture::Unreadable)?;
    Ok(bytes)
}
