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
    /// Stage 2: local features of a picture.
    pub local: LocalRule,
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
    /// Up to this distance, in bits, a match that the second family refuses suffices all the same if the parts
    /// of the two pictures are enough for review: letters all over a photo move both. Pictures of one
    /// shooting, whose parts agree as well, lie 26 bits apart and more.
    pub borne_out_distance_bits_max: u16,
    /// Beyond `sure_distance_bits_max`, a match whose hashes of the second family differ in more bits than this is
    /// for review only. Measured on 60 photos with 76 edits each, and on 266 lookalikes (other
    /// pictures, many of the same computer-made person): PDQ alone alerted on 2,779 copies and on
    /// 8 lookalikes, which lie 26 to 30 bits apart in PDQ and 33 to 70 in the second family. This
    /// rule demotes all 8, and 21 of the copies.
    pub second_distance_bits_max: u16,
}

/// Stage 2: the ad laid over the reference agrees with it block by block, at two grids. The score
/// of a grid is the mean likeness of all blocks that can be compared, times the fourth root of
/// their number: 0 to 4 at 128 x 128 cells, 0 to 2.8 at 64 x 64.
///
/// Calibrated by `homeward bench recall` on 60 photos with 147 edits each and on all pairs of 361 photos
/// with 627 pictures and 1,420 edited ones; its report names the highest scores of false pairs.
///
/// Counts of features that version 3 of the policy quotes (`features_min`, `many`, `small`) were taken in a trial
/// with more features on both sides; with today's number fewer agree by chance, so that they bound from above.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalRule {
    /// Scores, either of which is enough to be sent to a case system.
    pub alert: PerGrid,
    /// Scores, either of which is enough for a person's look.
    pub review: PerGrid,
    /// Features that agree, enough for a person's look.
    pub review_features_min: usize,
    /// The finest grid's region, enough for a person's look with a few features.
    pub review_region_min: f32,
    /// The least share of the reference's clear cells that are clear in the ad too, in the blocks
    /// that agree, for the grid's score to suffice for an alert. Where a plain frame lies over a
    /// line of text, all that both show clearly agrees, but the ad shows little of what the
    /// reference has there: 0.60 at both grids. Of 2,185 copies two have less than 0.65 at the
    /// finest grid, and of 71 none less than 0.76 at the middle one.
    pub coverage_min: PerGrid,
    /// The least middle score with a fine one that suffices for an alert: fine stripes alone
    /// (bars of text, the tines of a fork) can agree by chance. Of 684 copies by other edits on
    /// nine photos, none with a sufficient fine score had less than 0.5; the false pair that
    /// taught this had 0.
    pub middle_with_fine_min: f32,
    /// And the least coverage at the middle grid with it: two straight frames, a tablet's and a
    /// border's, agree finely and leave out what lies within. They have 0.55, of 2,254 copies none
    /// has less than 0.6.
    pub coverage_with_fine_min: f32,
    /// The least fine score that suffices for an alert where the middle one is silent: a photo of
    /// a dark or plain scene may have all its structure in a few places. The tines reach 0.83.
    pub fine_alone_min: f32,
    /// The least fine score that suffices where many features agree, whatever the middle grid says.
    /// Of other pictures of the same person with that many, the best has 0.60.
    pub fine_with_features_min: f32,
    /// How many features must agree for that.
    /// Between different people no more than 17 agree, on 4,059 pairs of computer-made portraits.
    pub features_min: usize,
    /// Features that suffice where the middle grid agrees a little: a warped photo. Between pictures of
    /// one shooting up to 51 agree, and a good part of the middle grid with them.
    pub many: FeaturesWith,
    /// What suffices where only a part of the photo is in the ad, as a person cut out of it.
    pub part: PartRule,
    /// What suffices where the photo is small in the ad (see `clear_cell_px_min`), each by itself.
    /// Different people reach 0.64 with 4 features, 0.54 with 14, and a region of 1.9.
    pub small: [FeaturesWith; 2],
    /// The middle grid's region that suffices there.
    pub small_region_min: f32,
    /// Pixels of the ad's picture in a cell of the finest grid, along a side, from which that grid
    /// is seen clearly. Then a middle score does not suffice for an alert: two pictures of one
    /// shooting agree at the middle grid and not at the finest. That holds back 26 of 27 such
    /// pairs, which have 2.1 to 2.2, and 2 of 4,460 copies: those found by the middle score alone
    /// are small in their ads and have 1.3 at most.
    pub clear_cell_px_min: f32,
}

