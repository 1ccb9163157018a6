//! The reference's filter the plain way, over whole pictures: what [`super::exact`] and
//! [`super::grid`] are held to.

use super::axis::SAMPLES;
use super::grid::Grid;

/// A picture of luma, row by row.
#[derive(Clone)]
pub(super) struct Luma {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

/// Blurs the picture twice along both axes, and keeps the pixel in the middle of each of 64x64.
pub(super) fn grid(mut picture: Luma) -> Grid {
    let (width, height) = (picture.width, picture.height);
    let window = |side: usize| side.div_ceil(128);
    if (width, height) != (64, 64) {
        for _ in 0..2 {
            for y in 0..height {
                boxed(&mut picture.values, y * width, 1, width, window(width));
            }
            for x in 0..width {
                boxed(&mut picture.values, x, width, height, window(height));
            }
        }
    }
    let middle = |k: usize, side: usize| ((k as f64 + 0.5) * side as f64 / SAMPLES as f64) as usize;
    std::array::from_fn(|i| {
        std::array::from_fn(|j| picture.values[middle(i, height) * width + middle(j, width)])
    })
}

/// Replaces each of `count` values, `stride` apart, by the mean of those under its window.
fn boxed(values: &mut [f32], start: usize, stride: usize, count: usize, window: usize) {
    let line: Vec<f32> = (0..count).map(|i| values[start + i * stride]).collect();
    let ahead = (window + 2) / 2 - 1;
    let (mut sum, mut covered, mut entered, mut left) = (0.0_f32, 0, 0, 0);
    for i in 0..count {
        while entered < count && entered <= i + ahead {
            sum += line[entered];
            entered += 1;
            covered += 1;
            if covered > window {
                sum -= line[left];
                left += 1;
                covered -= 1;
            }
        }
        if i + ahead >= count {
            sum -= line[left];
            left += 1;
            covered -= 1;
        }
        values[start + i * stride] = sum / covered as f32;
    }
}

/// What `exact` is fed with.
pub(super) fn luma(width: usize, height: usize, pixels: &[u8], channels: usize) -> Luma {
    let weigh = |pixel: &[u8]| match *pixel {
        [grey] => grey as f32,
        [r, g, b] => (f64::from(r) * 0.299 + f64::from(g) * 0.587 + f64::from(b) * 0.114) as f32,
        _ => unreachable!(),
    };
    Luma {
        width,
        height,
        values: pixels.chunks_exact(channels).map(weigh).collect(),
    }
}
