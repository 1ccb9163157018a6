//! What an alignment says was done to the reference.

use features::fingerprint::Turn;

use super::affine::Affine;
use super::image_pair::{LocalAd, LocalReference};
use super::layout::{Layout, layout};
use super::verification::{self, Verification};
use crate::Edit;

/// Steps along a side by which shares of an area are counted.
const STEPS: u16 = 50;

/// Opposite sides of the outline that differ by this factor are seen askew: mere fits of upright
/// photos reach 1.08.
const ASKEW_RATIO: f32 = 1.12;

/// The edit that makes the ad of the reference.
pub(super) fn of(reference: &LocalReference, ad: &LocalAd, verification: &Verification) -> Edit {
    let map = &verification.affine;
    let (w, h) = reference.size;
    let centre = (w / 2.0, h / 2.0);
    // where the reference's upright points in the ad
    let (here, down) = (map.of(centre), map.of((centre.0, centre.1 + h / 4.0)));
    let (turn, tilt_degrees) = turned((down.0 - here.0, down.1 - here.1));
    let shape = shape(reference, ad, map);
    let layout = around(reference, ad, verification);
    Edit {
        mirrored: map.area(centre) < 0.0,
        turn,
        negative: verification.negative,
        border_removed: false,
        crop_percent: 100 - visible_percent(reference, ad, map, layout.own),
        tilt_degrees,
        share_percent: share_percent(&outline(reference, ad, map), layout.own),
        stretch_percent: shape.stretch_percent,
        perspective: shape.perspective,
        surroundings: layout.surroundings,
    }
}

/// What the ad shows around the reference.
fn around(reference: &LocalReference, ad: &LocalAd, verification: &Verification) -> Layout {
    let places = verification::agreeing(reference, ad, verification);
    let shares = |place| {
        let (x, y) = verification.affine.of(place);
        (x / ad.size.0, y / ad.size.1)
    };
    let places: Vec<_> = places.into_iter().map(shares).collect();
    layout(
        &ad.picture(),
        &outline(reference, ad, &verification.affine),
        &places,
    )
}

/// How the outline's sides relate.
struct Shape {
    stretch_percent: i8,
    perspective: bool,
}

fn shape(reference: &LocalReference, ad: &LocalAd, map: &Affine) -> Shape {
    let (w, h) = reference.size;
    let corners = outline(reference, ad, map).map(|(x, y)| (x * ad.size.0, y * ad.size.1));
    let side = |i: usize| {
        let (a, b) = (corners[i], corners[(i + 1) % 4]);
        (b.0 - a.0).hypot(b.1 - a.1).max(1e-3)
    };
    let (top, right, bottom, left) = (side(0), side(1), side(2), side(3));
    let ratio = ((top + bottom) / w) / ((left + right) / h);
    let stretch = match ratio >= 1.0 {
        true => ratio - 1.0,
        false => 1.0 - 1.0 / ratio,
    };
    let apart = |a: f32, b: f32| (a / b).max(b / a);
    Shape {
        stretch_percent: (100.0 * stretch).round().clamp(-127.0, 127.0) as i8,
        perspective: apart(top, bottom).max(apart(left, right)) >= ASKEW_RATIO,
    }
}

/// The reference's corners within the ad, clockwise from its top left, in shares of the ad.
pub(super) fn outline(reference: &LocalReference, ad: &LocalAd, map: &Affine) -> [(f32, f32); 4] {
    let (w, h) = reference.size;
    [(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)].map(|corner| {
        let (x, y) = map.of(corner);
        (x / ad.size.0, y / ad.size.1)
    })
}

/// Quarter turns clockwise, and what is left in degrees, of a picture whose bottom lies there.
fn turned((x, y): (f32, f32)) -> (Turn, i8) {
    let degrees = (-x).atan2(y).to_degrees();
    let quarters = (degrees / 90.0).round();
    let turn = Turn::ALL[(quarters as i32).rem_euclid(4) as usize];
    (turn, (degrees - 90.0 * quarters).round() as i8)
}

/// A part of the ad: its top left and bottom right, in shares of the ad's sides.
type Part = ((f32, f32), (f32, f32));

/// How much of the reference lies within a part of the ad.
fn visible_percent(reference: &LocalReference, ad: &LocalAd, map: &Affine, (from, to): Part) -> u8 {
    let (w, h) = reference.size;
    percent(|x, y| {
        let (u, v) = map.of((x * w, y * h));
        let (u, v) = (u / ad.size.0, v / ad.size.1);
        // half a percent of slack: a border of a pixel is no crop
        let within = |at: f32, from: f32, to: f32| at >= from - 0.005 && at <= to + 0.005;
        within(u, from.0, to.0) && within(v, from.1, to.1)
    })
}

/// How much of the ad an outline fills within its part.
fn share_percent(quad: &[(f32, f32); 4], (from, to): Part) -> u8 {
    let side = |a: (f32, f32), b: (f32, f32), x: f32, y: f32| {
        (b.0 - a.0) * (y - a.1) - (b.1 - a.1) * (x - a.0)
    };
    percent(|x, y| {
        let own = (from.0..to.0).contains(&x) && (from.1..to.1).contains(&y);
        let sides: [f32; 4] = std::array::from_fn(|i| side(quad[i], quad[(i + 1) % 4], x, y));
        own && (sides.iter().all(|s| *s >= 0.0) || sides.iter().all(|s| *s <= 0.0))
    })
}

/// The share of a unit square's places that `holds`.
fn percent(holds: impl Fn(f32, f32) -> bool) -> u8 {
    let at = |i: u16| (f32::from(i) + 0.5) / f32::from(STEPS);
    let held = (0..STEPS).flat_map(|y| (0..STEPS).map(move |x| (at(x), at(y))));
    let held = held.filter(|(x, y)| holds(*x, *y)).count();
    (held * 100 / (usize::from(STEPS) * usize::from(STEPS))) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottom_tells_the_turn() {
        let check = |bottom, expected| assert_eq!(turned(bottom), expected);
        check((0.0, 1.0), (Turn::None, 0));
        check((-1.0, 0.0), (Turn::Quarter, 0));
        check((0.0, -1.0), (Turn::Half, 0));
        check((1.0, 0.0), (Turn::ThreeQuarters, 0));
        check((-0.122, 0.993), (Turn::None, 7));
    }
}
