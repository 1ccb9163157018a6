//! Ads end with their retention: fingerprint, sighting and record, and none that has not ended.

use std::collections::BTreeSet;
use std::time::Duration;

use records::*;
use store::{EndedAds, NewObject, ObjectKind, SegmentEntry, SetKind, Store, StoredAd};

use crate::fixtures::*;
use crate::host::World;
use crate::segments::{eager, images, packs, present, whole};

claims! {
    an_ad_whose_postings_are_over_is_found_no_more,
    a_picture_that_was_posted_again_stays,
    the_same_photo_under_the_same_key_again_stays,
    a_posting_that_comes_again_while_it_ends_stays,
    what_was_replaced_since_it_was_listed_is_not_removed,
    of_a_list_the_postings_that_are_over_go,
    what_is_there_again_ends_when_it_would_have_ended,
    an_ad_that_came_again_by_an_older_pack_is_told_to_late_readers,
}

const DAY_S: i64 = 86_400;

async fn posted(store: &Store, n: u64, path: &str, day: i64) {
    let seconds = day * DAY_S;
    let ad = stored(n);
    store
        .ads
        .put_ads(vec![ad], &clock(at(seconds)))
        .await
        .unwrap();
    posted_again(store, n, path, day).await;
}

fn stored(n: u64) -> StoredAd {
    StoredAd {
        tenant: tenant("uploader"),
        image_sha256: sha(n),
        fingerprint: ad_fingerprint(n),
        postings: Vec::new(),
    }
}

/// A posting of a picture that is known: nothing is put into the set.
async fn posted_again(store: &Store, n: u64, path: &str, day: i64) {
    let seconds = day * DAY_S;
    let (image, sighting) = (image(n), sighting("uploader", path));
    let recorded = store
        .uploads
        .record_sighting(&image, &sighting, at(seconds));
    recorded.await.unwrap();
    let upload = Upload {
        image_sha256: Some(sha(n)),
        ..upload(path, UploadState::Recorded, seconds)
    };
    store.uploads.record_upload(&upload).await.unwrap();
}

/// Compacts, and ends what came before a day.
async fn end(store: &Store, day: i64) -> EndedAds {
    let now = at(day * DAY_S + 400 * DAY_S);
    store.ads.compact_ads(&eager(), now).await.unwrap();
    let before = at(day * DAY_S);
    store.garbage.end_ads(before, &eager(), now).await.unwrap()
}

async fn has_upload(store: &Store, path: &str) -> bool {
    let key = ad_key("uploader", path);
    store.uploads.upload(&key).await.unwrap().is_some()
}

fn shas(numbers: &[u64]) -> BTreeSet<ImageSha256> {
    numbers.iter().map(|n| sha(*n)).collect()
}

async fn an_ad_whose_postings_are_over_is_found_no_more(World { store, .. }: World) {
    posted(&store, 1, "a", 0).await;
    posted(&store, 2, "b", 10).await;
    let none = EndedAds::default();
    assert_eq!(
        end(&store, 0).await,
        none,
        "the bound itself is not before it"
    );
    let ended = EndedAds {
        ads: 1,
        sightings: 1,
        segments: 1,
    };
    assert_eq!(end(&store, 5).await, ended);
    assert_eq!(images(&whole(&store).await), shas(&[2]));
    assert_eq!(store.uploads.sightings(&sha(1)).await.unwrap(), []);
    assert_eq!(store.uploads.sightings(&sha(2)).await.unwrap().len(), 1);
    assert!(!has_upload(&store, "a").await && has_upload(&store, "b").await);
    assert_eq!(end(&store, 5).await, none, "once");
    assert_eq!(
        end(&store, 11).await,
        ended,
        "a segment that is empty is dropped"
    );
    assert_eq!(images(&whole(&store).await), shas(&[]));
    assert_eq!(
        store.ads.ads_segments().await.unwrap(),
        Vec::<SegmentEntry>::new()
    );
}

async fn a_picture_that_was_posted_again_stays(World { store, .. }: World) {
    posted(&store, 1, "a", 0).await;
    posted_again(&store, 1, "later", 20).await;
    let ended = end(&store, 5).await;
    assert_eq!((ended.ads, ended.sightings), (0, 1));
    assert_eq!(images(&whole(&store).await), shas(&[1]));
    assert!(!has_upload(&store, "a").await && has_upload(&store, "later").await);
    assert_eq!(
        end(&store, 20).await,
        EndedAds::default(),
        "its stamp is the later one's"
    );
    assert_eq!(end(&store, 21).await.ads, 1);
    assert_eq!(images(&whole(&store).await), shas(&[]));
}

