//! How many edited copies of photos are found, and how many pairs are found falsely: the parts of
//! `homeward bench recall`.

pub mod report;
pub mod same_person;
pub mod tally;

mod edits;
mod kinds;
mod page_pairs;
mod pages;
mod program;
mod warp;

use std::path::PathBuf;

use features::fingerprint::{AdFingerprint, Framing, Hash256, HashVariant, ReferenceFingerprint};
use image::RgbImage;
use matching::{Level, Policy, ReferenceSet};
use photo::{Limits, Reason};

use crate::match_picture::canvas;
use console::folder::{self, FolderEntry};
use console::image_file;
use console::outcome::{Failure, Result};
use console::parallel;
use console::terminal::{Progress, escaped};
use kinds::{KINDS, Kind};
use same_person::SamePerson;
use tally::{FoundCopy, RecallAd, Seen, Tally};

/// What is measured.
pub struct RecallSettings {
    /// The folder of photos.
    pub photos: PathBuf,
    /// Every `hold.1`-th photo from the `hold.0`-th on is a reference; the rest are fillers.
    pub hold: (usize, usize),
    /// Pictures that are no copies.
    pub lookalikes: Option<PathBuf>,
    /// A program that makes the edited copies instead of ours.
    pub transforms: Option<PathBuf>,
    /// What the names of portraits have in common.
    pub portraits: String,
    /// Which photos show the same person.
    pub persons: SamePerson,
    /// Templates of each kind of page; pages of one are compared with each other.
    pub templates: u32,
    /// The seed of all random numbers.
    pub seed: u64,
}

/// The distance up to which PDQ's authors call two pictures the same, in bits.
const PDQ_BITS_MAX: u16 = 31;
/// The quality from which they trust a hash.
const PDQ_QUALITY_MIN: u8 = 50;
/// Longer side of the photos that are edited, in pixels: what ads have.
const SIDE_PX_MAX: u32 = 1_280;
/// Photos held in memory as fillers of collages and backgrounds: 40 MB.
const FILLERS_MAX: usize = 12;

/// The references, in memory.
struct References {
    set: ReferenceSet<usize>,
    names: Vec<String>,
    portraits: usize,
    is_portrait: Vec<bool>,
    portrait_mark: String,
    persons: SamePerson,
    pdq: Vec<Option<Hash256>>,
    /// For each photo itself, or the earlier one that is the same: only that is a reference.
    stands_for: Vec<usize>,
    policy: Policy,
}

/// Makes the copies, searches them all and counts.
///
/// # Errors
/// The input's fault if there is no photo that can be read.
pub fn measure(plan: &RecallSettings) -> Result<Tally> {
    let photos = folder::files(&plan.photos);
    let (chosen, rest) = held(&photos, plan.hold);
    let names = photos.iter().map(|photo| photo.name.as_str()).collect();
    if let Some(unknown) = plan.persons.unknown(&names) {
        let what = format_args!(
            "--same-person names no photo of the folder: {}",
            escaped(unknown)
        );
        return Err(Failure::input(what, "name photos as the folder has them"));
    }
    let references = References::of(&chosen, plan)?;
    let mut tally = Tally::new(photos.len(), &references.policy);
    tally.references = references.set.len();
    tally.duplicates = references.duplicates();
    tally.persons_said_of = plan.persons.len();
    match &plan.transforms {
        Some(file) => {
            let mut made = program::run(file, &chosen, &rest, plan.seed)?;
            for (_, ad) in &mut made.ads {
                ad.shows
                    .iter_mut()
                    .for_each(|it| *it = references.stands_for[*it]);
                ad.shows.sort_unstable();
                ad.shows.dedup();
            }
            search_files(&made.ads, "ads", &references, &mut tally);
        }
        None => search_edits(plan, &chosen, &rest, &references, &mut tally)?,
    }
    if let Some(folder) = &plan.lookalikes {
        let ads: Vec<_> = folder::files(folder)
            .into_iter()
            .map(program::lookalike)
            .collect();
        search_files(&ads, "lookalikes", &references, &mut tally);
    }
    page_pairs::measure(plan, &chosen, &references.policy, &mut tally);
    Ok(tally)
}

