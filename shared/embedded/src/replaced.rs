//! Files that were replaced by the same bytes, kept open until the answer is out.
//!
//! The system gives a file's blocks back when its last name and handle go. Were that part of a put,
//! the put of bytes that are there already would take longer than that of new ones.

use std::fs::File;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use crate::error::Result;

/// Longer than a put takes from its rename to its answer on a slow disk.
const KEPT_FOR: Duration = Duration::from_millis(200);

/// Files kept at once: few of the 256 that some systems allow a process. Of a flood that brings
/// more, the rest is let go at once.
const KEPT_MAX: usize = 32;

/// Lets files go after a while.
pub(crate) struct Replaced(SyncSender<File>);

impl Replaced {
    pub(crate) fn start() -> Result<Self> {
        let (sender, replaced) = sync_channel(KEPT_MAX);
        std::thread::Builder::new()
            .name("replaced".into())
            .spawn(move || let_go_later(&replaced))?;
        Ok(Self(sender))
    }

    pub(crate) fn let_go(&self, file: File) {
        let _ = self.0.try_send(file); // full: it goes now
    }
}

/// Ends when nothing can come any more.
fn let_go_later(replaced: &Receiver<File>) {
    while let Ok(first) = replaced.recv() {
        let batch: Vec<File> = std::iter::once(first).chain(replaced.try_iter()).collect();
        std::thread::sleep(KEPT_FOR);
        drop(batch);
    }
}
