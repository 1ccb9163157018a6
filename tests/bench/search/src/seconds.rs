//! Seconds that something took.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Seconds of this thread's processor time.
pub fn of_thread(run: impl FnOnce()) -> f64 {
    let start = used();
    run();
    (used() - start).as_secs_f64()
}

fn used() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}
