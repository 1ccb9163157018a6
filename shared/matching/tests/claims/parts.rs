//! Photos are found within other pictures, and nothing is found where nothing is.

use matching::{Level, Match, Method, Policy, ReferenceSet, compare};
use proptest::prelude::*;

use crate::drawn::{Luma, drawn};

fn searched(reference: &Luma, ad: &Luma) -> Option<Match> {
    compare(&reference.reference(), &ad.ad(), &Policy::default())
}

fn alert(reference: &Luma, ad: &Luma) -> Match {
    let found = searched(reference, ad).expect("it is found");
    assert_eq!(found.level, Level::Alert);
    found
}

#[test]
fn a_crop_is_found_and_named() {
    let photo = drawn(1, 480, 360);
    let found = alert(&photo, &photo.cut((0.1, 0.2), (0.75, 0.75)));
    assert_eq!(found.method, Method::Parts);
    assert!(
        (40..=47).contains(&found.edit.crop_percent),
        "{}",
        found.edit
    );
    assert!(!found.edit.mirrored, "{}", found.edit);
}

#[test]
fn a_mirrored_crop_is_named_so() {
    let photo = drawn(2, 480, 360);
    let found = alert(&photo, &photo.cut((0.0, 0.2), (0.8, 0.75)).mirrored());
    assert!(found.edit.mirrored, "{}", found.edit);
}

#[test]
fn a_tilt_is_found_and_named() {
    let photo = drawn(3, 480, 360);
    let found = alert(&photo, &photo.tilted(12.0));
    assert!(
        (11..=13).contains(&found.edit.tilt_degrees),
        "{}",
        found.edit
    );
}

#[test]
fn a_photo_within_a_photo_is_outlined() {
    let (photo, other) = (drawn(4, 480, 360), drawn(5, 900, 700));
    let found = alert(&photo, &photo.scaled(0.75).within(&other, 300, 200));
    let outline = found.outline.expect("it fills a part");
    let corners = [
        (300.0, 200.0),
        (660.0, 200.0),
        (660.0, 470.0),
        (300.0, 470.0),
    ];
    for ((x, y), (left, top)) in outline.iter().zip(corners) {
        let off = (x * 900.0 - left).abs().max((y * 700.0 - top).abs());
        assert!(off < 6.0, "a corner is {off} px off");
    }
    assert!(
        (15..=16).contains(&found.edit.share_percent),
        "{}",
        found.edit
    );
}

#[test]
fn every_photo_of_a_collage_is_found() {
    let photos = [drawn(6, 400, 400), drawn(7, 400, 400), drawn(8, 400, 400)];
    let two = photos[0].within(&Luma::draw(810, 400, |_, _| 255), 0, 0);
    let collage = photos[1].within(&two, 410, 0);
    assert!(searched(&photos[0], &collage).is_some());
    assert!(searched(&photos[1], &collage).is_some());
    assert!(searched(&photos[2], &collage).is_none());
}

#[test]
fn a_blurred_negative_is_found_as_a_whole() {
    let photo = drawn(9, 480, 360);
    let negative = Luma::draw(480, 360, |x, y| 255 - photo.at(x, y));
    let found = alert(&photo, &negative.scaled(0.5));
    assert!(found.edit.negative, "{}", found.edit);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn mirroring_both_sides_changes_nothing(seed in 10usize..99, left in 0.0f32..0.3, same: bool) {
        let photo = drawn(seed, 400, 300);
        let shown = if same { &photo } else { &drawn(seed + 100, 400, 300) };
        let ad = shown.cut((left, 0.1), (0.7, 0.8));
        let level = |found: Option<Match>| found.map(|found| (found.level, found.edit.mirrored));
        let plain = level(searched(&photo, &ad));
        prop_assert_eq!(plain, same.then_some((Level::Alert, false)));
        prop_assert_eq!(level(searched(&photo.mirrored(), &ad.mirrored())), plain);
        let mirrored = level(searched(&photo.mirrored(), &ad));
        prop_assert_eq!(mirrored, same.then_some((Level::Alert, true)));
    }

    #[test]
    fn a_border_or_caption_never_changes_which_reference_wins(
        seed in 200usize..260, own in 0usize..3, border in 0usize..60, caption in 0.0f32..0.25, top: bool,
    ) {
        let photos: Vec<Luma> = (0..3).map(|i| drawn(seed * 3 + i, 400, 300)).collect();
        let mut references = ReferenceSet::new();
        for (name, photo) in photos.iter().enumerate() {
            references.insert(name, photo.reference());
        }
        let ad = photos[own].captioned(caption, top).framed(border, 255);
        let found = references.find(&ad.ad(), &Policy::default());
        prop_assert_eq!(found.iter().map(|(name, _)| *name).collect::<Vec<_>>(), vec![own]);
    }

    #[test]
    fn the_set_finds_what_a_comparison_finds(seed in 300usize..320, factor in 0.4f32..1.4) {
        let mut references = ReferenceSet::new();
        let all: Vec<_> = (0..12).map(|i| drawn(seed * 12 + i, 300, 300).reference()).collect();
        for (name, reference) in all.iter().enumerate() {
            references.insert(name, reference.clone());
        }
        let shown = drawn(seed * 12 + 5, 300, 300).cut((0.1, 0.0), (0.8, 0.7));
        let ad = shown.scaled(factor).within(&drawn(seed, 700, 500), 200, 60).ad();
        let policy = Policy::default();
        let plain = (0..12).filter_map(|name| Some((name, compare(&all[name], &ad, &policy)?)));
        prop_assert_eq!(references.find(&ad, &policy), plain.collect::<Vec<_>>());
    }
}

#[test]
fn corrupt_features_match_nothing_and_harm_nothing() {
    let photo = drawn(403, 400, 300);
    let (mut reference, mut ad) = (photo.reference(), photo.cut((0.1, 0.1), (0.7, 0.7)).ad());
    reference.features.truncate(500);
    assert_eq!(compare(&reference, &ad, &Policy::default()), None);
    ad.features.clear();
    assert_eq!(compare(&photo.reference(), &ad, &Policy::default()), None);
}
