//! JPEG XL and JPEG 2000: files that one decoder reads whole, in a process of its own.

use crate::pixels::Raster;
use crate::sandbox::{Codec, Decoder};
use crate::{Detail, Limits, Orientation, Reason};

type Read = Result<(Raster, Orientation), Reason>;

#[cfg(feature = "jxl")]
pub(crate) fn jxl(bytes: &[u8], detail: Detail, limits: &Limits) -> Read {
    decode(Codec::Jxl, bytes, detail, limits)
}

#[cfg(feature = "jp2")]
pub(crate) fn jp2(bytes: &[u8], detail: Detail, limits: &Limits) -> Read {
    decode(Codec::Jp2, bytes, detail, limits)
}

/// Sides are judged by the child before it decodes, as far as memory goes, and here as far as use goes.
fn decode(codec: Codec, bytes: &[u8], detail: Detail, limits: &Limits) -> Read {
    let planes = Decoder::start()?.planes(codec, bytes, limits.pixels_max)?;
    limits.admit(planes.width, planes.height)?;
    // What turns a JPEG XL is applied by its decoder.
    Ok((planes.into_raster(detail)?, Orientation::Upright))
}
