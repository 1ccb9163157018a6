//! What must hold before a deployment is made, and whether it works once it is there.
//!
//! Each check looks at one thing and says what it saw, with the next step where that is not good.
//! None needs a network but those of [`account`] and [`smoke`], and none prints a secret.
#![allow(
    clippy::disallowed_methods,
    reason = "a trial of a running system has a deadline and the caller's credentials"
)]

pub mod account;
pub mod credentials;
pub mod parameters;
pub mod region;
pub mod smoke;
pub mod template;
pub mod tools;

use serde_json::{Value, json};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it must be.
    Good,
    /// Not asked.
    NotAsked,
    /// It may work; a person should look.
    Doubtful,
    /// A deployment would fail.
    Bad,
}

impl Verdict {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::NotAsked => "not asked",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub about: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Check {
    /// It is as it must be.
    pub fn good(about: &'static str, seen: impl Into<String>) -> Self {
        Self::of(about, Verdict::Good, seen, None)
    }

    /// A person should look; `hint` says where.
    pub fn doubtful(about: &'static str, seen: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::of(about, Verdict::Doubtful, seen, Some(hint.into()))
    }

    /// A deployment would fail; `hint` says what to do about it.
    pub fn bad(about: &'static str, seen: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::of(about, Verdict::Bad, seen, Some(hint.into()))
    }

    /// Not asked; `hint` says how to ask.
    pub fn not_asked(
        about: &'static str,
        seen: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::of(about, Verdict::NotAsked, seen, Some(hint.into()))
    }

    fn of(
        about: &'static str,
        verdict: Verdict,
        seen: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        Self {
            about,
            verdict,
            seen: seen.into(),
            hint,
        }
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({"about": self.about, "verdict": self.verdict.as_str(), "seen": self.seen,
            "hint": self.hint})
    }
}
