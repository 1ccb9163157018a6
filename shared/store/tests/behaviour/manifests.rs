//! A set that has lost its manifest is never taken for an empty one.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use records::Timestamp;
use sha2::{Digest, Sha256};
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
    a_record_tells_how_far_a_set_has_come_and_how_much_it_holds,
    references_that_lost_their_manifest_say_so_and_their_log_has_them_all,
    segments_of_references_that_are_ahead_of_their_log_are_skipped_and_made_again,
}

const MANIFEST: &str = "ads/manifest";
const GONE: &str = "manifest of ads (it is gone; next: upkeep's task repair)";

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

async fn record(world: &World) -> HashMap<String, AttributeValue> {
    let get = world.dynamodb().get_item().consistent_read(true);
    let get = get.table_name(world.store.names().table(Table::Ads));
    let get = get.key("pk", text("manifest")).key("sk", text("ads"));
    get.send().await.unwrap().item.unwrap_or_default()
}

async fn put_record(world: &World, record: HashMap<String, AttributeValue>) {
    let put = world.dynamodb().put_item();
    let put = put.table_name(world.store.names().table(Table::Ads));
    put.set_item(Some(record)).send().await.unwrap();
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
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
    let gone = Error::Damaged(GONE);
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
    let older = "manifest of ads (an older one lies there; next: upkeep's task repair)";
    let older = Error::Damaged(older);
    assert_eq!(world.store.ads.ads_segments().await, Err(older));
}

async fn a_manifest_of_an_older_build_is_noted_by_the_next_sweep(world: World) {
    put_ad(&world.store, "uploader", 1).await;
    compact(&world, at(1)).await.unwrap();
    // As it noted how far its manifest had come.
    let mut noted = record(&world).await;
    noted.retain(|name, _| ["pk", "sk", "generation"].contains(&name.as_str()));
    put_record(&world, noted).await;
    assert_eq!(world.store.ads.ads_segments().await.unwrap().len(), 1);
    world
        .store
        .garbage
        .sweep(SetKind::Ads, &eager(), at(2))
        .await
        .unwrap();
    lose(&world, MANIFEST).await;
    let gone = Error::Damaged(GONE);
    assert_eq!(world.store.ads.ads_segments().await, Err(gone));
}

async fn a_swap_that_was_cut_off_at_any_step_is_no_damage(world: World) {
    put_ad(&world.store, "uploader", 1).await;
    compact(&world, at(1)).await.unwrap();
    // A manifest was announced, and not swapped in.
    let mut before = record(&world).await;
    before.insert("attempts".into(), text(&digest(b"none")));
    put_record(&world, before.clone()).await;
    assert_eq!(world.store.ads.ads_segments().await.unwrap().len(), 1);
    put_ad(&world.store, "uploader", 2).await;
    assert_eq!(compact(&world, at(2)).await, Ok(1));
    // A manifest was swapped in, and not confirmed.
    let lying = digest(&get(&world, MANIFEST).await);
    let other = format!("{},{lying}", digest(b"none"));
    before.insert("attempts".into(), text(&other));
    put_record(&world, before).await;
    assert_eq!(world.store.ads.ads_segments().await.unwrap().len(), 2);
    put_ad(&world.store, "uploader", 3).await;
    assert_eq!(compact(&world, at(3)).await, Ok(1));
    assert_eq!(world.store.ads.ads_segments().await.unwrap().len(), 3);
}

async fn a_record_tells_how_far_a_set_has_come_and_how_much_it_holds(world: World) {
    assert_eq!(record(&world).await, HashMap::new());
    for n in 0..3 {
        put_ad(&world.store, "uploader", n).await;
    }
    compact(&world, at(1)).await.unwrap();
    let record = record(&world).await;
    let number = |name: &str| record[name].as_n().unwrap().clone();
    let told = ["epoch", "items", "segments"].map(number);
    assert_eq!(told, ["1", "3", "1"]);
    let lying = digest(&get(&world, MANIFEST).await);
    assert_eq!(record["digest"], text(&lying));
    assert!(!record.contains_key("attempts"), "none is under way");
}

async fn references_that_lost_their_manifest_say_so_and_their_log_has_them_all(world: World) {
    let store = &world.store;
    active_reference(store, 1).await;
    store
        .references
        .compact_references(&eager(), at(1))
        .await
        .unwrap();
    lose(&world, "references/manifest").await;
    let start = LogPosition::start();
    let gone = "manifest of references (it is gone; next: upkeep's task repair)";
    let set = store.references.references_since(&start).await;
    assert_eq!(set, Err(Error::Damaged(gone)));
    let set = store.references.references_logged(&start).await;
    assert_eq!(set.unwrap().entries.len(), 1);
    let done = store.references.compact_references(&eager(), at(2)).await;
    assert_eq!(done.unwrap().mended, 1);
    let set = store.references.references_since(&start).await;
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
    let ahead =
        "manifest of references (ahead of its log, which was put back; next: upkeep's task repair)";
    let ahead = Error::Damaged(ahead);
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
