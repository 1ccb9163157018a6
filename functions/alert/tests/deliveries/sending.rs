//! One attempt, against every kind of receiver.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use alert::address::Networks;
use alert::resolver::{ResolveName, system};
use alert::send::{Egress, Message, SendError, SendOutcome, Sender, Timeouts};
use alert::target::Target;
use records::WebhookContentType;
use reqwest::Certificate;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::receiver::{Answer, Receiver};

/// What an attempt may take here: enough for an honest receiver on a busy machine.
pub const ATTEMPT: Duration = Duration::from_millis(3_000);

pub const BODY: &[u8] = br#"{"specversion":"1.0"}"#;

pub fn message() -> Message {
    Message {
        id: "unit-000000000001".into(),
        timestamp_s: 1_700_000_000,
        signature: "v1,c2lnbmVk".into(),
        content_type: WebhookContentType::default().header(),
        body: BODY.to_vec(),
    }
}

/// An exit for tests.
pub fn exit(networks: &str, lookup: ResolveName) -> Egress {
    Egress {
        networks: Networks::parse(networks).expect("a list"),
        timeouts: Timeouts {
            connect: Duration::from_millis(2_500),
            first: ATTEMPT,
            total: ATTEMPT,
        },
        authorities: Vec::new(),
        lookup,
    }
}

pub fn sender(networks: &str) -> Sender {
    Sender::new(&exit(networks, system())).expect("a sender")
}

pub fn target(url: &str) -> Target {
    Target::parse(url).expect("a target")
}

fn answered(status: u16) -> SendOutcome {
    SendOutcome::Answered {
        status,
        retry_after: None,
    }
}

/// Posts once to a receiver that answers so, and gives what came of it.
async fn outcome(answer: Answer) -> (SendOutcome, Receiver) {
    let receiver = Receiver::start([answer]).await;
    let sender = sender("127.0.0.0/8");
    let outcome = sender
        .post(&target(&receiver.url("/hook")), message(), ATTEMPT)
        .await;
    (outcome, receiver)
}

