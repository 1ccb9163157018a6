//! Simple drawing: frames, bands, and blocks that stand for writing.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use crate::rng::Rng;

/// `percent` of a length in pixels, at least 1.
pub(crate) fn share(length_px: u32, percent: u32) -> u32 {
    (u64::from(length_px) * u64::from(percent) / 100).clamp(1, u64::from(u32::MAX)) as u32
}

/// The photo at `percent` of its width and height.
pub(crate) fn scaled(photo: &RgbImage, percent: u32) -> RgbImage {
    let (width, height) = (
        share(photo.width(), percent),
        share(photo.height(), percent),
    );
    imageops::resize(photo, width, height, FilterType::Triangle)
}

/// The photo within a frame of `px` on each side.
pub(crate) fn framed(photo: &RgbImage, px: u32, colour: Rgb<u8>) -> RgbImage {
    let mut canvas = RgbImage::from_pixel(photo.width() + 2 * px, photo.height() + 2 * px, colour);
    imageops::replace(&mut canvas, photo, i64::from(px), i64::from(px));
    canvas
}

/// A band over the lowest `percent` of the picture, with two lines of blocks for writing.
pub(crate) fn captioned(photo: &RgbImage, percent: u32, rng: &mut Rng) -> RgbImage {
    let mut canvas = photo.clone();
    let (width, height) = canvas.dimensions();
    let band = share(height, percent);
    let (ground, ink) = (rng.colour(), Rgb([255, 255, 255]));
    fill(&mut canvas, [0, height - band, width, band], ground);
    let line = band / 5;
    for top in [height - band + line, height - band + 3 * line] {
        let mut left = share(width, 4);
        while left < share(width, 90) {
            let word = (line.max(1) * (1 + rng.below(5))).min(share(width, 96) - left);
            fill(&mut canvas, [left, top, word, line], ink);
            left += word + line.max(1);
        }
    }
    canvas
}

/// Pictures side by side, in rows of two, each filling a cell of `cell_px` squared.
pub(crate) fn collage(pictures: &[&RgbImage], cell_px: u32) -> RgbImage {
    const GAP_PX: u32 = 6;
    let rows = pictures.len().div_ceil(2) as u32;
    let side = |cells: u32| cells * (cell_px + GAP_PX) + GAP_PX;
    let mut canvas = RgbImage::from_pixel(side(2), side(rows), Rgb([255, 255, 255]));
    for (number, picture) in (0u32..).zip(pictures) {
        let fitted = fitted(picture, cell_px);
        let corner = |cell: u32, px: u32| i64::from(side(cell) + (cell_px - px) / 2);
        let (left, top) = (
            corner(number % 2, fitted.width()),
            corner(number / 2, fitted.height()),
        );
        imageops::replace(&mut canvas, &fitted, left, top);
    }
    canvas
}

/// The picture at the greatest size that fits into a square of `side_px`.
pub fn fitted(picture: &RgbImage, side_px: u32) -> RgbImage {
    let longest = picture.width().max(picture.height()).max(1);
    let fit = |px: u32| {
        let px = u64::from(px) * u64::from(side_px) / u64::from(longest);
        px.clamp(1, u64::from(side_px)) as u32
    };
    imageops::resize(
        picture,
        fit(picture.width()),
        fit(picture.height()),
        FilterType::Triangle,
    )
}

/// Warmer and brighter: red up, blue down.
pub(crate) fn warmed(photo: &RgbImage) -> RgbImage {
    let mut canvas = photo.clone();
    for Rgb([r, g, b]) in canvas.pixels_mut() {
        *r = r.saturating_add(30);
        *g = g.saturating_add(8);
        *b = b.saturating_sub(30);
    }
    canvas
}

fn fill(canvas: &mut RgbImage, [left, top, width, height]: [u32; 4], colour: Rgb<u8>) {
    let (right, bottom) = (
        canvas.width().min(left + width),
        canvas.height().min(top + height),
    );
    for y in top..bottom {
        for x in left..right {
            canvas.put_pixel(x, y, colour);
        }
    }
}
