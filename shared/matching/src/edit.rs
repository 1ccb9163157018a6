//! What an advertiser did to a photo, in words.

use std::fmt;

use features::fingerprint::{Framing, Turn};

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
    /// The tilt that is left after quarter turns, in degrees clockwise, -45 to 45.
    pub tilt_degrees: i8,
    /// How much of the ad the reference fills, in percent of its area; 0 if not known, as in
    /// stage 1. Less than 100 in collages, screenshots and insets.
    pub share_percent: u8,
    /// How much wider the reference is in the ad than its height tells, in percent; below 0 how
    /// much higher than its width tells.
    pub stretch_percent: i8,
    /// Seen askew: opposite sides are of different lengths.
    pub perspective: bool,
    /// What the ad shows around the reference.
    pub surroundings: Surroundings,
}

/// What an ad shows around the reference, as far as its layout tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Surroundings {
    /// Something, or not looked at: then only the share of the ad is said.
    #[default]
    Unknown,
    /// Nothing, save the corners that a tilt leaves empty.
    Nothing,
    /// A flat or blurred frame, on all sides or on two.
    Frame,
    /// A page with lines of writing, as on a phone or in a browser.
    Screenshot,
    /// Other pictures that share the ad with it, tile by tile.
    Collage {
        /// Tiles, the reference's own counted; none where they cannot be told apart for sure.
        of: Option<u8>,
    },
    /// Another picture, in which it lies.
    Picture,
}

/// Crops below this, and shares above 100 less this, are not worth a word.
const WORTH_A_WORD: u8 = 3;
/// Tilts below this are not worth a word, in degrees.
const TILT_WORTH_A_WORD: u8 = 2;
/// Stretches below this are not worth a word, in percent: what the rounding of a thumbnail's sides
/// and the fit of the outline can add up to.
const STRETCH_WORTH_A_WORD: u8 = 6;

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
        let steps: Vec<String> = self.of_its_shape().chain(self.of_its_place()).collect();
        match steps.is_empty() {
            true => f.write_str("as is"),
            false => f.write_str(&steps.join(", ")),
        }
    }
}

impl Edit {
    /// What was done to the reference itself.
    fn of_its_shape(&self) -> impl Iterator<Item = String> {
        let tilted = self.tilt_degrees.unsigned_abs() >= TILT_WORTH_A_WORD;
        let stretched = self.stretch_percent.unsigned_abs() >= STRETCH_WORTH_A_WORD;
        let stretched_to = match self.stretch_percent > 0 {
            true => "wider",
            false => "higher",
        };
        let stretch = self.stretch_percent.unsigned_abs();
        let steps = [
            self.mirrored.then(|| "mirrored".to_owned()),
            (self.turn != Turn::None).then(|| format!("turned {}", self.turn.degrees())),
            tilted.then(|| format!("tilted {}", self.tilt_degrees)),
            stretched.then(|| format!("stretched {stretch}% {stretched_to}")),
            self.perspective.then(|| "perspective".to_owned()),
            (self.crop_percent >= WORTH_A_WORD).then(|| format!("crop {}%", self.crop_percent)),
        ];
        steps.into_iter().flatten()
    }

    /// Where it ended up, and in which colours.
    fn of_its_place(&self) -> impl Iterator<Item = String> {
        let part = (1..=100 - WORTH_A_WORD).contains(&self.share_percent);
        let share = || part.then(|| format!("{}% of the ad", self.share_percent));
        let (place, share) = match self.surroundings {
            Surroundings::Unknown => (None, share()),
            Surroundings::Nothing => (None, None),
            Surroundings::Frame => (Some("framed".to_owned()), None),
            Surroundings::Screenshot => (Some("screenshot".to_owned()), None),
            Surroundings::Collage { of } => (Some(collage(of)), None),
            Surroundings::Picture => (Some("in another picture".to_owned()), share()),
        };
        let border = self.border_removed.then(|| "border removed".to_owned());
        let negative = self.negative.then(|| "negative".to_owned());
        [place, share, border, negative].into_iter().flatten()
    }
}

/// `one of four in a collage`, or `in a collage`.
fn collage(of: Option<u8>) -> String {
    const NUMBERS: [&str; 8] = [
        "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ];
    let number = of.and_then(|of| NUMBERS.get(usize::from(of).checked_sub(2)?));
    number.map_or_else(
        || "in a collage".to_owned(),
        |number| format!("one of {number} in a collage"),
    )
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
                stretch_percent: -5,
                ..plain
            },
            "as is",
        );
        check(
            Edit {
                stretch_percent: 33,
                perspective: true,
                ..plain
            },
            "stretched 33% wider, perspective",
        );
        check(
            Edit {
                stretch_percent: -25,
                ..plain
            },
            "stretched 25% higher",
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
    fn the_place_of_a_reference_is_named() {
        let check = |surroundings, expected| {
            let edit = Edit {
                mirrored: true,
                share_percent: 22,
                surroundings,
                ..Edit::default()
            };
            assert_eq!(edit.to_string(), expected);
        };
        check(Surroundings::Unknown, "mirrored, 22% of the ad");
        check(Surroundings::Nothing, "mirrored");
        check(Surroundings::Frame, "mirrored, framed");
        check(Surroundings::Screenshot, "mirrored, screenshot");
        let of = |of| Surroundings::Collage { of };
        check(of(Some(2)), "mirrored, one of two in a collage");
        check(of(Some(9)), "mirrored, one of nine in a collage");
        check(of(Some(1)), "mirrored, in a collage");
        check(of(Some(10)), "mirrored, in a collage");
        check(of(None), "mirrored, in a collage");
        let within = "mirrored, in another picture, 22% of the ad";
        check(Surroundings::Picture, within);
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
