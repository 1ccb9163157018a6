//! Virtual time: it stands still while any task can go on, and then jumps to the next who waits.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep as SdkSleep};
use records::Timestamp;
use store::Clock;

/// When every run starts: 2026-01-01T00:00:00Z.
const START_MS: i64 = 1_767_225_600_000;

/// The time of one run. Clones share it.
#[derive(Clone, Default)]
pub struct Time(Arc<Mutex<Timers>>);

#[derive(Default)]
struct Timers {
    now_us: u64,
    /// By the time to wake at, then by what the wait is for: two that wake at the same time do so
    /// in an order that does not depend on who came first.
    waiting: BTreeMap<Wait, Waker>,
    waits: u64,
}

/// Wake at, purpose, number.
type Wait = (u64, u64, u64);

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Time({} us)", self.now_us())
    }
}

impl Time {
    /// Microseconds since the run started.
    pub fn now_us(&self) -> u64 {
        self.timers().now_us
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(START_MS).plus(Duration::from_micros(self.now_us()))
    }

    /// This time, for the programs.
    pub fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::new(move || time.now())
    }

    /// This time, for the embedded servers.
    pub fn servers_clock(&self) -> embedded::Clock {
        let time = self.clone();
        Arc::new(move || time.now().into())
    }

    /// Waits. `purpose` decides who goes first of two that wake at the same time.
    pub fn sleep(&self, duration: Duration, purpose: u64) -> Sleep {
        Sleep {
            time: self.clone(),
            duration,
            purpose,
            wait: None,
        }
    }

    /// Jumps to the next waiting task and wakes it; false if none waits.
    pub fn advance(&self) -> bool {
        let mut timers = self.timers();
        let Some(((at_us, ..), waker)) = timers.waiting.pop_first() else {
            return false;
        };
        timers.now_us = timers.now_us.max(at_us);
        waker.wake();
        true
    }

    /// Moves on, for who has no one else to wait for.
    pub fn skip(&self, duration: Duration) {
        self.timers().now_us += micros(duration);
    }

    fn timers(&self) -> MutexGuard<'_, Timers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncSleep for Time {
    fn sleep(&self, duration: Duration) -> SdkSleep {
        SdkSleep::new(Time::sleep(self, duration, 0))
    }
}

/// A wait under way. Dropping it gives it up.
pub struct Sleep {
    time: Time,
    duration: Duration,
    purpose: u64,
    wait: Option<Wait>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (duration, purpose) = (self.duration, self.purpose);
        let time = self.time.clone();
        let mut timers = time.timers();
        let wait = *self.wait.get_or_insert_with(|| {
            timers.waits += 1;
            (timers.now_us + micros(duration), purpose, timers.waits)
        });
        // Its own wake, or that of something else in the same task.
        let was_woken = !timers.waiting.contains_key(&wait);
        if timers.now_us >= wait.0 && was_woken {
            return Poll::Ready(());
        }
        timers.waiting.insert(wait, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(wait) = self.wait {
            self.time.timers().waiting.remove(&wait);
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
