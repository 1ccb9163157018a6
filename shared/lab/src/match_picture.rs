//! A match as a picture, for a person to check by eye: the reference next to the ad, the outline of
//! the reference drawn in the ad, and places that both show joined by lines.

pub(crate) mod canvas;

use image::{Rgb, RgbImage};
use matching::Match;
use matching::local::Point;

use canvas::{Canvas, Size};

/// The two sides of a match and what there is to say of it.
pub struct DrawnPair<'a> {
    /// The reference's pixels, upright.
    pub reference: &'a RgbImage,
    /// The ad's, upright.
    pub ad: &'a RgbImage,
    /// The names of the two.
    pub names: [&'a str; 2],
    /// What was found.
    pub found: &'a Match,
    /// Places that both show.
    pub points: &'a [Point],
}

/// The box that each side is fitted into, in pixels: both fit on a screen side by side, whatever
/// the pictures' own sizes.
const REFERENCE_BOX: (u32, u32) = (520, 720);
const AD_BOX: (u32, u32) = (760, 720);
/// Sides below this are enlarged, so that lines do not cover a thumbnail.
const SIDE_MIN: u32 = 240;
/// White between and around things.
const GAP: u32 = 24;
/// Room above the pictures for the caption.
const HEAD: u32 = 84;
/// Most places joined: more lines hide what they join.
const POINTS_MAX: usize = 24;

const WHITE: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([24, 24, 32]);
const FAINT: Rgb<u8> = Rgb([100, 100, 112]);
const OUTLINE: Rgb<u8> = Rgb([255, 40, 130]);
const HALO: Rgb<u8> = Rgb([255, 255, 255]);
/// Colours of joined places, told apart by people who see red and green alike (Okabe and Ito).
const JOINED: [Rgb<u8>; 6] = [
    Rgb([230, 159, 0]),
    Rgb([86, 180, 233]),
    Rgb([0, 158, 115]),
    Rgb([240, 228, 66]),
    Rgb([0, 114, 178]),
    Rgb([213, 94, 0]),
];

/// The picture that explains a match, at most 1,352 x 852 pixels.
pub fn picture(pair: &DrawnPair<'_>) -> RgbImage {
    let reference = fitted(pair.reference, REFERENCE_BOX);
    let ad = fitted(pair.ad, AD_BOX);
    let height = reference.height().max(ad.height());
    let frames = [
        Frame::of(GAP, HEAD, &reference),
        Frame::of(2 * GAP + reference.width(), HEAD, &ad),
    ];
    let width = (frames[1].left + ad.width() + GAP).max(AD_BOX.0);
    let mut canvas = Canvas::new(width, HEAD + height + GAP, WHITE);
    canvas.place(&reference, frames[0].left, HEAD);
    canvas.place(&ad, frames[1].left, HEAD);
    caption(&mut canvas, pair, &frames);
    outline(&mut canvas, pair.found, &frames);
    join(&mut canvas, pair.points, &frames);
    canvas.into_picture()
}

/// Where a side lies on the canvas.
struct Frame {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Frame {
    fn of(left: u32, top: u32, picture: &RgbImage) -> Self {
        let (width, height) = picture.dimensions();
        Self {
            left,
            top,
            width,
            height,
        }
    }

