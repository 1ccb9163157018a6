use std::io::{Cursor, ErrorKind};

use ::tiff::decoder::{Decoder, DecodingResult, Limits as TiffLimits};
use ::tiff::tags::Tag;
use ::tiff::{ColorType, TiffError};

use crate::pixels::{Layout, Raster, samples_len};
use crate::{Detail, Limits, Orientation, Reason};

/// Longest value of a tag in bytes: offsets of 65,536 strips.
const TAG_BYTES_MAX: usize = 256 << 10;
/// Extra samples beside the colour are skipped by the decoder; nobody needs more than a few.
const SAMPLES_MAX: u16 = 8;
/// None, LZW, Deflate by both numbers, PackBits.
const COMPRESSIONS: [u16; 5] = [1, 5, 8, 32_773, 32_946];
/// Widest tile in pixels: twice what any writer uses.
const TILE_SIDE_PX_MAX: u32 = 16_384;

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

pub(crate) fn decode(
    bytes: &[u8],
    _: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let mut tiff_limits = TiffLimits::default();
    tiff_limits.ifd_value_size = TAG_BYTES_MAX;
    tiff_limits.intermediate_buffer_size = bytes.len();
    tiff_limits.decoding_buffer_size = usize::MAX; // judged by the dimensions below
    let mut decoder = Decoder::new(Cursor::new(bytes))
        .map_err(reason)?
        .with_limits(tiff_limits);
    let (width_px, height_px) = decoder.dimensions().map_err(reason)?;
    limits.admit(width_px, height_px)?;

    let layout = layout(&mut decoder)?;
    let mut samples = vec![0; samples_len(width_px, height_px, layout)?];
    let sheet = Sheet {
        width: width_px,
        height: height_px,
        layout,
    };
    sheet.read(&mut decoder, &mut samples)?;
    let orientation = decoder
        .find_tag_unsigned(Tag::Orientation)
        .ok()
        .flatten()
        .and_then(Orientation::from_exif)
        .unwrap_or_default();
    Ok((
        Raster::new(width_px, height_px, layout, samples)?,
        orientation,
    ))
}

fn layout(decoder: &mut Reader<'_>) -> Result<Layout, Reason> {
    let samples = decoder
        .find_tag_unsigned::<u16>(Tag::SamplesPerPixel)
        .map_err(reason)?;
    if samples.unwrap_or(1) > SAMPLES_MAX {
        return Err(Reason::UnsupportedFormat);
    }
    // A JPEG or WebP inside could claim any size, past every limit.
    let compression = decoder
        .find_tag_unsigned::<u16>(Tag::Compression)
        .map_err(reason)?;
    if !COMPRESSIONS.contains(&compression.unwrap_or(1)) {
        return Err(Reason::UnsupportedFormat);
    }
    match decoder.colortype().map_err(reason)? {
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
        for row in 0..down {
            for column in 0..across {
                let chunk = decoder.read_chunk(row * across + column).map_err(reason)?;
                let (width, _) = decoder.chunk_data_dimensions(row * across + column);
                let at = (column * chunk_width, row * chunk_height);
                self.place(samples, at, width, &high_bytes(chunk)?)?;
            }
        }
        Ok(())
    }

    /// Copies one chunk, `width` pixels wide, to its place on the page.
    fn place(
        &self,
        page: &mut [u8],
        (left, top): (u32, u32),
        width: u32,
        chunk: &[u8],
    ) -> Result<(), Reason> {
        let bytes =
            |pixels: u32| samples_len(pixels, 1, self.layout).map_err(|_| Reason::DecoderFailure);
        let (stride, offset, length) = (bytes(self.width)?, bytes(left)?, bytes(width)?);
        let top = usize::try_from(top).map_err(|_| Reason::DecoderFailure)?;
        for (row, source) in page
            .chunks_exact_mut(stride)
            .skip(top)
            .zip(chunk.chunks_exact(length))
        {
            row.get_mut(offset..offset + length)
                .ok_or(Reason::DecoderFailure)?
                .copy_from_slice(source);
        }
        Ok(())
    }
}

/// 16 bit to 8 bit by the high byte, as Pillow.
fn high_bytes(chunk: DecodingResult) -> Result<Vec<u8>, Reason> {
    match chunk {
        DecodingResult::U8(samples) => Ok(samples),
        DecodingResult::U16(samples) => Ok(samples
            .into_iter()
            .map(|sample| sample.to_be_bytes()[0])
            .collect()),
        _ => Err(Reason::UnsupportedFormat),
    }
}

fn reason(error: TiffError) -> Reason {
    match error {
        TiffError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Reason::Truncated,
        TiffError::UnsupportedError(_) => Reason::UnsupportedFormat,
        _ => Reason::Corrupt,
    }
}
