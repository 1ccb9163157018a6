//! Ads whose set is made again: a photo or list that is known becomes part of the set once more, and
//! nothing else changes.

use std::collections::BTreeMap;
use std::time::SystemTime;

use records::{ImageSha256, ObjectCreated, ObjectKey, Timestamp, Upload, hash_list_header};

use crate::bundles::tar;
use crate::hashes::record;
use crate::world::{World, key, ngo, picture};

const NAMES: [&str; 3] = ["a.png", "h.jsonl", "small.tar"];

async fn full() -> World {
    let world = World::new().await;
    let list = hash_list_header() + &record("1.png", 2).to_line();
    let bundle = tar(&[("3.png", &picture(3)), ("4.png", &picture(4))]);
    for (name, bytes) in NAMES
        .into_iter()
        .zip([picture(1), list.into_bytes(), bundle])
    {
        world.put(name, bytes, &[("place", "Springfield")]).await;
    }
    world.settle().await;
    world
}

/// How often each image is in the set.
async fn counted(world: &World) -> BTreeMap<ImageSha256, u64> {
    let mut counts = BTreeMap::new();
    for ad in world.ads().await {
        *counts.entry(ad.image_sha256).or_default() += 1;
    }
    counts
}

/// What uploaders are told, but for when it was last looked at.
async fn told(world: &World) -> BTreeMap<String, Upload> {
    let mut uploads = world.uploads().await;
    for upload in uploads.values_mut() {
        upload.updated_at = upload.uploaded_at;
    }
    uploads
}

async fn tell(world: &World, message: fn(&str, &ObjectKey) -> String) {
    let messages = NAMES.map(|name| {
        let body = message("ads", &key(name).into());
        serde_json::json!({"messageId": name, "body": body})
    });
    let event = serde_json::from_value(serde_json::json!({ "Records": messages })).unwrap();
    let response = world.ingest.handle(event).await;
    assert_eq!(response.batch_item_failures.len(), 0);
}

#[tokio::test]
async fn what_is_known_is_put_into_the_set_once_more_if_that_is_made_again_and_else_not() {
    let world = full().await;
    let before = (counted(&world).await, told(&world).await);
    assert_eq!(before.0.len(), 4);
    assert!(before.0.values().all(|count| *count == 1));
    let image = ImageSha256::of(&picture(1));
    let sightings = world.store.uploads.sightings(&image).await.unwrap();

    tell(&world, ObjectCreated::message).await;
    assert_eq!((counted(&world).await, told(&world).await), before);

    tell(&world, ObjectCreated::rebuild_message).await;
    let again = counted(&world).await;
    assert!(again.values().all(|count| *count == 2), "{}", again.len());
    assert_eq!(told(&world).await, before.1);
    let after = world.store.uploads.sightings(&image).await.unwrap();
    assert_eq!(after, sightings);
}

/// A quota counts what is new.
#[tokio::test]
async fn what_is_taken_in_again_counts_for_no_quota() {
    let world = full().await;
    let (tenant, now) = (ngo(), Timestamp::from(SystemTime::now()));
    let before = told(&world).await;
    let bounded = world.store.uploads.set_quota(&tenant, Some(1)).await;
    bounded.unwrap();
    tell(&world, ObjectCreated::rebuild_message).await;
    assert_eq!(told(&world).await, before);
    let quota = world.store.uploads.quota(&tenant, now).await.unwrap();
    assert_eq!(quota.uploads_today, 0);
}
