//! The tasks of a run, on one thread and in one order.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use tokio::runtime::{Builder, Runtime};

use super::time::Time;

/// One at work.
struct Task {
    name: String,
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<WakeFlag>,
}

struct WakeFlag(AtomicBool);

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A number of programs that run together until all have ended.
#[derive(Default)]
pub struct Tasks(Vec<Task>);

impl Tasks {
    /// One more.
    pub fn add(&mut self, name: impl Into<String>, work: impl Future<Output = ()> + 'static) {
        self.0.push(Task {
            name: name.into(),
            future: Box::pin(work),
            woken: Arc::new(WakeFlag(AtomicBool::new(true))),
        });
    }

    /// Polls all tasks until all have ended. Each that can go on does, in order; what they gave
    /// to other threads is waited for; only then does time move on.
    ///
    /// # Panics
    /// If a task waits for nothing that could come.
    pub fn run(mut self, time: &Time) {
        runtime().block_on(async {
            loop {
                while self.poll_woken() {}
                if self.0.is_empty() {
                    return;
                }
                blocking_work_done().await;
                if self.none_is_woken() && !time.advance() {
                    panic!("no task can go on: {}", self.names());
                }
            }
        });
    }

    fn poll_woken(&mut self) -> bool {
        let mut polled = false;
        self.0.retain_mut(|member| {
            if !member.woken.0.swap(false, Ordering::SeqCst) {
                return true;
            }
            polled = true;
            let waker = Waker::from(member.woken.clone());
            let mut context = Context::from_waker(&waker);
            member.future.as_mut().poll(&mut context) == Poll::Pending
        });
        polled
    }

    fn none_is_woken(&self) -> bool {
        let is_woken = |member: &Task| member.woken.0.load(Ordering::SeqCst);
        !self.0.iter().any(is_woken)
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|member| member.name.as_str()).collect();
        names.join(", ")
    }
}

/// With one thread for blocking work, which takes it in the order in which it was given.
fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.max_blocking_threads(1).enable_all();
    builder.build().expect("a runtime")
}

/// Waits until all blocking work that was given so far is done.
async fn blocking_work_done() {
    tokio::task::spawn_blocking(|| ())
        .await
        .expect("the thread for blocking work lives");
}
