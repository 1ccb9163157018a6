//! Pictures that tests draw, and what advertisers do to them.

use features::fingerprint::{AdFingerprint, ReferenceFingerprint};
use fingerprint::{Picture, of_ad, of_reference};

/// Pixels of luma, row by row.
#[derive(Clone)]
pub struct Luma {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

impl Luma {
    pub fn draw(width: usize, height: usize, pixel: impl Fn(usize, usize) -> u8) -> Self {
        let pixels = (0..width * height).map(|i| pixel(i % width, i / width));
        let pixels = pixels.collect();
        Self {
            width,
            height,
            pixels,
        }
    }

    pub fn at(&self, x: usize, y: usize) -> u8 {
        self.pixels[y * self.width + x]
    }

    pub fn picture(&self) -> Picture<'_> {
        Picture::luma(self.width, self.height, &self.pixels).expect("the pixels fill it")
    }

    pub fn ad(&self) -> AdFingerprint {
        of_ad(&self.picture())
    }

    pub fn reference(&self) -> ReferenceFingerprint {
        of_reference(&self.picture())
    }

    pub fn mirrored(&self) -> Self {
        let last = self.width - 1;
        Self::draw(self.width, self.height, |x, y| self.at(last - x, y))
    }

    /// The part from shares of the sides on, so wide and high.
    pub fn cut(&self, (left, top): (f32, f32), (width, height): (f32, f32)) -> Self {
        let px = |share: f32, side: usize| (share * side as f32) as usize;
        let (left, top) = (px(left, self.width), px(top, self.height));
        Self::draw(px(width, self.width), px(height, self.height), |x, y| {
            self.at(left + x, top + y)
        })
    }

    /// By a factor, between pixels.
    pub fn scaled(&self, factor: f32) -> Self {
        let px = |side: usize| (side as f32 * factor) as usize;
        Self::draw(px(self.width), px(self.height), |x, y| {
            self.between(x as f32 / factor, y as f32 / factor)
        })
    }

    /// Tilted clockwise about the middle, the corners cut off.
    pub fn tilted(&self, degrees: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (cx, cy) = (self.width as f32 / 2.0, self.height as f32 / 2.0);
        Self::draw(self.width, self.height, |x, y| {
            let (dx, dy) = (x as f32 - cx, y as f32 - cy);
            self.between(cx + cos * dx + sin * dy, cy - sin * dx + cos * dy)
        })
    }

    fn between(&self, x: f32, y: f32) -> u8 {
        let x = x.clamp(0.0, self.width as f32 - 1.001);
        let y = y.clamp(0.0, self.height as f32 - 1.001);
        let (left, top) = (x as usize, y as usize);
        let (u, v) = (x.fract(), y.fract());
        let at = |dx: usize, dy: usize| {
            let (x, y) = (left + dx, top + dy);
            f32::from(self.at(x.min(self.width - 1), y.min(self.height - 1)))
        };
        let above = at(0, 0) * (1.0 - u) + at(1, 0) * u;
        let below = at(0, 1) * (1.0 - u) + at(1, 1) * u;
        (above * (1.0 - v) + below * v).round() as u8
    }

    pub fn framed(&self, px: usize, luma: u8) -> Self {
        Self::draw(self.width + 2 * px, self.height + 2 * px, |x, y| {
            let inside = (px..px + self.width).contains(&x) && (px..px + self.height).contains(&y);
            if inside {
                self.at(x - px, y - px)
            } else {
                luma
            }
        })
    }

    /// With a band of something like text over part of it.
    pub fn captioned(&self, share: f32, top: bool) -> Self {
        let band = (self.height as f32 * share) as usize;
        let rows = if top {
            0..band
        } else {
            self.height - band..self.height
        };
        Self::draw(self.width, self.height, |x, y| match rows.contains(&y) {
            true => letters(x, y, 1 + band / 10),
            false => self.at(x, y),
        })
    }

