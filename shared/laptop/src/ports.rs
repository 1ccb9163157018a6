//! The loopback ports of the three servers.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use embedded::{AllowedHosts, Arriving, Embedded, Serves};
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
}

pub(super) struct Listeners {
    api: TcpListener,
    s3: TcpListener,
    dynamodb: TcpListener,
}

/// Listens on three ports from `port` on; without one, on the usual ones, or on any that are free
/// if those are taken.
pub(super) async fn listen(port: Option<u16>) -> anyhow::Result<(Ports, Listeners)> {
    let listeners = match port {
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
    let ports = Ports {
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
    })
}

/// Serves until `stop`, then finishes the requests under way.
pub(super) fn serve(
    tasks: &mut JoinSet<anyhow::Result<()>>,
    stop: &CancellationToken,
    embedded: &Embedded,
    listeners: Listeners,
    api: Router,
    allowed: &[String],
) -> anyhow::Result<()> {
    let Listeners {
        api: api_at,
        s3,
        dynamodb,
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
