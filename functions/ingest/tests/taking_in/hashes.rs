//! A list of hashes becomes what its pictures would have become, but for what no reader needs.

use std::collections::{BTreeMap, BTreeSet};

use photo::Limits;
use records::{
    AdMetadata, BundleCounts, HASH_LINES_MAX, HashRecord, ImageSha256, LINES_NAMED_MAX, Label,
    LineFault, MemberName, ReasonCode, hash_list_header,
};

use store::StoredAd;

use crate::world::{World, key, ngo, picture, rows};

pub fn record(name: &str, seed: u32) -> HashRecord {
    let metadata = AdMetadata {
        place: Label::parse("Springfield").ok(),
        ..AdMetadata::default()
    };
    let name = MemberName::parse(name).unwrap();
    reading::hash_record(name, &picture(seed), &Limits::default(), metadata).unwrap()
}

#[tokio::test]
async fn a_hash_becomes_the_same_ad_as_its_picture_and_its_sighting_travels_with_it() {
    let (by_hash, by_picture) = (World::new().await, World::new().await);
    let list = hash_list_header() + &record("a/1.png", 1).to_line();
    by_hash.put("h.jsonl", list.into_bytes(), &[]).await;
    by_picture
        .put("h.jsonl/a/1.png", picture(1), &[("place", "Springfield")])
        .await;
    by_hash.settle().await;
    by_picture.settle().await;
    let image = ImageSha256::of(&picture(1));
    let postings = by_picture.store.uploads.sightings(&image).await.unwrap();
    assert_eq!(postings.len(), 1);
    let of_picture = by_picture.ads().await.remove(0);
    let expected = StoredAd {
        postings,
        ..of_picture
    };
    assert_eq!(by_hash.ads().await, [expected]);
    let ends = [("h.jsonl", "Recorded")];
    assert_eq!(by_hash.states().await, rows(&ends));
    let known = by_hash.store.uploads.image(&ngo(), &image).await.unwrap();
    assert!(known.is_none(), "nothing but the set knows it");
    assert!(
        !by_hash.has_object("h.jsonl/a/1.png").await,
        "no picture came"
    );
}

fn fault(line: u64, name: Option<&str>, reason: ReasonCode) -> LineFault {
    let name = name.map(|name| MemberName::parse(name).unwrap());
    LineFault {
        line,
        name,
        refused: true,
        reason,
    }
}

#[tokio::test]
async fn every_line_is_taken_in_or_told_of_by_its_list() {
    let world = World::new().await;
    let broken = record("broken.png", 3)
        .to_line()
        .replace("\"fingerprint\":\"", "\"fingerprint\":\"A");
    let lines = [
        hash_list_header(),
        record("1.png", 1).to_line(),
        "nonsense\n\n".to_owned(),
        record("1.png", 2).to_line(),
        broken,
    ];
    world.put("h.jsonl", lines.concat().into_bytes(), &[]).await;
    let event = world.waiting().await.unwrap();
    for _ in 0..2 {
        world.ingest.handle(event.clone()).await;
    }
    assert_eq!(world.states().await, rows(&[("h.jsonl", "Recorded")]));
    let list = world.uploads().await.remove("h.jsonl").unwrap();
    let counts = BundleCounts {
        members: 4,
        taken_in: 1,
        refused: 3,
        metadata_faults: 0,
        holds_members: false,
        is_list: true,
    };
    assert_eq!(list.bundle, Some(counts));
    let faults = list.faults.unwrap();
    let first = [
        fault(3, None, ReasonCode::MALFORMED_RECORD),
        fault(5, Some("1.png"), ReasonCode::DUPLICATE_NAME),
        fault(6, Some("broken.png"), ReasonCode::MALFORMED_FINGERPRINT),
    ];
    assert_eq!(faults.first, first);
    let by_reason = first.map(|fault| (fault.reason, 1));
    assert_eq!(faults.by_reason, BTreeMap::from(by_reason));
    let ads = world.ads().await;
    assert_eq!(ads.len(), 1);
    assert_eq!(ads[0].postings[0].object_key, key("h.jsonl/1.png"));
}

/// Two bytes sent were a kilobyte kept.
#[tokio::test]
async fn useless_lines_cost_one_record_together() {
    let world = World::new().await;
    let useless = hash_list_header() + &"x\n".repeat(HASH_LINES_MAX);
    world
        .put("h.jsonl", useless.clone().into_bytes(), &[])
        .await;
    let more = useless + "x\n";
    world.put("more.jsonl", more.into_bytes(), &[]).await;
    world.settle().await;
    let ends = [("h.jsonl", "Recorded"), ("more.jsonl", "too_many_lines")];
    assert_eq!(world.states().await, rows(&ends));
    let faults = world.uploads().await["h.jsonl"].faults.clone().unwrap();
    let by_reason = [(ReasonCode::MALFORMED_RECORD, HASH_LINES_MAX as u64)];
    assert_eq!(faults.by_reason, BTreeMap::from(by_reason));
    assert_eq!(faults.first.len(), LINES_NAMED_MAX);
    assert_eq!(faults.first[99].line, 101);
}

