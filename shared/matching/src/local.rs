//! Stage 2: the reference's photo somewhere within the ad.
//!
//! Features that look alike propose alignments ([`correspondences`], [`align`]), whole-frame ones are tried
//! as well ([`whole_frame`]), and a dense comparison decides ([`verification`]).

mod affine;
mod align;
mod collage;
mod correspondences;
mod edit;
mod image_pair;
mod index;
mod layout;
mod past;
mod pyramid;
mod stop_features;
mod verification;
mod whole_frame;

use features::ReferenceKind;

use crate::{Edit, Evidence, Level, LocalRule, Match, Method, PerGrid, Surroundings};
use align::Alignment;
pub use image_pair::{LocalAd, LocalReference};
pub(crate) use index::Index;
pub use past::PastQuery;
pub use stop_features::{StopFeatures, trained};
use verification::{Tally, Verification, verify};

/// Alignments verified per handedness.
const ALIGNMENTS_MAX: usize = 2;
/// What the best region and each agreeing feature count next to the scores where alignments compete.
const REGION_WEIGHT: f32 = 0.3;
const FEATURE_WEIGHT: f32 = 0.02;
/// By how much the shapes of two sizes of one picture may differ: the shorter side of a reference's
/// 512 pixels is rounded to whole ones, and so is that of an ad's 1,024.
const SAME_SHAPE_MAX: f32 = 0.02;
/// The scale of a distance.
const DISTANCE_BITS: u32 = 256;

/// The best match of a reference and an ad, both read.
pub(crate) fn judge(reference: &LocalReference, ad: &LocalAd, rule: &LocalRule) -> Option<Match> {
    let (level, verification) = verified(reference, ad, rule)?;
    Some(Match {
        level,
        method: Method::Parts,
        distance_bits: verification.distance_bits(),
        edit: edit::of(reference, ad, &verification),
        outline: Some(edit::outline(reference, ad, &verification.affine)),
    })
}

/// A match of whole pictures with what their local features tell of it as well: how much is cropped, tilted
/// or stretched, what surrounds it and where it lies. As it is, where these do not tell or tell
/// of another turn, as a picture that is its own mirror image may.
pub(crate) fn with_local_edit(
    found: Match,
    reference: &LocalReference,
    ad: &LocalAd,
    rule: &LocalRule,
) -> Match {
    let Some((_, verification)) = verified(reference, ad, rule) else {
        return found;
    };
    let (edit, known) = (edit::of(reference, ad, &verification), found.edit);
    let orientation = |edit: &Edit| (edit.mirrored, edit.turn, edit.negative);
    match orientation(&edit) == orientation(&known) {
        true => Match {
            edit,
            outline: Some(edit::outline(reference, ad, &verification.affine)),
            ..found
        },
        false => found,
    }
}

/// A match of two pictures that are the same as a whole: as is, from corner to corner. Their features
/// are of different scales, so that a fit of them might report an edit that was not made. Hashes do
/// not see a stretch: one of another shape is explained like any other.
pub(crate) fn unchanged(
    found: Match,
    reference: &LocalReference,
    ad: &LocalAd,
    rule: &LocalRule,
) -> Match {
    let shape = |(width, height): (f32, f32)| width / height;
    let stretch = shape(ad.size) / shape(reference.size);
    if (stretch - 1.0).abs() > SAME_SHAPE_MAX {
        return with_local_edit(found, reference, ad, rule);
    }
    as_is(found)
}

/// A match of pictures that show the same from corner to corner.
pub(crate) fn as_is(found: Match) -> Match {
    Match {
        edit: Edit {
            share_percent: 100,
            surroundings: Surroundings::Nothing,
            ..Edit::default()
        },
        outline: Some([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]),
        ..found
    }
}

/// A place that both pictures show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where the reference shows it, in shares of its width and height.
    pub reference: (f32, f32),
    /// Where the ad does, in shares of its own.
    pub ad: (f32, f32),
}

