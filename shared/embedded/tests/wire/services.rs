//! The services on a temporary folder, with SDK clients in process and over loopback ports.

use std::net::SocketAddr;
use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use embedded::Embedded;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub struct Services {
    pub embedded: Embedded,
    pub dir: tempfile::TempDir,
}

pub fn start() -> Services {
    let dir = tempfile::tempdir().expect("a temporary folder");
    Services {
        embedded: Embedded::open(dir.path()).expect("opens"),
        dir,
    }
}

/// A server on a port, to be stopped.
pub struct Port {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<embedded::Result<()>>,
}

impl Port {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn stop(self) {
        self.stop.send(()).expect("it serves still");
        self.served.await.expect("no panic").expect("served");
    }
}

pub async fn serve_s3(embedded: &Embedded) -> Port {
    let (listener, address, stop, stopped) = port().await;
    let embedded = embedded.clone();
    let served = tokio::spawn(async move {
        embedded
            .serve_s3(listener, async move { drop(stopped.await) })
            .await
    });
    Port {
        address,
        stop,
        served,
    }
}

pub async fn serve_dynamodb(embedded: &Embedded) -> Port {
    let (listener, address, stop, stopped) = port().await;
    let embedded = embedded.clone();
    let served = tokio::spawn(async move {
        embedded
            .serve_dynamodb(listener, async move { drop(stopped.await) })
            .await
    });
    Port {
        address,
        stop,
        served,
    }
}

async fn port() -> (
    TcpListener,
    SocketAddr,
    oneshot::Sender<()>,
    oneshot::Receiver<()>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (stop, stopped) = oneshot::channel();
    (listener, address, stop, stopped)
}

/// An S3 client in process.
pub fn s3(embedded: &Embedded) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&embedded.sdk_config()).force_path_style(true);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// An S3 client over a port, with the folder's key or a wrong one.
pub fn s3_over(port: &Port, id: &str, secret: &str) -> aws_sdk_s3::Client {
    s3_at(&port.address.to_string(), id, secret)
}

pub fn s3_at(address: &str, id: &str, secret: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .http_client(http_client())
        .region(Region::new(embedded::REGION))
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .endpoint_url(format!("http://{address}"))
        .force_path_style(true);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// A DynamoDB client in process.
pub fn dynamodb(embedded: &Embedded) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&embedded.sdk_config())
}

/// A DynamoDB client over a port.
pub fn dynamodb_over(port: &Port, id: &str, secret: &str) -> aws_sdk_dynamodb::Client {
    dynamodb_at(&port.address.to_string(), id, secret)
}

pub fn dynamodb_at(address: &str, id: &str, secret: &str) -> aws_sdk_dynamodb::Client {
    let credentials = aws_sdk_dynamodb::config::Credentials::new(id, secret, None, None, "test");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version_latest()
        .http_client(http_client())
        .region(aws_sdk_dynamodb::config::Region::new(embedded::REGION))
        .credentials_provider(credentials)
        .endpoint_url(format!("http://{address}"));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

fn http_client() -> aws_smithy_runtime_api::client::http::SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// How many files a folder holds.
pub fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("reads").count()
}

pub async fn put(client: &Client, key: &str, body: &[u8]) {
    let body = ByteStream::from(body.to_vec());
    client
        .put_object()
        .bucket("ads")
        .key(key)
        .body(body)
        .send()
        .await
        .expect("stored");
}

pub async fn body(client: &Client, key: &str) -> Vec<u8> {
    let object = client
        .get_object()
        .bucket("ads")
        .key(key)
        .send()
        .await
        .expect("there");
    object.body.collect().await.expect("whole").to_vec()
}

pub async fn keys(client: &Client, prefix: &str) -> Vec<String> {
    let page = client
        .list_objects_v2()
        .bucket("ads")
        .prefix(prefix)
        .send()
        .await
        .expect("listed");
    page.contents()
        .iter()
        .map(|object| object.key().expect("a key").to_owned())
        .collect()
}

pub async fn ready() -> (Services, Client) {
    let services = start();
    services.embedded.create_bucket("ads").await.expect("made");
    let client = s3(&services.embedded);
    (services, client)
}

pub fn status<E>(error: &aws_sdk_s3::error::SdkError<E>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}
