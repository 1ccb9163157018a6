//! How many connections a port has at once, and who leaves when one more comes.
#![allow(
    clippy::disallowed_methods,
    reason = "a connection has an age and a deadline"
)]

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio_util::sync::CancellationToken;

/// Connections of a port at most. Each may hold a head of 64 KiB.
const CONNECTIONS_MAX: u64 = 256;

/// Descriptors that are not for connections: databases, contents being read and written.
const DESCRIPTORS_KEPT: u64 = 96;

/// Ports that share the process's descriptors.
const PORTS: u64 = 3;

/// How soon is tried again while every connection is in a request.
const RETRY_EVERY: Duration = Duration::from_millis(20);

/// The connections of a port. When all are taken and one more comes, the connection that has been without
/// a request for longest leaves: half a head, or a client that keeps its connection for later.
pub(super) struct ConnectionLimit {
    taken: Arc<Mutex<Vec<Arc<ConnectionState>>>>,
    max: usize,
    opened: Instant,
}

/// A permit for one connection, given back when dropped.
pub(super) struct ConnectionPermit {
    state: Arc<ConnectionState>,
    taken: Arc<Mutex<Vec<Arc<ConnectionState>>>>,
}

/// Who sits there.
pub(super) struct ConnectionState {
    requests: AtomicUsize,
    /// Since when it is without a request, in milliseconds of the port's life.
    idle_since_ms: AtomicU64,
    opened: Instant,
    evict: CancellationToken,
}

/// A request under way, until its answer is sent or given up.
pub(super) struct Busy(Arc<ConnectionState>);

impl ConnectionLimit {
    /// As many as the process's descriptors allow, raised as far as the system lets us.
    pub(super) fn of_a_port() -> Self {
        let share = descriptors().saturating_sub(DESCRIPTORS_KEPT) / PORTS;
        let max = share.clamp(1, CONNECTIONS_MAX);
        Self::new(usize::try_from(max).unwrap_or(1))
    }

    fn new(max: usize) -> Self {
        Self {
            taken: Arc::default(),
            max,
            opened: Instant::now(),
        }
    }

    /// A permit, as soon as one is free or can be made free.
    pub(super) async fn acquire(&self) -> ConnectionPermit {
        loop {
            if let Some(permit) = self.try_acquire() {
                return permit;
            }
            tokio::time::sleep(RETRY_EVERY).await;
        }
    }

    fn try_acquire(&self) -> Option<ConnectionPermit> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() >= self.max {
            let idle = taken.iter().enumerate().filter(|(_, it)| it.is_idle());
            let (oldest, _) =
                idle.min_by_key(|(_, it)| it.idle_since_ms.load(Ordering::Relaxed))?;
            taken.swap_remove(oldest).evict.cancel();
        }
        let state = Arc::new(ConnectionState {
            requests: AtomicUsize::new(0),
            idle_since_ms: AtomicU64::new(0),
            opened: self.opened,
            evict: CancellationToken::new(),
        });
        state.idles();
        taken.push(state.clone());
        Some(ConnectionPermit {
            state,
            taken: self.taken.clone(),
        })
    }
}

impl ConnectionPermit {
    pub(super) fn state(&self) -> Arc<ConnectionState> {
        self.state.clone()
    }

    /// Ends when the connection must make room for another.
    pub(super) async fn evicted(&self) {
        self.state.evict.cancelled().await;
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|it| !Arc::ptr_eq(it, &self.state));
    }
}

impl ConnectionState {
    fn is_idle(&self) -> bool {
        self.requests.load(Ordering::Relaxed) == 0
    }

    fn idles(&self) {
        let ms = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.idle_since_ms.store(ms, Ordering::Relaxed);
    }

    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.idles();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The descriptors that this process may have, after raising the limit to what it may be.
fn descriptors() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum.unwrap_or(u64::MAX),
        Err(_) => current.unwrap_or(u64::MAX), // some systems refuse what they say is allowed
    }
}

/// An answer's body that keeps its connection busy.
pub(super) struct WhileBusy<B> {
    body: Pin<Box<B>>,
    _busy: Busy,
}

impl<B> WhileBusy<B> {
    pub(super) fn new(body: B, busy: Busy) -> Self {
        Self {
            body: Box::pin(body),
            _busy: busy,
        }
    }
}

impl<B: hyper::body::Body<Data = Bytes>> hyper::body::Body for WhileBusy<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.body.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_longest_idle_connection_makes_room() {
        let limit = ConnectionLimit::new(2);
        let (first, second) = (limit.acquire().await, limit.acquire().await);
        let in_a_request = first.state().busy();
        let third = limit.acquire().await;
        assert!(second.state.evict.is_cancelled());
        assert!(!first.state.evict.is_cancelled() && !third.state.evict.is_cancelled());
        drop(in_a_request);
        let _fourth = limit.acquire().await;
        let left = [&first, &third].map(|permit| permit.state.evict.is_cancelled());
        assert_eq!(left.into_iter().filter(|left| *left).count(), 1);
    }

    #[test]
    fn no_connection_in_a_request_is_closed() {
        let limit = ConnectionLimit::new(1);
        let only = limit.try_acquire().expect("a permit");
        let busy = only.state().busy();
        assert!(limit.try_acquire().is_none());
        drop(busy);
        drop(only);
        assert!(limit.try_acquire().is_some());
    }
}
