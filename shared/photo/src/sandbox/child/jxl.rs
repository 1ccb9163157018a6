use jxl_oxide::{AllocTracker, EnumColourEncoding, InitializeResult, JxlImage, RenderingIntent};

use super::{Fault, of_pixels};
use crate::planes::Planes;

/// Memory that the decoder may take for a pixel: it works in floats.
const BYTES_PER_PIXEL: usize = 24;

/// The first picture of a file.
pub(super) fn decoded(file: &[u8], pixels_max: u32) -> Result<Planes, Fault> {
    let memory = (pixels_max as usize).saturating_mul(BYTES_PER_PIXEL) + (64 << 20);
    let tracker = AllocTracker::with_limit(memory);
    let mut begun = JxlImage::builder().alloc_tracker(tracker).build_uninit();
    begun.feed_bytes(file).map_err(|_| Fault::Corrupt)?;
    let mut image = match begun.try_init().map_err(|_| Fault::Corrupt)? {
        InitializeResult::Initialized(image) => image,
        InitializeResult::NeedMoreData(_) => return Err(Fault::Truncated),
    };
    if u64::from(image.width()) * u64::from(image.height()) > u64::from(pixels_max) {
        return Err(Fault::Large);
    }
    image.request_color_encoding(if image.pixel_format().is_grayscale() {
        EnumColourEncoding::gray_srgb(RenderingIntent::Relative)
    } else {
        EnumColourEncoding::srgb(RenderingIntent::Relative)
    });
    if image.num_loaded_keyframes() == 0 {
        return Err(Fault::Truncated);
    }
    let render = image.render_frame(0).map_err(|_| Fault::Corrupt)?;
    let mut stream = render.stream();
    let channels = stream.channels() as usize;
    let sides = (stream.width(), stream.height());
    let mut samples = vec![0_u8; sides.0 as usize * sides.1 as usize * channels];
    if stream.write_to_buffer(&mut samples) != samples.len() {
        return Err(Fault::Corrupt);
    }
    of_pixels(sides, channels, &samples)
}
