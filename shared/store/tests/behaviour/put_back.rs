//! After a disaster: tables that were put back to an earlier time, manifests and packs that are lost.
//! What is left of a set is found whole, or its readers are told.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use records::*;
use store::{CompactionRule, Error, Id, LogChange, LogPosition, SetKind, TABLES};

use crate::fixtures::*;
use crate::host::World;
use crate::segments::{get, put, tail};

claims! {
    references_that_are_numbered_again_are_found_or_it_is_told,
    ads_of_before_a_compaction_are_found_after_a_repair,
    ads_of_before_their_first_manifest_are_found_after_a_repair,
    a_manifest_of_another_history_is_told_and_the_own_one_comes_back,
    a_manifest_that_is_gone_or_older_comes_back_from_its_versions,
    a_segment_that_is_gone_comes_back,
    a_pack_that_is_gone_comes_back,
    what_is_gone_for_good_stops_a_repair_and_a_rebuild_leaves_it_out,
    what_is_whole_is_not_changed_by_a_repair,
    a_repair_can_be_cut_off_before_any_swap_is_confirmed,
    what_is_forgotten_leaves_no_version,
}

/// Everything at once, and nothing stays for a reader.
fn eager() -> CompactionRule {
    CompactionRule {
        tail_ads_min: 1,
        log_entries_min: 1,
        grace: Duration::ZERO,
        keeps_versions: true,
        ..CompactionRule::default()
    }
}

type Items = Vec<HashMap<String, AttributeValue>>;

/// All tables as they were at one moment.
struct Moment(Vec<(String, Items)>);

async fn items_of(world: &World, table: &str) -> Items {
    let (client, mut items, mut from) = (world.dynamodb(), Vec::new(), None);
    loop {
        let page = client.scan().table_name(table);
        let page = page.set_exclusive_start_key(from).send().await.unwrap();
        items.extend(page.items().iter().cloned());
        from = page.last_evaluated_key;
        if from.is_none() {
            return items;
        }
    }
}

impl Moment {
    async fn now(world: &World) -> Self {
        let mut tables = Vec::new();
        for table in TABLES {
            let name = world.store.names().table(table.table);
            let items = items_of(world, &name).await;
            tables.push((name, items));
        }
        Self(tables)
    }

    async fn put_back(&self, world: &World) {
        let client = world.dynamodb();
        for (table, items) in &self.0 {
            for item in items_of(world, table).await {
                let delete = client.delete_item().table_name(table);
                let delete = delete.key("pk", item["pk"].clone());
                delete.key("sk", item["sk"].clone()).send().await.unwrap();
            }
            for item in items {
                let put = client.put_item().table_name(table);
                put.set_item(Some(item.clone())).send().await.unwrap();
            }
        }
    }
}

async fn compact(world: &World, now: Timestamp) -> Result<(), Error> {
    let store = &world.store;
    store.references.compact_references(&eager(), now).await?;
    store.ads.compact_ads(&eager(), now).await?;
    for kind in [SetKind::Ads, SetKind::References] {
        store.garbage.sweep(kind, &eager(), now).await?;
    }
    Ok(())
}

/// What upkeep's task `repair` does; says how much it had to mend.
async fn repair(world: &World, now: Timestamp) -> Result<u64, Error> {
    let mut done = world
        .store
        .references
        .compact_references(&eager(), now)
        .await?;
    done += world.store.ads.repair(now).await?;
    Ok(done.mended)
}

/// The references that a program finds that starts.
async fn references(world: &World) -> Result<BTreeSet<ReferenceId>, Error> {
    let start = LogPosition::start();
    let found = world.store.references.references_since(&start).await?;
    let added = found.entries.into_iter();
    let added = added.filter(|it| matches!(it.change, LogChange::Added(_)));
    Ok(added.map(|it| it.reference_id).collect())
}

async fn ads(world: &World) -> Result<BTreeSet<ImageSha256>, Error> {
    let store = &world.store;
    let mut ads = tail(store).await;
    for segment in store.ads.ads_segments().await? {
        let index = store.ads.ads_segment_index(&segment).await?;
        ads.extend(store.ads.segment_ads(&index, 0..index.len()).await?);
    }
    Ok(ads.iter().map(|ad| ad.image_sha256).collect())
}

fn images(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<ImageSha256> {
    numbers.into_iter().map(sha).collect()
}

async fn put_ads(world: &World, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        put_ad(&world.store, "uploader", n).await;
    }
}

/// Whether all who read the set of ads are told that it is damaged.
async fn is_told(world: &World) -> bool {
    let read = world.store.ads.ads_segments().await;
    let compacted = world.store.ads.compact_ads(&eager(), at(50)).await;
    let merged = &world.store.segments;
    let merged = merged.merge_segments(SetKind::Ads, &eager(), at(50)).await;
    matches!(read, Err(Error::Damaged(_)))
        && matches!(compacted, Err(Error::Damaged(_)))
        && matches!(merged, Err(Error::Damaged(_)))
}

