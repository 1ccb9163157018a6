mod codes;
mod frames;

use std::io::{Cursor, ErrorKind};

use image_webp::{DecodingError, WebPDecoder};

use crate::bytes::{array, le16, le32};
use crate::pixels::{Layout, Raster, samples_len};
use crate::{Detail, Limits, Orientation, Reason, exif};

pub(crate) use frames::walk;

/// `RIFF`, length, `WEBP`.
const HEADER_BYTES: usize = 12;
/// Where an animation's frame keeps its chunks, after its own fields.
const FRAME_FIELDS_BYTES: usize = 16;
/// What the prefix codes of a lossless picture may take; encoders stay below a tenth of it.
pub(crate) const CODES_BYTES_MAX: usize = 64 << 20;
/// Header of a lossless picture in bits: signature, two sides, alpha, version.
const LOSSLESS_HEADER_BITS: usize = 8 + 14 + 14 + 1 + 3;
/// Flag of the extended header: the picture has alpha.
const ALPHA: u8 = 0x10;

pub(crate) fn decode(
    bytes: &[u8],
    _: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let parts = Parts::of(bytes)?;
    let still = parts.still.ok_or(if parts.cut {
        Reason::Truncated
    } else {
        Reason::Corrupt
    })?;
    let (width_px, height_px) = still.dimensions()?;
    let canvas = parts.canvas.unwrap_or((width_px, height_px));
    limits.admit(canvas.0, canvas.1)?;
    limits.admit_part(width_px, height_px)?;

    let raster = still
        .read(width_px, height_px)
        .map_err(|reason| match reason {
            Reason::Corrupt if parts.cut => Reason::Truncated,
            reason => reason,
        })?;
    let raster = match parts.offset {
        None if canvas != (width_px, height_px) => return Err(Reason::Corrupt),
        None => raster,
        Some(offset) => raster.on_white_canvas(canvas, offset)?,
    };
    Ok((raster, parts.orientation))
}

/// What the container holds of the first frame, and about it.
#[derive(Default)]
struct Parts<'a> {
    still: Option<Still<'a>>,
    /// Width and height by the extended header.
    canvas: Option<(u32, u32)>,
    /// Place of an animation's first frame on the canvas.
    offset: Option<(u32, u32)>,
    orientation: Orientation,
    /// A chunk reaches past the end of the file.
    cut: bool,
}

/// The chunks that make one frame's pixels.
#[derive(Default)]
struct Still<'a> {
    lossy: bool,
    image: &'a [u8],
    alpha: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Result<Parts<'a>, Reason> {
        let mut parts = Parts::default();
        let mut alpha = None;
        let mut chunks = Chunks::new(bytes.get(HEADER_BYTES..).unwrap_or_default());
        for (kind, data) in chunks.by_ref() {
            match &kind {
                b"VP8X" => parts.canvas = Some(extended_dimensions(data).ok_or(Reason::Corrupt)?),
                b"ALPH" => alpha = alpha.or(Some(data)),
                b"VP8 " | b"VP8L" if parts.still.is_none() => {
                    let lossy = kind == *b"VP8 ";
                    parts.still = Some(Still {
                        lossy,
                        image: data,
                        alpha,
                    });
                }
                b"ANMF" if parts.still.is_none() => parts.first_frame(data)?,
                b"EXIF" => parts.orientation = exif::orientation(data),
                _ => {}
            }
        }
        let length = le32(bytes, 4).and_then(|length| usize::try_from(length).ok());
        parts.cut = chunks.cut || length.is_none_or(|length| length > bytes.len() - 8);
        Ok(parts)
    }

    fn first_frame(&mut self, data: &'a [u8]) -> Result<(), Reason> {
        let left = le24(data, 0).ok_or(Reason::Corrupt)? * 2;
        let top = le24(data, 3).ok_or(Reason::Corrupt)? * 2;
        self.offset = Some((left, top));
        let mut frame = Parts::default();
        let mut alpha = None;
        for (kind, data) in Chunks::new(data.get(FRAME_FIELDS_BYTES..).unwrap_or_default()) {
            match &kind {
                b"ALPH" => alpha = alpha.or(Some(data)),
                b"VP8 " | b"VP8L" if frame.still.is_none() => {
                    let lossy = kind == *b"VP8 ";
                    frame.still = Some(Still {
                        lossy,
                        image: data,
                        alpha,
                    });
                }
                _ => {}
            }
        }
        self.still = frame.still;
        Ok(())
    }
}

/// Walks RIFF chunks as far as they are whole.
struct Chunks<'a> {
    rest: &'a [u8],
    cut: bool,
}

