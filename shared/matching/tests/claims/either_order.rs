//! The same pair gives the same lead whichever of the two came first.
#![allow(missing_docs)]

use crate::drawn::{Luma, drawn};
use matching::{Level, Match, Method, Policy, ReferenceSet, compare, compare_read, local};

/// What the indexed set says of an ad that comes after the reference, what a search of the past says
/// of one that came before, and what the oracle says.
fn found(reference: &Luma, ad: &Luma) -> Match {
    let (reference, ad, policy) = (reference.reference(), ad.ad(), Policy::default());
    let (own, shown) = (
        local::LocalReference::read(&reference.features),
        local::LocalAd::read(&ad.features),
    );
    let past = compare_read((&reference, own.as_ref()), (&ad, shown.as_ref()), &policy);
    assert_eq!(past, compare(&reference, &ad, &policy));
    let mut set = ReferenceSet::new();
    set.insert("one", reference);
    let found = set.find(&ad, &policy);
    assert_eq!(found.first().map(|(_, found)| *found), past);
    past.expect("it is found")
}

#[test]
fn a_pair_gives_the_same_lead_whichever_came_first() {
    let (photo, other) = (drawn(901, 480, 360), drawn(902, 900, 700));
    let rows = [
        ("as is", photo.scaled(0.8)),
        ("mirrored", photo.mirrored()),
        ("negative", photo.negative()),
        ("framed", photo.framed(40, 250)),
        ("stretched", photo.stretched(1.3, 1.0)),
        ("crop", photo.cut((0.1, 0.2), (0.75, 0.75))),
        ("tilted", photo.tilted(12.0)),
        ("in another picture", photo.within(&other, 300, 200)),
    ];
    for (name, ad) in rows {
        let found = found(&photo, &ad);
        assert_eq!(found.level, Level::Alert, "{name}");
        assert!(found.outline.is_some(), "{name} has no outline");
        let words = found.edit.to_string();
        assert!(words.contains(name), "{name} reads {words}");
        assert!(!found.edit.border_removed, "{name} reads {words}");
    }
}

#[test]
fn the_same_picture_is_as_is_from_corner_to_corner() {
    for seed in 910..918 {
        let photo = drawn(seed, 500 + seed % 7, 361);
        // A dark vignette once read as a frame, seen askew.
        for photo in [photo.framed(60, 12), photo] {
            let found = found(&photo, &photo);
            assert_eq!((found.method, found.distance_bits), (Method::Whole, 0));
            assert_eq!(found.edit.to_string(), "as is", "{seed}");
            let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
            assert_eq!(found.outline, Some(corners));
        }
    }
}

#[test]
fn the_same_blank_picture_is_found_and_another_is_not() {
    let blank = |luma| Luma::draw(300, 200, |_, _| luma);
    let same = found(&blank(7), &blank(7));
    assert_eq!((same.level, same.distance_bits), (Level::Alert, 0));
    let (own, other) = (blank(7).reference(), blank(9).ad());
    assert_eq!(compare(&own, &other, &Policy::default()), None);
}

/// Of a quality at which no other hash is believed.
#[test]
fn the_same_faint_picture_is_found_too() {
    let photo = drawn(930, 480, 360);
    let faint = |x, y| 120 + photo.at(x, y) / 20;
    let faint = Luma::draw(480, 360, faint);
    let quality = faint.ad().whole.quality;
    assert!((1..50).contains(&quality), "{quality}");
    let found = found(&faint, &faint);
    assert_eq!(found.level, Level::Alert);
    assert_eq!(found.edit.to_string(), "as is");
    assert!(found.outline.is_some());
}
