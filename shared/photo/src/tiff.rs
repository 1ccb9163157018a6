use std::io::{Cursor, ErrorKind};

use ::tiff::decoder::{Decoder, DecodingResult, Limits as TiffLimits};
use ::tiff::tags::Tag;
use ::tiff::{ColorType, TiffError};

use crate::exif::Directory;
use crate::pixels::{Layout, Raster, samples_len};
use crate::{Detail, Limits, Orientation, Reason, exif};

const WIDTH: u16 = 0x100;
const HEIGHT: u16 = 0x101;
const COMPRESSION: u16 = 0x103;
const SAMPLES: u16 = 0x115;
/// Offsets and lengths of strips and tiles.
const CHUNK_TAGS: [u16; 4] = [0x111, 0x117, 0x144, 0x145];
/// Everything else that the decoder reads: a few values each.
const FORM_TAGS: [u16; 17] = [
    WIDTH,
    HEIGHT,
    COMPRESSION,
    SAMPLES,
    0x102,
    0x106,
    0x10a,
    0x116,
    0x11c,
    0x13d,
    0x142,
    0x143,
    0x152,
    0x153,
    0x15b,
    0x212,
    exif::ORIENTATION,
];

/// Most strips or tiles: the decoder holds 80 bytes for each.
const CHUNKS_MAX: u32 = 65_536;
/// Extra samples beside the colour are skipped by the decoder; nobody needs more than a few.
const SAMPLES_MAX: u32 = 8;
/// None, LZW, Deflate by both numbers, PackBits. A JPEG or WebP inside could claim any size,
/// past every limit.
const COMPRESSIONS: [u32; 5] = [1, 5, 8, 32_773, 32_946];
/// Widest tile in pixels: twice what any writer uses.
const TILE_SIDE_PX_MAX: u32 = 16_384;

/// Pixels that are unpacked for one that a page may have: what tiles of 512 reach beyond the edge of
/// the longest page is a quarter of that.
const PADDING_MAX: u64 = 2;

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

pub(crate) fn decode(
    bytes: &[u8],
    _: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let directory = Directory::first(bytes).ok_or(Reason::Truncated)?;
    let (width_px, height_px) = check(&directory, limits)?;
    let mut tiff_limits = TiffLimits::default();
    tiff_limits.intermediate_buffer_size = bytes.len();
    tiff_limits.decoding_buffer_size = usize::MAX; // judged by the dimensions
    let mut decoder = Decoder::new(Cursor::new(bytes))
        .map_err(reason)?
        .with_limits(tiff_limits);
    if decoder.dimensions().map_err(reason)? != (width_px, height_px) {
        return Err(Reason::Corrupt);
    }
    let layout = layout(decoder.colortype().map_err(reason)?)?;
    let mut samples = vec![0; samples_len(width_px, height_px, layout)?];
    Sheet {
        unpacked_px_max: limits.pixels_max.saturating_mul(PADDING_MAX),
        width: width_px,
        height: height_px,
        layout,
    }
    .read(&mut decoder, &mut samples)?;
    let extra = decoder
        .find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)
        .map_err(reason)?;
    settle_alpha(
        extra.as_deref().and_then(<[u16]>::first),
        layout,
        &mut samples,
    );
    let raster = Raster::new(width_px, height_px, layout, samples)?;
    Ok((raster, directory.orientation()))
}

/// An extra sample that says nothing about the colours before it.
const UNSPECIFIED: u16 = 0;
/// An alpha by which the colours before it are multiplied already.
const ASSOCIATED_ALPHA: u16 = 1;

/// Puts colours that are multiplied by their alpha on white, and forgets an extra sample that is no
/// alpha: what is left has the plain alpha that every other format has.
fn settle_alpha(extra: Option<&u16>, layout: Layout, samples: &mut [u8]) {
    match (extra, layout) {
        (Some(&ASSOCIATED_ALPHA), Layout::LumaAlpha) => put_on_white::<2>(samples),
        (Some(&ASSOCIATED_ALPHA), Layout::Rgba) => put_on_white::<4>(samples),
        (Some(&UNSPECIFIED), Layout::LumaAlpha) => {
            samples
                .iter_mut()
                .skip(1)
                .step_by(2)
                .for_each(|it| *it = 255);
        }
        _ => {}
    }
}

fn put_on_white<const BYTES: usize>(samples: &mut [u8]) {
    let (pixels, _) = samples.as_chunks_mut::<BYTES>();
    for pixel in pixels {
        if let Some((alpha, colours)) = pixel.split_last_mut() {
            let white = 255 - *alpha;
            colours
                .iter_mut()
                .for_each(|it| *it = it.saturating_add(white));
            *alpha = 255;
        }
    }
}

