//! `kill -9` at any moment: what was acknowledged is there, with its events and stream records.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use embedded::Embedded;
use jiff::Timestamp;

use crate::dynamodb::{make_table, text};
use crate::services::{dynamodb, s3, serve_dynamodb, serve_s3};

/// Where the child that is to be killed keeps its data. Without it, [`child`] does nothing.
const CHILD_DIR: &str = "EMBEDDED_CHILD_DIR";

const KILLS: u64 = 12;

/// Not a claim but the process that the test below kills: it serves until it dies.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else {
        return;
    };
    let embedded = Embedded::open(Path::new(&dir)).expect("opens");
    let s3 = serve_s3(&embedded).await;
    let tables = serve_dynamodb(&embedded).await;
    let key = embedded.access_key();
    // The test harness keeps what tests print, so this goes round it.
    std::fs::write(
        Path::new(&dir).join("ready.new"),
        format!(
            "{}\n{}\n{}\n{}\n",
            s3.address, tables.address, key.id, key.secret
        ),
    )
    .and_then(|()| {
        std::fs::rename(
            Path::new(&dir).join("ready.new"),
            Path::new(&dir).join("ready"),
        )
    })
    .expect("written");
    std::future::pending::<()>().await;
}

struct Killed {
    child: Child,
    lines: Vec<String>,
}

impl Drop for Killed {
    fn drop(&mut self) {
        self.child.kill().expect("killed"); // SIGKILL
        self.child.wait().expect("reaped");
    }
}

async fn start_child(dir: &Path) -> Killed {
    let ready = dir.join("ready");
    let _ = std::fs::remove_file(&ready);
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["kill::child", "--exact"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::null())
        .spawn()
        .expect("started");
    let mut killed = Killed {
        child,
        lines: Vec::new(),
    };
    for _ in 0..600 {
        if let Ok(file) = std::fs::File::open(&ready) {
            killed.lines = BufReader::new(file).lines().map_while(Result::ok).collect();
            return killed;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the child is not ready");
}

/// Puts that were acknowledged, by name.
type Acknowledged = Arc<Mutex<BTreeSet<String>>>;

async fn put_objects(client: aws_sdk_s3::Client, round: u64, writer: u64, done: Acknowledged) {
    for n in 0_u64.. {
        let key = format!("ads/{round}/{writer}/{n}");
        let body = ByteStream::from(key.clone().into_bytes().repeat(1 + (n as usize % 7) * 300));
        if client
            .put_object()
            .bucket("ads")
            .key(&key)
            .body(body)
            .send()
            .await
            .is_err()
        {
            return;
        }
        done.lock().expect("no panic").insert(key);
    }
}

async fn put_items(client: aws_sdk_dynamodb::Client, round: u64, done: Acknowledged) {
    for n in 0_u64.. {
        let name = format!("item/{round}/{n}");
        let put = client
            .put_item()
            .table_name("things")
            .item("pk", text(&name));
        if put.item("sk", text("x")).send().await.is_err() {
            return;
        }
        done.lock().expect("no panic").insert(name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_to_kill_9() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let embedded = Embedded::open(dir.path()).expect("opens");
    embedded.create_bucket("ads").await.expect("made");
    embedded.notify("ads", "ads/", "ingest").await.expect("set");
    make_table(&dynamodb(&embedded), "things").await;
    drop(embedded);
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| Timestamp::now().as_nanosecond() as u64);
    eprintln!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (objects, items) = (Acknowledged::default(), Acknowledged::default());
    let (mut events, mut records) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..KILLS {
        let mut killed = start_child(dir.path()).await;
        let [s3_port, tables_port, id, secret] = std::array::from_fn(|n| killed.lines[n].clone());
        for writer in 0..8 {
            let client = crate::services::s3_at(&s3_port, &id, &secret);
            tokio::spawn(put_objects(client, round, writer, objects.clone()));
        }
        let client = crate::services::dynamodb_at(&tables_port, &id, &secret);
        tokio::spawn(put_items(client, round, items.clone()));
        // Every third child dies while it may still be starting its work.
        let enough = objects.lock().expect("no panic").len() + 10;
        let working = || objects.lock().expect("no panic").len() >= enough;
        for _ in 0..600 {
            if round % 3 == 0 || working() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(random.u64(..400))).await;
        killed.child.kill().expect("killed");
        drop(killed);
        check(dir.path(), (&objects, &mut events), (&items, &mut records)).await;
    }
    let counts = (
        objects.lock().expect("ok").len(),
        items.lock().expect("ok").len(),
    );
    eprintln!(
        "{KILLS} kills, {} objects and {} items acknowledged, none lost",
        counts.0, counts.1
    );
    assert!(
        counts.0 > 80 && counts.1 > 20,
        "too few were put to prove anything"
    );
}

/// Opens the folder after a kill and checks it against what was acknowledged.
async fn check(
    dir: &Path,
    (objects, events): (&Acknowledged, &mut BTreeSet<String>),
    (items, records): (&Acknowledged, &mut BTreeSet<String>),
) {
    let embedded = Embedded::open(dir).expect("opens again");
    let now = Timestamp::now();
    let checks = embedded.checks(true, now).await.expect("checked");
    assert!(checks.agree(), "{checks:?}");
    let stored = stored(&s3(&embedded)).await;
    let acknowledged = objects.lock().expect("no panic").clone();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "lost objects: {lost:?}");

    let queue = embedded.queue("ingest");
    loop {
        let messages = queue
            .receive(10, Duration::from_secs(60), now)
            .await
            .expect("received");
        if messages.is_empty() {
            break;
        }
        for message in messages {
            let event: serde_json::Value = serde_json::from_str(&message.body).expect("JSON");
            let key = event["Records"][0]["s3"]["object"]["key"]
                .as_str()
                .expect("a key")
                .to_owned();
            assert!(
                events.insert(key),
                "an event came twice after it was deleted"
            );
            assert!(queue.delete(&message.receipt).await.expect("deleted"));
        }
    }
    assert_eq!(
        *events, stored,
        "an event for every object, an object for every event"
    );

    let streams = embedded.streams();
    while let Some(batch) = streams.read("lookup", "things", 1_000).await.expect("read") {
        for record in batch.event["Records"].as_array().expect("records") {
            let name = record["dynamodb"]["Keys"]["pk"]["S"]
                .as_str()
                .expect("a name")
                .to_owned();
            assert!(
                records.insert(name),
                "a record came twice after it was committed"
            );
        }
        streams.commit(&batch).await.expect("committed");
    }
    let acknowledged = items.lock().expect("no panic").clone();
    let lost: Vec<_> = acknowledged.difference(records).collect();
    assert!(lost.is_empty(), "lost records: {lost:?}");
    embedded.collect_garbage().await.expect("collected");
    let checks = embedded.checks(true, now).await.expect("checked");
    assert!(checks.agree() && checks.orphan_contents == 0, "{checks:?}");
}

async fn stored(client: &aws_sdk_s3::Client) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut pages = client
        .list_objects_v2()
        .bucket("ads")
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        keys.extend(
            page.contents()
                .iter()
                .map(|object| object.key().expect("a key").to_owned()),
        );
    }
    keys
}
