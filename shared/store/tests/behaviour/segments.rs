//! The set of ads as tail, segments and manifest: compaction, its crashes and its races.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::primitives::ByteStream;
use records::*;
use store::{
    AdsPosition, Change, Clock, Compacted, CompactionRule, Error, Id, MergeRule, Pack, SearchKey,
    SetKind, Store, StoredAd,
};
use tokio::task::JoinSet;

use crate::fixtures::*;
use crate::host::World;

claims! {
    a_compacted_ad_is_met_in_its_segment_and_no_more_in_the_tail,
    a_tail_that_is_short_and_young_stays,
    every_step_of_compaction_can_be_the_last,
    of_two_compactions_that_read_the_same_items_one_enters,
    an_ad_that_came_again_stays_in_the_tail,
    a_pack_that_was_compacted_is_met_in_its_segment,
    a_pack_whose_ads_came_again_is_met_with_its_own_postings,
    a_pack_that_is_missing_or_damaged_is_noticed,
    a_pack_that_was_never_named_is_swept_after_its_grace,
    a_pack_that_is_named_late_is_written_again,
    the_same_image_of_another_tenant_is_an_item_of_its_own,
    a_reader_misses_nothing_while_compaction_runs,
    compactions_side_by_side_lose_nothing_and_double_nothing,
    small_segments_are_merged_and_the_old_ones_stay_for_their_grace,
    what_no_manifest_names_is_swept_after_its_grace,
    a_sweep_dooms_a_compaction_under_way_and_never_breaks_the_set,
    a_damaged_segment_is_noticed,
    a_damaged_manifest_is_noticed,
    a_forgotten_ad_is_nowhere,
    a_compaction_under_way_does_not_bring_a_forgotten_ad_back,
}

/// Everything at once, in batches of a few items.
pub fn eager() -> CompactionRule {
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

/// Objects carry the server's time, so what is told from their age needs the present.
pub fn present() -> Timestamp {
    SystemTime::now().into()
}

async fn record(store: &Store, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        put_ad(store, "uploader", n).await;
    }
}

pub async fn tail(store: &Store) -> Vec<StoredAd> {
    let mut ads = Vec::new();
    for start in AdsPosition::starts() {
        let mut position = Some(start);
        while let Some(here) = position {
            let page = store.ads.ads_page(&here).await.unwrap();
            ads.extend(page.items);
            position = page.next;
        }
    }
    ads
}

/// The ads of all segments; [`Error::Gone`] if one was replaced concurrently.
async fn in_segments(store: &Store) -> Result<Vec<StoredAd>, Error> {
    let mut ads = Vec::new();
    for segment in store.ads.ads_segments().await? {
        let index = store.ads.ads_segment_index(&segment).await?;
        let mut from = Some(0);
        while let Some(here) = from {
            let page = store.ads.segment_page(&index, here).await?;
            ads.extend(page.items);
            from = page.next;
        }
    }
    Ok(ads)
}

/// The whole set as a reader meets it: the tail first.
pub async fn whole(store: &Store) -> Vec<StoredAd> {
    let mut ads = tail(store).await;
    loop {
        match in_segments(store).await {
            Ok(found) => {
                ads.extend(found);
                return ads;
            }
            Err(Error::Gone(_)) => continue,
            Err(error) => panic!("{error}"),
        }
    }
}

pub fn images(ads: &[StoredAd]) -> BTreeSet<ImageSha256> {
    ads.iter().map(|ad| ad.image_sha256).collect()
}

