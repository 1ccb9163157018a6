//! Hostile bytes to pixels. The only crate with decoders.
//!
//! Whatever the bytes are, [`decode`] answers with pixels or with one [`Reason`]: it never
//! panics, and never takes more than [`Limits::working_bytes_max`] of memory. It does no I/O and
//! knows no file names: the type comes from the content.
//!
//! How the limits are made real: each format has a small reader of our own, which walks the
//! container, takes the dimensions and the orientation, and hands the third-party decoder a
//! *clean* file that holds only what makes the pixels. Metadata, profiles, later frames and
//! trailing bytes never reach a decoder, so they can neither inflate in memory nor make it fail.
//!
//! ```
//! use photo::{Detail, Limits, Reason, decode};
//!
//! let refused = decode(b"no picture", Detail::Luma, &Limits::default());
//! assert_eq!(refused.unwrap_err(), Reason::NotAnImage);
//! ```
#![forbid(unsafe_code)]

mod bmp;
mod bytes;
mod exif;
mod gif;
mod guard;
mod jpeg;
mod limits;
mod orientation;
mod pixels;
mod png;
mod reason;
mod sniff;
mod tiff;
mod webp;

pub use limits::{Detail, Limits};
pub use orientation::Orientation;
pub use pixels::{Photo, Pixels};
pub use reason::Reason;
pub use sniff::{Format, HEAD_BYTES};

/// What a file is by its first [`HEAD_BYTES`]; the rest may be anything.
///
/// # Errors
/// [`Reason::UnsupportedFormat`] for a picture of a kind that is not decoded,
/// [`Reason::NotAnImage`] for what is none.
pub fn format_of(head: &[u8]) -> Result<Format, Reason> {
    sniff::sniff(head)
}

/// Decodes a picture of unknown origin.
///
/// `detail` says what the caller needs: see [`Detail`]. The orientation is reported and not yet
/// applied; [`Photo::upright`] applies it.
///
/// Of an animation, the first frame is decoded; of a multi-page TIFF, the first page.
///
/// # Errors
/// One [`Reason`] for every refusal. `too_large` is decided before the first byte is read,
/// `too_many_pixels`, `too_long` and `too_small` from the header before anything is allocated.
pub fn decode(bytes: &[u8], detail: Detail, limits: &Limits) -> Result<Photo, Reason> {
    if bytes.len() > limits.bytes_max {
        return Err(Reason::TooLarge);
    }
    let format = sniff::sniff(bytes)?;
    let decoder = match format {
        Format::Jpeg => jpeg::decode,
        Format::Png => png::decode,
        Format::Gif => gif::decode,
        Format::Webp => webp::decode,
        Format::Bmp => bmp::decode,
        Format::Tiff => tiff::decode,
    };
    let (raster, orientation) = guard::catch(|| decoder(bytes, detail, limits))?;
    Ok(raster.into_photo(detail, orientation, format))
}