#[tokio::test]
async fn a_message_arrives_with_its_headers_and_its_bytes() {
    let (outcome, receiver) = outcome(Answer::Status(204, "")).await;
    assert_eq!(outcome, answered(204));
    let received = receiver.received().pop().expect("one message");
    assert_eq!(received.request_line, "POST /hook HTTP/1.1");
    assert_eq!(received.body, BODY);
    let rows = [
        (
            "content-type",
            "application/cloudevents+json; charset=utf-8",
        ),
        ("webhook-id", "unit-000000000001"),
        ("webhook-timestamp", "1700000000"),
        ("webhook-signature", "v1,c2lnbmVk"),
    ];
    for (name, value) in rows {
        assert_eq!(received.headers.get(name).map(String::as_str), Some(value));
    }
    for name in ["authorization", "cookie", "referer"] {
        assert_eq!(received.headers.get(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_receiver_may_have_plain_json() {
    let receiver = Receiver::start([Answer::Status(204, "")]).await;
    let plain = Message {
        content_type: WebhookContentType::Json.header(),
        ..message()
    };
    let target = target(&receiver.url("/hook"));
    let outcome = sender("127.0.0.0/8").post(&target, plain, ATTEMPT).await;
    assert_eq!(outcome, answered(204));
    let received = receiver.received().pop().expect("one message");
    let content_type = received.headers.get("content-type");
    assert_eq!(
        content_type.map(String::as_str),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(received.body, BODY);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Receiver::start([Answer::Status(200, "")]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}\r\n", elsewhere.url("/"));
        let (outcome, receiver) = outcome(Answer::Status(status, String::leak(location))).await;
        assert_eq!(outcome, answered(status));
        assert_eq!(receiver.received().len(), 1);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_request_for_a_later_attempt_is_handed_on() {
    let (outcome, _receiver) = outcome(Answer::Status(503, "retry-after: 120\r\n")).await;
    assert_eq!(
        outcome,
        SendOutcome::Answered {
            status: 503,
            retry_after: Some("120".into())
        }
    );
}

#[tokio::test]
async fn a_receiver_that_keeps_silent_or_drips_is_given_up() {
    for answer in [Answer::Silence, Answer::Drip] {
        let started = Instant::now();
        let (outcome, _receiver) = outcome(answer).await;
        assert_eq!(outcome, SendOutcome::Unanswered(SendError::TimedOut));
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let started = Instant::now();
    let (outcome, receiver) = outcome(Answer::Flood).await;
    assert_eq!(outcome, answered(200));
    assert!(started.elapsed() < Duration::from_secs(10));
    // What the kernel's buffers on both sides hold, and not a terabyte.
    assert!(receiver.log.flood_bytes.load(Ordering::SeqCst) < 16 << 20);
}

#[tokio::test]
async fn a_connection_that_breaks_is_no_answer() {
    for answer in [Answer::Cut, Answer::CutInside, Answer::Noise] {
        let (outcome, receiver) = outcome(answer).await;
        assert_eq!(outcome, SendOutcome::Unanswered(SendError::Broken));
        assert_eq!(receiver.received().len(), 1, "sent once and not again");
    }
}

#[tokio::test]
async fn a_port_without_a_listener_is_no_connection() {
    let url = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}/", listener.local_addr().expect("bound"))
    };
    let outcome = sender("127.0.0.0/8")
        .post(&target(&url), message(), ATTEMPT)
        .await;
    assert_eq!(outcome, SendOutcome::Unanswered(SendError::NotConnected));
}

#[tokio::test]
async fn an_unknown_name_is_no_connection() {
    let lookup: ResolveName =
        Arc::new(|_| Box::pin(async { Err(std::io::Error::other("no such name")) }));
    let sender = Sender::new(&exit("", lookup)).expect("a sender");
    let outcome = sender
        .post(&target("https://case.example/"), message(), ATTEMPT)
        .await;
    assert_eq!(outcome, SendOutcome::Unanswered(SendError::NotConnected));
}

/// A receiver's TLS for `case.example`, and the authority's certificate.
fn tls() -> (TlsAcceptor, Certificate) {
    let names = vec!["case.example".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let config = ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("ring speaks them")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("the key fits");
    let authority = Certificate::from_der(made.cert.der()).expect("a certificate");
    (TlsAcceptor::from(Arc::new(config)), authority)
}

#[tokio::test]
async fn tls_is_spoken_with_whom_a_trusted_authority_names() {
    let (acceptor, authority) = tls();
    let receiver = Receiver::start_tls([Answer::Status(200, "")], acceptor).await;
    let here: ResolveName = Arc::new(|_| Box::pin(async { Ok(vec![[127, 0, 0, 1].into()]) }));
    let port = receiver.address.port();
    let rows = [
        (vec![authority.clone()], "case.example", answered(200)),
        (
            vec![authority],
            "other.example",
            SendOutcome::Unanswered(SendError::NotConnected),
        ),
        (
            vec![],
            "case.example",
            SendOutcome::Unanswered(SendError::NotConnected),
        ),
    ];
    for (authorities, name, expected) in rows {
        let exit = Egress {
            authorities,
            ..exit("127.0.0.0/8", here.clone())
        };
        let sender = Sender::new(&exit).expect("a sender");
        let url = target(&format!("https://{name}:{port}/hook"));
        assert_eq!(
            sender.post(&url, message(), ATTEMPT).await,
            expected,
            "{name}"
        );
    }
    assert_eq!(
        receiver.received().len(),
        1,
        "only the trusted one got the message"
    );
}

#[tokio::test]
async fn proxies_of_the_environment_are_not_asked() {
    let proxy = Receiver::start([Answer::Status(200, "")]).await;
    let myself = std::env::current_exe().expect("a test runs from a file");
    let claim = "sending::a_message_arrives_with_its_headers_and_its_bytes";
    let mut again = tokio::process::Command::new(myself);
    again
        .args(["--exact", claim])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    for name in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ] {
        again.env(name, proxy.url(""));
    }
    let run = again.output().await.expect("it starts");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(proxy.connections(), 0);
}
