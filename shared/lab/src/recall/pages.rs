//! Pages with a photo on them, drawn from templates: posters, frames of sites, documents, chats,
//! feeds, certificates. Two pages of one template differ in their photo and in some words, and are
//! no copies of each other.
//!
//! A template is a number: it decides the layout, the colours, the letters and the words that all
//! of its pages share. Letters are Latin ones, or of scripts that no reader knows, drawn from strokes.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::edits::{filling, written};
use crate::match_picture::canvas::Canvas;
use crate::rng::Rng;

/// A kind of page.
pub(super) struct PageKind {
    /// As the report says it.
    pub name: &'static str,
    lay: fn(&mut Page, &RgbImage),
}

/// Every kind of page.
pub(super) const PAGE_KINDS: [PageKind; 6] = [
    page("posters", poster),
    page("site frames", site_frame),
    page("documents", document),
    page("chat screenshots", chat),
    page("feed screenshots", feed),
    page("certificates", certificate),
];

const fn page(name: &'static str, lay: fn(&mut Page, &RgbImage)) -> PageKind {
    PageKind { name, lay }
}

/// Letters of a drawn script, and the strokes of each.
const LETTERS: u32 = 24;
const STROKES: u32 = 4;
const WHITE: Rgb<u8> = Rgb([255; 3]);

impl PageKind {
    /// A page of a template with a photo on it; `words` decides what is on this page alone.
    pub fn drawn(&self, template: u64, words: u64, photo: &RgbImage) -> RgbImage {
        let mut page = Page::new(
            Rng::new(template, self.name),
            Rng::new(words, &format!("{} {template}", self.name)),
        );
        (self.lay)(&mut page, photo);
        page.picture
    }
}

/// A page under way.
struct Page {
    picture: RgbImage,
    /// What all pages of the template share, and what is this page's own.
    shared: Rng,
    own: Rng,
    /// The seed of a drawn script; Latin letters if there is none.
    script: Option<u32>,
    ink: Rgb<u8>,
    ground: Rgb<u8>,
    band: Rgb<u8>,
}

/// Left, top, width, height.
type Box = (u32, u32, u32, u32);

impl Page {
    fn new(mut shared: Rng, own: Rng) -> Self {
        let script = (shared.below(2) == 0).then(|| shared.below(1_000));
        let (pale, dark) = (shared.below(40) as u8, shared.below(50) as u8);
        let (ground, ink) = match shared.below(5) {
            0 => (Rgb([12 + pale / 2; 3]), Rgb([225; 3])),
            1 | 2 => (WHITE, Rgb([dark; 3])),
            _ => (Rgb([255 - pale / 2, 250 - pale, 245]), Rgb([dark, 20, 40])),
        };
        let band = shared.colour();
        Self {
            picture: RgbImage::new(1, 1),
            shared,
            own,
            script,
            ink,
            ground,
            band,
        }
    }

