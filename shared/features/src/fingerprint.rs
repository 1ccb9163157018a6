//! What is remembered of an image: its fingerprint, and the edit that a match found.
//!
//! A fingerprint describes a *photo*, never a face: no biometric template exists anywhere.
//! It can be inverted into a picture, so it is personal data and prints as `[redacted]`.

mod bytes;

use std::fmt;

use crate::{ReferenceFeatures, ReferenceKind};

pub use bytes::{FEATURES_BYTES_MAX, FingerprintBytesError};

/// The version of the algorithms behind every fingerprint made by this build.
pub const FINGERPRINT_VERSION: u16 = 2;

/// A whole-picture hash of 256 bits, in the byte order in which the reference PDQ prints it
/// (most significant byte first).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash256(pub [u8; 32]);

impl Hash256 {
    /// Number of differing bits, 0 to 256.
    pub fn distance_bits(&self, other: &Self) -> u16 {
        let word = |bytes: &[u8; 32], i: usize| {
            u64::from_ne_bytes(bytes[i * 8..i * 8 + 8].try_into().expect("eight bytes"))
        };
        (0..4)
            .map(|i| (word(&self.0, i) ^ word(&other.0, i)).count_ones() as u16)
            .sum()
    }

    /// All bits flipped: the hash of the picture's negative.
    pub fn complement(&self) -> Self {
        Self(self.0.map(|byte| !byte))
    }
}

impl fmt::Debug for Hash256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// One whole-picture view of an image: its PDQ hash, that hash's quality, and the second family's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashVariant {
    /// PDQ as the reference defines it.
    pub pdq: Hash256,
    /// PDQ quality, 0 (featureless) to 100.
    pub quality: u8,
    /// The second opinion: a hash of another family, 256 bits. All zero where it could not
    /// be computed, since the reference came as a PDQ hash without its photo.
    pub second: Hash256,
}

impl fmt::Debug for HashVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashVariant")
            .field("quality", &self.quality)
            .finish_non_exhaustive()
    }
}

/// A clockwise turn of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Turn {
    /// Upright.
    #[default]
    None = 0,
    /// A quarter turn clockwise.
    Quarter = 1,
    /// Upside down.
    Half = 2,
    /// A quarter turn counter-clockwise (270 degrees clockwise).
    ThreeQuarters = 3,
}

impl Turn {
    /// The four turns, upright first.
    pub const ALL: [Turn; 4] = [Turn::None, Turn::Quarter, Turn::Half, Turn::ThreeQuarters];

    /// Degrees clockwise: 0, 90, 180 or 270.
    pub fn degrees(self) -> u16 {
        self as u16 * 90
    }
}

/// How a reference was reframed before it was hashed: first mirrored left to right, then turned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Framing {
    /// Mirrored left to right.
    pub mirrored: bool,
    /// Turned after mirroring.
    pub turn: Turn,
    /// Colours inverted. Never stored: the hash of a negative is the complement, so matching
    /// looks at 256 minus the distance; a match found that way says so here.
    pub negative: bool,
    /// A flat border was trimmed first.
    pub border_removed: bool,
}

/// The fingerprint of an ad image, in the orientation that its EXIF data asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct AdFingerprint {
    /// The algorithms' version, [`FINGERPRINT_VERSION`] when it was made.
    pub version: u16,
    /// The picture as a whole.
    pub whole: HashVariant,
    /// The picture without its flat border, where it has one.
    pub trimmed: Option<HashVariant>,
    /// Local features, encoded by `fingerprint` and read by `matching`; empty if there are none.
    pub features: Vec<u8>,
}

/// The fingerprint of a reference: every framing an advertiser might use, computed once here so
/// that the many ads need only one or two.
#[derive(Clone, PartialEq, Eq)]
pub struct ReferenceFingerprint {
    /// The algorithms' version, [`FINGERPRINT_VERSION`] when it was made.
    pub version: u16,
    /// Each framing with its view; the first is the picture as is.
    pub framings: Vec<(Framing, HashVariant)>,
    /// Local features, encoded by `fingerprint` and read by `matching`; empty if there are none.
    pub features: Vec<u8>,
}

impl ReferenceFingerprint {
    /// What the reference is, as far as its parts tell: else a photo.
    pub fn shows(&self) -> ReferenceKind {
        let read = ReferenceFeatures::from_bytes(&self.features);
        read.map_or(ReferenceKind::Photo, |read| read.kind)
    }
}

impl fmt::Debug for AdFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdFingerprint([redacted])")
    }
}

impl fmt::Debug for ReferenceFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReferenceFingerprint([redacted])")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
