//! Stage 2: the parts of a picture.
//!
//! Features are blobs (maxima of the Hessian's determinant over place and size: Lindeberg 1998;
//! Bay et al. 2006), turned to where most of the patch brightens (Lowe 2004), described by
//! comparisons of brightness between squares (Calonder et al. 2010; Levi and Hassner 2016;
//! Suarez et al. 2020). The comparisons come in mirrored pairs, so that a mirrored photo needs no
//! second look. What is kept is spread over a grid and over sizes.
//!
//! The same bits on every machine: `f32` additions and products in a fixed order, square roots,
//! no function of a maths library.

mod descriptor;
mod key_points;
pub(crate) mod plane;
mod pyramid;
mod turn;

use ::features::{
    AD_FEATURES_MAX, AdFeatures, Descriptor, Feature, GRID_SIDES, Grey, Grid, PLACE_STEPS,
    PictureDigest, REFERENCE_FEATURES_MAX, ReferenceFeatures, ReferenceKind, SKETCH_PIXELS_MAX,
    Sketch,
};

use crate::picture::{Picture, Region, luma_row};
use key_points::{Quota, key_points, spread};
use plane::{Plane, resized};
use pyramid::{PER_OCTAVE, pyramid};

/// Longer side in which an ad's features are searched for: a photo may be a third of a screenshot.
pub(crate) const AD_SIDE_PX: usize = 1_024;
/// Longer side in which a reference's features are searched for.
const REFERENCE_SIDE_PX: usize = 512;
/// Steps of a feature's size in an octave, as `records` stores it.
const SIZE_STEPS: f32 = 16.0;
/// A sketch's longest side: a 16,000 x 10 banner stays a banner.
const SKETCH_SIDE_PX_MAX: usize = 4_096;

/// What an ad keeps: half of it fine, since the photo may be small in it.
const AD_QUOTA: Quota = Quota {
    most: AD_FEATURES_MAX,
    shares: [0.35, 0.35, 0.3],
    cells: [12.0, 10.0, 8.0],
};
/// What a reference keeps.
const REFERENCE_QUOTA: Quota = Quota {
    most: REFERENCE_FEATURES_MAX,
    shares: [0.5, 0.3, 0.2],
    cells: [10.0, 8.0, 6.0],
};

/// The parts of an ad image, as bytes for its fingerprint; at most 15.5 KB.
pub(crate) fn of_ad(picture: &Picture<'_>) -> Vec<u8> {
    let work = work(&picture.whole(), AD_SIDE_PX);
    let sketch = sketch(&work);
    let values = sketch.luma.iter().map(|&v| f32::from(v)).collect();
    let seen = Plane {
        width: sketch.width_px,
        height: sketch.height_px,
        values,
    };
    let [coarse, ..] = grids(&seen);
    AdFeatures {
        digest: digest(&work),
        width_px: work.width as u16,
        height_px: work.height as u16,
        coarse,
        sketch: Sketch::of(&sketch),
        features: features(work, &AD_QUOTA),
    }
    .to_bytes()
}

/// The parts of a reference's photo, as bytes for its fingerprint; at most 10.7 KB. `kind` is what the
/// photo was found in, and `digest` that of all of it.
pub(crate) fn of_reference(
    photo: &Region<'_>,
    kind: ReferenceKind,
    digest: PictureDigest,
) -> Vec<u8> {
    let work = work(photo, REFERENCE_SIDE_PX);
    ReferenceFeatures {
        digest,
        kind,
        width_px: work.width as u16,
        height_px: work.height as u16,
        grids: grids(&work),
        features: features(work, &REFERENCE_QUOTA),
    }
    .to_bytes()
}

/// The picture's luma at the size in which features are searched for. Small pictures are enlarged, at
/// most to twice their size, so that the finest blobs can be told.
pub(crate) fn work(picture: &Region<'_>, side_px: usize) -> Plane {
    let (width, height) = (picture.width_px(), picture.height_px());
    let longer = width.max(height) as f32;
    let scale = match longer > side_px as f32 {
        true => side_px as f32 / longer,
        false => (side_px as f32 / 2.0 / longer).clamp(1.0, 2.0),
    };
    let side = |px: usize| ((px as f32 * scale).round() as usize).max(1);
    let row = |y: usize, luma: &mut Vec<f32>| luma_row(picture.row(y), picture.channels(), luma);
    resized((width, height), (side(width), side(height)), row)
}

/// What a picture is to the last pixel, at an ad's size.
pub(crate) fn digest(work: &Plane) -> PictureDigest {
    let luma: Vec<u8> = work.values.iter().map(|value| grey(*value)).collect();
    PictureDigest::of(work.width, &luma)
}

fn grey(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// The picture squeezed to squares, coarsest first.
fn grids(work: &Plane) -> [Grid; 3] {
    let [coarse, middle, fine] = GRID_SIDES;
    let fine = work.resized(fine, fine);
    let middle = fine.resized(middle, middle);
    let coarse = middle.resized(coarse, coarse);
    let grid = |plane: &Plane| {
        let known = vec![true; plane.values.len()];
        Grid::of(&plane.values, &known, plane.width)
    };
    [grid(&coarse), grid(&middle), grid(&fine)]
}

/// The picture small and grey.
fn sketch(work: &Plane) -> Grey {
    let area = (work.width * work.height) as f32;
    let scale = (SKETCH_PIXELS_MAX as f32 / area).sqrt().min(1.0);
    let side = |px: usize| ((px as f32 * scale) as usize).clamp(1, SKETCH_SIDE_PX_MAX);
    let small = work.resized(side(work.width), side(work.height));
    let luma = small.values.iter().map(|value| grey(*value));
    Grey {
        width_px: small.width,
        height_px: small.height,
        luma: luma.collect(),
    }
}

/// The features to keep, coarse ones first.
fn features(work: Plane, quota: &Quota) -> Vec<Feature> {
    let (width, height) = (work.width as f32, work.height as f32);
    let step_px = width.max(height) / f32::from(PLACE_STEPS);
    let levels = pyramid(work);
    let kept = spread(key_points(&levels), width, height, quota);
    let feature = |point: &key_points::KeyPoint| {
        let level = &levels[point.level];
        let place = |px: f32| ((px / step_px) as u16).min(PLACE_STEPS - 1);
        let (x, y) = (place(point.x), place(point.y));
        let steps = (point.level as f32 + point.between) * (SIZE_STEPS / PER_OCTAVE as f32);
        let size = (steps.round() + SIZE_STEPS).clamp(0.0, 255.0) as u8;
        let on_level = |at: u16| (f32::from(at) + 0.5) * step_px / level.scale - 0.5;
        let (cx, cy) = (on_level(x), on_level(y));
        let step = grown(point.between);
        let turn = (turn::direction(&level.image, cx, cy, step) * 256.0).round() as i32;
        let turn = turn.rem_euclid(256) as u8;
        let mut feature = Feature {
            x,
            y,
            size,
            turn,
            descriptor: Descriptor::default(),
        };
        let along = feature.direction();
        feature.descriptor = descriptor::descriptor(&level.image, cx, cy, step, along);
        feature
    };
    kept.iter().map(feature).collect()
}

/// `2^(levels / 3)` for half a level up or down, by its series.
fn grown(levels: f32) -> f32 {
    let u = levels * (std::f32::consts::LN_2 / PER_OCTAVE as f32);
    1.0 + u + u * u * 0.5 + u * u * u / 6.0
}
