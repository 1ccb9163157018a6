//! A bundle becomes uploads of its members.

use records::{BundleCounts, ImageSha256};
use store::Unpacked;

use crate::world::{World, at_attempt, key, picture, rows};

pub fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        // Set as bytes: the builder itself would refuse a name that leads out.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

const LIST: &[u8] = b"{\"path\":\"a/1.png\",\"place\":\"Springfield\",\"ad_id\":\"7\"}\n\
    {\"path\":\"nobody.png\"}\n";

fn mixed() -> Vec<u8> {
    tar(&[
        ("metadata.jsonl", LIST),
        ("a/1.png", &picture(1)),
        ("2.png", &picture(2)),
        ("../3.png", &picture(3)),
        ("2.png", &picture(4)),
        ("text.txt", b"no picture"),
    ])
}

const ENDS: [(&str, &str); 6] = [
    ("b.tar", "Recorded"),
    ("b.tar//3", "unsafe_name"),
    ("b.tar//4", "duplicate_name"),
    ("b.tar/2.png", "Recorded"),
    ("b.tar/a/1.png", "Recorded"),
    ("b.tar/text.txt", "not_an_image"),
];

const COUNTS: BundleCounts = BundleCounts {
    members: 5,
    taken_in: 3,
    refused: 2,
    metadata_faults: 1,
    holds_members: true,
    is_list: false,
};

#[tokio::test]
async fn every_member_ends_recorded_or_with_its_reason() {
    let world = World::new().await;
    world.put("b.tar", mixed(), &[]).await;
    world.settle().await;
    assert_eq!(world.states().await, rows(&ENDS));
    let uploads = world.uploads().await;
    assert_eq!(uploads["b.tar"].bundle, Some(COUNTS));
    assert_eq!(uploads["b.tar/2.png"].bundle, None);
    let image = ImageSha256::of(&picture(1));
    let sightings = world.store.uploads.sightings(&image).await.unwrap();
    assert_eq!(sightings.len(), 1);
    assert_eq!(sightings[0].object_key, key("b.tar/a/1.png"));
    let place = sightings[0].place.as_ref().unwrap();
    assert_eq!(
        (place.as_str(), world.ads().await.len()),
        ("Springfield", 2)
    );
}

#[tokio::test]
async fn a_bundle_that_comes_twice_changes_nothing() {
    let world = World::new().await;
    world.put("b.tar", mixed(), &[]).await;
    let event = world.waiting().await.unwrap();
    for _ in 0..2 {
        let response = world.ingest.handle(event.clone()).await;
        assert_eq!(response.batch_item_failures.len(), 0);
    }
    world.settle().await;
    assert_eq!(world.states().await, rows(&ENDS));
    assert_eq!(world.uploads().await["b.tar"].bundle, Some(COUNTS));
    assert_eq!(world.ads().await.len(), 2);
}

/// 150 pictures: two parts of 64 and one of the rest.
pub fn large() -> Vec<u8> {
    let pictures: Vec<_> = (0..150).map(|n| (format!("{n}.png"), picture(n))).collect();
    let list = b"{\"path\":\"149.png\",\"place\":\"Springfield\"}\n";
    let mut members: Vec<(&str, &[u8])> = vec![("metadata.jsonl", list)];
    members.extend(pictures.iter().map(|(name, bytes)| (&**name, &**bytes)));
    members[70].1 = b"PK\x03\x04 an archive"; // 69.png
    tar(&members)
}

#[tokio::test]
async fn a_large_bundle_is_cut_into_parts_that_hold_its_pictures() {
    let world = World::new().await;
    world
        .put("b.tar", large(), &[("place", "Shelbyville")])
        .await;
    world.settle().await;
    let uploads = world.uploads().await;
    assert_eq!(uploads.len(), 1 + 3 + 150);
    let whole = uploads["b.tar"].bundle.unwrap();
    assert_eq!(
        (whole.members, whole.taken_in, whole.refused),
        (150, 149, 1)
    );
    assert!(!whole.holds_members);
    for (part, members) in [("1", 64), ("65", 63), ("129", 22)] {
        let counts = uploads[&format!("b.tar//part-{part}")].bundle.unwrap();
        assert_eq!((counts.members, counts.taken_in), (members, members));
        assert!(counts.holds_members);
    }
    let refused = uploads["b.tar/69.png"].reason.as_ref().unwrap();
    assert_eq!(refused.as_str(), "nested_archive");
    let last = &uploads["b.tar/149.png"];
    assert_eq!(last.stored_in, Some(key("b.tar//part-129")));
    assert_eq!(
        last.metadata.place.as_ref().unwrap().as_str(),
        "Springfield"
    );
    assert!(!world.has_object("b.tar/149.png").await);
    assert_eq!(world.ads().await.len(), 149);
    let image = ImageSha256::of(&picture(3));
    let sightings = world.store.uploads.sightings(&image).await;
    assert_eq!(sightings.unwrap()[0].object_key, key("b.tar/3.png"));
}

#[tokio::test]
async fn a_bundle_that_was_cut_off_goes_on_where_it_stopped() {
    let world = World::new().await;
    world.put("b.tar", large(), &[]).await;
    let event = world.waiting().await.unwrap();
    let done = Unpacked {
        next: 64,
        refused: 0,
    };
    let version = world.version("b.tar").await;
    let bundle = key("b.tar");
    let noted = world
        .store
        .uploads
        .save_unpacked(&bundle, &version, done)
        .await;
    noted.unwrap();
    world.ingest.handle(event).await;
    let there = ["1", "65", "129"].map(|part| format!("b.tar//part-{part}"));
    let mut has = Vec::new();
    for part in &there {
        has.push(world.has_object(part).await);
    }
    assert_eq!(has, [false, true, true], "the first was dealt with before");
    let counts = world.uploads().await["b.tar"].bundle.unwrap();
    assert_eq!((counts.taken_in, counts.refused), (149, 1));
}

