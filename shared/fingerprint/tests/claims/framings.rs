//! What an advertiser does to a photo meets the framing that was computed for it.
#![allow(missing_docs)]

use crate::drawn::{Drawn, scene};
use features::fingerprint::{Framing, Turn};
use fingerprint::{of_ad, of_reference};

type Pixel = [u8; 3];

/// The pixels at `from(x, y)` of a picture, or a colour where there are none.
fn edited(
    photo: &Drawn,
    (width_px, height_px): (usize, usize),
    from: impl Fn(usize, usize) -> Result<(usize, usize), Pixel>,
) -> Drawn {
    let pixel = |(x, y): (usize, usize)| -> Pixel {
        let at = 3 * (y * photo.width_px + x);
        photo.rgb[at..at + 3].try_into().expect("three channels")
    };
    let rgb = (0..height_px)
        .flat_map(|y| (0..width_px).map(move |x| (x, y)))
        .flat_map(|(x, y)| from(x, y).map_or_else(|colour| colour, pixel))
        .collect();
    Drawn {
        name: "edited".into(),
        width_px,
        height_px,
        rgb,
    }
}

fn framed(photo: &Drawn, left: usize, top: usize, colour: Pixel) -> Drawn {
    let size = (photo.width_px + 2 * left, photo.height_px + 2 * top);
    edited(photo, size, |x, y| {
        let inside = |at: usize, border: usize, length: usize| {
            at.checked_sub(border)
                .filter(|&at| at < length)
                .ok_or(colour)
        };
        Ok((
            inside(x, left, photo.width_px)?,
            inside(y, top, photo.height_px)?,
        ))
    })
}

#[test]
fn a_mirrored_or_turned_copy_has_the_hash_of_its_framing() {
    let photo = scene(403, 301);
    let (w, h) = (403, 301);
    let reference = of_reference(&photo.picture());
    let check = |mirrored, turn, copy: Drawn| {
        let framing = Framing {
            mirrored,
            turn,
            ..Framing::default()
        };
        let view = reference
            .framings
            .iter()
            .find(|(known, _)| *known == framing);
        let (_, view) = view.expect("all eight are there");
        let ad = of_ad(&copy.picture());
        assert!(ad.whole.pdq == view.pdq, "{framing:?}");
        assert_eq!(ad.whole.quality, view.quality, "{framing:?}");
        let second = ad.whole.second.distance_bits(&view.second);
        assert!(second <= 10, "{framing:?}: {second} bits of the second");
    };
    let (upright, lying) = ((w, h), (h, w));
    let turns = [
        (
            Turn::None,
            edited(&photo, upright, |x, y| Ok((x, y))),
            edited(&photo, upright, |x, y| Ok((w - 1 - x, y))),
        ),
        (
            Turn::Quarter,
            edited(&photo, lying, |x, y| Ok((y, h - 1 - x))),
            edited(&photo, lying, |x, y| Ok((w - 1 - y, h - 1 - x))),
        ),
        (
            Turn::Half,
            edited(&photo, upright, |x, y| Ok((w - 1 - x, h - 1 - y))),
            edited(&photo, upright, |x, y| Ok((x, h - 1 - y))),
        ),
        (
            Turn::ThreeQuarters,
            edited(&photo, lying, |x, y| Ok((w - 1 - y, x))),
            edited(&photo, lying, |x, y| Ok((y, x))),
        ),
    ];
    for (turn, turned, mirrored_and_turned) in turns {
        check(false, turn, turned);
        check(true, turn, mirrored_and_turned);
    }
}

#[test]
fn a_framed_copy_matches_without_its_frame() {
    let photo = scene(403, 301);
    let own = of_ad(&photo.picture()).whole;
    for (left, top, colour) in [
        (30, 30, [255, 255, 255]),
        (0, 200, [0, 0, 0]),
        (90, 0, [20, 200, 90]),
    ] {
        let ad = of_ad(&framed(&photo, left, top, colour).picture());
        let trimmed = ad.trimmed.expect("the frame is found");
        assert!(trimmed.pdq == own.pdq, "{left} {top}");
        assert!(ad.whole.pdq.distance_bits(&own.pdq) > 31, "{left} {top}");
    }
}

#[test]
fn a_framed_reference_matches_a_copy_without_the_frame() {
    let photo = scene(403, 301);
    let reference = of_reference(&framed(&photo, 40, 25, [250, 250, 250]).picture());
    assert_eq!(
        reference.framings.len(),
        16,
        "as is, and without the border"
    );
    let own = of_ad(&photo.picture()).whole;
    let hit = reference
        .framings
        .iter()
        .find(|(_, view)| view.pdq == own.pdq);
    let expected = Framing {
        border_removed: true,
        ..Framing::default()
    };
    assert_eq!(hit.map(|(framing, _)| *framing), Some(expected));
}

#[test]
fn the_first_framing_is_the_picture_as_it_is() {
    let photo = scene(200, 150);
    let reference = of_reference(&photo.picture());
    assert_eq!(reference.framings.len(), 8, "no border, eight forms");
    let (framing, view) = &reference.framings[0];
    assert_eq!(*framing, Framing::default());
    assert!(*view == of_ad(&photo.picture()).whole);
}
