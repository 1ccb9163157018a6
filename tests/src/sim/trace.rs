//! What happened in a run, call by call: folded into one number, and kept as text on demand.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::call::Call;
use super::connection::Fault;
use super::rng::{FOLD_START, fold};

/// The trace of a run.
pub struct Trace(Mutex<Recorded>);

struct Recorded {
    hash: u64,
    calls: u64,
    /// None: words are not kept.
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty trace.
    pub fn new(keeps_text: bool) -> Self {
        Self(Mutex::new(Recorded {
            hash: FOLD_START,
            calls: 0,
            lines: keeps_text.then(Vec::new),
        }))
    }

    /// A call and what became of it.
    pub fn record_call(&self, at_us: u64, call: &Call, fault: Fault, status: u16) {
        let mut noted = self.recorded();
        noted.calls += 1;
        for word in [at_us, call.key(), u64::from(status), fault as u64] {
            noted.hash = fold(noted.hash, &word.to_le_bytes());
        }
        if let Some(lines) = &mut noted.lines {
            let Call { actor, name, .. } = call;
            lines.push(format!("{at_us:>12} {actor:<16} {name} {fault:?} {status}"));
        }
    }

    /// Something else that happened.
    pub fn record_text(&self, at_us: u64, words: &str) {
        let mut noted = self.recorded();
        noted.hash = fold(fold(noted.hash, &at_us.to_le_bytes()), words.as_bytes());
        if let Some(lines) = &mut noted.lines {
            lines.push(format!("{at_us:>12} {words}"));
        }
    }

    /// The whole run as one number.
    pub fn hash(&self) -> u64 {
        self.recorded().hash
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.recorded().calls
    }

    /// As text, if they were kept.
    pub fn lines(&self) -> Vec<String> {
        self.recorded().lines.clone().unwrap_or_default()
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
