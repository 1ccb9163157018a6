//! What a tenant brings beyond its quota is rejected, told, and not lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use ingest::Ingest;
use photo::Limits;
use records::{AdKey, ImageSha256, TenantId, Timestamp, UploadState, hash_list_header};
use store::{Clock, NewObject, Quota};

use crate::bundles::{large, tar};
use crate::hashes::record;
use crate::world::{World, at_attempt, ngo, picture, rows};

fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

async fn bounded(max: u64) -> World {
    let world = World::new().await;
    world
        .store
        .uploads
        .set_quota(&ngo(), Some(max))
        .await
        .unwrap();
    world
}

async fn counted(world: &World) -> u64 {
    let quota: Quota = world.store.uploads.quota(&ngo(), now()).await.unwrap();
    quota.uploads_today
}

/// How many uploads ended as each of these two.
async fn recorded_and_over(world: &World) -> (usize, usize) {
    let states = world.states().await;
    let of = |word: &str| states.iter().filter(|(_, state)| state == word).count();
    assert_eq!(of("Recorded") + of("over_quota"), states.len());
    (of("Recorded"), of("over_quota"))
}

/// A day passes for the program.
fn next_day(world: &mut World) {
    let tomorrow = Clock::new(|| now().plus(Duration::from_secs(86_400)));
    world.ingest = Ingest::new(world.store.clone(), Limits::default(), tomorrow, 2);
}

#[tokio::test]
async fn what_is_over_the_quota_is_rejected_its_object_stays_and_no_other_is_held() {
    let world = bounded(2).await;
    for seed in 0..5 {
        world.put(&format!("{seed}.png"), picture(seed), &[]).await;
    }
    let of_another = AdKey::parse("ads/other/a.png").unwrap();
    let object = NewObject {
        bytes: picture(9).into(),
        content_type: "image/png".into(),
        metadata: Default::default(),
    };
    let place = of_another.clone().into();
    world
        .store
        .objects
        .put_object(&place, object)
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(recorded_and_over(&world).await, (2, 3));
    assert_eq!((counted(&world).await, world.ads().await.len()), (2, 3));
    let uploads = world.uploads().await;
    for (name, upload) in &uploads {
        assert!(world.has_object(name).await, "{name} stays");
        let sightings = world
            .store
            .uploads
            .sightings(&upload.image_sha256.unwrap())
            .await;
        let is_recorded = upload.state == UploadState::Recorded;
        assert_eq!(sightings.unwrap().len(), usize::from(is_recorded), "{name}");
    }
    let other = world
        .store
        .uploads
        .upload(&of_another)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(other.state, UploadState::Recorded);
    let other = TenantId::parse("other").unwrap();
    let quota = world.store.uploads.quota(&other, now()).await.unwrap();
    assert_eq!(quota, Quota::default(), "nothing is counted without one");
}

