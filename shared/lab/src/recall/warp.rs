//! Turning and bending pictures.

use image::{Rgb, RgbImage};
use photo::warp::{projection, sample};

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
        let (u, v) = ((x as f32 + 0.5) / w, (y as f32 + 0.5) / h);
        let colour = map.as_ref().and_then(|map| sample(picture, map(u, v)));
        colour.unwrap_or(Rgb([0; 3]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_is_exact() {
        let picture = RgbImage::from_fn(9, 5, |x, y| Rgb([x as u8 * 20, y as u8 * 40, 7]));
        let quarter = image::imageops::rotate90(&picture);
        assert_eq!(turned(&picture, 90.0, [0; 3]), quarter);
    }
}
