//! Bells that ring when rows for others were written: a queue's workers wait for theirs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Wakes those who wait for a queue, by its name.
#[derive(Default)]
pub(crate) struct Wakeups(Mutex<HashMap<String, watch::Sender<u64>>>);

impl Wakeups {
    pub(crate) fn wake(&self, name: &str) {
        self.channel(name).send_modify(|rings| *rings += 1);
    }

    pub(crate) fn subscribe(&self, name: &str) -> watch::Receiver<u64> {
        self.channel(name).subscribe()
    }

    fn channel(&self, name: &str) -> watch::Sender<u64> {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bells
            .entry(name.to_owned())
            .or_insert_with(|| watch::channel(0).0)
            .clone()
    }
}
