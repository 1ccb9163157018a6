//! What a match is good for, and which stage found it.

use std::fmt;

/// What a match is good for; the surer level sorts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Sure enough to be sent to a case system.
    Alert,
    /// Worth a person's look, never sent by itself.
    Review,
}

/// Which stage of matching found a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Stage 1: hashes of the whole picture.
    Whole,
    /// Stage 2: local features, by their geometry.
    Parts,
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