#[tokio::test]
async fn a_small_bundle_that_keeps_coming_is_taken_apart() {
    let world = World::new().await;
    world.put("b.tar", mixed(), &[]).await;
    let event = world.waiting().await.unwrap();
    world.ingest.handle(at_attempt(event, "3")).await;
    assert!(world.has_object("b.tar/2.png").await);
    assert!(world.ads().await.is_empty(), "no picture was looked at");
    world.settle().await;
    assert_eq!(world.states().await, rows(&ENDS));
    let uploads = world.uploads().await;
    let apart = BundleCounts {
        holds_members: false,
        ..COUNTS
    };
    assert_eq!(uploads["b.tar"].bundle, Some(apart));
    assert_eq!(uploads["b.tar/2.png"].stored_in, None);
}

#[tokio::test]
async fn a_part_that_keeps_coming_is_taken_apart_below_its_bundle() {
    let world = World::new().await;
    let part = tar(&[("a.png", &picture(1)), ("../b.png", &picture(2))]);
    world.put("b.tar//part-65", part, &[]).await;
    let event = world.waiting().await.unwrap();
    world.ingest.handle(at_attempt(event, "3")).await;
    world.settle().await;
    let ends = [
        ("b.tar//2", "unsafe_name"),
        ("b.tar//part-65", "Recorded"),
        ("b.tar/a.png", "Recorded"),
    ];
    assert_eq!(world.states().await, rows(&ends));
}

#[tokio::test]
async fn the_same_picture_twice_in_a_bundle_is_one_ad_seen_twice() {
    let world = World::new().await;
    let twice = tar(&[("a.png", &picture(1)), ("b.png", &picture(1))]);
    world.put("b.tar", twice, &[]).await;
    world.settle().await;
    assert_eq!(world.ads().await.len(), 1);
    let image = ImageSha256::of(&picture(1));
    let sightings = world.store.uploads.sightings(&image).await;
    assert_eq!(sightings.unwrap().len(), 2);
}

#[tokio::test]
async fn another_bundle_under_the_same_key_in_the_same_second_is_taken_apart_from_its_start() {
    let world = World::new().await;
    world.put("b.tar", large(), &[]).await;
    world.settle().await;
    let new: Vec<_> = (0..65)
        .map(|n| (format!("new-{n}.png"), picture(n)))
        .collect();
    let new: Vec<_> = new
        .iter()
        .map(|(name, bytes)| (&**name, &**bytes))
        .collect();
    world.put("b.tar", tar(&new), &[]).await;
    world.settle().await;
    let uploads = world.uploads().await;
    assert_eq!(uploads["b.tar"].bundle.unwrap().members, 65);
    assert!(uploads.contains_key("b.tar/new-0.png"));
    assert!(uploads.contains_key("b.tar/new-64.png"));
}

#[tokio::test]
async fn a_bundle_larger_than_any_picture_is_read_from_the_disk() {
    let world = World::new().await;
    let large = vec![0x20; 20 << 20];
    let members = [
        ("1.txt", &large[..]),
        ("2.txt", &large),
        ("3.png", &picture(3)),
    ];
    world.put("b.tar", tar(&members), &[]).await;
    world.settle().await;
    let ends = [
        ("b.tar", "Recorded"),
        ("b.tar/1.txt", "not_an_image"),
        ("b.tar/2.txt", "not_an_image"),
        ("b.tar/3.png", "Recorded"),
    ];
    assert_eq!(world.states().await, rows(&ends));
    for too_large_for_a_part in ["b.tar/1.txt", "b.tar/2.txt", "b.tar/3.png"] {
        assert!(world.has_object(too_large_for_a_part).await);
    }
}

#[tokio::test]
async fn what_is_too_large_and_no_bundle_is_refused_as_before() {
    let world = World::new().await;
    world.put("a.bin", vec![1; (32 << 20) + 1], &[]).await;
    world.settle().await;
    assert_eq!(world.states().await, rows(&[("a.bin", "too_large")]));
}

#[tokio::test]
async fn a_broken_bundle_is_refused_whole() {
    let world = World::new().await;
    let whole = mixed();
    world
        .put("b.tar", whole[..whole.len() - 1_500].to_vec(), &[])
        .await;
    world.settle().await;
    assert_eq!(world.states().await, rows(&[("b.tar", "bundle_truncated")]));
    assert!(!world.has_object("b.tar/2.png").await);
}

#[tokio::test]
async fn what_came_out_of_a_bundle_is_never_taken_for_one() {
    let world = World::new().await;
    let inner = tar(&[("a.png", &picture(1))]);
    world
        .put("direct.tar", inner.clone(), &[("homeward-member", "1")])
        .await;
    world
        .put("outer.tar", tar(&[("inner.tar", &inner)]), &[])
        .await;
    world.settle().await;
    let ends = [
        ("direct.tar", "not_an_image"),
        ("outer.tar", "Recorded"),
        ("outer.tar/inner.tar", "nested_archive"),
    ];
    assert_eq!(world.states().await, rows(&ends));
}

#[tokio::test]
async fn a_bundle_whose_key_leaves_no_room_for_members_says_so() {
    let world = World::new().await;
    let name = "x".repeat(950);
    world.put(&name, mixed(), &[]).await;
    world.settle().await;
    assert_eq!(world.states().await, rows(&[(&name, "unsafe_name")]));
}
