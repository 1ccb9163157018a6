//! Objects over the S3 protocol, by the AWS SDK, in process and over a port.

mod services;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use services::{s3, s3_over, serve_s3, start};

async fn put(client: &Client, key: &str, body: &[u8]) {
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

async fn body(client: &Client, key: &str) -> Vec<u8> {
    let object = client
        .get_object()
        .bucket("ads")
        .key(key)
        .send()
        .await
        .expect("there");
    object.body.collect().await.expect("whole").to_vec()
}

async fn keys(client: &Client, prefix: &str) -> Vec<String> {
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

/// The life of an object, the same whichever way the client comes.
async fn an_objects_life(client: &Client) {
    client
        .create_bucket()
        .bucket("ads")
        .send()
        .await
        .expect("made");
    let long = "k".repeat(1_024);
    let odd = [
        "a",
        "a/b",
        "../x",
        "/",
        "//",
        "a b+c%20&?#",
        "é/\u{1F600}",
        ".",
        &long,
    ];
    for key in odd {
        put(client, key, key.as_bytes()).await;
    }
    for key in odd {
        assert_eq!(body(client, key).await, key.as_bytes(), "{key}");
        let head = client
            .head_object()
            .bucket("ads")
            .key(key)
            .send()
            .await
            .expect("there");
        assert_eq!(head.content_length(), i64::try_from(key.len()).ok());
    }
    let mut sorted = odd.map(str::to_owned);
    sorted.sort();
    assert_eq!(keys(client, "").await, sorted);
    put(client, "empty", b"").await;
    assert_eq!(body(client, "empty").await, b"");
    client
        .delete_object()
        .bucket("ads")
        .key("a")
        .send()
        .await
        .expect("deleted");
    assert_eq!(keys(client, "a").await, ["a b+c%20&?#", "a/b"]);
    let gone = client
        .get_object()
        .bucket("ads")
        .key("a")
        .send()
        .await
        .expect_err("gone");
    assert_eq!(gone.code(), Some("NoSuchKey"));
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_live_in_process() {
    let services = start();
    an_objects_life(&s3(&services.embedded)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_live_over_a_port() {
    let services = start();
    let key = services.embedded.access_key();
    let port = serve_s3(&services.embedded).await;
    an_objects_life(&s3_over(&port, &key.id, &key.secret)).await;
    port.stop().await;
}
