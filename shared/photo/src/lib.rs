//! Hostile bytes to pixels. The only crate with decoders.
//!
//! Whatever the bytes are, [`decode`] answers with pixels or with one [`Reason`]: it never
//! panics, and never takes more than [`Limits::working_bytes_max`] of memory. It knows no file names:
//! the type comes from the content. It does no I/O, but for the child process of [`sandbox`].
//!
//! How the limits are made real: each format has a small reader of our own, which walks the
//! container, takes the dimensions and the orientation, and hands the third-party decoder a
//! *clean* file that holds only what makes the pixels. Metadata, profiles and trailing bytes never reach
//! a decoder, so they can neither inflate in memory nor make it fail. Frames of an animation reach it one
//! by one.
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
mod fax;
mod format;
mod frames;
mod gif;
mod guard;
#[cfg(any(feature = "avif", feature = "heic"))]
mod heif;
mod ico;
mod jpeg;
mod limits;
mod orientation;
#[cfg(feature = "pdf")]
mod pdf;
mod pixels;
#[cfg(any(feature = "heic", feature = "sandbox"))]
mod planes;
mod png;
mod reason;
mod reduced;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(not(feature = "sandbox"))]
pub mod sandbox {
    //! A process of its own for decoders that this build does not have.

    /// Nothing to be done.
    pub fn init() {}
}
mod tiff;
pub mod warp;
mod webp;
#[cfg(any(feature = "jxl", feature = "jp2"))]
mod whole;

pub use format::{Format, HEAD_BYTES};
pub use frames::{FrameUnit, FramesShown, ShownFrame};
pub use limits::{Detail, Limits};
pub use orientation::Orientation;
pub use pixels::{Photo, Pixels};
pub use reason::Reason;

/// Decodes a picture of unknown origin.
///
/// `detail` says what the caller needs: see [`Detail`]. The orientation is reported and not yet
/// applied; [`Photo::upright`] applies it.
///
/// Of an animation the first frame is decoded, and of several pages the largest; if it is blank, the one that
/// is shown longest of those that are not. [`decode_sheet`] looks at more of them.
///
/// # Errors
/// One [`Reason`] for every refusal. `too_large` is decided before the first byte is read,
/// `too_many_pixels`, `too_long` and `too_small` from the header before anything is allocated.
pub fn decode(bytes: &[u8], detail: Detail, limits: &Limits) -> Result<Photo, Reason> {
    if bytes.len() > limits.bytes_max {
        return Err(Reason::TooLarge);
    }
    let format = Format::of(bytes)?;
    let limits = &limits.of_file(bytes.len());
    let first = first(bytes, detail, limits, format)?;
    match format.frames() {
        Some(walk) if first.tells_little => {
            let found = frames(bytes, walk, detail, limits, (format, 1));
            let is_partial = found.lacks_some();
            let mut photo = match found.photos.into_iter().next() {
                Some(photo) => Photo {
                    shown: found.shown,
                    ..photo
                },
                None => first.photo,
            };
            photo.is_partial |= is_partial;
            Ok(photo)
        }
        _ => Ok(first.photo),
    }
}

/// As [`decode`]; of an animation or of several pages, up to four frames that differ and are shown longest, or
/// are largest, side by side on white: whichever of them holds a photo, it can be found. It is
/// [partial](Photo::is_partial) if a frame or a page could not be looked at.
///
/// # Errors
/// As [`decode`].
pub fn decode_sheet(bytes: &[u8], detail: Detail, limits: &Limits) -> Result<Photo, Reason> {
    let mut photo = decode(bytes, detail, limits)?;
    let Some(walk) = photo.format.frames() else {
        return Ok(photo);
    };
    let most = (photo.format, frames::SHOWN_MAX);
    let limits = &limits.of_file(bytes.len());
    let found = frames(bytes, walk, detail, limits, most);
    let is_partial = photo.is_partial || found.lacks_some();
    if found.photos.len() > 1 {
        if let Some(sheet) = frames::sheet(found.photos, found.shown) {
            photo = sheet;
        }
    } else if !is_partial && photo.shown.frames.is_empty() && found.shown.is_one_of_several() {
        // All others are blank or alike, so that it is the one that was seen first.
        photo.shown = found.shown;
    }
    photo.is_partial |= is_partial;
    Ok(photo)
}

/// What is seen first of a file.
struct First {
    photo: Photo,
    /// It is blank, or browsers never show it.
    tells_little: bool,
}

fn first(bytes: &[u8], detail: Detail, limits: &Limits, format: Format) -> Result<First, Reason> {
    let decoder = format.decoder();
    let (raster, orientation) = guard::catch(|| decoder(bytes, detail, limits))?;
    let hidden = format == Format::Png && png::hides_its_default(bytes);
    let tells_little = hidden || (format.frames().is_some() && frames::tells_nothing(&raster));
    Ok(First {
        photo: raster.into_photo(detail, orientation, format),
        tells_little,
    })
}

/// The frames that tell most; none if their decoder panics.
fn frames(
    bytes: &[u8],
    walk: frames::Walk,
    detail: Detail,
    limits: &Limits,
    most: (Format, usize),
) -> frames::Chosen {
    let found = guard::catch(|| Ok(frames::chosen((bytes, walk), detail, limits, most)));
    // What a decoder that panicked left out is not known.
    found.unwrap_or(frames::Chosen {
        photos: Vec::new(),
        shown: FramesShown::default(),
        missed: frames::SOME,
    })
}
