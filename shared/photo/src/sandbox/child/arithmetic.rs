use libjpeg_turbo_rs::{ColorSpace, DecodeLimits, Decoder, JpegError};

use super::Fault;
use crate::planes::Planes;

/// Most scans, as of other JPEGs.
const SCANS_MAX: usize = 128;

/// The planes of a JPEG that is coded by arithmetic.
pub(super) fn decoded(file: &[u8], pixels_max: u32) -> Result<Planes, Fault> {
    let limits = DecodeLimits {
        max_pixels: pixels_max.into(),
        max_scans: SCANS_MAX,
        ..DecodeLimits::default()
    };
    let decoder = Decoder::new_with_limits(file, limits).map_err(|error| fault(&error))?;
    let is_rgb = decoder.jpeg_color_space() == ColorSpace::Rgb;
    let header = decoder.header();
    let factors: Vec<(u32, u32)> = header
        .components
        .iter()
        .map(|it| (it.horizontal_sampling.into(), it.vertical_sampling.into()))
        .collect();
    let raw = decoder.decode_raw().map_err(|error| fault(&error))?;
    let most = |side: fn(&(u32, u32)) -> u32| factors.iter().map(side).max().unwrap_or(1).max(1);
    let (most_across, most_down) = (most(|it| it.0), most(|it| it.1));
    let side = |side: usize| u32::try_from(side).map_err(|_| Fault::Large);
    let (width, height) = (side(raw.width)?, side(raw.height)?);
    let mut planes = Vec::new();
    for (at, (across, down)) in factors.iter().enumerate() {
        let sides = (
            (width * across).div_ceil(most_across),
            (height * down).div_ceil(most_down),
        );
        let samples = raw.planes.get(at).ok_or(Fault::Failed)?;
        let stride = *raw.plane_widths.get(at).ok_or(Fault::Failed)?;
        planes.push((sides, plane(samples, stride, sides)?));
    }
    let whole = (width, height);
    let (colour, samples) = match <[_; 3]>::try_from(planes) {
        Ok([(sides, y), (colour, cb), (other, cr)]) if sides == whole && colour == other => {
            (colour, if is_rgb { [cb, cr, y] } else { [y, cb, cr] })
        }
        Ok(_) => return Err(Fault::Unsupported),
        Err(mut planes) if planes.len() == 1 => {
            let (sides, grey) = planes.remove(0);
            let grey = if sides == whole {
                grey
            } else {
                return Err(Fault::Unsupported);
            };
            ((0, 0), [grey, Vec::new(), Vec::new()])
        }
        Err(_) => return Err(Fault::Unsupported),
    };
    Ok(Planes {
        width,
        height,
        colour_width: colour.0,
        colour_height: colour.1,
        depth: 8,
        samples,
        matrix: if is_rgb { 0 } else { 6 },
        full_range: true,
    })
}

/// Without the padding of its blocks.
fn plane(samples: &[u8], stride: usize, (width, height): (u32, u32)) -> Result<Vec<u16>, Fault> {
    let rows = samples.chunks(stride.max(1)).take(height as usize);
    let plane: Vec<u16> = rows
        .flat_map(|row| {
            row.iter()
                .take(width as usize)
                .map(|sample| u16::from(*sample))
        })
        .collect();
    if plane.len() != width as usize * height as usize {
        return Err(Fault::Failed);
    }
    Ok(plane)
}

fn fault(error: &JpegError) -> Fault {
    match error {
        JpegError::Unsupported(_) => Fault::Unsupported,
        JpegError::UnexpectedEof => Fault::Truncated,
        _ => Fault::Corrupt,
    }
}
