mod frames;
mod hurt;

use std::io::Cursor;

use ::png::{
    ColorType, Decoder, DecodingError, InterlaceInfo, Reader, Transformations,
    expand_interlaced_row,
};

use crate::bytes::{array, be32};
use crate::pixels::{Layout, Raster, samples_len};
use crate::reduced::{self, Reduced};
use crate::{Detail, Limits, Orientation, Reason, exif};

pub(crate) use frames::{hides_its_default, walk};

/// What every PNG starts with.
pub(crate) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const IHDR_BYTES: usize = 13;
/// Length, type and checksum around a chunk's data.
const FRAME_BYTES: usize = 12;
const END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";

pub(crate) fn decode(
    bytes: &[u8],
    _: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let (width_px, height_px) = dimensions(bytes)?;
    limits.admit_reduced(width_px, height_px, 1)?;
    let clean = clean(bytes);
    let reason = match read(&clean.file, true, limits.pixels_max) {
        Ok(raster) => return Ok((raster, clean.orientation)),
        Err(Reason::Corrupt) if clean.cut => Reason::Truncated,
        Err(reason) => reason,
    };
    let raster = hurt::first_rows(bytes, limits);
    Ok((raster.ok_or(reason)?, clean.orientation))
}

fn dimensions(bytes: &[u8]) -> Result<(u32, u32), Reason> {
    let header = SIGNATURE.len();
    let length = be32(bytes, header).ok_or(Reason::Truncated)?;
    let kind: [u8; 4] = array(bytes, header + 4).ok_or(Reason::Truncated)?;
    if usize::try_from(length) != Ok(IHDR_BYTES) || kind != *b"IHDR" {
        return Err(Reason::Corrupt);
    }
    let width_px = be32(bytes, header + 8).ok_or(Reason::Truncated)?;
    let height_px = be32(bytes, header + 12).ok_or(Reason::Truncated)?;
    Ok((width_px, height_px))
}

/// The chunks that make the pixels, and what else was learnt on the way.
struct Clean {
    file: Vec<u8>,
    orientation: Orientation,
    /// The file ends before its end chunk.
    cut: bool,
}

fn clean(bytes: &[u8]) -> Clean {
    let mut file = Vec::with_capacity(bytes.len() + END.len());
    file.extend_from_slice(SIGNATURE);
    let mut orientation = Orientation::Upright;
    let mut rest = bytes.get(SIGNATURE.len()..).unwrap_or_default();
    let cut = loop {
        let Some((kind, chunk, after)) = split_chunk(rest) else {
            break true;
        };
        match &kind {
            b"IHDR" | b"PLTE" | b"tRNS" | b"IDAT" => file.extend_from_slice(chunk),
            b"eXIf" => orientation = exif::orientation(&chunk[8..chunk.len() - 4]),
            b"IEND" => break false,
            _ => {}
        }
        rest = after;
    };
    file.extend_from_slice(END);
    Clean {
        file,
        orientation,
        cut,
    }
}

/// Type of the first chunk, the whole of it, and what follows; `None` if it is not all there.
fn split_chunk(rest: &[u8]) -> Option<([u8; 4], &[u8], &[u8])> {
    let length = usize::try_from(be32(rest, 0)?).ok()?;
    let (chunk, after) = rest.split_at_checked(length.checked_add(FRAME_BYTES)?)?;
    Some((array(chunk, 4)?, chunk, after))
}

/// `sums` says whether the chunks have true checksums. A picture of more than so many pixels is read at a part of its
/// size, if its rows come from the top down.
fn read(file: &[u8], sums: bool, pixels_max: u64) -> Result<Raster, Reason> {
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.ignore_checksums(!sums);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(reason)?;
    let (width_px, height_px) = reader.info().size();
    let layout = layout(reader.output_color_type().0)?;
    let step = reduced::step(width_px, height_px, pixels_max).ok_or(Reason::TooManyPixels)?;
    if step > 1 {
        if reader.info().interlaced {
            return Err(Reason::TooManyPixels);
        }
        let mut kept = Reduced::new((width_px, height_px), layout, step)?;
        let mut row = vec![0; samples_len(width_px, 1, layout)?];
        for y in 0..height_px {
            reader.read_row(&mut row).map_err(reason)?;
            kept.add(&row, (0, y));
        }
        return kept.into_raster();
    }
    let mut samples = vec![0; samples_len(width_px, height_px, layout)?];
    if reader.info().interlaced {
        read_passes(&mut reader, width_px, height_px, layout, &mut samples)?;
    } else {
        // Row by row, for `next_frame` would go on to inflate whatever follows the last row.
        for row in samples.chunks_exact_mut(samples_len(width_px, 1, layout)?) {
            reader.read_row(row).map_err(reason)?;
        }
    }
    Raster::new(width_px, height_px, layout, samples)
}

fn layout(colour: ColorType) -> Result<Layout, Reason> {
    match colour {
        ColorType::Grayscale => Ok(Layout::Luma),
        ColorType::GrayscaleAlpha => Ok(Layout::LumaAlpha),
        ColorType::Rgb => Ok(Layout::Rgb),
        ColorType::Rgba => Ok(Layout::Rgba),
        ColorType::Indexed => Err(Reason::DecoderFailure),
    }
}

/// First column and row of each pass of an interlaced picture, and its steps.
const PASSES: [(u32, u32, u32, u32); 7] = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
];

fn read_passes(
    reader: &mut Reader<Cursor<&[u8]>>,
    width_px: u32,
    height_px: u32,
    layout: Layout,
    samples: &mut [u8],
) -> Result<(), Reason> {
    let stride = samples_len(width_px, 1, layout)?;
    let bits = u8::try_from(layout.bytes_per_pixel() * 8).expect("at most 32");
    let rows = |(left, top, _, step): (u32, u32, u32, u32)| {
        if left < width_px {
            height_px.saturating_sub(top).div_ceil(step)
        } else {
            0
        }
    };
    for _ in 0..PASSES.into_iter().map(rows).sum() {
        let row = reader
            .next_interlaced_row()
            .map_err(reason)?
            .ok_or(Reason::DecoderFailure)?;
        let InterlaceInfo::Adam7(place) = row.interlace() else {
            return Err(Reason::DecoderFailure);
        };
        expand_interlaced_row(samples, stride, row.data(), place, bits);
    }
    Ok(())
}

fn reason(error: DecodingError) -> Reason {
    match error {
        DecodingError::IoError(_) => Reason::Truncated,
        DecodingError::Format(_) => Reason::Corrupt,
        DecodingError::Parameter(_) | DecodingError::LimitsExceeded => Reason::DecoderFailure,
    }
}
