//! Fingerprints of newer algorithms take the place of older ones.

use features::fingerprint::{AdFingerprint, ReferenceFingerprint};
use records::*;
use store::{
    CompactionRule, Error, LogChange, LogPosition, Renewed, SearchKey, SetKind, Store, StoredAd,
};

use crate::fixtures::*;
use crate::host::World;

claims! {
    an_active_reference_is_removed_and_added_in_one,
    segments_forget_the_older_fingerprint_of_a_reference,
    a_held_reference_comes_back_with_its_newer_fingerprint,
    what_has_ended_gets_no_fingerprint,
    all_sightings_of_an_image_hear_of_its_newer_fingerprint,
    of_two_fingerprints_of_an_ad_the_newer_algorithms_stay,
    a_walk_is_due_once_a_version,
}

fn newer(n: u64) -> ReferenceFingerprint {
    ReferenceFingerprint {
        version: 2,
        features: vec![8; 300],
        ..reference_fingerprint(n)
    }
}

async fn set(store: &Store) -> Vec<(ReferenceId, ReferenceFingerprint)> {
    let batch = store
        .references
        .references_since(&LogPosition::start())
        .await
        .unwrap();
    let mut set = std::collections::BTreeMap::new();
    for entry in batch.entries {
        match entry.change {
            LogChange::Added(fingerprint) => set.insert(entry.reference_id, fingerprint),
            LogChange::Removed => set.remove(&entry.reference_id),
        };
    }
    set.into_iter().collect()
}

async fn searches(store: &Store) -> Vec<SearchKey> {
    store.searches.all_searches(&unit()).await.unwrap()
}

async fn renew(store: &Store, id: &ReferenceId, fingerprint: &ReferenceFingerprint) -> Renewed {
    let renewed = store
        .references
        .renew_reference(&unit(), id, fingerprint, at(4))
        .await;
    renewed.unwrap()
}

