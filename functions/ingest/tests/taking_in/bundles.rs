//! A bundle becomes uploads of its members.

use records::{BundleCounts, ImageSha256};
use store::Unpacked;

use crate::world::{World, key, picture, rows};

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
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
    let sightings = world.store.sightings(&image).await.unwrap();
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

#[tokio::test]
async fn a_bundle_that_was_cut_off_goes_on_where_it_stopped() {
    let world = World::new().await;
    world.put("b.tar", mixed(), &[]).await;
    let event = world.waiting().await.unwrap();
    let fetched = world.store.fetch(&key("b.tar").into(), None, 1 << 20).await;
    let store::Fetched::Object(object) = fetched.unwrap() else {
        panic!("the bundle is there")
    };
    let done = Unpacked {
        next: 1,
        refused: 0,
    };
    let version = object.facts.version_id.unwrap();
    world
        .store
        .note_unpacked(&key("b.tar"), &version, done)
        .await
        .unwrap();
    world.ingest.handle(event).await;
    assert!(
        !world.has_object("b.tar/a/1.png").await,
        "dealt with before the cut"
    );
    assert!(world.has_object("b.tar/2.png").await);
    assert_eq!(world.uploads().await["b.tar"].bundle, Some(COUNTS));
}

#[tokio::test]
async fn another_bundle_under_the_same_key_in_the_same_second_is_taken_apart_from_its_start() {
    let world = World::new().await;
    world.put("b.tar", mixed(), &[]).await;
    world.settle().await;
    world
        .put("b.tar", tar(&[("new.png", &picture(9))]), &[])
        .await;
    world.settle().await;
    assert!(world.has_object("b.tar/new.png").await);
    assert_eq!(world.uploads().await["b.tar"].bundle.unwrap().members, 1);
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
