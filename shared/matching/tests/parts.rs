//! Photos are found within other pictures, and nothing is found where nothing is.

use std::time::{Duration, Instant};

use fingerprint::{Picture, of_ad, of_reference};
use matching::{Level, Match, Method, Policy, ReferenceSet, compare};
use proptest::prelude::*;
use records::fingerprint::{AdFingerprint, ReferenceFingerprint};

/// Pixels of luma, row by row.
#[derive(Clone)]
struct Luma {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Luma {
    fn draw(width: usize, height: usize, pixel: impl Fn(usize, usize) -> u8) -> Self {
        let pixels = (0..width * height).map(|i| pixel(i % width, i / width));
        let pixels = pixels.collect();
        Self {
            width,
            height,
            pixels,
        }
    }

    fn at(&self, x: usize, y: usize) -> u8 {
        self.pixels[y * self.width + x]
    }

    fn picture(&self) -> Picture<'_> {
        Picture::luma(self.width, self.height, &self.pixels).expect("the pixels fill it")
    }

    fn ad(&self) -> AdFingerprint {
        of_ad(&self.picture())
    }

    fn reference(&self) -> ReferenceFingerprint {
        of_reference(&self.picture())
    }

    fn mirrored(&self) -> Self {
        let last = self.width - 1;
        Self::draw(self.width, self.height, |x, y| self.at(last - x, y))
    }

    /// The part from shares of the sides on, so wide and high.
    fn cut(&self, (left, top): (f32, f32), (width, height): (f32, f32)) -> Self {
        let px = |share: f32, side: usize| (share * side as f32) as usize;
        let (left, top) = (px(left, self.width), px(top, self.height));
        Self::draw(px(width, self.width), px(height, self.height), |x, y| {
            self.at(left + x, top + y)
        })
    }

    /// By a factor, between pixels.
    fn scaled(&self, factor: f32) -> Self {
        let px = |side: usize| (side as f32 * factor) as usize;
        Self::draw(px(self.width), px(self.height), |x, y| {
            self.between(x as f32 / factor, y as f32 / factor)
        })
    }

    /// Tilted clockwise about the middle, the corners cut off.
    fn tilted(&self, degrees: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (cx, cy) = (self.width as f32 / 2.0, self.height as f32 / 2.0);
        Self::draw(self.width, self.height, |x, y| {
            let (dx, dy) = (x as f32 - cx, y as f32 - cy);
            self.between(cx + cos * dx + sin * dy, cy - sin * dx + cos * dy)
        })
    }

    fn between(&self, x: f32, y: f32) -> u8 {
        let x = x.clamp(0.0, self.width as f32 - 1.001);
        let y = y.clamp(0.0, self.height as f32 - 1.001);
        let (left, top) = (x as usize, y as usize);
        let (u, v) = (x.fract(), y.fract());
        let at = |dx: usize, dy: usize| {
            let (x, y) = (left + dx, top + dy);
            f32::from(self.at(x.min(self.width - 1), y.min(self.height - 1)))
        };
        let above = at(0, 0) * (1.0 - u) + at(1, 0) * u;
        let below = at(0, 1) * (1.0 - u) + at(1, 1) * u;
        (above * (1.0 - v) + below * v).round() as u8
    }

    fn framed(&self, px: usize, luma: u8) -> Self {
        Self::draw(self.width + 2 * px, self.height + 2 * px, |x, y| {
            let inside = (px..px + self.width).contains(&x) && (px..px + self.height).contains(&y);
            if inside {
                self.at(x - px, y - px)
            } else {
                luma
            }
        })
    }

    /// With a band of something like text over part of it.
    fn captioned(&self, share: f32, top: bool) -> Self {
        let band = (self.height as f32 * share) as usize;
        let rows = if top {
            0..band
        } else {
            self.height - band..self.height
        };
        Self::draw(self.width, self.height, |x, y| match rows.contains(&y) {
            true => letters(x, y, 1 + band / 10),
            false => self.at(x, y),
        })
    }

    /// Laid into a larger picture.
    fn within(&self, other: &Self, left: usize, top: usize) -> Self {
        Self::draw(other.width, other.height, |x, y| {
            let inside =
                (left..left + self.width).contains(&x) && (top..top + self.height).contains(&y);
            if inside {
                self.at(x - left, y - top)
            } else {
                other.at(x, y)
            }
        })
    }
}

