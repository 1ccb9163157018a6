//! A wire between a function and the services that writes down every call the function makes: which
//! rights it takes, and what it is billed as.
//!
//! It sits where the network is, so that nothing of the code under test knows of it, and passes
//! bytes on as they are: signatures stay valid, since they cover the name that the client called.

pub mod rights;
pub mod units;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use store::Names;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use rights::Right;
use units::Units;

/// What DynamoDB's requests name their operation with; S3 has no such header.
const TARGET: &str = "x-amz-target";

/// One call that was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The service and its operation, e.g. `dynamodb:PutItem`, `s3:GetObject`.
    pub operation: String,
    /// What a role must allow for it.
    pub rights: Vec<Right>,
    /// What it is billed as.
    pub units: Units,
}

/// The wire of one function.
pub struct Wire {
    url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// Where the services are, and what their tables and buckets are called.
#[derive(Clone)]
struct Services {
    s3: String,
    dynamodb: String,
    names: Names,
}

/// One request or response, whole.
type Whole<T> = (T, Bytes);

impl Wire {
    /// A wire on a free loopback port, to services at these URLs.
    pub fn tap(runtime: &Runtime, s3: &str, dynamodb: &str, names: Names) -> Self {
        let address = |url: &str| url.trim_start_matches("http://").to_owned();
        let (s3, dynamodb) = (address(s3), address(dynamodb));
        let services = Arc::new(Services {
            s3,
            dynamodb,
            names,
        });
        let calls = Arc::new(Mutex::new(Vec::new()));
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        runtime.spawn(listen(listener, services, calls.clone()));
        Self { url, calls }
    }

    /// Where the function finds S3 and DynamoDB.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What all calls so far are billed as.
    pub fn units(&self) -> Units {
        let mut all = Units::default();
        for call in self.calls.lock().expect("no panic with the lock").iter() {
            all += call.units;
        }
        all
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("no panic with the lock").clone()
    }
}

async fn listen(listener: TcpListener, services: Arc<Services>, calls: Arc<Mutex<Vec<Call>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (services, calls) = (services.clone(), calls.clone());
        tokio::spawn(async move {
            let pass = service_fn(|request| pass(request, &services, &calls));
            // A function that is killed cuts its connections: no fault of the wire.
            let _cut = server::Builder::new()
                .serve_connection(TokioIo::new(stream), pass)
                .await;
        });
    }
}

/// An error closes the connection, as a service that went away does.
async fn pass(
    request: Request<Incoming>,
    services: &Services,
    calls: &Mutex<Vec<Call>>,
) -> anyhow::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let asked = (head, body.collect().await?.to_bytes());
    let answered = forward(&asked, services).await?;
    let call = read(&asked, &answered, &services.names);
    calls.lock().expect("no panic with the lock").push(call);
    let (head, body) = answered;
    Ok(Response::from_parts(head, Full::new(body)))
}

async fn forward(
    (head, body): &Whole<http::request::Parts>,
    services: &Services,
) -> anyhow::Result<Whole<http::response::Parts>> {
    let address = match head.headers.contains_key(TARGET) {
        true => &services.dynamodb,
        false => &services.s3,
    };
    let stream = TokioIo::new(TcpStream::connect(address).await?);
    let (mut sender, connection) = client::handshake(stream).await?;
    let connection = tokio::spawn(connection);
    let request = Request::from_parts(head.clone(), Full::new(body.clone()));
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    Ok((head, body))
}

fn read(
    (asked, body): &Whole<http::request::Parts>,
    (answered, answer): &Whole<http::response::Parts>,
    names: &Names,
) -> Call {
    let Some(target) = asked.headers.get(TARGET) else {
        let (operation, rights) = rights::of_s3(asked, body, answered.status, names);
        let units = Units::of_s3(&operation);
        return Call {
            operation: format!("s3:{operation}"),
            rights,
            units,
        };
    };
    let target = target.to_str().unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let [body, answer]: [Value; 2] =
        [body, answer].map(|json| serde_json::from_slice(json).unwrap_or_default());
    Call {
        operation: format!("dynamodb:{operation}"),
        rights: rights::of_dynamodb(operation, &body, names),
        units: Units::of_dynamodb(operation, &body, &answer),
    }
}
