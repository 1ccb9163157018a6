//! Past ads are proposed by their filed features: what a search of all would alert.

use features::filed::{Section, section};
use features::fingerprint::{AdFingerprint, ReferenceFingerprint};
use features::{AdFeatures, Descriptor, Feature, ReferenceFeatures};
use matching::local::PastQuery;
use matching::{Level, Method, Policy, compare};
use proptest::prelude::*;

use crate::drawn::{Luma, drawn};

fn proposed(reference: &ReferenceFingerprint, ads: &[AdFingerprint]) -> Vec<usize> {
    let bytes = section(ads.iter().map(|ad| &ad.features[..]));
    let read = Section::read(&bytes, ads.len()).expect("as written");
    let query = PastQuery::of(&reference.features).expect("it has features");
    let among = query.among(&read);
    among.into_iter().map(usize::from).collect()
}

/// What advertisers do.
fn edits(photo: &Luma, other: &Luma) -> Vec<Luma> {
    vec![
        photo.clone(),
        photo.mirrored(),
        photo.cut((0.1, 0.2), (0.75, 0.75)),
        photo.cut((0.0, 0.3), (0.6, 0.65)).mirrored(),
        photo.tilted(12.0),
        photo.scaled(0.6),
        photo.scaled(0.75).within(other, 150, 120),
        photo.captioned(0.2, false),
        photo.stretched(1.2, 0.9),
        photo.askew([(0.05, 0.0), (1.0, 0.06), (0.95, 1.0), (0.0, 0.94)]),
    ]
}

#[test]
fn what_judging_every_ad_alerts_by_parts_is_proposed() {
    let photos: Vec<Luma> = (20..26).map(|seed| drawn(seed, 480, 360)).collect();
    let other = drawn(99, 700, 560);
    let ads: Vec<AdFingerprint> = photos
        .iter()
        .flat_map(|photo| edits(photo, &other))
        .map(|ad| ad.ad())
        .collect();
    let (mut alerts, mut found) = (0, 0);
    for photo in &photos {
        let reference = photo.reference();
        let proposed = proposed(&reference, &ads);
        for (number, ad) in ads.iter().enumerate() {
            let best = compare(&reference, ad, &Policy::default());
            if best.is_some_and(|it| it.level == Level::Alert && it.method == Method::Parts) {
                alerts += 1;
                found += usize::from(proposed.contains(&number));
            }
        }
    }
    assert!(alerts >= 30, "{alerts} alerts");
    assert_eq!(found, alerts);
}

fn reference_of(features: Vec<Feature>) -> ReferenceFingerprint {
    let drawn = drawn(1, 64, 64).reference();
    let own = ReferenceFeatures::from_bytes(&drawn.features).expect("our own");
    let features = ReferenceFeatures { features, ..own }.to_bytes();
    ReferenceFingerprint { features, ..drawn }
}

fn ad_of(features: Vec<Feature>) -> AdFingerprint {
    let drawn = drawn(1, 64, 64).ad();
    let own = AdFeatures::from_bytes(&drawn.features).expect("our own");
    let features = AdFeatures { features, ..own }.to_bytes();
    AdFingerprint { features, ..drawn }
}

prop_compose! {
    fn feature()(x in 0u16..4096, y in 0u16..4096, size in 40u8..90, turn: u8, words: [u64; 3]) -> Feature {
        Feature { x, y, size, turn, descriptor: Descriptor(words) }
    }
}

fn features(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Feature>> {
    prop::collection::vec(feature(), count)
}

/// A feature as a copy shows it that is turned and scaled, a few bits off.
fn shown(own: &Feature, mirrored: bool, turn: u8, size: u8, noise: u64) -> Feature {
    let (descriptor, along) = match mirrored {
        true => (own.descriptor.mirrored(), 128u8.wrapping_sub(own.turn)),
        false => (own.descriptor, own.turn),
    };
    let [a, b, c] = descriptor.0;
    Feature {
        size: own.size + size,
        turn: along.wrapping_add(turn),
        descriptor: Descriptor([a ^ 1 << (noise % 64), b, c ^ 1 << (noise / 64 % 64)]),
        ..*own
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn an_ad_is_proposed_or_not_whatever_lies_next_to_it(
        own in features(20..60), others in prop::collection::vec(features(0..60), 0..12),
        mirrored: bool, turn: u8, size in 0u8..30, noise: u64, shows in 0usize..20,
        place in any::<prop::sample::Index>(),
    ) {
        let copy: Vec<Feature> = (0..)
            .zip(&own[..shows])
            .map(|(n, it)| shown(it, mirrored, turn, size, noise.rotate_left(n)))
            .collect();
        let reference = reference_of(own);
        let alone = proposed(&reference, &[ad_of(copy.clone())]);
        prop_assert!(alone == [0] || shows < 4, "a copy with {} features", shows);
        let mut ads: Vec<AdFingerprint> = others.into_iter().map(ad_of).collect();
        let place = place.index(ads.len() + 1);
        ads.insert(place, ad_of(copy));
        let together = proposed(&reference, &ads);
        prop_assert_eq!(together.contains(&place), alone == [0]);
        for (number, ad) in ads.iter().enumerate() {
            let alone = proposed(&reference, std::slice::from_ref(ad));
            prop_assert_eq!(together.contains(&number), alone == [0]);
        }
    }
}

#[test]
fn ads_of_another_format_are_proposed_and_those_without_features_are_not() {
    let strange = AdFingerprint {
        features: b"of a later build".to_vec(),
        ..ad_of(Vec::new())
    };
    let bare = AdFingerprint {
        features: Vec::new(),
        ..strange.clone()
    };
    let reference = drawn(3, 200, 200).reference();
    assert_eq!(proposed(&reference, &[bare, strange]), [1]);
    assert!(PastQuery::of(b"").is_none());
}
