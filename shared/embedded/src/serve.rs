//! The one loop that serves every port: S3, DynamoDB, and the API of the host.
//!
//! Every client is a stranger. How many there are, how long a head may take, how slowly a body
//! may come, and where from is limited here, before anything is read into memory or believed. What
//! the system refuses for a moment (no descriptor, no memory) ends no port: it is tried again.

mod allowed_hosts;
mod arriving;
mod connection_limit;
mod dynamodb;
mod form;
mod tls;
mod watched;

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::{Body, HttpError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::{Error, Result};
use crate::folder::AccessKey;
use crate::object_store::ObjectStore;
use crate::s3::S3PortService;
use crate::tables::Tables;
use arriving::AskedFor;
use connection_limit::{ConnectionLimit, ConnectionPermit, WhileBusy};
use form::FormSlots;
use watched::Watched;

pub use allowed_hosts::AllowedHosts;
pub use arriving::{Arriving, CutOff};
pub use tls::{TlsFault, TlsFiles};

/// How long a client may take to send a request's head, and may keep its connection for the next one.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);

/// The largest head, and the most that is read ahead of a body, in bytes: S3's own limits of a key
/// and metadata, signed in an address, are a quarter of it.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// How long a shutdown waits for requests under way before it cuts them off.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(25);

/// A pause after the system refused a connection, as it does when it is out of file descriptors.
const REFUSAL_PAUSE: Duration = Duration::from_millis(50);

/// How often a connection is looked at.
const CHECK_EVERY: Duration = Duration::from_secs(15);

/// After so many looks between which no byte moved in either direction, a connection is cut: twice
/// what the slowest answer of Homeward may take.
const STILL_CHECKS_MAX: u32 = 8;

/// What answers on a port.
pub trait Serves: Clone + Send + 'static {
    /// The answer's body.
    type Body: hyper::body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static;
    /// Answers a request from a port that allowed its host.
    fn answer(
        self,
        request: Request<Arriving>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// S3 on a port.
#[derive(Clone)]
pub(crate) struct S3Port {
    service: S3PortService,
    store: Arc<ObjectStore>,
    form_slots: Arc<FormSlots>,
}

impl S3Port {
    pub(crate) fn new(service: S3PortService, store: Arc<ObjectStore>) -> Self {
        let places = Arc::default();
        Self {
            service,
            store,
            form_slots: places,
        }
    }

    async fn form(&self, request: Request<Arriving>) -> Result<Response<Body>, HttpError> {
        let bytes_max = form::bytes_max(&request);
        let (head, body) = request.into_parts();
        let Some(begun) = form::begin(&head, body).await else {
            let detail = "send the fields of the form, its policy and signature, before the file";
            return Ok(refusal(StatusCode::FORBIDDEN, "AccessDenied", detail));
        };
        let Some(_held) = self.form_slots.slot_for(bytes_max).await else {
            let detail = "too many forms are under way; send this one again in a minute";
            return Ok(refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", detail));
        };
        let body = Body::http_body_unsync(begun);
        self.service.call(Request::from_parts(head, body)).await
    }
}

impl Serves for S3Port {
    type Body = Body;

    async fn answer(self, request: Request<Arriving>) -> Response<Body> {
        let is_form = form::is_form(&request);
        if (is_form || request.method() == Method::PUT) && !self.store.blobs.has_room() {
            tracing::warn!("an upload is refused: the disk is nearly full");
            let detail = "the disk is nearly full; make room and send this again";
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", detail);
        }
        let answered = match is_form {
            true => self.form(request).await,
            false => self.service.call(request.map(Body::http_body_unsync)).await,
        };
        answered.unwrap_or_else(|_| {
            tracing::warn!("a request to S3 was not answered");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "")
        })
    }
}

/// DynamoDB on a port.
#[derive(Clone)]
pub(crate) struct TablesPort {
    tables: Arc<Tables>,
    key: AccessKey,
    places: Arc<FormSlots>,
}

impl TablesPort {
    pub(crate) fn new(tables: Arc<Tables>, key: AccessKey) -> Self {
        let places = Arc::default();
        Self {
            tables,
            key,
            places,
        }
    }
}

impl Serves for TablesPort {
    type Body = Body;

    async fn answer(self, request: Request<Arriving>) -> Response<Body> {
        // A signature covers the body, so a stranger's is read before it is refused.
        let Some(_held) = self.places.slot_for(dynamodb::bytes_max(&request)).await else {
            return dynamodb::overloaded();
        };
        dynamodb::answer(&self.tables, &self.key, request).await
    }
}

/// An error as S3 writes it.
fn refusal(status: StatusCode, code: &str, detail: &str) -> Response<Body> {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>{code}</Code><Message>{detail}</Message></Error>"
    );
    let mut response = Response::new(Body::from(Bytes::from(xml)));
    *response.status_mut() = status;
    let xml = http::HeaderValue::from_static("application/xml");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, xml);
    response
}

