//! What an alignment says was done to the reference.

use records::fingerprint::Turn;

use super::map::Map;
use super::proof::Proof;
use super::sides::{Ad, Reference};
use crate::Edit;

/// Steps along a side by which shares of an area are counted.
const STEPS: u16 = 50;

/// The edit that makes the ad of the reference.
pub(super) fn of(reference: &Reference, ad: &Ad, proof: &Proof) -> Edit {
    let (w, h) = reference.size;
    let centre = (w / 2.0, h / 2.0);
    let mirrored = proof.map.area(centre) < 0.0;
    // where the reference's upright points in the ad
    let (here, down) = (
        proof.map.of(centre),
        proof.map.of((centre.0, centre.1 + h / 4.0)),
    );
    let (turn, tilt_degrees) = turned((down.0 - here.0, down.1 - here.1));
    Edit {
        mirrored,
        turn,
        negative: proof.negative,
        border_removed: false,
        crop_percent: 100 - visible_percent(reference, ad, &proof.map),
        tilt_degrees,
        share_percent: share_percent(reference, ad, &proof.map),
    }
}

/// The reference's corners within the ad, clockwise from its top left, in shares of the ad.
pub(super) fn outline(reference: &Reference, ad: &Ad, map: &Map) -> [(f32, f32); 4] {
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

/// How much of the reference lies within the ad.
fn visible_percent(reference: &Reference, ad: &Ad, map: &Map) -> u8 {
    let (w, h) = reference.size;
    percent(|x, y| {
        let (u, v) = map.of((x * w, y * h));
        // half a percent of slack: a border of a pixel is no crop
        let within = |at: f32, side: f32| at >= -0.005 * side && at <= 1.005 * side;
        within(u, ad.size.0) && within(v, ad.size.1)
    })
}

/// How much of the ad the reference fills.
fn share_percent(reference: &Reference, ad: &Ad, map: &Map) -> u8 {
    let quad = outline(reference, ad, map);
    let side = |a: (f32, f32), b: (f32, f32), x: f32, y: f32| {
        (b.0 - a.0) * (y - a.1) - (b.1 - a.1) * (x - a.0)
    };
    percent(|x, y| {
        let sides: [f32; 4] = std::array::from_fn(|i| side(quad[i], quad[(i + 1) % 4], x, y));
        sides.iter().all(|s| *s >= 0.0) || sides.iter().all(|s| *s <= 0.0)
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
