//! The indexed set gives what the naive comparison gives, whatever is put in and taken out.

use std::collections::BTreeMap;

use features::fingerprint::{
    AdFingerprint, Framing, Hash256, HashVariant, ReferenceFingerprint, Turn,
};
use matching::{Edit, Level, Match, Method, Policy, ReferenceSet, WholeRule, compare};
use proptest::prelude::*;

/// Hashes near one of two centres, at distances that crowd at the limit of 31 bits, or inverted.
fn hash() -> impl Strategy<Value = Hash256> {
    let changed = prop_oneof![Just(0), 25usize..=35, 0usize..=256];
    (
        any::<bool>(),
        changed,
        0usize..256,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(centre, changed, start, spread, negative)| {
            let mut hash = Hash256([if centre { 0x5a } else { 0x0f }; 32]);
            // One bit in each 16-bit band in turn is the hardest spread for an index of bands.
            let place = |i: usize| if spread { (i % 16) * 16 + i / 16 } else { i };
            for i in 0..changed {
                let bit = (place(i) + start) % 256;
                hash.0[bit / 8] ^= 1 << (bit % 8);
            }
            if negative { hash.complement() } else { hash }
        })
}

fn view() -> impl Strategy<Value = HashVariant> {
    let quality = prop_oneof![Just(49u8), Just(50), Just(100)];
    (hash(), quality, hash()).prop_map(|(pdq, quality, second)| HashVariant {
        pdq,
        quality,
        second,
    })
}

fn framing() -> impl Strategy<Value = Framing> {
    (any::<bool>(), 0usize..4, any::<bool>(), any::<bool>()).prop_map(
        |(mirrored, turn, negative, border_removed)| Framing {
            mirrored,
            turn: Turn::ALL[turn],
            negative,
            border_removed,
        },
    )
}

fn reference() -> impl Strategy<Value = ReferenceFingerprint> {
    prop::collection::vec((framing(), view()), 0..6).prop_map(|framings| ReferenceFingerprint {
        version: 1,
        framings,
        features: vec![],
    })
}

fn ad() -> impl Strategy<Value = AdFingerprint> {
    (view(), prop::option::of(view())).prop_map(|(whole, trimmed)| AdFingerprint {
        version: 1,
        whole,
        trimmed,
        features: vec![],
    })
}

/// What happens to the set: a reference comes (perhaps in place of another), or goes.
fn change() -> impl Strategy<Value = (u8, Option<ReferenceFingerprint>)> {
    (0u8..12, prop::option::weighted(0.7, reference()))
}

