use std::collections::BTreeSet;

use records::UploadState::{Pending, Recorded, Rejected};
use records::*;
use store::{AdsPosition, Error, Store, StoredAd, UploadCounts};

use crate::fixtures::*;
use crate::host::World;

claims! {
    a_late_event_does_not_undo_a_newer_one,
    of_two_versions_within_a_second_the_one_that_lies_there_stands,
    a_pending_upload_gives_way_to_what_became_of_it,
    what_is_over_quota_gives_way_to_what_was_taken_in_and_never_replaces_it,
    uploads_are_paged_and_counted,
    an_image_is_known_by_its_sightings,
    ads_that_come_again_are_met_again,
    sightings_are_gathered_from_all_uploaders,
    a_walk_through_the_set_meets_every_ad,
    a_fingerprint_too_large_is_refused,
}

async fn state(store: &Store, path: &str) -> Option<UploadState> {
    store
        .uploads
        .upload(&ad_key("uploader", path))
        .await
        .unwrap()
        .map(|upload| upload.state)
}

async fn a_late_event_does_not_undo_a_newer_one(World { store, .. }: World) {
    let newer = upload("a", Rejected, 20);
    assert!(store.uploads.record_upload(&newer).await.unwrap());
    assert!(
        !store
            .uploads
            .record_upload(&upload("a", Recorded, 10))
            .await
            .unwrap()
    );
    assert_eq!(
        store
            .uploads
            .upload(&ad_key("uploader", "a"))
            .await
            .unwrap(),
        Some(newer.clone())
    );
    assert!(
        store.uploads.record_upload(&newer).await.unwrap(),
        "a repetition is fine"
    );
    assert!(
        store
            .uploads
            .record_upload(&upload("a", Recorded, 30))
            .await
            .unwrap()
    );
    assert_eq!(state(&store, "a").await, Some(Recorded));
    assert_eq!(state(&store, "b").await, None);
}

async fn of_two_versions_within_a_second_the_one_that_lies_there_stands(
    World { store, .. }: World,
) {
    let key = ad_key("uploader", "a.jpg").into();
    let mut versions = Vec::new();
    for bytes in [&b"first"[..], b"second one"] {
        let version = store.objects.put_object(&key, object(bytes)).await.unwrap();
        let mut upload = upload("a.jpg", Recorded, 20);
        upload.version_id = version;
        upload.size_bytes = bytes.len() as u64;
        versions.push(upload);
    }
    let [first, second] = &versions[..] else {
        panic!("two versions")
    };
    let there = async || {
        store
            .uploads
            .upload(&first.object_key)
            .await
            .unwrap()
            .unwrap()
    };
    assert!(store.uploads.record_upload(first).await.unwrap());
    assert!(store.uploads.record_upload(second).await.unwrap());
    assert_eq!(&there().await, second);
    assert!(
        !store.uploads.record_upload(first).await.unwrap(),
        "it came late"
    );
    assert_eq!(&there().await, second);
    assert!(
        store.uploads.record_upload(second).await.unwrap(),
        "a repetition"
    );
    let mut nowhere = second.clone();
    nowhere.version_id = Some("of another bucket".into());
    assert!(!store.uploads.record_upload(&nowhere).await.unwrap());

    // A member that lies in a bundle has the bundle's version.
    let member = |of: &Upload| {
        let mut member = of.clone();
        member.object_key = ad_key("uploader", "a.jpg/member.jpg");
        member.stored_in = Some(of.object_key.clone());
        member
    };
    assert!(store.uploads.record_upload(&member(second)).await.unwrap());
    assert!(!store.uploads.record_upload(&member(first)).await.unwrap());

    store.objects.delete_object(&key, None).await.unwrap();
    assert!(!store.uploads.record_upload(first).await.unwrap());
    assert_eq!(&there().await, second, "it is the last that was looked at");
}

async fn what_is_over_quota_gives_way_to_what_was_taken_in_and_never_replaces_it(
    World { store, .. }: World,
) {
    for version in [None, Some("1".to_owned())] {
        let path = version.clone().unwrap_or_default();
        let mut taken = upload(&format!("a{path}"), Recorded, 10);
        taken.version_id = version;
        let mut over = taken.clone();
        (over.state, over.reason) = (Rejected, Some(ReasonCode::OVER_QUOTA));
        let record = async |upload: &Upload| store.uploads.record_upload(upload).await.unwrap();
        assert!(record(&over).await, "it is told");
        assert!(record(&taken).await, "its event came again");
        assert!(!record(&over).await, "and again, to another program");
        assert_eq!(
            store.uploads.upload(&taken.object_key).await.unwrap(),
            Some(taken)
        );
        over.uploaded_at = at(20);
        assert!(record(&over).await, "put again");
    }
    let mut later = upload("a1", Rejected, 20);
    (later.reason, later.version_id) = (Some(ReasonCode::OVER_QUOTA), Some("2".into()));
    let is_told = store.uploads.record_upload(&later).await.unwrap();
    assert!(is_told, "put twice within a second");
}

async fn a_pending_upload_gives_way_to_what_became_of_it(World { store, .. }: World) {
    assert!(
        store
            .uploads
            .record_upload(&upload("a", Pending, 10))
            .await
            .unwrap()
    );
    assert!(
        store
            .uploads
            .record_upload(&upload("a", Recorded, 10))
            .await
            .unwrap()
    );
    assert!(
        !store
            .uploads
            .record_upload(&upload("a", Pending, 10))
            .await
            .unwrap()
    );
    assert_eq!(state(&store, "a").await, Some(Recorded));
}

