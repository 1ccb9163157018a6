//! Edits as advertisers make them, each a function of the photo, some random numbers and other photos: the
//! same input gives the same pixels.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::warp;
use crate::match_picture::canvas::{Canvas, Size};
use crate::rng::Rng;

/// What an edit may use in addition to the photo.
pub(super) struct EditContext<'a> {
    pub rng: Rng,
    /// Photos that are no references, for collages and backgrounds. Never empty.
    pub others: &'a [RgbImage],
}

impl EditContext<'_> {
    pub fn other(&mut self) -> &RgbImage {
        let count = u32::try_from(self.others.len()).unwrap_or(u32::MAX);
        &self.others[self.rng.below(count) as usize]
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.rng.below(10_000) as f32 / 10_000.0
    }
}

fn px(length: u32, share: f32) -> u32 {
    ((length as f32 * share).round() as u32).max(1)
}

pub(super) fn scaled(photo: &RgbImage, x: f32, y: f32) -> RgbImage {
    let (width, height) = (px(photo.width(), x).max(16), px(photo.height(), y).max(16));
    imageops::resize(photo, width, height, FilterType::Triangle)
}

/// Without `removed` of its area, anywhere.
pub(super) fn cropped(photo: &RgbImage, removed: f32, means: &mut EditContext<'_>) -> RgbImage {
    let keep = (1.0 - removed).sqrt();
    let (width, height) = (px(photo.width(), keep), px(photo.height(), keep));
    let left = means.rng.below(photo.width() - width + 1);
    let top = means.rng.below(photo.height() - height + 1);
    imageops::crop_imm(photo, left, top, width, height).to_image()
}

/// Within a frame of `share` of the shorter side.
pub(super) fn framed(photo: &RgbImage, share: f32, colour: [u8; 3]) -> RgbImage {
    let (width, height) = photo.dimensions();
    let frame = px(width.min(height), share);
    let mut page = RgbImage::from_pixel(width + 2 * frame, height + 2 * frame, Rgb(colour));
    imageops::replace(&mut page, photo, frame.into(), frame.into());
    page
}

/// Seen askew: every corner moved inwards by up to `strength` of the sides.
pub(super) fn askew(photo: &RgbImage, strength: f32, means: &mut EditContext<'_>) -> RgbImage {
    let (w, h) = (photo.width() as f32, photo.height() as f32);
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y): (f32, f32)| {
        let (dx, dy) = (means.between(0.0, strength), means.between(0.0, strength));
        let moved = |at: f32, by: f32| if at > 0.5 { 1.0 - by } else { by };
        (moved(x, dx) * w, moved(y, dy) * h)
    });
    warp::from_quad(photo, corners)
}

/// Boxes that together cover `share`, the first where a face would be.
pub(super) fn covered(
    photo: &RgbImage,
    share: f32,
    boxes: u32,
    means: &mut EditContext<'_>,
) -> RgbImage {
    let mut canvas = photo.clone();
    let (w, h) = (photo.width() as f32, photo.height() as f32);
    let side = (share / boxes as f32 * w * h).sqrt();
    for number in 0..boxes {
        let (x, y) = match number {
            0 => (0.5, 0.38),
            _ => (means.between(0.15, 0.85), means.between(0.15, 0.85)),
        };
        let colour = means.rng.colour();
        let (left, top) = (x * w - side / 2.0, y * h - side / 2.0);
        fill(&mut canvas, (left, top), (side, side), colour);
    }
    canvas
}

fn fill(canvas: &mut RgbImage, (left, top): (f32, f32), size: (f32, f32), colour: Rgb<u8>) {
    let within = |at: f32, most: u32| (at.max(0.0) as u32).min(most);
    let (right, bottom) = (left + size.0, top + size.1);
    for y in within(top, canvas.height())..within(bottom, canvas.height()) {
        for x in within(left, canvas.width())..within(right, canvas.width()) {
            canvas.put_pixel(x, y, colour);
        }
    }
}

/// A black band with a number over the lowest ninth.
pub(super) fn captioned(photo: &RgbImage, means: &mut EditContext<'_>) -> RgbImage {
    let (width, height) = photo.dimensions();
    let band = (height / 9).max(4);
    let mut page = photo.clone();
    fill(
        &mut page,
        (0.0, (height - band) as f32),
        (width as f32, band as f32),
        Rgb([0; 3]),
    );
    let words = format!("{} call now", means.rng.below(1_000_000_000));
    let line = written(&words, band * 7 / 10, Rgb([255; 3]), Rgb([0; 3]));
    imageops::replace(
        &mut page,
        &line,
        i64::from(band),
        i64::from(height - band * 9 / 10),
    );
    page
}