/// Judges the directory before the decoder reads it; gives width and height in pixels.
fn check(directory: &Directory<'_>, limits: &Limits) -> Result<(u32, u32), Reason> {
    if !directory.is_whole() {
        return Err(Reason::Truncated);
    }
    let width_px = directory.number(WIDTH).ok_or(Reason::Corrupt)?;
    let height_px = directory.number(HEIGHT).ok_or(Reason::Corrupt)?;
    limits.admit(width_px, height_px)?;
    let samples = directory.number(SAMPLES).unwrap_or(1);
    let compression = directory.number(COMPRESSION).unwrap_or(1);
    if samples > SAMPLES_MAX || !COMPRESSIONS.contains(&compression) {
        return Err(Reason::UnsupportedFormat);
    }
    let mut seen = Vec::new();
    for (tag, count) in directory.counts() {
        let chunk = CHUNK_TAGS.contains(&tag);
        if !chunk && !FORM_TAGS.contains(&tag) {
            continue;
        }
        // Of twins, the decoder may believe the one that was not judged here.
        if seen.contains(&tag) {
            return Err(Reason::Corrupt);
        }
        seen.push(tag);
        if count > if chunk { CHUNKS_MAX } else { SAMPLES_MAX } {
            return Err(Reason::UnsupportedFormat);
        }
    }
    Ok((width_px, height_px))
}

fn layout(colour: ColorType) -> Result<Layout, Reason> {
    match colour {
        ColorType::Gray(8 | 16) => Ok(Layout::Luma),
        ColorType::Multiband {
            bit_depth: 8 | 16,
            num_samples: 2,
        } => Ok(Layout::LumaAlpha),
        ColorType::RGB(8 | 16) => Ok(Layout::Rgb),
        ColorType::RGBA(8 | 16) => Ok(Layout::Rgba),
        ColorType::CMYK(8 | 16) => Ok(Layout::Cmyk),
        _ => Err(Reason::UnsupportedFormat),
    }
}

/// The page to fill, strip by strip or tile by tile.
struct Sheet {
    /// Most pixels of all its strips or tiles, padding included.
    unpacked_px_max: u64,
    width: u32,
    height: u32,
    layout: Layout,
}

impl Sheet {
    fn read(&self, decoder: &mut Reader<'_>, samples: &mut [u8]) -> Result<(), Reason> {
        let (chunk_width, chunk_height) = decoder.chunk_dimensions();
        if chunk_width == 0 || chunk_height == 0 || chunk_width > TILE_SIDE_PX_MAX.max(self.width) {
            return Err(Reason::Corrupt);
        }
        let planar = decoder
            .find_tag_unsigned::<u16>(Tag::PlanarConfiguration)
            .map_err(reason)?;
        if planar.unwrap_or(1) != 1 {
            return Err(Reason::UnsupportedFormat);
        }
        let across = self.width.div_ceil(chunk_width);
        let down = self.height.div_ceil(chunk_height);
        self.check_padding(across, chunk_width)?;
        for row in 0..down {
            for column in 0..across {
                let chunk = decoder.read_chunk(row * across + column).map_err(reason)?;
                let (width, _) = decoder.chunk_data_dimensions(row * across + column);
                let at = (column * chunk_width, row * chunk_height);
                match &chunk {
                    DecodingResult::U8(chunk) => self.place(samples, at, width, chunk, |s| s)?,
                    // 16 bit to 8 bit by the high byte, as Pillow.
                    DecodingResult::U16(chunk) => {
                        self.place(samples, at, width, chunk, |s| s.to_be_bytes()[0])?;
                    }
                    _ => return Err(Reason::UnsupportedFormat),
                }
            }
        }
        Ok(())
    }

    /// Tiles are unpacked in their whole width: a thin page of wide tiles may not cost what no page
    /// would.
    fn check_padding(&self, across: u32, chunk_width: u32) -> Result<(), Reason> {
        let padded = u64::from(across) * u64::from(chunk_width);
        if padded.saturating_mul(u64::from(self.height)) > self.unpacked_px_max {
            return Err(Reason::TooManyPixels);
        }
        Ok(())
    }

    /// Copies one chunk, `width` pixels wide, to its place on the page.
    fn place<T: Copy>(
        &self,
        page: &mut [u8],
        (left, top): (u32, u32),
        width: u32,
        chunk: &[T],
        byte: impl Fn(T) -> u8,
    ) -> Result<(), Reason> {
        let bytes =
            |pixels: u32| samples_len(pixels, 1, self.layout).map_err(|_| Reason::DecoderFailure);
        let (stride, offset, length) = (bytes(self.width)?, bytes(left)?, bytes(width)?);
        let top = usize::try_from(top).map_err(|_| Reason::DecoderFailure)?;
        let rows = page.chunks_exact_mut(stride).skip(top);
        for (row, source) in rows.zip(chunk.chunks_exact(length)) {
            let row = row
                .get_mut(offset..offset + length)
                .ok_or(Reason::DecoderFailure)?;
            for (sample, source) in row.iter_mut().zip(source) {
                *sample = byte(*source);
            }
        }
        Ok(())
    }
}

fn reason(error: TiffError) -> Reason {
    match error {
        TiffError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Reason::Truncated,
        // The one limit left to the decoder is the file's length.
        TiffError::LimitsExceeded => Reason::Truncated,
        TiffError::UnsupportedError(_) => Reason::UnsupportedFormat,
        _ => Reason::Corrupt,
    }
}
