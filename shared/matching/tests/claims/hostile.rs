//! Pictures made to match everything, or to cost much, do neither.
#![allow(missing_docs)]

use crate::drawn::{Luma, drawn, letters};
use features::fingerprint::{AdFingerprint, ReferenceFingerprint};
use features::{AD_FEATURES_MAX, AdFeatures, REFERENCE_FEATURES_MAX, ReferenceFeatures};
use matching::{Policy, ReferenceSet, compare};

/// What may be stored of a reference's and of an ad's parts, in bytes.
const REFERENCE_BYTES_MAX: usize = 12_000;
const AD_BYTES_MAX: usize = 16_000;
/// References that an ad may be judged with for its parts.
const JUDGED_MAX: usize = 40;

struct Case {
    name: &'static str,
    reference: ReferenceFingerprint,
    ad: AdFingerprint,
    /// Whether it is a photo, which may match itself.
    is_photo: bool,
}

fn noise(seed: usize, x: usize, y: usize) -> u8 {
    let n = (x + 4_099 * y + (seed << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((n ^ n >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as u8
}

fn checks(width: usize, height: usize, cell: usize, light: u8) -> Luma {
    Luma::draw(width, height, |x, y| {
        ((x / cell + y / cell) % 2) as u8 * light
    })
}

/// Rings about the middle.
fn rings(side: usize, px: usize) -> Luma {
    Luma::draw(side, side, |x, y| {
        let (dx, dy) = (x.abs_diff(side / 2), y.abs_diff(side / 2));
        ((dx * dx + dy * dy).isqrt() / px % 2 * 220) as u8
    })
}

fn without_a_photo() -> Vec<(&'static str, Luma)> {
    let tile = drawn(400, 60, 60);
    let (long, other) = (drawn(401, 1_600, 10), drawn(404, 1_600, 10));
    vec![
        ("flat", Luma::draw(300, 300, |_, _| 128)),
        ("black", Luma::draw(640, 480, |_, _| 0)),
        ("one pixel", Luma::draw(1, 1, |_, _| 7)),
        ("a slope", Luma::draw(500, 400, |x, y| ((x + y) / 4) as u8)),
        (
            "a slope across",
            Luma::draw(400, 500, |x, _| (x * 255 / 400) as u8),
        ),
        ("noise", Luma::draw(500, 500, |x, y| noise(1, x, y))),
        ("other noise", Luma::draw(500, 500, |x, y| noise(77, x, y))),
        (
            "coarse noise",
            Luma::draw(480, 480, |x, y| noise(5, x / 8, y / 8)),
        ),
        ("a checkerboard", checks(512, 512, 16, 255)),
        ("a finer checkerboard", checks(500, 400, 9, 200)),
        ("the finest checkerboard", checks(300, 300, 1, 255)),
        (
            "stripes",
            Luma::draw(500, 400, |x, _| (x / 7 % 2 * 255) as u8),
        ),
        (
            "stripes of a pixel",
            Luma::draw(512, 400, |x, _| (x % 2 * 255) as u8),
        ),
        (
            "rows of a pixel",
            Luma::draw(400, 512, |_, y| (y % 2 * 255) as u8),
        ),
        ("rings", rings(500, 11)),
        ("finer rings", rings(420, 5)),
        (
            "a page of text",
            Luma::draw(600, 800, |x, y| letters(x, y, 2)),
        ),
        (
            "another page",
            Luma::draw(800, 600, |x, y| letters(x + 9_600, y + 7_200, 2)),
        ),
        (
            "large letters",
            Luma::draw(640, 480, |x, y| letters(x + 4_800, y, 6)),
        ),
        (
            "one texture",
            Luma::draw(600, 600, |x, y| tile.at(x % 60, y % 60)),
        ),
        (
            "a long strip",
            Luma::draw(16_000, 10, |x, y| long.at(x / 10, y)),
        ),
        (
            "a high strip",
            Luma::draw(10, 16_000, |x, y| other.at(y / 10, x)),
        ),
    ]
}

fn cases() -> Vec<Case> {
    let photos = [
        ("a photo", drawn(402, 500, 400)),
        ("another photo", drawn(409, 400, 520)),
    ];
    let case = |is_photo: bool| {
        move |(name, picture): (&'static str, Luma)| Case {
            name,
            reference: picture.reference(),
            ad: picture.ad(),
            is_photo,
        }
    };
    let without = without_a_photo().into_iter().map(case(false));
    without.chain(photos.into_iter().map(case(true))).collect()
}

#[test]
fn hostile_pictures_match_nothing_but_themselves() {
    let (cases, policy) = (cases(), Policy::default());
    for own in &cases {
        for other in &cases {
            let found = compare(&own.reference, &other.ad, &policy);
            let is_own = own.name == other.name;
            assert!(
                is_own || found.is_none(),
                "{} is found in {}",
                own.name,
                other.name
            );
            assert!(
                !own.is_photo || !is_own || found.is_some(),
                "{} is missed",
                own.name
            );
        }
    }
}

#[test]
fn what_is_kept_of_any_picture_is_bounded() {
    for Case {
        name,
        reference,
        ad,
        ..
    } in cases()
    {
        assert!(reference.features.len() <= REFERENCE_BYTES_MAX, "{name}");
        assert!(ad.features.len() <= AD_BYTES_MAX, "{name}");
        let of_ad = AdFeatures::from_bytes(&ad.features).expect("ours");
        let of_reference = ReferenceFeatures::from_bytes(&reference.features).expect("ours");
        assert!(of_ad.features.len() <= AD_FEATURES_MAX, "{name}");
        assert!(
            of_reference.features.len() <= REFERENCE_FEATURES_MAX,
            "{name}"
        );
    }
}

#[test]
fn an_ad_made_of_everything_is_judged_with_few_references() {
    let mut set = ReferenceSet::new();
    let cases = cases();
    for (number, case) in cases.iter().enumerate() {
        for copy in 0..4 {
            set.insert(number * 4 + copy, case.reference.clone());
        }
    }
    let policy = Policy::default();
    for case in &cases {
        let whole = cases.iter().filter(|other| {
            let own = |r: &ReferenceFingerprint| {
                r.framings
                    .iter()
                    .map(|(_, view)| view.pdq)
                    .collect::<Vec<_>>()
            };
            let near = |hash: &features::fingerprint::Hash256| {
                let views = std::iter::once(&case.ad.whole).chain(&case.ad.trimmed);
                views
                    .map(|view| view.pdq.distance_bits(hash))
                    .any(|bits| !(32..=224).contains(&bits))
            };
            own(&other.reference).iter().any(near)
        });
        let most = JUDGED_MAX + 4 * whole.count();
        let judged = set.judged(&case.ad, &policy);
        assert!(judged <= most, "{}: {judged} of {most}", case.name);
    }
}