async fn uploads_are_paged_and_counted(World { store, .. }: World) {
    let paths = ["0", "1", "2", "3", "~", "é", "😀", "a#b", "\u{10FFFF}x"];
    for (n, path) in paths.iter().enumerate() {
        let state = if n < 4 { Recorded } else { Rejected };
        store
            .uploads
            .record_upload(&upload(path, state, 0))
            .await
            .unwrap();
    }
    let (uploader, mut cursor, mut seen) = (tenant("uploader"), None, Vec::new());
    loop {
        let page = store
            .uploads
            .uploads(&uploader, cursor.as_ref(), 4)
            .await
            .unwrap();
        assert!(page.items.len() <= 4);
        seen.extend(page.items.into_iter().map(|upload| upload.object_key));
        cursor = page.next;
        let Some(next) = &cursor else { break };
        let elsewhere = store.uploads.uploads(&tenant("other"), Some(next), 4).await;
        assert!(
            matches!(elsewhere, Err(Error::Rejected(_))),
            "cursors are bound to their tenant"
        );
    }
    assert_eq!(seen.len(), 9);
    assert!(seen.is_sorted());
    let counts = store.uploads.upload_counts(&uploader).await.unwrap();
    assert_eq!(
        counts,
        UploadCounts {
            pending: 0,
            recorded: 4,
            rejected: 5
        }
    );
    assert_eq!(
        store
            .uploads
            .uploads(&tenant("other"), None, 4)
            .await
            .unwrap()
            .items,
        []
    );
}

async fn all_ads(store: &Store) -> Vec<StoredAd> {
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

async fn an_image_is_known_by_its_sightings(World { store, .. }: World) {
    let uploader = tenant("uploader");
    put_ad(&store, "uploader", 1).await;
    assert_eq!(store.uploads.image(&uploader, &sha(1)).await.unwrap(), None);
    let first = sighting("uploader", "a");
    let record = async |uploaded_at| {
        store
            .uploads
            .record_sighting(&image(1), &first, uploaded_at)
            .await
            .unwrap()
    };
    assert!(record(at(3)).await);
    assert!(!record(at(4)).await);
    assert_eq!(
        store.uploads.image(&uploader, &sha(1)).await.unwrap(),
        Some(image(1))
    );
    assert_eq!(
        store
            .uploads
            .image(&tenant("other"), &sha(1))
            .await
            .unwrap(),
        None
    );
    let expected = StoredAd {
        tenant: uploader,
        image_sha256: sha(1),
        fingerprint: ad_fingerprint(1),
        postings: Vec::new(),
    };
    assert!(all_ads(&store).await == [expected]);
}

async fn ads_that_come_again_are_met_again(World { store, .. }: World) {
    for _ in 0..2 {
        put_ad(&store, "uploader", 1).await;
    }
    let ads = all_ads(&store).await;
    assert_eq!(ads.len(), 2, "no pack has the name of another");
    assert_eq!(ads[0], ads[1]);
    store.ads.put_ads(Vec::new(), &clock(at(1))).await.unwrap();
    assert_eq!(all_ads(&store).await.len(), 2);
}

async fn sightings_are_gathered_from_all_uploaders(World { store, .. }: World) {
    let mut expected = Vec::new();
    for uploader in ["one", "two"] {
        for n in 0..3 {
            let sighting = sighting(uploader, &format!("{n}"));
            store
                .uploads
                .record_sighting(&image(1), &sighting, at(n))
                .await
                .unwrap();
            expected.push(sighting);
        }
    }
    assert!(store.uploads.sightings(&sha(1)).await.unwrap() == expected);
    assert!(store.uploads.sightings(&sha(2)).await.unwrap().is_empty());
}

async fn a_walk_through_the_set_meets_every_ad(World { store, .. }: World) {
    let ad = |n| {
        let mut fingerprint = ad_fingerprint(n);
        fingerprint.features = vec![n as u8; 60_000];
        StoredAd {
            tenant: tenant("uploader"),
            image_sha256: sha(n),
            fingerprint,
            postings: Vec::new(),
        }
    };
    // Alone, and in one go that no pack can hold.
    for n in 0..60 {
        let put = store.ads.put_ads(vec![ad(n)], &clock(at(0))).await;
        put.unwrap();
    }
    let put = store
        .ads
        .put_ads((60..180).map(ad).collect(), &clock(at(1)))
        .await;
    put.unwrap();
    let ads = all_ads(&store).await;
    let met: BTreeSet<_> = ads.iter().map(|ad| ad.image_sha256).collect();
    assert_eq!((ads.len(), met), (180, (0..180).map(sha).collect()));
    assert!(ads.iter().all(|ad| ad.fingerprint.features.len() == 60_000));
}

async fn a_fingerprint_too_large_is_refused(World { store, .. }: World) {
    let mut fingerprint = ad_fingerprint(1);
    fingerprint.features = vec![0; features::fingerprint::FEATURES_BYTES_MAX];
    let mut ad = StoredAd {
        tenant: tenant("uploader"),
        image_sha256: sha(1),
        fingerprint,
        postings: Vec::new(),
    };
    let put = store.ads.put_ads(vec![ad.clone()], &clock(at(0))).await;
    put.unwrap();
    let small = ad.clone();
    ad.fingerprint.features.push(0);
    let refused = store.ads.put_ads(vec![small, ad], &clock(at(1))).await;
    assert!(matches!(refused, Err(Error::Rejected(_))));
    assert_eq!(all_ads(&store).await.len(), 1, "all or none");
}
