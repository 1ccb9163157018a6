//! Objects over the S3 protocol, by the AWS SDK, in process and over a port.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;

use crate::services::{body, keys, put, ready, s3, s3_over, serve_s3, start, status};

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

/// A client in process, and a bucket.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_with_a_wrong_digest_is_refused_and_not_stored() {
    let (services, client) = ready().await;
    let queue = services.embedded.queue("q");
    services.embedded.notify("ads", "", "q").await.expect("set");
    let put = || {
        client
            .put_object()
            .bucket("ads")
            .key("a")
            .body(ByteStream::from_static(b"photo"))
    };
    let wrong_md5 = "AAAAAAAAAAAAAAAAAAAAAA==";
    let wrong_sha256 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (refused, code) in [
        (put().content_md5(wrong_md5).send().await, "BadDigest"),
        (put().content_md5("nonsense").send().await, "InvalidDigest"),
        (
            put().checksum_sha256(wrong_sha256).send().await,
            "BadDigest",
        ),
        (put().checksum_crc32("AAAAAA==").send().await, "BadDigest"),
    ] {
        assert_eq!(refused.expect_err("refused").code(), Some(code));
    }
    assert_eq!(keys(&client, "").await, Vec::<String>::new());
    let now = jiff::Timestamp::now();
    assert_eq!(queue.depth(now).await.expect("known").visible, 0);
    let checks = services.embedded.checks(true, now).await.expect("checked");
    assert_eq!(
        (checks.versions, checks.contents, checks.orphan_contents),
        (0, 0, 0)
    );
    put()
        .content_md5("WuDByKUmC8e2ZI9vvRFcNQ==")
        .send()
        .await
        .expect("right, so stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_parts_of_the_body() {
    let (_services, client) = ready().await;
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    put(&client, "a", &large).await;
    let size = large.len();
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=2999990-", size - 10, size),
        ("bytes=-7", size - 7, size),
        ("bytes=1-9999999", 1, size),
        ("bytes=-99999999", 0, size),
    ] {
        let part = client
            .get_object()
            .bucket("ads")
            .key("a")
            .range(range)
            .send()
            .await;
        let part = part.expect("a part");
        let content_range = format!("bytes {from}-{}/{size}", to - 1);
        assert_eq!(part.content_range(), Some(content_range.as_str()));
        assert!(
            part.body.collect().await.expect("whole").to_vec() == large[from..to],
            "{range}"
        );
    }
    let beyond = client
        .get_object()
        .bucket("ads")
        .key("a")
        .range("bytes=3000000-")
        .send()
        .await;
    assert_eq!(status(&beyond.expect_err("beyond")), Some(416));
    assert!(body(&client, "a").await == large);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_metadata_stay_and_a_copy_takes_them_or_replaces_them() {
    let (_services, client) = ready().await;
    let put = client
        .put_object()
        .bucket("ads")
        .key("a")
        .content_type("image/jpeg")
        .cache_control("no-store")
        .content_disposition("inline")
        .metadata("Source-URL", "https://ads.example/1?a=b&c=d")
        .metadata("place", "Zürich, 東京")
        .body(ByteStream::from_static(b"photo"));
    put.send().await.expect("stored");
    let copy = |key: &str| {
        client
            .copy_object()
            .bucket("ads")
            .copy_source("ads/a")
            .key(key)
    };
    copy("same").send().await.expect("copied");
    let replace = copy("other")
        .metadata_directive("REPLACE".into())
        .metadata("ad-id", "7");
    replace
        .content_type("image/png")
        .send()
        .await
        .expect("copied");
    for key in ["a", "same"] {
        let head = client
            .head_object()
            .bucket("ads")
            .key(key)
            .send()
            .await
            .expect("there");
        assert_eq!(head.content_type(), Some("image/jpeg"));
        assert_eq!(head.cache_control(), Some("no-store"));
        assert_eq!(head.content_disposition(), Some("inline"));
        let metadata = head.metadata().expect("metadata");
        assert_eq!(metadata["source-url"], "https://ads.example/1?a=b&c=d");
        assert_eq!(head.e_tag(), Some("\"5ae0c1c8a5260bc7b6648f6fbd115c35\""));
    }
    let head = client
        .head_object()
        .bucket("ads")
        .key("other")
        .send()
        .await
        .expect("there");
    assert_eq!(head.content_type(), Some("image/png"));
    assert_eq!(head.metadata().map(|metadata| metadata.len()), Some(1));
    let conditional = copy("x").copy_source_if_match("\"0\"").send().await;
    assert_eq!(status(&conditional.expect_err("unmet")), Some(412));
    assert_eq!(body(&client, "same").await, b"photo");
}
