//! The kinds of edits that recall is measured on, in groups.

use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};

use super::edits::{
    EditContext, askew, captioned, collage, covered, cropped, framed, grey, inset, noisy, scaled,
    screenshot, toned,
};
use super::warp::turned;
use crate::rng::Rng;

/// One edit of one photo.
pub(super) struct Kind {
    /// The group that it counts in.
    pub group: &'static str,
    /// Its name within the group.
    pub name: &'static str,
    make: fn(&RgbImage, &mut EditContext<'_>) -> RgbImage,
    quality: u8,
}

/// Quality of the JPEG files, unless it is what the edit is about: what sites save at.
const QUALITY: u8 = 82;
/// What the corners of a tilted photo are filled with.
const CORNERS: [u8; 3] = [90, 120, 60];

impl Kind {
    /// The edited photo as a JPEG file; a function of the photo, its name, the kind and the seed.
    ///
    /// # Errors
    /// When it cannot be encoded, as a picture with a side over 65,535 px cannot.
    pub fn of(
        &self,
        photo: &RgbImage,
        name: &str,
        seed: u64,
        others: &[RgbImage],
    ) -> image::ImageResult<Vec<u8>> {
        let mut means = EditContext {
            rng: Rng::new(seed, &format!("{name}|{}|{}", self.group, self.name)),
            others,
        };
        let made = (self.make)(photo, &mut means);
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, self.quality).encode_image(&made)?;
        Ok(bytes)
    }
}

const fn kind(
    group: &'static str,
    name: &'static str,
    make: fn(&RgbImage, &mut EditContext<'_>) -> RgbImage,
) -> Kind {
    Kind {
        group,
        name,
        make,
        quality: QUALITY,
    }
}

const fn saved_at(quality: u8, name: &'static str) -> Kind {
    Kind {
        group: "encoding",
        name,
        make: |p, _| p.clone(),
        quality,
    }
}

/// Every kind. None of the policy's thresholds was chosen on them.
pub(super) const KINDS: [Kind; 40] = [
    saved_at(20, "q20"),
    saved_at(75, "q75"),
    kind("scale", "35", |p, _| scaled(p, 0.35, 0.35)),
    kind("scale", "140", |p, _| scaled(p, 1.4, 1.4)),
    kind("aspect", "wide", |p, _| scaled(p, 1.2, 0.85)),
    kind("aspect", "high", |p, _| scaled(p, 0.75, 1.1)),
    kind("crop", "20", |p, m| cropped(p, 0.2, m)),
    kind("crop", "35", |p, m| cropped(p, 0.35, m)),
    kind("crop", "48", |p, m| cropped(p, 0.48, m)),
    kind("crophard", "65", |p, m| cropped(p, 0.65, m)),
    kind("frame", "border 8", |p, _| framed(p, 0.08, [200, 30, 60])),
    kind("frame", "border 20", |p, _| framed(p, 0.2, [10; 3])),
    kind("flip", "mirror", |p, _| imageops::flip_horizontal(p)),
    kind("flip", "quarter", |p, _| imageops::rotate90(p)),
    kind("flip", "upside", |p, _| imageops::flip_vertical(p)),
    kind("rotate", "7", |p, _| turned(p, 7.0, CORNERS)),
    kind("rotate", "-12", |p, _| turned(p, -12.0, CORNERS)),
    kind("rotate", "22", |p, _| turned(p, 22.0, CORNERS)),
    kind("colour", "dark", |p, _| toned(p, |v| v * 0.5)),
    kind("colour", "pale", |p, _| {
        toned(p, |v| 128.0 + (v - 128.0) * 0.6)
    }),
    kind("colour", "grey", |p, _| grey(p)),
    kind("colour", "posters", |p, _| {
        toned(p, |v| (v / 32.0).floor() * 36.0)
    }),
    kind("invert", "invert", |p, _| toned(p, |v| 255.0 - v)),
    kind("degrade", "blur", |p, _| {
        imageops::blur(p, p.width().min(p.height()) as f32 / 100.0)
    }),
    kind("degrade", "noise", |p, m| noisy(p, 14.0, m)),
    kind("degrade", "sharp", |p, _| imageops::unsharpen(p, 3.0, 2)),
    kind("overlay", "caption", captioned),
    kind("overlay", "box 12", |p, m| covered(p, 0.12, 1, m)),
    kind("overlay", "boxes 18", |p, m| covered(p, 0.18, 4, m)),
    kind("perspective", "6", |p, m| askew(p, 0.06, m)),
    kind("perspective", "14", |p, m| askew(p, 0.14, m)),
    kind("screenshot", "page", screenshot),
    kind("collage", "2x1", |p, m| collage(p, 2, 1, m)),
    kind("collage", "2x2", |p, m| collage(p, 2, 2, m)),
    kind("collage", "3x1", |p, m| collage(p, 3, 1, m)),
    kind("inset", "60", |p, m| inset(p, 0.6, m)),
    kind("inset", "40", |p, m| inset(p, 0.4, m)),
    kind("combo", "crop+mirror+caption", |p, m| {
        captioned(&imageops::flip_horizontal(&cropped(p, 0.25, m)), m)
    }),
    kind("combo", "rotate+border+grey", |p, _| {
        grey(&framed(&turned(p, 6.0, [255; 3]), 0.05, [255; 3]))
    }),
    kind("combo", "screenshot+scale", |p, m| {
        scaled(&screenshot(p, m), 0.5, 0.5)
    }),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use image::Rgb;

    fn drawn(seed: u32) -> RgbImage {
        RgbImage::from_fn(300, 220, |x, y| {
            let v = (x * (7 + seed) + y * y * (3 + seed)) / 11 % 256;
            Rgb([v as u8, (v / 2) as u8, (255 - v) as u8])
        })
    }

    #[test]
    fn every_kind_makes_the_same_picture_again_and_no_two_share_a_name() {
        let (photo, others) = (drawn(1), [drawn(2), drawn(3)]);
        let mut names = BTreeSet::new();
        for kind in &KINDS {
            let made = || kind.of(&photo, "a", 1, &others).expect("it can be encoded");
            assert_eq!(made(), made(), "{}", kind.name);
            assert!(names.insert((kind.group, kind.name)), "{}", kind.name);
        }
    }

    #[test]
    fn the_smallest_photo_can_be_edited_in_every_way() {
        let tiny = RgbImage::from_pixel(16, 16, Rgb([9, 80, 200]));
        for kind in &KINDS {
            kind.of(&tiny, "tiny", 2, std::slice::from_ref(&tiny))
                .expect(kind.name);
        }
    }
}
