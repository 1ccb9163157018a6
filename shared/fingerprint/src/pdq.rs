//! PDQ, bit for bit as the reference gives it, at a fraction of its cost.
//!
//! The reference blurs every pixel with two passes of running sums, and then keeps one pixel in
//! thousands. That is a linear, separable map to the 64x64 [`grid`], so [`axis`] works out its
//! weights and [`grid`] applies only those that count. In exact arithmetic both are equal; but the
//! reference's running sums collect rounding errors in `f32`, and a coefficient that lies within
//! such an error of the median may fall on the other side. So each hash taken the fast way is
//! checked by [`certainty`]: where an error might have flipped a bit or changed the quality,
//! [`exact`] repeats the reference's own operations in their order.

pub(crate) mod axis;
mod certainty;
mod dct;
mod exact;
pub(crate) mod grid;
mod quality;

use ::features::fingerprint::Hash256;

use crate::orientation::{Orientation, Turned};
use crate::picture::{Picture, Region};

use self::axis::Axis;
use self::grid::{Grid, grids};

/// Below this many pixels on a side, the reference answers with an empty hash of quality 0.
const SIDE_PX_MIN: usize = 5;

/// Pixels up to which a turned or mirrored form is hashed by the reference's arithmetic too where the
/// fast way is not certain. Each form costs a copy of the picture, so seven of 64 megapixels took five
/// seconds of a processor. Beyond, such a form keeps the fast hash, whose bits at the median may
/// differ; the hashes of these orientations are not exchanged. Phones' photos have 12 megapixels.
const EXACT_FORM_PIXELS_MAX: usize = 16 << 20;

/// The PDQ hash of a picture and its quality, 0 (featureless) to 100: what PyPI `pdqhash` 0.2.8
/// gives for equal pixels, byte for byte in the order in which the reference prints a hash.
///
/// Luma pixels stand for a grey picture; a colour picture is reduced to luma as the reference
/// does it. A picture under 5 pixels wide or high has the empty hash and quality 0.
///
/// The reference applies no EXIF orientation: for an exchange of hashes, give the pixels as they
/// are stored.
pub fn pdq(picture: &Picture<'_>) -> (Hash256, u8) {
    let region = picture.whole();
    let (rows, columns) = (Axis::new(region.height_px()), Axis::new(region.width_px()));
    let [grid] = grids(&region, &rows, [&columns]);
    of_form(&region, Orientation::AS_IS, &grid)
}

/// The hash and quality of a region in the given form, of which `grid` is the fast grid.
pub(crate) fn of_form(region: &Region<'_>, form: Orientation, grid: &Grid) -> (Hash256, u8) {
    if region.width_px() < SIDE_PX_MIN || region.height_px() < SIDE_PX_MIN {
        return (Hash256([0; 32]), 0);
    }
    let coefficients = dct::coefficients(grid);
    let quality = certainty::quality(grid);
    match quality {
        Some(quality) if certainty::bits_are_certain(&coefficients) => {
            (dct::hash(&coefficients), quality)
        }
        _ if is_too_large(region, form) => of_grid(grid),
        _ => of_grid(&exact_grid(region, form)),
    }
}

fn is_too_large(region: &Region<'_>, form: Orientation) -> bool {
    form != Orientation::AS_IS && region.width_px() * region.height_px() > EXACT_FORM_PIXELS_MAX
}

fn exact_grid(region: &Region<'_>, form: Orientation) -> Grid {
    if form == Orientation::AS_IS {
        exact::grid(region)
    } else {
        exact::grid(&Turned::new(region, form).region())
    }
}

fn of_grid(grid: &Grid) -> (Hash256, u8) {
    (dct::hash(&dct::coefficients(grid)), quality::quality(grid))
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
