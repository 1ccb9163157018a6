//! Everybody who is at work in a run, on one thread and in one order.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use tokio::runtime::{Builder, Runtime};

use super::time::Time;

/// One at work.
struct Member {
    name: String,
    future: Pin<Box<dyn Future<Output = ()>>>,
    bell: Arc<Bell>,
}

struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A number of programs that run together until all have ended.
#[derive(Default)]
pub struct Crew(Vec<Member>);

impl Crew {
    /// One more.
    pub fn add(&mut self, name: impl Into<String>, work: impl Future<Output = ()> + 'static) {
        self.0.push(Member {
            name: name.into(),
            future: Box::pin(work),
            bell: Arc::new(Bell(AtomicBool::new(true))),
        });
    }

    /// Lets everybody work until all have ended. Whoever can go on does, in order; what they gave
    /// to other threads is waited for; only then does time move on.
    ///
    /// # Panics
    /// If somebody waits for nothing that could come.
    pub fn run(mut self, time: &Time) {
        runtime().block_on(async {
            loop {
                while self.poll_woken() {}
                if self.0.is_empty() {
                    return;
                }
                others_done().await;
                if self.nobody_is_woken() && !time.advance() {
                    panic!("nobody can go on: {}", self.names());
                }
            }
        });
    }

    fn poll_woken(&mut self) -> bool {
        let mut polled = false;
        self.0.retain_mut(|member| {
            if !member.bell.0.swap(false, Ordering::SeqCst) {
                return true;
            }
            polled = true;
            let waker = Waker::from(member.bell.clone());
            let mut context = Context::from_waker(&waker);
            member.future.as_mut().poll(&mut context) == Poll::Pending
        });
        polled
    }

    fn nobody_is_woken(&self) -> bool {
        let is_woken = |member: &Member| member.bell.0.load(Ordering::SeqCst);
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
async fn others_done() {
    tokio::task::spawn_blocking(|| ())
        .await
        .expect("the thread for blocking work lives");
}