#[tokio::test]
async fn the_same_key_put_again_on_another_day_is_taken_in() {
    let mut world = bounded(1).await;
    for (name, seed) in [("a.png", 1), ("b.png", 2), ("b.png", 2)] {
        world.put(name, picture(seed), &[]).await;
        world.settle().await;
    }
    let held = [("a.png", "Recorded"), ("b.png", "over_quota")];
    assert_eq!(world.states().await, rows(&held), "not on the same day");
    next_day(&mut world);
    world.put("b.png", picture(2), &[]).await;
    world.settle().await;
    let taken = [("a.png", "Recorded"), ("b.png", "Recorded")];
    assert_eq!(world.states().await, rows(&taken));
    let image = ImageSha256::of(&picture(2));
    assert_eq!(
        world.store.uploads.sightings(&image).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn members_of_a_bundle_and_lines_of_a_list_count_each() {
    let world = bounded(4).await;
    let pictures = [1, 2, 3, 4].map(picture);
    let three = tar(&[
        ("1.png", &pictures[0]),
        ("2.png", &pictures[1]),
        ("3.png", &pictures[2]),
    ]);
    world.put("three.tar", three, &[]).await;
    world.settle().await;
    assert_eq!(counted(&world).await, 3);
    let two = tar(&[("1.png", &pictures[0]), ("4.png", &pictures[3])]);
    world.put("two.tar", two, &[]).await;
    let lines = record("1.png", 5).to_line() + &record("2.png", 6).to_line();
    let list = hash_list_header() + &lines;
    world.put("two.jsonl", list.into_bytes(), &[]).await;
    world.settle().await;
    assert_eq!(counted(&world).await, 3, "all of it or nothing");
    let one = hash_list_header() + &record("1.png", 7).to_line();
    world.put("one.jsonl", one.into_bytes(), &[]).await;
    world.settle().await;
    let ends = [
        ("one.jsonl", "Recorded"),
        ("three.tar", "Recorded"),
        ("three.tar/1.png", "Recorded"),
        ("three.tar/2.png", "Recorded"),
        ("three.tar/3.png", "Recorded"),
        ("two.jsonl", "over_quota"),
        ("two.tar", "over_quota"),
        ("two.tar/1.png", "over_quota"),
        ("two.tar/4.png", "over_quota"),
    ];
    assert_eq!(world.states().await, rows(&ends));
    assert_eq!((counted(&world).await, world.ads().await.len()), (4, 4));
}

#[tokio::test]
async fn parts_of_a_large_bundle_count_as_they_come() {
    let world = bounded(100).await;
    world.put("b.tar", large(), &[]).await;
    world.settle().await;
    let uploads = world.uploads().await;
    let ended = uploads.values().filter(|it| it.reason.is_none());
    let pictures = ended.filter(|it| it.bundle.is_none()).count();
    assert!((63..100).contains(&pictures), "{pictures} are taken in");
    assert_eq!(counted(&world).await, 1 + pictures as u64);
    assert_eq!(uploads.len(), 1 + 3 + 150, "every member is told of");
    let at_once = bounded(0).await;
    at_once.put("b.tar", large(), &[]).await;
    at_once.settle().await;
    let ends = [("b.tar", "over_quota")];
    assert_eq!(at_once.states().await, rows(&ends), "nothing is cut");
}

#[tokio::test]
async fn what_was_recorded_stays_so_and_is_counted_once_when_its_event_comes_again() {
    let world = bounded(3).await;
    world.put("a.png", picture(1), &[]).await;
    let pictures = [picture(2), picture(3)];
    let two = tar(&[("2.png", &pictures[0]), ("3.png", &pictures[1])]);
    world.put("two.tar", two, &[]).await;
    let event = world.waiting().await.unwrap();
    for attempt in ["1", "2", "3"] {
        let again = at_attempt(event.clone(), attempt);
        let response = world.ingest.handle(again).await;
        assert_eq!(response.batch_item_failures.len(), 0);
    }
    let (recorded, over) = recorded_and_over(&world).await;
    assert_eq!((recorded, over, counted(&world).await), (4, 0, 3));
}

#[tokio::test]
async fn a_bound_counts_within_minutes_of_being_set() {
    let mut world = World::new().await;
    let later = Arc::new(AtomicI64::new(0));
    let of_clock = later.clone();
    let clock = Clock::new(move || {
        let later = of_clock.load(Ordering::Relaxed);
        now().plus(Duration::from_secs(later.unsigned_abs()))
    });
    world.ingest = Ingest::new(world.store.clone(), Limits::default(), clock, 2);
    world.put("before.png", picture(1), &[]).await;
    world.settle().await;
    world
        .store
        .uploads
        .set_quota(&ngo(), Some(0))
        .await
        .unwrap();
    later.store(301, Ordering::Relaxed);
    world.put("set.png", picture(2), &[]).await;
    world.settle().await;
    world.store.uploads.set_quota(&ngo(), None).await.unwrap();
    later.store(602, Ordering::Relaxed);
    world.put("lifted.png", picture(3), &[]).await;
    world.settle().await;
    let ends = [
        ("before.png", "Recorded"),
        ("lifted.png", "Recorded"),
        ("set.png", "over_quota"),
    ];
    assert_eq!(world.states().await, rows(&ends));
}
