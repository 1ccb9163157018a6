//! `homeward verify` is not blind: whatever is done to a data folder behind the system's back is named,
//! and looking at a folder changes nothing in it.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use embedded::Embedded;
use proofs::checkout::program;
use proofs::process::Serve;
use proofs::world::{World, upload};
use serde_json::Value;

/// A folder with leads, alerts and an audit log, on which nothing runs any more.
fn filled_folder(at: &Path) -> PathBuf {
    let world = World::draw(2, 1, 41);
    let data = at.join("data");
    let mut serve = Serve::start_with(&data, &["--port", "0"]);
    upload(&serve, &world.references());
    upload(&serve, &world.ads());
    serve.settled();
    for path in ["/v1/leads", "/v1/alerts", "/v1/references"] {
        assert!(!serve.all("unit", path).is_empty(), "{path}");
    }
    assert_eq!(serve.process.terminate(Duration::from_secs(60)), Some(0));
    data
}

fn verify(data: &Path) -> Output {
    let mut command = Command::new(program("homeward"));
    command.arg("verify").arg("--data").arg(data);
    command.output().unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// What lies in a folder: modes, times and bytes.
fn tree(folder: &Path) -> BTreeMap<PathBuf, (SystemTime, u32, Vec<u8>)> {
    use std::os::unix::fs::MetadataExt;
    let mut tree = BTreeMap::new();
    let facts = std::fs::metadata(folder).unwrap();
    let here = (facts.modified().unwrap(), facts.mode(), Vec::new());
    tree.insert(folder.to_owned(), here);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tree.append(&mut self::tree(&path));
            continue;
        }
        let facts = std::fs::metadata(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        tree.insert(path, (facts.modified().unwrap(), facts.mode(), bytes));
    }
    tree
}

/// A writer of the folder, without the system.
struct Intruder {
    _embedded: Embedded,
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
    data: PathBuf,
}

type Item = HashMap<String, AttributeValue>;

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name)
        .and_then(|it| it.as_s().ok())
        .map_or("", String::as_str)
}

impl Intruder {
    fn into(data: &Path) -> Self {
        let embedded = Embedded::open(data).unwrap();
        let sdk = embedded.sdk_config();
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true);
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            _embedded: embedded,
            data: data.to_owned(),
        }
    }

    async fn items(&self, table: &str) -> Vec<Item> {
        let scan = self.dynamodb.scan().table_name(table).send().await;
        scan.unwrap().items.unwrap_or_default()
    }

    async fn delete(&self, table: &str, which: impl Fn(&Item) -> bool) {
        let items = self.items(table).await.into_iter().filter(which);
        let mut deleted = 0;
        for item in items {
            let delete = self.dynamodb.delete_item().table_name(table);
            let delete = delete
                .key("pk", item["pk"].clone())
                .key("sk", item["sk"].clone());
            delete.send().await.unwrap();
            deleted += 1;
        }
        assert!(deleted > 0, "nothing to delete in {table}");
    }

    /// Writes another text where an item has this one.
    async fn change(&self, table: &str, name: &str, (from, to): (&str, &str)) {
        let items = self.items(table).await.into_iter();
        let mut changed = 0;
        for mut item in items.filter(|it| text(it, name) == from) {
            item.insert(name.to_owned(), AttributeValue::S(to.to_owned()));
            let put = self.dynamodb.put_item().table_name(table);
            put.set_item(Some(item)).send().await.unwrap();
            changed += 1;
        }
        assert!(changed > 0, "nothing to change in {table}");
    }

    /// Removes an object's only version, which leaves no marker.
    async fn remove_object(&self, bucket: &str) {
        let listed = self.s3.list_object_versions().bucket(bucket).send().await;
        let listed = listed.unwrap();
        let first = &listed.versions()[0];
        let delete = self
            .s3
            .delete_object()
            .bucket(bucket)
            .key(first.key().unwrap());
        delete
            .version_id(first.version_id().unwrap())
            .send()
            .await
            .unwrap();
    }

    async fn put_object(&self, bucket: &str, key: &str) {
        let put = self.s3.put_object().bucket(bucket).key(key);
        put.body(ByteStream::from_static(b"a photo"))
            .send()
            .await
            .unwrap();
    }

    /// The file of the first photo in a bucket.
    async fn content(&self, bucket: &str) -> PathBuf {
        let listed = self.s3.list_objects_v2().bucket(bucket).send().await;
        let key = listed.unwrap().contents()[0].key().unwrap().to_owned();
        let object = self.s3.get_object().bucket(bucket).key(key).send().await;
        let bytes = object.unwrap().body.collect().await.unwrap().into_bytes();
        let name = records::ImageSha256::of(&bytes).to_string();
        self.data.join("blobs").join(&name[..2]).join(&name[2..])
    }

    async fn damage(&self, damage: &Damage) {
        match damage {
            Damage::Deleted(table, which) => self.delete(table, which).await,
            Damage::Changed(table, name, change) => self.change(table, name, *change).await,
            Damage::BitTurned(bucket) => {
                let path = self.content(bucket).await;
                let mut bytes = std::fs::read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                std::fs::write(&path, bytes).unwrap();
            }
            Damage::ContentGone(bucket) => {
                std::fs::remove_file(self.content(bucket).await).unwrap();
            }
            Damage::ObjectGone(bucket) => self.remove_object(bucket).await,
            Damage::ObjectElsewhere(bucket, key) => self.put_object(bucket, key).await,
        }
    }
}

