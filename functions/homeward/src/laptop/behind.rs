//! Where programs run that nobody waits for.
//!
//! What they do depends on who is sought: a list of pictures that are like one that is sought makes
//! leads, and another makes none. Whoever sends such lists must not feel it, so these programs have
//! threads of their own that get the processor when nobody else wants it, and (by
//! [`embedded::Embedded::sdk_config_behind`]) connections of their own to the tables.

use tokio::runtime::{Builder, Handle, Runtime};

/// How much these threads stand back, from 0 to 19: beside a thread of the usual priority they get a
/// tenth of the time, enough for alerts to come while uploads never end.
const NICE: i32 = 10;

/// The threads. They end with this.
pub(super) struct Behind(Option<Runtime>);

impl Behind {
    pub(super) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("behind")
            .on_thread_start(stand_back)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Where to run what nobody waits for.
    pub(super) fn handle(&self) -> Handle {
        self.0
            .as_ref()
            .map_or_else(Handle::current, |it| it.handle().clone())
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background(); // within a runtime, as here, it may not be waited for
        }
    }
}

/// Lowers the calling thread's priority. Linux has one for each thread; elsewhere it would be the
/// whole process's, and the connections alone must do.
fn stand_back() {
    #[cfg(target_os = "linux")]
    {
        let this = Some(rustix::thread::gettid());
        if let Err(error) = rustix::process::setpriority_process(this, NICE) {
            tracing::warn!(%error, "a thread that nobody waits for has the usual priority");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn threads_behind_stand_back_and_others_do_not() {
        let nice = || {
            let this = Some(rustix::thread::gettid());
            rustix::process::getpriority_process(this).expect("a priority")
        };
        let usual = nice();
        let behind = Behind::start().expect("threads");
        let task = behind.handle().spawn(async move { nice() });
        assert_eq!(task.await.expect("done"), NICE);
        let blocking = behind.handle().spawn_blocking(nice);
        assert_eq!(blocking.await.expect("done"), NICE);
        assert_eq!(nice(), usual);
    }
}