impl<'a> Chunks<'a> {
    fn new(rest: &'a [u8]) -> Chunks<'a> {
        Chunks { rest, cut: false }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let chunk = array(self.rest, 0)
            .zip(le32(self.rest, 4))
            .and_then(|(kind, length)| {
                let length = usize::try_from(length).ok()?;
                let data = self.rest.get(8..length.checked_add(8)?)?;
                Some((kind, data))
            });
        match chunk {
            Some((_, data)) => {
                // Chunks start at even places; the last one's padding may be missing.
                let next = 8 + data.len() + data.len() % 2;
                self.rest = self.rest.get(next..).unwrap_or_default();
            }
            None => {
                self.rest = &[];
                self.cut = true;
            }
        }
        chunk
    }
}

impl Still<'_> {
    fn dimensions(&self) -> Result<(u32, u32), Reason> {
        let dimensions = if self.lossy {
            lossy_dimensions(self.image)
        } else {
            lossless_dimensions(self.image)
        };
        dimensions.ok_or(Reason::Corrupt)
    }

    /// Bounds the memory of what is coded without loss: the picture, or a lossy one's alpha.
    fn check_codes(&self, width_px: u32, height_px: u32) -> Result<(), Reason> {
        let sides = (width_px, height_px);
        let checked = match (self.lossy, self.alpha) {
            (false, _) => codes::check(self.image, LOSSLESS_HEADER_BITS, sides, CODES_BYTES_MAX),
            // The lowest bits of the first byte tell whether alpha is compressed.
            (true, Some([method, stream @ ..])) if method & 3 == 1 => {
                codes::check(stream, 0, sides, CODES_BYTES_MAX)
            }
            (true, _) => Ok(()),
        };
        checked.map_err(|stop| match stop {
            codes::Stop::Broken => Reason::Corrupt,
            codes::Stop::Heavy => Reason::UnsupportedFormat,
        })
    }

    /// Decodes from a file made of these chunks alone.
    fn read(&self, width_px: u32, height_px: u32) -> Result<Raster, Reason> {
        self.check_codes(width_px, height_px)?;
        let file = self.file(width_px, height_px)?;
        let mut decoder = WebPDecoder::new(Cursor::new(file)).map_err(reason)?;
        if decoder.dimensions() != (width_px, height_px) {
            return Err(Reason::DecoderFailure);
        }
        let layout = if decoder.has_alpha() {
            Layout::Rgba
        } else {
            Layout::Rgb
        };
        let mut samples = vec![0; samples_len(width_px, height_px, layout)?];
        decoder.read_image(&mut samples).map_err(reason)?;
        Raster::new(width_px, height_px, layout, samples)
    }

    fn file(&self, width_px: u32, height_px: u32) -> Result<Vec<u8>, Reason> {
        // Always with an extended header: without it the decoder misreads a side of 16384.
        let alpha = if self.lossy { self.alpha } else { None };
        let has_alpha = alpha.is_some() || !self.lossy && lossless_alpha(self.image);
        let mut extended = vec![if has_alpha { ALPHA } else { 0 }, 0, 0, 0];
        extended.extend_from_slice(&width_px.saturating_sub(1).to_le_bytes()[..3]);
        extended.extend_from_slice(&height_px.saturating_sub(1).to_le_bytes()[..3]);

        let mut body = b"WEBP".to_vec();
        push_chunk(&mut body, b"VP8X", &extended)?;
        if let Some(alpha) = alpha {
            push_chunk(&mut body, b"ALPH", alpha)?;
        }
        push_chunk(
            &mut body,
            if self.lossy { b"VP8 " } else { b"VP8L" },
            self.image,
        )?;
        let mut file = Vec::with_capacity(body.len() + 8);
        push_chunk(&mut file, b"RIFF", &body)?;
        Ok(file)
    }
}

fn push_chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) -> Result<(), Reason> {
    let length = u32::try_from(data.len()).map_err(|_| Reason::TooLarge)?;
    file.extend_from_slice(kind);
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(data);
    file.extend_from_slice(&[0][..data.len() % 2]);
    Ok(())
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    let [low, middle, high] = array(bytes, at)?;
    Some(u32::from_le_bytes([low, middle, high, 0]))
}

fn extended_dimensions(data: &[u8]) -> Option<(u32, u32)> {
    Some((le24(data, 4)? + 1, le24(data, 7)? + 1))
}

fn lossy_dimensions(data: &[u8]) -> Option<(u32, u32)> {
    let side = |at| le16(data, at).map(|side| u32::from(side & 0x3fff));
    (array(data, 3)? == [0x9d, 0x01, 0x2a]).then_some((side(6)?, side(8)?))
}

fn lossless_dimensions(data: &[u8]) -> Option<(u32, u32)> {
    let fields = le32(data, 1)?;
    (data.first() == Some(&0x2f)).then_some(((fields & 0x3fff) + 1, (fields >> 14 & 0x3fff) + 1))
}

/// Whether a lossless header promises alpha.
fn lossless_alpha(data: &[u8]) -> bool {
    data.get(4).is_some_and(|fields| fields & 0x10 != 0)
}

fn reason(error: DecodingError) -> Reason {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Reason::Truncated
        }
        DecodingError::UnsupportedFeature(_) => Reason::UnsupportedFormat,
        _ => Reason::Corrupt,
    }
}
