//! By which time something has ended for sure.

use std::time::Duration;

use records::{ClockDrift, ClockObservation, Timestamp};

use crate::Upkeep;

/// A look within this time of the one before is not noted: it would be a write every few seconds.
const SAVED_EVERY: Duration = Duration::from_secs(60);

impl Upkeep {
    /// The time by which what ends by its date has ended: the clock's, unless it has jumped. What a
    /// wrong clock ends is never searched for again, so a jump is believed only once the clock has
    /// gone on from there for an hour, and it is said.
    pub(crate) async fn ended_by(&self) -> store::Result<Timestamp> {
        let now = self.clock.now();
        let Some(apart_max) = self.looks_apart_max else {
            return Ok(now);
        };
        let Some(before) = self.store.checkpoints.clock_observation().await? else {
            self.store
                .checkpoints
                .save_clock_observation(&ClockObservation::first(now))
                .await?;
            return Ok(now);
        };
        let (seen, went) = before.observed(now, apart_max);
        if went != ClockDrift::On || now.since(before.last_at) >= SAVED_EVERY {
            self.store.checkpoints.save_clock_observation(&seen).await?;
        }
        if went != ClockDrift::On {
            tracing::error!(
                before = %before.last_at,
                now = %now,
                "the clock has jumped, or nobody looked at it for long: nothing ends by its date \
                 until it has gone on for an hour; if it is wrong, set it right now"
            );
        }
        Ok(seen.confirmed_at)
    }
}
