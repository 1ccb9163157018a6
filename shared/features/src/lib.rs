//! What is known of an image, and how two of them are compared: fingerprints, local features, levels, and
//! their bytes. The values that pixel code makes and matching compares.
//!
//! The local features are what stage 2 knows of an image, on either side.
//! A reference has local [`Feature`]s and three [`Grid`]s of signs; an ad image has features, the
//! coarsest grid and a [`Sketch`]. `fingerprint` makes them, `matching` compares them, and both
//! know them as the bytes in [`AdFingerprint::features`](fingerprint::AdFingerprint) and
//! [`ReferenceFingerprint::features`](fingerprint::ReferenceFingerprint).
//!
//! What they reveal: a feature is 192 comparisons within a patch; a grid tells where the picture
//! is lighter than its surroundings, which redraws outlines like a woodcut, of a face as of
//! anything else; a sketch is a small grey picture. All are personal data. The sketch exists for
//! ad images only, which are stored in full next to it and are public already; of a reference no
//! grey value is kept. A digest tells who has the very same picture that it is the same.

#![forbid(unsafe_code)]

pub mod filed;
pub mod fingerprint;

mod bytes;
mod common;
mod grid;
mod level;
mod measure;
mod range;
mod sketch;
mod wavelet;

use std::fmt;

use sha2::{Digest, Sha256};

pub use bytes::FeaturesError;
pub use common::{COMMON_FEATURES_MAX, CommonFeature, CommonFeatures};
pub use grid::{Grid, RowBits};
pub use level::{Level, Method};
pub use sketch::Grey;

/// Words of 64 bits in a descriptor.
pub const DESCRIPTOR_WORDS: usize = 3;
/// Bits in a descriptor.
pub const DESCRIPTOR_BITS: u32 = 64 * DESCRIPTOR_WORDS as u32;
/// Most features that a reference has: 29 bytes each, plus 5.4 KB of grids, in 12 KB.
pub const REFERENCE_FEATURES_MAX: usize = 180;
/// Most features that an ad image has: 29 bytes each, plus 7 KB of sketch, in 16 KB.
pub const AD_FEATURES_MAX: usize = 270;
/// The sides of a reference's grids, in cells.
pub const GRID_SIDES: [usize; 3] = [32, 64, 128];
/// Most bytes of a sketch's coefficients.
pub const SKETCH_BYTES_MAX: usize = 7_000;
/// Most pixels of a sketch.
pub const SKETCH_PIXELS_MAX: usize = 76_800;
/// Steps of a place along a picture's longer side.
pub const PLACE_STEPS: u16 = 4_096;

/// What a patch looks like: 192 comparisons of brightness. Bits 2i and 2i + 1 belong to tests
/// that mirror each other across the patch's direction.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Descriptor(pub [u64; DESCRIPTOR_WORDS]);

impl Descriptor {
    /// Number of differing bits, 0 to 192.
    #[inline(always)]
    pub fn distance_bits(&self, other: &Self) -> u32 {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        (a ^ x).count_ones() + (b ^ y).count_ones() + (c ^ z).count_ones()
    }

    /// The descriptor of the same patch in the mirrored picture, exactly.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        Self(self.0.map(|word| (word & EVEN) << 1 | word >> 1 & EVEN))
    }
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A small distinctive place of a picture.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    /// Across, in 4,096ths of the picture's longer side, from the left.
    pub x: u16,
    /// Down, in the same steps, from the top.
    pub y: u16,
    /// Its size: `2^((size - 16) / 16)` times the finest that can be seen.
    pub size: u8,
    /// Its direction in 256ths of a turn, clockwise from pointing right.
    pub turn: u8,
    /// What it looks like.
    pub descriptor: Descriptor,
}

impl fmt::Debug for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Feature([redacted])")
    }
}

/// A small grey picture, packed.
#[derive(Clone, PartialEq, Eq)]
pub struct Sketch {
    width_px: u16,
    height_px: u16,
    rows: u32,
    packed: Vec<u8>,
}

