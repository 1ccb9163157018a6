//! The services on loopback ports, for boto3, the AWS command line, rclone and other processes.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use s3s::{Body, HttpError};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::{TARGET, operation};
use crate::error::{Error, Result, blocking};
use crate::folder::AccessKey;
use crate::s3::Door;
use crate::signature;
use crate::tables::Tables;

/// How long a client may take to send a request's head.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);

/// How long a shutdown waits for requests under way before it cuts them off.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(25);

/// A pause after the system refused a connection, as it does when it is out of file descriptors.
const REFUSAL_PAUSE: Duration = Duration::from_millis(50);

/// What of a refused request is still read, at most; more is not worth the connection.
const REST_BYTES_MAX: usize = 4 << 20;

/// How long the rest of a refused request may take.
const REST_TIME_MAX: Duration = Duration::from_secs(5);

/// The start of a form that is given on together: more than its first line can have.
const FORM_START_BYTES: usize = 256;

/// The largest frame of a form.
const FORM_FRAME_BYTES_MAX: usize = 32 << 10;

/// The largest DynamoDB request, in bytes, as DynamoDB has it.
const TABLE_REQUEST_BYTES_MAX: usize = 16 << 20;

/// One of the two services, as hyper wants it.
#[derive(Clone)]
pub(crate) enum Front {
    S3(Door),
    DynamoDb(Arc<Tables>, AccessKey),
}

impl hyper::service::Service<Request<Incoming>> for Front {
    type Response = Response<Body>;
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, HttpError>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        match self.clone() {
            Self::S3(service) => {
                let is_form = is_form(&request);
                let is_wanted = is_wanted(&request);
                let request = request.map(|body| match ReadToTheEnd::new(body, &is_wanted) {
                    body if is_form => Body::http_body_unsync(FormBody::new(body)),
                    body => Body::http_body_unsync(body),
                });
                Box::pin(async move {
                    let mut answer = service.call(request).await?;
                    if !is_wanted.load(Ordering::Relaxed) {
                        let close = http::HeaderValue::from_static("close");
                        answer.headers_mut().insert(http::header::CONNECTION, close);
                    }
                    Ok(answer)
                })
            }
            Self::DynamoDb(tables, key) => {
                Box::pin(async move { Ok(tables_answer(tables, key, request).await) })
            }
        }
    }
}

fn is_form(request: &Request<Incoming>) -> bool {
    let media_type = request.headers().get(http::header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    request.method() == Method::POST
        && media_type.is_some_and(|it| it.trim_start().starts_with("multipart/form-data"))
}

/// A form's body in frames that `s3s` gets along with, however the network cut it. It takes what it
/// has of the first line for the whole line, and holds at most 64 KiB where the end of a frame could
/// be the start of a boundary.
struct FormBody {
    body: ReadToTheEnd,
    held: Bytes,
    /// Bytes that the next frame has, unless the body has no more.
    frame_bytes_min: usize,
}

impl FormBody {
    fn new(body: ReadToTheEnd) -> Self {
        Self {
            body,
            held: Bytes::new(),
            frame_bytes_min: FORM_START_BYTES,
        }
    }

    fn hold(&mut self, data: Bytes) {
        self.held = if self.held.is_empty() {
            data
        } else {
            [std::mem::take(&mut self.held), data].concat().into()
        };
    }
}

impl hyper::body::Body for FormBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        while this.held.len() < this.frame_bytes_min {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                // Trailers say nothing about a form.
                Some(Ok(frame)) => frame.into_data().into_iter().for_each(|it| this.hold(it)),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if this.held.is_empty() => return Poll::Ready(None),
                None => break,
            }
        }
        this.frame_bytes_min = 1;
        let frame = this
            .held
            .split_to(this.held.len().min(FORM_FRAME_BYTES_MAX));
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.len() as u64;
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + held);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + held);
        }
        hint
    }
}

