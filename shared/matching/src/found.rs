//! What a match says.

use std::fmt;

use crate::Edit;

/// What a match is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Sure enough to be sent to a case system.
    Alert,
    /// Worth a person's look, never sent by itself.
    Review,
}

/// Which stage found a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Stage 1: hashes of the whole picture.
    Whole,
    /// Stage 2: parts of the picture, by their geometry.
    Parts,
}

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
    /// width and height; `None` if its parts do not tell, as for pictures too blurred or too small.
    pub outline: Option<[(f32, f32); 4]>,
}

impl Level {
    /// `alert` or `review`, as stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Review => "review",
        }
    }
}

impl Method {
    /// `whole` or `parts`, as stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Parts => "parts",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
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

    /// Of two pictures that are the same as a whole, and of too low a quality to be sure of more.
    pub(crate) fn of_the_same() -> Self {
        Self {
            level: Level::Review,
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
