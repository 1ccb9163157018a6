//! The two sides of a comparison, read from their bytes once.

use std::cell::OnceCell;

use features::{
    AdFeatures, Descriptor, Feature, Grey, Grid, PLACE_STEPS, PictureDigest, ReferenceFeatures,
    ReferenceKind, Sketch,
};

use super::pyramid::Pyramid;
use super::stop_features::StopFeatures;

/// A feature in pixels of its picture.
#[derive(Clone, Copy)]
pub(super) struct KeyPoint {
    pub at: (f32, f32),
    pub scale: f32,
    /// Cosine and sine of its direction.
    pub along: (f32, f32),
    pub descriptor: Descriptor,
}

/// The local features of a reference.
pub struct LocalReference {
    digest: PictureDigest,
    pub(super) kind: ReferenceKind,
    pub(super) size: (f32, f32),
    pub(super) key_points: Vec<KeyPoint>,
    pub(super) grids: [Grid; 3],
}

/// The local features of an ad image.
pub struct LocalAd {
    digest: PictureDigest,
    pub(super) size: (f32, f32),
    pub(super) key_points: Vec<KeyPoint>,
    /// The descriptors of the mirrored ad, in the same order.
    pub(super) mirrored: Vec<Descriptor>,
    /// How much each feature counts, 0 to 1; empty if all count fully.
    weights: Vec<f32>,
    pub(super) coarse: Grid,
    sketch: Sketch,
    pyramid: OnceCell<Pyramid>,
}

impl LocalReference {
    /// The local features of a reference; `None` if it has none or they are of another format.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let read = ReferenceFeatures::from_bytes(bytes).ok()?;
        let size = (f32::from(read.width_px), f32::from(read.height_px));
        Some(Self {
            digest: read.digest,
            kind: read.kind,
            size,
            key_points: key_points(&read.features, size),
            grids: read.grids,
        })
    }

    /// What the reference is.
    pub fn kind(&self) -> ReferenceKind {
        self.kind
    }

    /// Whether the ad is the reference to the last pixel.
    pub(crate) fn is_equal_to(&self, ad: &LocalAd) -> bool {
        self.digest.is_same(ad.digest)
    }

    #[cfg(test)]
    pub(super) fn of_key_points(key_points: Vec<KeyPoint>) -> Self {
        let grid = || Grid {
            lighter: vec![],
            clear: vec![],
        };
        Self {
            digest: PictureDigest([0; 8]),
            kind: ReferenceKind::Photo,
            size: (1.0, 1.0),
            key_points,
            grids: [grid(), grid(), grid()],
        }
    }

    pub(super) fn longer(&self) -> f32 {
        self.size.0.max(self.size.1)
    }
}

impl LocalAd {
    /// The local features of an ad image; `None` if it has none or they are of another format.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let read = AdFeatures::from_bytes(bytes).ok()?;
        let size = (f32::from(read.width_px), f32::from(read.height_px));
        let key_points = key_points(&read.features, size);
        Some(Self {
            digest: read.digest,
            size,
            mirrored: key_points
                .iter()
                .map(|point| point.descriptor.mirrored())
                .collect(),
            key_points,
            weights: Vec::new(),
            coarse: read.coarse,
            sketch: read.sketch,
            pyramid: OnceCell::new(),
        })
    }

    #[cfg(test)]
    pub(super) fn of_key_points(key_points: Vec<KeyPoint>) -> Self {
        let picture = features::Grey {
            width_px: 1,
            height_px: 1,
            luma: vec![0],
        };
        Self {
            digest: PictureDigest([1; 8]),
            size: (1.0, 1.0),
            mirrored: key_points.iter().map(|s| s.descriptor.mirrored()).collect(),
            key_points,
            weights: Vec::new(),
            coarse: Grid {
                lighter: vec![],
                clear: vec![],
            },
            sketch: Sketch::of(&picture),
            pyramid: OnceCell::new(),
        }
    }

    /// The same ad, in which features that many ads have count less.
    #[must_use]
    pub fn down_weighted(mut self, common: &StopFeatures) -> Self {
        self.weights = match common.is_empty() {
            true => Vec::new(),
            false => self.descriptors().map(|it| common.weight(&it)).collect(),
        };
        self
    }

    /// How much a feature counts, 0 to 1.
    pub(super) fn weight(&self, point: usize) -> f32 {
        self.weights.get(point).copied().unwrap_or(1.0)
    }

    pub(super) fn descriptors(&self) -> impl Iterator<Item = Descriptor> {
        self.key_points.iter().map(|point| point.descriptor)
    }

    /// The ad as a small grey picture.
    pub(super) fn picture(&self) -> Grey {
        self.sketch.unpacked()
    }

    /// The ad as a grey picture, unpacked when first needed: most ads never are.
    pub(super) fn pyramid(&self) -> &Pyramid {
        self.pyramid
            .get_or_init(|| Pyramid::of(&self.sketch.unpacked()))
    }
}

fn key_points(features: &[Feature], (width, height): (f32, f32)) -> Vec<KeyPoint> {
    let step = width.max(height) / f32::from(PLACE_STEPS);
    let point = |feature: &Feature| KeyPoint {
        at: (
            (f32::from(feature.x) + 0.5) * step,
            (f32::from(feature.y) + 0.5) * step,
        ),
        scale: feature.scale(),
        along: feature.direction(),
        descriptor: feature.descriptor,
    };
    features.iter().map(point).collect()
}
