//! Which references an ad image shows.
//!
//! [`compare`] judges one pair, plainly; it is the oracle. [`ReferenceSet`] answers the same
//! question for all references at once: its indexes only propose pairs, and the same judges decide
//! every one of them, so the two can differ only if an index fails to propose a pair. For matches
//! as a whole that never happens, proven in `hash_index` and held by property tests; how seldom
//! it happens for matches by parts, `homeward bench recall` measures.
//!
//! Pure: no async, I/O, clock or logging. No pixels either: `lookup` links this crate and must
//! not link a decoder.
//!
//! ```
//! use matching::{Policy, ReferenceSet};
//! use records::fingerprint::{AdFingerprint, Framing, Hash256, ReferenceFingerprint, View};
//!
//! let view = View { pdq: Hash256([0x5a; 32]), quality: 100, second: Hash256([0; 32]) };
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
pub mod parts;
mod policy;
mod reference_set;
pub mod scan;
mod whole;

pub use edit::{Edit, Surroundings};
pub use found::{Level, Match, Method};
pub use hash_index::HashIndex;
pub use policy::{Evidence, PartsRule, PerGrid, Policy, WholeRule};
pub use reference_set::ReferenceSet;

use std::cell::OnceCell;

use records::fingerprint::{AdFingerprint, ReferenceFingerprint};

/// The best match between one reference and one ad image, or `None`: the oracle.
///
/// The best is the strongest level, then the smallest distance, then the simplest edit; equal
/// inputs always give the same answer.
pub fn compare(
    reference: &ReferenceFingerprint,
    ad: &AdFingerprint,
    policy: &Policy,
) -> Option<Match> {
    let parts = parts::Ad::read(&ad.features);
    judge(reference, ad, parts.as_ref(), policy)
}

/// The best match of a pair, of whose ad the parts are read already.
fn judge(
    reference: &ReferenceFingerprint,
    ad: &AdFingerprint,
    ad_parts: Option<&parts::Ad>,
    policy: &Policy,
) -> Option<Match> {
    let read = OnceCell::new();
    let own_parts = || {
        read.get_or_init(|| parts::Reference::read(&reference.features))
            .as_ref()
    };
    best(reference, ad, || Some((own_parts()?, ad_parts?)), policy)
}

/// As [`compare`], with the features of both sides read before (by [`parts::Reference::read`] and
/// [`parts::Ad::read`]): for who compares many with many.
pub fn compare_read(
    (reference, reference_parts): (&ReferenceFingerprint, Option<&parts::Reference>),
    (ad, ad_parts): (&AdFingerprint, Option<&parts::Ad>),
    policy: &Policy,
) -> Option<Match> {
    let pair = || Some((reference_parts?, ad_parts?));
    best(reference, ad, pair, policy)
}

/// The one judge of a pair, whichever of the two came first.
fn best<'a>(
    reference: &ReferenceFingerprint,
    ad: &AdFingerprint,
    pair: impl Fn() -> Option<(&'a parts::Reference, &'a parts::Ad)>,
    policy: &Policy,
) -> Option<Match> {
    let is_same = whole::is_same(reference, ad);
    let found = Match::surest(whole::compare(reference, ad, &policy.whole), || {
        let (reference, ad) = pair()?;
        parts::judge(reference, ad, &policy.parts)
    });
    let Some((own, shown)) = pair() else {
        return found;
    };
    match found {
        Some(found) if is_same => Some(parts::unchanged(found, own, shown, &policy.parts)),
        Some(found) if found.method == Method::Whole => {
            Some(parts::explained(found, own, shown, &policy.parts))
        }
        // Too little to see for either stage, and yet the same: for a person to look at.
        None if is_same => {
            let found = Match::of_the_same();
            Some(parts::unchanged(found, own, shown, &policy.parts))
        }
        found => found,
    }
}
