//! Which references an ad image shows.
//!
//! [`compare`] judges one pair, plainly; it is the oracle. [`ReferenceSet`] answers the same
//! question for all references at once: its indexes only propose pairs, and the same judges decide
//! every one of them, so the two can differ only if an index fails to propose a pair. For matches
//! as a whole that never happens, proven in `hash_index` and held by property tests; how seldom
//! it happens for matches by local features, `homeward bench recall` measures.
//!
//! Pure: no async, I/O, clock or logging. No pixels either: `lookup` links this crate and must
//! not link a decoder.
//!
//! ```
//! use matching::{Policy, ReferenceSet};
//! use features::fingerprint::{AdFingerprint, Framing, Hash256, ReferenceFingerprint, HashVariant};
//!
//! let view = HashVariant { pdq: Hash256([0x5a; 32]), quality: 100, second: Hash256([0; 32]) };
//! let mirrored = Framing { mirrored: true, ..Framing::default() };
//! let reference = ReferenceFingerprint { version: 1, framings: vec![(mirrored, view)], features: vec![] };
//! let ad = AdFingerprint { version: 1, whole: view, trimmed: None, features: vec![] };
//!
//! let mut references = ReferenceSet::new();
//! references.insert("case 7", reference);
//! let found = references.find(&ad, &Policy::default());
//! assert_eq!(found.len(), 1);
//! assert_eq!(found[0].1.edit.to_string(), "mirrored");
//! ```

mod edit;
mod found;
mod hash_index;
pub mod local;
mod policy;
mod reference_set;
pub mod scan;
mod whole;

pub use edit::{Edit, Surroundings};
pub use features::{Level, Method};
pub use found::Match;
pub use hash_index::HashIndex;
pub use policy::{Evidence, FeaturesWith, LocalRule, PartRule, PerGrid, Policy, WholeRule};
pub use reference_set::ReferenceSet;

use std::cell::OnceCell;

use features::ReferenceKind;
use features::fingerprint::{AdFingerprint, ReferenceFingerprint};

/// The best match between one reference and one ad image, or `None`: the oracle.
///
/// The best is the strongest level, then the smallest distance, then the simplest edit; equal
/// inputs always give the same answer.
pub fn compare(
    reference: &ReferenceFingerprint,
    ad: &AdFingerprint,
    policy: &Policy,
) -> Option<Match> {
    let local = local::LocalAd::read(&ad.features);
    judge(reference, ad, local.as_ref(), policy)
}

/// The best match of a pair, of whose ad the local features are read already.
fn judge(
    reference: &ReferenceFingerprint,
    ad: &AdFingerprint,
    ad_local: Option<&local::LocalAd>,
    policy: &Policy,
) -> Option<Match> {
    let read = OnceCell::new();
    let own_local = || {
        read.get_or_init(|| local::LocalReference::read(&reference.features))
            .as_ref()
    };
    best((reference, own_local), (ad, ad_local), policy)
}

/// As [`compare`], with the features of both sides read before (by [`local::LocalReference::read`] and
/// [`local::LocalAd::read`]): for callers that compare many with many.
pub fn compare_read(
    (reference, reference_local): (&ReferenceFingerprint, Option<&local::LocalReference>),
    (ad, ad_local): (&AdFingerprint, Option<&local::LocalAd>),
    policy: &Policy,
) -> Option<Match> {
    best((reference, || reference_local), (ad, ad_local), policy)
}

/// The better of two stages' answers where the first is for review: near enough, and borne out by
/// the second, it is more.
fn borne_out(as_whole: Match, by_parts: Option<Match>, rule: &WholeRule) -> Option<Match> {
    let is_near = as_whole.distance_bits <= rule.borne_out_distance_bits_max;
    if is_near && by_parts.is_some_and(|found| found.level == Level::Review) {
        return Some(Match {
            level: Level::Alert,
            ..as_whole
        });
    }
    Match::surest(Some(as_whole), || by_parts)
}

/// What decides about a pair, whichever of the two came first.
fn best<'a>(
    (reference, own): (
        &ReferenceFingerprint,
        impl Fn() -> Option<&'a local::LocalReference>,
    ),
    (ad, shown): (&AdFingerprint, Option<&local::LocalAd>),
    policy: &Policy,
) -> Option<Match> {
    let is_same = whole::is_same(reference, ad);
    if let (Some(own), Some(shown)) = (own(), shown)
        && own.is_equal_to(shown)
    {
        return Some(local::as_is(Match::of_the_same(Level::Alert)));
    }
    let kind = || own().map_or(ReferenceKind::Photo, local::LocalReference::kind);
    let as_whole = whole::compare(reference, ad, &policy.whole, kind);
    let by_parts = || local::judge(own()?, shown?, &policy.local);
    let found = match as_whole {
        Some(found) if found.level == Level::Review && kind() == ReferenceKind::Photo => {
            borne_out(found, by_parts(), &policy.whole)
        }
        found => Match::surest(found, by_parts),
    };
    let (Some(own), Some(shown)) = (own(), shown) else {
        return found;
    };
    match found {
        Some(found) if is_same => Some(local::unchanged(found, own, shown, &policy.local)),
        Some(found) if found.method == Method::Whole => {
            Some(local::with_local_edit(found, own, shown, &policy.local))
        }
        // Too little to see for either stage, and yet the same: for a person to look at.
        None if is_same => {
            let found = Match::of_the_same(Level::Review);
            Some(local::unchanged(found, own, shown, &policy.local))
        }
        found => found,
    }
}
