//! The one EXIF tag that matters here. A full EXIF reader refuses a block at its first broken
//! entry; a photo must never be refused, nor turned, for its metadata.

use crate::Orientation;
use crate::bytes::{array, be16, be32, le16, le32};

const ORIENTATION_TAG: u16 = 0x0112;
const SHORT: u16 = 3;
const ENTRY_BYTES: usize = 12;

/// Orientation by the first directory of a TIFF-structured EXIF block; upright if it says nothing
/// that can be understood.
pub(crate) fn orientation(exif: &[u8]) -> Orientation {
    tag(exif)
        .and_then(Orientation::from_exif)
        .unwrap_or_default()
}

fn tag(exif: &[u8]) -> Option<u16> {
    // Some writers keep JPEG's introducer in PNG and WebP too.
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let order = match &array::<4>(tiff, 0)? {
        b"II*\0" => ByteOrder {
            u16_at: le16,
            u32_at: le32,
        },
        b"MM\0*" => ByteOrder {
            u16_at: be16,
            u32_at: be32,
        },
        _ => return None,
    };
    let u16_at = order.u16_at;
    let directory = usize::try_from((order.u32_at)(tiff, 4)?).ok()?;
    let entries = usize::from(u16_at(tiff, directory)?);
    (0..entries)
        .map_while(|entry| directory.checked_add(2 + entry * ENTRY_BYTES))
        .take_while(|at| *at < tiff.len())
        .find(|at| u16_at(tiff, *at) == Some(ORIENTATION_TAG))
        .filter(|at| u16_at(tiff, at + 2) == Some(SHORT))
        .and_then(|at| u16_at(tiff, at + 8))
}

struct ByteOrder {
    u16_at: fn(&[u8], usize) -> Option<u16>,
    u32_at: fn(&[u8], usize) -> Option<u32>,
}
