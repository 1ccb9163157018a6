//! A picture of a PDF as a file of its own, or as its samples.

use hayro_syntax::object::{Array, Dict, Object, Stream};
use hayro_syntax::{Filter, Pdf};

use super::super::Fault;
use super::colours::Colours;
use super::jbig2;
use crate::fax::{Coding, Fax};
use crate::sandbox::PDF_PIXELS_MAX;

/// Filters one over the other: writers use two.
const FILTERS_MAX: usize = 4;

/// What a picture is handed over as.
pub(super) enum Piece {
    Jpeg(Vec<u8>),
    Jp2(Vec<u8>),
    /// One sample of 8 bits a pixel.
    Grey(Vec<u8>),
    Rgb(Vec<u8>),
    /// Four, 255 is full.
    Inks(Vec<u8>),
}

/// What the dictionary of a picture says of it.
pub(super) struct Asked {
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    /// It says where ink goes.
    pub(super) is_mask: bool,
}

impl Asked {
    pub(super) fn of(stream: &Stream<'_>) -> Option<Asked> {
        let dict = stream.dict();
        let side = |long: &str, short: &str| dict.get::<u32>(long).or_else(|| dict.get(short));
        let is_mask = dict.get::<bool>("ImageMask").or_else(|| dict.get("IM"));
        Some(Asked {
            width_px: side("Width", "W")?,
            height_px: side("Height", "H")?,
            is_mask: is_mask.unwrap_or_default(),
        })
    }

    pub(super) fn pixels(&self) -> u64 {
        u64::from(self.width_px) * u64::from(self.height_px)
    }
}

impl Piece {
    pub(super) fn of(stream: &Stream<'_>, asked: &Asked) -> Result<Piece, Fault> {
        if asked.pixels() > PDF_PIXELS_MAX {
            return Err(Fault::Large);
        }
        let filters = stream.filters();
        if filters.len() > FILTERS_MAX {
            return Err(Fault::Unsupported);
        }
        match filters.last() {
            Some(Filter::DctDecode) => Ok(Piece::Jpeg(inner(stream)?)),
            Some(Filter::JpxDecode) => Ok(Piece::Jp2(inner(stream)?)),
            Some(Filter::CcittFaxDecode) => fax(stream, asked),
            Some(Filter::Jbig2Decode) => {
                let bits = jbig2::read(&inner(stream)?, &last_settings(stream.dict()), asked)?;
                samples(stream, asked, &bits)
            }
            _ => {
                let data = stream.decoded_data().map_err(|_| Fault::Corrupt)?;
                samples(stream, asked, &data)
            }
        }
    }
}

/// The data without all filters but the last.
fn inner(stream: &Stream<'_>) -> Result<Vec<u8>, Fault> {
    let filters = stream.filters();
    let data = stream.raw_data();
    let outer = filters.get(..filters.len().saturating_sub(1));
    let names = outer.unwrap_or_default().iter().map(|filter| match filter {
        Filter::AsciiHexDecode => Ok("/ASCIIHexDecode"),
        Filter::Ascii85Decode => Ok("/ASCII85Decode"),
        Filter::LzwDecode => Ok("/LZWDecode"),
        Filter::FlateDecode => Ok("/FlateDecode"),
        Filter::RunLengthDecode => Ok("/RunLengthDecode"),
        Filter::Crypt => Ok(""), // undone already
        _ => Err(Fault::Unsupported),
    });
    let names = names.collect::<Result<String, _>>()?;
    if names.is_empty() {
        return Ok(data.into_owned());
    }
    // The library undoes all filters or none: so the outer ones are given to it alone, in a file.
    let head = format!("/Filter[{names}]/Length {}", data.len());
    let pages = "<</Type/Pages/Kids[]/Count 0>>endobj\n";
    let start = format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj{pages}3 0 obj<<{head}>>stream\n"
    );
    let end = b"\nendstream\nendobj\ntrailer<</Root 1 0 R>>";
    let alone = Pdf::new([start.as_bytes(), &data, end].concat()).map_err(|_| Fault::Corrupt)?;
    let mut streams = alone.objects().into_iter().filter_map(Object::into_stream);
    let stream = streams.next().ok_or(Fault::Corrupt)?;
    let data = stream.decoded_data().map_err(|_| Fault::Corrupt)?;
    Ok(data.into_owned())
}

