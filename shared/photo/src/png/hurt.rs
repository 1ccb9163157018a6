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

/// The first rows of a file whose image data ends too early, if they are enough; of an interlaced picture all of it
/// at a part of its size, by the passes that are whole.
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
    let passes = pass_bytes(header, (width_px, height_px))?;
    let whole = passes
        .iter()
        .try_fold(0_usize, |sum, bytes| sum.checked_add(*bytes))?;
    let mut rows = Vec::new();
    // What is cut is an error behind the last byte that is there.
    let _ = ZlibDecoder::new(packed.as_slice())
        .take(whole as u64)
        .read_to_end(&mut rows);
    let there = rows.len();
    if let [whole] = passes[..] {
        let row = whole / usize::try_from(height_px).ok()?.max(1);
        let count = there / row.max(1);
        rows.truncate(count * row);
        rows.resize(whole, 0);
        let raster = unpacked(head, &rows).ok()?;
        return raster.first_rows(u32::try_from(count).ok()?, limits);
    }
    let mut end = 0;
    let is_whole = |bytes: &&usize| {
        end += **bytes;
        end <= there
    };
    // Each pass but the first halves the distance of columns, or of rows.
    let step = match passes.iter().take_while(is_whole).count() {
        5.. => 2,
        3.. => 4,
        _ => return None,
    };
    limits
        .admit(width_px.div_ceil(step), height_px.div_ceil(step))
        .ok()?;
    rows.resize(whole, 0);
    every(&unpacked(head, &rows).ok()?, step)
}

/// Every so many pixels of every so many rows.
fn every(raster: &Raster, step: u32) -> Option<Raster> {
    let frame = raster.frame();
    let (width, height) = (frame.width_px, frame.height_px);
    let bytes = frame.layout.bytes_per_pixel();
    let rows = frame.samples.chunks_exact(width as usize * bytes);
    let pixels = rows
        .step_by(step as usize)
        .flat_map(|row| row.chunks_exact(bytes).step_by(step as usize));
    let samples: Vec<u8> = pixels.flatten().copied().collect();
    let sides = (width.div_ceil(step), height.div_ceil(step));
    let kept = Raster::new(sides.0, sides.1, frame.layout, samples).ok()?;
    Some(kept.partial_if(true))
}

/// Bytes of each pass, its rows with their filters' numbers; a picture that is not interlaced is one.
fn pass_bytes(header: &[u8], (width_px, height_px): (u32, u32)) -> Option<Vec<usize>> {
    let [depth, colour, _, _, interlaced] = array(header, 8)?;
    let samples = match colour {
        0 | 3 => 1,
        2 => 3,
        4 => 2,
        6 => 4,
        _ => return None,
    };
    let bytes = |width: u32, height: u32| {
        let bits = u64::from(width) * samples * u64::from(depth);
        let row = if width == 0 { 0 } else { bits.div_ceil(8) + 1 };
        usize::try_from(row.checked_mul(u64::from(height))?).ok()
    };
    if interlaced == 0 {
        return Some(vec![bytes(width_px, height_px)?]);
    }
    let of_pass = |(left, top, across, down): &(u32, u32, u32, u32)| {
        bytes(
            width_px.saturating_sub(*left).div_ceil(*across),
            height_px.saturating_sub(*top).div_ceil(*down),
        )
    };
    super::PASSES.iter().map(of_pass).collect()
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