    /// A number of the template from `low` to `high`.
    fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.shared.below(high - low + 1)
    }

    fn sheet(&mut self, width: u32, height: u32) {
        self.picture = RgbImage::from_pixel(width, height, self.ground);
    }

    fn fill(&mut self, (left, top, width, height): Box, colour: Rgb<u8>) {
        for y in top..(top + height).min(self.picture.height()) {
            for x in left..(left + width).min(self.picture.width()) {
                self.picture.put_pixel(x, y, colour);
            }
        }
    }

    fn disc(&mut self, (left, top): (u32, u32), side: u32, colour: Rgb<u8>) {
        let centre = side as i64;
        for y in 0..side {
            for x in 0..side {
                let (dx, dy) = (2 * i64::from(x) - centre, 2 * i64::from(y) - centre);
                let (x, y) = (left + x, top + y);
                let within = x < self.picture.width() && y < self.picture.height();
                if within && dx * dx + dy * dy < centre * centre {
                    self.picture.put_pixel(x, y, colour);
                }
            }
        }
    }

    /// The largest part of a photo that has the box's form.
    fn photo(&mut self, photo: &RgbImage, (left, top, width, height): Box) {
        let part = filling(photo, (width, height));
        imageops::replace(&mut self.picture, &part, left.into(), top.into());
    }

    /// A line of so many letters, as all pages of the template have it.
    fn fixed(&mut self, at: (u32, u32), height: u32, letters: u32, colours: [Rgb<u8>; 2]) {
        let seed = self.shared.below(1_000_000);
        self.write(seed, at, height, letters, colours);
    }

    /// Lines of the page's own, as many as there is room for.
    fn own_lines(&mut self, (left, top, width, height): Box, line: u32) {
        let (ink, ground) = (self.ink, self.ground);
        for at in (top..(top + height).saturating_sub(line)).step_by((line * 3 / 2) as usize) {
            let most = (width / (line * 3 / 5)).max(4);
            let letters = most / 2 + self.own.below(most / 2);
            let seed = self.own.below(1_000_000);
            self.write(seed, (left, at), line, letters, [ink, ground]);
        }
    }

    fn write(&mut self, seed: u32, at: (u32, u32), height: u32, letters: u32, c: [Rgb<u8>; 2]) {
        let line = match self.script {
            None => written(&latin(seed, letters), height, c[0], c[1]),
            Some(script) => drawn(script, seed, letters, height, c),
        };
        imageops::replace(&mut self.picture, &line, at.0.into(), at.1.into());
    }
}

/// Words by chance.
fn latin(seed: u32, letters: u32) -> String {
    let mut rng = Rng::new(seed.into(), "words");
    let letter = |_| match rng.below(7) {
        0 => ' ',
        1 => char::from(b'0' + rng.below(10) as u8),
        2 => char::from(b'A' + rng.below(26) as u8),
        _ => char::from(b'a' + rng.below(26) as u8),
    };
    (0..letters).map(letter).collect()
}

/// A line of a drawn script.
fn drawn(
    script: u32,
    seed: u32,
    letters: u32,
    height: u32,
    [ink, ground]: [Rgb<u8>; 2],
) -> RgbImage {
    const SIDE: u32 = 32;
    let mut words = Rng::new(seed.into(), "words");
    let mut canvas = Canvas::new(SIDE * 3 / 4 * letters.max(1), SIDE, ground);
    for place in 0..letters {
        let letter = words.below(LETTERS * 6 / 5);
        if letter >= LETTERS {
            continue; // between words
        }
        let mut strokes = Rng::new(script.into(), &format!("letter {letter}"));
        let left = (place * SIDE * 3 / 4) as f32;
        let mut end = || {
            let (x, y) = (strokes.below(3), strokes.below(4));
            (left + 4.0 + x as f32 * 8.0, 4.0 + y as f32 * 8.0)
        };
        (0..STROKES).for_each(|_| canvas.line(end(), end(), 3.0, ink, 1.0));
    }
    let line = canvas.into_picture();
    let width = (line.width() * height.max(1) / SIDE).max(1);
    imageops::resize(&line, width, height.max(1), FilterType::Triangle)
}

fn poster(page: &mut Page, photo: &RgbImage) {
    let (w, h) = (page.between(700, 1000), page.between(950, 1300));
    page.sheet(w, h);
    let (head, foot) = (page.between(h / 12, h / 6), page.between(h / 24, h / 12));
    page.fill((0, 0, w, head), page.band);
    let inverse = [WHITE, page.band];
    page.fixed((w / 12, head / 5), head * 3 / 5, 8, inverse);
    let width = page.between(w * 3 / 10, w * 6 / 10);
    let height = page.between(width * 9 / 10, width * 13 / 10).min(h / 2);
    let left = match page.between(0, 2) {
        0 => w / 16,
        _ => (w - width) / 2,
    };
    let top = head + page.between(h / 40, h / 20);
    page.photo(photo, (left, top, width, height));
    if left == w / 16 {
        let next_to = (
            left + width + w / 20,
            top,
            w - left - width - w / 10,
            height,
        );
        page.own_lines(next_to, h / 45);
    }
    let below = top + height + h / 40;
    let rest = (h - foot).saturating_sub(below);
    page.own_lines((w / 14, below, w * 6 / 7, rest), h / 36);
    page.fill((0, h - foot, w, foot), page.band);
    page.fixed((w / 14, h - foot * 5 / 6), foot * 2 / 3, 22, inverse);
}