/// A number of agreeing features together with a middle score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeaturesWith {
    /// Features that agree at least.
    pub features_min: usize,
    /// The middle score.
    pub middle: f32,
}

/// A part of the photo that agrees as well at the finest grid as at the middle one: pictures of one
/// shooting agree at the middle one only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartRule {
    /// The finest grid's region, at least.
    pub region_min: f32,
    /// And how many times the middle grid's.
    pub of_middle_min: f32,
    /// Features that agree at least.
    pub features_min: usize,
}

/// A number for each of the two grids that decide.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PerGrid {
    /// At 128 x 128 cells.
    pub fine: f32,
    /// At 64 x 64 cells: for where the photo is too small in the ad, or too blurred.
    pub middle: f32,
}

/// What the proof of a pair found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// The grids' scores; 0 where a grid has too little to say anything.
    pub score: PerGrid,
    /// The share of the reference's clear cells that are clear in the ad too, in the blocks that
    /// agree: 0 to 1.
    pub coverage: PerGrid,
    /// How surely the best rectangle of blocks is the same picture: 0 to 16 and 0 to 8.
    pub region: PerGrid,
    /// Whether the middle grid has too little to say anything.
    pub middle_is_silent: bool,
    /// Pixels of the ad's picture in a cell of the finest grid, along a side; 0 if that grid was
    /// not looked at.
    pub fine_cell_px: f32,
    /// Features that agree with the alignment; fewer, if most are such as many ads have.
    pub agreeing: usize,
}

impl LocalRule {
    /// The level that the evidence for a pair reaches.
    pub(crate) fn level(&self, seen: &Evidence) -> Option<Level> {
        let score = seen.score;
        let is_alert = self.fine_suffices(seen)
            || self.middle_suffices(seen)
            || self.features_suffice(seen)
            || self.part_suffices(seen);
        let is_review = score.fine >= self.review.fine
            || score.middle >= self.review.middle
            || seen.agreeing >= self.review_features_min
            || seen.region.fine >= self.review_region_min
                && seen.agreeing >= self.small[1].features_min;
        match (is_alert, is_review) {
            (true, _) => Some(Level::Alert),
            (false, true) => Some(Level::Review),
            (false, false) => None,
        }
    }

    fn fine_suffices(&self, seen: &Evidence) -> bool {
        let (least, borne_out) = if seen.agreeing >= self.features_min {
            (self.fine_with_features_min, true)
        } else if seen.middle_is_silent {
            (self.fine_alone_min, true)
        } else {
            let by_middle = seen.score.middle >= self.middle_with_fine_min
                && seen.coverage.middle >= self.coverage_with_fine_min;
            (self.alert.fine, by_middle)
        };
        borne_out && seen.score.fine >= least && seen.coverage.fine >= self.coverage_min.fine
    }

    fn middle_suffices(&self, seen: &Evidence) -> bool {
        let alone = seen.score.middle >= self.alert.middle
            && seen.coverage.middle >= self.coverage_min.middle;
        let with =
            |it: &FeaturesWith| seen.agreeing >= it.features_min && seen.score.middle >= it.middle;
        let is_small = seen.fine_cell_px < self.clear_cell_px_min;
        let region = seen.region.middle >= self.small_region_min;
        is_small && (alone || region || self.small.iter().any(with))
    }

    fn features_suffice(&self, seen: &Evidence) -> bool {
        seen.agreeing >= self.many.features_min && seen.score.middle >= self.many.middle
    }

