//! Where the API takes its randomness from.
#![allow(
    clippy::disallowed_methods,
    reason = "the randomness of tokens comes in here"
)]

use std::fmt;
use std::sync::Arc;

/// A source of bytes that cannot be guessed: the system's, or a test's own.
#[derive(Clone)]
pub struct Random(Arc<Source>);

type Source = dyn Fn(&mut [u8]) + Send + Sync;

impl Random {
    /// From any source that fills a buffer: a seeded one replays, and is for tests only.
    pub fn new(source: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// From the operating system.
    ///
    /// # Panics
    /// Drawing panics where the system has no randomness: a guessable token is worse than none.
    pub fn from_system() -> Self {
        Self::new(|bytes| getrandom::fill(bytes).expect("the system has randomness"))
    }

    /// Fresh bytes.
    pub(crate) fn draw<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
