use heifer_hevc_dec::Error;
use heifer_hevc_dec::decoder::{DecodeOptions, decode_picture};
use heifer_isobmff::ItemId;

use super::container::Container;
use crate::Reason;
use crate::planes::Planes;

/// Largest coding block in pixels: streams round their sides up to it.
const BLOCK_PX: u64 = 64;

/// The samples of one coded item, whose stream may not be larger than the container says.
pub(super) fn planes(
    container: &Container<'_>,
    id: ItemId,
    (width_px, height_px): (u32, u32),
) -> Result<Planes, Reason> {
    let stream = container.hevc_stream(id)?;
    let side = |px: u32| (u64::from(px) + BLOCK_PX).next_multiple_of(BLOCK_PX);
    let options = DecodeOptions {
        max_pixels: side(width_px) * side(height_px),
        ..DecodeOptions::default()
    };
    let frame = decode_picture(&stream, options).map_err(|error| match error {
        Error::Unimplemented(_) => Reason::UnsupportedFormat,
        _ => Reason::Corrupt,
    })?;
    let [depth, of_colours] = frame.bit_depth;
    if frame.chroma_format != 0 && depth != of_colours {
        return Err(Reason::UnsupportedFormat);
    }
    Ok(Planes {
        width: frame.widths[0],
        height: frame.heights[0],
        colour_width: frame.widths[1],
        colour_height: frame.heights[1],
        depth,
        samples: frame.planes,
        matrix: frame.matrix_coeffs.into(),
        full_range: frame.full_range,
    })
}
