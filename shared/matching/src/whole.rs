//! Stage 1: whole-picture hashes of one pair, compared plainly.

use features::ReferenceKind;
use features::fingerprint::{AdFingerprint, Framing, Hash256, HashVariant, ReferenceFingerprint};

use crate::{Edit, Level, Match, Method, WholeRule};

/// Bits in a hash; a negative's hash differs in all of them.
pub(crate) const HASH_BITS: u16 = 256;

/// The views under which an ad can match: as a whole, and without its border.
pub(crate) fn views(ad: &AdFingerprint) -> impl Iterator<Item = &HashVariant> {
    std::iter::once(&ad.whole).chain(&ad.trimmed)
}

/// The best stage-1 match of a pair.
///
/// PDQ is fixed by its reference implementation, so fingerprints of different versions compare.
/// `kind` is what the reference is, asked for only if there is a match.
pub(crate) fn compare(
    reference: &ReferenceFingerprint,
    ad: &AdFingerprint,
    rule: &WholeRule,
    kind: impl Fn() -> ReferenceKind,
) -> Option<Match> {
    let found = best(reference, ad, rule, ReferenceKind::Photo)?;
    match kind() {
        ReferenceKind::Photo => Some(found),
        page => best(reference, ad, rule, page),
    }
}

/// The best of all framings and views.
fn best(
    reference: &ReferenceFingerprint,
    ad: &AdFingerprint,
    rule: &WholeRule,
    kind: ReferenceKind,
) -> Option<Match> {
    let whole = reference
        .framings
        .iter()
        .filter_map(|framing| judge(framing, &ad.whole, rule, kind));
    let trimmed = ad.trimmed.iter().flat_map(|view| {
        reference.framings.iter().filter_map(move |framing| {
            let found = judge(framing, view, rule, kind)?;
            let border_removed = !border_is_shared(framing, found.edit, reference, ad, rule);
            Some(Match {
                edit: Edit {
                    border_removed,
                    ..found.edit
                },
                ..found
            })
        })
    });
    whole.chain(trimmed).min_by_key(Match::rank)
}

/// Whether both are one picture to the last bit of both hashes, as they are. Blank ones, of no
/// quality at all, are all alike.
pub(crate) fn is_same(reference: &ReferenceFingerprint, ad: &AdFingerprint) -> bool {
    let as_is = (Framing::default(), ad.whole);
    ad.whole.quality > 0 && reference.framings.contains(&as_is)
}

/// One framing of the reference against one view of the ad.
fn judge(
    (framing, own): &(Framing, HashVariant),
    view: &HashVariant,
    rule: &WholeRule,
    kind: ReferenceKind,
) -> Option<Match> {
    if own.quality.min(view.quality) < rule.quality_min {
        return None;
    }
    let distance_bits = own.pdq.distance_bits(&view.pdq);
    let inverted_bits = HASH_BITS - distance_bits; // the distance to the ad's negative
    let is_inverted = inverted_bits < distance_bits;
    let distance_bits = distance_bits.min(inverted_bits);
    // what pages of a template have in common is paper and lettering: only the photos on one alert
    let is_photo = match kind {
        ReferenceKind::Photo => true,
        ReferenceKind::PageWithPhoto => framing.border_removed,
        ReferenceKind::Page => false,
    };
    let second_bits = second_distance_bits(own, view, is_inverted);
    (distance_bits <= rule.distance_bits_max).then_some(Match {
        level: match is_photo {
            true => level(distance_bits, second_bits, rule),
            false => Level::Review,
        },
        method: Method::Whole,
        distance_bits,
        edit: Edit {
            negative: framing.negative ^ is_inverted,
            ..Edit::from(*framing)
        },
        outline: None,
    })
}

/// A close match, or one that the second opinion shares, is enough for an alert.
fn level(distance_bits: u16, second_distance_bits: Option<u16>, rule: &WholeRule) -> Level {
    let is_sure = distance_bits <= rule.sure_distance_bits_max;
    let is_refused = second_distance_bits.is_some_and(|bits| bits > rule.second_distance_bits_max);
    if is_refused && !is_sure {
        Level::Review
    } else {
        Level::Alert
    }
}

/// What the second family says; nothing where a reference came as a PDQ hash without its photo.
fn second_distance_bits(own: &HashVariant, view: &HashVariant, is_inverted: bool) -> Option<u16> {
    let unknown = Hash256([0; 32]);
    if own.second == unknown || view.second == unknown {
        return None;
    }
    let distance_bits = own.second.distance_bits(&view.second);
    Some(if is_inverted {
        HASH_BITS - distance_bits
    } else {
        distance_bits
    })
}

/// Whether a pair that matches as `edit` with both borders off does so with both on too: then
/// the advertiser left the border alone.
fn border_is_shared(
    (framing, _): &(Framing, HashVariant),
    edit: Edit,
    reference: &ReferenceFingerprint,
    ad: &AdFingerprint,
    rule: &WholeRule,
) -> bool {
    let with_border = Framing {
        border_removed: false,
        ..*framing
    };
    framing.border_removed
        && reference
            .framings
            .iter()
            .filter(|(other, _)| *other == with_border)
            .filter_map(|other| judge(other, &ad.whole, rule, ReferenceKind::Photo))
            .any(|found| {
                found.edit
                    == Edit {
                        border_removed: false,
                        ..edit
                    }
            })
}