/// Serves on a loopback port until `shutdown`, then lets what is under way finish. Who comes through
/// another name than `hosts` is refused.
///
/// # Errors
/// [`Error::NotLoopback`].
pub async fn serve(
    listener: TcpListener,
    hosts: AllowedHosts,
    service: impl Serves,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback(address));
    }
    accept((listener, None), hosts, service, shutdown).await;
    Ok(())
}

/// As [`serve`], on any address, by TLS alone.
pub async fn serve_tls(
    (listener, tls): (TcpListener, TlsFiles),
    hosts: AllowedHosts,
    service: impl Serves,
    shutdown: impl Future<Output = ()>,
) {
    accept((listener, Some(tls)), hosts, service, shutdown).await;
}

async fn accept(
    (listener, tls): (TcpListener, Option<TlsFiles>),
    hosts: AllowedHosts,
    service: impl Serves,
    shutdown: impl Future<Output = ()>,
) {
    let (stop, connections, hosts) = (
        CancellationToken::new(),
        TaskTracker::new(),
        Arc::new(hosts),
    );
    let limit = ConnectionLimit::of_a_port();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            (stream, permit) = next(&listener, &limit) => {
                let (hosts, service, stop) = (hosts.clone(), service.clone(), stop.clone());
                let acceptor = tls.as_ref().map(TlsFiles::acceptor);
                connections.spawn(async move {
                    let (stream, moved) = Watched::new(stream);
                    let served = (hosts, service);
                    match acceptor {
                        None => connection(stream, (permit, moved), served, stop).await,
                        Some(acceptor) => {
                            let greeted = tokio::time::timeout(HEAD_TIME_MAX, acceptor.accept(stream));
                            match greeted.await {
                                Ok(Ok(stream)) => connection(stream, (permit, moved), served, stop).await,
                                _ => tracing::debug!("a connection was not secured"),
                            }
                        }
                    }
                });
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
}

/// The next connection, once there is a permit for it.
async fn next(listener: &TcpListener, limit: &ConnectionLimit) -> (TcpStream, ConnectionPermit) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true); // only slower without
                return (stream, limit.acquire().await);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(REFUSAL_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    (permit, moved): (ConnectionPermit, watched::Moved),
    (hosts, service): (Arc<AllowedHosts>, impl Serves),
    stop: CancellationToken,
) {
    let state = permit.state();
    let answer = service_fn(move |request: Request<Incoming>| {
        let (hosts, service, busy) = (hosts.clone(), service.clone(), state.busy());
        async move { Ok::<_, Infallible>(through(&hosts, service, request, busy).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = permit.evicted() => Ok(()),
        () = stands_still(&moved) => Ok(()),
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

/// Ends once no byte has moved for too long.
async fn stands_still(moved: &watched::Moved) {
    let (mut last, mut still) = (moved.bytes(), 0);
    while still < STILL_CHECKS_MAX {
        tokio::time::sleep(CHECK_EVERY).await;
        let now = moved.bytes();
        still = if now == last { still + 1 } else { 0 };
        last = now;
    }
}

type Answered<S> = WhileBusy<http_body_util::Either<<S as Serves>::Body, Body>>;

async fn through<S: Serves>(
    hosts: &AllowedHosts,
    service: S,
    request: Request<Incoming>,
    busy: connection_limit::Busy,
) -> Response<Answered<S>> {
    let asked_for = AskedFor::of(&request);
    let request = request.map(|body| Arriving::new(body, asked_for.clone()));
    let mut answer = match hosts.check(&request) {
        Ok(()) => service
            .answer(request)
            .await
            .map(http_body_util::Either::Left),
        Err(closed) => closed.answer().map(http_body_util::Either::Right),
    };
    if !asked_for.is_so() {
        let close = http::HeaderValue::from_static("close");
        answer.headers_mut().insert(http::header::CONNECTION, close);
    }
    answer.map(|body| WhileBusy::new(body, busy))
}