#[tokio::test]
async fn an_ad_that_a_list_has_several_times_is_put_once_with_every_posting() {
    let world = World::new().await;
    let lines = ["1.png", "2.png", "3.png"].map(|name| record(name, 1).to_line());
    let list = hash_list_header() + &lines.concat();
    world.put("h.jsonl", list.into_bytes(), &[]).await;
    world.settle().await;
    let ads = world.ads().await;
    assert_eq!(ads.len(), 1);
    let keys: BTreeSet<_> = ads[0].postings.iter().map(|it| &it.object_key).collect();
    let expected = ["h.jsonl/1.png", "h.jsonl/2.png", "h.jsonl/3.png"].map(key);
    assert_eq!(keys, expected.iter().collect());
}

/// The list's author may want to correct such a line.
#[tokio::test]
async fn a_line_of_which_something_was_kept_out_is_taken_in_and_told_of() {
    let world = World::new().await;
    let line = record("1.png", 1).to_line();
    let line = line.replace("\"Springfield\"", &format!("\"{}\"", "x".repeat(300)));
    let list = hash_list_header() + &line;
    world.put("h.jsonl", list.into_bytes(), &[]).await;
    world.settle().await;
    assert_eq!(world.states().await, rows(&[("h.jsonl", "Recorded")]));
    let list = world.uploads().await.remove("h.jsonl").unwrap();
    let counts = list.bundle.unwrap();
    assert_eq!(
        (counts.taken_in, counts.refused, counts.metadata_faults),
        (1, 0, 1)
    );
    let expected = LineFault {
        refused: false,
        ..fault(2, Some("1.png"), ReasonCode::MALFORMED_PLACE)
    };
    assert_eq!(list.faults.unwrap().first, [expected]);
    assert_eq!(world.ads().await.len(), 1);
}

#[tokio::test]
async fn a_line_that_was_mended_is_at_fault_no_more() {
    let world = World::new().await;
    let sound = record("1.png", 1).to_line();
    let broken = sound.replace("\"fingerprint\":\"", "\"fingerprint\":\"A");
    for (line, refused) in [(broken, 1), (sound, 0)] {
        let list = hash_list_header() + &line;
        world.put("h.jsonl", list.into_bytes(), &[]).await;
        world.settle().await;
        let list = world.uploads().await.remove("h.jsonl").unwrap();
        assert_eq!(list.bundle.unwrap().refused, refused);
        assert_eq!(list.faults.is_some(), refused > 0);
    }
    assert_eq!(world.ads().await.len(), 1);
}

/// Earlier builds gave each refused line a record.
#[tokio::test]
async fn a_line_that_stands_as_refused_is_told_to_be_recorded_once_it_is_mended() {
    let world = World::new().await;
    world.put("h.jsonl", b"no list yet".to_vec(), &[]).await;
    world.settle().await;
    let mut earlier = world.uploads().await.remove("h.jsonl").unwrap();
    earlier.object_key = key("h.jsonl/1.png");
    earlier.version_id = None;
    earlier.reason = Some(ReasonCode::MALFORMED_FINGERPRINT);
    assert!(world.store.uploads.record_upload(&earlier).await.unwrap());
    let list = hash_list_header() + &record("1.png", 1).to_line();
    world.put("h.jsonl", list.into_bytes(), &[]).await;
    world.settle().await;
    let ends = [("h.jsonl", "Recorded"), ("h.jsonl/1.png", "Recorded")];
    assert_eq!(world.states().await, rows(&ends));
}

#[tokio::test]
async fn an_object_below_a_list_keeps_its_end() {
    let world = World::new().await;
    world
        .put("h.jsonl/1.png", b"no picture".to_vec(), &[])
        .await;
    world.settle().await;
    let list = hash_list_header() + &record("1.png", 1).to_line();
    world.put("h.jsonl", list.into_bytes(), &[]).await;
    world.settle().await;
    let ends = [("h.jsonl", "Recorded"), ("h.jsonl/1.png", "not_an_image")];
    assert_eq!(world.states().await, rows(&ends));
    assert_eq!(world.ads().await.len(), 1);
}

#[tokio::test]
async fn a_list_of_a_newer_version_is_refused_whole() {
    let world = World::new().await;
    let list = b"{\"format\":\"homeward-hashes\",\"version\":2}\n{}\n";
    world.put("h.jsonl", list.to_vec(), &[]).await;
    world.settle().await;
    assert_eq!(world.states().await, rows(&[("h.jsonl", "newer_format")]));
}

/// As when a build with newer algorithms has everything looked at again: it could only refuse them.
#[tokio::test]
async fn a_list_that_was_taken_in_is_not_taken_in_again() {
    let world = World::new().await;
    let list = hash_list_header() + &record("a.png", 1).to_line();
    world.put("l.jsonl", list.into_bytes(), &[]).await;
    let event = world.waiting().await.unwrap();
    let again = event.clone();
    world.ingest.handle(event).await;
    let before = world.uploads().await;
    assert_eq!(before.len(), 1);
    let response = world.ingest.handle(again).await;
    assert_eq!(response.batch_item_failures.len(), 0);
    assert_eq!(world.uploads().await, before, "not even written again");
}