    /// Laid into a larger picture.
    pub fn within(&self, other: &Self, left: usize, top: usize) -> Self {
        Self::draw(other.width, other.height, |x, y| {
            let inside =
                (left..left + self.width).contains(&x) && (top..top + self.height).contains(&y);
            if inside {
                self.at(x - left, y - top)
            } else {
                other.at(x, y)
            }
        })
    }
    /// Seen askew: corners clockwise from the top left, in shares of the sides, become the
    /// picture's own.
    pub fn askew(&self, [a, b, c, d]: [(f32, f32); 4]) -> Self {
        let (w, h) = (self.width as f32, self.height as f32);
        let (dx1, dy1, dx2, dy2) = (b.0 - c.0, b.1 - c.1, d.0 - c.0, d.1 - c.1);
        let (dx3, dy3) = (a.0 - b.0 + c.0 - d.0, a.1 - b.1 + c.1 - d.1);
        let under = dx1 * dy2 - dx2 * dy1;
        let (g, k) = (
            (dx3 * dy2 - dx2 * dy3) / under,
            (dx1 * dy3 - dx3 * dy1) / under,
        );
        Self::draw(self.width, self.height, |x, y| {
            let (u, v) = (x as f32 / w, y as f32 / h);
            let depth = g * u + k * v + 1.0;
            let px = (b.0 - a.0 + g * b.0) * u + (d.0 - a.0 + k * d.0) * v + a.0;
            let py = (b.1 - a.1 + g * b.1) * u + (d.1 - a.1 + k * d.1) * v + a.1;
            self.between(px / depth * w, py / depth * h)
        })
    }

    /// Wider or narrower, higher or lower.
    pub fn stretched(&self, x_factor: f32, y_factor: f32) -> Self {
        let px = |side: usize, factor: f32| (side as f32 * factor) as usize;
        Self::draw(
            px(self.width, x_factor),
            px(self.height, y_factor),
            |x, y| self.between(x as f32 / x_factor, y as f32 / y_factor),
        )
    }

    pub fn negative(&self) -> Self {
        Self::draw(self.width, self.height, |x, y| 255 - self.at(x, y))
    }
}

/// Discs of many sizes and brightnesses on a slope: structure everywhere, and no symmetry.
pub fn drawn(seed: usize, width: usize, height: usize) -> Luma {
    let random = |i: usize| {
        (i + 1)
            .wrapping_mul(seed * 2 + 0x9e37_79b9)
            .wrapping_mul(0x85eb_ca6b)
    };
    let throw = |i: usize, most: usize| (random(i) >> 13) % most;
    let disc = |i: usize| {
        let radius = 4 + throw(5 * i, 40) * throw(5 * i + 4, 40) / 40;
        let centre = (throw(5 * i + 1, width), throw(5 * i + 2, height));
        (centre, radius * radius, throw(5 * i + 3, 220) as u8 + 20)
    };
    let discs: Vec<_> = (0..260).map(disc).collect();
    Luma::draw(width, height, |x, y| {
        let covers = |((cx, cy), square, _): &&((usize, usize), usize, u8)| {
            x.abs_diff(*cx).pow(2) + y.abs_diff(*cy).pow(2) < *square
        };
        let slope = (x * 60 / width + y * 60 / height) as u8;
        discs
            .iter()
            .rev()
            .find(covers)
            .map_or(slope + 60, |(_, _, luma)| *luma)
    })
}

/// Something like letters, black on white, each `px` pixels a stroke.
pub fn letters(x: usize, y: usize, px: usize) -> u8 {
    let (column, row) = (x / px, y / px);
    let letter = (column / 6)
        .wrapping_mul(2_654_435_761)
        .wrapping_add(row / 9 * 40_503)
        >> 4;
    let stroke = letter >> ((column % 6) * 3 + row % 9) & 1 == 1;
    let gap = column % 6 == 5 || row % 9 > 6;
    if stroke && !gap { 20 } else { 245 }
}
