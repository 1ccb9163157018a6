//! Pictures seen askew: the map onto four corners, and the colour between pixels.

use image::{Rgb, RgbImage};

/// The projective map of the unit square onto four corners, clockwise from the top left (Heckbert, Fundamentals
/// of Texture Mapping, 1989); none if they lie on one line or are no numbers.
pub fn projection([a, b, c, d]: [(f32, f32); 4]) -> Option<impl Fn(f32, f32) -> (f32, f32)> {
    let (dx1, dy1) = (b.0 - c.0, b.1 - c.1);
    let (dx2, dy2) = (d.0 - c.0, d.1 - c.1);
    let (dx3, dy3) = (a.0 - b.0 + c.0 - d.0, a.1 - b.1 + c.1 - d.1);
    let under = dx1 * dy2 - dx2 * dy1;
    if under.abs() < 1e-6 {
        return None;
    }
    let g = (dx3 * dy2 - dx2 * dy3) / under;
    let k = (dx1 * dy3 - dx3 * dy1) / under;
    if !(g.is_finite() && k.is_finite()) {
        return None;
    }
    Some(move |u: f32, v: f32| {
        let depth = g * u + k * v + 1.0;
        let x = (b.0 - a.0 + g * b.0) * u + (d.0 - a.0 + k * d.0) * v + a.0;
        let y = (b.1 - a.1 + g * b.1) * u + (d.1 - a.1 + k * d.1) * v + a.1;
        (x / depth, y / depth)
    })
}

/// The colour at a place in pixels, between the nearest four of them; none outside the picture.
pub fn sample(picture: &RgbImage, (x, y): (f32, f32)) -> Option<Rgb<u8>> {
    let (w, h) = picture.dimensions();
    if !(0.0..w as f32).contains(&x) || !(0.0..h as f32).contains(&y) {
        return None;
    }
    let (x, y) = ((x - 0.5).max(0.0), (y - 0.5).max(0.0));
    let (left, top) = ((x as u32).min(w - 1), (y as u32).min(h - 1));
    let (right, low) = ((left + 1).min(w - 1), (top + 1).min(h - 1));
    let (u, v) = (x - left as f32, y - top as f32);
    let mixed = |channel: usize| {
        let at = |x, y| f32::from(picture.get_pixel(x, y).0[channel]);
        let above = at(left, top) * (1.0 - u) + at(right, top) * u;
        let below = at(left, low) * (1.0 - u) + at(right, low) * u;
        (above * (1.0 - v) + below * v).round() as u8
    };
    Some(Rgb([mixed(0), mixed(1), mixed(2)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projection_meets_its_corners() {
        let quad = [(3.0, 5.0), (90.0, 2.0), (80.0, 70.0), (10.0, 60.0)];
        let map = projection(quad).expect("four corners");
        for ((u, v), (x, y)) in [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
            .into_iter()
            .zip(quad)
        {
            let (px, py) = map(u, v);
            assert!((px - x).abs() + (py - y).abs() < 1e-3);
        }
    }

    #[test]
    fn corners_on_one_line_have_no_map() {
        for quad in [
            [(0.1, 0.1); 4],
            [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0)],
        ] {
            assert!(projection(quad).is_none());
        }
        assert!(projection([(f32::NAN, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]).is_none());
    }

    #[test]
    fn there_is_no_colour_outside() {
        let picture = RgbImage::from_pixel(3, 2, Rgb([9, 8, 7]));
        assert_eq!(sample(&picture, (2.9, 1.9)), Some(Rgb([9, 8, 7])));
        for at in [(3.0, 1.0), (-0.1, 1.0), (1.0, f32::NAN)] {
            assert_eq!(sample(&picture, at), None);
        }
    }
}