/// Every object of the segments bucket below a prefix, with its version and whether it is a marker.
async fn versions(world: &World, prefix: &str) -> Vec<(String, String, bool)> {
    let bucket = &world.store.names().segments_bucket;
    let list = world.s3().list_object_versions().bucket(bucket);
    let page = list.prefix(prefix).send().await.unwrap();
    assert_ne!(page.is_truncated(), Some(true));
    let text = |it: Option<&str>| it.unwrap().to_owned();
    let versions = page.versions().iter();
    let versions = versions.map(|it| (text(it.key()), text(it.version_id()), false));
    let markers = page.delete_markers().iter();
    let markers = markers.map(|it| (text(it.key()), text(it.version_id()), true));
    versions.chain(markers).collect()
}

/// Loses what lies below a prefix, with all its versions if it is to be for good.
async fn lose(world: &World, prefix: &str, for_good: bool) -> usize {
    let bucket = &world.store.names().segments_bucket;
    let lying = versions(world, prefix).await;
    for (key, version, _) in &lying {
        let delete = world.s3().delete_object().bucket(bucket).key(key);
        let version = for_good.then(|| version.clone());
        delete.set_version_id(version).send().await.unwrap();
    }
    lying.len()
}

async fn references_that_are_numbered_again_are_found_or_it_is_told(world: World) {
    let mut expected = BTreeSet::new();
    for n in 0..4 {
        expected.insert(active_reference(&world.store, n).await);
    }
    let moment = Moment::now(&world).await;
    for n in 100..120 {
        active_reference(&world.store, n).await;
    }
    compact(&world, at(2)).await.unwrap();
    moment.put_back(&world).await;
    for n in 200..280 {
        expected.insert(active_reference(&world.store, n).await);
    }
    let found = references(&world).await;
    assert!(matches!(found, Err(Error::Damaged(_))), "it is not silent");
    assert_eq!(repair(&world, at(3)).await, Ok(1));
    assert!(references(&world).await == Ok(expected));
    assert_eq!(repair(&world, at(4)).await, Ok(0));
}

async fn ads_of_before_a_compaction_are_found_after_a_repair(world: World) {
    put_ads(&world, 0..3).await;
    compact(&world, at(1)).await.unwrap();
    put_ads(&world, 3..6).await;
    let moment = Moment::now(&world).await;
    compact(&world, at(2)).await.unwrap();
    compact(&world, at(3)).await.unwrap();
    moment.put_back(&world).await;
    assert!(is_told(&world).await);
    assert!(repair(&world, at(4)).await.unwrap() > 0);
    assert_eq!(repair(&world, at(5)).await, Ok(0));
    put_ads(&world, [7]).await;
    compact(&world, at(6)).await.unwrap();
    assert!(ads(&world).await == Ok(images([0, 1, 2, 3, 4, 5, 7])));
}

async fn ads_of_before_their_first_manifest_are_found_after_a_repair(world: World) {
    put_ads(&world, 0..3).await;
    let moment = Moment::now(&world).await;
    compact(&world, at(2)).await.unwrap();
    compact(&world, at(3)).await.unwrap();
    moment.put_back(&world).await;
    assert!(is_told(&world).await);
    assert!(repair(&world, at(4)).await.unwrap() > 0);
    compact(&world, at(5)).await.unwrap();
    assert!(ads(&world).await == Ok(images(0..3)));
}

async fn a_manifest_of_another_history_is_told_and_the_own_one_comes_back(world: World) {
    put_ads(&world, [0]).await;
    compact(&world, at(1)).await.unwrap();
    let (moment, manifest) = (Moment::now(&world).await, get(&world, MANIFEST).await);
    put_ads(&world, [1]).await;
    compact(&world, at(2)).await.unwrap();
    let other = get(&world, MANIFEST).await;
    moment.put_back(&world).await;
    put(&world, MANIFEST, manifest).await;
    put_ads(&world, [2]).await;
    compact(&world, at(3)).await.unwrap();
    put(&world, MANIFEST, other).await;
    assert!(is_told(&world).await);
    assert_eq!(repair(&world, at(4)).await, Ok(1));
    assert!(ads(&world).await == Ok(images([0, 2])));
}

async fn a_manifest_that_is_gone_or_older_comes_back_from_its_versions(world: World) {
    put_ads(&world, [0]).await;
    compact(&world, at(1)).await.unwrap();
    let older = get(&world, MANIFEST).await;
    put_ads(&world, [1]).await;
    compact(&world, at(2)).await.unwrap();
    lose(&world, MANIFEST, false).await;
    assert!(is_told(&world).await);
    assert_eq!(repair(&world, at(3)).await, Ok(1));
    assert!(ads(&world).await == Ok(images([0, 1])));
    put(&world, MANIFEST, older).await;
    assert!(is_told(&world).await);
    assert_eq!(repair(&world, at(4)).await, Ok(1));
    put_ads(&world, [2]).await;
    compact(&world, at(5)).await.unwrap();
    assert!(ads(&world).await == Ok(images(0..3)));
}

