//! PDF: the pictures on its pages. A process of its own takes the document apart; pictures that are files of
//! their own are decoded here, as such files are.

use crate::frames::{self, Visit};
use crate::pixels::Raster;
use crate::sandbox::{Document, Entry, Handed};
use crate::{Detail, Limits, Orientation, Reason, jpeg};

/// Pictures of a document that are tried until one can be read.
const TRIED_MAX: usize = 4;

pub(crate) fn decode(
    bytes: &[u8],
    detail: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let mut document = Document::open(bytes)?;
    let pixels = |entry: &Entry| u64::from(entry.width_px) * u64::from(entry.height_px);
    let fits = |entry: &Entry| limits.admit(entry.width_px, entry.height_px).is_ok();
    let mut largest: Vec<(usize, Entry)> = document.pictures.iter().copied().enumerate().collect();
    largest.sort_by_key(|(at, it)| (!fits(it), it.is_mask, std::cmp::Reverse(pixels(it)), *at));
    let mut refused = Reason::NoPicture;
    for (at, entry) in largest.into_iter().take(TRIED_MAX) {
        match read(&mut document, at, detail, limits) {
            Ok(raster) => return Ok((raster, entry.orientation)),
            Err(reason) if refused == Reason::NoPicture => refused = reason,
            Err(_) => {}
        }
    }
    Err(refused)
}

/// Shows every picture that can be read.
pub(crate) fn walk(bytes: &[u8], limits: &Limits, visit: Visit<'_>) -> Result<(), Reason> {
    let mut document = Document::open(bytes)?;
    for (at, entry) in document.pictures.clone().into_iter().enumerate() {
        if entry.is_mask || frames::admit_page(entry.width_px, entry.height_px, limits).is_err() {
            continue;
        }
        let Ok(raster) = read(&mut document, at, Detail::Colour, limits) else {
            continue;
        };
        let raster = frames::of_page(raster, limits)?;
        let mut frame = raster.frame();
        frame.orientation = entry.orientation;
        frame.page = Some(entry.page.into());
        frame.weight = u64::from(entry.width_px) * u64::from(entry.height_px);
        if !visit(&frame)? {
            return Ok(());
        }
    }
    Ok(())
}

fn read(
    document: &mut Document,
    at: usize,
    detail: Detail,
    limits: &Limits,
) -> Result<Raster, Reason> {
    let (raster, _) = match document.picture(at, limits)? {
        Handed::Samples(raster) => return Ok(raster),
        Handed::Jpeg(file) => jpeg::decode(&file, detail, limits)?,
        #[cfg(feature = "jp2")]
        Handed::Jp2(file) => crate::whole::jp2(&file, detail, limits)?,
        #[cfg(not(feature = "jp2"))]
        Handed::Jp2(_) => return Err(Reason::UnsupportedFormat),
    };
    Ok(raster)
}
