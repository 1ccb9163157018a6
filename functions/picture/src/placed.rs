//! The whole ad, veiled: only what lies within the outline can be recognised.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use records::{NoPicture, Outline};

use crate::{seen, warp};

/// The longest side of the veil's picture in pixels: what is left of a face has two pixels.
const VEIL_PX: u32 = 12;

/// The ad at a small size, grey and blurred but for what lies within the outline.
pub(crate) fn veiled(ad: &RgbImage, outline: Outline, side_px: u32) -> Result<RgbImage, NoPicture> {
    warp::in_pixels(ad, outline)?;
    let shown = seen::fitted(ad, side_px);
    let quad = warp::in_pixels(&shown, outline).unwrap_or_default();
    let mut veil = veil(&shown);
    for (x, y, pixel) in veil.enumerate_pixels_mut() {
        if holds(quad, (x as f32 + 0.5, y as f32 + 0.5)) {
            *pixel = *shown.get_pixel(x, y);
        }
    }
    Ok(veil)
}

/// A picture of a few pixels in grey, drawn large.
fn veil(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (few_wide, few_high) = seen::fitting((width, height), VEIL_PX);
    let few = imageops::resize(picture, few_wide, few_high, FilterType::Triangle);
    let grey = RgbImage::from_fn(few_wide, few_high, |x, y| {
        let Rgb([r, g, b]) = *few.get_pixel(x, y);
        let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
        Rgb([u8::try_from(mean).unwrap_or(u8::MAX); 3])
    });
    imageops::resize(&grey, width, height, FilterType::Triangle)
}

/// Whether a place lies within a quadrilateral, whichever way round its corners run (even-odd rule).
fn holds(quad: [(f32, f32); 4], (x, y): (f32, f32)) -> bool {
    let sides = quad.iter().zip(quad.iter().cycle().skip(1));
    let crossed = sides.filter(|(a, b)| {
        let straddles = (a.1 > y) != (b.1 > y);
        straddles && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0
    });
    crossed.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_the_outline_nothing_can_be_recognised() {
        let stripes =
            RgbImage::from_fn(320, 240, |x, _| Rgb([if x % 2 == 0 { 255 } else { 0 }; 3]));
        let outline = [(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)];
        let veiled = veiled(&stripes, outline, 640).expect("a picture");
        let contrast = |from: u32| {
            let row: Vec<u8> = (from..from + 100)
                .map(|x| veiled.get_pixel(x, 99).0[0])
                .collect();
            row.iter().max().zip(row.iter().min()).map(|(a, b)| a - b)
        };
        assert!(contrast(20) < Some(20), "veiled");
        assert_eq!(contrast(200), Some(255), "shown");
    }

    #[test]
    fn a_mirrored_outline_holds_the_same_places() {
        let quad = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)];
        let mirrored = [quad[1], quad[0], quad[3], quad[2]];
        for at in [(5.0, 5.0), (11.0, 5.0), (-1.0, 2.0)] {
            assert_eq!(holds(quad, at), holds(mirrored, at));
        }
        assert!(holds(mirrored, (5.0, 5.0)));
    }
}