/// Which photos are references, and which are fillers: every `step`-th from the `first` on is a
/// reference. If all would be, a tenth of them, at most [`FILLERS_MAX`], are fillers instead, since an
/// ad that shows a filler must not count as one that matches it falsely. A single photo is both.
fn held(
    photos: &[FolderEntry],
    (first, step): (usize, usize),
) -> (Vec<FolderEntry>, Vec<FolderEntry>) {
    let every = |place: usize, step: usize| place.is_multiple_of(step.max(1));
    let is_chosen = |place: usize| place >= first && every(place - first, step);
    let split = |is_chosen: &dyn Fn(usize) -> bool| {
        let numbered = photos.iter().cloned().enumerate();
        let (chosen, rest): (Vec<_>, Vec<_>) = numbered.partition(|(place, _)| is_chosen(*place));
        let entries =
            |part: Vec<(usize, FolderEntry)>| part.into_iter().map(|(_, it)| it).collect();
        (entries(chosen), entries(rest))
    };
    let (chosen, rest): (Vec<FolderEntry>, Vec<FolderEntry>) = split(&is_chosen);
    match (chosen.len(), rest.len()) {
        (1, 0) => (chosen.clone(), chosen),
        (count @ 2.., 0) => {
            let fillers = (count / 10).clamp(1, FILLERS_MAX);
            split(&|place| !every(place, count.div_ceil(fillers)))
        }
        _ => (chosen, rest),
    }
}

impl References {
    fn of(chosen: &[FolderEntry], plan: &RecallSettings) -> Result<Self> {
        let limits = Limits::default();
        let progress = Progress::new("references", chosen.len());
        let mut references = Self {
            set: ReferenceSet::new(),
            names: Vec::new(),
            portraits: 0,
            is_portrait: Vec::new(),
            portrait_mark: plan.portraits.clone(),
            persons: plan.persons.clone(),
            pdq: Vec::new(),
            stands_for: Vec::new(),
            policy: Policy::default(),
        };
        let read = |entry: &FolderEntry| {
            progress.advance();
            let bytes = bytes_of(entry, &limits)?;
            image_file::of_reference(&bytes, &limits).map_err(Reason::as_str)
        };
        let done = parallel::in_order(chosen, read, |number, made| {
            let entry = &chosen[number];
            references.add(entry, made.ok(), number);
            Ok::<(), std::convert::Infallible>(())
        });
        let Ok(()) = done;
        if references.set.is_empty() {
            return Err(Failure::input(
                "no photo in the folder can be read",
                "give --photos a folder with JPEG, PNG or WebP photos",
            ));
        }
        Ok(references)
    }

    fn add(&mut self, entry: &FolderEntry, made: Option<ReferenceFingerprint>, number: usize) {
        let is_portrait = self.is_portrait(&entry.name);
        self.names.push(entry.name.clone());
        self.is_portrait.push(is_portrait);
        let as_is = made.as_ref().and_then(as_is);
        let clear = as_is.filter(|view| view.quality >= PDQ_QUALITY_MIN);
        let stands_for = clear.and_then(|view| self.same_as(&view.pdq));
        let stands_for = stands_for.unwrap_or(number);
        self.pdq.push(as_is.map(|view| view.pdq));
        self.stands_for.push(stands_for);
        if let Some(made) = made.filter(|_| stands_for == number) {
            self.portraits += usize::from(is_portrait);
            self.set.insert(number, made);
        }
    }

    /// An earlier photo that PDQ calls the same: a folder holds many a photo twice, and then an ad
    /// of one shows both.
    fn same_as(&self, pdq: &Hash256) -> Option<usize> {
        let is_same = |known: &Option<Hash256>| {
            known.is_some_and(|known| known.distance_bits(pdq) <= PDQ_BITS_MAX)
        };
        self.pdq.iter().position(is_same)
    }

