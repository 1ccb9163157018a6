//! Turning and bending pictures.

use image::{Rgb, RgbImage};

/// A picture turned clockwise, large enough to hold all of it, the corners filled.
pub(super) fn turned(picture: &RgbImage, degrees: f32, fill: [u8; 3]) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (w, h) = (picture.width() as f32, picture.height() as f32);
    let width = (w * cos.abs() + h * sin.abs()).round();
    let height = (w * sin.abs() + h * cos.abs()).round();
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let (dx, dy) = (x as f32 + 0.5 - width / 2.0, y as f32 + 0.5 - height / 2.0);
        let at = (w / 2.0 + cos * dx + sin * dy, h / 2.0 - sin * dx + cos * dy);
        sample(picture, at).unwrap_or(Rgb(fill))
    })
}

/// The part of a picture between four corners, clockwise from the top left, drawn to its size.
pub(super) fn from_quad(picture: &RgbImage, quad: [(f32, f32); 4]) -> RgbImage {
    let (w, h) = (picture.width() as f32, picture.height() as f32);
    let map = projection(quad);
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let at = map((x as f32 + 0.5) / w, (y as f32 + 0.5) / h);
        sample(picture, at).unwrap_or(Rgb([0; 3]))
    })
}

/// The projective map of the unit square onto four corners (Heckbert 1989).
fn projection([a, b, c, d]: [(f32, f32); 4]) -> impl Fn(f32, f32) -> (f32, f32) {
    let (dx1, dy1) = (b.0 - c.0, b.1 - c.1);
    let (dx2, dy2) = (d.0 - c.0, d.1 - c.1);
    let (dx3, dy3) = (a.0 - b.0 + c.0 - d.0, a.1 - b.1 + c.1 - d.1);
    let under = dx1 * dy2 - dx2 * dy1;
    let g = (dx3 * dy2 - dx2 * dy3) / under;
    let k = (dx1 * dy3 - dx3 * dy1) / under;
    move |u, v| {
        let depth = g * u + k * v + 1.0;
        let x = (b.0 - a.0 + g * b.0) * u + (d.0 - a.0 + k * d.0) * v + a.0;
        let y = (b.1 - a.1 + g * b.1) * u + (d.1 - a.1 + k * d.1) * v + a.1;
        (x / depth, y / depth)
    }
}

/// The colour at a place, between the nearest four pixels; none outside the picture.
fn sample(picture: &RgbImage, (x, y): (f32, f32)) -> Option<Rgb<u8>> {
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
        let map = projection(quad);
        for ((u, v), (x, y)) in [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
            .into_iter()
            .zip(quad)
        {
            let (px, py) = map(u, v);
            assert!((px - x).abs() + (py - y).abs() < 1e-3);
        }
    }

    #[test]
    fn a_quarter_turn_is_exact() {
        let picture = RgbImage::from_fn(9, 5, |x, y| Rgb([x as u8 * 20, y as u8 * 40, 7]));
        let quarter = image::imageops::rotate90(&picture);
        assert_eq!(turned(&picture, 90.0, [0; 3]), quarter);
    }
}
