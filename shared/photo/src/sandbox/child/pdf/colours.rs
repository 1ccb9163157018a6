//! What the samples of a picture in a PDF mean.

use hayro_syntax::object::{Array, Dict, Name, Object, Stream, String as Bytes};

use super::super::Fault;

/// Spaces that name a space.
const DEPTH_MAX: usize = 4;

/// The colours that stored samples stand for.
pub(super) enum Colours {
    Grey,
    /// One ink: more of it is darker.
    Ink,
    Rgb,
    Inks,
    /// Colours by their number.
    Palette(Vec<[u8; 3]>),
}

impl Colours {
    pub(super) fn of(dict: &Dict<'_>) -> Result<Colours, Fault> {
        let is_mask = dict.get::<bool>("ImageMask").or_else(|| dict.get("IM"));
        if is_mask == Some(true) {
            return Ok(Colours::Grey);
        }
        let space = dict.get::<Object<'_>>("ColorSpace");
        match space.or_else(|| dict.get("CS")) {
            Some(space) => named(space, 0),
            None => Err(Fault::Corrupt),
        }
    }

    /// Stored samples of a pixel.
    pub(super) fn channels(&self) -> usize {
        match self {
            Colours::Grey | Colours::Ink | Colours::Palette(_) => 1,
            Colours::Rgb => 3,
            Colours::Inks => 4,
        }
    }
}

fn named(space: Object<'_>, depth: usize) -> Result<Colours, Fault> {
    if depth > DEPTH_MAX {
        return Err(Fault::Corrupt);
    }
    match space {
        Object::Name(name) => match &*name {
            b"DeviceGray" | b"CalGray" | b"G" => Ok(Colours::Grey),
            b"DeviceRGB" | b"CalRGB" | b"RGB" => Ok(Colours::Rgb),
            b"DeviceCMYK" | b"CMYK" => Ok(Colours::Inks),
            _ => Err(Fault::Unsupported),
        },
        Object::Array(parts) => of_parts(&parts, depth),
        _ => Err(Fault::Corrupt),
    }
}

fn of_parts(parts: &Array<'_>, depth: usize) -> Result<Colours, Fault> {
    let mut parts = parts.flex_iter();
    let kind = parts.next::<Name<'_>>().ok_or(Fault::Corrupt)?;
    match &*kind {
        b"ICCBased" => {
            let profile = parts.next::<Stream<'_>>().ok_or(Fault::Corrupt)?;
            match profile.dict().get::<u32>("N") {
                Some(1) => Ok(Colours::Grey),
                Some(3) => Ok(Colours::Rgb),
                Some(4) => Ok(Colours::Inks),
                _ => Err(Fault::Corrupt),
            }
        }
        b"Indexed" | b"I" => {
            let base = parts.next::<Object<'_>>().ok_or(Fault::Corrupt)?;
            let base = named(base, depth + 1)?;
            parts.next::<u32>().ok_or(Fault::Corrupt)?; // the highest number: the table's length tells it
            palette(&base, parts.next::<Object<'_>>())
        }
        b"Separation" => Ok(Colours::Ink),
        _ => named(Object::Name(kind), depth + 1),
    }
}

fn palette(base: &Colours, table: Option<Object<'_>>) -> Result<Colours, Fault> {
    let table = match table {
        Some(Object::String(table)) => Bytes::as_bytes(&table).to_vec(),
        Some(Object::Stream(table)) => table
            .decoded_data()
            .map_err(|_| Fault::Corrupt)?
            .into_owned(),
        _ => return Err(Fault::Corrupt),
    };
    let colours = table.chunks_exact(base.channels()).take(256);
    let colours = colours.map(|colour| match (base, colour) {
        (Colours::Grey, [grey]) => Ok([*grey; 3]),
        (Colours::Ink, [ink]) => Ok([255 - ink; 3]),
        (Colours::Rgb, [r, g, b]) => Ok([*r, *g, *b]),
        (Colours::Inks, [c, m, y, k]) => Ok(crate::pixels::cmyk_to_rgb([*c, *m, *y, *k])),
        _ => Err(Fault::Corrupt),
    });
    Ok(Colours::Palette(colours.collect::<Result<_, _>>()?))
}