async fn the_same_photo_under_the_same_key_again_stays(World { store, .. }: World) {
    posted(&store, 1, "a", 0).await;
    posted_again(&store, 1, "a", 20).await;
    assert_eq!(end(&store, 5).await.ads, 0);
    assert_eq!(images(&whole(&store).await), shas(&[1]));
    assert_eq!(store.uploads.sightings(&sha(1)).await.unwrap().len(), 1);
    assert!(has_upload(&store, "a").await);
    assert_eq!(end(&store, 21).await.ads, 1);
    assert!(!has_upload(&store, "a").await);
}

/// `ingest` has recorded the new posting, and not its upload yet.
async fn a_posting_that_comes_again_while_it_ends_stays(World { store, .. }: World) {
    posted(&store, 1, "a", 0).await;
    let (image, sighting) = (image(1), sighting("uploader", "a"));
    let again = store
        .uploads
        .record_sighting(&image, &sighting, at(20 * DAY_S));
    assert!(!again.await.unwrap(), "it is not new");
    let earlier = store.uploads.record_sighting(&image, &sighting, at(DAY_S));
    assert!(!earlier.await.unwrap());
    assert_eq!(end(&store, 5).await.ads, 0);
    assert_eq!(images(&whole(&store).await), shas(&[1]));
    assert_eq!(store.uploads.sightings(&sha(1)).await.unwrap().len(), 1);
    assert_eq!(end(&store, 21).await.ads, 1);
    assert_eq!(store.uploads.sightings(&sha(1)).await.unwrap(), []);
    assert!(!has_upload(&store, "a").await);
}

async fn what_was_replaced_since_it_was_listed_is_not_removed(World { store, .. }: World) {
    let key: ObjectKey = ad_key("uploader", "a").into();
    let put = async |bytes: &'static str| {
        let object = NewObject {
            bytes: bytes.into(),
            content_type: "image/png".to_owned(),
            metadata: Default::default(),
        };
        store.objects.put_object(&key, object).await.unwrap();
    };
    let listed = async || {
        let page = store.objects.objects_page(ObjectKind::Ad, "", None, 10);
        page.await.unwrap().items
    };
    put("old").await;
    let old = listed().await.remove(0);
    put("newer").await;
    assert!(!store.objects.delete_listed(&old).await.unwrap());
    let newer = listed().await.remove(0);
    assert!(store.objects.delete_listed(&newer).await.unwrap());
    assert_eq!(listed().await, []);
    assert!(store.objects.delete_listed(&newer).await.unwrap(), "gone");
}

async fn of_a_list_the_postings_that_are_over_go(World { store, .. }: World) {
    posted_ad(&store, 1, "list/old", 0).await;
    posted_ad(&store, 1, "list/new", 20 * DAY_S).await;
    let ended = end(&store, 5).await;
    assert_eq!((ended.ads, ended.sightings), (0, 1));
    let left = whole(&store).await;
    let postings: Vec<_> = left.iter().flat_map(|ad| &ad.postings).collect();
    assert_eq!(postings, [&sighting("uploader", "list/new")]);
    assert_eq!(end(&store, 21).await.ads, 1);
    assert_eq!(images(&whole(&store).await), shas(&[]));
}

async fn what_is_there_again_ends_when_it_would_have_ended(World { store, .. }: World) {
    posted(&store, 1, "a", 0).await;
    let again = vec![(stored(1), Some(at(0)))];
    let late = clock(at(300 * DAY_S));
    store.ads.put_ads_again(again, &late).await.unwrap();
    assert_eq!(end(&store, 5).await.ads, 1);
    assert_eq!(images(&whole(&store).await), shas(&[]));
}

async fn an_ad_that_came_again_by_an_older_pack_is_told_to_late_readers(world: World) {
    let store = &world.store;
    let again = vec![(stored(1), Some(at(0))), (stored(2), None)];
    let then = clock(at(DAY_S));
    store.ads.put_ads_again(again, &then).await.unwrap();
    let told = packs(&world).await;
    assert_eq!(told.len(), 1);
    store.ads.compact_ads(&eager(), present()).await.unwrap();
    let later = present().plus(eager().grace).plus(Duration::from_secs(60));
    let swept = store.garbage.sweep(SetKind::Ads, &eager(), later).await;
    assert!(
        swept.unwrap().deleted >= 1,
        "the pack, and a manifest that was replaced"
    );
    let ads = store.ads.ads_of(&told[0]).await.unwrap();
    assert_eq!(images(&ads), shas(&[1, 2]), "long after the pack is gone");
}
