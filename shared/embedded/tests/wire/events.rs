//! Objects make events and leave nothing behind when they go.

use std::time::Duration;

use crate::services::{s3, start};
use aws_lambda_events::s3::S3Event;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use embedded::{Embedded, Queue};
use jiff::{SignedDuration, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);

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

    let messages = queue
        .receive(10, MINUTE, Timestamp::now())
        .await
        .expect("received");
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
async fn an_upload_wakes_the_readers_of_its_queue() {
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

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_delete_an_object_tells_who_asked_for_that() {
    let services = start();
    let embedded = &services.embedded;
    let created = bucket_with_queue(embedded).await;
    let told = embedded.notify_removals("ads", "ads/", "removed").await;
    told.expect("set");
    let client = s3(embedded);
    let body = ByteStream::from_static(b"photo");
    let put = client.put_object().bucket("ads").key("ads/a b").body(body);
    let version = put.send().await.expect("stored").version_id;
    for (key, version) in [
        ("ads/a b", None),
        ("ads/a b", version),
        ("other", None),
        ("ads/a b", Some("none".to_owned())),
    ] {
        let delete = client.delete_object().bucket("ads").key(key);
        delete
            .set_version_id(version)
            .send()
            .await
            .expect("deleted");
    }
    let now = Timestamp::now();
    let messages = embedded.queue("removed").receive(10, MINUTE, now).await;
    let messages = messages.expect("received");
    let records = messages.iter().map(|message| {
        let event: S3Event = serde_json::from_str(&message.body).expect("an S3 event");
        let record = event.records.into_iter().next().expect("a record");
        (
            record.event_name.expect("a name"),
            record.s3.object.key.expect("a key"),
        )
    });
    let name = |name: &str| (format!("ObjectRemoved:{name}"), "ads/a+b".to_owned());
    let expected = [name("DeleteMarkerCreated"), name("Delete")];
    assert_eq!(records.collect::<Vec<_>>(), expected);
    assert_eq!(
        created
            .receive(10, MINUTE, now)
            .await
            .expect("received")
            .len(),
        1
    );
}
