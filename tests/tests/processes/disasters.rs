//! After a disaster: a laptop whose tables were put back to an earlier time, or whose searchable sets were
//! lost, ends with every lead that its photos hold, none twice, and `homeward verify` agrees. Photos whose
//! records were put back to before they came are driven again by themselves after ten minutes; here they
//! are put again instead.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use embedded::Embedded;
use proofs::checkout;
use proofs::leads::pairs_of;
use proofs::process::Serve;
use proofs::world::{Put, World, upload};
use serde_json::Value;
use store::{Names, TABLES};

const ARGUMENTS: [&str; 4] = ["--port", "0", "--compact-at", "5"];
const PATIENCE: Duration = Duration::from_secs(120);
const SEGMENTS: &str = "homeward-segments";

fn stop(mut serve: Serve) {
    assert_eq!(serve.process.terminate(Duration::from_secs(60)), Some(0));
}

/// A hand in a folder on which nothing runs.
struct Hand {
    _embedded: Embedded,
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
}

type Items = Vec<HashMap<String, AttributeValue>>;
/// The tables as they were at one moment.
type Moment = Vec<(String, Items)>;

impl Hand {
    fn into(data: &Path) -> Self {
        let embedded = Embedded::open(data).unwrap();
        let sdk = embedded.sdk_config();
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true);
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            _embedded: embedded,
        }
    }

    async fn items(&self, table: &str) -> Items {
        let (mut items, mut from) = (Vec::new(), None);
        loop {
            let scan = self.dynamodb.scan().table_name(table);
            let page = scan.set_exclusive_start_key(from).send().await.unwrap();
            items.extend(page.items().iter().cloned());
            from = page.last_evaluated_key;
            if from.is_none() {
                return items;
            }
        }
    }

    async fn moment(&self) -> Moment {
        let mut moment = Vec::new();
        for table in TABLES {
            let name = format!("{}{}", Names::TABLE_PREFIX_DEFAULT, table.table.suffix());
            let items = self.items(&name).await;
            moment.push((name, items));
        }
        moment
    }

    async fn put_back(&self, moment: &Moment) {
        for (table, items) in moment {
            for item in self.items(table).await {
                let delete = self.dynamodb.delete_item().table_name(table);
                let delete = delete.key("pk", item["pk"].clone());
                delete.key("sk", item["sk"].clone()).send().await.unwrap();
            }
            for item in items {
                let put = self.dynamodb.put_item().table_name(table);
                put.set_item(Some(item.clone())).send().await.unwrap();
            }
        }
    }

    /// Deletes all versions of what lies below a prefix of the segments bucket.
    async fn lose(&self, prefix: &str) {
        let list = self.s3.list_object_versions().bucket(SEGMENTS);
        let page = list.prefix(prefix).send().await.unwrap();
        assert!(!page.versions().is_empty(), "there is something to lose");
        for it in page.versions() {
            let delete = self.s3.delete_object().bucket(SEGMENTS);
            let delete = delete.key(it.key().unwrap());
            let version = it.version_id().map(str::to_owned);
            delete.set_version_id(version).send().await.unwrap();
        }
    }

    async fn keys(&self, prefix: &str) -> usize {
        let list = self.s3.list_objects_v2().bucket(SEGMENTS);
        list.prefix(prefix).send().await.unwrap().contents().len()
    }
}

/// Starts and stops, for sets are compacted at the start, until a prefix holds a segment.
async fn compacted(data: &Path, prefix: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let serve = Serve::start_with(data, &ARGUMENTS);
        serve.settled();
        stop(serve);
        if Hand::into(data).keys(prefix).await >= 2 {
            return; // a manifest too
        }
        assert!(Instant::now() < deadline, "no segment below {prefix}");
    }
}

fn run(data: &Path, puts: &[Put]) {
    let serve = Serve::start_with(data, &ARGUMENTS);
    if !puts.is_empty() {
        upload(&serve, puts);
    }
    serve.settled();
    stop(serve);
}

/// Brings what is left of the world, and waits until every lead is there.
fn ends_with_every_lead(data: &Path, world: &World, rest: &[Put]) {
    let serve = Serve::start_with(data, &ARGUMENTS);
    upload(&serve, rest);
    let deadline = Instant::now() + PATIENCE;
    let found = loop {
        std::thread::sleep(Duration::from_millis(500));
        let found = pairs_of(&serve.all("unit", "/v1/leads?level=alert"));
        if found == world.pairs() || Instant::now() > deadline {
            break found;
        }
    };
    let lacking: BTreeSet<_> = world.pairs().difference(&found).cloned().collect();
    assert!(lacking.is_empty(), "{lacking:?}");
    assert_eq!(found, world.pairs());
    serve.settled();
    stop(serve);
    let verify = Command::new(checkout::program("homeward"))
        .args(["verify", "--data"])
        .arg(data)
        .output()
        .unwrap();
    let sums = String::from_utf8(verify.stdout).unwrap();
    assert_eq!(verify.status.code(), Some(0), "{sums}");
    let sums: Value = serde_json::from_str(&sums).unwrap();
    assert_eq!(
        sums["leads"]["alerts_created"],
        world.pairs().len(),
        "one a pair"
    );
}

/// A folder with the ads of a world in segments.
async fn with_ads(seed: u64) -> (tempfile::TempDir, std::path::PathBuf, World) {
    let world = World::draw(6, 3, seed);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&data, &world.ads());
    compacted(&data, "ads/").await;
    (folder, data, world)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_gone_with_all_its_versions() {
    let (_folder, data, world) = with_ads(71).await;
    Hand::into(&data).lose("ads/manifest").await;
    ends_with_every_lead(&data, &world, &world.references());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segments_bucket_that_is_lost_whole() {
    let (_folder, data, world) = with_ads(72).await;
    let references = world.references();
    let (some, rest) = references.split_at(references.len() / 2);
    run(&data, some);
    Hand::into(&data).lose("").await;
    ends_with_every_lead(&data, &world, rest);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_were_put_back_to_before_a_compaction() {
    let world = World::draw(6, 3, 73);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ads = world.ads();
    let (some, later) = ads.split_at(ads.len() / 2);
    run(&data, some);
    let moment = Hand::into(&data).moment().await; // the tail names packs
    compacted(&data, "ads/").await;
    run(&data, later);
    compacted(&data, "ads/").await;
    let hand = Hand::into(&data);
    hand.lose("packs/").await; // as an hour after they were compacted
    hand.put_back(&moment).await;
    drop(hand);
    let rest = [later.to_vec(), world.references()].concat();
    ends_with_every_lead(&data, &world, &rest);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_were_put_back_to_before_a_snapshot_of_references() {
    let world = World::draw(9, 2, 74);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&data, &[]);
    let moment = Hand::into(&data).moment().await;
    let references = world.references();
    let (some, later) = references.split_at(6);
    run(&data, some);
    compacted(&data, "references/").await;
    Hand::into(&data).put_back(&moment).await;
    let rest = [later.to_vec(), some.to_vec(), world.ads()].concat();
    ends_with_every_lead(&data, &world, &rest);
}