async fn an_active_reference_is_removed_and_added_in_one(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let other = active_reference(&store, 2).await;
    let done = SearchProgress {
        state: SearchState::Done,
        ..SearchProgress::default()
    };
    store
        .references
        .save_search(&unit(), &id, &done)
        .await
        .unwrap();
    let seen = store
        .references
        .references_since(&LogPosition::start())
        .await
        .unwrap();
    let before = searches(&store).await;
    assert_eq!(renew(&store, &id, &newer(1)).await, Renewed::Now);
    assert_eq!(renew(&store, &id, &newer(1)).await, Renewed::Before);
    let older = reference_fingerprint(1);
    assert_eq!(renew(&store, &id, &older).await, Renewed::Before);

    let news = store
        .references
        .references_since(&seen.position)
        .await
        .unwrap();
    let news: Vec<_> = news.entries.into_iter().map(|it| it.change).collect();
    assert!(news == [LogChange::Removed, LogChange::Added(newer(1))]);
    let mut expected = vec![(id.clone(), newer(1)), (other, reference_fingerprint(2))];
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(set(&store).await == expected);
    let after = searches(&store).await;
    let seq = |all: &[SearchKey]| all.iter().find(|it| it.reference_id == id).unwrap().seq;
    assert_eq!(seq(&after), seq(&before) + 2, "it is searched anew");
    let reference = store
        .references
        .reference(&unit(), &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(reference.status, ReferenceStatus::Active);
    assert_eq!(reference.search.state, SearchState::Waiting);
    let stalled = store
        .searches
        .stalled_searches(&unit(), at(4))
        .await
        .unwrap();
    assert_eq!(stalled.len(), 1, "the other one: this waits since now");

    store
        .references
        .withdraw(&unit(), &id, at(9))
        .await
        .unwrap();
    assert_eq!(set(&store).await.len(), 1);
    let log = store
        .references
        .references_since(&LogPosition::start())
        .await
        .unwrap();
    let added = log.entries.iter();
    let added = added.filter(|it| it.reference_id == id && it.change != LogChange::Removed);
    assert_eq!(added.count(), 0, "neither fingerprint is left");
}

async fn segments_forget_the_older_fingerprint_of_a_reference(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let at_once = CompactionRule {
        log_entries_min: 1,
        ..CompactionRule::default()
    };
    store
        .references
        .compact_references(&at_once, at(2))
        .await
        .unwrap();
    assert_eq!(renew(&store, &id, &newer(1)).await, Renewed::Now);
    assert!(set(&store).await == [(id.clone(), newer(1))], "from both");
    store
        .references
        .compact_references(&at_once, at(3))
        .await
        .unwrap();
    let batch = store
        .references
        .references_since(&LogPosition::start())
        .await
        .unwrap();
    assert_eq!(batch.entries.len(), 1, "the segments hold one fingerprint");
    assert!(set(&store).await == [(id, newer(1))]);
}

async fn a_held_reference_comes_back_with_its_newer_fingerprint(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let reason = ReasonCode::parse("asked_for").unwrap();
    store
        .references
        .hold(&unit(), &id, reason, at(2))
        .await
        .unwrap();
    assert_eq!(renew(&store, &id, &newer(1)).await, Renewed::Now);
    assert_eq!(renew(&store, &id, &newer(1)).await, Renewed::Before);
    assert!(set(&store).await.is_empty(), "it is still held");
    store
        .references
        .activate(&unit(), &id, at(3))
        .await
        .unwrap();
    assert!(set(&store).await == [(id, newer(1))]);
}

async fn what_has_ended_gets_no_fingerprint(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    store
        .references
        .withdraw(&unit(), &id, at(9))
        .await
        .unwrap();
    assert_eq!(renew(&store, &id, &newer(1)).await, Renewed::Ended);
    assert!(set(&store).await.is_empty());
    let unknown = reference("case 7", 5).reference_id;
    let renewed = store
        .references
        .renew_reference(&unit(), &unknown, &newer(5), at(4))
        .await;
    assert!(matches!(renewed, Err(Error::Gone(_))));
}

async fn all_sightings_of_an_image_hear_of_its_newer_fingerprint(World { store, .. }: World) {
    let (uploader, other) = (tenant("uploader"), tenant("other"));
    for (owner, path) in [("uploader", "a"), ("uploader", "b"), ("other", "a")] {
        let sighting = sighting(owner, path);
        let recorded = store
            .uploads
            .record_sighting(&image(1), &sighting, at(0))
            .await;
        assert!(recorded.unwrap());
    }
    let newer = Image {
        fingerprint_version: 2,
        first_seen_at: at(5),
        ..image(1)
    };
    for _ in 0..2 {
        store.uploads.renew_image(&uploader, &newer).await.unwrap();
        let known = store
            .uploads
            .image(&uploader, &sha(1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(known.fingerprint_version, 2);
        assert_eq!(known.first_seen_at, at(0), "it was seen first when it was");
        let of_other = store.uploads.image(&other, &sha(1)).await.unwrap();
        assert_eq!(of_other, Some(image(1)), "whose set holds the older one");
    }
    let expected = [("other", "a"), ("uploader", "a"), ("uploader", "b")];
    let expected = expected.map(|(owner, path)| sighting(owner, path));
    assert_eq!(store.uploads.sightings(&sha(1)).await.unwrap(), expected);
    store
        .uploads
        .renew_image(&uploader, &image(1))
        .await
        .unwrap();
    let known = store
        .uploads
        .image(&uploader, &sha(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(known.fingerprint_version, 2, "a late one changes nothing");
    store
        .uploads
        .renew_image(&uploader, &image(7))
        .await
        .unwrap(); // never seen
}

async fn of_two_fingerprints_of_an_ad_the_newer_algorithms_stay(World { store, .. }: World) {
    let ad = |version: u16| StoredAd {
        tenant: tenant("uploader"),
        image_sha256: sha(1),
        fingerprint: AdFingerprint {
            version,
            ..ad_fingerprint(u64::from(version))
        },
        postings: Vec::new(),
    };
    for (n, version) in [2, 1].into_iter().enumerate() {
        // The older one comes last, from a program that was not replaced yet.
        let clock = store::Clock::new(move || at(n as i64));
        store.ads.put_ads(vec![ad(version)], &clock).await.unwrap();
    }
    let at_once = CompactionRule {
        tail_ads_min: 1,
        ..CompactionRule::default()
    };
    store.ads.compact_ads(&at_once, at(9)).await.unwrap();
    let [segment] = &store.ads.ads_segments().await.unwrap()[..] else {
        panic!("one segment")
    };
    let index = store.ads.ads_segment_index(segment).await.unwrap();
    let ads = store.ads.segment_page(&index, 0).await.unwrap().items;
    assert_eq!(ads, [ad(2)]);
    let merged = store
        .segments
        .merge_segments(SetKind::Ads, &at_once, at(10))
        .await;
    assert_eq!(merged.unwrap().merged, 0);
}

async fn a_walk_is_due_once_a_version(World { store, .. }: World) {
    let due = async |version| store.checkpoints.renewal_due(version, at(0)).await.unwrap();
    assert_eq!(due(1).await, None, "deployments began with it");
    assert_eq!(due(2).await, None, "older programs may still be running");
    let mut walk = due(2).await.unwrap();
    assert_eq!((walk.stage, walk.told), (ScanStage::References, 0));
    walk.stage = ScanStage::Ads;
    walk.after = Some("ads/uploader/a".into());
    store.checkpoints.save_renewal(&walk).await.unwrap();
    assert_eq!(due(2).await, Some(walk.clone()), "it goes on");
    assert_eq!(due(1).await, None, "a newer build has begun");
    assert_eq!(due(3).await, None);
    assert_eq!(due(3).await.unwrap().after, None, "from the start");
    assert_eq!(due(2).await, None);
    walk.stage = ScanStage::Over;
    store.checkpoints.save_renewal(&walk).await.unwrap();
    assert_eq!(due(2).await, None);
}