fn expected(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<ImageSha256> {
    numbers.into_iter().map(sha).collect()
}

async fn a_compacted_ad_is_met_in_its_segment_and_no_more_in_the_tail(World { store, .. }: World) {
    record(&store, 0..20).await;
    let before = tail(&store).await;
    let done = store.ads.compact_ads(&eager(), at(9)).await.unwrap();
    assert_eq!((done.items, done.cleared, done.lost), (20, 20, 0));
    assert_eq!(tail(&store).await, []);
    let after = in_segments(&store).await.unwrap();
    let sorted = |mut ads: Vec<StoredAd>| {
        ads.sort_by_key(|ad| ad.image_sha256);
        ads
    };
    assert!(sorted(after) == sorted(before), "fingerprints and all");
    let again = store.ads.compact_ads(&eager(), at(10)).await.unwrap();
    assert_eq!(again, Compacted::default());
}

async fn a_tail_that_is_short_and_young_stays(World { store, .. }: World) {
    record(&store, 0..5).await;
    let day = CompactionRule {
        tail_ads_min: 6,
        tail_age_max: Duration::from_secs(100),
        ..eager()
    };
    let early = store.ads.compact_ads(&day, at(99)).await.unwrap();
    assert_eq!(early, Compacted::default());
    let late = store.ads.compact_ads(&day, at(100)).await.unwrap();
    assert_eq!(late.items, 5, "old enough");
    record(&store, 10..16).await;
    let many = store.ads.compact_ads(&day, at(1)).await.unwrap();
    assert_eq!(many.items, 6, "long enough");
}

async fn every_step_of_compaction_can_be_the_last(World { store, .. }: World) {
    let mut recorded = 0;
    for steps in 0..=3 {
        record(&store, recorded..recorded + 6).await;
        recorded += 6;
        let batch = store.ads.tail_batch(&eager()).await.unwrap();
        assert!(!batch.is_empty());
        if steps >= 1 {
            let written = store.ads.write_batch(batch, at(5)).await.unwrap();
            assert_eq!(images(&whole(&store).await), expected(0..recorded));
            if steps >= 2 {
                assert!(store.ads.enter(&written).await.unwrap());
                assert_eq!(images(&whole(&store).await), expected(0..recorded));
                if steps >= 3 {
                    assert!(store.ads.clear_tail(&eager(), at(5)).await.unwrap() > 0);
                }
            }
        } // here the program is killed
        assert_eq!(images(&whole(&store).await), expected(0..recorded));
        if steps == 2 {
            assert!(whole(&store).await.len() as u64 > recorded, "in both");
        }
        let rest = store.ads.compact_ads(&eager(), at(6)).await.unwrap();
        assert_eq!(rest.lost, 0);
        assert_eq!(tail(&store).await, []);
        let ads = in_segments(&store).await.unwrap();
        assert_eq!(images(&ads), expected(0..recorded));
        assert_eq!(ads.len() as u64, recorded, "none is in two segments");
    }
}

async fn of_two_compactions_that_read_the_same_items_one_enters(World { store, .. }: World) {
    record(&store, 0..6).await;
    let (one, two) = (
        store.ads.tail_batch(&eager()).await.unwrap(),
        store.ads.tail_batch(&eager()).await.unwrap(),
    );
    let one = store.ads.write_batch(one, at(1)).await.unwrap();
    let two = store.ads.write_batch(two, at(2)).await.unwrap();
    assert!(store.ads.enter(&two).await.unwrap());
    assert!(!store.ads.enter(&one).await.unwrap());
    assert!(!store.ads.enter(&one).await.unwrap(), "nor later");
    store.ads.compact_ads(&eager(), at(3)).await.unwrap();
    let ads = whole(&store).await;
    assert_eq!((ads.len(), images(&ads)), (6, expected(0..6)));
}

async fn an_ad_that_came_again_stays_in_the_tail(World { store, .. }: World) {
    record(&store, 0..2).await;
    let batch = store.ads.tail_batch(&eager()).await.unwrap();
    let written = store.ads.write_batch(batch, at(1)).await.unwrap();
    assert!(store.ads.enter(&written).await.unwrap());
    // Erased and uploaded again between the swap and the deletions of a slow compaction.
    let forgotten = BTreeSet::from([Id::Image(sha(0))]);
    store
        .garbage
        .purge(SetKind::Ads, &forgotten, at(2), None)
        .await
        .unwrap();
    assert_eq!(images(&whole(&store).await), expected([1]));
    record(&store, [0]).await;
    store.ads.clear_tail(&eager(), at(3)).await.unwrap();
    assert_eq!(images(&tail(&store).await), expected([0]));
    store.ads.compact_ads(&eager(), at(60)).await.unwrap();
    assert_eq!(
        images(&in_segments(&store).await.unwrap()),
        expected([0, 1])
    );
}

/// What the tail names.
pub async fn packs(world: &World) -> Vec<Pack> {
    let client = world.dynamodb();
    let name = world.store.names().table(store::Table::AdsTail);
    let scan = client.scan().table_name(&name).send().await.unwrap();
    let pack = |item: &_| match store::inserted(serde_dynamo::Item::from(Clone::clone(item))) {
        Ok(Some(Change::Ads(pack))) => pack,
        other => panic!("{other:?}"),
    };
    scan.items().iter().map(pack).collect()
}

async fn a_pack_that_was_compacted_is_met_in_its_segment(world: World) {
    let store = &world.store;
    record(store, 0..3).await;
    let told = packs(&world).await;
    assert_eq!(told.len(), 3);
    let met = async || {
        let mut met = BTreeSet::new();
        for pack in &told {
            met.extend(images(&store.ads.ads_of(pack).await.unwrap()));
        }
        met
    };
    assert_eq!(met().await, expected(0..3));
    store.ads.compact_ads(&eager(), present()).await.unwrap();
    assert_eq!(met().await, expected(0..3), "the packs still lie there");
    let later = present().plus(eager().grace).plus(Duration::from_secs(60));
    let swept = store
        .garbage
        .sweep(SetKind::Ads, &eager(), later)
        .await
        .unwrap();
    assert!(swept.deleted >= 3, "{swept:?}");
    let keys = lying(&world).await;
    assert!(!keys.keys().any(|key| key.starts_with("packs/")));
    assert_eq!(met().await, expected(0..3), "in the segment by now");
    let forgotten = BTreeSet::from([Id::Image(sha(0))]);
    store
        .garbage
        .purge(SetKind::Ads, &forgotten, later, None)
        .await
        .unwrap();
    assert_eq!(met().await, expected(1..3), "and forgotten nowhere");
}

/// The ad has the stamp of its last pack by then.
async fn a_pack_whose_ads_came_again_is_met_with_its_own_postings(world: World) {
    let store = &world.store;
    for (n, path, seconds) in [(1, "a", 5), (1, "b", 7), (1, "a", 9), (2, "c", 5)] {
        posted_ad(store, n, path, seconds).await;
    }
    put_ad(store, "uploader", 1).await; // its picture, whose sighting is recorded
    let told = packs(&world).await;
    assert_eq!(told.len(), 5);
    store.ads.compact_ads(&eager(), present()).await.unwrap();
    let later = present().plus(eager().grace).plus(Duration::from_secs(60));
    store
        .garbage
        .sweep(SetKind::Ads, &eager(), later)
        .await
        .unwrap();
    let ads = in_segments(store).await.unwrap();
    assert_eq!(ads.len(), 2, "{ads:?}");
    let mut met = BTreeSet::new();
    for pack in &told {
        for ad in store.ads.ads_of(pack).await.unwrap() {
            let keys = ad.postings.into_iter().map(|it| it.object_key);
            met.extend(keys.map(|key| (ad.image_sha256, key)));
        }
    }
    let key = |path| sighting("uploader", path).object_key;
    let expected = [(1, "a"), (1, "b"), (2, "c")].map(|(n, path)| (sha(n), key(path)));
    assert_eq!(met, expected.into());
}

async fn a_pack_that_is_missing_or_damaged_is_noticed(world: World) {
    let store = &world.store;
    record(store, [1]).await;
    let told = packs(&world).await;
    let keys = lying(&world).await;
    let key = keys.keys().find(|key| key.starts_with("packs/")).unwrap();
    let bucket = &store.names().segments_bucket;
    let good = world.s3().get_object().bucket(bucket).key(key).send().await;
    let good = good.unwrap().body.collect().await.unwrap().to_vec();
    let mut changed = good.clone();
    changed[60] ^= 1;
    let cut = good[..good.len() - 1].to_vec();
    let check = async |what: &str| {
        let damaged = |error| matches!(error, Error::Damaged(_));
        assert!(
            damaged(store.ads.ads_of(&told[0]).await.unwrap_err()),
            "{what}"
        );
        let start = AdsPosition::starts();
        let walked = futures::future::join_all(
            start.map(async |start| store.ads.ads_page(&start).await.map(drop)),
        );
        let errors = walked.await.into_iter().filter_map(Result::err);
        assert_eq!(errors.filter(|it| damaged(*it)).count(), 1, "{what}");
        let compacted = store.ads.compact_ads(&eager(), at(1)).await;
        assert!(damaged(compacted.unwrap_err()), "{what}");
    };
    for (what, bytes) in [("changed", changed), ("cut off", cut)] {
        put(&world, key, bytes).await;
        check(what).await;
    }
    let deleted = world.s3().delete_object().bucket(bucket).key(key);
    deleted.send().await.unwrap();
    check("missing").await;
    put(&world, key, good).await;
    store.ads.compact_ads(&eager(), at(1)).await.unwrap();
    assert_eq!(images(&whole(store).await), expected([1]));
}

async fn a_pack_that_was_never_named_is_swept_after_its_grace(world: World) {
    let store = &world.store;
    record(store, 0..2).await;
    let client = world.dynamodb();
    let name = store.names().table(store::Table::AdsTail);
    let scan = client.scan().table_name(&name).send().await.unwrap();
    let item = &scan.items()[0];
    let delete = client.delete_item().table_name(&name);
    let delete = delete.key("pk", item["pk"].clone());
    let delete = delete.key("sk", item["sk"].clone());
    delete.send().await.unwrap(); // as if its writer had died before
    let now = present();
    store
        .garbage
        .sweep(SetKind::Ads, &eager(), now)
        .await
        .unwrap();
    assert_eq!(lying(&world).await.len(), 2, "it may be named yet");
    let later = now.plus(eager().grace).plus(Duration::from_secs(60));
    let swept = store
        .garbage
        .sweep(SetKind::Ads, &eager(), later)
        .await
        .unwrap();
    assert_eq!(swept.deleted, 1);
    assert_eq!(tail(store).await.len(), 1);
}

/// A laptop that slept between a pack and what names it.
async fn a_pack_that_is_named_late_is_written_again(world: World) {
    let store = &world.store;
    let told = AtomicI64::new(0);
    let sleepy = Clock::new(move || at(told.fetch_add(1_200, Ordering::Relaxed).min(4_800)));
    let ad = StoredAd {
        tenant: tenant("uploader"),
        image_sha256: sha(1),
        fingerprint: ad_fingerprint(1),
        postings: Vec::new(),
    };
    store.ads.put_ads(vec![ad], &sleepy).await.unwrap();
    let keys = lying(&world).await;
    let versions: Vec<_> = keys.values().collect();
    assert_eq!(versions, [&2], "until it was named in time");
    assert_eq!(images(&tail(store).await), expected([1]));
}

async fn the_same_image_of_another_tenant_is_an_item_of_its_own(World { store, .. }: World) {
    record(&store, [1]).await;
    store.ads.compact_ads(&eager(), at(1)).await.unwrap();
    put_ad(&store, "other", 1).await;
    assert_eq!(tail(&store).await.len(), 1);
    store.ads.compact_ads(&eager(), at(2)).await.unwrap();
    let owners = |ads: Vec<StoredAd>| -> BTreeSet<String> {
        ads.iter().map(|ad| ad.tenant.to_string()).collect()
    };
    let both = BTreeSet::from(["other".to_owned(), "uploader".to_owned()]);
    assert_eq!(owners(whole(&store).await), both);
}

async fn a_reader_misses_nothing_while_compaction_runs(World { store, .. }: World) {
    const ADS: u64 = 48;
    record(&store, 0..ADS).await;
    let small = CompactionRule {
        batch_bytes_max: 600,
        ..eager()
    };
    let compacting = store.clone();
    let task = tokio::spawn(async move {
        let done = compacting.ads.compact_ads(&small, at(5)).await.unwrap();
        for _ in 0..3 {
            let merge = compacting
                .segments
                .merge_segments(SetKind::Ads, &small, at(6));
            merge.await.unwrap();
        }
        done
    });
    let mut reads = 0;
    while !task.is_finished() {
        assert_eq!(images(&whole(&store).await), expected(0..ADS));
        reads += 1;
    }
    let done = task.await.unwrap();
    assert_eq!((done.items, done.lost), (ADS, 0), "after {reads} reads");
    assert_eq!(
        images(&in_segments(&store).await.unwrap()),
        expected(0..ADS)
    );
}

async fn compactions_side_by_side_lose_nothing_and_double_nothing(World { store, .. }: World) {
    const ADS: u64 = 40;
    let small = CompactionRule {
        batch_bytes_max: 900,
        ..eager()
    };
    let mut tasks = JoinSet::new();
    let writer = store.clone();
    tasks.spawn(async move { record(&writer, 0..ADS).await });
    for _ in 0..3 {
        let store = store.clone();
        tasks.spawn(async move {
            for n in 0..6 {
                store.ads.compact_ads(&small, at(n)).await.unwrap();
                store
                    .segments
                    .merge_segments(SetKind::Ads, &small, at(n))
                    .await
                    .unwrap();
                store
                    .garbage
                    .sweep(SetKind::Ads, &small, at(n))
                    .await
                    .unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(images(&whole(&store).await), expected(0..ADS));
    store.ads.compact_ads(&small, at(9)).await.unwrap();
    let ads = whole(&store).await;
    assert_eq!((ads.len() as u64, images(&ads)), (ADS, expected(0..ADS)));
}

/// The bucket's objects, every version of them: key to number of versions.
async fn lying(world: &World) -> BTreeMap<String, usize> {
    let mut keys = BTreeMap::new();
    let versions = world.s3().list_object_versions();
    let page = versions
        .bucket(&world.store.names().segments_bucket)
        .send()
        .await
        .unwrap();
    assert_ne!(page.is_truncated(), Some(true));
    for version in page.versions() {
        *keys.entry(version.key().unwrap().to_owned()).or_default() += 1;
    }
    keys
}

async fn segments_lying(world: &World) -> usize {
    let keys = lying(world).await;
    let is_segment = |key: &&String| key.starts_with("ads/") && !key.ends_with("manifest");
    keys.keys().filter(is_segment).count()
}

async fn small_segments_are_merged_and_the_old_ones_stay_for_their_grace(world: World) {
    let store = &world.store;
    for n in 0..3 {
        record(store, n * 4..n * 4 + 4).await;
        store.ads.compact_ads(&eager(), present()).await.unwrap();
    }
    let old = store.ads.ads_segments().await.unwrap();
    assert_eq!(old.len(), 3);
    let now = present();
    let done = store
        .segments
        .merge_segments(SetKind::Ads, &eager(), now)
        .await
        .unwrap();
    assert_eq!(done.merged, 3);
    let live = store.ads.ads_segments().await.unwrap();
    assert_eq!((live.len(), live[0].items), (1, 12));
    for segment in &old {
        store.ads.ads_segment_index(segment).await.unwrap(); // a reader of the old manifest goes on
    }
    store
        .garbage
        .sweep(SetKind::Ads, &eager(), now)
        .await
        .unwrap();
    assert_eq!(segments_lying(&world).await, 4);
    let later = now.plus(eager().grace).plus(Duration::from_secs(60));
    let swept = store
        .garbage
        .sweep(SetKind::Ads, &eager(), later)
        .await
        .unwrap();
    assert!(swept.deleted >= 3, "{swept:?}");
    assert_eq!(segments_lying(&world).await, 1);
    let gone = store.ads.ads_segment_index(&old[0]).await;
    assert!(matches!(gone, Err(Error::Gone(_))), "{gone:?}");
    assert_eq!(images(&whole(store).await), expected(0..12));
    assert!(
        lying(&world).await["ads/manifest"] <= 2,
        "old versions go too"
    );
}

async fn what_no_manifest_names_is_swept_after_its_grace(world: World) {
    let store = &world.store;
    record(store, 0..4).await;
    let batch = store.ads.tail_batch(&eager()).await.unwrap();
    store.ads.write_batch(batch, present()).await.unwrap();
    let now = present();
    store
        .garbage
        .sweep(SetKind::Ads, &eager(), now)
        .await
        .unwrap();
    assert_eq!(
        segments_lying(&world).await,
        1,
        "somebody may be at work on it"
    );
    let later = now.plus(eager().grace).plus(Duration::from_secs(60));
    let swept = store
        .garbage
        .sweep(SetKind::Ads, &eager(), later)
        .await
        .unwrap();
    assert_eq!(swept.deleted, 1);
    assert_eq!(segments_lying(&world).await, 0);
    assert_eq!(images(&whole(store).await), expected(0..4));
}

async fn a_sweep_dooms_a_compaction_under_way_and_never_breaks_the_set(World { store, .. }: World) {
    record(&store, 0..4).await;
    let batch = store.ads.tail_batch(&eager()).await.unwrap();
    let written = store.ads.write_batch(batch, present()).await.unwrap();
    // It is so slow that its segment was swept before it enters it.
    let later = present().plus(eager().grace).plus(Duration::from_secs(60));
    assert_eq!(
        store
            .garbage
            .sweep(SetKind::Ads, &eager(), later)
            .await
            .unwrap()
            .deleted,
        1
    );
    assert!(!store.ads.enter(&written).await.unwrap());
    assert_eq!(images(&whole(&store).await), expected(0..4));
}

/// Puts these bytes in the place of an object.
pub async fn put(world: &World, key: &str, bytes: Vec<u8>) {
    world
        .s3()
        .put_object()
        .bucket(&world.store.names().segments_bucket)
        .key(key)
        .body(ByteStream::from(bytes))
        .send()
        .await
        .unwrap();
}

pub async fn get(world: &World, key: &str) -> Vec<u8> {
    let request = world.s3().get_object();
    let object = request
        .bucket(&world.store.names().segments_bucket)
        .key(key)
        .send()
        .await
        .unwrap();
    object.body.collect().await.unwrap().to_vec()
}

async fn a_damaged_segment_is_noticed(world: World) {
    let store = &world.store;
    record(store, 0..4).await;
    store.ads.compact_ads(&eager(), at(1)).await.unwrap();
    record(store, 10..14).await;
    store.ads.compact_ads(&eager(), at(2)).await.unwrap();
    let segments = store.ads.ads_segments().await.unwrap();
    let key = |n: usize| format!("ads/{}", segments[n].name);
    let good = get(&world, &key(0)).await;
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] ^= to;
        bytes
    };
    let index = segments[0].index_bytes as usize;
    for (what, bytes) in [
        ("its first byte", changed(0, 1)),
        ("a newer format", changed(8, 2)),
        ("a hash", changed(index - 300, 1)),
        ("a feature", changed(good.len() - 1, 128)),
        ("cut off", good[..good.len() - 1].to_vec()),
        ("cut off early", good[..40].to_vec()),
        ("empty", Vec::new()),
        ("another segment", get(&world, &key(1)).await),
    ] {
        put(&world, &key(0), bytes).await;
        let read = in_segments(store).await.map(|ads| ads.len());
        assert!(matches!(read, Err(Error::Damaged(_))), "{what}: {read:?}");
        let merged = store
            .segments
            .merge_segments(
                SetKind::Ads,
                &CompactionRule {
                    merge: MergeRule {
                        segments_min: 2,
                        ..eager().merge
                    },
                    ..eager()
                },
                at(3),
            )
            .await;
        assert!(
            matches!(merged, Err(Error::Damaged(_))),
            "{what}: {merged:?}"
        );
    }
    put(&world, &key(0), good).await;
    assert_eq!(in_segments(store).await.unwrap().len(), 8);
    let s3 = world.s3();
    let bucket = &store.names().segments_bucket;
    let gone = s3.delete_object().bucket(bucket).key(key(0)).send();
    gone.await.unwrap();
    let read = in_segments(store).await.map(|ads| ads.len());
    assert!(matches!(read, Err(Error::Damaged(_))), "missing: {read:?}");
}

async fn a_damaged_manifest_is_noticed(world: World) {
    let store = &world.store;
    record(store, 0..4).await;
    store.ads.compact_ads(&eager(), at(1)).await.unwrap();
    let good = get(&world, "ads/manifest").await;
    for at in [0, 8, 60, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 2;
        put(&world, "ads/manifest", bytes).await;
        let read = store.ads.ads_segments().await;
        assert!(matches!(read, Err(Error::Damaged(_))), "{read:?}");
        let compacted = store
            .ads
            .compact_ads(&eager(), crate::fixtures::at(2))
            .await;
        assert!(matches!(compacted, Err(Error::Damaged(_))), "{compacted:?}");
    }
    put(&world, "ads/manifest", good).await;
    assert_eq!(images(&whole(store).await), expected(0..4));
}

/// Whether any object of the bucket, in any version, holds these bytes.
pub async fn holds(world: &World, wanted: &[u8]) -> bool {
    let bucket = &world.store.names().segments_bucket;
    let s3 = world.s3();
    let page = s3.list_object_versions().bucket(bucket).send().await;
    for version in page.unwrap().versions() {
        let object = s3
            .get_object()
            .bucket(bucket)
            .key(version.key().unwrap())
            .set_version_id(version.version_id().map(str::to_owned))
            .send()
            .await
            .unwrap();
        let bytes = object.body.collect().await.unwrap().to_vec();
        if bytes.windows(wanted.len()).any(|it| it == wanted) {
            return true;
        }
    }
    false
}

async fn a_forgotten_ad_is_nowhere(world: World) {
    let store = &world.store;
    // In a segment that was merged, in the merged one, in a half-written one, and in the tail.
    for n in 0..3 {
        record(store, [n * 2, n * 2 + 1]).await;
        store.ads.compact_ads(&eager(), at(1)).await.unwrap();
    }
    store
        .segments
        .merge_segments(SetKind::Ads, &eager(), at(2))
        .await
        .unwrap();
    record(store, [20, 21]).await;
    put_ad(store, "other", 0).await;
    let batch = store.ads.tail_batch(&eager()).await.unwrap();
    store.ads.write_batch(batch, at(3)).await.unwrap();
    let hash = &ad_fingerprint(0).whole.pdq.0[16..]; // the half that stands in one piece
    assert!(holds(&world, hash).await);
    let forgotten = BTreeSet::from([Id::Image(sha(0)), Id::Image(sha(20)), Id::Image(sha(77))]);
    let done = store
        .garbage
        .purge(SetKind::Ads, &forgotten, at(4), None)
        .await
        .unwrap();
    assert_eq!((done.segments, done.items), (2, 3), "{done:?}");
    assert!(done.deleted >= 5, "{done:?}");
    assert!(!holds(&world, hash).await, "no version of any object");
    let ads = whole(store).await;
    assert_eq!(images(&ads), expected([1, 2, 3, 4, 5, 21]));
    let again = store
        .garbage
        .purge(SetKind::Ads, &forgotten, at(5), None)
        .await
        .unwrap();
    assert_eq!((again.segments, again.items), (0, 0));
}

async fn a_compaction_under_way_does_not_bring_a_forgotten_ad_back(world: World) {
    let store = &world.store;
    record(store, 0..3).await;
    let batch = store.ads.tail_batch(&eager()).await.unwrap();
    let slower = batch.clone();
    let written = store.ads.write_batch(batch, at(3)).await.unwrap();
    let forgotten = BTreeSet::from([Id::Image(sha(0))]);
    store
        .garbage
        .purge(SetKind::Ads, &forgotten, at(4), None)
        .await
        .unwrap();
    assert!(
        !store.ads.enter(&written).await.unwrap(),
        "it read what was forgotten"
    );
    let gone = store.ads.write_batch(slower, at(5)).await;
    assert!(matches!(gone, Err(Error::Gone(_))), "{gone:?}");
    store.ads.compact_ads(&eager(), at(6)).await.unwrap();
    assert_eq!(images(&whole(store).await), expected([1, 2]));
}

/// Segments with parts of a search.
mod searches {
    use super::*;
    use store::{SearchPart, SearchPlan};

    claims! {
        a_search_is_planned_once_over_each_segment,
        a_part_counts_once_however_often_it_is_done,
        a_search_is_planned_again_where_segments_were_merged,
        a_finished_search_leaves_no_parts,
    }

    fn of(n: u64) -> SearchKey {
        SearchKey {
            unit: unit(),
            reference_id: reference("case 7", n).reference_id,
            seq: n + 1,
        }
    }

    async fn three_segments(store: &Store) -> Vec<store::SegmentEntry> {
        for n in 0..3 {
            record(store, n * 4..n * 4 + 4).await;
            store.ads.compact_ads(&eager(), at(1)).await.unwrap();
        }
        store.ads.ads_segments().await.unwrap()
    }

    async fn open(store: &Store, segments: &[store::SegmentEntry]) -> Vec<SearchPart> {
        let mut parts = Vec::new();
        for segment in segments {
            parts.extend(store.searches.open_parts(&segment.name, 100).await.unwrap());
        }
        parts
    }

    async fn a_search_is_planned_once_over_each_segment(World { store, .. }: World) {
        let segments = three_segments(&store).await;
        assert_eq!(store.searches.search_plan(&of(1)).await.unwrap(), None);
        for tail_images in [5, 99] {
            let plan = store
                .searches
                .plan_search(&of(1), tail_images, &segments)
                .await
                .unwrap();
            let expected = SearchPlan {
                images_searched: 5,
                images_total: 17,
                parts: 3,
                parts_done: 0,
                is_planned: true,
                is_finished: false,
            };
            assert_eq!(plan, expected);
        }
        store
            .searches
            .plan_search(&of(2), 0, &segments[..1])
            .await
            .unwrap();
        assert_eq!(open(&store, &segments).await.len(), 4);
        let first = store
            .searches
            .open_parts(&segments[0].name, 100)
            .await
            .unwrap();
        assert_eq!(first.len(), 2, "both references wait for it");
        let one = store
            .searches
            .open_parts(&segments[0].name, 1)
            .await
            .unwrap();
        assert_eq!(one.len(), 1);
        let none = store.searches.plan_search(&of(3), 7, &[]).await.unwrap();
        assert!(none.is_complete(), "there is nothing but the tail");
    }

    async fn a_part_counts_once_however_often_it_is_done(World { store, .. }: World) {
        let segments = three_segments(&store).await;
        store
            .searches
            .plan_search(&of(1), 5, &segments)
            .await
            .unwrap();
        let parts = open(&store, &segments).await;
        for (n, part) in (1..).zip(&parts) {
            for _ in 0..2 {
                let plan = store
                    .searches
                    .finish_part(part, false)
                    .await
                    .unwrap()
                    .unwrap();
                assert_eq!((plan.parts_done, plan.images_searched), (n, 5 + 4 * n));
                assert_eq!(plan.is_complete(), n == 3);
            }
        }
        assert_eq!(open(&store, &segments).await, []);
    }

    async fn a_search_is_planned_again_where_segments_were_merged(World { store, .. }: World) {
        let old = three_segments(&store).await;
        store.searches.plan_search(&of(1), 0, &old).await.unwrap();
        let parts = open(&store, &old).await;
        store.searches.finish_part(&parts[0], false).await.unwrap();
        store
            .segments
            .merge_segments(SetKind::Ads, &eager(), at(2))
            .await
            .unwrap();
        let new = store.ads.ads_segments().await.unwrap();
        for part in &parts[1..] {
            store.searches.plan_search(&of(1), 0, &new).await.unwrap();
            let plan = store
                .searches
                .finish_part(part, true)
                .await
                .unwrap()
                .unwrap();
            assert!(!plan.is_complete(), "the merged segment is to be searched");
        }
        let plan = store.searches.search_plan(&of(1)).await.unwrap().unwrap();
        assert_eq!((plan.parts, plan.parts_done), (4, 3));
        assert_eq!((plan.images_searched, plan.images_total), (4, 16));
        let last = open(&store, &new).await;
        let plan = store
            .searches
            .finish_part(&last[0], false)
            .await
            .unwrap()
            .unwrap();
        assert!(plan.is_complete());
        assert_eq!(plan.images_searched, plan.images_total);
    }

    async fn a_finished_search_leaves_no_parts(world: World) {
        let World { store, .. } = &world;
        let segments = three_segments(store).await;
        store
            .searches
            .plan_search(&of(1), 0, &segments)
            .await
            .unwrap();
        store
            .searches
            .plan_search(&of(2), 0, &segments)
            .await
            .unwrap();
        for part in open(store, &segments).await {
            if part.key == of(1) {
                store.searches.finish_part(&part, false).await.unwrap();
            }
        }
        store
            .searches
            .finish_search(&of(1), &segments, at(10))
            .await
            .unwrap();
        let plan = store.searches.search_plan(&of(1)).await.unwrap().unwrap();
        assert!(plan.is_finished);
        assert_eq!(
            open(store, &segments).await.len(),
            3,
            "the other one's stay"
        );
        assert_eq!(items_of_searches(&world).await, 3 + 2);
        assert_eq!(
            store
                .searches
                .forget_searches(&unit(), at(10))
                .await
                .unwrap(),
            0
        );
        assert_eq!(
            store
                .searches
                .forget_searches(&unit(), at(11))
                .await
                .unwrap(),
            1
        );
        assert_eq!(store.searches.search_plan(&of(1)).await.unwrap(), None);
    }

    async fn items_of_searches(world: &World) -> usize {
        let client = world.dynamodb();
        let name = world.store.names().table(store::Table::Searches);
        let scan = client.scan().table_name(name).send().await.unwrap();
        scan.items().len()
    }
}

/// The set of references as segments and log.
mod references {
    use super::*;
    use store::{LogChange, LogPosition};

    claims! {
        who_starts_from_nothing_reads_segments_and_what_the_log_has_behind,
        a_reference_that_ended_leaves_the_segments_at_the_next_compaction,
        a_held_reference_comes_back_though_its_segment_was_rewritten,
        a_damaged_segment_of_references_is_noticed_and_made_again,
        who_reads_while_references_are_compacted_has_the_whole_set,
        a_system_without_segments_does_not_begin_with_a_removal,
    }

    async fn set_from(store: &Store, position: &LogPosition) -> BTreeSet<ReferenceId> {
        let mut set = BTreeSet::new();
        for entry in store
            .references
            .references_since(position)
            .await
            .unwrap()
            .entries
        {
            match entry.change {
                LogChange::Added(_) => set.insert(entry.reference_id),
                LogChange::Removed => set.remove(&entry.reference_id),
            };
        }
        set
    }

    async fn set(store: &Store) -> BTreeSet<ReferenceId> {
        set_from(store, &LogPosition::start()).await
    }

    async fn many(store: &Store, numbers: impl IntoIterator<Item = u64>) -> Vec<ReferenceId> {
        let mut ids = Vec::new();
        for n in numbers {
            ids.push(active_reference(store, n).await);
        }
        ids
    }

    fn hash(n: u64) -> [u8; 16] {
        let (_, view) = reference_fingerprint(n).framings[0];
        view.pdq.0[16..].try_into().unwrap() // the half that stands in one piece
    }

    async fn who_starts_from_nothing_reads_segments_and_what_the_log_has_behind(world: World) {
        let store = &world.store;
        let mut ids = many(store, 0..20).await;
        let logged = store
            .references
            .references_since(&LogPosition::start())
            .await
            .unwrap();
        let done = store
            .references
            .compact_references(&eager(), at(20))
            .await
            .unwrap();
        assert_eq!(done.items, 20);
        assert!(holds(&world, &hash(3)).await);
        let again = store
            .references
            .compact_references(&eager(), at(21))
            .await
            .unwrap();
        assert_eq!(again, Compacted::default());
        let batch = store
            .references
            .references_since(&LogPosition::start())
            .await
            .unwrap();
        assert_eq!(batch.position, logged.position, "the same numbers");
        let sorted = |mut entries: Vec<store::LogEntry>| {
            entries.sort_by_key(|it| it.reference_id.clone());
            entries
        };
        assert!(
            sorted(batch.entries) == sorted(logged.entries),
            "the same references"
        );
        ids.extend(many(store, 20..25).await);
        store
            .references
            .withdraw(&unit(), &ids[0], at(30))
            .await
            .unwrap();
        let expected: BTreeSet<ReferenceId> = ids[1..].iter().cloned().collect();
        assert_eq!(set(store).await, expected, "segments, then the log");
        assert_eq!(
            set_from(store, &batch.position).await.len(),
            5,
            "what is new to one who knows"
        );
        store
            .references
            .compact_references(&eager(), at(40))
            .await
            .unwrap();
        assert_eq!(set(store).await, expected);
    }

    async fn a_reference_that_ended_leaves_the_segments_at_the_next_compaction(world: World) {
        let store = &world.store;
        let ids = many(store, 0..6).await;
        store
            .references
            .compact_references(&eager(), at(20))
            .await
            .unwrap();
        many(store, 10..16).await;
        store
            .references
            .compact_references(&eager(), at(21))
            .await
            .unwrap();
        many(store, 20..26).await;
        store
            .references
            .compact_references(&eager(), at(22))
            .await
            .unwrap();
        store
            .segments
            .merge_segments(SetKind::References, &eager(), at(23))
            .await
            .unwrap();
        assert!(holds(&world, &hash(0)).await);
        store
            .references
            .withdraw(&unit(), &ids[0], at(30))
            .await
            .unwrap();
        // Few entries are new: that one ended is reason enough.
        let seldom = CompactionRule {
            log_entries_min: 100,
            ..eager()
        };
        let done = store
            .references
            .compact_references(&seldom, at(31))
            .await
            .unwrap();
        assert!(
            done.deleted >= 4,
            "merged ones and the one before: {done:?}"
        );
        assert!(!holds(&world, &hash(0)).await, "no version of any object");
        assert!(holds(&world, &hash(1)).await);
        assert_eq!(set(store).await.len(), 17);
        let again = store
            .references
            .compact_references(&seldom, at(32))
            .await
            .unwrap();
        assert_eq!(again, Compacted::default());
    }

    async fn a_held_reference_comes_back_though_its_segment_was_rewritten(world: World) {
        let store = &world.store;
        let ids = many(store, 0..3).await;
        store
            .references
            .compact_references(&eager(), at(20))
            .await
            .unwrap();
        store
            .references
            .hold(&unit(), &ids[0], ReasonCode::TOO_COMMON, at(21))
            .await
            .unwrap();
        store
            .references
            .compact_references(&eager(), at(22))
            .await
            .unwrap();
        assert!(!holds(&world, &hash(0)).await);
        assert_eq!(set(store).await.len(), 2);
        store
            .references
            .activate(&unit(), &ids[0], at(23))
            .await
            .unwrap();
        assert_eq!(set(store).await.len(), 3);
        store
            .references
            .compact_references(&eager(), at(24))
            .await
            .unwrap();
        assert_eq!(set(store).await.len(), 3);
    }

    async fn a_damaged_segment_of_references_is_noticed_and_made_again(world: World) {
        let store = &world.store;
        let ids = many(store, 0..4).await;
        store
            .references
            .compact_references(&eager(), at(20))
            .await
            .unwrap();
        let keys = lying(&world).await;
        let key = keys.keys().find(|it| !it.ends_with("manifest")).unwrap();
        let mut bytes = get(&world, key).await;
        bytes[600] ^= 4;
        put(&world, key, bytes).await;
        let read = store
            .references
            .references_since(&LogPosition::start())
            .await;
        assert!(matches!(read, Err(Error::Damaged(_))), "{read:?}");
        let logged = store
            .references
            .references_logged(&LogPosition::start())
            .await
            .unwrap();
        assert_eq!(logged.entries.len(), 4, "the log knows them all");
        store
            .references
            .withdraw(&unit(), &ids[0], at(30))
            .await
            .unwrap();
        store
            .references
            .compact_references(&eager(), at(31))
            .await
            .unwrap();
        assert_eq!(set(store).await, ids[1..].iter().cloned().collect());
        assert!(
            !holds(&world, &hash(0)).await,
            "the damaged one is gone too"
        );
    }

    async fn who_reads_while_references_are_compacted_has_the_whole_set(world: World) {
        let store = world.store.clone();
        let ids = many(&store, 0..8).await;
        let compacting = store.clone();
        let doomed = ids[0].clone();
        let task = tokio::spawn(async move {
            for n in 0..4 {
                compacting
                    .references
                    .compact_references(&eager(), at(20))
                    .await
                    .unwrap();
                many(&compacting, 100 + n * 2..102 + n * 2).await;
                if n == 1 {
                    compacting
                        .references
                        .withdraw(&unit(), &doomed, at(30))
                        .await
                        .unwrap();
                }
                compacting
                    .segments
                    .merge_segments(SetKind::References, &eager(), at(21))
                    .await
                    .unwrap();
            }
        });
        let always: BTreeSet<ReferenceId> = ids[1..].iter().cloned().collect();
        while !task.is_finished() {
            assert!(set(&store).await.is_superset(&always));
        }
        task.await.unwrap();
        let set = set(&store).await;
        assert!(set.is_superset(&always) && !set.contains(&ids[0]));
        assert_eq!(set.len(), 7 + 8);
    }

    async fn a_system_without_segments_does_not_begin_with_a_removal(world: World) {
        let store = &world.store;
        let ids = many(store, 0..2).await;
        store
            .references
            .withdraw(&unit(), &ids[0], at(30))
            .await
            .unwrap();
        let seldom = CompactionRule {
            log_entries_min: 100,
            ..eager()
        };
        let done = store
            .references
            .compact_references(&seldom, at(31))
            .await
            .unwrap();
        assert_eq!(done, Compacted::default());
        assert!(lying(&world).await.is_empty());
    }
}
