//! PDF: the pictures on its pages. A process of its own takes the document apart; pictures that are files of
//! their own are decoded here, as such files are.

use std::cmp::Reverse;

use crate::frames::{self, Patience, Visit};
use crate::pixels::Raster;
use crate::sandbox::{Document, Entry, Handed};
use crate::{Detail, Limits, Orientation, Reason, jpeg};

/// How often a document is taken apart again, because one of its pictures ended the process.
const RESTARTS_MAX: u32 = 2;

/// The largest picture that can be read.
pub(crate) fn decode(
    bytes: &[u8],
    detail: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let mut opened = Opened::new(bytes)?;
    let mut largest: Vec<(usize, Entry)> = opened
        .document
        .pictures
        .iter()
        .copied()
        .enumerate()
        .collect();
    let fits = |entry: &Entry| limits.admit(entry.width_px, entry.height_px).is_ok();
    largest.sort_by_key(|(at, it)| (!fits(it), it.is_mask, Reverse(it.pixels()), *at));
    // One that is too large is the last to be tried, and the first that is missed.
    let mut is_part = largest
        .iter()
        .any(|(_, it)| !it.is_mask && is_too_large(it, limits));
    let mut refused = None;
    for (at, entry) in largest {
        if opened.patience.is_over() {
            break;
        }
        match opened.read(at, detail, limits) {
            Ok(raster) => return Ok((raster.partial_if(is_part), entry.orientation)),
            Err(reason) => {
                is_part |= !entry.is_mask;
                refused = refused.or(Some(reason));
            }
        }
    }
    Err(refused.unwrap_or(Reason::NoPicture))
}

/// Shows every picture that can be read.
pub(crate) fn walk(bytes: &[u8], limits: &Limits, visit: Visit<'_>) -> Result<u32, Reason> {
    let mut opened = Opened::new(bytes)?;
    let is_whole = opened.document.is_whole;
    let mut missed = if is_whole { 0 } else { frames::SOME };
    for (at, entry) in opened.document.pictures.clone().into_iter().enumerate() {
        if entry.is_mask {
            continue;
        }
        match frames::admit_page(entry.width_px, entry.height_px, limits) {
            Ok(()) if !opened.patience.is_over() => {}
            // A rule or a mark.
            Err(Reason::TooSmall) => continue,
            _ => {
                missed += 1;
                continue;
            }
        }
        let Ok(raster) = opened.read(at, Detail::Colour, limits) else {
            missed += 1;
            continue;
        };
        let raster = frames::of_page(raster, limits)?;
        let mut frame = raster.frame();
        frame.orientation = entry.orientation;
        frame.page = Some(entry.page.into());
        frame.weight = entry.pixels();
        if !visit(&frame)? {
            break;
        }
    }
    Ok(missed)
}

fn is_too_large(entry: &Entry, limits: &Limits) -> bool {
    let judged = limits.admit(entry.width_px, entry.height_px);
    matches!(judged, Err(Reason::TooManyPixels | Reason::TooLong))
}

/// A document that is taken apart, again if need be.
struct Opened<'a> {
    bytes: &'a [u8],
    document: Document,
    restarts: u32,
    patience: Patience,
}

impl<'a> Opened<'a> {
    fn new(bytes: &'a [u8]) -> Result<Opened<'a>, Reason> {
        Ok(Opened {
            bytes,
            document: Document::open(bytes)?,
            restarts: 0,
            patience: Patience::new(),
        })
    }

    fn read(&mut self, at: usize, detail: Detail, limits: &Limits) -> Result<Raster, Reason> {
        let handed = self.document.picture(at, limits);
        if let Err(Reason::DecoderFailure) = handed
            && self.restarts < RESTARTS_MAX
        {
            // The process may have ended: the others shall not suffer for it.
            self.restarts += 1;
            self.document = Document::open_again(self.bytes)?;
        }
        let sides = self
            .document
            .pictures
            .get(at)
            .map(|it| (it.width_px, it.height_px));
        let (read, length) = match handed? {
            Handed::Samples(raster) => return Ok(raster),
            Handed::Jpeg(file) => (jpeg::decode(&file, detail, limits), file.len()),
            #[cfg(feature = "jp2")]
            Handed::Jp2(file) => (crate::whole::jp2(&file, detail, limits), file.len()),
            #[cfg(not(feature = "jp2"))]
            Handed::Jp2(_) => return Err(Reason::UnsupportedFormat),
        };
        if read.is_err() {
            self.patience
                .wasted(sides.unwrap_or_default(), length as u64);
        }
        Ok(read?.0)
    }
}