async fn a_segment_that_is_gone_comes_back(world: World) {
    put_ads(&world, 0..2).await;
    compact(&world, at(1)).await.unwrap();
    let manifest = get(&world, MANIFEST).await;
    lose(&world, "ads/", false).await;
    put(&world, MANIFEST, manifest).await;
    assert!(matches!(ads(&world).await, Err(Error::Damaged(_))));
    assert_eq!(repair(&world, at(2)).await, Ok(1));
    assert!(ads(&world).await == Ok(images(0..2)));
}

async fn a_pack_that_is_gone_comes_back(world: World) {
    put_ads(&world, 0..2).await;
    lose(&world, "packs/", false).await;
    let compacted = world.store.ads.compact_ads(&eager(), at(1)).await;
    assert!(matches!(compacted, Err(Error::Damaged(_))), "{compacted:?}");
    assert_eq!(repair(&world, at(2)).await, Ok(2));
    compact(&world, at(3)).await.unwrap();
    assert!(ads(&world).await == Ok(images(0..2)));
}

async fn what_is_gone_for_good_stops_a_repair_and_a_rebuild_leaves_it_out(world: World) {
    let store = &world.store;
    let reference = active_reference(store, 1).await;
    put_ads(&world, 0..3).await;
    compact(&world, at(1)).await.unwrap();
    put_ads(&world, 3..5).await;
    assert!(lose(&world, "", true).await > 4);
    assert!(is_told(&world).await);
    for seconds in 2..4 {
        let repaired = repair(&world, at(seconds)).await;
        let told = repaired.unwrap_err().to_string();
        assert!(told.contains("next: upkeep's task rebuild"), "{told}");
    }
    let found = references(&world).await;
    assert_eq!(found, Ok(BTreeSet::from([reference])), "their log has them");
    assert!(
        is_told(&world).await,
        "a repair that stopped left no empty set"
    );

    assert_eq!(store.ads.is_rebuilding().await, Ok(false));
    store.ads.begin_rebuild(at(5)).await.unwrap();
    assert_eq!(store.ads.is_rebuilding().await, Ok(true));
    put_ads(&world, 0..5).await;
    compact(&world, at(6)).await.unwrap();
    store.ads.end_rebuild().await.unwrap();
    assert_eq!(store.ads.is_rebuilding().await, Ok(false));
    assert!(ads(&world).await == Ok(images(0..5)));
    assert_eq!(repair(&world, at(7)).await, Ok(0));
}

async fn what_is_whole_is_not_changed_by_a_repair(world: World) {
    assert_eq!(repair(&world, at(1)).await, Ok(0), "an empty one");
    put_ads(&world, 0..2).await;
    assert_eq!(repair(&world, at(1)).await, Ok(0), "a tail alone");
    compact(&world, at(2)).await.unwrap();
    put_ads(&world, 2..4).await;
    let before = versions(&world, "").await;
    assert_eq!(repair(&world, at(3)).await, Ok(0));
    assert_eq!(versions(&world, "").await, before);
}

async fn a_repair_can_be_cut_off_before_any_swap_is_confirmed(world: World) {
    put_ads(&world, 0..2).await;
    let moment = Moment::now(&world).await;
    compact(&world, at(1)).await.unwrap();
    moment.put_back(&world).await;
    let manifest = get(&world, MANIFEST).await;
    repair(&world, at(2)).await.unwrap();
    // As if it had announced its manifest, and not swapped it in; the tables are as it found them.
    put(&world, MANIFEST, manifest).await;
    moment.put_back(&world).await;
    assert!(is_told(&world).await);
    assert!(repair(&world, at(3)).await.unwrap() > 0);
    compact(&world, at(4)).await.unwrap();
    assert!(ads(&world).await == Ok(images(0..2)));
}

async fn what_is_forgotten_leaves_no_version(world: World) {
    put_ads(&world, 0..3).await;
    compact(&world, at(1)).await.unwrap();
    put_ads(&world, 3..5).await;
    compact(&world, at(2)).await.unwrap();
    assert!(
        versions(&world, "packs/").await.len() >= 10,
        "packs with their marks"
    );
    let ids = BTreeSet::from([Id::Image(sha(1))]);
    let purged = world
        .store
        .garbage
        .purge(SetKind::Ads, &ids, at(3), None)
        .await;
    assert_eq!(purged.unwrap().items, 1);
    assert_eq!(versions(&world, "packs/").await, []);
    let live = world.store.ads.ads_segments().await.unwrap();
    let lying = versions(&world, "ads/").await.into_iter();
    let segments: BTreeSet<String> = lying.map(|it| it.0).filter(|key| key != MANIFEST).collect();
    let live: BTreeSet<String> = live.iter().map(|it| format!("ads/{}", it.name)).collect();
    assert_eq!(segments, live);
    assert!(ads(&world).await == Ok(images([0, 2, 3, 4])));
}

const MANIFEST: &str = "ads/manifest";
