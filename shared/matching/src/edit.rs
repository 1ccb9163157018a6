//! What an advertiser did to a photo, in words.

use std::fmt;

use records::fingerprint::{Framing, Turn};

/// How the reference became the ad, seen from the reference: an ad that shows the reference
/// turned a quarter clockwise reads `turned 90`. Where mirrored and turned, mirrored first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Edit {
    /// Mirrored left to right.
    pub mirrored: bool,
    /// Turned clockwise, after mirroring.
    pub turn: Turn,
    /// Colours inverted.
    pub negative: bool,
    /// The two agree once a flat border is taken off, be it the ad's or the reference's.
    pub border_removed: bool,
    /// How much of the reference the ad does not show, in percent of its area, 0 to 100.
    pub crop_percent: u8,
    /// The tilt that is left beside quarter turns, in degrees clockwise, -45 to 45.
    pub tilt_degrees: i8,
    /// How much of the ad the reference fills, in percent of its area; 0 if not known, as in
    /// stage 1. Less than 100 in collages, screenshots and insets.
    pub share_percent: u8,
}

/// Crops and tilts below this, and shares above 100 less this, are not worth a word.
const WORTH_A_WORD: u8 = 3;
/// Tilts below this are not worth a word, in degrees.
const TILT_WORTH_A_WORD: u8 = 2;

impl From<Framing> for Edit {
    fn from(framing: Framing) -> Self {
        Self {
            mirrored: framing.mirrored,
            turn: framing.turn,
            negative: framing.negative,
            border_removed: framing.border_removed,
            ..Self::default()
        }
    }
}

impl Edit {
    /// Sorts simpler edits first: fewer steps, then by field. A picture that is its own mirror
    /// image is thus reported as is.
    pub(crate) fn rank(&self) -> impl Ord + use<> {
        let turned = self.turn != Turn::None;
        let steps = [self.mirrored, turned, self.negative, self.border_removed];
        (
            steps.iter().filter(|step| **step).count(),
            self.negative,
            self.border_removed,
            self.turn,
            self.mirrored,
        )
    }
}

/// `as is`, or the steps with commas: `mirrored, turned 90, border removed`.
impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = Vec::new();
        if self.mirrored {
            steps.push("mirrored".to_owned());
        }
        if self.turn != Turn::None {
            steps.push(format!("turned {}", self.turn.degrees()));
        }
        if self.tilt_degrees.unsigned_abs() >= TILT_WORTH_A_WORD {
            steps.push(format!("tilted {}", self.tilt_degrees));
        }
        if self.crop_percent >= WORTH_A_WORD {
            steps.push(format!("crop {}%", self.crop_percent));
        }
        if (1..=100 - WORTH_A_WORD).contains(&self.share_percent) {
            steps.push(format!("{}% of the ad", self.share_percent));
        }
        if self.border_removed {
            steps.push("border removed".to_owned());
        }
        if self.negative {
            steps.push("negative".to_owned());
        }
        match steps.is_empty() {
            true => f.write_str("as is"),
            false => f.write_str(&steps.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_reads_as_its_steps() {
        let check = |edit: Edit, expected| assert_eq!(edit.to_string(), expected);
        let plain = Edit::default();
        check(plain, "as is");
        check(
            Edit {
                mirrored: true,
                ..plain
            },
            "mirrored",
        );
        check(
            Edit {
                turn: Turn::Quarter,
                ..plain
            },
            "turned 90",
        );
        check(
            Edit {
                turn: Turn::Half,
                ..plain
            },
            "turned 180",
        );
        check(
            Edit {
                turn: Turn::ThreeQuarters,
                ..plain
            },
            "turned 270",
        );
        check(
            Edit {
                negative: true,
                ..plain
            },
            "negative",
        );
        check(
            Edit {
                turn: Turn::Quarter,
                border_removed: true,
                ..plain
            },
            "turned 90, border removed",
        );
        check(
            Edit {
                tilt_degrees: -7,
                crop_percent: 40,
                share_percent: 22,
                ..plain
            },
            "tilted -7, crop 40%, 22% of the ad",
        );
        check(
            Edit {
                crop_percent: 1,
                share_percent: 99,
                ..plain
            },
            "as is",
        );
        check(
            Edit {
                mirrored: true,
                turn: Turn::Half,
                negative: true,
                border_removed: true,
                ..plain
            },
            "mirrored, turned 180, border removed, negative",
        );
    }

    #[test]
    fn fewer_steps_rank_first() {
        let plain = Edit::default();
        let mirrored = Edit {
            mirrored: true,
            ..plain
        };
        let both = Edit {
            mirrored: true,
            turn: Turn::Half,
            ..plain
        };
        assert!(plain.rank() < mirrored.rank());
        assert!(mirrored.rank() < both.rank());
    }
}
