//! Lines, dots and letters on a picture.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

/// A picture under construction.
pub(crate) struct Canvas {
    picture: RgbImage,
    /// Left, top, right, bottom: nothing is drawn outside.
    bounds: [u32; 4],
}

/// Sizes of writing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

impl Size {
    fn raster(self) -> RasterHeight {
        match self {
            Self::Small => RasterHeight::Size16,
            Self::Large => RasterHeight::Size24,
        }
    }
}

impl Canvas {
    pub fn new(width: u32, height: u32, ground: Rgb<u8>) -> Self {
        Self {
            picture: RgbImage::from_pixel(width, height, ground),
            bounds: [0, 0, width, height],
        }
    }

    pub fn into_picture(self) -> RgbImage {
        self.picture
    }

    pub fn place(&mut self, picture: &RgbImage, left: u32, top: u32) {
        imageops::replace(&mut self.picture, picture, left.into(), top.into());
    }

    /// Lines and dots stay within these bounds from now on.
    pub fn clip(&mut self, left: u32, top: u32, width: u32, height: u32) {
        self.bounds = [left, top, left + width, top + height];
    }

    pub fn clip_nothing(&mut self) {
        let (width, height) = self.picture.dimensions();
        self.bounds = [0, 0, width, height];
    }

    /// A line `px` wide, mixed with what is below it by `strength`, 0 to 1. What is not a number
    /// draws nothing.
    pub fn line(&mut self, a: (f32, f32), b: (f32, f32), px: f32, colour: Rgb<u8>, strength: f32) {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = dx.hypot(dy);
        if !length.is_finite() || length < 1e-3 {
            return;
        }
        let is_flat = dx.abs() >= dy.abs();
        let (steep, start) = match is_flat {
            true => (dy / dx, a),
            false => (dx / dy, (a.1, a.0)),
        };
        let [left, top, right, bottom] = self.bounds;
        let (from, to) = if is_flat {
            (left, right)
        } else {
            (top, bottom)
        };
        let (low, high) = if is_flat {
            (a.0.min(b.0), a.0.max(b.0))
        } else {
            (a.1.min(b.1), a.1.max(b.1))
        };
        let along = (low.max(from as f32) as u32)..(high.min(to as f32).max(0.0) as u32);
        let slant = (1.0 + steep * steep).sqrt();
        let half = px / 2.0 * slant;
        for at in along {
            let middle = start.1 + (at as f32 + 0.5 - start.0) * steep;
            let across = (middle - half - 1.0).floor() as i64..=(middle + half + 1.0).ceil() as i64;
            for across in across {
                let off = (across as f32 + 0.5 - middle).abs() / slant;
                let cover = (px / 2.0 + 0.5 - off).clamp(0.0, 1.0) * strength;
                let (x, y) = if is_flat {
                    (at.into(), across)
                } else {
                    (across, at.into())
                };
                self.mix(x, y, colour, cover);
            }
        }
    }

    /// A disc.
    pub fn dot(&mut self, (x, y): (f32, f32), radius_px: f32, colour: Rgb<u8>) {
        let (width, height) = self.picture.dimensions();
        if !((0.0..width as f32).contains(&x) && (0.0..height as f32).contains(&y)) {
            return;
        }
        let reach = radius_px.ceil() as i64 + 1;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let (px, py) = (x as i64 + dx, y as i64 + dy);
                let off = (px as f32 + 0.5 - x).hypot(py as f32 + 0.5 - y);
                self.mix(px, py, colour, (radius_px + 0.5 - off).clamp(0.0, 1.0));
            }
        }
    }

    /// Writes a line from its top left on, as far as there is room.
    pub fn write(&mut self, words: &str, (left, top): (u32, u32), size: Size, ink: Rgb<u8>) {
        let mut at = i64::from(left);
        for letter in words.chars() {
            let drawn = get_raster(letter, FontWeight::Regular, size.raster())
                .or_else(|| get_raster('?', FontWeight::Regular, size.raster()));
            let Some(drawn) = drawn else { continue };
            for (y, row) in (i64::from(top)..).zip(drawn.rows()) {
                for (x, cover) in (at..).zip(row) {
                    self.mix(x, y, ink, f32::from(*cover) / 255.0);
                }
            }
            at += drawn.width() as i64;
        }
    }

    fn mix(&mut self, x: i64, y: i64, colour: Rgb<u8>, share: f32) {
        let [left, top, right, bottom] = self.bounds.map(i64::from);
        if share <= 0.0 || !(left..right).contains(&x) || !(top..bottom).contains(&y) {
            return;
        }
        let pixel = self.picture.get_pixel_mut(x as u32, y as u32);
        for (own, new) in pixel.0.iter_mut().zip(colour.0) {
            let mixed = f32::from(*own) * (1.0 - share) + f32::from(new) * share;
            *own = mixed.round() as u8;
        }
    }
}

/// A name that fits into so many pixels in small writing: the end tells files apart, so the middle
/// goes.
pub(crate) fn shortened(name: &str, room_px: u32) -> String {
    let letter_px = get_raster_width(FontWeight::Regular, Size::Small.raster());
    let room = (room_px as usize / letter_px).max(8);
    let dead_letters: Vec<char> = name.chars().collect();
    if dead_letters.len() <= room {
        return name.to_owned();
    }
    let (head, tail) = (room / 2 - 2, room - room / 2 - 1);
    let (head, tail) = (
        &dead_letters[..head],
        &dead_letters[dead_letters.len() - tail..],
    );
    head.iter().chain(&['.'; 3]).chain(tail).collect()
}

/// The picture at another size. A picture much larger is thinned out first: a filter over 60
/// megapixels would take seconds, and its blur would not be seen.
pub(crate) fn resized(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    if picture.dimensions() == (width, height) {
        return picture.clone();
    }
    let thinned = imageops::thumbnail(
        picture,
        picture.width().min(4 * width),
        picture.height().min(4 * height),
    );
    imageops::resize(&thinned, width, height, FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_ends() {
        let letter_px = get_raster_width(FontWeight::Regular, Size::Small.raster());
        assert_eq!(shortened("short.jpg", 400), "short.jpg");
        let long = "a-very-long-name-of-a-scraped-picture-0001.jpg";
        let short = shortened(long, 200);
        let ends = short.starts_with("a-very") && short.ends_with("0001.jpg");
        assert!(ends && short.contains("..."), "{short}");
        assert!(short.chars().count() * letter_px <= 200, "{short}");
    }

    #[test]
    fn letters_of_any_script_take_a_place_each() {
        let mut canvas = Canvas::new(200, 24, Rgb([255; 3]));
        canvas.write("aé漢", (0, 0), Size::Small, Rgb([0; 3]));
        let column = |from: u32| {
            let picture = &canvas.picture;
            (from..from + 8).any(|x| (0..16).any(|y| picture.get_pixel(x, y).0[0] < 128))
        };
        let width = get_raster_width(FontWeight::Regular, RasterHeight::Size16) as u32;
        assert!(column(0) && column(width) && column(2 * width) && !column(3 * width + 2));
    }
}
