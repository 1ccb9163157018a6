//! What many ads have counts less, and hides nothing.

use features::CommonFeatures;
use features::fingerprint::AdFingerprint;
use matching::local::{LocalAd, LocalReference, StopFeatures, evidence, trained};
use matching::{Level, Policy, ReferenceSet};

use crate::drawn::{Luma, drawn, letters};

/// Waves of all lengths: nothing that a disc or a letter has.
fn waves(seed: usize) -> Luma {
    let random = |i: usize| {
        let mixed = (i + 7).wrapping_mul(seed * 2 + 0x9e37_79b9);
        (mixed.wrapping_mul(0x85eb_ca6b) >> 13) % 1_000
    };
    let wave = |i: usize| {
        let of = |at: usize| random(4 * i + at) as f32 / 1_000.0;
        let (turn, phase) = (of(0) * 6.3, of(1) * 6.3);
        let per_px = 0.02 + 0.4 * of(2) * of(2);
        (turn.cos() * per_px, turn.sin() * per_px, phase)
    };
    let waves: Vec<_> = (0..24).map(wave).collect();
    Luma::draw(480, 360, |x, y| {
        let at = |(u, v, phase): &(f32, f32, f32)| (u * x as f32 + v * y as f32 + phase).sin();
        let sum: f32 = waves.iter().map(at).sum();
        (128.0 + 20.0 * sum).clamp(0.0, 255.0) as u8
    })
}

/// Different ads, each with the same picture in a corner.
fn ads_with(part: &Luma, seeds: std::ops::Range<usize>) -> Vec<AdFingerprint> {
    let ad = |seed| part.within(&waves(seed), 20, 30).ad();
    seeds.map(ad).collect()
}

fn logo() -> Luma {
    Luma::draw(240, 120, |x, y| letters(x, y, 5))
}

fn agreeing(reference: &Luma, ad: &Luma, known: &CommonFeatures) -> usize {
    let reference = LocalReference::read(&reference.reference().features).expect("it has features");
    let ad = LocalAd::read(&ad.ad().features).expect("it has features");
    let ad = ad.down_weighted(&StopFeatures::of(known.clone()));
    evidence(&reference, &ad).map_or(0, |it| it.agreeing)
}

#[test]
fn a_logo_that_all_ads_have_counts_a_quarter() {
    let logo = logo();
    let known = trained(&CommonFeatures::default(), &ads_with(&logo, 1_000..1_080));
    assert!(known.features.len() >= 10, "{}", known.features.len());
    assert!(known.features[0].share > 0.9, "{}", known.features[0].share);

    let ad = logo.within(&waves(2_000), 20, 30);
    let (before, after) = (
        agreeing(&logo, &ad, &CommonFeatures::default()),
        agreeing(&logo, &ad, &known),
    );
    assert!(before >= 20, "{before} agree");
    assert!(2 * after < before, "{after} of {before} agree");

    let photo = drawn(2_001, 480, 360);
    let crop = photo.cut((0.1, 0.1), (0.7, 0.7));
    let (before, after) = (
        agreeing(&photo, &crop, &CommonFeatures::default()),
        agreeing(&photo, &crop, &known),
    );
    assert_eq!(after, before, "{after} of {before} agree");
}

#[test]
fn a_photo_whose_pieces_flood_the_ads_is_found_all_the_same() {
    let photo = drawn(3_000, 480, 360);
    let known = trained(
        &CommonFeatures::default(),
        &ads_with(&photo.scaled(0.6), 3_001..3_101),
    );
    assert!(!known.features.is_empty());

    let mut references = ReferenceSet::new();
    references.extend((0..150).map(|n| (n, drawn(4_000 + n, 400, 300).reference())));
    references.insert(999, photo.reference());
    references.down_weight(StopFeatures::of(known));
    let crops = [(0.0, 0.1), (0.15, 0.0), (0.3, 0.25)];
    for from in crops {
        let found = references.find(&photo.cut(from, (0.7, 0.7)).ad(), &Policy::default());
        let found: Vec<_> = found.iter().map(|(n, it)| (*n, it.level)).collect();
        assert_eq!(found, [(999, Level::Alert)], "from {from:?}");
    }
}

#[test]
fn an_ad_that_is_posted_again_and_again_teaches_nothing() {
    let ad = drawn(5_000, 480, 360);
    let reposts: Vec<_> = (0..200)
        .map(|n| ad.scaled(1.0 - n as f32 / 1_000.0).ad())
        .collect();
    let known = trained(&CommonFeatures::default(), &reposts);
    assert_eq!(known, CommonFeatures::default());
}

#[test]
fn what_ads_no_longer_have_is_forgotten() {
    let logo = logo();
    let ad = logo.within(&waves(2_000), 20, 30);
    let mut known = trained(&CommonFeatures::default(), &ads_with(&logo, 1_000..1_080));
    let fully = agreeing(&logo, &ad, &CommonFeatures::default());
    assert!(2 * agreeing(&logo, &ad, &known) < fully);
    let without: Vec<_> = (6_100..6_170).map(|seed| waves(seed).ad()).collect();
    for _ in 0..16 {
        known = trained(&known, &without);
    }
    assert_eq!(agreeing(&logo, &ad, &known), fully);
    assert_eq!(known.samples, 17);
}

#[test]
fn unreadable_ads_teach_nothing() {
    let mut ads = ads_with(&drawn(903, 200, 150), 7_000..7_070);
    ads.iter_mut().for_each(|ad| ad.features.truncate(99));
    let before = CommonFeatures {
        samples: 4,
        ..CommonFeatures::default()
    };
    assert_eq!(trained(&before, &ads), before);
    assert_eq!(trained(&before, &[]), before);
}
