use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::{Fault, of_pixels};
use crate::planes::Planes;

/// The last marker of a stream.
const END: &[u8] = b"\xff\xd9";

pub(super) fn decoded(file: &[u8], pixels_max: u32) -> Result<Planes, Fault> {
    // The decoder makes up what is missing; this mark stands nowhere but at the end.
    if memchr::memmem::find(file, END).is_none() {
        return Err(Fault::Truncated);
    }
    let image = Image::new(file, &DecodeSettings::default()).map_err(|_| Fault::Corrupt)?;
    let sides = (image.width(), image.height());
    if u64::from(sides.0) * u64::from(sides.1) > u64::from(pixels_max) {
        return Err(Fault::Large);
    }
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|_| Fault::Corrupt)?;
    let (channels, samples) = (decoded.components().len(), decoded.data_u8());
    if samples.len() != sides.0 as usize * sides.1 as usize * channels {
        return Err(Fault::Corrupt);
    }
    let is_ink = image.color_space().num_channels() == 4;
    if is_ink {
        return Err(Fault::Unsupported);
    }
    of_pixels(sides, channels, &samples)
}
