//! Writes that no client waits for, one at a time and with a rest after each.
//!
//! Those who wait share the disk, and for some tables a lock, with these writes, and how many there
//! are depends on who is searched for. So their share of the time is bounded: a flood of leads takes
//! longer, and does not show.
#![allow(
    clippy::disallowed_methods,
    reason = "a rest is as long as its write took"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dynoxide::DynoxideError;

use super::Outcome;
use crate::error::Result;

/// After a write, rest this many times as long as it took: writes have a quarter of the time.
const RESTS_PER_WRITE: u32 = 3;

/// The longest rest: a disk that is slow for a moment holds up no alert for long.
const REST_MAX: Duration = Duration::from_millis(30);

type Write = Box<dyn FnOnce() + Send>;

/// The thread that does the writes. It has the usual priority, so that what holds a lock is never
/// kept from its processor; dropping it finishes what waits.
pub(super) struct BackgroundWriter {
    writes: Option<Sender<Write>>,
    thread: Option<JoinHandle<()>>,
}

impl BackgroundWriter {
    pub(super) fn start() -> Result<Self> {
        let (writes, waiting) = channel();
        let thread = std::thread::Builder::new()
            .name("tables behind".into())
            .spawn(move || write_and_rest(&waiting))?;
        Ok(Self {
            writes: Some(writes),
            thread: Some(thread),
        })
    }

    /// Does a write when its turn comes. Blocks.
    pub(super) fn run(&self, write: impl FnOnce() -> Outcome + Send + 'static) -> Outcome {
        let (answer, answered) = sync_channel(1);
        let write = Box::new(move || {
            let _ = answer.send(write()); // the caller may have gone; its write stands
        });
        let sent = self.writes.as_ref().map(|writes| writes.send(write));
        let cut_off = || DynoxideError::InternalServerError("the write was cut off".into());
        match sent {
            Some(Ok(())) => answered.recv().unwrap_or_else(|_| Err(cut_off())),
            _ => Err(cut_off()),
        }
    }
}

impl Drop for BackgroundWriter {
    fn drop(&mut self) {
        self.writes = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic there was reported to the caller that waited
        }
    }
}

fn write_and_rest(waiting: &Receiver<Write>) {
    while let Ok(write) = waiting.recv() {
        let begun = Instant::now();
        // The caller learns of a panic: its answer was dropped. The next write is none of its.
        let _ = catch_unwind(AssertUnwindSafe(write));
        std::thread::sleep(rest_after(begun.elapsed()));
    }
}

fn rest_after(write: Duration) -> Duration {
    (write * RESTS_PER_WRITE).min(REST_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_have_a_quarter_of_the_time_and_a_slow_disk_holds_up_none_for_long() {
        let ms = Duration::from_millis;
        for (write, rest) in [(ms(0), ms(0)), (ms(4), ms(12)), (ms(400), REST_MAX)] {
            assert_eq!(rest_after(write), rest);
        }
    }

    #[test]
    fn what_waits_when_it_ends_is_done_and_a_write_that_panics_ends_nothing_but_itself() {
        let behind = BackgroundWriter::start().expect("a thread");
        let written = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let panics = behind.run(|| panic!("a defect"));
        assert!(panics.is_err());
        let count = written.clone();
        let done = behind.run(move || {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok(String::new())
        });
        assert!(done.is_ok());
        drop(behind);
        assert_eq!(written.load(std::sync::atomic::Ordering::SeqCst), 1);
    }
}