fn site_frame(page: &mut Page, photo: &RgbImage) {
    let (w, h) = (page.between(700, 1100), page.between(800, 1100));
    page.sheet(w, h);
    let (step, slope) = (page.between(14, 40), page.between(2, 9));
    let lines = page.between(0, 2) > 0;
    for y in (0..h + w / slope).step_by(step as usize).filter(|_| lines) {
        for x in 0..w {
            let at = y.wrapping_sub(x / slope);
            page.fill((x, at.min(h), 1, 2), page.band);
        }
    }
    let disc = page.between(80, 150);
    page.disc((w / 40, h / 50), disc, page.band);
    let title = [page.band, page.ground];
    page.fixed((w / 20 + disc, h / 25), h / 20, 14, title);
    let width = page.between(w / 2, w * 3 / 4);
    let height = page.between(h / 2, h * 13 / 20);
    page.photo(photo, ((w - width) / 2, h / 6, width, height));
    page.fixed((w / 8, h * 17 / 20), h / 18, 16, title);
    page.own_lines((w / 8, h * 37 / 40, w * 3 / 4, h / 16), h / 40);
}

fn document(page: &mut Page, photo: &RgbImage) {
    let (w, h) = (page.between(800, 1100), page.between(600, 1400));
    page.ground = WHITE;
    page.ink = Rgb([25; 3]);
    page.sheet(w, h);
    page.fixed((w / 12, h / 20), h / 28, 24, [page.ink, WHITE]);
    let width = page.between(w / 5, w * 2 / 5);
    let height = width * 5 / 4;
    page.photo(photo, (w / 12, h / 8, width, height.min(h * 3 / 5)));
    let line = page.between(14, 24);
    let (left, top) = (w / 8 + width, h / 8);
    for row in 0..height.min(h * 3 / 5) / (line * 5 / 2) {
        let y = top + row * line * 5 / 2;
        page.fixed((left, y), line, 12, [page.ink, WHITE]);
        let x = (left + line * 9).min(w - 60);
        page.own_lines((x, y, w - x, line + 2), line);
        page.fill((left, y + line * 2, w - left - w / 20, 2), page.ink);
    }
    let below = top + height.min(h * 3 / 5) + h / 30;
    page.own_lines((w / 12, below, w * 5 / 6, (h - below) * 3 / 4), line);
    let stamp = (w * 3 / 4, h * 4 / 5);
    page.disc(stamp, h / 7, page.band);
    page.disc((stamp.0 + 8, stamp.1 + 8), h / 7 - 16, WHITE);
}

fn chat(page: &mut Page, photo: &RgbImage) {
    let (w, h) = (page.between(540, 800), page.between(1100, 1600));
    page.sheet(w, h);
    top_bars(page, w);
    let mut y = w / 4;
    for bubble in 0..page.between(1, 3) {
        let left = if bubble % 2 == 0 { w / 20 } else { w / 3 };
        page.fill((left, y, w * 3 / 5, w / 8), page.band);
        let seed = page.own.below(1_000_000);
        page.write(
            seed,
            (left + 12, y + w / 40),
            w / 26,
            20,
            [WHITE, page.band],
        );
        y += w / 6;
    }
    let width = page.between(w / 2, w * 7 / 10);
    let height = page.between(width * 8 / 10, width * 13 / 10);
    page.fill((w / 20, y, width + 16, height + 40), page.band);
    page.photo(photo, (w / 20 + 8, y + 8, width, height));
    y += height + 70;
    let rest = (h - w / 7).saturating_sub(y);
    page.own_lines((w / 10, y, w * 3 / 4, rest), w / 26);
    page.fill((0, h - w / 8, w, w / 8), page.band);
    page.disc((w - w / 8, h - w / 9), w / 10, page.ink);
}

