//! When two fingerprints are the same photo: the one place that says so.

/// The rules by which a pair becomes a lead. [`Policy::default`] is what the cloud, the laptop
/// and the command line all use.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Number of this set of rules; every lead records it. Raise it with any change below.
    pub version: u16,
    /// Stage 1: whole pictures.
    pub whole: WholeRule,
}

/// Stage 1: two pictures match as a whole if both have enough structure and their PDQ hashes
/// are close.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeRule {
    /// Greatest PDQ distance of a match, in bits, 0 to 256. PDQ's authors advise 31, and up to
    /// that the search is indexed; above it every hash is scanned.
    pub distance_bits_max: u16,
    /// Least PDQ quality on both sides, 0 to 100. PDQ's authors discard hashes below 50: a
    /// picture without structure resembles every other such picture.
    pub quality_min: u8,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: 1,
            whole: WholeRule {
                distance_bits_max: 31,
                quality_min: 50,
            },
        }
    }
}
