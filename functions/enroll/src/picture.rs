//! Bytes to fingerprint: the part without waiting, off the async threads.

use fingerprint::Picture;
use photo::{Detail, Limits, Pixels, Reason};
use records::fingerprint::ReferenceFingerprint;

/// PDQ's authors discard hashes of a lower quality: such a picture resembles too many others.
const QUALITY_MIN: u8 = 50;

/// What is kept of a decoded picture.
pub(crate) struct Read {
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) fingerprint: ReferenceFingerprint,
}

impl Read {
    /// The best quality of its whole-picture hashes, 0 to 100.
    pub(crate) fn quality(&self) -> Option<u8> {
        self.fingerprint
            .framings
            .iter()
            .map(|(_, view)| view.quality)
            .max()
    }

    /// Whether neither stage could find it: it would be searched for in vain, or cry wolf.
    pub(crate) fn is_featureless(&self) -> bool {
        self.fingerprint.features.is_empty() && self.quality().is_none_or(|q| q < QUALITY_MIN)
    }
}

/// Decodes to luma, turns the picture upright, and fingerprints it in all framings.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Read, Reason> {
    let photo = photo::decode(bytes, Detail::Luma, limits)?;
    let (width_px, height_px) = (photo.width_px, photo.height_px);
    let upright = photo.upright();
    let pixels = match &upright.pixels {
        Pixels::Luma(luma) => fingerprint::Pixels::Luma(luma),
        Pixels::Rgb(rgb) => fingerprint::Pixels::Rgb(rgb),
    };
    let size = |px: u32| usize::try_from(px).map_err(|_| Reason::TooManyPixels);
    let picture = Picture::new(size(upright.width_px)?, size(upright.height_px)?, pixels)
        .map_err(|_| Reason::DecoderFailure)?;
    Ok(Read {
        width_px,
        height_px,
        fingerprint: fingerprint::of_reference(&picture),
    })
}
