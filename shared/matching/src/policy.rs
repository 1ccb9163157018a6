//! When two fingerprints are the same photo: the one place that says so.

use crate::Level;

/// The rules by which a pair becomes a lead. [`Policy::default`] is what the cloud, the laptop
/// and the command line all use.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Number of this set of rules; every lead records it. Raise it with any change below.
    pub version: u16,
    /// Stage 1: whole pictures.
    pub whole: WholeRule,
    /// Stage 2: parts of a picture.
    pub parts: PartsRule,
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
    /// Up to this PDQ distance, in bits, a match needs no second opinion.
    pub sure_distance_bits_max: u16,
    /// Beyond that, a match whose hashes of the second family differ in more bits than this is
    /// for review only. Measured on 60 photos with 76 edits each, and on 266 lookalikes (other
    /// pictures, many of the same computer-made person): PDQ alone alerted on 2,779 copies and on
    /// 8 lookalikes, which lie 26 to 30 bits apart in PDQ and 33 to 70 in the second family. This
    /// rule demotes all 8, and 21 of the copies.
    pub second_distance_bits_max: u16,
}

/// Stage 2: the ad laid over the reference agrees with it block by block. The score is the mean
/// likeness of all blocks that can be compared, times the fourth root of their number.
#[derive(Clone, Debug, PartialEq)]
pub struct PartsRule {
    /// Enough to be sent to a case system.
    pub alert: Scores,
    /// Enough for a person's look.
    pub review: Scores,
    /// The least score at 64 x 64 cells beside a fine one that suffices for an alert: fine stripes
    /// alone (bars of text, the tines of a fork) can agree by chance. Of 684 copies by other edits
    /// on nine photos, none with a sufficient fine score had less than 0.5; the false pair that
    /// taught this had 0.
    pub middle_beside_fine_min: f32,
}

/// Scores of a pair, or the least ones, either of which suffices. Calibrated by `tests/recall`;
/// its report names the highest scores seen on false pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// At 128 x 128 cells, 0 to 4.
    pub fine: f32,
    /// At 64 x 64 cells, 0 to 2.8: where the photo is too small in the ad, or too blurred.
    pub middle: f32,
}

impl PartsRule {
    /// The level that the scores of a pair reach.
    pub(crate) fn level(&self, scores: Scores) -> Option<Level> {
        let reaches = |least: &Scores| scores.fine >= least.fine || scores.middle >= least.middle;
        let is_borne_out = scores.middle >= self.middle_beside_fine_min;
        match (reaches(&self.alert) && is_borne_out, reaches(&self.review)) {
            (true, _) => Some(Level::Alert),
            (false, true) => Some(Level::Review),
            (false, false) => None,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: 1,
            whole: WholeRule {
                distance_bits_max: 31,
                quality_min: 50,
                sure_distance_bits_max: 15,
                second_distance_bits_max: 30,
            },
            parts: PartsRule {
                alert: Scores {
                    fine: 0.75,
                    middle: 0.95,
                },
                review: Scores {
                    fine: 0.55,
                    middle: 0.8,
                },
                middle_beside_fine_min: 0.4,
            },
        }
    }
}
