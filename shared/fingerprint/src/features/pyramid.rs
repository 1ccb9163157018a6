//! The picture at falling sizes, each with its response to blobs.

use super::plane::Plane;

/// Sizes in an octave. Three find a blob at any size within 12 %.
pub(super) const PER_OCTAVE: usize = 3;
/// How much smaller the sizes of an octave are: 2^(0/3), 2^(1/3), 2^(2/3).
const SHRINK: [f32; PER_OCTAVE] = [1.0, 1.259_921_1, 1.587_401_1];
/// The smallest picture that still has features.
const SIDE_PX_MIN: usize = 24;

/// The picture at one size.
pub(super) struct Level {
    /// Pixels of the full picture in one of this, along a side.
    pub scale: f32,
    pub image: Plane,
    /// The determinant of the Hessian: large on blobs, negative on saddles, small on edges.
    pub response: Plane,
}

/// All levels, largest first.
pub(super) fn pyramid(picture: Plane) -> Vec<Level> {
    let mut levels = Vec::new();
    let (mut base, mut octave) = (picture, 1.0);
    loop {
        for shrink in SHRINK {
            let side = |px: usize| (px as f32 / shrink).round() as usize;
            let (width, height) = (side(base.width), side(base.height));
            if width.min(height) < SIDE_PX_MIN {
                return levels;
            }
            let image = match shrink == 1.0 {
                true => base.blurred(),
                false => base.resized(width, height).blurred(),
            };
            levels.push(Level {
                scale: octave * shrink,
                response: blobs(&image),
                image,
            });
        }
        let (width, height) = (base.width / 2, base.height / 2);
        if width.min(height) < SIDE_PX_MIN {
            return levels;
        }
        base = base.resized(width, height);
        octave *= 2.0;
    }
}

/// The determinant of the Hessian by differences two pixels wide, which with the image's own blur
/// see blobs about four pixels wide.
fn blobs(image: &Plane) -> Plane {
    let (width, height) = (image.width, image.height);
    let mut out = Plane::new(width, height);
    let n = width - 4;
    for y in 2..height - 2 {
        let (above, here, below) = (image.row(y - 2), image.row(y), image.row(y + 2));
        let (al, ac, ar) = (&above[..n], &above[2..n + 2], &above[4..]);
        let (hl, hc, hr) = (&here[..n], &here[2..n + 2], &here[4..]);
        let (bl, bc, br) = (&below[..n], &below[2..n + 2], &below[4..]);
        let line = &mut out.values[y * width + 2..y * width + 2 + n];
        for (x, out) in line.iter_mut().enumerate() {
            let across = hl[x] + hr[x] - 2.0 * hc[x];
            let down = ac[x] + bc[x] - 2.0 * hc[x];
            let both = (al[x] + br[x] - ar[x] - bl[x]) * 0.25;
            *out = across * down - both * both;
        }
    }
    out
}
