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
    parts: Option<&parts::Ad>,
    policy: &Policy,
) -> Option<Match> {
    let pair = OnceCell::new();
    let pair = || pair.get_or_init(|| Some((parts::Reference::read(&reference.features)?, parts?)));
    let found = Match::surest(whole::compare(reference, ad, &policy.whole), || {
        let (reference, ad) = pair().as_ref()?;
        parts::judge(reference, ad, &policy.parts)
    })?;
    match (found.method, pair()) {
        (Method::Whole, Some((reference, ad))) => {
            Some(parts::explained(found, reference, ad, &policy.parts))
        }
        _ => Some(found),
    }
}

/// As [`compare`], with the features of both sides read before (by [`parts::Reference::read`] and
/// [`parts::Ad::read`]): for who compares many with many.
pub fn compare_read(
    (reference, reference_parts): (&ReferenceFingerprint, Option<&parts::Reference>),
    (ad, ad_parts): (&AdFingerprint, Option<&parts::Ad>),
    policy: &Policy,
) -> Option<Match> {
    Match::surest(whole::compare(reference, ad, &policy.whole), || {
        parts::judge(reference_parts?, ad_parts?, &policy.parts)
    })
}