enum Damage {
    Deleted(&'static str, fn(&Item) -> bool),
    Changed(&'static str, &'static str, (&'static str, &'static str)),
    BitTurned(&'static str),
    ContentGone(&'static str),
    ObjectGone(&'static str),
    ObjectElsewhere(&'static str, &'static str),
}

const ADS: &str = "homeward-ads";
const REFERENCES: &str = "homeward-references";

/// What is done, and the words by which it is named.
const DAMAGES: [(Damage, &str); 16] = [
    (
        Damage::Deleted("homeward-ads-tail", |_| true),
        "are not in the set of ads",
    ),
    (
        Damage::Deleted("homeward-references-tail", |it| text(it, "sk") != "counter"),
        "are not in the log that ads are compared with",
    ),
    (
        Damage::Deleted("homeward-references", |it| {
            text(it, "sk").starts_with("reference#")
        }),
        "are still in the log",
    ),
    (
        Damage::Changed("homeward-leads", "level", ("alert", "review")),
        "stand at a lower level now",
    ),
    (
        Damage::Deleted("homeward-leads", |it| text(it, "sk").starts_with("alert#")),
        "have no alert",
    ),
    (
        Damage::Deleted("homeward-leads", |it| text(it, "sk").starts_with("lead#")),
        "alerts tell of leads that are gone",
    ),
    (
        Damage::Deleted("homeward-audit", |it| text(it, "sk") == "000000000003"),
        "the last ones were cut off",
    ),
    (
        Damage::Deleted("homeward-audit", |_| true),
        "the last ones were cut off",
    ),
    (
        Damage::Deleted("homeward-audit", |it| text(it, "sk") == "000000000002"),
        "audit log breaks at entry 2",
    ),
    (
        Damage::Changed("homeward-audit", "action", ("lead_seen", "lead_judged")),
        "audit log breaks at entry 1",
    ),
    (
        Damage::Deleted("homeward-tenants", |it| text(it, "sk") == "audit-head"),
        "audit log has lost its head",
    ),
    (
        Damage::BitTurned(REFERENCES),
        "have other bytes than were uploaded",
    ),
    (
        Damage::BitTurned(ADS),
        "have other bytes than were uploaded",
    ),
    (Damage::ContentGone(ADS), "are gone from the folder blobs"),
    (Damage::ObjectGone(ADS), "and no deletion marks them"),
    (Damage::ObjectGone(REFERENCES), "have lost their photo"),
];

const ELSEWHERE: [(Damage, &str); 2] = [
    (
        Damage::ObjectElsewhere(ADS, "photos/cat.jpg"),
        "in the ads bucket lie where nobody looks",
    ),
    (
        Damage::ObjectElsewhere(REFERENCES, "references/unit/photo.jpg"),
        "in the references bucket lie where nobody looks",
    ),
];

#[test]
fn whatever_is_done_to_a_folder_behind_the_systems_back_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = filled_folder(folder.path());
    let before = tree(&data);
    let good = verify(&data);
    assert_eq!(
        good.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&good.stdout)
    );
    assert!(
        tree(&data) == before,
        "looking at a folder changes nothing in it"
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (number, (damage, words)) in DAMAGES.iter().chain(&ELSEWHERE).enumerate() {
        let copied = folder.path().join(format!("damaged {number}"));
        copy(&data, &copied);
        runtime.block_on(async { Intruder::into(&copied).damage(damage).await });
        let told = verify(&copied);
        let sums: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(
            (told.status.code(), &sums["agree"]),
            (Some(1), &false.into()),
            "{words}"
        );
        let named = sums["disagreements"].as_array().unwrap();
        let is_named = |it: &Value| it["what"].as_str().unwrap().contains(words);
        assert!(named.iter().any(is_named), "{words}: {named:#?}");
        assert!(
            named.iter().all(|it| it["count"].as_u64().unwrap() > 0),
            "{named:#?}"
        );
        std::fs::remove_dir_all(&copied).unwrap();
    }
}