/// A line of writing, so many pixels high.
pub(super) fn written(words: &str, height: u32, ink: Rgb<u8>, ground: Rgb<u8>) -> RgbImage {
    let dead_letters = u32::try_from(words.chars().count()).unwrap_or(1).max(1);
    let mut canvas = Canvas::new(dead_letters * 14, 24, ground);
    canvas.write(words, (0, 0), Size::Large, ink);
    let line = canvas.into_picture();
    let width = (line.width() * height.max(1) / 24).max(1);
    imageops::resize(&line, width, height.max(1), FilterType::Triangle)
}

/// As a phone shows it: lines above and below on a pale page.
pub(super) fn screenshot(photo: &RgbImage, means: &mut EditContext<'_>) -> RgbImage {
    let w = photo.width();
    let height = px(w, 2.1).max(photo.height() + px(w, 0.75));
    let ground = Rgb([245, 245, 248]);
    let mut page = RgbImage::from_pixel(w, height, ground);
    let top = px(w, 0.22);
    imageops::replace(&mut page, photo, 0, top.into());
    for line in 0..12 {
        let words = format!("{} message {line}", means.rng.below(1_000_000_000));
        let y = match line {
            0..3 => line * w / 18 + w / 40,
            _ => top + photo.height() + (line - 2) * w / 20,
        };
        let drawn = written(&words, (w / 28).max(4), Rgb([30, 30, 40]), ground);
        imageops::replace(&mut page, &drawn, i64::from(w / 20), y.into());
    }
    page
}

/// The largest part of a picture that has the form of a tile, at its size.
pub(super) fn filling(picture: &RgbImage, (width, height): (u32, u32)) -> RgbImage {
    let (w, h) = (picture.width() as f32, picture.height() as f32);
    let scale = (w / width as f32).min(h / height as f32);
    let (across, down) = (width as f32 * scale, height as f32 * scale);
    let (left, top) = ((w - across) / 2.0, (h - down) / 2.0);
    let part = imageops::crop_imm(
        picture,
        left as u32,
        top as u32,
        (across as u32).max(1),
        (down as u32).max(1),
    );
    imageops::resize(&part.to_image(), width, height, FilterType::Triangle)
}

/// One tile among others, white lines between them.
pub(super) fn collage(
    photo: &RgbImage,
    columns: u32,
    rows: u32,
    means: &mut EditContext<'_>,
) -> RgbImage {
    const SIDE: u32 = 420;
    const GAP: u32 = 3;
    let mut page = RgbImage::from_pixel(columns * SIDE, rows * SIDE, Rgb([255; 3]));
    let own = means.rng.below(columns * rows);
    for number in 0..columns * rows {
        let inner = (SIDE - 2 * GAP, SIDE - 2 * GAP);
        let tile = match number == own {
            true => filling(photo, inner),
            false => filling(means.other(), inner),
        };
        let (x, y) = (number % columns * SIDE + GAP, number / columns * SIDE + GAP);
        imageops::replace(&mut page, &tile, x.into(), y.into());
    }
    page
}

/// Within another photo, at most `share` of its sides.
pub(super) fn inset(photo: &RgbImage, share: f32, means: &mut EditContext<'_>) -> RgbImage {
    let mut page = filling(means.other(), (1_000, 800));
    let (w, h) = (photo.width() as f32, photo.height() as f32);
    let scale = (1_000.0 * share / w).min(800.0 * share / h).min(1.0);
    let small = scaled(photo, scale, scale);
    let x = means
        .rng
        .below(page.width().saturating_sub(small.width()) + 1);
    let y = means
        .rng
        .below(page.height().saturating_sub(small.height()) + 1);
    imageops::replace(&mut page, &small, x.into(), y.into());
    page
}

/// Every channel of every pixel changed by a function of its value.
pub(super) fn toned(photo: &RgbImage, tone: impl Fn(f32) -> f32) -> RgbImage {
    let table: Vec<u8> = (0..=255u8)
        .map(|value| tone(f32::from(value)).round().clamp(0.0, 255.0) as u8)
        .collect();
    let mut canvas = photo.clone();
    for pixel in canvas.pixels_mut() {
        pixel.0 = pixel.0.map(|value| table[usize::from(value)]);
    }
    canvas
}

pub(super) fn grey(photo: &RgbImage) -> RgbImage {
    let mut canvas = photo.clone();
    for pixel in canvas.pixels_mut() {
        let [r, g, b] = pixel.0.map(u32::from);
        pixel.0 = [((299 * r + 587 * g + 114 * b) / 1_000) as u8; 3];
    }
    canvas
}

/// Grain of about so many levels, the same in all channels.
pub(super) fn noisy(photo: &RgbImage, levels: f32, means: &mut EditContext<'_>) -> RgbImage {
    let mut canvas = photo.clone();
    for pixel in canvas.pixels_mut() {
        // the sum of three even numbers is nearly normal, of spread one half
        let grain = (0..3).map(|_| means.between(-0.5, 0.5)).sum::<f32>() * 2.0 * levels;
        pixel.0 = pixel
            .0
            .map(|value| (f32::from(value) + grain).clamp(0.0, 255.0) as u8);
    }
    canvas
}
