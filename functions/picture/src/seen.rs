//! Decoded pixels as a person sees them: upright, in colour, small.

use image::imageops::{self, FilterType};
use image::{GrayImage, RgbImage};
use photo::{Photo, Pixels};
use records::NoPicture;

/// The picture upright, as RGB.
pub(crate) fn upright(photo: Photo) -> Result<RgbImage, NoPicture> {
    let photo = photo.upright();
    let (width, height) = (photo.width_px, photo.height_px);
    let rgb = match photo.pixels {
        Pixels::Rgb(rgb) => RgbImage::from_raw(width, height, rgb),
        Pixels::Luma(luma) => {
            let grey = GrayImage::from_raw(width, height, luma);
            grey.map(|grey| image::DynamicImage::ImageLuma8(grey).into_rgb8())
        }
    };
    rgb.ok_or(NoPicture::Unreadable)
}

/// The picture with no side longer than `side_px`; a smaller one stays as it is.
pub(crate) fn fitted(picture: &RgbImage, side_px: u32) -> RgbImage {
    let (width, height) = fitting((picture.width(), picture.height()), side_px);
    if (width, height) == picture.dimensions() {
        return picture.clone();
    }
    imageops::resize(picture, width, height, FilterType::Triangle)
}

/// Width and height at which no side is longer than `side_px` and none is 0.
pub(crate) fn fitting((width, height): (u32, u32), side_px: u32) -> (u32, u32) {
    let longest = width.max(height).max(1);
    let fit = |px: u32| match longest > side_px {
        true => {
            let px = u64::from(px) * u64::from(side_px) / u64::from(longest);
            u32::try_from(px).unwrap_or(side_px).max(1)
        }
        false => px.max(1),
    };
    (fit(width), fit(height))
}
