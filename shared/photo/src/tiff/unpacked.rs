//! One strip or tile as its samples.
//!
//! The library is given a file of its own for each, whose directory says as little as it needs: how the bytes are
//! packed, and that they are plain samples. What else a page says never reaches it, so that no kind of picture
//! is refused or changed by it.

use std::io::Cursor;

use ::tiff::decoder::{Decoder, DecodingResult, Limits as TiffLimits};

use super::form::{Form, Kind};
use super::reason;
use crate::Reason;
use crate::exif::Directory;
#[cfg(feature = "packers")]
use crate::sandbox::Codec;

const PREDICTOR: u16 = 0x13d;
const FILL_ORDER: u16 = 0x10a;
/// Kinds of the numbers of a directory.
const SHORT: u16 = 3;
const LONG: u16 = 4;

/// How the strips and tiles of a page are packed.
pub(super) struct Packing {
    compression: u16,
    /// 1 none, 2 differences of whole samples, 3 differences of the bytes of floats.
    predictor: u16,
    /// The lowest bit of a byte is its first.
    is_turned: bool,
    is_big_endian: bool,
    /// Bits of a sample as the library is told: those of bytes, if it would not know the page's own.
    bits: u16,
    kind: Kind,
    samples: u16,
    /// Undoes what neither the library nor we undo.
    #[cfg(feature = "packers")]
    child: Option<(Codec, crate::sandbox::Decoder)>,
}

impl Packing {
    /// `samples` of a pixel lie together.
    pub(super) fn of(
        page: &Directory<'_>,
        form: &Form,
        compression: u32,
        samples: usize,
    ) -> Result<Packing, Reason> {
        let number = |tag| page.number(tag).unwrap_or(1);
        let predictor = number(PREDICTOR) as u16;
        let is_plain = form.comes_in_bytes();
        if is_plain && predictor != 1 {
            return Err(Reason::UnsupportedFormat);
        }
        let (bits, samples) = if is_plain {
            (8, 1)
        } else {
            (form.bits, samples)
        };
        #[cfg(feature = "packers")]
        let child = match super::packer(compression) {
            Some(codec) => Some((codec, crate::sandbox::Decoder::start()?)),
            None => None,
        };
        let is_unpacked_first = super::packer(compression).is_some();
        let compression = if is_unpacked_first { 1 } else { compression };
        Ok(Packing {
            compression: u16::try_from(compression).map_err(|_| Reason::UnsupportedFormat)?,
            predictor,
            is_turned: number(FILL_ORDER) == 2,
            is_big_endian: page.is_big_endian(),
            bits: bits.into(),
            kind: if is_plain { Kind::Whole } else { form.kind },
            samples: u16::try_from(samples).map_err(|_| Reason::UnsupportedFormat)?,
            #[cfg(feature = "packers")]
            child,
        })
    }

    /// The samples of a piece of so many columns, or bytes in a row if it comes in bytes, and rows.
    pub(super) fn unpack(
        &mut self,
        piece: &[u8],
        sides: (u32, u32),
    ) -> Result<DecodingResult, Reason> {
        let turned = self.is_turned.then(|| turned(piece));
        let piece = turned.as_deref().unwrap_or(piece);
        let unpacked = self.by_child(piece, sides)?;
        let file = self.file(unpacked.as_deref().unwrap_or(piece), sides)?;
        let mut limits = TiffLimits::default();
        limits.intermediate_buffer_size = file.len();
        limits.decoding_buffer_size = usize::MAX; // judged by the page's sides
        let mut decoder = Decoder::new(Cursor::new(file.as_slice()))
            .map_err(reason)?
            .with_limits(limits);
        decoder.read_chunk(0).map_err(reason)
    }

    /// The bytes of a piece that is packed as the library does not know.
    #[cfg(feature = "packers")]
    fn by_child(
        &mut self,
        piece: &[u8],
        (width, height): (u32, u32),
    ) -> Result<Option<Vec<u8>>, Reason> {
        let bits = u64::from(width) * u64::from(self.samples) * u64::from(self.bits);
        let Some((codec, child)) = &mut self.child else {
            return Ok(None);
        };
        let bytes = bits.div_ceil(8).saturating_mul(u64::from(height));
        let [unpacked, ..] = child.planes(*codec, piece, bytes)?.samples;
        let unpacked: Vec<u8> = unpacked.into_iter().map(|it| it as u8).collect();
        (unpacked.len() as u64 == bytes)
            .then_some(Some(unpacked))
            .ok_or(Reason::Truncated)
    }

    #[cfg(not(feature = "packers"))]
    fn by_child(&mut self, _: &[u8], _: (u32, u32)) -> Result<Option<Vec<u8>>, Reason> {
        Ok(None)
    }

    /// A file of one strip.
    fn file(&self, piece: &[u8], (width, height): (u32, u32)) -> Result<Vec<u8>, Reason> {
        let format = if self.kind == Kind::Float { 3 } else { 1 };
        let fields = [
            (super::WIDTH, LONG, width),
            (super::HEIGHT, LONG, height),
            (super::BITS, SHORT, self.bits.into()),
            (super::COMPRESSION, SHORT, self.compression.into()),
            (super::PHOTOMETRIC, SHORT, 1), // black is zero: as they are
            (0x111, LONG, 0),
            (super::SAMPLES, SHORT, self.samples.into()),
            (0x116, LONG, height),
            (super::STRIP_LENGTHS, LONG, piece_len(piece)?),
            (PREDICTOR, SHORT, self.predictor.into()),
            (super::SAMPLE_FORMAT, SHORT, format),
        ];
        const HEAD: usize = 8;
        let start = HEAD + 2 + fields.len() * 12 + 4;
        let mut file = Vec::with_capacity(start + piece.len());
        file.extend_from_slice(if self.is_big_endian {
            b"MM\0*"
        } else {
            b"II*\0"
        });
        self.long(&mut file, HEAD as u32);
        self.short(&mut file, fields.len() as u16);
        for (tag, kind, value) in fields {
            self.short(&mut file, tag);
            self.short(&mut file, kind);
            self.long(&mut file, 1);
            match (tag, kind) {
                (0x111, _) => self.long(&mut file, start as u32),
                (_, LONG) => self.long(&mut file, value),
                _ => {
                    self.short(&mut file, value as u16);
                    self.short(&mut file, 0);
                }
            }
        }
        self.long(&mut file, 0);
        file.extend_from_slice(piece);
        Ok(file)
    }

    fn short(&self, file: &mut Vec<u8>, value: u16) {
        file.extend_from_slice(&if self.is_big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        });
    }

    fn long(&self, file: &mut Vec<u8>, value: u32) {
        file.extend_from_slice(&if self.is_big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        });
    }
}

fn turned(piece: &[u8]) -> Vec<u8> {
    piece.iter().map(|byte| byte.reverse_bits()).collect()
}

fn piece_len(piece: &[u8]) -> Result<u32, Reason> {
    u32::try_from(piece.len()).map_err(|_| Reason::TooLarge)
}