    /// A place on the canvas, from shares of the side's width and height.
    fn at(&self, (x, y): (f32, f32)) -> (f32, f32) {
        (
            self.left as f32 + x * self.width as f32,
            self.top as f32 + y * self.height as f32,
        )
    }
}

/// What was found, how sure, and which files.
fn caption(canvas: &mut Canvas, pair: &DrawnPair<'_>, frames: &[Frame; 2]) {
    let found = pair.found;
    let words = format!(
        "{}  {}  distance {} of 256  {}",
        found.level, found.method, found.distance_bits, found.edit
    );
    canvas.write(&words, (GAP, GAP / 2), Size::Large, INK);
    for (name, frame) in pair.names.iter().zip(frames) {
        let at = (frame.left, HEAD - GAP);
        let room_px = frame.width.max(SIDE_MIN);
        canvas.write(&canvas::shortened(name, room_px), at, Size::Small, FAINT);
    }
}

/// The reference's outline within the ad, its upper side doubled, as far as it lies within the ad.
fn outline(canvas: &mut Canvas, found: &Match, frames: &[Frame; 2]) {
    let Some(corners) = found.outline else {
        return;
    };
    let frame = &frames[1];
    canvas.clip(frame.left, frame.top, frame.width, frame.height);
    for (colour, px) in [(HALO, 6.0), (OUTLINE, 3.0)] {
        for side in 0..4 {
            let (a, b) = (corners[side], corners[(side + 1) % 4]);
            canvas.line(frame.at(kept(a)), frame.at(kept(b)), px, colour, 1.0);
        }
    }
    let (left, right) = (frame.at(kept(corners[0])), frame.at(kept(corners[1])));
    let (low_left, low_right) = (frame.at(kept(corners[3])), frame.at(kept(corners[2])));
    let towards =
        |a: (f32, f32), b: (f32, f32)| (a.0 + (b.0 - a.0) * 0.03, a.1 + (b.1 - a.1) * 0.03);
    canvas.line(
        towards(left, low_left),
        towards(right, low_right),
        2.0,
        OUTLINE,
        1.0,
    );
    canvas.clip_nothing();
}

/// A corner far outside the ad is moved to a hairsbreadth within its edge, so that its sides are
/// still seen where the reference fills the ad.
fn kept((x, y): (f32, f32)) -> (f32, f32) {
    let kept = |at: f32| at.clamp(-8.0, 9.0);
    let edge = |at: f32| {
        if (-0.02..=1.02).contains(&at) {
            at.clamp(0.003, 0.997)
        } else {
            at
        }
    };
    (edge(kept(x)), edge(kept(y)))
}

/// Lines between places that both sides show, spread over all that there are.
fn join(canvas: &mut Canvas, points: &[Point], frames: &[Frame; 2]) {
    let count = points.len().min(POINTS_MAX);
    for number in 0..count {
        let point = &points[number * points.len() / count];
        let colour = JOINED[number % JOINED.len()];
        let ends = [frames[0].at(point.reference), frames[1].at(point.ad)];
        canvas.line(ends[0], ends[1], 1.5, colour, 0.6);
        for end in ends {
            canvas.dot(end, 5.0, HALO);
            canvas.dot(end, 3.5, colour);
        }
    }
}

/// The picture at the size in which it fills a box, no larger than a thumbnail needs.
fn fitted(picture: &RgbImage, (width, height): (u32, u32)) -> RgbImage {
    let (w, h) = (f64::from(picture.width()), f64::from(picture.height()));
    let fits = (f64::from(width) / w).min(f64::from(height) / h);
    let enlarged = (f64::from(SIDE_MIN) / w.max(h)).max(1.0);
    let scale = fits.min(enlarged);
    let side = |px: f64, most: u32| ((px * scale).round() as u32).clamp(1, most);
    canvas::resized(picture, side(w, width), side(h, height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use matching::{Edit, Level, Method};

    fn found() -> Match {
        Match {
            level: Level::Alert,
            method: Method::Parts,
            distance_bits: 12,
            edit: Edit::default(),
            outline: Some([(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]),
        }
    }

    fn drawn(reference: &RgbImage, ad: &RgbImage, found: &Match) -> RgbImage {
        let point = Point {
            reference: (0.5, 0.5),
            ad: (0.5, 0.5),
        };
        picture(&DrawnPair {
            reference,
            ad,
            names: ["r.jpg", "a.jpg"],
            found,
            points: &[point],
        })
    }

    fn has(picture: &RgbImage, colour: Rgb<u8>) -> bool {
        picture.pixels().any(|pixel| *pixel == colour)
    }

    #[test]
    fn the_outline_and_joined_places_are_drawn() {
        let grey = RgbImage::from_pixel(400, 300, Rgb([120; 3]));
        let picture = drawn(&grey, &grey, &found());
        assert!(has(&picture, OUTLINE) && has(&picture, JOINED[0]));
        let unknown = Match {
            outline: None,
            ..found()
        };
        assert!(!has(&drawn(&grey, &grey, &unknown), OUTLINE));
    }

    #[test]
    fn the_outline_is_where_the_match_says() {
        let grey = RgbImage::from_pixel(400, 300, Rgb([120; 3]));
        let picture = drawn(&grey, &grey, &found());
        let ad_left = 2 * GAP + 400;
        assert_eq!(picture.get_pixel(ad_left + 100, HEAD + 200), &OUTLINE);
        assert_eq!(picture.get_pixel(ad_left + 50, HEAD + 30), &Rgb([120; 3]));
    }

    #[test]
    fn no_shape_of_picture_breaks_it_or_makes_it_large() {
        let shapes = [(1, 1), (16_000, 10), (10, 16_000), (3, 900)];
        let wild = Match {
            outline: Some([
                (f32::NAN, -1e9),
                (f32::INFINITY, 0.0),
                (1e9, 1e9),
                (0.0, 5.0),
            ]),
            ..found()
        };
        for (w, h) in shapes {
            let odd = RgbImage::from_pixel(w, h, Rgb([9; 3]));
            for found in [&found(), &wild] {
                let picture = drawn(&odd, &odd, found);
                assert!(
                    picture.width() <= 1_352 && picture.height() <= 852,
                    "{w} x {h}"
                );
            }
        }
    }
}