    /// The photos that are left out, each with the one that is the same.
    fn duplicates(&self) -> Vec<(String, String)> {
        let numbered = self.stands_for.iter().enumerate();
        let duplicates = numbered.filter(|(number, stands_for)| number != *stands_for);
        let names = |(number, stands_for): (usize, &usize)| {
            (self.names[number].clone(), self.names[*stands_for].clone())
        };
        duplicates.map(names).collect()
    }

    /// What a search of one ad finds.
    fn seen(&self, ad: &AdFingerprint, shows: &[usize]) -> Seen {
        let found = self.set.find(ad, &self.policy);
        let of = |reference: &usize| {
            let found = found.iter().find(|(number, _)| number == reference);
            FoundCopy {
                at_alert: found.is_some_and(|(_, found)| found.level == Level::Alert),
                at_review: found.is_some(),
                by_pdq: self.pdq[*reference]
                    .is_some_and(|pdq| pdq.distance_bits(&ad.whole.pdq) <= PDQ_BITS_MAX),
                edit: found.map(|(_, found)| found.edit.to_string()),
            }
        };
        let others = |number: &usize| !shows.contains(number);
        Seen {
            shown: shows.iter().map(of).collect(),
            false_ones: found
                .iter()
                .filter(|(number, _)| others(number))
                .map(|(number, found)| (*number, found.level))
                .collect(),
            near_misses: self
                .set
                .evidence(ad)
                .into_iter()
                .filter(|(number, _)| others(number))
                .map(|(number, evidence)| (number, evidence.score))
                .collect(),
        }
    }

    fn record(&self, ad: &RecallAd, seen: Seen, tally: &mut Tally) {
        let pairs = tally::Pairs {
            names: &self.names,
            is_portrait: &self.is_portrait,
            enrolled: self.set.len(),
            portraits: self.portraits,
            ad_is_portrait: self.is_portrait(&ad.photo),
            persons: &self.persons,
        };
        tally.record(ad, seen, &pairs);
    }

    fn is_portrait(&self, name: &str) -> bool {
        !self.portrait_mark.is_empty() && name.contains(&self.portrait_mark)
    }
}

/// The hash of the whole photo, as any user of PDQ would have it.
fn as_is(reference: &ReferenceFingerprint) -> Option<HashVariant> {
    let mut framings = reference.framings.iter();
    let found = framings.find(|(framing, _)| *framing == Framing::default());
    found.map(|(_, view)| *view)
}

fn bytes_of(entry: &FolderEntry, limits: &Limits) -> std::result::Result<Vec<u8>, &'static str> {
    match entry.refused {
        Some(reason) => Err(reason),
        None => image_file::read(&entry.path, limits),
    }
}

/// The pixels of a photo, no larger than ads are.
fn pixels(entry: &FolderEntry) -> std::result::Result<RgbImage, &'static str> {
    let limits = Limits::default();
    let bytes = bytes_of(entry, &limits)?;
    let picture = image_file::decoded(&bytes, &limits).map_err(Reason::as_str)?;
    let longer = picture.width().max(picture.height());
    if longer <= SIDE_PX_MAX {
        return Ok(picture);
    }
    let side = |px: u32| (u64::from(px) * u64::from(SIDE_PX_MAX) / u64::from(longer)).max(1) as u32;
    Ok(canvas::resized(
        &picture,
        side(picture.width()),
        side(picture.height()),
    ))
}

