//! The ad as the reference's grid would see it.

use features::{Grey, Grid};

use super::affine::Affine;

/// The ad's grey picture at halving sizes, the largest first.
pub(super) struct Pyramid(Vec<PyramidLevel>);

struct PyramidLevel {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

/// Most halvings kept: a cell never covers more than a sixteenth of an ad's side.
const LEVELS_MAX: usize = 6;
/// A side below which halving ends, in pixels.
const SIDE_PX_MIN: usize = 16;
/// The fewest pixels of the ad's picture that a cell may cover, along a side. With less the
/// picture holds nothing at the cells' frequency.
const CELL_PX_MIN: f32 = 0.6;
/// The fewest cells that must fall within the ad.
const CELLS_MIN: usize = 16;

impl Pyramid {
    pub fn of(picture: &Grey) -> Self {
        let mut levels = vec![PyramidLevel {
            width: picture.width_px,
            height: picture.height_px,
            values: picture.luma.iter().map(|&v| f32::from(v)).collect(),
        }];
        while let Some(last) = levels.last()
            && levels.len() < LEVELS_MAX
            && last.width.min(last.height) >= 2 * SIDE_PX_MIN
        {
            let next = last.halved();
            levels.push(next);
        }
        Self(levels)
    }

    /// The grid of `side` x `side` cells over a reference of `size`, filled with what the ad
    /// shows there under `map`; `None` if that is too little or too coarse.
    pub fn grid(
        &self,
        map: &Affine,
        size: (f32, f32),
        ad: (f32, f32),
        side: usize,
    ) -> Option<Grid> {
        let cell_px = self.cell_px(map, size, ad, side);
        if !cell_px.is_finite() || cell_px < CELL_PX_MIN {
            return None;
        }
        let (cx, cy) = (size.0 / side as f32, size.1 / side as f32);
        let level = self.level_for(cell_px);
        let (kx, ky) = (level.width as f32 / ad.0, level.height as f32 / ad.1);
        let mut values = Vec::with_capacity(side * side);
        let mut known = Vec::with_capacity(side * side);
        for y in 0..side {
            for x in 0..side {
                let (u, v) = map.of(((x as f32 + 0.5) * cx, (y as f32 + 0.5) * cy));
                let (u, v) = (u * kx - 0.5, v * ky - 0.5);
                values.push(level.sample(u, v));
                known.push(level.holds(u, v));
            }
        }
        let enough = known.iter().filter(|known| **known).count() >= CELLS_MIN;
        enough.then(|| Grid::of(&values, &known, side))
    }

    /// How many pixels of the ad's picture such a cell covers, along a side, in the middle of the
    /// reference.
    pub fn cell_px(&self, map: &Affine, size: (f32, f32), ad: (f32, f32), side: usize) -> f32 {
        let largest = &self.0[0];
        let (kx, ky) = (largest.width as f32 / ad.0, largest.height as f32 / ad.1);
        let cell = size.0 * size.1 / (side * side) as f32;
        let middle = (size.0 / 2.0, size.1 / 2.0);
        (map.area(middle).abs() * kx * ky * cell).sqrt()
    }

    /// The level on which a cell covers about one to two pixels.
    fn level_for(&self, cell_px: f32) -> &PyramidLevel {
        let mut at = 0;
        let mut px = cell_px;
        while px >= 1.625 && at + 1 < self.0.len() {
            px /= 2.0;
            at += 1;
        }
        &self.0[at]
    }
}

impl PyramidLevel {
    /// Every pixel the mean of four.
    fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let at = |x: usize, y: usize| self.values[y * self.width + x];
        let four =
            |x: usize, y: usize| 0.25 * (at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1));
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (2 * x, 2 * y)));
        Self {
            width,
            height,
            values: places.map(|(x, y)| four(x, y)).collect(),
        }
    }

    /// Whether a place lies within, a little off the edge.
    fn holds(&self, x: f32, y: f32) -> bool {
        let within = |at: f32, side: usize| at > 0.5 && at < side as f32 - 1.5;
        within(x, self.width) && within(y, self.height)
    }

    /// Between pixels, whose centres are at whole numbers; beyond the edge its nearest value.
    fn sample(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let (right, low) = (
            (left + 1).min(self.width - 1),
            (top + 1).min(self.height - 1),
        );
        let (u, v) = (x - left as f32, y - top as f32);
        let at = |x: usize, y: usize| self.values[y * self.width + x];
        let above = at(left, top) + (at(right, top) - at(left, top)) * u;
        let below = at(left, low) + (at(right, low) - at(left, low)) * u;
        above + (below - above) * v
    }
}