impl Sketch {
    /// Packs a picture of at most [`SKETCH_PIXELS_MAX`] pixels, at a loss.
    ///
    /// # Panics
    /// If the picture has more pixels, not as many as its sides say, or a side above 65,535.
    pub fn of(picture: &Grey) -> Self {
        let pixels = picture.width_px * picture.height_px;
        assert!((1..=SKETCH_PIXELS_MAX).contains(&pixels), "a sketch's size");
        assert_eq!(picture.luma.len(), pixels, "a byte a pixel");
        let (packed, rows) = sketch::encode(picture, SKETCH_BYTES_MAX);
        let side = |px| u16::try_from(px).expect("a sketch's side");
        Self {
            width_px: side(picture.width_px),
            height_px: side(picture.height_px),
            rows,
            packed,
        }
    }

    /// The picture, nearly.
    pub fn unpacked(&self) -> Grey {
        let (width, height) = (usize::from(self.width_px), usize::from(self.height_px));
        sketch::decode(width, height, &self.packed, self.rows)
    }
}

impl fmt::Debug for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sketch([redacted])")
    }
}

/// What tells one picture from all others: the start of a SHA-256 of its brightness and width. Files of
/// the same bytes have the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PictureDigest(pub [u8; PICTURE_DIGEST_BYTES]);

/// Bytes of a [`PictureDigest`]: two pictures of 10^14 pairs have the same by chance once in 10^5 times.
pub const PICTURE_DIGEST_BYTES: usize = 8;

impl PictureDigest {
    /// Of a picture whose digest nothing tells: equal to none, itself included.
    pub const UNKNOWN: Self = Self([0; PICTURE_DIGEST_BYTES]);

    /// Whether both are known and of the same picture.
    pub fn is_same(self, other: Self) -> bool {
        self != Self::UNKNOWN && self == other
    }

    /// The digest of a picture of so many pixels across, each from 0 to 255.
    pub fn of(width_px: usize, luma: &[u8]) -> Self {
        let hasher = Sha256::new().chain_update((width_px as u64).to_be_bytes());
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = hasher.chain_update(luma).finalize().into();
        Self([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Debug for PictureDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PictureDigest([redacted])")
    }
}

/// The parts of an ad image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdFeatures {
    /// What the whole picture is to the last pixel.
    pub digest: PictureDigest,
    /// Width of the picture in which the features were found, in pixels, at least 1.
    pub width_px: u16,
    /// Its height.
    pub height_px: u16,
    /// At most [`AD_FEATURES_MAX`].
    pub features: Vec<Feature>,
    /// The whole picture at 32 x 32 cells.
    pub coarse: Grid,
    /// The whole picture, small and grey.
    pub sketch: Sketch,
}

/// What a reference is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ReferenceKind {
    /// A photo, or what cannot be told from one.
    #[default]
    Photo = 0,
    /// A page with a photo on it: a poster, a saved page, a screenshot. The parts are the photo's.
    PageWithPhoto = 1,
    /// A page without a photo, a logo, a silhouette: others look the same, so it is for review only.
    Page = 2,
}

impl ReferenceKind {
    /// `photo`, `page_with_photo` or `page`, as stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::PageWithPhoto => "page_with_photo",
            Self::Page => "page",
        }
    }
}

/// The parts of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceFeatures {
    /// What the whole picture is to the last pixel.
    pub digest: PictureDigest,
    /// What the reference is; the rest is of the photo in it.
    pub kind: ReferenceKind,
    /// Width of the picture in which the features were found, in pixels, at least 1.
    pub width_px: u16,
    /// Its height.
    pub height_px: u16,
    /// At most [`REFERENCE_FEATURES_MAX`].
    pub features: Vec<Feature>,
    /// The whole picture at [`GRID_SIDES`] cells a side, coarsest first.
    pub grids: [Grid; 3],
}
