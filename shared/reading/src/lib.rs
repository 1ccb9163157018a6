//! Bytes to fingerprint: the part without waiting.

use fingerprint::Picture;
use photo::{Detail, Limits, Photo, Pixels, Reason};
use records::{AdMetadata, HashRecord, ImageSha256, MemberName};

/// What is kept of a decoded picture.
pub struct Read<T> {
    /// Width in pixels, as stored in the file.
    pub width_px: u32,
    /// Height in pixels, as stored in the file.
    pub height_px: u32,
    /// The file is hurt, and this is what it still shows.
    pub is_partial: bool,
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
        fingerprint: make(&picture(&upright)?),
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
