//! Pages of one template compared with each other: other photos on them must raise no alarm, and the
//! photo on one is found by itself.

use features::fingerprint::AdFingerprint;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use matching::{Policy, compare};
use photo::Limits;

use super::pages::{PAGE_KINDS, PageKind};
use super::tally::{PagePairs, Tally};
use super::{RecallSettings, pixels};
use console::folder::FolderEntry;
use console::image_file;
use console::parallel;
use console::terminal::Progress;

/// Pages of one template, each with another photo.
const PAGES: usize = 4;
/// Quality of the JPEG files.
const QUALITY: u8 = 82;

/// Draws pages of every kind and compares them.
pub(super) fn measure(
    plan: &RecallSettings,
    photos: &[FolderEntry],
    policy: &Policy,
    tally: &mut Tally,
) {
    let templates = u64::from(plan.templates);
    let jobs: Vec<(usize, u64)> = (0..PAGE_KINDS.len())
        .flat_map(|kind| (0..templates).map(move |template| (kind, template)))
        .collect();
    let progress = Progress::new("pages", jobs.len());
    let compared = |(kind, template): &(usize, u64)| {
        progress.advance();
        let stride = photos.len().div_ceil(PAGES).max(1);
        let first = (*template as usize).wrapping_mul(7) % stride;
        let chosen = photos.iter().skip(first).step_by(stride);
        let photos: Vec<RgbImage> = chosen.filter_map(|entry| pixels(entry).ok()).collect();
        template_pairs(
            &PAGE_KINDS[*kind],
            plan.seed ^ *template << 8,
            &photos,
            policy,
        )
    };
    let done = parallel::in_order(&jobs, compared, |number, pairs| {
        let name = PAGE_KINDS[jobs[number].0].name;
        tally.pages.entry(name).or_default().add(&pairs);
        Ok::<(), std::convert::Infallible>(())
    });
    let Ok(()) = done;
}

/// Every page of a template as a reference, against all others and against its own photo.
fn template_pairs(
    kind: &PageKind,
    template: u64,
    photos: &[RgbImage],
    policy: &Policy,
) -> PagePairs {
    let numbered = (0u64..).zip(photos);
    let pages: Vec<Vec<u8>> = numbered
        .filter_map(|(words, photo)| jpeg(&kind.drawn(template, words, photo)))
        .collect();
    let ads: Vec<Option<AdFingerprint>> = pages.iter().map(|page| ad(page)).collect();
    let mut pairs = PagePairs::default();
    for (own, page) in pages.iter().enumerate() {
        let Ok(reference) = image_file::of_reference(page, &Limits::default()) else {
            continue;
        };
        let level = |ad: &AdFingerprint| compare(&reference, ad, policy).map(|found| found.level);
        for (other, ad) in ads.iter().enumerate() {
            if let Some(ad) = ad.as_ref().filter(|_| other != own) {
                pairs.others.count(level(ad));
            }
        }
        if let Some(photo) = jpeg(&photos[own]).and_then(|photo| ad(&photo)) {
            pairs.photos.count(level(&photo));
        }
    }
    pairs
}

fn ad(bytes: &[u8]) -> Option<AdFingerprint> {
    image_file::of_ad(bytes, &Limits::default()).ok()
}

fn jpeg(picture: &RgbImage) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    picture.write_with_encoder(encoder).ok()?;
    Some(bytes)
}
