//! Windows icons and cursors: several pictures of one thing, of which the largest is taken.

use std::io::{Cursor, ErrorKind};

use image::codecs::ico::IcoDecoder;
use image::{ColorType, ImageDecoder, ImageError};

use crate::bytes::{array, le16, le32};
use crate::pixels::{Layout, Raster, repack, samples_len};
use crate::{Detail, Limits, Orientation, Reason, png};

const HEAD_BYTES: usize = 6;
const ENTRY_BYTES: usize = 16;
/// The longest side that an entry can state, in pixels.
const SIDE_PX_MAX: u32 = 256;

/// One picture of the file.
struct Entry<'a> {
    width_px: u32,
    height_px: u32,
    /// Its row of the table.
    row: [u8; ENTRY_BYTES],
    data: &'a [u8],
}

pub(crate) fn decode(
    bytes: &[u8],
    detail: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let count = usize::from(le16(bytes, 4).ok_or(Reason::Truncated)?);
    let entries = (0..count).map_while(|at| Entry::of(bytes, HEAD_BYTES + at * ENTRY_BYTES));
    let size = |entry: &Entry<'_>| (entry.width_px * entry.height_px, le16(&entry.row, 6));
    let largest = entries.max_by_key(size).ok_or(Reason::Truncated)?;
    if largest.data.starts_with(png::SIGNATURE) {
        return png::decode(largest.data, detail, limits);
    }
    Ok((largest.bitmap(limits)?, Orientation::Upright))
}

impl<'a> Entry<'a> {
    fn of(bytes: &'a [u8], at: usize) -> Option<Entry<'a>> {
        let row: [u8; ENTRY_BYTES] = array(bytes, at)?;
        let side = |side: u8| match side {
            0 => SIDE_PX_MAX,
            side => side.into(),
        };
        let start = usize::try_from(le32(&row, 12)?).ok()?;
        let length = usize::try_from(le32(&row, 8)?).ok()?;
        Some(Entry {
            width_px: side(row[0]),
            height_px: side(row[1]),
            row,
            data: bytes.get(start..start.checked_add(length)?)?,
        })
    }

    /// Colours over a mask, without the head of a bitmap file.
    fn bitmap(&self, limits: &Limits) -> Result<Raster, Reason> {
        let width_px = le32(self.data, 4).ok_or(Reason::Truncated)?;
        let both = le32(self.data, 8).ok_or(Reason::Truncated)?;
        let height_px = both / 2;
        limits.admit(width_px, height_px)?;
        if width_px.max(height_px) > SIDE_PX_MAX {
            return Err(Reason::Corrupt);
        }
        let decoder = IcoDecoder::new(Cursor::new(self.alone())).map_err(reason)?;
        let layout = match decoder.color_type() {
            ColorType::Rgba8 => Layout::Rgba,
            _ => return Err(Reason::UnsupportedFormat),
        };
        let (width_px, height_px) = decoder.dimensions();
        limits.admit(width_px, height_px)?;
        let mut samples = vec![0; samples_len(width_px, height_px, layout)?];
        decoder.read_image(&mut samples).map_err(reason)?;
        // Icons of before alpha have none at all.
        if samples.iter().skip(3).step_by(4).all(|alpha| *alpha == 0) {
            let colours = repack(samples, |[r, g, b, _]: [u8; 4]| [r, g, b]);
            return Raster::new(width_px, height_px, Layout::Rgb, colours);
        }
        Raster::new(width_px, height_px, layout, samples)
    }

    /// A file that holds this picture only.
    fn alone(&self) -> Vec<u8> {
        let mut row = self.row;
        let start = HEAD_BYTES + ENTRY_BYTES;
        row[12..].copy_from_slice(&u32::try_from(start).expect("small").to_le_bytes());
        [&b"\0\0\x01\0\x01\0"[..], &row, self.data].concat()
    }
}

fn reason(error: ImageError) -> Reason {
    match error {
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Reason::Truncated,
        ImageError::Unsupported(_) => Reason::UnsupportedFormat,
        ImageError::Limits(_) => Reason::TooManyPixels,
        _ => Reason::Corrupt,
    }
}
