//! What must be there of ads as long as they are kept, and what may not be left of them afterwards.

use std::collections::BTreeSet;

use records::{AdKey, ImageSha256, TenantId, Upload, UploadState};
use store::{AdsPosition, ObjectKind, PAGE_ITEMS_MAX, Store};

use super::run::Run;
use super::script::Put;

/// Objects of one listing: more than any run puts.
const LISTED_MAX: usize = 1_000;

/// Ads that are kept by all that is sure.
fn kept(run: &Run) -> impl Iterator<Item = &Put> {
    let now = run.now();
    let all = run.script.ads.iter().chain(&run.script.forged);
    all.filter(move |ad| run.script.is_kept(ad, now))
}

/// Whether every ad that is kept was looked at as it was put last.
pub(super) async fn all_are_in(run: &Run, store: &Store) -> bool {
    for ad in kept(run) {
        let whole = ad.within.as_ref().map(|within| within.key.as_str());
        for key in [Some(ad.reported_at()), whole].into_iter().flatten() {
            let put_at = run.began().plus(ad.at).seconds();
            let is_of = |it: &Upload| it.uploaded_at.seconds() >= put_at;
            let upload = store.uploads.upload(&key_of(key)).await.expect("readable");
            if !upload.is_some_and(|it| is_of(&it) && it.state != UploadState::Pending) {
                return false;
            }
        }
    }
    true
}

/// What is missing of ads that are kept, as text.
pub(super) async fn missing(run: &Run, store: &Store) -> Vec<String> {
    let mut found = Vec::new();
    let there = images(store).await;
    for ad in kept(run).filter(|ad| ad.picture.is_some()) {
        let image = ImageSha256::of(&ad.bytes);
        if !there.contains(&image) {
            found.push(format!("{} is kept and not in the set", ad.key));
        }
        let sightings = store.uploads.sightings(&image).await.expect("readable");
        let is_list = ad.within.as_ref().is_some_and(|within| within.is_list);
        if !is_list && !sightings.iter().any(|it| it.object_key.as_str() == ad.key) {
            found.push(format!("{} is kept and has no sighting", ad.key));
        }
    }
    found
}

/// What is left of ads once all have ended, as text.
pub(super) async fn left(run: &Run, store: &Store) -> Vec<String> {
    let mut found = Vec::new();
    let images = images(store).await.len();
    if images > 0 {
        found.push(format!("{images} ads are in the set after their end"));
    }
    for ad in run.script.ads.iter().chain(&run.script.forged) {
        let image = ImageSha256::of(&ad.bytes);
        for left in store.uploads.sightings(&image).await.expect("readable") {
            found.push(format!("{} has a sighting after its end", left.object_key));
        }
    }
    for name in ["uploader", "forger"] {
        let tenant = TenantId::parse(name).expect("a tenant");
        let uploads = store.uploads.uploads(&tenant, None, PAGE_ITEMS_MAX).await;
        for left in uploads.expect("readable").items {
            found.push(format!("{} is told of after its end", left.object_key));
        }
    }
    let objects = store
        .objects
        .objects_page(ObjectKind::Ad, "", None, LISTED_MAX);
    for left in objects.await.expect("readable").items {
        found.push(format!("{} lies there after its end", left.key.as_str()));
    }
    found
}

/// The images of the searchable set, in the tail and in segments.
async fn images(store: &Store) -> BTreeSet<ImageSha256> {
    let mut images = BTreeSet::new();
    for start in AdsPosition::starts() {
        let mut position = Some(start);
        while let Some(here) = position {
            let page = store.ads.ads_page(&here).await.expect("readable");
            images.extend(page.items.iter().map(|ad| ad.image_sha256));
            position = page.next;
        }
    }
    for entry in store.ads.ads_segments().await.expect("readable") {
        let index = store.ads.ads_segment_index(&entry).await;
        let index = index.expect("readable");
        let ads = store.ads.segment_ads(&index, 0..index.len()).await;
        images.extend(ads.expect("readable").iter().map(|ad| ad.image_sha256));
    }
    images
}

fn key_of(key: &str) -> AdKey {
    AdKey::parse(key).expect("a key")
}