/// Edits every reference in every way and searches what comes out; no ad is kept.
fn search_edits(
    plan: &RecallSettings,
    chosen: &[FolderEntry],
    rest: &[FolderEntry],
    references: &References,
    tally: &mut Tally,
) -> Result<()> {
    let stride = rest.len().div_ceil(FILLERS_MAX).max(1);
    let others: Vec<RgbImage> = rest
        .iter()
        .step_by(stride)
        .filter_map(|entry| pixels(entry).ok())
        .collect();
    if others.is_empty() {
        return Err(Failure::input(
            "no filler can be read",
            "give --photos more photos",
        ));
    }
    let progress = Progress::new("ads", references.set.len() * KINDS.len());
    let is_first = |number: &usize| references.stands_for[*number] == *number;
    let numbers: Vec<usize> = (0..chosen.len()).filter(is_first).collect();
    let search = |number: &usize| {
        let photo = pixels(&chosen[*number]).ok();
        let edited = |photo: RgbImage| {
            let kinds = KINDS.iter().inspect(|_| progress.advance());
            edited(plan, *number, &photo, &others, references, kinds)
        };
        photo.map(edited).transpose()
    };
    parallel::in_order(&numbers, search, |place, seen| {
        let number = numbers[place];
        for (ad, seen) in seen.map_err(Failure::ours)?.into_iter().flatten() {
            references.record(&ad, seen, tally);
        }
        if references.pdq[number].is_none() {
            progress.print(format_args!(
                "unreadable: {}",
                escaped(&references.names[number])
            ));
        }
        Ok(())
    })
}

/// What is found in each edit of a photo.
fn edited<'a>(
    plan: &RecallSettings,
    number: usize,
    photo: &RgbImage,
    others: &[RgbImage],
    references: &References,
    kinds: impl Iterator<Item = &'a Kind>,
) -> image::ImageResult<Vec<(RecallAd, Seen)>> {
    let limits = Limits::default();
    let name = &references.names[number];
    let mut all = Vec::new();
    for kind in kinds {
        let jpeg = kind.of(photo, name, plan.seed, others)?;
        if let Ok(fingerprint) = image_file::of_ad(&jpeg, &limits) {
            let ad = RecallAd {
                name: format!("{name} {} {}", kind.group, kind.name),
                photo: name.clone(),
                group: kind.group.to_owned(),
                kind: kind.name.to_owned(),
                shows: vec![number],
            };
            let seen = references.seen(&fingerprint, &ad.shows);
            all.push((ad, seen));
        }
    }
    Ok(all)
}

/// Searches ads that lie on a disk.
fn search_files(
    ads: &[(FolderEntry, RecallAd)],
    what: &'static str,
    references: &References,
    tally: &mut Tally,
) {
    let limits = Limits::default();
    let progress = Progress::new(what, ads.len());
    let search = |(entry, ad): &(FolderEntry, RecallAd)| {
        progress.advance();
        let bytes = bytes_of(entry, &limits)?;
        let fingerprint = image_file::of_ad(&bytes, &limits).map_err(Reason::as_str)?;
        Ok::<_, &'static str>(references.seen(&fingerprint, &ad.shows))
    };
    let done = parallel::in_order(ads, search, |number, seen| {
        let (entry, ad) = &ads[number];
        match seen {
            Ok(seen) => references.record(ad, seen, tally),
            Err(reason) => {
                progress.print(format_args!(
                    "unreadable: {}: {reason}",
                    escaped(&entry.name)
                ));
            }
        }
        Ok::<(), std::convert::Infallible>(())
    });
    let Ok(()) = done;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(part: &[FolderEntry]) -> Vec<&str> {
        part.iter().map(|entry| entry.name.as_str()).collect()
    }

    #[test]
    fn a_filler_is_no_reference_unless_it_is_the_only_photo() {
        let photos: Vec<_> = (0..362)
            .map(|n| FolderEntry {
                name: n.to_string(),
                path: PathBuf::new(),
                refused: None,
            })
            .collect();
        let (chosen, rest) = held(&photos[..5], (1, 2));
        assert_eq!(
            (names(&chosen), names(&rest)),
            (vec!["1", "3"], vec!["0", "2", "4"])
        );
        let (chosen, rest) = held(&photos[..3], (0, 1));
        assert_eq!((names(&chosen), names(&rest)), (vec!["1", "2"], vec!["0"]));
        let (chosen, rest) = held(&photos, (0, 1));
        assert_eq!((chosen.len(), rest.len()), (350, 12));
        assert!(
            rest.iter()
                .all(|filler| !names(&chosen).contains(&&*filler.name))
        );
        let (chosen, rest) = held(&photos[..1], (0, 1));
        assert_eq!((names(&chosen), names(&rest)), (vec!["0"], vec!["0"]));
    }
}
