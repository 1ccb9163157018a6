//! A set that has lost its manifest is never taken for an empty one.

use aws_sdk_dynamodb::types::AttributeValue;
use records::Timestamp;
use store::{CompactionRule, Error, LogPosition, MergeRule, SetKind, Table};

use crate::fixtures::*;
use crate::host::World;
use crate::segments::{get, put};

claims! {
    a_set_that_never_had_a_manifest_is_empty,
    a_manifest_of_ads_that_was_there_and_is_gone_is_damage,
    an_older_manifest_of_ads_in_the_place_of_a_newer_is_damage,
    a_manifest_of_an_older_build_is_noted_by_the_next_sweep,
    a_swap_that_was_cut_off_at_any_step_is_no_damage,
    references_are_whole_without_their_manifest,
    segments_of_references_that_are_ahead_of_their_log_are_skipped_and_made_again,
}

const MANIFEST: &str = "ads/manifest";

/// Everything at once.
fn eager() -> CompactionRule {
    CompactionRule {
        tail_ads_min: 1,
        log_entries_min: 1,
        merge: MergeRule {
            segments_min: 3,
            ..CompactionRule::default().merge
        },
        ..CompactionRule::default()
    }
}

async fn compact(world: &World, now: Timestamp) -> Result<u64, Error> {
    let done = world.store.ads.compact_ads(&eager(), now).await?;
    Ok(done.items)
}

async fn lose(world: &World, key: &str) {
    let bucket = &world.store.names().segments_bucket;
    let delete = world.s3().delete_object().bucket(bucket).key(key);
    delete.send().await.unwrap();
}

fn text(it: &str) -> AttributeValue {
    AttributeValue::S(it.to_owned())
}

async fn forget_generation(world: &World) {
    let delete = world.dynamodb().delete_item();
    let delete = delete.table_name(world.store.names().table(Table::Ads));
    let delete = delete.key("pk", text("manifest")).key("sk", text("ads"));
    delete.send().await.unwrap();
}

async fn a_set_that_never_had_a_manifest_is_empty(world: World) {
    assert_eq!(world.store.ads.ads_segments().await, Ok(Vec::new()));
    put_ad(&world.store, "uploader", 1).await;
    assert_eq!(world.store.ads.ads_segments().await, Ok(Vec::new()));
    world
        .store
        .garbage
        .sweep(SetKind::Ads, &eager(), at(1))
        .await
        .unwrap();
    assert_eq!(world.store.ads.ads_segments().await, Ok(Vec::new()));
}

async fn a_manifest_of_ads_that_was_there_and_is_gone_is_damage(world: World) {
    put_ad(&world.store, "uploader", 1).await;
    assert_eq!(compact(&world, at(1)).await, Ok(1));
    let good = get(&world, MANIFEST).await;
    lose(&world, MANIFEST).await;
    let gone = Error::Damaged("manifest of ads (it is gone)");
    assert_eq!(world.store.ads.ads_segments().await, Err(gone));
    put_ad(&world.store, "uploader", 2).await;
    assert_eq!(
        compact(&world, at(2)).await,
        Err(gone),
        "none is begun anew"
    );
    let swept = world
        .store
        .garbage
        .sweep(SetKind::Ads, &eager(), at(3))
        .await;
    assert_eq!(swept, Err(gone), "and no segment is taken for an orphan");
    put(&world, MANIFEST, good).await;
    assert_eq!(compact(&world, at(4)).await, Ok(1), "it was put back");
    assert_eq!(world.store.ads.ads_segments().await.unwrap().len(), 2);
}

async fn an_older_manifest_of_ads_in_the_place_of_a_newer_is_damage(world: World) {
    put_ad(&world.store, "uploader", 1).await;
    compact(&world, at(1)).await.unwrap();
    let older = get(&world, MANIFEST).await;
    put_ad(&world.store, "uploader", 2).await;
    compact(&world, at(2)).await.unwrap();
    put(&world, MANIFEST, older).await;
    let older = Error::Damaged("manifest of ads (an older one lies there)");
    assert_eq!(world.store.ads.ads_segments().await, Err(older));
}

async fn a_manifest_of_an_older_build_is_noted_by_the_next_sweep(world: World) {
    put_ad(&world.store, "uploader", 1).await;
    compact(&world, at(1)).await.unwrap();
    forget_generation(&world).await;
    assert_eq!(world.store.ads.ads_segments().await.unwrap().len(), 1);
    world
        .store
        .garbage
        .sweep(SetKind::Ads, &eager(), at(2))
        .await
        .unwrap();
    lose(&world, MANIFEST).await;
    let gone = Error::Damaged("manifest of ads (it is gone)");
    assert_eq!(world.store.ads.ads_segments().await, Err(gone));
}

async fn a_swap_that_was_cut_off_at_any_step_is_no_damage(world: World) {
    put_ad(&world.store, "uploader", 1).await;
    compact(&world, at(1)).await.unwrap();
    // The first manifest was written, and not noted.
    forget_generation(&world).await;
    put_ad(&world.store, "uploader", 2).await;
    assert_eq!(compact(&world, at(2)).await, Ok(1));
    // A manifest was swapped in, and not noted: the note lags.
    let note = world.dynamodb().put_item();
    let note = note.table_name(world.store.names().table(Table::Ads));
    let note = note.item("pk", text("manifest")).item("sk", text("ads"));
    let note = note.item("generation", AttributeValue::N("0".to_owned()));
    note.send().await.unwrap();
    assert_eq!(world.store.ads.ads_segments().await.unwrap().len(), 2);
    put_ad(&world.store, "uploader", 3).await;
    assert_eq!(compact(&world, at(3)).await, Ok(1));
    assert_eq!(world.store.ads.ads_segments().await.unwrap().len(), 3);
}

async fn references_are_whole_without_their_manifest(world: World) {
    let store = &world.store;
    active_reference(store, 1).await;
    store
        .references
        .compact_references(&eager(), at(1))
        .await
        .unwrap();
    lose(&world, "references/manifest").await;
    let set = store
        .references
        .references_since(&LogPosition::start())
        .await;
    assert_eq!(set.unwrap().entries.len(), 1);
}

/// As after a table was put back to an earlier time, and the bucket was not.
async fn segments_of_references_that_are_ahead_of_their_log_are_skipped_and_made_again(
    world: World,
) {
    let store = &world.store;
    active_reference(store, 1).await;
    store
        .references
        .compact_references(&eager(), at(1))
        .await
        .unwrap();
    empty_log(&world).await;
    let ahead = Error::Damaged("manifest of references (ahead of its log)");
    let set = store
        .references
        .references_since(&LogPosition::start())
        .await;
    assert_eq!(set, Err(ahead));
    let logged = store
        .references
        .references_logged(&LogPosition::start())
        .await;
    assert_eq!(logged.unwrap().entries, []);
    store
        .references
        .compact_references(&eager(), at(2))
        .await
        .unwrap();
    let set = store
        .references
        .references_since(&LogPosition::start())
        .await;
    assert_eq!(set.unwrap().entries, [], "no more than the log says");
}

async fn empty_log(world: &World) {
    let (client, table) = (
        world.dynamodb(),
        world.store.names().table(Table::ReferencesTail),
    );
    let all = client.scan().table_name(&table).send().await.unwrap();
    for item in all.items() {
        let delete = client.delete_item().table_name(&table);
        let delete = delete
            .key("pk", item["pk"].clone())
            .key("sk", item["sk"].clone());
        delete.send().await.unwrap();
    }
}
