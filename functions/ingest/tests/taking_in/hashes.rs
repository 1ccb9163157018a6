//! A list of hashes becomes what its pictures would have become, but for what nobody asks for.

use std::collections::BTreeSet;

use photo::Limits;
use records::{
    AdMetadata, BundleCounts, HashRecord, ImageSha256, Label, MemberName, MetadataNote,
    hash_list_header,
};

use store::StoredAd;

use crate::world::{World, key, ngo, picture, rows};

fn record(name: &str, seed: u32) -> HashRecord {
    let metadata = AdMetadata {
        place: Label::parse("Springfield").ok(),
        ..AdMetadata::default()
    };
    let name = MemberName::parse(name).unwrap();
    intake::hash_record(name, &picture(seed), &Limits::default(), metadata).unwrap()
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
    let postings = by_picture.store.sightings(&image).await.unwrap();
    assert_eq!(postings.len(), 1);
    let of_picture = by_picture.ads().await.remove(0);
    let expected = StoredAd {
        postings,
        ..of_picture
    };
    assert_eq!(by_hash.ads().await, [expected]);
    let ends = [("h.jsonl", "Recorded")];
    assert_eq!(by_hash.states().await, rows(&ends));
    let known = by_hash.store.image(&ngo(), &image).await.unwrap();
    assert!(known.is_none(), "nothing but the set knows it");
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
        ("h.jsonl/broken.png", "malformed_fingerprint"),
    ];
    assert_eq!(world.states().await, rows(&ends));
    let counts = BundleCounts {
        members: 4,
        taken_in: 1,
        refused: 3,
        metadata_faults: 0,
        holds_members: false,
        is_list: true,
    };
    assert_eq!(world.uploads().await["h.jsonl"].bundle, Some(counts));
    let ads = world.ads().await;
    assert_eq!(ads.len(), 1);
    assert_eq!(ads[0].postings[0].object_key, key("h.jsonl/1.png"));
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

/// Whoever made the list may want to mend such a line.
#[tokio::test]
async fn a_line_of_which_something_was_kept_out_has_a_record_that_says_so() {
    let world = World::new().await;
    let line = record("1.png", 1).to_line();
    let line = line.replace("\"Springfield\"", &format!("\"{}\"", "x".repeat(300)));
    let list = hash_list_header() + &line;
    world.put("h.jsonl", list.into_bytes(), &[]).await;
    world.settle().await;
    let ends = [("h.jsonl", "Recorded"), ("h.jsonl/1.png", "Recorded")];
    assert_eq!(world.states().await, rows(&ends));
    let notes = world.uploads().await["h.jsonl/1.png"].notes.clone();
    assert_eq!(notes, [MetadataNote::MalformedPlace]);
    assert_eq!(world.ads().await.len(), 1);
}

#[tokio::test]
async fn a_line_that_was_mended_is_refused_no_more() {
    let world = World::new().await;
    let sound = record("1.png", 1).to_line();
    let broken = sound.replace("\"fingerprint\":\"", "\"fingerprint\":\"A");
    for (line, end) in [(broken, "malformed_fingerprint"), (sound, "Recorded")] {
        let list = hash_list_header() + &line;
        world.put("h.jsonl", list.into_bytes(), &[]).await;
        world.settle().await;
        let ends = [("h.jsonl", "Recorded"), ("h.jsonl/1.png", end)];
        assert_eq!(world.states().await, rows(&ends));
    }
    assert_eq!(world.ads().await.len(), 1);
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
