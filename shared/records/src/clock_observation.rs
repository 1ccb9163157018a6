//! What a clock showed when it was looked at: a clock that jumps must end nothing for good.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How long a clock must have gone steadily after a jump before it is believed.
const STEADY_FOR: Duration = Duration::from_secs(3_600);

/// How far a clock may go back without that being a jump: time servers correct by less.
const BACK_MAX: Duration = Duration::from_secs(60);

/// What is known of the clock from earlier looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockObservation {
    /// What it showed at the last look.
    pub last_at: Timestamp,
    /// What it showed after its last jump ahead, if nothing has confirmed that yet.
    pub jumped_to: Option<Timestamp>,
    /// The time that has passed for sure: what has not ended by then has not ended.
    pub confirmed_at: Timestamp,
}

/// How a clock went since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockDrift {
    /// As clocks do.
    On,
    /// Further ahead than the time between two looks explains: it was wrong, it is, or there was no look
    /// for that long.
    Ahead,
    /// Back.
    Back,
}

impl ClockObservation {
    /// The first look ever: it is believed.
    pub fn first(now: Timestamp) -> Self {
        Self {
            last_at: now,
            jumped_to: None,
            confirmed_at: now,
        }
    }

    /// The next look. Between two looks lie at most `apart_max` unless there was a gap. A jump ahead is
    /// confirmed by a look that comes an hour of that clock later, in this run or in another, if the
    /// clock did not go back in between.
    pub fn observed(self, now: Timestamp, apart_max: Duration) -> (Self, ClockDrift) {
        if now.plus(BACK_MAX) < self.last_at {
            let seen = Self {
                confirmed_at: self.confirmed_at.min(now),
                ..Self::first(now)
            };
            return (seen, ClockDrift::Back);
        }
        let is_steady = self
            .jumped_to
            .is_none_or(|jumped| now.since(jumped) >= STEADY_FOR);
        if now.since(self.last_at) > apart_max {
            let seen = Self {
                last_at: now,
                jumped_to: Some(now),
                confirmed_at: if is_steady {
                    self.last_at
                } else {
                    self.confirmed_at
                },
            };
            return (seen, ClockDrift::Ahead);
        }
        let seen = Self {
            last_at: now,
            jumped_to: self.jumped_to.filter(|_| !is_steady),
            confirmed_at: if is_steady { now } else { self.confirmed_at },
        };
        (seen, ClockDrift::On)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + seconds * 1_000)
    }

    /// Looks at these times; says what is confirmed after each.
    fn check(looks: &[(i64, i64)]) {
        let mut seen = ClockObservation::first(at(0));
        for (now, confirmed) in looks {
            seen = seen.observed(at(*now), Duration::from_secs(3_600)).0;
            assert_eq!(seen.confirmed_at, at(*confirmed), "at {now} of {looks:?}");
        }
    }

    #[test]
    fn a_clock_that_goes_on_is_believed_at_once() {
        check(&[(5, 5), (10, 10), (HOUR, HOUR), (2 * HOUR, 2 * HOUR)]);
    }

    #[test]
    fn a_jump_ahead_and_back_confirms_nothing() {
        check(&[
            (5, 5),
            (400 * DAY, 5),
            (400 * DAY + 8, 5),
            (20, 5),
            (25, 25),
        ]);
    }

    #[test]
    fn a_jump_ahead_is_believed_after_an_hour_of_that_clock() {
        let jump = 30 * DAY;
        check(&[(jump, 0), (jump + HOUR - 1, 0), (jump + HOUR, jump + HOUR)]);
    }

    #[test]
    fn a_laptop_that_runs_for_minutes_a_day_ends_what_ended_the_day_before() {
        check(&[
            (DAY, 0),
            (DAY + 60, 0),
            (2 * DAY, DAY + 60),
            (3 * DAY, 2 * DAY),
        ]);
    }

    #[test]
    fn a_clock_that_goes_back_takes_back_what_was_confirmed() {
        check(&[(HOUR, HOUR), (60, 60), (HOUR, HOUR)]);
        check(&[(HOUR, HOUR), (HOUR - 30, HOUR - 30)]);
    }
}
