//! Pictures that are really turned, mirrored, inverted and framed, by their pixels, are found
//! under the name of what was done to them.

use fingerprint::{Picture, of_ad, of_reference};
use matching::{Policy, compare};

/// Pixels of luma, row by row.
#[derive(Clone)]
struct Luma {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Luma {
    fn draw(width: usize, height: usize, pixel: impl Fn(usize, usize) -> u8) -> Self {
        let pixels = (0..width * height).map(|i| pixel(i % width, i / width));
        Self {
            width,
            height,
            pixels: pixels.collect(),
        }
    }

    fn at(&self, x: usize, y: usize) -> u8 {
        self.pixels[y * self.width + x]
    }

    fn picture(&self) -> Picture<'_> {
        Picture::luma(self.width, self.height, &self.pixels).expect("the pixels fill it")
    }

    fn mirrored(&self) -> Self {
        Self::draw(self.width, self.height, |x, y| {
            self.at(self.width - 1 - x, y)
        })
    }

    /// A quarter turn clockwise: the top row becomes the rightmost column.
    fn turned(&self) -> Self {
        Self::draw(self.height, self.width, |x, y| {
            self.at(y, self.height - 1 - x)
        })
    }

    fn negative(&self) -> Self {
        Self::draw(self.width, self.height, |x, y| 255 - self.at(x, y))
    }

    fn framed(&self, px: usize) -> Self {
        Self::draw(self.width + 2 * px, self.height + 2 * px, |x, y| {
            let inside = (px..px + self.width).contains(&x) && (px..px + self.height).contains(&y);
            if inside { self.at(x - px, y - px) } else { 255 }
        })
    }
}

/// Discs of many sizes and brightnesses: structure everywhere, and no symmetry.
fn drawn(seed: usize, width: usize, height: usize) -> Luma {
    let random = |i: usize| {
        let mixed = (seed * 97 + i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
    };
    let disc = |i: usize| {
        let [left, top, radius] = [
            random(4 * i) % width,
            random(4 * i + 1) % height,
            random(4 * i + 2),
        ];
        (left, top, (8 + radius % 70).pow(2), random(4 * i + 3) % 230)
    };
    let discs: Vec<_> = (0..40).map(disc).collect();
    Luma::draw(width, height, |x, y| {
        let covers = |(left, top, radius_squared, _): &&(usize, usize, usize, usize)| {
            left.abs_diff(x).pow(2) + top.abs_diff(y).pow(2) < *radius_squared
        };
        let base = discs
            .iter()
            .find(covers)
            .map_or(120, |(.., brightness)| *brightness);
        (base + (x * 5 + y * 3) % 13) as u8
    })
}

fn check(reference: &Luma, ad: &Luma, expected: &str) {
    let reference = of_reference(&reference.picture());
    let found = compare(&reference, &of_ad(&ad.picture()), &Policy::default());
    let edit = found.map(|found| found.edit.to_string());
    assert_eq!(edit.as_deref(), Some(expected));
}

#[test]
fn an_ad_is_named_by_what_was_done_to_the_reference() {
    for seed in 0..2 {
        let photo = drawn(seed, 300, 220);
        let quarter = photo.turned();
        let half = quarter.turned();
        let three_quarters = half.turned();
        check(&photo, &photo, "as is");
        check(&photo, &quarter, "turned 90");
        check(&photo, &half, "turned 180");
        check(&photo, &three_quarters, "turned 270");
        check(&photo, &photo.mirrored(), "mirrored");
        check(&photo, &photo.mirrored().turned(), "mirrored, turned 90");
        check(
            &photo,
            &photo.mirrored().turned().turned(),
            "mirrored, turned 180",
        );
        check(
            &photo,
            &photo.mirrored().turned().turned().turned(),
            "mirrored, turned 270",
        );
        check(&photo, &photo.negative(), "negative");
        check(&photo, &quarter.negative(), "turned 90, negative");
        check(&photo, &photo.framed(24), "framed");
        check(&photo, &quarter.framed(24), "turned 90, framed");
        check(&photo.framed(24), &photo.mirrored(), "mirrored, crop 27%");
        check(&photo.framed(24), &photo.framed(24), "as is");
    }
}

#[test]
fn different_pictures_do_not_match() {
    let references: Vec<_> = (0..6)
        .map(|seed| of_reference(&drawn(seed, 240, 200).picture()))
        .collect();
    for seed in 100..106 {
        let ad = of_ad(&drawn(seed, 240, 200).picture());
        assert!(
            references
                .iter()
                .all(|r| compare(r, &ad, &Policy::default()).is_none())
        );
    }
}
