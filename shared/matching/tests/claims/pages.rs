//! Pages of a template raise no alarm on each other, and the photo on one is found anywhere.
#![allow(missing_docs)]

use matching::{Level, Policy, compare};

use crate::drawn::{Luma, drawn};

/// Whether a letter's stroke is there: letters of 18 by 20 pixels in lines of 34.
fn is_ink(x: usize, y: usize, words: usize) -> bool {
    let (letter, line) = (x / 18, y / 34);
    let mixed = (letter * 31 + line * 977 + words * 7_919 + 1).wrapping_mul(0x9e37_79b9);
    let shape = (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b) >> 7;
    let (u, v) = (x % 18, y % 34);
    let is_stroke = u < 13 && u % 5 < 3 && shape >> (u / 5) & 1 == 1;
    let bar = (shape >> 5) % 17;
    v < 20 && (is_stroke || u < 13 && (bar..bar + 3).contains(&v))
}

/// A poster: the same head on all, a photo, and words of its own.
fn poster(photo: &Luma, words: usize) -> Luma {
    let (left, top) = ((900 - photo.width) / 2, 260);
    Luma::draw(900, 1_100, |x, y| {
        let is_photo =
            (left..left + photo.width).contains(&x) && (top..top + photo.height).contains(&y);
        let is_text = (60..840).contains(&x);
        match y {
            _ if is_photo => photo.at(x - left, y - top),
            0..100 => 60,
            130..232 if is_text && is_ink(x, y - 130, 0) => 15,
            780..1_040 if is_text && is_ink(x, y - 780, words) => 15,
            _ => 254,
        }
    })
}

fn level(reference: &Luma, ad: &Luma) -> Option<Level> {
    let found = compare(&reference.reference(), &ad.ad(), &Policy::default());
    found.map(|found| found.level)
}

#[test]
fn posters_of_a_template_with_other_photos_raise_no_alarm() {
    let photos: Vec<Luma> = (0..5).map(|it| drawn(700 + it, 420, 480)).collect();
    for (own, photo) in photos.iter().enumerate() {
        let reference = poster(photo, own + 1);
        for (other, shown) in photos.iter().enumerate().filter(|(it, _)| *it != own) {
            let found = level(&reference, &poster(shown, other + 1));
            assert_ne!(found, Some(Level::Alert), "{own} in {other}");
        }
    }
}

#[test]
fn the_photo_on_a_poster_is_found_alone_and_on_other_pages() {
    let photo = drawn(710, 420, 480);
    let reference = poster(&photo, 1);
    let ads = [
        ("the poster itself", reference.clone()),
        ("alone", photo.clone()),
        ("small", photo.scaled(0.6)),
        ("mirrored", photo.mirrored()),
        ("on another poster", poster(&photo, 9)),
        (
            "in another picture",
            photo.within(&drawn(711, 900, 700), 300, 150),
        ),
    ];
    for (name, ad) in ads {
        assert_eq!(level(&reference, &ad), Some(Level::Alert), "{name}");
    }
}
