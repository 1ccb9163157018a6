//! Key pairs that are held to a part of S3, and the host's rules.

use std::sync::{Arc, Mutex};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use embedded::{AccessKey, Reach, Rules};

use crate::services::{
    Port, Services, dynamodb_over, put, s3, s3_over, serve_dynamodb, serve_s3, start,
};

fn reach(prefix: &str) -> Vec<Reach> {
    vec![Reach {
        bucket: "ads".to_owned(),
        prefix: prefix.to_owned(),
    }]
}

/// Two buckets with a photo of `a` and one of its neighbours each, and a pair held to `ads/a/`.
async fn rules() -> (Services, Port, AccessKey) {
    let services = start();
    for bucket in ["ads", "references"] {
        services.embedded.create_bucket(bucket).await.expect("made");
    }
    let inside = s3(&services.embedded);
    for key in ["ads/a/photo", "ads/ab/photo", "ads/b/photo", "photo"] {
        put(&inside, key, b"photo").await;
    }
    let key = services.embedded.grant("a", reach("ads/a/")).await;
    let port = serve_s3(&services.embedded).await;
    (services, port, key.expect("a pair"))
}

fn denied<T, E: ProvideErrorMetadata>(what: &str, answer: Result<T, SdkError<E>>) {
    match answer {
        Ok(_) => panic!("{what} was let through"),
        Err(error) => assert_eq!(error.code(), Some("AccessDenied"), "{what}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_reaches_its_own_prefix_by_every_operation() {
    let (_services, port, key) = rules().await;
    let own = s3_over(&port, &key.id, &key.secret);
    let body = || ByteStream::from_static(b"mine");
    let put = own.put_object().bucket("ads").key("ads/a/new").body(body());
    let version = put.send().await.expect("stored").version_id;
    let get = own.get_object().bucket("ads").key("ads/a/photo");
    get.send().await.expect("read");
    let head = own.head_object().bucket("ads").key("ads/a/new");
    head.set_version_id(version.clone())
        .send()
        .await
        .expect("there");
    let copy = own.copy_object().bucket("ads").key("ads/a/copy");
    copy.copy_source("ads/ads/a/new")
        .send()
        .await
        .expect("copied");
    let list = own.list_objects_v2().bucket("ads").prefix("ads/a/");
    let listed = list.send().await.expect("listed");
    assert_eq!(listed.key_count, Some(3));
    let begin = own
        .create_multipart_upload()
        .bucket("ads")
        .key("ads/a/parts");
    let upload = begin.send().await.expect("begun").upload_id.expect("an id");
    let part = own.upload_part_copy().bucket("ads").key("ads/a/parts");
    let part = part.upload_id(&upload).part_number(1);
    part.copy_source("ads/ads/a/new")
        .send()
        .await
        .expect("copied");
    let under_way = own.list_multipart_uploads().bucket("ads").prefix("ads/a/");
    assert_eq!(under_way.send().await.expect("listed").uploads().len(), 1);
    let abort = own
        .abort_multipart_upload()
        .bucket("ads")
        .key("ads/a/parts");
    abort.upload_id(upload).send().await.expect("given up");
    let delete = own.delete_object().bucket("ads").key("ads/a/new");
    delete
        .set_version_id(version)
        .send()
        .await
        .expect("deleted");
    let versions = own.list_object_versions().bucket("ads").prefix("ads/a/");
    assert_eq!(versions.send().await.expect("listed").versions().len(), 2);
    own.head_bucket().bucket("ads").send().await.expect("there");
    port.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_reaches_nothing_else_by_any_operation() {
    let (services, port, key) = rules().await;
    let own = s3_over(&port, &key.id, &key.secret);
    for (bucket, other) in [
        ("ads", "ads/ab/photo"),
        ("ads", "ads/b/photo"),
        ("ads", "photo"),
        ("ads", "ads/a"),
        ("references", "ads/a/photo"),
    ] {
        let what = format!("{bucket}/{other}");
        keys_are_closed(&own, bucket, other, &what).await;
    }
    for (bucket, prefix) in [
        ("ads", None),
        ("ads", Some("")),
        ("ads", Some("ads/a")),
        ("ads", Some("ads/")),
        ("references", Some("ads/a/")),
    ] {
        let what = format!("{bucket} {prefix:?}");
        let prefix = prefix.map(str::to_owned);
        let list = own.list_objects_v2().bucket(bucket);
        denied(&what, list.set_prefix(prefix.clone()).send().await);
        let list = own.list_objects().bucket(bucket);
        denied(&what, list.set_prefix(prefix.clone()).send().await);
        let list = own.list_object_versions().bucket(bucket);
        denied(&what, list.set_prefix(prefix.clone()).send().await);
        let list = own.list_multipart_uploads().bucket(bucket);
        denied(&what, list.set_prefix(prefix).send().await);
    }
    denied("the list of buckets", own.list_buckets().send().await);
    denied("a bucket", own.create_bucket().bucket("new").send().await);
    denied(
        "a bucket's end",
        own.delete_bucket().bucket("ads").send().await,
    );
    let all = own.get_bucket_location().bucket("references").send().await;
    denied("another bucket", all);
    assert_eq!(
        services
            .embedded
            .checks(false, jiff::Timestamp::now())
            .await
            .expect("checked")
            .versions,
        4
    );
    port.stop().await;
}

/// Read, written, listed, copied from and to, deleted: none of it.
async fn keys_are_closed(own: &Client, bucket: &str, key: &str, what: &str) {
    let body = ByteStream::from_static(b"theirs");
    let put = own.put_object().bucket(bucket).key(key).body(body);
    denied(what, put.send().await);
    denied(what, own.get_object().bucket(bucket).key(key).send().await);
    let head = own.head_object().bucket(bucket).key(key).send().await;
    let status = head
        .expect_err("closed")
        .raw_response()
        .map(|it| it.status().as_u16());
    assert_eq!(status, Some(403), "{what}");
    let copy = own.copy_object().bucket("ads").key("ads/a/copy");
    let source = format!("{bucket}/{key}");
    denied(what, copy.copy_source(&source).send().await);
    let copy = own.copy_object().bucket(bucket).key(key);
    denied(what, copy.copy_source("ads/ads/a/photo").send().await);
    let begin = own.create_multipart_upload().bucket(bucket).key(key);
    denied(what, begin.send().await);
    let begin = own
        .create_multipart_upload()
        .bucket("ads")
        .key("ads/a/parts");
    let upload = begin.send().await.expect("begun").upload_id.expect("an id");
    let part = own.upload_part_copy().bucket("ads").key("ads/a/parts");
    let part = part.upload_id(&upload).part_number(1).copy_source(&source);
    denied(what, part.send().await);
    let abort = own
        .abort_multipart_upload()
        .bucket("ads")
        .key("ads/a/parts");
    abort.upload_id(upload).send().await.expect("given up");
    denied(
        what,
        own.delete_object().bucket(bucket).key(key).send().await,
    );
    let named = |key: &str| ObjectIdentifier::builder().key(key).build().expect("a key");
    let both = Delete::builder()
        .objects(named("ads/a/photo"))
        .objects(named(key));
    let many = own.delete_objects().bucket(bucket);
    denied(what, many.delete(both.build().expect("keys")).send().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_opens_no_table_and_nothing_once_it_is_revoked() {
    let (services, port, key) = rules().await;
    let tables = serve_dynamodb(&services.embedded).await;
    let refused = dynamodb_over(&tables, &key.id, &key.secret)
        .list_tables()
        .send()
        .await;
    let refused = refused.expect_err("no table");
    assert_eq!(refused.code(), Some("UnrecognizedClientException"));
    let own = s3_over(&port, &key.id, &key.secret);
    let get = || own.get_object().bucket("ads").key("ads/a/photo").send();
    get().await.expect("open");
    assert!(services.embedded.revoke("a").await.expect("revoked"));
    let refused = get().await.map(drop).expect_err("closed");
    assert_eq!(refused.code(), Some("InvalidAccessKeyId"));
    let again = services.embedded.grant("a", reach("ads/a/")).await;
    assert_ne!(again.expect("a pair").id, key.id);
    tables.stop().await;
    port.stop().await;
}

/// Lets objects lie under `ads/` only, and is told what was deleted.
#[derive(Default)]
struct Strict(Mutex<Vec<String>>);

#[async_trait::async_trait]
impl Rules for Strict {
    async fn admit(&self, _bucket: &str, key: &str) -> Result<(), String> {
        match key.starts_with("ads/") {
            true => Ok(()),
            false => Err("an ad lies under ads/".to_owned()),
        }
    }

    async fn removed(&self, _bucket: &str, keys: &[String]) -> Result<(), String> {
        self.0.lock().unwrap().extend_from_slice(keys);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_hold_for_all_who_come_by_the_port() {
    let (services, port, _) = rules().await;
    let rules = Arc::new(Strict::default());
    services.embedded.abide_by(rules.clone());
    let owner = services.embedded.access_key().clone();
    let client = s3_over(&port, &owner.id, &owner.secret);
    let wrong = client
        .put_object()
        .bucket("ads")
        .key("elsewhere")
        .send()
        .await;
    let error = wrong.expect_err("refused");
    assert_eq!(error.code(), Some("AccessDenied"));
    assert_eq!(error.message(), Some("an ad lies under ads/"));
    let copy = client.copy_object().bucket("ads").key("elsewhere");
    denied("a copy", copy.copy_source("ads/ads/a/photo").send().await);
    let begin = client
        .create_multipart_upload()
        .bucket("ads")
        .key("elsewhere");
    denied("an upload in parts", begin.send().await);
    denied(
        "a bucket",
        client.create_bucket().bucket("new").send().await,
    );
    put(&client, "ads/a/good", b"photo").await;
    client
        .delete_object()
        .bucket("ads")
        .key("ads/a/good")
        .send()
        .await
        .expect("deleted");
    let named = ObjectIdentifier::builder()
        .key("photo")
        .build()
        .expect("a key");
    let many = Delete::builder().objects(named).build().expect("keys");
    client
        .delete_objects()
        .bucket("ads")
        .delete(many)
        .send()
        .await
        .expect("deleted");
    assert_eq!(*rules.0.lock().unwrap(), ["ads/a/good", "photo"]);
    put(
        &s3(&services.embedded),
        "within",
        b"the programs themselves",
    )
    .await;
    port.stop().await;
}
