//! The two sides of a comparison, read from their bytes once.

use std::cell::OnceCell;

use records::features::{
    AdFeatures, Descriptor, Feature, Grey, Grid, PLACE_STEPS, ReferenceFeatures, Sketch,
};

use super::common::Commonness;
use super::view::View;

/// A feature in pixels of its picture.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub at: (f32, f32),
    pub scale: f32,
    /// Cosine and sine of its direction.
    pub along: (f32, f32),
    pub descriptor: Descriptor,
}

/// The parts of a reference.
pub struct Reference {
    pub(super) size: (f32, f32),
    pub(super) spots: Vec<Spot>,
    pub(super) grids: [Grid; 3],
}

/// The parts of an ad image.
pub struct Ad {
    pub(super) size: (f32, f32),
    pub(super) spots: Vec<Spot>,
    /// The descriptors of the mirrored ad, in the same order.
    pub(super) mirrored: Vec<Descriptor>,
    /// How much each feature counts, 0 to 1; empty if all count fully.
    weights: Vec<f32>,
    pub(super) coarse: Grid,
    sketch: Sketch,
    view: OnceCell<View>,
}

impl Reference {
    /// The parts of a reference; `None` if it has none or they are of another format.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let read = ReferenceFeatures::from_bytes(bytes).ok()?;
        let size = (f32::from(read.width_px), f32::from(read.height_px));
        Some(Self {
            size,
            spots: spots(&read.features, size),
            grids: read.grids,
        })
    }

    #[cfg(test)]
    pub(super) fn of_spots(spots: Vec<Spot>) -> Self {
        let grid = || Grid {
            lighter: vec![],
            clear: vec![],
        };
        Self {
            size: (1.0, 1.0),
            spots,
            grids: [grid(), grid(), grid()],
        }
    }

    pub(super) fn longer(&self) -> f32 {
        self.size.0.max(self.size.1)
    }
}

impl Ad {
    /// The parts of an ad image; `None` if it has none or they are of another format.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let read = AdFeatures::from_bytes(bytes).ok()?;
        let size = (f32::from(read.width_px), f32::from(read.height_px));
        let spots = spots(&read.features, size);
        Some(Self {
            size,
            mirrored: spots
                .iter()
                .map(|spot| spot.descriptor.mirrored())
                .collect(),
            spots,
            weights: Vec::new(),
            coarse: read.coarse,
            sketch: read.sketch,
            view: OnceCell::new(),
        })
    }

    #[cfg(test)]
    pub(super) fn of_spots(spots: Vec<Spot>) -> Self {
        let picture = records::features::Grey {
            width_px: 1,
            height_px: 1,
            luma: vec![0],
        };
        Self {
            size: (1.0, 1.0),
            mirrored: spots.iter().map(|s| s.descriptor.mirrored()).collect(),
            spots,
            weights: Vec::new(),
            coarse: Grid {
                lighter: vec![],
                clear: vec![],
            },
            sketch: Sketch::of(&picture),
            view: OnceCell::new(),
        }
    }

    /// The same ad, in which features that many ads have count less.
    #[must_use]
    pub fn counting_less(mut self, common: &Commonness) -> Self {
        self.weights = match common.is_empty() {
            true => Vec::new(),
            false => self.descriptors().map(|it| common.weight(&it)).collect(),
        };
        self
    }

    /// How much a feature counts, 0 to 1.
    pub(super) fn weight(&self, spot: usize) -> f32 {
        self.weights.get(spot).copied().unwrap_or(1.0)
    }

    pub(super) fn descriptors(&self) -> impl Iterator<Item = Descriptor> {
        self.spots.iter().map(|spot| spot.descriptor)
    }

    /// The ad as a small grey picture.
    pub(super) fn picture(&self) -> Grey {
        self.sketch.unpacked()
    }

    /// The ad as a grey picture, unpacked when first needed: most ads never are.
    pub(super) fn view(&self) -> &View {
        self.view.get_or_init(|| View::of(&self.sketch.unpacked()))
    }
}

fn spots(features: &[Feature], (width, height): (f32, f32)) -> Vec<Spot> {
    let step = width.max(height) / f32::from(PLACE_STEPS);
    let spot = |feature: &Feature| Spot {
        at: (
            (f32::from(feature.x) + 0.5) * step,
            (f32::from(feature.y) + 0.5) * step,
        ),
        scale: feature.scale(),
        along: feature.direction(),
        descriptor: feature.descriptor,
    };
    features.iter().map(spot).collect()
}