/// Places that a reference and an ad have in common, for a person to check by eye; none if the
/// local features of the two do not match.
pub fn points(reference: &LocalReference, ad: &LocalAd, rule: &LocalRule) -> Vec<Point> {
    let Some((_, verification)) = verified(reference, ad, rule) else {
        return Vec::new();
    };
    let shares = |(x, y): (f32, f32), (w, h): (f32, f32)| (x / w, y / h);
    let point = |place| Point {
        reference: shares(place, reference.size),
        ad: shares(verification.affine.of(place), ad.size),
    };
    let places = verification::agreeing(reference, ad, &verification);
    places.into_iter().map(point).collect()
}

/// The level that the local features of a pair reach, and what proves it.
fn verified(
    reference: &LocalReference,
    ad: &LocalAd,
    rule: &LocalRule,
) -> Option<(Level, Verification)> {
    let sure =
        |verification: &Verification| rule.level(&verification.evidence()) == Some(Level::Alert);
    let verification = best_verification(reference, ad, sure)?;
    let level = rule.level(&verification.evidence())?;
    match reference.kind {
        ReferenceKind::Page => Some((Level::Review, verification)),
        ReferenceKind::Photo | ReferenceKind::PageWithPhoto => Some((level, verification)),
    }
}

/// The strongest evidence for a pair, for calibration; `None` if nothing aligns the two.
pub fn evidence(reference: &LocalReference, ad: &LocalAd) -> Option<Evidence> {
    best_verification(reference, ad, |_| false).map(|verification| verification.evidence())
}

/// The strongest verification of all alignments, first of those that are `enough`. Whole frames are tried
/// only where features give none that is; of features both hands are, since a photo may have a part
/// that is its own mirror image.
fn best_verification(
    reference: &LocalReference,
    ad: &LocalAd,
    enough: impl Fn(&Verification) -> bool,
) -> Option<Verification> {
    let both =
        [false, true].map(|mirrored| correspondences::correspondences(reference, ad, mirrored));
    let by_features = [false, true].into_iter().flat_map(|mirrored| {
        let correspondences = &both[usize::from(mirrored)];
        align::alignments(reference, ad, correspondences, mirrored, ALIGNMENTS_MAX)
    });
    let better = |best: Option<Verification>, alignment: Alignment| {
        let mut verification = verify(reference, ad, &alignment);
        let centre = (reference.size.0 / 2.0, reference.size.1 / 2.0);
        let is_mirrored = verification.affine.area(centre) < 0.0;
        let seen = &both[usize::from(is_mirrored)];
        let agreeing = align::agreeing_with(reference, ad, seen, &verification.affine);
        verification.agreeing = verification.agreeing.max(agreeing);
        let rank = |verification: &Verification| (enough(verification), verification.strength());
        match best {
            Some(best) if rank(&best) >= rank(&verification) => Some(best),
            _ => Some(verification),
        }
    };
    let best = by_features.fold(None, better);
    if best.as_ref().is_some_and(&enough) {
        return best;
    }
    whole_frame::candidates(reference, ad)
        .into_iter()
        .fold(best, better)
}

impl Verification {
    fn evidence(&self) -> Evidence {
        let per_grid = |of: fn(&Tally) -> f32| PerGrid {
            fine: of(&self.fine),
            middle: of(&self.middle),
        };
        Evidence {
            score: per_grid(Tally::score),
            coverage: per_grid(Tally::coverage),
            region: per_grid(|tally| tally.region),
            middle_is_silent: self.middle.is_silent(),
            fine_cell_px: self.fine_cell_px,
            agreeing: self.agreeing,
        }
    }

    fn strength(&self) -> f32 {
        let scores = self.fine.score().max(self.middle.score());
        let regions = self.fine.region.max(self.middle.region);
        scores + regions * REGION_WEIGHT + self.agreeing as f32 * FEATURE_WEIGHT
    }

    /// The share of cells that differ in the blocks that agree, in 256ths.
    fn distance_bits(&self) -> u16 {
        let tally = match self.fine.cells > 0 {
            true => &self.fine,
            false => &self.middle,
        };
        let share = tally.differing * DISTANCE_BITS / tally.cells.max(1);
        u16::try_from(share).unwrap_or(u16::MAX)
    }
}