    fn part_suffices(&self, seen: &Evidence) -> bool {
        seen.agreeing >= self.part.features_min
            && seen.region.fine >= self.part.region_min
            && seen.region.fine >= self.part.of_middle_min * seen.region.middle
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: 3,
            whole: WholeRule {
                distance_bits_max: 31,
                quality_min: 50,
                sure_distance_bits_max: 15,
                borne_out_distance_bits_max: 23,
                second_distance_bits_max: 30,
            },
            local: LocalRule {
                alert: PerGrid {
                    fine: 0.85,
                    middle: 0.95,
                },
                review: PerGrid {
                    fine: 0.55,
                    middle: 0.8,
                },
                review_features_min: 20,
                review_region_min: 2.1,
                coverage_min: PerGrid {
                    fine: 0.65,
                    middle: 0.72,
                },
                middle_with_fine_min: 0.4,
                coverage_with_fine_min: 0.58,
                fine_alone_min: 1.0,
                fine_with_features_min: 0.65,
                features_min: 20,
                many: FeaturesWith {
                    features_min: 60,
                    middle: 0.3,
                },
                part: PartRule {
                    region_min: 2.6,
                    of_middle_min: 1.1,
                    features_min: 20,
                },
                small: [
                    FeaturesWith {
                        features_min: 12,
                        middle: 0.65,
                    },
                    FeaturesWith {
                        features_min: 6,
                        middle: 0.8,
                    },
                ],
                small_region_min: 2.2,
                clear_cell_px_min: 1.4,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy seen well at both grids.
    const COPY: Evidence = Evidence {
        score: PerGrid {
            fine: 1.5,
            middle: 1.2,
        },
        coverage: PerGrid {
            fine: 0.8,
            middle: 0.8,
        },
        region: PerGrid {
            fine: 1.0,
            middle: 1.0,
        },
        middle_is_silent: false,
        fine_cell_px: 2.1,
        agreeing: 10,
    };

    fn check(seen: Evidence, expected: Option<Level>) {
        assert_eq!(Policy::default().local.level(&seen), expected, "{seen:?}");
    }

    fn scored(fine: f32, middle: f32) -> Evidence {
        Evidence {
            score: PerGrid { fine, middle },
            ..COPY
        }
    }

    #[test]
    fn a_copy_alerts_and_a_stranger_does_not() {
        check(COPY, Some(Level::Alert));
        check(scored(0.3, 0.5), None);
        check(scored(0.6, 0.5), Some(Level::Review));
    }

    #[test]
    fn fine_stripes_alone_are_for_review() {
        check(scored(0.9, 0.2), Some(Level::Review));
    }

    #[test]
    fn a_dark_scene_alerts_by_its_fine_structure_alone() {
        let silent = |fine| Evidence {
            middle_is_silent: true,
            ..scored(fine, 0.0)
        };
        check(silent(1.1), Some(Level::Alert));
        check(silent(0.9), Some(Level::Review));
    }

    #[test]
    fn many_features_bear_out_a_fine_score() {
        let agreeing = |agreeing, fine| Evidence {
            agreeing,
            ..scored(fine, 0.1)
        };
        check(agreeing(25, 0.7), Some(Level::Alert));
        check(agreeing(25, 0.6), Some(Level::Review));
        check(agreeing(12, 0.4), None);
    }

    #[test]
    fn many_features_suffice_where_blocks_are_warped() {
        let agreeing = |agreeing, middle| Evidence {
            agreeing,
            ..scored(0.1, middle)
        };
        check(agreeing(70, 0.6), Some(Level::Alert));
        check(agreeing(45, 0.1), Some(Level::Review));
        check(agreeing(50, 0.6), Some(Level::Review));
        check(agreeing(15, 0.1), None);
    }

    #[test]
    fn a_part_that_agrees_finely_suffices() {
        let region = |fine, middle| Evidence {
            region: PerGrid { fine, middle },
            agreeing: 25,
            ..scored(0.4, 0.2)
        };
        check(region(3.0, 1.5), Some(Level::Alert));
        check(region(2.9, 2.8), Some(Level::Review));
    }

    #[test]
    fn a_small_copy_alerts_by_its_middle_score_and_some_features() {
        let small = |agreeing, middle| Evidence {
            fine_cell_px: 0.5,
            agreeing,
            ..scored(0.0, middle)
        };
        check(small(7, 0.85), Some(Level::Alert));
        check(small(4, 0.85), Some(Level::Review));
    }

    #[test]
    fn another_picture_of_one_shooting_is_for_review() {
        let twin = Evidence {
            agreeing: 31,
            ..scored(0.6, 1.4)
        };
        check(twin, Some(Level::Review));
        let small = Evidence {
            fine_cell_px: 0.7,
            ..twin
        };
        check(small, Some(Level::Alert));
    }

    #[test]
    fn a_frame_over_a_line_of_text_is_for_review() {
        let coverage = PerGrid {
            fine: 0.6,
            middle: 0.6,
        };
        check(Evidence { coverage, ..COPY }, Some(Level::Review));
    }
}
