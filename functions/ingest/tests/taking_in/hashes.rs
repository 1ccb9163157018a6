//! A list of hashes becomes what its pictures would have become.

use photo::Limits;
use records::{
    AdMetadata, BundleCounts, HashRecord, ImageSha256, Label, MemberName, hash_list_header,
};

use crate::world::{World, key, picture, rows};

fn record(name: &str, seed: u32) -> HashRecord {
    let metadata = AdMetadata {
        place: Label::parse("Springfield").ok(),
        ..AdMetadata::default()
    };
    let name = MemberName::parse(name).unwrap();
    intake::hash_record(name, &picture(seed), &Limits::default(), metadata).unwrap()
}

#[tokio::test]
async fn a_hash_becomes_the_same_image_as_its_picture() {
    let (by_hash, by_picture) = (World::new().await, World::new().await);
    let list = hash_list_header() + &record("a/1.png", 1).to_line();
    by_hash.put("h.jsonl", list.into_bytes(), &[]).await;
    by_picture
        .put("h.jsonl/a/1.png", picture(1), &[("place", "Springfield")])
        .await;
    by_hash.settle().await;
    by_picture.settle().await;
    assert_eq!(by_hash.ads().await, by_picture.ads().await);
    let image = ImageSha256::of(&picture(1));
    let sightings = by_hash.store.sightings(&image).await.unwrap();
    assert_eq!(sightings, by_picture.store.sightings(&image).await.unwrap());
    let ends = [("h.jsonl", "Recorded"), ("h.jsonl/a/1.png", "Recorded")];
    assert_eq!(by_hash.states().await, rows(&ends));
    assert!(
        !by_hash.has_object("h.jsonl/a/1.png").await,
        "no picture came"
    );
}

#[tokio::test]
async fn every_line_ends_recorded_or_with_its_reason() {
    let world = World::new().await;
    let broken = record("broken.png", 3)
        .to_line()
        .replace("\"fingerprint\":\"", "\"fingerprint\":\"A");
    let lines = [
        hash_list_header(),
        record("1.png", 1).to_line(),
        "nonsense\n".to_owned(),
        record("1.png", 2).to_line(),
        broken,
    ];
    world.put("h.jsonl", lines.concat().into_bytes(), &[]).await;
    let event = world.waiting().await.unwrap();
    for _ in 0..2 {
        world.ingest.handle(event.clone()).await;
    }
    let ends = [
        ("h.jsonl", "Recorded"),
        ("h.jsonl//2", "malformed_record"),
        ("h.jsonl//3", "duplicate_name"),
        ("h.jsonl/1.png", "Recorded"),
        ("h.jsonl/broken.png", "malformed_fingerprint"),
    ];
    assert_eq!(world.states().await, rows(&ends));
    let counts = BundleCounts {
        members: 4,
        taken_in: 1,
        refused: 3,
        metadata_faults: 0,
        holds_members: false,
    };
    assert_eq!(world.uploads().await["h.jsonl"].bundle, Some(counts));
    assert_eq!(
        world.uploads().await["h.jsonl/1.png"].object_key,
        key("h.jsonl/1.png")
    );
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
    assert_eq!(before.len(), 2);
    let response = world.ingest.handle(again).await;
    assert_eq!(response.batch_item_failures.len(), 0);
    assert_eq!(world.uploads().await, before, "not even written again");
}
