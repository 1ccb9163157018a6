//! Pixels to JPEG.

use image::RgbImage;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use records::NoPicture;

use crate::seen;

/// Qualities that are tried from the best down. At the last one edges begin to ring at twice the size.
const QUALITIES: [u8; 4] = [76, 68, 58, 48];

/// A baseline JPEG without metadata, of at most `bytes_max` bytes: as good as fits, and where not even the
/// lowest quality does, smaller.
pub(crate) fn jpeg(picture: &RgbImage, bytes_max: usize) -> Result<Vec<u8>, NoPicture> {
    for quality in QUALITIES {
        let bytes = encoded(picture, quality)?;
        if bytes.len() <= bytes_max {
            return Ok(bytes);
        }
    }
    let longest = picture.width().max(picture.height());
    match longest * 5 / 6 {
        0 => Err(NoPicture::Unreadable),
        side_px => jpeg(&seen::fitted(picture, side_px), bytes_max),
    }
}

/// Colour at half the resolution, as cameras write it.
fn encoded(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, NoPicture> {
    let unreadable = |_| NoPicture::Unreadable;
    let (width, height) = picture.dimensions();
    let (width, height) = match (u16::try_from(width), u16::try_from(height)) {
        (Ok(width), Ok(height)) => (width, height),
        _ => return Err(NoPicture::Unreadable),
    };
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_optimized_huffman_tables(true);
    let done = encoder.encode(picture.as_raw(), width, height, ColorType::Rgb);
    done.map_err(unreadable)?;
    Ok(bytes)
}
