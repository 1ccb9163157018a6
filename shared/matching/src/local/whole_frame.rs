//! The eight ways in which a whole reference fills a whole ad, and their negatives: for pictures
//! with too few features, such as blurred ones and plain portraits.

use features::Grid;

use super::affine::Affine;
use super::align::Alignment;
use super::image_pair::{LocalAd, LocalReference};

/// The least agreement of the coarse grids, -1 to 1, that makes an alignment worth proving.
/// Copies of a whole photo agree by 0.6 and more, unrelated pictures by less than 0.2.
const AGREEMENT_MIN: f32 = 0.35;
/// Cells that must be clear in both.
const CELLS_MIN: i32 = 100;

/// Every whole-frame alignment worth proving.
pub(super) fn candidates(reference: &LocalReference, ad: &LocalAd) -> Vec<Alignment> {
    let own = &reference.grids[0];
    let mut found = Vec::new();
    let mut seen = ad.coarse.clone();
    for turn in 0..4 {
        for mirrored in [false, true] {
            let grid = if mirrored { &mirror(&seen) } else { &seen };
            let agreement = agreement(own, grid);
            if agreement.abs() >= AGREEMENT_MIN {
                found.push(Alignment {
                    map: whole(reference.size, ad.size, turn, mirrored),
                    negative: agreement < 0.0,
                    agreeing: 0,
                });
            }
        }
        seen = turned_back(&seen);
    }
    found
}

/// How much two grids agree where both are clear: -1 to 1, 0 if too little is clear.
fn agreement(a: &Grid, b: &Grid) -> f32 {
    let rows = a
        .lighter
        .iter()
        .zip(&b.lighter)
        .zip(a.clear.iter().zip(&b.clear));
    let (mut cells, mut differing) = (0, 0);
    for ((x, y), (p, q)) in rows {
        let clear = p & q;
        cells += clear.count_ones() as i32;
        differing += ((x ^ y) & clear).count_ones() as i32;
    }
    match cells >= CELLS_MIN {
        true => (cells - 2 * differing) as f32 / cells as f32,
        false => 0.0,
    }
}

/// Left to right.
fn mirror(grid: &Grid) -> Grid {
    let side = grid.side() as u32;
    let flip = |rows: &[u128]| {
        rows.iter()
            .map(|row| row.reverse_bits() >> (128 - side))
            .collect()
    };
    Grid {
        lighter: flip(&grid.lighter),
        clear: flip(&grid.clear),
    }
}

/// A quarter turn counter-clockwise: what was at the right is on top.
fn turned_back(grid: &Grid) -> Grid {
    let side = grid.side();
    let turn = |rows: &[u128]| {
        let row = |y: usize| {
            let bit = |x: usize| (rows[x] >> (side - 1 - y) & 1) << x;
            (0..side).fold(0, |bits, x| bits | bit(x))
        };
        (0..side).map(row).collect()
    };
    Grid {
        lighter: turn(&grid.lighter),
        clear: turn(&grid.clear),
    }
}

/// The map of a reference, first mirrored left to right if it is, in the end turned clockwise by
/// quarters, that fills the ad.
fn whole((w, h): (f32, f32), (aw, ah): (f32, f32), turn: u8, mirrored: bool) -> Affine {
    // the reference's place as shares of its sides, turned, then as the ad's pixels
    let across = match mirrored {
        false => [1.0 / w, 0.0, 0.0],
        true => [-1.0 / w, 0.0, 1.0],
    };
    let down = [0.0, 1.0 / h, 0.0];
    let back = |[a, b, c]: [f32; 3]| [-a, -b, 1.0 - c];
    let (x, y) = match turn {
        0 => (across, down),
        1 => (back(down), across),
        2 => (back(across), back(down)),
        _ => (down, back(across)),
    };
    Affine::fitted_affine([
        x[0] * aw,
        x[1] * aw,
        x[2] * aw,
        y[0] * ah,
        y[1] * ah,
        y[2] * ah,
    ])
}
