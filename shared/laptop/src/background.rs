//! Where background programs run, those that no client waits for.
//!
//! What they do depends on who is searched for: a list of pictures that are like one that is searched for makes
//! leads, and another makes none. The sender of such lists must not notice it, so these programs have
//! threads of their own that get the processor when no other thread wants it, and (by
//! [`embedded::Embedded::sdk_config_background`]) connections of their own to the tables.

use tokio::runtime::{Builder, Handle, Runtime};

/// How much these threads' priority is lowered, from 0 to 19: against a thread of the usual priority they get a
/// tenth of the time, enough for alerts to come while uploads never end.
const NICE: i32 = 10;

/// The threads. They end with this.
pub(super) struct BackgroundRuntime(Option<Runtime>);

impl BackgroundRuntime {
    pub(super) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("behind")
            .on_thread_start(lower_priority)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Where to run background work.
    pub(super) fn handle(&self) -> Handle {
        self.0
            .as_ref()
            .map_or_else(Handle::current, |it| it.handle().clone())
    }
}

impl Drop for BackgroundRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background(); // within a runtime, as here, it may not be waited for
        }
    }
}

/// Lowers the calling thread's priority. Linux has one for each thread; elsewhere it would be the
/// whole process's, and the connections alone must do.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    {
        let this = Some(rustix::thread::gettid());
        if let Err(error) = rustix::process::setpriority_process(this, NICE) {
            tracing::warn!(%error, "a background thread has the usual priority");
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
        let behind = BackgroundRuntime::start().expect("threads");
        let task = behind.handle().spawn(async move { nice() });
        assert_eq!(task.await.expect("done"), NICE);
        let blocking = behind.handle().spawn_blocking(nice);
        assert_eq!(blocking.await.expect("done"), NICE);
        assert_eq!(nice(), usual);
    }
}