/// Whether the body of a request has been asked for: at once, unless the client waits for that with
/// `Expect: 100-continue`.
fn is_wanted(request: &Request<Incoming>) -> Arc<AtomicBool> {
    let waits = request.headers().contains_key(http::header::EXPECT);
    Arc::new(AtomicBool::new(!waits || request.body().is_end_stream()))
}

/// A request's body that is read to its end even if the request is refused before. Without that,
/// hyper would close the connection, and a client that already reuses it would get no answer.
///
/// A client that waits to be asked for the body never sends it once it is refused: its next request
/// would be taken for the body. There the connection does end, and the answer says so.
struct ReadToTheEnd {
    body: Option<Incoming>,
    is_wanted: Arc<AtomicBool>,
}

impl ReadToTheEnd {
    fn new(body: Incoming, is_wanted: &Arc<AtomicBool>) -> Self {
        Self {
            body: Some(body),
            is_wanted: is_wanted.clone(),
        }
    }
}

impl hyper::body::Body for ReadToTheEnd {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.is_wanted.store(true, Ordering::Relaxed);
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
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

impl Drop for ReadToTheEnd {
    fn drop(&mut self) {
        let is_wanted = self.is_wanted.load(Ordering::Relaxed);
        let left = self.body.take();
        let left = left.filter(|body| is_wanted && !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (left, tokio::runtime::Handle::try_current()) {
            let rest = Limited::new(body, REST_BYTES_MAX).collect();
            runtime.spawn(async move { drop(tokio::time::timeout(REST_TIME_MAX, rest).await) });
        }
    }
}

/// Serves until `shutdown`, then lets what is under way finish.
///
/// # Errors
/// [`Error::NotLoopback`].
pub(crate) async fn serve(
    listener: TcpListener,
    front: Front,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback(address));
    }
    let (stop, connections) = (CancellationToken::new(), TaskTracker::new());
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, front.clone(), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(REFUSAL_PAUSE).await;
                }
            }
        }
    }
    drop(listener);
    stop.cancel();
    connections.close();
    if tokio::time::timeout(DRAIN_TIME_MAX, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "requests were cut off by the shutdown"
        );
    }
    Ok(())
}

async fn connection(stream: TcpStream, front: Front, stop: CancellationToken) {
    let _ = stream.set_nodelay(true); // only slower without
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .serve_connection(TokioIo::new(stream), front);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(DRAIN_TIME_MAX, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(
            incomplete = error.is_incomplete_message(),
            "a connection broke"
        );
    }
}

/// One DynamoDB request from a port. dynoxide itself checks no signatures, and would answer any web
/// page that the user has open; so signatures are checked here, and pages get no answer.
async fn tables_answer(
    tables: Arc<Tables>,
    key: AccessKey,
    request: Request<Incoming>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    if head.method != Method::POST || head.headers.contains_key(http::header::ORIGIN) {
        return refusal(StatusCode::FORBIDDEN, "AccessDeniedException");
    }
    let Ok(body) = Limited::new(body, TABLE_REQUEST_BYTES_MAX).collect().await else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge");
    };
    let body = body.to_bytes();
    if let Err(reason) = signature::check(&head, &body, &key, Timestamp::now()) {
        return refusal(StatusCode::BAD_REQUEST, reason);
    }
    let target = head
        .headers
        .get(TARGET)
        .and_then(|target| target.to_str().ok());
    let (Some(target), Ok(body)) = (target, String::from_utf8(body.into())) else {
        return refusal(StatusCode::BAD_REQUEST, "SerializationException");
    };
    let operation = operation(target).to_owned();
    match blocking(move || Ok::<_, Error>(tables.answer(&operation, &body))).await {
        Ok((status, json)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            json_response(status, json)
        }
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
    }
}

fn refusal(status: StatusCode, code: &str) -> Response<Body> {
    let code = format!("com.amazon.coral.service#{code}");
    json_response(
        status,
        serde_json::json!({"__type": code, "message": ""}).to_string(),
    )
}

fn json_response(status: StatusCode, json: String) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(json)));
    *response.status_mut() = status;
    let json_1_0 = http::HeaderValue::from_static("application/x-amz-json-1.0");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json_1_0);
    response
}
