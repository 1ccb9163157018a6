//! The S3 port: who gets in, and what becomes of requests under way.

use aws_sdk_s3::error::ProvideErrorMetadata;

use crate::services::{body, files_in, keys, s3, s3_over, serve_s3, start};

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_no_request_gets_in() {
    let services = start();
    services.embedded.create_bucket("ads").await.expect("made");
    let port = serve_s3(&services.embedded).await;
    let key = services.embedded.access_key();
    for (id, secret, code) in [
        (key.id.as_str(), "guess", "SignatureDoesNotMatch"),
        ("someone", key.secret.as_str(), "InvalidAccessKeyId"),
    ] {
        let refused = s3_over(&port, id, secret)
            .list_objects_v2()
            .bucket("ads")
            .send()
            .await;
        assert_eq!(refused.expect_err("refused").code(), Some(code));
    }
    port.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_others_can_reach_is_refused() {
    let services = start();
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0")
        .await
        .expect("a free port");
    let refused = services
        .embedded
        .serve_s3(listener, std::future::pending())
        .await;
    assert!(matches!(refused, Err(embedded::Error::NotLoopback(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_lets_requests_under_way_finish() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let services = start();
    services.embedded.create_bucket("ads").await.expect("made");
    let client = s3(&services.embedded);
    let presign = aws_sdk_s3::presigning::PresigningConfig::expires_in;
    let presign = presign(std::time::Duration::from_secs(60)).expect("a time");
    let port = serve_s3(&services.embedded).await;
    let key = services.embedded.access_key();
    let over = s3_over(&port, &key.id, &key.secret);
    let put = over
        .put_object()
        .bucket("ads")
        .key("slow")
        .presigned(presign)
        .await
        .expect("signed");
    let path = put
        .uri()
        .strip_prefix(&port.url())
        .expect("ours")
        .to_owned();
    let mut stream = tokio::net::TcpStream::connect(port.address)
        .await
        .expect("connected");
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: 10\r\n\r\nhello",
        port.address
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    tokio::time::sleep(std::time::Duration::from_millis(200)).await; // the request is under way
    let stopping = tokio::spawn(port.stop());
    tokio::time::sleep(std::time::Duration::from_millis(200)).await; // and so is the shutdown
    assert!(!stopping.is_finished());
    stream.write_all(b"there").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stopping.await.expect("stopped");
    assert_eq!(body(&client, "slow").await, b"hellothere");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_stores_nothing() {
    use tokio::io::AsyncWriteExt;
    let services = start();
    services.embedded.create_bucket("ads").await.expect("made");
    let port = serve_s3(&services.embedded).await;
    let key = services.embedded.access_key();
    let over = s3_over(&port, &key.id, &key.secret);
    let presign = aws_sdk_s3::presigning::PresigningConfig::expires_in;
    let presign = presign(std::time::Duration::from_secs(60)).expect("a time");
    let put = over
        .put_object()
        .bucket("ads")
        .key("cut")
        .presigned(presign)
        .await
        .expect("signed");
    let path = put
        .uri()
        .strip_prefix(&port.url())
        .expect("ours")
        .to_owned();
    let mut stream = tokio::net::TcpStream::connect(port.address)
        .await
        .expect("connected");
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: 9000000\r\n\r\n",
        port.address
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(&vec![7; 6_000_000]).await.expect("sent");
    drop(stream);
    port.stop().await;
    assert_eq!(
        keys(&s3(&services.embedded), "").await,
        Vec::<String>::new()
    );
    assert_eq!(files_in(&services.dir.path().join("incoming")), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_upload_does_not_cost_the_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let services = start();
    let port = serve_s3(&services.embedded).await;
    let mut stream = tokio::net::TcpStream::connect(port.address)
        .await
        .expect("connected");
    let mut buffer = vec![0; 4_096];
    for _ in 0..3 {
        let head = "PUT /ads/unsigned HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("sent");
        let read = stream.read(&mut buffer).await.expect("answered");
        let answer = String::from_utf8_lossy(&buffer[..read]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        stream
            .write_all(b"photo")
            .await
            .expect("the body comes after the answer");
    }
    drop(stream);
    port.stop().await;
}

/// More connections than a port allows.
const STRANGERS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_make_room_for_those_that_do() {
    use tokio::io::AsyncWriteExt;
    let services = start();
    services.embedded.create_bucket("ads").await.expect("made");
    let port = serve_s3(&services.embedded).await;
    let mut held = Vec::new();
    for _ in 0..STRANGERS {
        let connecting = tokio::net::TcpStream::connect(port.address);
        let mut stream = connecting.await.expect("connected");
        // Refused at some point, which is what it is about.
        drop(stream.write_all(b"GET / HT").await);
        held.push(stream);
    }
    let key = services.embedded.access_key();
    let over = s3_over(&port, &key.id, &key.secret);
    let listed = over.list_objects_v2().bucket("ads").send().await;
    listed.expect("answered");
    drop(held);
    port.stop().await;
}

/// What a port answers to these bytes, of which no more come.
async fn answer_to(port: &crate::services::Port, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let connecting = tokio::net::TcpStream::connect(port.address);
    let mut stream = connecting.await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut buffer = vec![0; 4_096];
    let read = stream.read(&mut buffer).await.expect("answered");
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_a_signature_is_refused_before_its_file_comes() {
    let services = start();
    services.embedded.create_bucket("ads").await.expect("made");
    let port = serve_s3(&services.embedded).await;
    let part =
        |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
    let fields = format!("{}k\r\n{}", part("key"), part("file"));
    let form = format!(
        "POST /ads HTTP/1.1\r\nhost: {}\r\ncontent-type: multipart/form-data; boundary=b\r\n\
         content-length: 120000000\r\n\r\n{fields}{}",
        port.address,
        "x".repeat(1_000)
    );
    let answer = answer_to(&port, &form).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("<Code>AccessDenied</Code>"), "{answer}");
    port.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_and_a_foreign_name_are_refused_on_every_port() {
    let services = start();
    let s3 = serve_s3(&services.embedded).await;
    let tables = crate::services::serve_dynamodb(&services.embedded).await;
    for port in [&s3, &tables] {
        let ours = format!("host: {}", port.address);
        for head in [
            "host: page.example".to_owned(),
            format!("{ours}\r\norigin: http://page.example"),
            format!("{ours}\r\norigin: null"),
        ] {
            let answer = answer_to(port, &format!("GET / HTTP/1.1\r\n{head}\r\n\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
            assert!(answer.contains("not served here"), "{answer}");
        }
        let answer = answer_to(port, &format!("GET / HTTP/1.1\r\n{ours}\r\n\r\n")).await;
        assert!(!answer.contains("not served here"), "{answer}");
    }
    s3.stop().await;
    tables.stop().await;
}
