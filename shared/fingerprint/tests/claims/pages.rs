//! Which pictures are pages, and that of a page with a photo on it the photo is what is searched for.
#![allow(missing_docs)]

use features::ReferenceKind;
use features::fingerprint::ReferenceFingerprint;
use fingerprint::{Picture, of_reference};

use crate::drawn::{self, Drawn, noise};

/// Left, top, width and height.
type Area = (usize, usize, usize, usize);

const PAPER: [u8; 3] = [255; 3];
const INK: [u8; 3] = [20, 20, 40];

/// A sheet of paper under a pen.
struct Sheet {
    size: (usize, usize),
    rgb: Vec<u8>,
}

impl Sheet {
    fn new(width: usize, height: usize, paper: [u8; 3]) -> Self {
        Self {
            size: (width, height),
            rgb: paper.repeat(width * height),
        }
    }

    fn dot(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        self.rgb[3 * (y * self.size.0 + x)..][..3].copy_from_slice(&colour);
    }

    fn fill(&mut self, (left, top, width, height): Area, colour: [u8; 3]) {
        for (y, x) in (top..top + height).flat_map(|y| (left..left + width).map(move |x| (y, x))) {
            self.dot(x, y, colour);
        }
    }

    /// Lines of letters, each of upright strokes and a bar.
    fn write(&mut self, (left, top, width, height): Area, words: usize) {
        for line in (top..top + height - 20).step_by(34) {
            for letter in (left..left + width - 18).step_by(18) {
                let shape = noise(letter, line + words);
                for stroke in 0..3 {
                    if shape >> stroke & 1 == 1 {
                        self.fill((letter + 5 * stroke, line, 3, 20), INK);
                    }
                }
                let bar = (shape >> 8) as usize % 17;
                self.fill((letter, line + bar, 13, 3), INK);
            }
        }
    }

    fn place(&mut self, picture: &Drawn, (left, top): (usize, usize)) {
        for y in 0..picture.height_px {
            for x in 0..picture.width_px {
                let at = 3 * (y * picture.width_px + x);
                let pixel = [0, 1, 2].map(|channel| picture.rgb[at + channel]);
                self.dot(left + x, top + y, pixel);
            }
        }
    }

    fn picture(&self) -> Picture<'_> {
        Picture::rgb(self.size.0, self.size.1, &self.rgb).expect("as many bytes as pixels")
    }

    fn reference(&self) -> ReferenceFingerprint {
        of_reference(&self.picture())
    }
}

fn kind(sheet: &Sheet) -> ReferenceKind {
    sheet.reference().shows()
}

/// A poster: writing above and below a photo.
fn poster(photo: &Drawn, words: usize, turned: bool) -> Sheet {
    let mut page = Sheet::new(900, 1_100, PAPER);
    page.fill((0, 0, 900, 100), [170, 20, 20]);
    page.write((60, 140, 780, 140), words);
    page.place(photo, (250, 320));
    page.write((60, 820, 780, 240), words + 1);
    match turned {
        false => page,
        true => page.turned(),
    }
}

impl Sheet {
    fn turned(&self) -> Self {
        let (width, height) = self.size;
        let mut other = Self::new(height, width, PAPER);
        for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
            let at = 3 * (y * width + x);
            other.dot(
                y,
                width - 1 - x,
                [0, 1, 2].map(|channel| self.rgb[at + channel]),
            );
        }
        other
    }
}

#[test]
fn of_a_poster_the_photo_is_what_is_searched_for() {
    let photo = drawn::scene(400, 450);
    let (page, alone) = (
        poster(&photo, 0, false).reference(),
        of_reference(&photo.picture()),
    );
    assert_eq!(page.shows(), ReferenceKind::PageWithPhoto);
    let within = page
        .framings
        .iter()
        .find(|(framing, _)| framing.border_removed);
    let (within, own) = (
        within.expect("a photo within").1.pdq,
        alone.framings[0].1.pdq,
    );
    let off = within.distance_bits(&own);
    assert!(off <= 20, "{off} bits from the photo alone");
}

#[test]
fn a_page_that_lies_on_its_side_is_one_too() {
    let photo = drawn::scene(400, 450);
    assert_eq!(kind(&poster(&photo, 0, true)), ReferenceKind::PageWithPhoto);
}

#[test]
fn writing_alone_is_a_page() {
    let mut page = Sheet::new(800, 1_000, [250, 248, 240]);
    page.write((60, 60, 680, 880), 3);
    assert_eq!(kind(&page), ReferenceKind::Page);
}

#[test]
fn a_silhouette_is_a_page() {
    let mut page = Sheet::new(400, 400, [222; 3]);
    for (x, y) in (0..400usize).flat_map(|x| (0..400usize).map(move |y| (x, y))) {
        let within =
            |cx: usize, cy: usize, r: usize| x.abs_diff(cx).pow(2) + y.abs_diff(cy).pow(2) < r * r;
        if within(200, 150, 80) || within(200, 400, 150) {
            page.dot(x, y, [130; 3]);
        }
    }
    assert_eq!(kind(&page), ReferenceKind::Page);
}

#[test]
fn a_photo_on_plain_ground_stays_a_photo() {
    let mut page = Sheet::new(900, 1_100, PAPER);
    page.place(&drawn::scene(400, 450), (250, 320));
    assert_eq!(kind(&page), ReferenceKind::Photo);
}

#[test]
fn a_flat_drawing_without_writing_stays_a_photo() {
    for seed in 0..6 {
        let mut page = Sheet::new(480, 400, [90; 3]);
        for at in 0..30 {
            let of = |what: usize, below: usize| noise(seed * 100 + at, what) as usize % below;
            let (width, height) = (20 + of(1, 150), 20 + of(2, 150));
            let area = (of(3, 480 - width), of(4, 400 - height), width, height);
            page.fill(area, [of(5, 256) as u8; 3]);
        }
        assert_eq!(kind(&page), ReferenceKind::Photo, "{seed}");
    }
}

#[test]
fn drawn_pictures_without_paper_are_photos() {
    for (width, height) in [(3, 900), (900, 3), (48, 48), (640, 481)] {
        for made in [drawn::scene, drawn::grain, drawn::slope] {
            let drawn = made(width, height);
            let shows = of_reference(&drawn.picture()).shows();
            assert_eq!(shows, ReferenceKind::Photo, "{}", drawn.name);
        }
    }
}
