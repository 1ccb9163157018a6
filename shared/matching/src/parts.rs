//! Stage 2: the reference's photo somewhere within the ad.
//!
//! Features that look alike propose alignments ([`hits`], [`align`]), whole-frame ones are tried
//! besides ([`frames`]), and a dense comparison decides ([`proof`]).

mod align;
mod common;
mod edit;
mod frames;
mod hits;
mod index;
mod layout;
mod map;
mod proof;
mod sides;
mod tiles;
mod view;

use crate::{Edit, Evidence, Level, Match, Method, PartsRule, PerGrid, Surroundings};
use align::Alignment;
pub use common::{Commonness, learned};
pub(crate) use index::Index;
use proof::{Proof, Tally, prove};
pub use sides::{Ad, Reference};

/// Alignments proved per handedness.
const ALIGNMENTS_MAX: usize = 2;
/// By how much the shapes of two sizes of one picture may differ: the shorter side of a reference's
/// 512 pixels is rounded to whole ones, and so is that of an ad's 1,024.
const SAME_SHAPE_MAX: f32 = 0.02;
/// The scale of a distance.
const DISTANCE_BITS: u32 = 256;

/// The best match of a reference and an ad, both read.
pub(crate) fn judge(reference: &Reference, ad: &Ad, rule: &PartsRule) -> Option<Match> {
    let (level, proof) = proven(reference, ad, rule)?;
    Some(Match {
        level,
        method: Method::Parts,
        distance_bits: proof.distance_bits(),
        edit: edit::of(reference, ad, &proof),
        outline: Some(edit::outline(reference, ad, &proof.map)),
    })
}

/// A match of whole pictures with what their parts tell of it besides: how much is cropped, tilted
/// or stretched, what surrounds it and where it lies. As it is, where the parts do not tell or tell
/// of another turn, as a picture that is its own mirror image may.
pub(crate) fn explained(found: Match, reference: &Reference, ad: &Ad, rule: &PartsRule) -> Match {
    let Some((_, proof)) = proven(reference, ad, rule) else {
        return found;
    };
    let (edit, known) = (edit::of(reference, ad, &proof), found.edit);
    let orientation = |edit: &Edit| (edit.mirrored, edit.turn, edit.negative);
    match orientation(&edit) == orientation(&known) {
        true => Match {
            edit,
            outline: Some(edit::outline(reference, ad, &proof.map)),
            ..found
        },
        false => found,
    }
}

/// A match of two pictures that are the same as a whole: as is, from corner to corner. Their features
/// are of different scales, so that a fit of them might tell of an edit that nobody made. Hashes do
/// not see a stretch: one of another shape is explained like any other.
pub(crate) fn unchanged(found: Match, reference: &Reference, ad: &Ad, rule: &PartsRule) -> Match {
    let shape = |(width, height): (f32, f32)| width / height;
    let stretch = shape(ad.size) / shape(reference.size);
    if (stretch - 1.0).abs() > SAME_SHAPE_MAX {
        return explained(found, reference, ad, rule);
    }
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
/// parts of the two do not match.
pub fn points(reference: &Reference, ad: &Ad, rule: &PartsRule) -> Vec<Point> {
    let Some((_, proof)) = proven(reference, ad, rule) else {
        return Vec::new();
    };
    let shares = |(x, y): (f32, f32), (w, h): (f32, f32)| (x / w, y / h);
    let point = |place| Point {
        reference: shares(place, reference.size),
        ad: shares(proof.map.of(place), ad.size),
    };
    let places = proof::agreeing(reference, ad, &proof);
    places.into_iter().map(point).collect()
}

/// The level that the parts of a pair reach, and what proves it.
fn proven(reference: &Reference, ad: &Ad, rule: &PartsRule) -> Option<(Level, Proof)> {
    let sure = |proof: &Proof| rule.level(&proof.evidence()) == Some(Level::Alert);
    let proof = best_proof(reference, ad, sure)?;
    Some((rule.level(&proof.evidence())?, proof))
}

/// The strongest evidence for a pair, for calibration; `None` if nothing aligns the two.
pub fn evidence(reference: &Reference, ad: &Ad) -> Option<Evidence> {
    best_proof(reference, ad, |_| false).map(|proof| proof.evidence())
}

/// The strongest proof of all alignments, first of those that are `enough`. Whole frames are tried
/// only where features give none that is; of features both hands are, since a photo may have a part
/// that is its own mirror image.
fn best_proof(reference: &Reference, ad: &Ad, enough: impl Fn(&Proof) -> bool) -> Option<Proof> {
    let by_features = [false, true].into_iter().flat_map(|mirrored| {
        let hits = hits::hits(reference, ad, mirrored);
        align::alignments(reference, ad, &hits, mirrored, ALIGNMENTS_MAX)
    });
    let better = |best: Option<Proof>, alignment: Alignment| {
        let proof = prove(reference, ad, &alignment);
        let rank = |proof: &Proof| (enough(proof), proof.strength());
        match best {
            Some(best) if rank(&best) >= rank(&proof) => Some(best),
            _ => Some(proof),
        }
    };
    let best = by_features.fold(None, better);
    if best.as_ref().is_some_and(&enough) {
        return best;
    }
    frames::frames(reference, ad).into_iter().fold(best, better)
}

impl Proof {
    fn evidence(&self) -> Evidence {
        let per_grid = |of: fn(&Tally) -> f32| PerGrid {
            fine: of(&self.fine),
            middle: of(&self.middle),
        };
        Evidence {
            score: per_grid(Tally::score),
            coverage: per_grid(Tally::coverage),
            middle_is_silent: self.middle.is_silent(),
            fine_cell_px: self.fine_cell_px,
            agreeing: self.agreeing,
        }
    }

    fn strength(&self) -> f32 {
        self.fine.score().max(self.middle.score())
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
