//! A match names the edit as a person would, and says nothing that it does not know.
#![allow(missing_docs)]

use crate::drawn::{Luma, drawn, letters};
use matching::{Level, Policy, compare};

#[track_caller]
fn named(reference: &Luma, ad: &Luma) -> String {
    let found = compare(&reference.reference(), &ad.ad(), &Policy::default()).expect("it is found");
    assert_eq!(found.level, Level::Alert, "{}", found.edit);
    found.edit.to_string()
}

/// A pale page with lines of something like writing, the photo laid on it.
fn page(photo: &Luma, width: usize, height: usize, (left, top): (usize, usize)) -> Luma {
    let lines = Luma::draw(width, height, |x, y| {
        let is_line = y % 60 < 18 && x > width / 20 && x < width * 3 / 4;
        if is_line { letters(x, y, 2) } else { 245 }
    });
    photo.within(&lines, left, top)
}

#[test]
fn what_was_done_to_the_photo_itself_is_named() {
    let photo = drawn(501, 480, 360);
    assert_eq!(named(&photo, &photo), "as is");
    assert_eq!(named(&photo, &photo.mirrored()), "mirrored");
    assert_eq!(named(&photo, &photo.negative()), "negative");
    assert_eq!(named(&photo, &photo.framed(40, 250)), "framed");
    let wider = named(&photo, &photo.stretched(1.3, 1.0));
    assert!(
        [
            "stretched 29% wider",
            "stretched 30% wider",
            "stretched 31% wider"
        ]
        .contains(&&wider[..]),
        "{wider}"
    );
    let higher = named(&photo, &photo.stretched(0.8, 1.0));
    assert!(
        [
            "stretched 24% higher",
            "stretched 25% higher",
            "stretched 26% higher"
        ]
        .contains(&&higher[..]),
        "{higher}"
    );
}

#[test]
fn a_photo_seen_askew_is_named_so_and_one_seen_straight_is_not() {
    for seed in 510..514 {
        let photo = drawn(seed, 480, 360);
        let askew = photo.askew([(0.0, 0.0), (1.0, 0.0), (0.86, 1.0), (0.14, 1.0)]);
        assert!(named(&photo, &askew).contains("perspective"));
        let straight = named(&photo, &photo.cut((0.1, 0.15), (0.8, 0.7)));
        assert!(straight.starts_with("crop 4"), "{straight}");
    }
}

#[test]
fn a_tilted_photo_with_filled_corners_is_tilted_and_nothing_else() {
    let photo = drawn(520, 480, 360);
    let page = Luma::draw(560, 470, |_, _| 30);
    let turned = Luma::draw(560, 470, |x, y| {
        let (sin, cos) = 12.0f32.to_radians().sin_cos();
        let (dx, dy) = (x as f32 - 280.0, y as f32 - 235.0);
        let (u, v) = (240.0 + cos * dx + sin * dy, 180.0 - sin * dx + cos * dy);
        let within = (0.0..479.0).contains(&u) && (0.0..359.0).contains(&v);
        if within {
            photo.at(u as usize, v as usize)
        } else {
            page.at(x, y)
        }
    });
    assert_eq!(named(&photo, &turned), "tilted 12");
}

#[test]
fn a_screenshot_is_named_so() {
    let photo = drawn(530, 480, 360);
    let phone = page(&photo, 480, 1_000, (0, 150));
    assert_eq!(named(&photo, &phone), "screenshot");
    let browser = page(&photo, 900, 640, (40, 90));
    assert_eq!(named(&photo, &browser), "screenshot");
}

#[test]
fn a_tile_of_a_collage_is_named_so_and_no_wrong_number_is_said() {
    let photos: Vec<Luma> = (540..544).map(|seed| drawn(seed, 400, 300)).collect();
    let white = Luma::draw(808, 608, |_, _| 255);
    let places = [(0, 0), (408, 0), (0, 308), (408, 308)];
    let four = photos
        .iter()
        .zip(places)
        .fold(white, |page, (photo, (x, y))| photo.within(&page, x, y));
    let two = photos[1].within(
        &photos[0].within(&Luma::draw(800, 300, |_, _| 0), 0, 0),
        400,
        0,
    );
    let check = |photo: &Luma, ad: &Luma, before: &str, number: &str| {
        let edit = named(photo, ad);
        // edges of what the tiles show may hide the number, but a wrong one is never said
        let truths = [
            format!("{before}in a collage"),
            format!("{before}one of {number} in a collage"),
        ];
        assert!(truths.contains(&edit), "{edit}");
    };
    photos
        .iter()
        .for_each(|photo| check(photo, &four, "", "four"));
    check(&photos[1], &two, "", "two");
    check(&photos[0].mirrored(), &two, "mirrored, ", "two");
}

#[test]
fn a_tile_that_is_filled_by_cutting_the_photo_tells_how_much_is_cut() {
    let (photo, other) = (drawn(550, 600, 300), drawn(551, 300, 300));
    let tile = photo.cut((0.25, 0.0), (0.5, 1.0));
    let two = tile.within(&other.within(&Luma::draw(600, 300, |_, _| 0), 300, 0), 0, 0);
    let edit = named(&photo, &two);
    assert!(
        edit.ends_with("in a collage") && edit.starts_with("crop "),
        "{edit}"
    );
    let percent: u32 = edit[5..7].parse().expect("two digits");
    assert!((46..=54).contains(&percent), "{edit}");
}

#[test]
fn a_photo_laid_on_another_is_named_so_but_a_larger_view_is_not() {
    let (photo, other) = (drawn(560, 480, 360), drawn(561, 900, 700));
    let laid = photo.scaled(0.75).within(&other, 300, 200);
    let edit = named(&photo, &laid);
    let shares = ["15% of the ad", "16% of the ad"];
    assert!(
        shares
            .iter()
            .any(|share| edit == format!("in another picture, {share}")),
        "{edit}"
    );
    // the reference is a part of what the ad shows: nothing was laid on anything
    let part = other.cut((0.25, 0.25), (0.5, 0.5));
    let edit = named(&part, &other);
    let shares = ["23% of the ad", "24% of the ad", "25% of the ad"];
    assert!(shares.contains(&&edit[..]), "{edit}");
}
