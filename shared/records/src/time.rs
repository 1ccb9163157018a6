//! Points in time, always in UTC and to the millisecond.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::text::{Malformed, text_form};

/// A point in time from 1970 to 9999, to the millisecond. Its text has a fixed width
/// (`2026-11-24T02:12:26.000Z`), so texts sort as times do and can stand in sort keys.
///
/// Nothing here reads a clock: programs bring the time in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// 9999-12-30T22:00:00Z, the end of what jiff can print in every time zone.
const MILLIS_MAX: i64 = 253_402_207_200_000;

impl Timestamp {
    /// From milliseconds since 1970; what lies outside 1970 to 9999 is moved to its edge.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, MILLIS_MAX))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn seconds(self) -> i64 {
        self.0 / 1000
    }

    /// Reads RFC 3339, any offset; finer digits than milliseconds are dropped.
    ///
    /// # Errors
    /// [`Malformed`] if it is no such time or lies outside 1970 to 9999.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = |rule| Malformed { what: "time", rule };
        let parsed: jiff::Timestamp = text
            .trim()
            .parse()
            .map_err(|_| malformed("it is not an RFC 3339 time with an offset"))?;
        let millis = parsed.as_millisecond();
        if !(0..=MILLIS_MAX).contains(&millis) {
            return Err(malformed("it lies outside the years 1970 to 9999"));
        }
        Ok(Self(millis))
    }

    /// This much later, at most the end of 9999.
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// This much earlier, at least 1970.
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// Time since `earlier`; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The text of fixed width.
    pub fn as_str(&self) -> String {
        format!("{:.3}", jiff::Timestamp::from(*self))
    }
}

text_form!(Timestamp);

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        Self::from_millis(time.as_millisecond())
    }
}

impl From<Timestamp> for jiff::Timestamp {
    fn from(time: Timestamp) -> Self {
        jiff::Timestamp::from_millisecond(time.0).expect("1970 to 9999 lies within jiff's range")
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since_1970 = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self(0).plus(since_1970)
    }
}
