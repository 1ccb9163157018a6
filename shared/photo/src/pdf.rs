//! PDF: the pictures on its pages. A process of its own takes the document apart; pictures that are files of
//! their own are decoded here, as such files are.

use std::cmp::Reverse;

use crate::frames::{self, Patience, Visit};
use crate::pixels::{Layout, Raster};
use crate::sandbox::{Document, Entry, Handed, Joins, Role};
use crate::{Detail, Limits, Orientation, Reason, jpeg};

/// How often a document is taken apart again, because one of its pictures ended the process.
const RESTARTS_MAX: u32 = 2;

/// A picture as it is seen: whole, or in strips from the top down.
#[derive(Clone)]
struct Shown {
    /// Their numbers.
    strips: Vec<usize>,
    width_px: u32,
    height_px: u32,
    first: Entry,
}

impl Shown {
    fn pixels(&self) -> u64 {
        u64::from(self.width_px) * u64::from(self.height_px)
    }

    fn is_mask(&self) -> bool {
        self.first.role == Role::Mask
    }

    fn is_too_large(&self, limits: &Limits) -> bool {
        let judged = limits.admit(self.width_px, self.height_px);
        matches!(judged, Err(Reason::TooManyPixels | Reason::TooLong))
    }
}

/// What the pages show, in the order in which it is drawn.
fn shown(pictures: &[Entry]) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for (number, entry) in pictures.iter().enumerate() {
        match (entry.role, entry.joins, shown.last_mut()) {
            (Role::Alpha, ..) => {}
            (_, joins @ (Joins::Below | Joins::Above), Some(last))
                if last.width_px == entry.width_px =>
            {
                let at = match joins {
                    Joins::Above => 0,
                    _ => last.strips.len(),
                };
                last.strips.insert(at, number);
                last.height_px = last.height_px.saturating_add(entry.height_px);
            }
            _ => shown.push(Shown {
                strips: vec![number],
                width_px: entry.width_px,
                height_px: entry.height_px,
                first: *entry,
            }),
        }
    }
    shown
}

/// The largest picture that can be read.
pub(crate) fn decode(
    bytes: &[u8],
    detail: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let mut opened = Opened::new(bytes)?;
    let mut largest = shown(&opened.document.pictures);
    let fits = |it: &Shown| limits.admit(it.width_px, it.height_px).is_ok();
    largest.sort_by_key(|it| (!fits(it), it.is_mask(), Reverse(it.pixels())));
    // One that is too large is the last to be tried, and the first that is missed.
    let mut is_part = largest
        .iter()
        .any(|it| !it.is_mask() && it.is_too_large(limits));
    let mut refused = None;
    for picture in largest {
        if opened.patience.is_over() {
            break;
        }
        match opened.read(&picture, detail, limits) {
            Ok(raster) => return Ok((raster.partial_if(is_part), picture.first.orientation)),
            Err(reason) => {
                is_part |= !picture.is_mask();
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
    for picture in shown(&opened.document.pictures) {
        if picture.is_mask() {
            continue;
        }
        match frames::admit_page(picture.width_px, picture.height_px, limits) {
            Ok(()) if !opened.patience.is_over() => {}
            // A rule or a mark.
            Err(Reason::TooSmall) => continue,
            _ => {
                missed += 1;
                continue;
            }
        }
        let Ok(raster) = opened.read(&picture, Detail::Colour, limits) else {
            missed += 1;
            continue;
        };
        let raster = frames::of_page(raster, limits)?;
        let mut frame = raster.frame();
        frame.orientation = picture.first.orientation;
        frame.page = Some(picture.first.page.into());
        frame.weight = picture.pixels();
        if !visit(&frame)? {
            break;
        }
    }
    Ok(missed)
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

    fn read(&mut self, picture: &Shown, detail: Detail, limits: &Limits) -> Result<Raster, Reason> {
        limits.admit(picture.width_px, picture.height_px)?;
        let of_strips = Limits {
            side_px_min: 1,
            ..*limits
        };
        let mut whole: Option<Raster> = None;
        for number in &picture.strips {
            let strip = self.piece(*number, detail, &of_strips)?;
            whole = Some(match whole {
                Some(whole) => whole.over(strip)?,
                None => strip,
            });
        }
        let whole = whole.ok_or(Reason::DecoderFailure)?;
        match picture.first.alpha {
            Some(alpha) => self.seen_through(whole, alpha, &of_strips),
            None => Ok(whole),
        }
    }

    /// On white, as far as its alpha covers it; all of it, if that cannot be read.
    fn seen_through(
        &mut self,
        picture: Raster,
        alpha: usize,
        limits: &Limits,
    ) -> Result<Raster, Reason> {
        match self.piece(alpha, Detail::Luma, limits) {
            Ok(alpha) if alpha.frame().layout == Layout::Luma => Ok(picture.under(&alpha)),
            _ => Ok(picture.partial_if(true)),
        }
    }

    fn piece(&mut self, at: usize, detail: Detail, limits: &Limits) -> Result<Raster, Reason> {
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
