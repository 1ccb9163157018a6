//! Where nothing may ever arrive: every claim here is that a listening port saw no connection.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use alert::resolver::ResolveName;
use alert::send::{SendError, SendOutcome, Sender};

use crate::receiver::{Answer, Receiver};
use crate::sending::{ATTEMPT, exit, message, sender, target};

const NOT_PERMITTED: SendOutcome = SendOutcome::Unanswered(SendError::AddressNotPermitted);

/// A name server that gives these answers in turn and counts who asked; the last one repeats.
fn name_server(answers: &[&[&str]]) -> (ResolveName, Arc<Mutex<usize>>) {
    let answers: VecDeque<Vec<IpAddr>> = answers
        .iter()
        .map(|answer| {
            answer
                .iter()
                .map(|ip| ip.parse().expect("an address"))
                .collect()
        })
        .collect();
    let answers = Arc::new(Mutex::new(answers));
    let asked = Arc::new(Mutex::new(0));
    let count = asked.clone();
    let lookup: ResolveName = Arc::new(move |_| {
        *count.lock().expect("not poisoned") += 1;
        let mut answers = answers.lock().expect("not poisoned");
        let last = answers.len() == 1;
        let answer = if last {
            answers.front().cloned()
        } else {
            answers.pop_front()
        };
        Box::pin(async move { Ok(answer.unwrap_or_default()) })
    });
    (lookup, asked)
}

#[tokio::test]
async fn no_spelling_of_loopback_is_reached() {
    let receiver = Receiver::start([Answer::Status(200, "")]).await;
    let port = receiver.address.port();
    let hosts = [
        "127.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.01",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "127%2e0.0.1",
        "１２７.０.０.１",
        "localhost",
        "LocalHost",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
    ];
    for host in hosts {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/");
            // Even where the deployment lists another network.
            let outcome = sender("10.0.0.0/8")
                .post(&target(&url), message(), ATTEMPT)
                .await;
            assert_eq!(outcome, NOT_PERMITTED, "{url}");
        }
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn disguises_of_loopback_stay_closed_where_loopback_is_open() {
    let receiver = Receiver::start([Answer::Status(200, "")]).await;
    let port = receiver.address.port();
    for host in ["[::ffff:127.0.0.1]", "[::127.0.0.1]", "0.0.0.0", "[::1]"] {
        let url = format!("http://{host}:{port}/");
        let outcome = sender("127.0.0.0/8")
            .post(&target(&url), message(), ATTEMPT)
            .await;
        assert_eq!(outcome, NOT_PERMITTED, "{url}");
    }
    assert_eq!(receiver.connections(), 0);
    for host in ["127.0.0.1", "2130706433", "localhost"] {
        let url = format!("http://{host}:{port}/");
        let outcome = sender("127.0.0.0/8")
            .post(&target(&url), message(), ATTEMPT)
            .await;
        assert!(
            matches!(outcome, SendOutcome::Answered { status: 200, .. }),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_name_for_a_closed_address_is_not_reached() {
    let receiver = Receiver::start([Answer::Status(200, "")]).await;
    let port = receiver.address.port();
    let answers: [&[&str]; 6] = [
        &["127.0.0.1"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["169.254.169.254"],
        &["10.0.0.1", "fd00:ec2::254", "127.0.0.1"],
        &[],
    ];
    for answer in answers {
        for scheme in ["http", "https"] {
            let (lookup, _) = name_server(&[answer]);
            let sender = Sender::new(&exit("", lookup)).expect("a sender");
            let url = target(&format!("{scheme}://case.example:{port}/"));
            assert_eq!(
                sender.post(&url, message(), ATTEMPT).await,
                NOT_PERMITTED,
                "{answer:?}"
            );
        }
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn of_a_names_addresses_only_the_permitted_are_tried() {
    let open = Receiver::start([Answer::Status(200, "")]).await;
    let (lookup, _) = name_server(&[&["127.0.0.2", "169.254.169.254", "127.0.0.1"]]);
    // 127.0.0.2 would be taken first if it were permitted, and no server listens there.
    let sender = Sender::new(&exit("127.0.0.1/32", lookup)).expect("a sender");
    let url = target(&format!("http://case.example:{}/", open.address.port()));
    let outcome = sender.post(&url, message(), ATTEMPT).await;
    assert!(matches!(outcome, SendOutcome::Answered { status: 200, .. }));
}

/// DNS rebinding: the name has an open address when it is checked and a closed one right after.
#[tokio::test]
async fn a_name_that_changes_its_mind_reaches_nothing_closed() {
    let open = Receiver::start([Answer::Status(200, "")]).await;
    let port = open.address.port();
    let closed = tokio::net::TcpListener::bind(("127.0.0.2", port))
        .await
        .expect("free too");
    let (lookup, asked) = name_server(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let sender = Sender::new(&exit("127.0.0.1/32", lookup)).expect("a sender");
    let url = target(&format!("http://case.example:{port}/"));

    let first = sender.post(&url, message(), ATTEMPT).await;
    assert!(matches!(first, SendOutcome::Answered { status: 200, .. }));
    assert_eq!(
        *asked.lock().expect("not poisoned"),
        1,
        "checked and connected by one answer"
    );
    for _ in 0..5 {
        assert_eq!(sender.post(&url, message(), ATTEMPT).await, NOT_PERMITTED);
    }
    assert_eq!(open.connections(), 1, "and no old connection is used again");
    let visit = std::time::Duration::from_millis(50);
    assert!(
        tokio::time::timeout(visit, closed.accept()).await.is_err(),
        "nobody came"
    );
}

#[tokio::test]
async fn without_tls_nothing_leaves_the_machine() {
    let (lookup, _) = name_server(&[&["93.184.215.14"]]);
    let sender = Sender::new(&exit("10.0.0.0/8,127.0.0.0/8", lookup)).expect("a sender");
    for host in ["case.example", "93.184.215.14", "10.1.2.3"] {
        let url = target(&format!("http://{host}/"));
        assert_eq!(
            sender.post(&url, message(), ATTEMPT).await,
            NOT_PERMITTED,
            "{host}"
        );
    }
}