/// The bars of a phone: the time, signs, a title with a disc.
fn top_bars(page: &mut Page, w: u32) {
    let colours = [page.ink, page.ground];
    page.fixed((w / 20, w / 60), w / 30, 5, colours);
    page.fill((w - w / 8, w / 60, w / 14, w / 32), page.ink);
    page.fill((w - w / 5, w / 60, w / 20, w / 32), page.ink);
    page.disc((w / 12, w / 12), w / 9, page.band);
    page.fixed((w / 4, w / 10), w / 20, 12, colours);
}

fn feed(page: &mut Page, photo: &RgbImage) {
    let (w, h) = (page.between(560, 820), page.between(1100, 1500));
    page.sheet(w, h);
    top_bars(page, w);
    let margin = [0, w / 30][page.between(0, 1) as usize];
    let width = w - 2 * margin;
    let height = page.between(width * 7 / 10, width * 5 / 4);
    let top = w / 4;
    page.photo(photo, (margin, top, width, height));
    let mut y = top + height + w / 30;
    for icon in 0..4 {
        let at = (w / 30 + icon * w / 8, y);
        page.disc(at, w / 14, page.ink);
        page.disc((at.0 + 5, at.1 + 5), w / 14 - 10, page.ground);
    }
    y += w / 9;
    page.fixed((w / 30, y), w / 28, 10, [page.ink, page.ground]);
    let rest = (h - w / 8).saturating_sub(y + w / 16);
    page.own_lines((w / 30, y + w / 16, w * 9 / 10, rest), w / 30);
    page.fill((0, h - w / 8, w, 3), page.ink);
    for icon in 0..5 {
        let at = (w / 16 + icon * w / 5, h - w / 10);
        page.fill((at.0, at.1, w / 16, w / 16), page.band);
    }
}

fn certificate(page: &mut Page, photo: &RgbImage) {
    let (w, h) = (page.between(1000, 1300), page.between(720, 900));
    page.sheet(w, h);
    let waves = page.between(3, 7);
    let (swing, pitch) = (page.between(6, 14) as f32, page.between(20, 60) as f32);
    for wave in 0..waves {
        for x in 0..w + h {
            let phase = x as f32 / pitch + wave as f32;
            let off = 26 + wave * 2 + (swing * (1.0 + phase.sin())) as u32;
            page.fill((x.min(w), off, 2, 1), page.band);
            page.fill((x.min(w), h - off, 2, 1), page.band);
            page.fill((off, x.min(h), 1, 2), page.band);
            page.fill((w - off, x.min(h), 1, 2), page.band);
        }
    }
    let colours = [page.ink, page.ground];
    page.fixed((w / 5, h / 7), h / 12, 18, colours);
    let width = page.between(w / 6, w / 4);
    let left = [w / 10, w - w / 10 - width][page.between(0, 1) as usize];
    page.photo(photo, (left, h / 3, width, width * 5 / 4));
    let text = if left == w / 10 {
        left + width + w / 20
    } else {
        w / 10
    };
    page.own_lines((text, h / 3, w / 2, h / 3), h / 30);
    page.fixed((text, h * 7 / 10), h / 36, 30, colours);
    page.disc((w / 2, h * 3 / 4), h / 8, page.band);
    page.disc((w / 2 + 10, h * 3 / 4 + 10), h / 8 - 20, page.ground);
}
