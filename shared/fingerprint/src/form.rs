//! The eight dihedral forms of a picture, and a picture's view in each.
//!
//! Mirroring the *hash* (flipping signs of its DCT) is not exact: with even windows the
//! reference's filter leans to one side, and its samples lean to the other, so that a hash
//! flipped this way drifts by up to 72 bits. Here the filter leans instead: form by form, the
//! rows of the operator are mirrored, and each hash is that of the really turned pixels.

use records::fingerprint::{Turn, View};

use crate::pdq;
use crate::pdq::axis::Axis;
use crate::pdq::grid::{Grid, grids, transposed};
use crate::picture::Region;
use crate::second::second;

/// One of the eight: mirrored left to right or not, and then turned clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub mirrored: bool,
    pub turn: Turn,
}

impl Form {
    /// The picture as it is.
    pub const AS_IS: Form = Form {
        mirrored: false,
        turn: Turn::None,
    };

    /// All eight; the first leaves the picture as it is.
    pub fn all() -> impl Iterator<Item = Form> {
        [false, true].into_iter().flat_map(|mirrored| {
            Turn::ALL
                .into_iter()
                .map(move |turn| Form { mirrored, turn })
        })
    }

    /// The same form as flips of the picture, upside down and left to right, after which its
    /// rows and columns may be exchanged.
    fn steps(self) -> Steps {
        let Self { mirrored, turn } = self;
        let (upside_down, left_right, exchanged) = match turn {
            Turn::None => (false, mirrored, false),
            Turn::Quarter => (true, mirrored, true),
            Turn::Half => (true, !mirrored, false),
            Turn::ThreeQuarters => (false, !mirrored, true),
        };
        Steps {
            upside_down,
            left_right,
            exchanged,
        }
    }
}

struct Steps {
    upside_down: bool,
    left_right: bool,
    exchanged: bool,
}

/// The view of a region as it is.
pub(crate) fn view(region: &Region<'_>) -> View {
    let (rows, columns) = (Axis::new(region.height_px()), Axis::new(region.width_px()));
    let [grid] = grids(region, &rows, [&columns]);
    view_of(region, Form::AS_IS, &grid)
}

/// The views of all eight forms of a region, in the order of [`Form::all`].
pub(crate) fn views(region: &Region<'_>) -> Vec<(Form, View)> {
    let (rows, columns) = (Axis::new(region.height_px()), Axis::new(region.width_px()));
    let mirrored = columns.mirrored();
    let upright = grids(region, &rows, [&columns, &mirrored]);
    let upside_down = grids(region, &rows.mirrored(), [&columns, &mirrored]);
    Form::all()
        .map(|form| {
            let steps = form.steps();
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
            (form, view_of(region, form, grid))
        })
        .collect()
}

fn view_of(region: &Region<'_>, form: Form, grid: &Grid) -> View {
    let (pdq, quality) = pdq::of_form(region, form, grid);
    View {
        pdq,
        quality,
        second: second(grid),
    }
}

/// The pixels of a region in another form, copied.
pub(crate) struct Turned {
    bytes: Vec<u8>,
    channels: usize,
    width_px: usize,
    height_px: usize,
}

impl Turned {
    pub fn new(region: &Region<'_>, form: Form) -> Self {
        let steps = form.steps();
        let (width, height) = (region.width_px(), region.height_px());
        let (width_px, height_px) = if steps.exchanged {
            (height, width)
        } else {
            (width, height)
        };
        let channels = region.channels();
        let mut bytes = Vec::with_capacity(width * height * channels);
        for y in 0..height_px {
            for x in 0..width_px {
                let (x, y) = if steps.exchanged { (y, x) } else { (x, y) };
                let x = if steps.left_right { width - 1 - x } else { x };
                let y = if steps.upside_down { height - 1 - y } else { y };
                bytes.extend_from_slice(region.pixel(x, y));
            }
        }
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
