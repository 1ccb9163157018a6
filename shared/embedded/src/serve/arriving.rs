//! A request's body on its way in.
#![allow(
    clippy::disallowed_methods,
    reason = "a connection has an age and a deadline"
)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

/// The slowest that a body may come, in bytes a second: a tenth of a bad telephone line.
const RATE_MIN: u64 = 1 << 10;

/// How long may be waited for a body beyond that: a line may break for a moment.
const GRACE: Duration = Duration::from_secs(15);

/// What of a refused request is still read, at most; more is not worth the connection.
const REST_BYTES_MAX: usize = 4 << 20;

/// How long the rest of a refused request may take.
const REST_TIME_MAX: Duration = Duration::from_secs(5);

/// Whether the body of a request has been asked for: at once, unless the client waits for that with
/// `Expect: 100-continue`.
#[derive(Clone)]
pub(super) struct AskedFor(Arc<AtomicBool>);

impl AskedFor {
    pub(super) fn of(request: &Request<Incoming>) -> Self {
        let waits = request.headers().contains_key(header::EXPECT);
        let is_so = !waits || request.body().is_end_stream();
        Self(Arc::new(AtomicBool::new(is_so)))
    }

    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A body that must not come too slowly, and that is read to its end even if the request is refused
/// before. Without that, hyper would close the connection, and a client that already reuses it would
/// get no answer.
///
/// A client that waits to be asked for the body never sends it once it is refused: its next request
/// would be taken for the body. There the connection has to end, and the answer has to say so.
pub struct Arriving {
    body: Option<Incoming>,
    asked_for: AskedFor,
    received_bytes: u64,
    /// How long it was waited for so far; the time that we take with what has come is not the
    /// sender's.
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// Why a body ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum CutOff {
    /// The sender took too long.
    #[error("the body came too slowly")]
    Slow,
    /// The connection broke.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

impl Arriving {
    pub(super) fn new(body: Incoming, asked_for: AskedFor) -> Self {
        Self {
            body: Some(body),
            asked_for,
            received_bytes: 0,
            waited: Duration::ZERO,
            waiting: None,
        }
    }

    fn arrived(&mut self, frame: &Frame<Bytes>) {
        self.received_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed();
        }
    }

    /// Whether it has been waited for too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let allowed = GRACE + Duration::from_secs(self.received_bytes / RATE_MIN);
        let left = allowed.saturating_sub(self.waited);
        let waiting = self
            .waiting
            .get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(left))));
        waiting.1.as_mut().poll(cx)
    }
}

impl hyper::body::Body for Arriving {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let this = &mut *self;
        this.asked_for.now();
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        match Pin::new(body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.arrived(&frame);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|frame| Ok(frame?))),
            Poll::Pending => this.poll_late(cx).map(|()| {
                this.body = None; // nothing more is read of it
                Some(Err(CutOff::Slow))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map(Incoming::size_hint)
            .unwrap_or_default()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let left = self.body.take();
        let left = left.filter(|body| self.asked_for.is_so() && !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (left, tokio::runtime::Handle::try_current()) {
            let rest = Limited::new(body, REST_BYTES_MAX).collect();
            runtime.spawn(async move { drop(tokio::time::timeout(REST_TIME_MAX, rest).await) });
        }
    }
}
