//! What is said to the person at the terminal. Everything here goes to stderr; stdout is for data.
#![allow(
    clippy::disallowed_methods,
    reason = "what a person reads comes at most so often"
)]

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often progress is said where no bar can be drawn.
const PRINTED_EVERY: Duration = Duration::from_secs(10);

/// Says one line. A closed stderr is no reason to stop.
pub fn print(line: impl fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Text from outside, such as a file name, so that it cannot steer the terminal.
pub fn escaped(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.into()
        }
    };
    text.chars().map(shown).collect()
}

/// Progress of long work: a bar on a terminal, else a line now and then.
pub struct Progress {
    what: &'static str,
    total: u64,
    done: AtomicU64,
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    Lines { next: Mutex<Instant> },
}

impl Progress {
    /// Work on `total` of `what`, in the plural: `ads`.
    pub fn new(what: &'static str, total: usize) -> Self {
        let total = total as u64;
        let shown = match std::io::stderr().is_terminal() {
            true => Shown::Bar(bar(what, total)),
            false => Shown::Lines {
                next: Mutex::new(Instant::now() + PRINTED_EVERY),
            },
        };
        Self {
            what,
            total,
            done: AtomicU64::new(0),
            shown,
        }
    }

    /// One more is done. Any thread may say so.
    pub fn advance(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.shown {
            Shown::Bar(bar) => bar.set_position(done),
            Shown::Lines { next } => {
                // The holder of the lock is printing it already.
                if let Ok(mut next) = next.try_lock()
                    && Instant::now() >= *next
                {
                    *next = Instant::now() + PRINTED_EVERY;
                    print(format_args!("{}: {done} of {}", self.what, self.total));
                }
            }
        }
    }

    /// Says one line without tearing the bar.
    pub fn print(&self, line: impl fmt::Display) {
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(|| print(line)),
            Shown::Lines { .. } => print(line),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar(what: &'static str, total: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix:>12} [{bar:32}] {pos}/{len} {per_sec}, {eta} left")
            .expect("the template is well formed")
            .progress_chars("=> ");
    ProgressBar::new(total).with_style(style).with_prefix(what)
}