/// The settings of the last filter.
fn last_settings<'a>(dict: &Dict<'a>) -> Dict<'a> {
    let settings = dict.get::<Object<'_>>("DecodeParms");
    match settings.or_else(|| dict.get::<Object<'_>>("DP")) {
        Some(Object::Dict(settings)) => settings,
        Some(Object::Array(settings)) => Array::iter::<Object<'_>>(&settings)
            .last()
            .and_then(Object::into_dict)
            .unwrap_or_default(),
        _ => Dict::empty(),
    }
}

fn fax(stream: &Stream<'_>, asked: &Asked) -> Result<Piece, Fault> {
    let settings = last_settings(stream.dict());
    let coding = match settings.get::<i32>("K").unwrap_or_default() {
        ..0 => Coding::Group4,
        0 => Coding::Group3_1D,
        1.. => Coding::Group3_2D,
    };
    let fax = Fax {
        width_px: settings.get::<u32>("Columns").unwrap_or(1728),
        height_px: asked.height_px,
        coding,
        is_aligned: settings.get::<bool>("EncodedByteAlign").unwrap_or_default(),
    };
    if fax.width_px != asked.width_px {
        return Err(Fault::Corrupt);
    }
    let bits = fax.read(&inner(stream)?).map_err(|_| Fault::Corrupt)?;
    if settings.get::<bool>("BlackIs1") == Some(true) {
        return samples(stream, asked, &bits);
    }
    let bits: Vec<u8> = bits.into_iter().map(|byte| !byte).collect();
    samples(stream, asked, &bits)
}

/// Stored samples as those of 8 bits.
fn samples(stream: &Stream<'_>, asked: &Asked, data: &[u8]) -> Result<Piece, Fault> {
    let dict = stream.dict();
    let colours = Colours::of(dict)?;
    let bilevel = [Filter::CcittFaxDecode, Filter::Jbig2Decode];
    let is_bilevel = stream
        .filters()
        .last()
        .is_some_and(|it| bilevel.contains(it));
    let bits = if asked.is_mask || is_bilevel {
        1
    } else {
        let bits = dict.get::<u32>("BitsPerComponent");
        bits.or_else(|| dict.get("BPC")).unwrap_or(8)
    };
    if !matches!(bits, 1 | 2 | 4 | 8 | 16) {
        return Err(Fault::Corrupt);
    }
    let bits = bits as usize;
    let (width, height) = (asked.width_px as usize, asked.height_px as usize);
    let count = width * colours.channels();
    let stride = (count * bits).div_ceil(8).max(1);
    if data.len() < stride * height.div_ceil(2) {
        return Err(Fault::Truncated);
    }
    let rows = data.chunks(stride).take(height);
    let stored = rows.flat_map(|row| (0..count).map(move |at| stored(row, at, bits)));
    let turned = if is_turned(dict) { 255 } else { 0 };
    let whole = stored.clone().map(|sample| spread(sample, bits) ^ turned);
    let filled = |mut bytes: Vec<u8>, channels: usize| {
        bytes.resize(width * height * channels, 255); // rows that are missing
        bytes
    };
    Ok(match &colours {
        Colours::Grey => Piece::Grey(filled(whole.collect(), 1)),
        Colours::Ink => Piece::Grey(filled(whole.map(|ink| 255 - ink).collect(), 1)),
        Colours::Rgb => Piece::Rgb(filled(whole.collect(), 3)),
        Colours::Inks => Piece::Inks(filled(whole.collect(), 4)),
        Colours::Palette(colours) => {
            let colour = |at: u8| colours.get(usize::from(at)).copied().unwrap_or_default();
            Piece::Rgb(filled(stored.flat_map(colour).collect(), 3))
        }
    })
}

/// A sample as it is stored, of 16 bits the higher ones; 0 if it is missing.
fn stored(row: &[u8], at: usize, bits: usize) -> u8 {
    let byte = |at: usize| row.get(at).copied().unwrap_or_default();
    match bits {
        8 => byte(at),
        16 => byte(2 * at),
        _ => {
            let shift = 8 - bits - at * bits % 8;
            byte(at * bits / 8) >> shift & ((1_u16 << bits) - 1) as u8
        }
    }
}

/// Samples of few bits reach as far as those of 8.
fn spread(stored: u8, bits: usize) -> u8 {
    match bits {
        1 => stored * 255,
        2 => stored * 85,
        4 => stored * 17,
        _ => stored,
    }
}

/// The samples' range runs from high to low.
fn is_turned(dict: &Dict<'_>) -> bool {
    let range = dict.get::<Array<'_>>("Decode").or_else(|| dict.get("D"));
    let ends = range.map(|range| range.iter::<f64>().take(2).collect::<Vec<_>>());
    matches!(ends.as_deref(), Some([from, to]) if from > to)
}
