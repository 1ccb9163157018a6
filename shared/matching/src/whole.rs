//! Stage 1: whole-picture hashes of one pair, compared plainly.

use records::fingerprint::{AdFingerprint, Framing, ReferenceFingerprint, View};

use crate::{Edit, Level, Match, Method, WholeRule};

/// Bits in a hash; a negative's hash differs in all of them.
pub(crate) const HASH_BITS: u16 = 256;

/// The views under which an ad can match: as a whole, and without its border.
pub(crate) fn views(ad: &AdFingerprint) -> impl Iterator<Item = &View> {
    std::iter::once(&ad.whole).chain(&ad.trimmed)
}

/// The best stage-1 match of a pair.
///
/// PDQ is fixed by its reference implementation, so fingerprints of different versions compare.
pub(crate) fn compare(
    reference: &ReferenceFingerprint,
    ad: &AdFingerprint,
    rule: &WholeRule,
) -> Option<Match> {
    let whole = reference
        .framings
        .iter()
        .map(|framing| (framing, &ad.whole, false));
    let trimmed = ad.trimmed.iter().flat_map(|view| {
        reference
            .framings
            .iter()
            .map(move |framing| (framing, view, true))
    });
    whole
        .chain(trimmed)
        .filter_map(|(framing, view, trimmed)| judge(framing, view, trimmed, rule))
        .min_by_key(Match::rank)
}

/// One framing of the reference against one view of the ad.
fn judge(
    (framing, own): &(Framing, View),
    view: &View,
    trimmed: bool,
    rule: &WholeRule,
) -> Option<Match> {
    if own.quality.min(view.quality) < rule.quality_min {
        return None;
    }
    let distance_bits = own.pdq.distance_bits(&view.pdq);
    let inverted = HASH_BITS - distance_bits; // the distance to the negative of the ad
    let negative = inverted < distance_bits;
    let distance_bits = distance_bits.min(inverted);
    let mut edit = Edit::from(*framing);
    edit.negative ^= negative;
    edit.border_removed |= trimmed;
    (distance_bits <= rule.distance_bits_max).then_some(Match {
        level: Level::Alert,
        method: Method::Whole,
        distance_bits,
        edit,
        outline: None,
    })
}
