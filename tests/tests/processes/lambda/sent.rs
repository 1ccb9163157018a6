//! What is uploaded, and the messages about it: as many, as late and as odd as AWS may send them.

use proofs::cloud::Cloud;
use proofs::events::Message;
use proofs::world::{Put, World, file_name};
use serde_json::{Value, json};

/// Keys that S3 allows and that events spell otherwise.
const HOSTILE_KEYS: &[&str] = &[
    "two  spaces and + plus.jpg",
    "100%25 sure %2F+%20.jpg",
    "quote ' \" & < > ; = ? # *.jpg",
    "ünïcødé 写真 🙂.jpg",
    "a/b//c~(1).jpg",
];

/// The world's ads, one of them also under hostile keys, and a key that shows first one
/// reference and then another.
pub fn ads(world: &World) -> Vec<Put> {
    let mut puts = world.ads();
    let shows_a_reference = |put: &&Put| !world.truth[&file_name(&put.key)].is_empty();
    let first = puts.iter().find(shows_a_reference).unwrap().clone();
    let last = puts.iter().rfind(shows_a_reference).unwrap().clone();
    let under = |put: &Put, key: &str| Put {
        key: format!("ads/uploader/{key}"),
        ..put.clone()
    };
    let mut more: Vec<_> = HOSTILE_KEYS.iter().map(|key| under(&first, key)).collect();
    more.push(under(&first, "changed.jpg"));
    more.push(under(&last, "changed.jpg"));
    puts.extend(more);
    puts
}

/// The newest first, and every third twice: as S3 and SQS may well deliver.
pub fn disordered(mut messages: Vec<Message>) -> Vec<Message> {
    messages.reverse();
    let again: Vec<_> = messages.iter().step_by(3).cloned().collect();
    messages.extend(again);
    messages
}

/// Messages about which there is nothing to do.
pub fn moot(cloud: &Cloud, put: &Put, prefix: &str) -> Vec<Message> {
    let gone = Put {
        key: format!("{prefix}/gone.jpg"),
        ..put.clone()
    };
    let bucket = cloud.backend.ready()[put.bucket]
        .as_str()
        .unwrap()
        .to_owned();
    let message = cloud.upload(std::slice::from_ref(&gone)).remove(0);
    let body: Value = serde_json::from_str(&message.body).unwrap();
    let version = body["Records"][0]["s3"]["object"]["versionId"].as_str();
    let version = version.expect("buckets keep versions");
    cloud.backend.remove_version(&bucket, &gone.key, version);
    let never = json!({"key": format!("{prefix}/never there.jpg"), "size": 7, "etag": "e"});
    let elsewhere = json!({"key": put.key, "size": 7, "etag": "e"});
    let outside = json!({"key": "elsewhere/unit/photo.jpg", "size": 7, "etag": "e"});
    vec![
        message,
        Message::created(&bucket, &never),
        Message::created("somebody-elses-bucket", &elsewhere),
        Message::created(&bucket, &outside),
        Message::s3_test(&bucket),
    ]
}
