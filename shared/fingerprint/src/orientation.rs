//! The eight dihedral forms of a picture, and a picture's view in each.
//!
//! Mirroring the *hash* (flipping signs of its DCT) is not exact: with even windows the
//! reference's filter leans to one side, and its samples lean to the other, so that a hash
//! flipped this way drifts by up to 72 bits. Here the filter leans instead: form by form, the
//! rows of the operator are mirrored, and each hash is that of the really turned pixels.

use ::features::fingerprint::{HashVariant, Turn};

use crate::gradient_hash::gradient_hash;
use crate::pdq;
use crate::pdq::axis::Axis;
use crate::pdq::grid::{Grid, grids, transposed};
use crate::picture::Region;

/// One of the eight: mirrored left to right or not, and then turned clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orientation {
    pub mirrored: bool,
    pub turn: Turn,
}

impl Orientation {
    /// The picture as it is.
    pub const AS_IS: Orientation = Orientation {
        mirrored: false,
        turn: Turn::None,
    };

    /// All eight; the first leaves the picture as it is.
    pub fn all() -> impl Iterator<Item = Orientation> {
        [false, true].into_iter().flat_map(|mirrored| {
            Turn::ALL
                .into_iter()
                .map(move |turn| Orientation { mirrored, turn })
        })
    }

    /// The same form as flips of the picture, upside down and left to right, after which its
    /// rows and columns may be exchanged.
    fn flips(self) -> Flips {
        let Self { mirrored, turn } = self;
        let (upside_down, left_right, exchanged) = match turn {
            Turn::None => (false, mirrored, false),
            Turn::Quarter => (true, mirrored, true),
            Turn::Half => (true, !mirrored, false),
            Turn::ThreeQuarters => (false, !mirrored, true),
        };
        Flips {
            upside_down,
            left_right,
            exchanged,
        }
    }
}

struct Flips {
    upside_down: bool,
    left_right: bool,
    exchanged: bool,
}

/// The view of a region as it is.
pub(crate) fn view(region: &Region<'_>) -> HashVariant {
    let (rows, columns) = (Axis::new(region.height_px()), Axis::new(region.width_px()));
    let [grid] = grids(region, &rows, [&columns]);
    hashes_of(region, Orientation::AS_IS, &grid)
}

/// The views of all eight forms of a region, in the order of [`Orientation::all`].
pub(crate) fn views(region: &Region<'_>) -> Vec<(Orientation, HashVariant)> {
    let (rows, columns) = (Axis::new(region.height_px()), Axis::new(region.width_px()));
    let mirrored = columns.mirrored();
    let upright = grids(region, &rows, [&columns, &mirrored]);
    let upside_down = grids(region, &rows.mirrored(), [&columns, &mirrored]);
    Orientation::all()
        .map(|form| {
            let steps = form.flips();
            let pair = if steps.upside_down {
                &upside_down
            } else {
                &upright
            };
            let grid = &pair[usize::from(steps.left_right)];
            let grid = if steps.exchanged {
                &transposed(grid)
            } else {
                grid
            };
            (form, hashes_of(region, form, grid))
        })
        .collect()
}

fn hashes_of(region: &Region<'_>, form: Orientation, grid: &Grid) -> HashVariant {
    let (pdq, quality) = pdq::of_form(region, form, grid);
    HashVariant {
        pdq,
        quality,
        second: gradient_hash(grid),
    }
}

/// The pixels of a region in another form, copied.
pub(crate) struct Turned {
    bytes: Vec<u8>,
    channels: usize,
    width_px: usize,
    height_px: usize,
}

/// Columns that are turned together: as many rows of the result stay in a processor's cache.
const COLUMNS_AT_ONCE: usize = 64;

/// The pixels of `BYTES` bytes each, moved to where the steps bring them, rows of `width_px`.
fn turned<const BYTES: usize>(region: &Region<'_>, steps: &Flips, width_px: usize) -> Vec<u8> {
    let (width, height) = (region.width_px(), region.height_px());
    let mut pixels = vec![[0; BYTES]; width * height];
    for left in (0..width).step_by(COLUMNS_AT_ONCE) {
        let columns = left..(left + COLUMNS_AT_ONCE).min(width);
        for y in 0..height {
            let (row, _) = region.row(y).as_chunks::<BYTES>();
            let y = if steps.upside_down { height - 1 - y } else { y };
            for (x, pixel) in columns.clone().zip(&row[columns.clone()]) {
                let x = if steps.left_right { width - 1 - x } else { x };
                let (x, y) = if steps.exchanged { (y, x) } else { (x, y) };
                pixels[y * width_px + x] = *pixel;
            }
        }
    }
    pixels.into_flattened()
}

impl Turned {
    pub fn new(region: &Region<'_>, form: Orientation) -> Self {
        let steps = form.flips();
        let (width, height) = (region.width_px(), region.height_px());
        let (width_px, height_px) = if steps.exchanged {
            (height, width)
        } else {
            (width, height)
        };
        let channels = region.channels();
        let bytes = match channels {
            1 => turned::<1>(region, &steps, width_px),
            _ => turned::<3>(region, &steps, width_px),
        };
        Self {
            bytes,
            channels,
            width_px,
            height_px,
        }
    }

    pub fn region(&self) -> Region<'_> {
        Region::whole(&self.bytes, self.channels, self.width_px, self.height_px)
    }
}
