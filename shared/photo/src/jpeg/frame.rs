use crate::Reason;
use crate::bytes::{array, be16};

/// What the samples of a JPEG mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Luma,
    YCbCr,
    Rgb,
    /// Four inks.
    Cmyk,
    /// Four inks, the first three as luma and chroma.
    Ycck,
}

/// What a frame header says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) colour: Colour,
    pub(crate) components: usize,
    pub(crate) progressive: bool,
    /// Coded by arithmetic, and not by Huffman's codes.
    pub(crate) arithmetic: bool,
    /// The chroma is as fine as the luma, or halved in width, or in both directions.
    pub(crate) common_sampling: bool,
    /// Bytes of memory a pixel that a decoder takes which keeps all coefficients.
    pub(crate) coefficient_bytes: u64,
}

/// What the application segments before the frame say about colour.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hints {
    pub(crate) jfif: bool,
    /// Adobe's transform byte: 0 none, 1 YCbCr, 2 YCCK.
    pub(crate) adobe: Option<u8>,
}

impl Frame {
    /// Reads a frame header without its marker and length. Kinds that are not decoded are
    /// refused: lossless, 12 bit, a height that comes later.
    pub(crate) fn parse(marker: u8, header: &[u8], hints: Hints) -> Result<Frame, Reason> {
        let arithmetic = matches!(marker, 0xc9 | 0xca);
        if !matches!(marker, 0xc0..=0xc2) && !arithmetic {
            return Err(Reason::UnsupportedFormat);
        }
        let precision = *header.first().ok_or(Reason::Corrupt)?;
        let height = be16(header, 1).ok_or(Reason::Corrupt)?;
        let width = be16(header, 3).ok_or(Reason::Corrupt)?;
        let components = header.get(6..).ok_or(Reason::Corrupt)?;
        if precision != 8 || height == 0 {
            return Err(Reason::UnsupportedFormat);
        }
        let ids: Vec<u8> = components
            .chunks_exact(3)
            .map(|component| component[0])
            .collect();
        if ids.len() != usize::from(array::<1>(header, 5).ok_or(Reason::Corrupt)?[0]) {
            return Err(Reason::Corrupt);
        }
        let samplings: Vec<u8> = components
            .chunks_exact(3)
            .map(|component| component[1])
            .collect();
        Ok(Frame {
            width_px: width.into(),
            height_px: height.into(),
            colour: colour(&ids, hints)?,
            components: ids.len(),
            progressive: matches!(marker, 0xc2 | 0xca),
            arithmetic,
            // Width in the high half of the byte, height in the low. Alone, it means nothing.
            common_sampling: matches!(samplings[..], [_] | [0x11 | 0x21 | 0x22, 0x11, 0x11]),
            // Each has two bytes; there may be fewer of colour.
            coefficient_bytes: match samplings[..] {
                [_] => 2,
                [0x22, 0x11, 0x11] => 3,
                [0x21, 0x11, 0x11] => 4,
                _ => 2 * ids.len() as u64,
            },
        })
    }
}

/// libjpeg's rules: JFIF is YCbCr, then Adobe's transform decides, then the components' names.
fn colour(ids: &[u8], hints: Hints) -> Result<Colour, Reason> {
    match (ids, hints) {
        ([_], _) => Ok(Colour::Luma),
        ([_, _, _], Hints { jfif: true, .. }) => Ok(Colour::YCbCr),
        ([_, _, _], Hints { adobe: Some(0), .. }) => Ok(Colour::Rgb),
        ([_, _, _], Hints { adobe: Some(_), .. }) => Ok(Colour::YCbCr),
        ([b'R', b'G', b'B'], _) => Ok(Colour::Rgb),
        ([_, _, _], _) => Ok(Colour::YCbCr),
        (
            [_, _, _, _],
            Hints {
                adobe: None | Some(0),
                ..
            },
        ) => Ok(Colour::Cmyk),
        ([_, _, _, _], _) => Ok(Colour::Ycck),
        _ => Err(Reason::UnsupportedFormat),
    }
}
