//! The laptop's searchable set of ads as segments: `homeward serve` moves ads there, finds them there
//! for references that come later, through kills too, and `homeward verify` counts them there.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use embedded::Embedded;
use proofs::checkout;
use proofs::leads::pairs_of;
use proofs::process::Serve;
use proofs::world::{World, upload};
use serde_json::Value;
use store::{Jitter, Names, Store};

const ARGUMENTS: [&str; 4] = ["--port", "0", "--compact-at", "10"];
const PATIENCE: Duration = Duration::from_secs(120);

fn stop(mut serve: Serve) {
    assert_eq!(serve.process.terminate(Duration::from_secs(60)), Some(0));
}

/// Images in the segments of a folder that no process has open, and those in its tail.
async fn images(data: &Path) -> (u64, usize) {
    let embedded = Embedded::open(data).unwrap();
    let names = Names {
        ads_bucket: "homeward-ads".to_owned(),
        references_bucket: "homeward-references".to_owned(),
        segments_bucket: "homeward-segments".to_owned(),
        table_prefix: Names::TABLE_PREFIX_DEFAULT.to_owned(),
    };
    let store = Store::with_sdk_config(&embedded.sdk_config(), names, Jitter::new(|| 1));
    let segments = store.ads.ads_segments().await.unwrap();
    let mut in_tail = 0;
    for position in store::AdsPosition::starts() {
        let mut position = Some(position);
        while let Some(at) = position {
            let page = store.ads.ads_page(&at).await.unwrap();
            in_tail += page.items.len();
            position = page.next;
        }
    }
    (segments.iter().map(|it| u64::from(it.items)).sum(), in_tail)
}

/// Ads are compacted at the start of a run and then rarely: starts and stops it until they are.
async fn compacted(data: &Path, expected: u64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        stop(Serve::start_with(data, &ARGUMENTS));
        let (in_segments, in_tail) = images(data).await;
        if in_segments == expected {
            assert_eq!(in_tail, 0, "an image is in one of both");
            return;
        }
        assert!(Instant::now() < deadline, "{in_segments} of {expected}");
    }
}

fn verify(data: &Path) -> Value {
    let verify = Command::new(checkout::program("homeward"))
        .args(["verify", "--data"])
        .arg(data)
        .output()
        .unwrap();
    let sums = String::from_utf8(verify.stdout).unwrap();
    assert_eq!(verify.status.code(), Some(0), "{sums}");
    serde_json::from_str(&sums).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ads_in_segments_are_found_by_references_that_come_later_and_counted() {
    let world = World::draw(10, 3, 11);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = Serve::start_with(&data, &ARGUMENTS);
    upload(&serve, &world.ads());
    serve.settled();
    stop(serve);
    let ads = world.ads().len() as u64;
    compacted(&data, ads).await;

    let mut serve = Serve::start_with(&data, &ARGUMENTS);
    upload(&serve, &world.references());
    for life_ms in [50, 200, 600] {
        std::thread::sleep(Duration::from_millis(life_ms));
        serve.process.kill();
        serve = Serve::start_with(&data, &ARGUMENTS);
    }
    serve.settled();
    let leads = serve.all("unit", "/v1/leads?level=alert");
    assert_eq!(pairs_of(&leads), world.pairs());
    for reference in serve.all("unit", "/v1/references") {
        let progress = &reference["search"];
        assert_eq!(progress["state"], "done", "{progress}");
        assert_eq!(progress["images_searched"], ads, "{progress}");
        assert_eq!(progress["images_total"], ads, "{progress}");
    }
    stop(serve);
    let check = || {
        let sums = verify(&data);
        assert_eq!(sums["leads"]["images"], ads);
        assert_eq!(sums["leads"]["references"], world.references().len());
        assert_eq!(sums["leads"]["alerts_created"], world.pairs().len());
    };
    check();
    // The references' log of ten entries is a segment too by now.
    stop(Serve::start_with(&data, &ARGUMENTS));
    check();
}
