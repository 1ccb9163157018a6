//! A file on disk to bytes and fingerprints, by the same steps as the cloud's programs.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use features::fingerprint::{AdFingerprint, Hash256, ReferenceFingerprint};
use image::RgbImage;
use photo::{Detail, Limits, Pixels, Reason};

/// Why a file gave no fingerprint, as a code: a [`photo::Reason`], or what the disk said.
pub type ReasonCode = &'static str;

/// What `homeward fingerprint` says of a picture, for exchange with other systems.
pub struct ExchangeHash {
    /// Width in pixels, as stored.
    pub width_px: u32,
    /// Height in pixels, as stored.
    pub height_px: u32,
    /// PDQ of the picture as stored: full colour, no EXIF orientation applied.
    pub pdq: Hash256,
    /// PDQ quality, 0 to 100.
    pub quality: u8,
    /// The file is hurt, and this is of what it still shows.
    pub is_partial: bool,
}

/// The file's bytes.
///
/// # Errors
/// A reason code. A file over `limits.bytes_max` is `too_large`, and no more of it is read.
pub fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, ReasonCode> {
    let metadata = std::fs::metadata(path).map_err(|error| io_reason(&error))?;
    if !metadata.is_file() {
        return Err("not_a_file"); // a pipe or a device may never end
    }
    let bytes_max = u64::try_from(limits.bytes_max).unwrap_or(u64::MAX);
    if metadata.len() > bytes_max {
        return Err(Reason::TooLarge.as_str());
    }
    let mut bytes = Vec::new();
    let mut file = File::open(path)
        .map_err(|error| io_reason(&error))?
        .take(bytes_max);
    file.read_to_end(&mut bytes)
        .map_err(|error| io_reason(&error))?;
    Ok(bytes)
}

/// What the disk said, as a reason code.
pub fn io_reason(error: &io::Error) -> ReasonCode {
    match error.kind() {
        io::ErrorKind::NotFound => "not_found",
        io::ErrorKind::PermissionDenied => "permission_denied",
        _ => "io_error",
    }
}

/// The fingerprint of an ad image, as `ingest` makes it.
///
/// # Errors
/// Why the bytes are refused.
pub fn of_ad(bytes: &[u8], limits: &Limits) -> Result<AdFingerprint, Reason> {
    Ok(reading::read_sheet(bytes, limits, fingerprint::of_ad)?.fingerprint)
}

/// The fingerprint of a reference, as `enroll` makes it.
///
/// # Errors
/// Why the bytes are refused.
pub fn of_reference(bytes: &[u8], limits: &Limits) -> Result<ReferenceFingerprint, Reason> {
    Ok(reading::read(bytes, limits, fingerprint::of_reference)?.fingerprint)
}

/// The exchange hash, as near to the reference implementation as another decoder allows.
///
/// # Errors
/// Why the bytes are refused.
pub fn exchange(bytes: &[u8], limits: &Limits) -> Result<ExchangeHash, Reason> {
    let photo = photo::decode(bytes, Detail::Colour, limits)?;
    let (pdq, quality) = fingerprint::pdq(&reading::picture(&photo)?);
    Ok(ExchangeHash {
        width_px: photo.width_px,
        height_px: photo.height_px,
        pdq,
        quality,
        is_partial: photo.is_partial,
    })
}

/// The upright pixels of a reference in colour, to draw on.
///
/// # Errors
/// Why the bytes are refused.
pub fn decoded(bytes: &[u8], limits: &Limits) -> Result<RgbImage, Reason> {
    rgb(photo::decode(bytes, Detail::Colour, limits)?.upright())
}

/// As [`decoded`], of an ad: the frames that its fingerprint is made of.
///
/// # Errors
/// Why the bytes are refused.
pub fn decoded_ad(bytes: &[u8], limits: &Limits) -> Result<RgbImage, Reason> {
    rgb(photo::decode_sheet(bytes, Detail::Colour, limits)?.upright())
}

fn rgb(photo: photo::Photo) -> Result<RgbImage, Reason> {
    let rgb = match photo.pixels {
        Pixels::Rgb(rgb) => rgb,
        Pixels::Luma(luma) => luma.into_iter().flat_map(|luma| [luma; 3]).collect(),
    };
    RgbImage::from_raw(photo.width_px, photo.height_px, rgb).ok_or(Reason::DecoderFailure)
}
