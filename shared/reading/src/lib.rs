//! Bytes to fingerprint: the part without waiting.

use fingerprint::Picture;
use photo::{Detail, Limits, Photo, Pixels, Reason};
use records::{
    AdMetadata, FrameUnit, FramesShown, HashRecord, ImageSha256, MemberName, ShownFrame,
};

/// What is kept of a decoded picture.
pub struct Read<T> {
    /// Width in pixels, as stored in the file.
    pub width_px: u32,
    /// Height in pixels, as stored in the file.
    pub height_px: u32,
    /// The file is hurt, and this is what it still shows.
    pub is_partial: bool,
    /// Which frames or pages of its file it shows, if there are several.
    pub frames: Option<FramesShown>,
    /// What was made of it.
    pub fingerprint: T,
}

/// Decodes to luma, turns the picture upright, and makes a fingerprint of it.
///
/// # Errors
/// Why the bytes are refused.
pub fn read<T>(
    bytes: &[u8],
    limits: &Limits,
    make: fn(&Picture<'_>) -> T,
) -> Result<Read<T>, Reason> {
    made(photo::decode(bytes, Detail::Luma, limits)?, make)
}

/// As [`read`]; of an animation or of several pages, frames that differ are looked at together.
///
/// # Errors
/// Why the bytes are refused.
pub fn read_sheet<T>(
    bytes: &[u8],
    limits: &Limits,
    make: fn(&Picture<'_>) -> T,
) -> Result<Read<T>, Reason> {
    made(photo::decode_sheet(bytes, Detail::Luma, limits)?, make)
}

fn made<T>(photo: Photo, make: fn(&Picture<'_>) -> T) -> Result<Read<T>, Reason> {
    let (width_px, height_px) = (photo.width_px, photo.height_px);
    let is_partial = photo.is_partial;
    let upright = photo.upright();
    Ok(Read {
        width_px,
        height_px,
        is_partial,
        frames: frames(&upright),
        fingerprint: make(&picture(&upright)?),
    })
}

fn frames(photo: &Photo) -> Option<FramesShown> {
    let thousandths = |px: u32, of: u32| {
        let share = u64::from(px) * 1000 / u64::from(of.max(1));
        u16::try_from(share).unwrap_or(u16::MAX)
    };
    let area = |[left, top, width, height]: [u32; 4]| {
        [
            thousandths(left, photo.width_px),
            thousandths(top, photo.height_px),
            thousandths(left.saturating_add(width), photo.width_px),
            thousandths(top.saturating_add(height), photo.height_px),
        ]
    };
    let shown = &photo.shown;
    let frames = shown.frames.iter().map(|frame| ShownFrame {
        number: frame.number,
        area: frame.area_px.map(area),
    });
    let (unit, count) = match shown.unit {
        photo::FrameUnit::Frame => (FrameUnit::Frame, Some(shown.count)),
        photo::FrameUnit::Page => (FrameUnit::Page, None),
    };
    (!shown.frames.is_empty()).then(|| FramesShown {
        unit,
        count,
        frames: frames.collect(),
    })
}

/// What a list of hashes says of a picture.
///
/// # Errors
/// Why the bytes are refused.
pub fn hash_record(
    name: MemberName,
    bytes: &[u8],
    limits: &Limits,
    metadata: AdMetadata,
) -> Result<HashRecord, Reason> {
    let read = read_sheet(bytes, limits, fingerprint::of_ad)?;
    Ok(HashRecord {
        name,
        image_sha256: ImageSha256::of(bytes),
        size_bytes: bytes.len() as u64,
        width_px: read.width_px,
        height_px: read.height_px,
        fingerprint: read.fingerprint,
        metadata,
        notes: Vec::new(),
    })
}

/// A decoded photo, as fingerprints are made of it.
///
/// # Errors
/// [`Reason::DecoderFailure`] if its pixels do not fill it.
pub fn picture(photo: &Photo) -> Result<Picture<'_>, Reason> {
    let pixels = match &photo.pixels {
        Pixels::Luma(luma) => fingerprint::Pixels::Luma(luma),
        Pixels::Rgb(rgb) => fingerprint::Pixels::Rgb(rgb),
    };
    let px = |side: u32| usize::try_from(side).map_err(|_| Reason::TooManyPixels);
    Picture::new(px(photo.width_px)?, px(photo.height_px)?, pixels)
        .map_err(|_| Reason::DecoderFailure)
}