fn by_the_oracle(
    references: &BTreeMap<u8, ReferenceFingerprint>,
    ad: &AdFingerprint,
    policy: &Policy,
) -> BTreeMap<u8, Match> {
    references
        .iter()
        .filter_map(|(key, r)| Some((*key, compare(r, ad, policy)?)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn the_set_finds_what_the_oracle_finds(
        changes in prop::collection::vec(change(), 0..40),
        ad in ad(),
        distance_bits_max in prop_oneof![4 => Just(31u16), 1 => 0u16..=256],
    ) {
        let policy = Policy {
            whole: WholeRule { distance_bits_max, ..Policy::default().whole },
            ..Policy::default()
        };
        let mut set = ReferenceSet::new();
        let mut model = BTreeMap::new();
        for (key, reference) in changes {
            match reference {
                Some(reference) => {
                    set.insert(key, reference.clone());
                    model.insert(key, reference);
                }
                None => prop_assert_eq!(set.remove(&key), model.remove(&key)),
            }
        }
        prop_assert_eq!(set.len(), model.len());
        let found = set.find(&ad, &policy);
        prop_assert!(found.is_sorted_by_key(|(_, m)| (m.level, m.distance_bits)));
        let count = found.len();
        let found: BTreeMap<_, _> = found.into_iter().collect();
        prop_assert_eq!(found.len(), count, "no reference twice");
        prop_assert_eq!(found, by_the_oracle(&model, &ad, &policy));
    }
}

fn hash_with(changed_bits: usize) -> Hash256 {
    let mut hash = Hash256([0; 32]);
    (0..changed_bits).for_each(|bit| hash.0[bit / 8] |= 1 << (bit % 8));
    hash
}

fn view_of(changed_bits: usize, quality: u8) -> HashVariant {
    HashVariant {
        pdq: hash_with(changed_bits),
        quality,
        second: Hash256([0; 32]),
    }
}

fn judged(
    framings: Vec<(Framing, HashVariant)>,
    whole: HashVariant,
    trimmed: Option<HashVariant>,
) -> Option<Match> {
    let reference = ReferenceFingerprint {
        version: 1,
        framings,
        features: vec![],
    };
    let ad = AdFingerprint {
        version: 1,
        whole,
        trimmed,
        features: vec![],
    };
    compare(&reference, &ad, &Policy::default())
}

#[test]
fn distance_31_matches_and_32_does_not() {
    let check = |bits: usize, expected: Option<u16>| {
        let found = judged(
            vec![(Framing::default(), view_of(0, 100))],
            view_of(bits, 100),
            None,
        );
        assert_eq!(found.map(|m| m.distance_bits), expected, "{bits} bits");
    };
    check(0, Some(0));
    check(30, Some(30));
    check(31, Some(31));
    check(32, None);
    check(224, None);
    check(225, Some(31)); // as a negative
    check(256, Some(0));
}

#[test]
fn a_weak_match_that_the_second_opinion_refuses_is_for_review() {
    let check = |bits: usize, second: usize, expected: Level| {
        let view = |bits: usize, second: usize| HashVariant {
            second: hash_with(second),
            ..view_of(bits, 100)
        };
        let found = judged(
            vec![(Framing::default(), view(0, 1))],
            view(bits, 1 + second),
            None,
        );
        assert_eq!(
            found.expect("a match").level,
            expected,
            "{bits} and {second} bits"
        );
    };
    check(15, 200, Level::Alert);
    check(16, 30, Level::Alert);
    check(16, 31, Level::Review);
    check(31, 31, Level::Review);
    check(240, 224, Level::Review); // a negative, 16 and 32 bits from the complement
    check(240, 226, Level::Alert);
    let unknown = judged(
        vec![(Framing::default(), view_of(0, 100))],
        view_of(31, 100),
        None,
    );
    assert_eq!(
        unknown.expect("a match").level,
        Level::Alert,
        "no photo, no second opinion"
    );
}

#[test]
fn quality_counts_on_both_sides() {
    let check = |reference: u8, ad: u8, expected: bool| {
        let found = judged(
            vec![(Framing::default(), view_of(0, reference))],
            view_of(0, ad),
            None,
        );
        assert_eq!(found.is_some(), expected, "{reference} and {ad}");
    };
    check(50, 50, true);
    check(49, 100, false);
    check(100, 49, false);
}

#[test]
fn the_smallest_distance_wins_and_ties_go_to_the_simplest_edit() {
    let mirrored = Framing {
        mirrored: true,
        ..Framing::default()
    };
    let both = Framing {
        turn: Turn::Half,
        ..mirrored
    };
    let check = |framings: Vec<(Framing, HashVariant)>, distance, edit: &str| {
        let found = judged(framings, view_of(0, 100), None).expect("a match");
        assert_eq!(
            (found.distance_bits, found.edit.to_string().as_str()),
            (distance, edit)
        );
    };
    let plain = Framing::default();
    check(
        vec![(plain, view_of(9, 100)), (both, view_of(8, 100))],
        8,
        "mirrored, turned 180",
    );
    check(
        vec![(both, view_of(8, 100)), (mirrored, view_of(8, 100))],
        8,
        "mirrored",
    );
    check(
        vec![(mirrored, view_of(8, 100)), (plain, view_of(8, 100))],
        8,
        "as is",
    );
}

#[test]
fn the_ad_without_its_border_is_compared_too() {
    let framings = vec![(Framing::default(), view_of(0, 100))];
    let found = judged(framings, view_of(100, 100), Some(view_of(3, 100))).expect("a match");
    let edit = Edit {
        border_removed: true,
        ..Edit::default()
    };
    assert_eq!((found.distance_bits, found.edit), (3, edit));
    assert_eq!((found.level, found.method), (Level::Alert, Method::Whole));
}

#[test]
fn a_border_that_both_have_is_no_edit() {
    let trimmed = Framing {
        border_removed: true,
        ..Framing::default()
    };
    let framings = |whole: usize| {
        vec![
            (Framing::default(), view_of(whole, 100)),
            (trimmed, view_of(0, 100)),
        ]
    };
    let check = |whole: usize, edit: &str| {
        let found = judged(framings(whole), view_of(0, 100), Some(view_of(2, 100)));
        let found = found.expect("a match");
        assert_eq!(
            found.edit.to_string(),
            edit,
            "whole pictures {whole} bits apart"
        );
    };
    let ad_border = |whole: usize, edit: &str| {
        let ad = (view_of(100, 100), Some(view_of(2, 100)));
        let found = judged(framings(whole), ad.0, ad.1).expect("a match");
        assert_eq!(
            (found.distance_bits, found.edit.to_string().as_str()),
            (2, edit)
        );
    };
    check(0, "as is");
    ad_border(90, "as is"); // 10 bits apart with both borders, 2 without
    ad_border(60, "border removed"); // the borders differ
}

#[test]
fn a_set_survives_thousands_of_comings_and_goings() {
    let reference = |bits| ReferenceFingerprint {
        version: 1,
        framings: vec![(Framing::default(), view_of(bits, 100))],
        features: vec![],
    };
    let ad = AdFingerprint {
        version: 1,
        whole: view_of(0, 100),
        trimmed: None,
        features: vec![],
    };
    let mut set = ReferenceSet::new();
    set.insert(u32::MAX, reference(5));
    for key in 0..5_000 {
        set.insert(key, reference(0));
        assert!(set.remove(&key).is_some());
    }
    let found = set.find(&ad, &Policy::default());
    assert_eq!(
        found.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
        [u32::MAX]
    );
    assert!(set.contains(&u32::MAX) && !set.contains(&7) && !set.is_empty());
}
