//! The rows of a cut PNG. The decoder reads ahead and so loses the last rows that are there; they are
//! unpacked here, the missing ones are filled with zeros, and the whole is given to it unpacked.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::{END, SIGNATURE, read, split_chunk};
use crate::bytes::{array, be32};
use crate::pixels::Raster;
use crate::{Limits, Reason};

/// Unpacked rows, the file made of them and the picture are held at once.
const WEIGHT: u64 = 2;
/// Most bytes of a piece that is not packed.
const PIECE_BYTES_MAX: usize = 65_535;
const IHDR: usize = 8;

/// The first rows of a file whose image data ends too early, if they are enough. The passes of an
/// interlaced picture are not taken.
pub(super) fn first_rows(bytes: &[u8], limits: &Limits) -> Option<Raster> {
    let (mut head, mut packed) = (SIGNATURE.to_vec(), Vec::new());
    let mut rest = bytes.get(SIGNATURE.len()..)?;
    while let Some((kind, chunk, after)) = split_chunk(rest) {
        match &kind {
            b"IHDR" | b"PLTE" | b"tRNS" => head.extend_from_slice(chunk),
            b"IDAT" => packed.extend_from_slice(chunk.get(8..chunk.len() - 4)?),
            b"IEND" => break,
            _ => {}
        }
        rest = after;
    }
    if array(rest, 4) == Some(*b"IDAT") {
        packed.extend_from_slice(rest.get(8..)?);
    }
    let header = head.get(IHDR + 8..IHDR + 21)?;
    let (width_px, height_px) = (be32(header, 0)?, be32(header, 4)?);
    limits.admit_pixels(width_px, height_px, WEIGHT).ok()?;
    let row = row_bytes(header, width_px)?;
    let whole = row.checked_mul(usize::try_from(height_px).ok()?)?;
    let mut rows = Vec::new();
    // What is cut is an error behind the last byte that is there.
    let _ = ZlibDecoder::new(packed.as_slice())
        .take(whole as u64)
        .read_to_end(&mut rows);
    let there = u32::try_from(rows.len() / row).ok()?;
    rows.truncate(there as usize * row);
    rows.resize(whole, 0);
    let raster = unpacked(head, &rows).ok()?;
    raster.first_rows(there, limits)
}

/// Bytes of a row with its filter's number; none of an interlaced picture.
fn row_bytes(header: &[u8], width_px: u32) -> Option<usize> {
    let [depth, colour, _, _, interlaced] = array(header, 8)?;
    let samples = match colour {
        0 | 3 => 1,
        2 => 3,
        4 => 2,
        6 => 4,
        _ => return None,
    };
    let bits = u64::from(width_px) * samples * u64::from(depth);
    (interlaced == 0).then_some(usize::try_from(bits.div_ceil(8) + 1).ok()?)
}

fn unpacked(mut file: Vec<u8>, rows: &[u8]) -> Result<Raster, Reason> {
    let pieces = rows.len().div_ceil(PIECE_BYTES_MAX);
    let length = 2 + rows.len() + pieces * 5 + 4;
    let length = u32::try_from(length).map_err(|_| Reason::TooLarge)?;
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(b"IDAT\x78\x01");
    for (at, piece) in rows.chunks(PIECE_BYTES_MAX).enumerate() {
        let length = u16::try_from(piece.len()).expect("it is a piece");
        file.push(u8::from(at + 1 == pieces));
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&(!length).to_le_bytes());
        file.extend_from_slice(piece);
    }
    file.extend_from_slice(&[0; 8]); // sums that nobody looks at
    file.extend_from_slice(END);
    read(&file, false, u64::MAX)
}
