//! Bounded retries with jitter.
#![allow(
    clippy::disallowed_methods,
    reason = "the randomness of waits comes in here"
)]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Db;
use crate::db::error::{Error, Result};

/// Where the store takes its randomness from: spreads retries over time, and tells two packs of the
/// same ads apart.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Jitter {
    /// From any source of 64 random bits: a seeded one replays.
    pub fn new(source: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// From the operating system.
    pub fn from_system() -> Self {
        Self::new(|| getrandom::u64().unwrap_or(0x9E37_79B9_7F4A_7C15))
    }

    pub(crate) fn number(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}

/// Attempts of a verb that others contend with. With [`pause`] they stretch over about 10 seconds:
/// a hundred writers of one counter get through, and a queue's visibility is not used up.
const ATTEMPTS_MAX: u32 = 20;

/// The attempts of one verb at what others contend for.
pub(crate) struct Attempts<'a> {
    db: &'a Db,
    doing: &'static str,
    made: u32,
}

impl Db {
    /// The attempts at what is under way, before the first.
    pub(crate) fn attempts(&self, doing: &'static str) -> Attempts<'_> {
        Attempts {
            db: self,
            doing,
            made: 0,
        }
    }
}

impl Attempts<'_> {
    /// Waits for the next attempt.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if there is none.
    pub(crate) async fn again(&mut self) -> Result<()> {
        self.made += 1;
        if self.made >= ATTEMPTS_MAX {
            return Err(Error::Unavailable(self.doing));
        }
        let pause = pause(self.made - 1, &self.db.jitter);
        self.db.pause(pause).await;
        Ok(())
    }
}

/// The pauses double from this ...
const PAUSE_FIRST_MS: u64 = 10;
/// ... to this.
const PAUSE_MAX_MS: u64 = 1_000;

/// How long to wait after attempt number `attempt` (from 0): between none and twice the last one's
/// most ("full jitter": writers that collided once spread out evenly).
fn pause(attempt: u32, jitter: &Jitter) -> Duration {
    let most_ms = PAUSE_FIRST_MS
        .saturating_mul(1 << attempt.min(16))
        .min(PAUSE_MAX_MS);
    Duration::from_millis(jitter.number() % (most_ms + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second_and_no_further() {
        let most = Jitter::new(|| 1_000);
        assert!(pause(0, &most) <= Duration::from_millis(10));
        for attempt in 0..40 {
            assert!(pause(attempt, &most) <= Duration::from_millis(PAUSE_MAX_MS));
        }
        assert_eq!(pause(39, &most), Duration::from_millis(PAUSE_MAX_MS));
    }
}
