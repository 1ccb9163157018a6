//! The contact sheet of a demonstration: every ad next to the photo it was made from, found or not.

use evidence::{FoundAd, Picture, Sheet, SheetPair};

use photo::Limits;

use console::image_file::decoded;
use lab::drawing::fitted;
use lab::edited_ads::{EditedAd, Source, jpeg};

/// Longest side of a picture on the sheet, in pixels: sharp on paper at 5 cm.
const THUMBNAIL_PX: u32 = 480;

/// What became of one photo in one ad.
pub struct Shown {
    /// The photo's place among the sources.
    pub source: usize,
    /// The ad's place among the ads.
    pub ad: usize,
    /// The lead that came of it, if any.
    pub lead: Option<Lead>,
}

/// The lead as the system reported it.
pub struct Lead {
    /// `alert` or `review`.
    pub level: String,
    /// `whole` or `parts`.
    pub method: String,
    /// Bits of difference.
    pub distance_bits: u16,
    /// The edit found.
    pub edit: String,
    /// Milliseconds from the upload's start to the delivered alert, where one was delivered.
    pub alerted_after_ms: Option<u64>,
}

/// The page, as HTML.
///
/// # Errors
/// When a picture cannot be encoded.
pub fn contact_sheet(
    sources: &[Source],
    ads: &[EditedAd],
    shown: &[Shown],
    figures: &[(&str, String)],
) -> image::ImageResult<String> {
    let photos = sources
        .iter()
        .map(|source| jpeg(&fitted(&source.pixels, THUMBNAIL_PX), 80));
    let photos: Vec<Vec<u8>> = photos.collect::<Result<_, _>>()?;
    let thumbnails = ads
        .iter()
        .map(|ad| match decoded(&ad.jpeg, &Limits::default()) {
            Ok(pixels) => jpeg(&fitted(&pixels, THUMBNAIL_PX), 80),
            Err(_) => Ok(ad.jpeg.clone()), // the browser may do better
        });
    let thumbnails: Vec<Vec<u8>> = thumbnails.collect::<Result<_, _>>()?;
    let pairs: Vec<SheetPair<'_>> = shown
        .iter()
        .map(|shown| SheetPair {
            reference: picture(&sources[shown.source].name, &photos[shown.source]),
            ad: picture(&ads[shown.ad].name, &thumbnails[shown.ad]),
            made_by: Some(ads[shown.ad].edit),
            found: shown.lead.as_ref().map(Lead::found),
        })
        .collect();
    let title = "Homeward: photos found again in edited ads";
    Ok(evidence::contact_sheet(&Sheet {
        title,
        figures,
        pairs: &pairs,
    }))
}

impl Lead {
    fn found(&self) -> FoundAd<'_> {
        FoundAd {
            level: &self.level,
            method: &self.method,
            distance_bits: self.distance_bits,
            edit: &self.edit,
            alerted_after_ms: self.alerted_after_ms,
        }
    }
}

/// A picture to embed, if browsers draw its format.
fn picture<'a>(name: &'a str, bytes: &'a [u8]) -> Picture<'a> {
    let format = photo::Format::of(bytes).ok();
    Picture {
        name,
        bytes,
        media_type: format
            .filter(|format| format.is_shown_by_browsers())
            .map(photo::Format::media_type),
    }
}
