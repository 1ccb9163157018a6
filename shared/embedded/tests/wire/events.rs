//! Objects make events, events make messages, and messages follow the rules of SQS.

use std::time::Duration;

use crate::services::{s3, start};
use aws_lambda_events::s3::S3Event;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use embedded::{Embedded, Error, Queue};
use jiff::{SignedDuration, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(4_000_000_000 + seconds).expect("a time")
}

async fn bucket_with_queue(embedded: &Embedded) -> Queue {
    embedded.create_bucket("ads").await.expect("made");
    embedded.notify("ads", "ads/", "ingest").await.expect("set");
    embedded.queue("ingest")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_make_an_object_makes_its_event() {
    let services = start();
    let queue = bucket_with_queue(&services.embedded).await;
    let client = s3(&services.embedded);
    let key = "ads/unit 7/é+a.jpg";
    let put = client
        .put_object()
        .bucket("ads")
        .key(key)
        .body(ByteStream::from_static(b"photo"));
    let put = put.send().await.expect("stored");
    client
        .put_object()
        .bucket("ads")
        .key("elsewhere")
        .send()
        .await
        .expect("stored");
    let copy = client
        .copy_object()
        .bucket("ads")
        .key("ads/copy")
        .copy_source("ads/elsewhere");
    copy.send().await.expect("copied");
    let upload = client
        .create_multipart_upload()
        .bucket("ads")
        .key("ads/parts")
        .send()
        .await;
    let upload = upload.expect("begun").upload_id.expect("an id");
    let part = client
        .upload_part()
        .bucket("ads")
        .key("ads/parts")
        .upload_id(&upload)
        .part_number(1);
    let part = part
        .body(ByteStream::from_static(b"part"))
        .send()
        .await
        .expect("stored");
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag)
        .build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = client
        .complete_multipart_upload()
        .bucket("ads")
        .key("ads/parts");
    complete
        .upload_id(upload)
        .multipart_upload(parts)
        .send()
        .await
        .expect("completed");
    client
        .delete_object()
        .bucket("ads")
        .key("ads/copy")
        .send()
        .await
        .expect("deleted");

    let messages = queue.receive(10, MINUTE, at(0)).await.expect("received");
    let events: Vec<S3Event> = messages
        .iter()
        .map(|m| serde_json::from_str(&m.body).expect("an S3 event"))
        .collect();
    let names: Vec<_> = events
        .iter()
        .map(|event| event.records[0].event_name.clone().expect("a name"))
        .collect();
    let expected = ["Put", "Copy", "CompleteMultipartUpload"].map(|n| format!("ObjectCreated:{n}"));
    assert_eq!(names, expected);
    let record = &events[0].records[0];
    let object = &record.s3.object;
    assert_eq!(record.event_source.as_deref(), Some("aws:s3"));
    assert_eq!(record.s3.bucket.name.as_deref(), Some("ads"));
    assert_eq!(object.key.as_deref(), Some("ads/unit+7/%C3%A9%2Ba.jpg"));
    assert_eq!(object.size, Some(5));
    assert_eq!(object.version_id, put.version_id);
    assert_eq!(
        object.e_tag.as_ref().map(|tag| format!("\"{tag}\"")),
        put.e_tag
    );
    let sequencers: Vec<_> = events
        .iter()
        .map(|event| event.records[0].s3.object.sequencer.clone())
        .collect();
    assert!(sequencers.is_sorted());
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
async fn an_upload_wakes_whoever_waits_for_its_queue() {
    let services = start();
    let queue = bucket_with_queue(&services.embedded).await;
    let mut arrivals = queue.arrivals();
    let waiting = tokio::spawn(async move { arrivals.changed().await });
    let client = s3(&services.embedded);
    client
        .put_object()
        .bucket("ads")
        .key("ads/x")
        .send()
        .await
        .expect("stored");
    let woken = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    woken.expect("in time").expect("no panic").expect("woken");
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

#[tokio::test(flavor = "multi_thread")]
async fn retention_removes_old_versions_and_what_only_they_contained() {
    let services = start();
    bucket_with_queue(&services.embedded).await;
    let client = s3(&services.embedded);
    for (key, body) in [
        ("ads/a", "1"),
        ("ads/a", "2"),
        ("ads/b", "1"),
        ("keep/a", "2"),
    ] {
        let body = ByteStream::from(body.as_bytes().to_vec());
        client
            .put_object()
            .bucket("ads")
            .key(key)
            .body(body)
            .send()
            .await
            .expect("stored");
    }
    let now = Timestamp::now();
    let hour = SignedDuration::from_hours(1);
    let expire = |before| services.embedded.expire("ads", "ads/", before);
    assert_eq!(expire(now - hour).await.expect("nothing is old"), 0);
    assert_eq!(expire(now + hour).await.expect("expired"), 3);
    let checks = services.embedded.checks(true, now).await.expect("checked");
    assert_eq!(
        (checks.versions, checks.contents, checks.orphan_contents),
        (1, 1, 0)
    );
    assert!(checks.agree(), "{checks:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn collecting_garbage_never_takes_what_a_put_is_about_to_refer_to() {
    let services = start();
    services.embedded.create_bucket("ads").await.expect("made");
    let client = s3(&services.embedded);
    let writers = (0..6).map(|writer| {
        let client = client.clone();
        tokio::spawn(async move {
            for n in 0..40 {
                let key = format!("{writer}");
                // The same few contents come and go all the time.
                let body = ByteStream::from(format!("content {}", n % 3).into_bytes());
                let put = client.put_object().bucket("ads").key(&key).body(body);
                let version = put.send().await.expect("stored").version_id.expect("an id");
                client
                    .get_object()
                    .bucket("ads")
                    .key(&key)
                    .send()
                    .await
                    .expect("there");
                if n % 4 != 3 {
                    let remove = client.delete_object().bucket("ads").key(&key);
                    remove.version_id(version).send().await.expect("removed");
                }
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    while !writers.iter().all(|writer| writer.is_finished()) {
        services
            .embedded
            .collect_garbage()
            .await
            .expect("collected");
    }
    for writer in writers {
        writer.await.expect("no panic");
    }
    let checks = services
        .embedded
        .checks(true, Timestamp::now())
        .await
        .expect("checked");
    assert!(checks.agree(), "{checks:?}");
    assert_eq!(
        (checks.versions, checks.contents, checks.orphan_contents),
        (60, 3, 0)
    );
}
