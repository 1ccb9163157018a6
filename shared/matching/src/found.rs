//! What a match says.

use features::{Level, Method};

use crate::Edit;

/// A reference and an ad image that show the same photo. Not yet a fact: a person decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// What it is good for.
    pub level: Level,
    /// The stage that found it.
    pub method: Method,
    /// How far apart the two are, in bits of 256; 0 is the same picture. Comparable within one
    /// method only.
    pub distance_bits: u16,
    /// What was done to the reference to make the ad.
    pub edit: Edit,
    /// The reference's corners within the ad, clockwise from its top left, in shares of the ad's
    /// width and height; `None` if its local features do not tell, as for pictures too blurred or too small.
    pub outline: Option<[(f32, f32); 4]>,
}

impl Match {
    /// The better of two stages' answers; the second is asked only where the first is not sure.
    pub(crate) fn surest(
        first: Option<Self>,
        second: impl FnOnce() -> Option<Self>,
    ) -> Option<Self> {
        if first.is_some_and(|found| found.level == Level::Alert) {
            return first;
        }
        first.into_iter().chain(second()).min_by_key(Self::rank)
    }

    /// Of two pictures that are the same as a whole.
    pub(crate) fn of_the_same(level: Level) -> Self {
        Self {
            level,
            method: Method::Whole,
            distance_bits: 0,
            edit: Edit::default(),
            outline: None,
        }
    }

    /// Sorts better matches first; a total order, so that the best of several is always the same.
    pub(crate) fn rank(&self) -> impl Ord + use<> {
        (
            self.level,
            self.method,
            self.distance_bits,
            self.edit.rank(),
        )
    }
}
