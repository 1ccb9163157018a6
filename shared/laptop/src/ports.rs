//! The loopback ports of the three servers, and those that other machines reach.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use embedded::{AllowedHosts, Arriving, Embedded, Serves, TlsFiles};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service;

/// The API's port unless another is asked for; S3 and DynamoDB take the next two.
pub const PORT: u16 = 8750;

/// Where the servers listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The HTTP API.
    pub api: String,
    /// S3.
    pub s3: String,
    /// DynamoDB.
    pub dynamodb: String,
    /// Where other machines reach the API and S3, by TLS; none where they do not.
    pub public: Option<PublicPorts>,
}

/// Addresses for other machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicPorts {
    /// The HTTP API and the pages.
    pub api: String,
    /// S3.
    pub s3: String,
}

/// Where other machines may come in.
#[derive(Clone, Debug)]
pub struct Public {
    /// The address and port of the API; S3 takes the next port.
    pub listen: SocketAddr,
    /// The name that others know this machine by, as in its certificate.
    pub name: String,
    /// The certificate.
    pub tls: TlsFiles,
}

pub(super) struct Listeners {
    api: TcpListener,
    s3: TcpListener,
    dynamodb: TcpListener,
    public: Option<(TcpListener, TcpListener)>,
}

/// Listens on three ports from `port` on; without one, on the usual ones, or on any that are free
/// if those are taken.
pub(super) async fn listen(
    port: Option<u16>,
    public: Option<&Public>,
) -> anyhow::Result<(Ports, Listeners)> {
    let mut listeners = match port {
        Some(port) => listen_from(port).await.with_context(|| {
            format!(
                "ports {port} to {} are not all free",
                port.saturating_add(2)
            )
        })?,
        None => match listen_from(PORT).await {
            Ok(listeners) => listeners,
            Err(_taken) => listen_from(0).await?,
        },
    };
    listeners.public = match public {
        None => None,
        Some(public) => Some(listen_publicly(public.listen).await?),
    };
    let public = match (&listeners.public, public) {
        (Some((api, s3)), Some(Public { name, .. })) => Some(PublicPorts {
            api: format!("https://{name}:{}", api.local_addr()?.port()),
            s3: format!("https://{name}:{}", s3.local_addr()?.port()),
        }),
        _ => None,
    };
    let ports = Ports {
        public,
        api: url(&listeners.api)?,
        s3: url(&listeners.s3)?,
        dynamodb: url(&listeners.dynamodb)?,
    };
    Ok((ports, listeners))
}

fn url(listener: &TcpListener) -> std::io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

async fn listen_from(port: u16) -> std::io::Result<Listeners> {
    let at = |offset: u16| {
        (
            Ipv4Addr::LOCALHOST,
            if port == 0 {
                0
            } else {
                port.saturating_add(offset)
            },
        )
    };
    Ok(Listeners {
        api: TcpListener::bind(at(0)).await?,
        s3: TcpListener::bind(at(1)).await?,
        dynamodb: TcpListener::bind(at(2)).await?,
        public: None,
    })
}

/// Listens for the API and, one port higher, for S3.
async fn listen_publicly(at: SocketAddr) -> anyhow::Result<(TcpListener, TcpListener)> {
    let next = match at.port() {
        0 => 0,
        port => port.saturating_add(1),
    };
    let context = || format!("{at} or the port after it cannot be listened on");
    let api = TcpListener::bind(at).await.with_context(context)?;
    let s3 = TcpListener::bind(SocketAddr::new(at.ip(), next)).await;
    Ok((api, s3.with_context(context)?))
}

/// Serves until `stop`, then finishes the requests under way.
pub(super) fn serve(
    tasks: &mut JoinSet<anyhow::Result<()>>,
    stop: &CancellationToken,
    embedded: &Embedded,
    listeners: Listeners,
    (api, public_api): (Router, Router),
    (allowed, public): (&[String], Option<&Public>),
) -> anyhow::Result<()> {
    let Listeners {
        api: api_at,
        s3,
        dynamodb,
        public: public_at,
    } = listeners;
    let (one, two) = (embedded.clone(), embedded.clone());
    let stopped = || stop.clone().cancelled_owned();
    let (stop_s3, stop_dynamodb, stop_api) = (stopped(), stopped(), stopped());
    let hosts =
        |listener: &TcpListener| AllowedHosts::of(listener).map(|hosts| hosts.allow(allowed));
    let (hosts_s3, hosts_dynamodb, hosts_api) = (hosts(&s3)?, hosts(&dynamodb)?, hosts(&api_at)?);
    tasks.spawn(async move { Ok(one.serve_s3_at(s3, hosts_s3, stop_s3).await?) });
    tasks.spawn(async move {
        let served = two.serve_dynamodb_at(dynamodb, hosts_dynamodb, stop_dynamodb);
        Ok(served.await?)
    });
    let api = embedded::serve(api_at, hosts_api, Api(api), stop_api);
    tasks.spawn(async move { Ok(api.await?) });
    if let (Some((api_at, s3_at)), Some(public)) = (public_at, public) {
        let names = [public.name.clone(), public.listen.ip().to_string()];
        let hosts = |listener: &TcpListener| {
            AllowedHosts::of(listener).map(|hosts| hosts.allow(allowed).allow(&names))
        };
        let (hosts_api, hosts_s3) = (hosts(&api_at)?, hosts(&s3_at)?);
        let (api_at, s3_at) = ((api_at, public.tls.clone()), (s3_at, public.tls.clone()));
        let api = embedded::serve_tls(api_at, hosts_api, Api(public_api), stopped());
        let (embedded, stop) = (embedded.clone(), stopped());
        tasks.spawn(async move {
            api.await;
            Ok(())
        });
        tasks.spawn(async move {
            embedded.serve_s3_tls(s3_at, hosts_s3, stop).await;
            Ok(())
        });
    }
    Ok(())
}

/// The API on its port.
#[derive(Clone)]
struct Api(Router);

impl Serves for Api {
    type Body = Body;

    async fn answer(mut self, request: Request<Arriving>) -> Response<Body> {
        let answered: Result<_, Infallible> = self.0.call(request.map(Body::new)).await;
        match answered {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
