//! The part of an ad that shows the reference, turned to lie as the reference does.

use image::{Rgb, RgbImage};
use photo::warp::{projection, sample};
use records::{NoPicture, Outline};

use crate::seen;

/// What is drawn where the ad shows nothing of the reference.
pub(crate) const OUTSIDE: Rgb<u8> = Rgb([96, 104, 108]);

/// Samples of a pixel along each side: fewer and a part that is made much smaller flickers.
const SAMPLES: u32 = 2;

/// An outline's corners in pixels of the ad.
pub(crate) fn in_pixels(ad: &RgbImage, outline: Outline) -> Result<[(f32, f32); 4], NoPicture> {
    let (width, height) = (ad.width() as f32, ad.height() as f32);
    let quad = outline.map(|(x, y)| (x * width, y * height));
    let is_far =
        |&(x, y): &(f32, f32)| !(x.is_finite() && y.is_finite()) || x.abs().max(y.abs()) > FAR_PX;
    match quad.iter().any(is_far) || area(quad).abs() < AREA_PX_MIN {
        true => Err(NoPicture::NoPlace),
        false => Ok(quad),
    }
}

/// No outline of a match lies further out: the longest side of a picture, sixteen times.
const FAR_PX: f32 = 1_048_576.0;

/// Less of an ad shows nothing to a person.
const AREA_PX_MIN: f32 = 16.0;

/// The signed area of a quadrilateral (the shoelace formula): negative if it is mirrored.
fn area(quad: [(f32, f32); 4]) -> f32 {
    let sides = quad.iter().zip(quad.iter().cycle().skip(1));
    sides.map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f32>() / 2.0
}

/// The part of an ad within an outline, in the frame of the reference.
pub(crate) fn part(
    ad: &RgbImage,
    outline: Outline,
    frame_px: Option<(u32, u32)>,
    side_px: u32,
) -> Result<RgbImage, NoPicture> {
    let quad = in_pixels(ad, outline)?;
    let (width, height) = frame(quad, frame_px, side_px);
    let map = projection(quad).ok_or(NoPicture::NoPlace)?;
    Ok(RgbImage::from_fn(width, height, |x, y| {
        pixel(ad, &map, (x, y), (width, height))
    }))
}

/// The mean of a few places of the ad that one pixel of the part covers.
fn pixel(
    ad: &RgbImage,
    map: &impl Fn(f32, f32) -> (f32, f32),
    (x, y): (u32, u32),
    (width, height): (u32, u32),
) -> Rgb<u8> {
    let mut sums = [0_u32; 3];
    for step in 0..SAMPLES * SAMPLES {
        let (right, down) = (step % SAMPLES, step / SAMPLES);
        let within = |at: u32, step: u32, side: u32| {
            (at as f32 + (step as f32 + 0.5) / SAMPLES as f32) / side as f32
        };
        let at = map(within(x, right, width), within(y, down, height));
        let Rgb(colour) = sample(ad, at).unwrap_or(OUTSIDE);
        for (sum, value) in sums.iter_mut().zip(colour) {
            *sum += u32::from(value);
        }
    }
    Rgb(sums.map(|sum| u8::try_from(sum / (SAMPLES * SAMPLES)).unwrap_or(u8::MAX)))
}

/// Width and height of the part: those of the reference, upright, within bounds. Its file says how
/// wide and high it is as stored; which of the two ways it stands the outline tells.
fn frame(quad: [(f32, f32); 4], frame_px: Option<(u32, u32)>, side_px: u32) -> (u32, u32) {
    let [a, b, c, d] = quad;
    let length = |p: (f32, f32), q: (f32, f32)| (p.0 - q.0).hypot(p.1 - q.1);
    let (wide, high) = (length(a, b) + length(d, c), length(a, d) + length(b, c));
    let seen = (wide / high.max(1.0)).max(1e-3).ln();
    let off = |(width, height): (u32, u32)| {
        let ratio = width.max(1) as f32 / height.max(1) as f32;
        (ratio.ln() - seen).abs()
    };
    let (width, height) = match frame_px {
        Some((w, h)) if off((h, w)) < off((w, h)) => (h, w),
        Some(size) => size,
        None => ((wide / 2.0).round() as u32, (high / 2.0).round() as u32),
    };
    let longest = width.max(height).max(1);
    let up = (side_px / longest).clamp(1, 4); // a small part is easier to see larger
    seen::fitting((width.max(1) * up, height.max(1) * up), side_px)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(width: u32, height: u32) -> RgbImage {
        let share = |at: u32, side: u32| u8::try_from(at * 255 / side).unwrap_or(u8::MAX);
        RgbImage::from_fn(width, height, |x, y| {
            Rgb([share(x, width), share(y, height), 7])
        })
    }

    #[track_caller]
    fn check(outline: Outline, at: (u32, u32), expected: [u8; 2]) {
        let ad = gradient(200, 100);
        let part = part(&ad, outline, Some((100, 50)), 100).expect("a part");
        assert_eq!(part.dimensions(), (100, 50));
        let Rgb([r, g, _]) = *part.get_pixel(at.0, at.1);
        let near = |a: u8, b: u8| a.abs_diff(b) < 6;
        assert!(near(r, expected[0]) && near(g, expected[1]), "{r} {g}");
    }

    #[test]
    fn a_part_lies_as_the_reference_does() {
        let quarter = [(0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0)];
        check(quarter, (0, 0), [128, 128]);
        check(quarter, (99, 49), [254, 254]);
        let mirrored = [(1.0, 0.0), (0.0, 0.0), (0.0, 1.0), (1.0, 1.0)];
        check(mirrored, (0, 0), [254, 0]);
        let upside_down = [(1.0, 1.0), (0.0, 1.0), (0.0, 0.0), (1.0, 0.0)];
        check(upside_down, (0, 0), [254, 254]);
    }

    #[test]
    fn what_lies_outside_the_ad_is_filled_and_says_so() {
        let ad = gradient(200, 100);
        let outline = [(-1.0, 0.0), (1.0, 0.0), (1.0, 1.0), (-1.0, 1.0)];
        let part = part(&ad, outline, None, 100).expect("a part");
        assert_eq!(*part.get_pixel(1, 1), OUTSIDE);
    }

    #[test]
    fn an_outline_that_is_none_has_no_part() {
        let ad = gradient(200, 100);
        for outline in [
            [(0.1, 0.1); 4],
            [(f32::NAN, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
            [(-1e9, 0.0), (1e9, 0.0), (1e9, 1.0), (-1e9, 1.0)],
        ] {
            let none = part(&ad, outline, None, 100);
            assert_eq!(none.err(), Some(NoPicture::NoPlace));
        }
    }

    #[test]
    fn a_reference_that_its_camera_stored_turned_is_framed_as_it_stands() {
        let high = [(0.0, 0.0), (50.0, 0.0), (50.0, 100.0), (0.0, 100.0)];
        assert_eq!(frame(high, Some((800, 400)), 400), (200, 400));
        assert_eq!(frame(high, Some((400, 800)), 400), (200, 400));
    }
}