/// Discs of many sizes and brightnesses on a slope: structure everywhere, and no symmetry.
fn drawn(seed: usize, width: usize, height: usize) -> Luma {
    let dice = |i: usize| {
        (i + 1)
            .wrapping_mul(seed * 2 + 0x9e37_79b9)
            .wrapping_mul(0x85eb_ca6b)
    };
    let throw = |i: usize, most: usize| (dice(i) >> 13) % most;
    let disc = |i: usize| {
        let radius = 4 + throw(5 * i, 40) * throw(5 * i + 4, 40) / 40;
        let centre = (throw(5 * i + 1, width), throw(5 * i + 2, height));
        (centre, radius * radius, throw(5 * i + 3, 220) as u8 + 20)
    };
    let discs: Vec<_> = (0..260).map(disc).collect();
    Luma::draw(width, height, |x, y| {
        let covers = |((cx, cy), square, _): &&((usize, usize), usize, u8)| {
            x.abs_diff(*cx).pow(2) + y.abs_diff(*cy).pow(2) < *square
        };
        let slope = (x * 60 / width + y * 60 / height) as u8;
        discs
            .iter()
            .rev()
            .find(covers)
            .map_or(slope + 60, |(_, _, luma)| *luma)
    })
}

/// Something like letters, black on white, each `px` pixels a stroke.
fn letters(x: usize, y: usize, px: usize) -> u8 {
    let (column, row) = (x / px, y / px);
    let letter = (column / 6)
        .wrapping_mul(2_654_435_761)
        .wrapping_add(row / 9 * 40_503)
        >> 4;
    let stroke = letter >> ((column % 6) * 3 + row % 9) & 1 == 1;
    let gap = column % 6 == 5 || row % 9 > 6;
    if stroke && !gap { 20 } else { 245 }
}

fn sought(reference: &Luma, ad: &Luma) -> Option<Match> {
    compare(&reference.reference(), &ad.ad(), &Policy::default())
}

fn alert(reference: &Luma, ad: &Luma) -> Match {
    let found = sought(reference, ad).expect("it is found");
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
    assert!(sought(&photos[0], &collage).is_some());
    assert!(sought(&photos[1], &collage).is_some());
    assert!(sought(&photos[2], &collage).is_none());
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
        let plain = level(sought(&photo, &ad));
        prop_assert_eq!(plain, same.then_some((Level::Alert, false)));
        prop_assert_eq!(level(sought(&photo.mirrored(), &ad.mirrored())), plain);
        let mirrored = level(sought(&photo.mirrored(), &ad));
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

/// Pictures that hold no photo, or too much of the same.
fn hostile() -> Vec<(&'static str, Luma)> {
    let noise = |seed: usize, x: usize, y: usize| {
        let n = (x + 4099 * y + (seed << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((n ^ n >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as u8
    };
    let tile = drawn(400, 60, 60);
    let (long, other) = (drawn(401, 1_600, 10), drawn(404, 1_600, 10));
    vec![
        ("flat", Luma::draw(300, 300, |_, _| 128)),
        ("black", Luma::draw(640, 480, |_, _| 0)),
        ("one pixel", Luma::draw(1, 1, |_, _| 7)),
        ("a slope", Luma::draw(500, 400, |x, y| ((x + y) / 4) as u8)),
        ("noise", Luma::draw(500, 500, move |x, y| noise(1, x, y))),
        (
            "other noise",
            Luma::draw(500, 500, move |x, y| noise(77, x, y)),
        ),
        (
            "a checkerboard",
            Luma::draw(512, 512, |x, y| ((x / 16 + y / 16) % 2 * 255) as u8),
        ),
        (
            "a finer checkerboard",
            Luma::draw(500, 400, |x, y| ((x / 9 + y / 9) % 2 * 200) as u8),
        ),
        (
            "stripes",
            Luma::draw(500, 400, |x, _| (x / 7 % 2 * 255) as u8),
        ),
        (
            "a page of text",
            Luma::draw(600, 800, |x, y| letters(x, y, 2)),
        ),
        (
            "another page",
            Luma::draw(800, 600, |x, y| letters(x + 9_600, y + 7_200, 2)),
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
        ("a photo", drawn(402, 500, 400)),
    ]
}

#[test]
fn hostile_pictures_match_nothing_but_themselves() {
    let pictures = hostile();
    let ads: Vec<_> = pictures
        .iter()
        .map(|(name, picture)| (name, picture.ad()))
        .collect();
    for (own, picture) in &pictures {
        let reference = picture.reference();
        for (other, ad) in &ads {
            let found = compare(&reference, ad, &Policy::default());
            assert!(
                own == *other || found.is_none(),
                "{own} is found in {other}"
            );
        }
    }
}

#[test]
fn no_picture_takes_long() {
    for (name, picture) in hostile() {
        let start = Instant::now();
        let (reference, ad) = (picture.reference(), picture.ad());
        let _ = compare(&reference, &ad, &Policy::default());
        // two hundred times what it takes: this is against hours, not against a busy machine
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{name} takes too long"
        );
        assert!(
            ad.features.len() <= 15_500 && reference.features.len() <= 10_700,
            "{name}"
        );
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
