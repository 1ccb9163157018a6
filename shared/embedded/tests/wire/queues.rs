//! Queues follow the rules of SQS.

use std::time::Duration;

use embedded::{Embedded, Error};
use jiff::Timestamp;

use crate::services::start;

const MINUTE: Duration = Duration::from_secs(60);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(4_000_000_000 + seconds).expect("a time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_again_until_it_is_deleted() {
    let services = start();
    let queue = services.embedded.queue("q");
    queue.send("work", at(0)).await.expect("sent");
    assert!(
        queue
            .receive(10, MINUTE, at(-1))
            .await
            .expect("none yet")
            .is_empty()
    );
    let first = queue
        .receive(10, MINUTE, at(0))
        .await
        .expect("received")
        .remove(0);
    assert!(
        queue
            .receive(10, MINUTE, at(59))
            .await
            .expect("hidden")
            .is_empty()
    );
    assert_eq!(queue.next_visible_at().await.expect("known"), Some(at(60)));
    let again = queue
        .receive(10, MINUTE, at(60))
        .await
        .expect("received")
        .remove(0);
    assert_eq!(
        (again.id.as_str(), again.receive_count),
        (first.id.as_str(), 2)
    );
    assert!(
        !queue
            .delete(&first.receipt)
            .await
            .expect("an old receipt is no good")
    );
    assert!(
        queue
            .change_visibility(&again.receipt, 5 * MINUTE, at(61))
            .await
            .expect("changed")
    );
    assert!(
        queue
            .receive(10, MINUTE, at(300))
            .await
            .expect("hidden")
            .is_empty()
    );
    assert!(
        queue
            .release(&again.receipt, MINUTE, "busy", at(301))
            .await
            .expect("released")
    );
    assert!(
        queue
            .receive(10, MINUTE, at(302))
            .await
            .expect("put off")
            .is_empty()
    );
    let third = queue
        .receive(10, MINUTE, at(361))
        .await
        .expect("received")
        .remove(0);
    assert!(queue.delete(&third.receipt).await.expect("deleted"));
    let depth = queue.depth(at(10_000)).await.expect("known");
    assert_eq!(
        (
            depth.visible,
            depth.invisible,
            depth.dead,
            depth.oldest_sent_at
        ),
        (0, 0, 0, None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_too_often_is_kept_as_a_dead_letter_and_can_be_replayed() {
    let services = start();
    let queue = services.embedded.queue("q").receives_max(2);
    for body in ["poison", "fine"] {
        queue.send(body, at(0)).await.expect("sent");
    }
    for round in 0..2 {
        let messages = queue
            .receive(10, MINUTE, at(round))
            .await
            .expect("received");
        for message in messages {
            if message.body == "fine" {
                assert!(queue.delete(&message.receipt).await.expect("deleted"));
            } else {
                let reason = "decoder_failure";
                queue
                    .release(&message.receipt, Duration::ZERO, reason, at(round))
                    .await
                    .expect("ok");
            }
        }
    }
    assert!(
        queue
            .receive(10, MINUTE, at(5))
            .await
            .expect("given up")
            .is_empty()
    );
    let dead = queue.dead_letters(10).await.expect("listed");
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].reason, "decoder_failure");
    assert_eq!(
        (dead[0].body.as_str(), dead[0].receive_count),
        ("poison", 2)
    );
    assert_eq!(queue.depth(at(5)).await.expect("known").dead, 1);
    queue.replay(&dead[0].id, at(6)).await.expect("replayed");
    let again = queue
        .receive(10, MINUTE, at(6))
        .await
        .expect("received")
        .remove(0);
    assert_eq!(again.receive_count, 1);
    assert!(matches!(
        queue.replay("none", at(6)).await,
        Err(Error::Missing(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_frees_what_was_being_worked_on_without_counting_it_as_a_failure() {
    let services = start();
    let queue = services.embedded.queue("q").receives_max(2);
    queue.send("work", at(0)).await.expect("sent");
    let dir = services.dir;
    let mut embedded = services.embedded;
    drop(queue);
    for _ in 0..5 {
        let got = embedded
            .queue("q")
            .receives_max(2)
            .receive(1, MINUTE, at(1))
            .await
            .expect("ok");
        assert_eq!(got.len(), 1);
        drop(embedded);
        embedded = Embedded::open(dir.path()).expect("opens again");
    }
    assert_eq!(
        embedded
            .queue("q")
            .depth(at(1))
            .await
            .expect("known")
            .visible,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_off_again_and_again_is_handed_out_alone() {
    let services = start();
    let dir = services.dir;
    let mut embedded = services.embedded;
    for body in ["a", "b", "c"] {
        embedded.queue("q").send(body, at(0)).await.expect("sent");
    }
    for _ in 0..3 {
        let got = embedded.queue("q").receive(10, MINUTE, at(1)).await;
        assert_eq!(got.expect("ok").len(), 3, "not yet");
        drop(embedded);
        embedded = Embedded::open(dir.path()).expect("opens again");
    }
    let queue = embedded.queue("q");
    queue.send("new", at(1)).await.expect("sent");
    let bodies = async |at| {
        let got = queue.receive(10, MINUTE, at).await.expect("ok");
        let bodies: Vec<String> = got.iter().map(|it| it.body.clone()).collect();
        (bodies, got)
    };
    let (alone, got) = bodies(at(2)).await;
    assert_eq!(alone, ["a"]);
    assert_eq!(bodies(at(2)).await.0, ["new"], "others pass it");
    assert!(bodies(at(2)).await.0.is_empty(), "one suspect at a time");
    assert!(queue.delete(&got[0].receipt).await.expect("deleted"));
    assert_eq!(bodies(at(3)).await.0, ["b"]);
    assert_eq!(
        bodies(at(64)).await.0,
        ["c"],
        "b is late, c has waited longer"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_suspects_the_one_that_was_cut_off_least_goes_first() {
    let services = start();
    let dir = services.dir;
    let mut embedded = services.embedded;
    let queue = embedded.queue("q");
    for body in ["kills", "a", "b"] {
        queue.send(body, at(0)).await.expect("sent");
    }
    drop(queue);
    let mut first = Vec::new();
    for _ in 0..9 {
        let got = embedded.queue("q").receive(10, MINUTE, at(1)).await;
        first.push(got.expect("ok")[0].body.clone());
        drop(embedded);
        embedded = Embedded::open(dir.path()).expect("opens again");
    }
    assert_eq!(first[..3], ["kills"; 3], "all three together");
    assert_eq!(first[3..6], ["kills", "a", "b"]);
    assert_eq!(
        first[6..],
        ["kills", "a", "b"],
        "each as often as the others"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_handed_out_once_each_to_many_workers() {
    let services = start();
    let queue = services.embedded.queue("q");
    for n in 0..200 {
        queue.send(&n.to_string(), at(0)).await.expect("sent");
    }
    let workers = (0..8).map(|_| {
        let queue = queue.clone();
        tokio::spawn(async move {
            let mut seen = Vec::new();
            loop {
                let messages = queue.receive(7, MINUTE, at(1)).await.expect("received");
                if messages.is_empty() {
                    return seen;
                }
                for message in messages {
                    assert!(queue.delete(&message.receipt).await.expect("deleted"));
                    seen.push(message.body);
                }
            }
        })
    });
    let mut seen = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        seen.extend(worker.await.expect("no panic"));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 200);
}
