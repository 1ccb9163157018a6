//! The tasks that mend the searchable sets.

use super::*;

impl System {
    fn s3(&self) -> aws_sdk_s3::Client {
        let sdk = self.embedded.sdk_config();
        let config = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// A set of some ads in a segment and one in the tail.
    async fn compacted(&self) {
        let ad = |n: u8| StoredAd {
            tenant: unit(),
            image_sha256: ImageSha256::of(&[n]),
            fingerprint: AdFingerprint {
                version: 1,
                whole: HashVariant {
                    pdq: Hash256([n; 32]),
                    quality: 90,
                    second: Hash256([0; 32]),
                },
                trimmed: None,
                features: Vec::new(),
            },
            postings: Vec::new(),
        };
        let (ads, clock) = (&self.store.ads, &self.upkeep.clock);
        ads.put_ads(vec![ad(1), ad(2)], clock).await.unwrap();
        let eager = CompactionRule::from_tail_ads(Some(1));
        ads.compact_ads(&eager, self.now()).await.unwrap();
        ads.put_ads(vec![ad(3)], clock).await.unwrap();
    }

    /// Everything below a prefix of the segments bucket is deleted, for good or not.
    async fn lose(&self, prefix: &str, for_good: bool) {
        let s3 = self.s3();
        let list = s3.list_object_versions().bucket("segments").prefix(prefix);
        for it in list.send().await.unwrap().versions() {
            let delete = s3.delete_object().bucket("segments").key(it.key().unwrap());
            let version = it.version_id().filter(|_| for_good);
            delete
                .set_version_id(version.map(str::to_owned))
                .send()
                .await
                .unwrap();
        }
    }

    /// The keys that were told to be taken in again, since the last call.
    fn told_again(&self) -> Vec<String> {
        let bodies = std::mem::take(&mut *self.told.bodies.lock().unwrap());
        let key = |(kind, body): (ObjectKind, String)| {
            assert!(kind == ObjectKind::Ad, "references have their log");
            let [created] = &ObjectCreated::parse(&body).unwrap()[..] else {
                panic!("one object a message")
            };
            assert!(created.is_rebuild);
            let key = ObjectKey::from_event(&created.encoded_key).unwrap();
            key.as_str().to_owned()
        };
        bodies.into_iter().map(key).collect()
    }

    async fn is_rebuilding(&self) -> bool {
        self.store.ads.is_rebuilding().await.unwrap()
    }
}

#[tokio::test]
async fn a_repair_brings_a_lost_manifest_back_and_says_so_once() {
    let system = system(None).await;
    system.compacted().await;
    system.lose("ads/manifest", false).await;
    let stopped = system.upkeep.run(&[Task::Compact]).await;
    let told = stopped.unwrap_err().to_string();
    assert!(told.contains("next: upkeep's task repair"), "{told}");
    assert_eq!(system.run(Task::Repair).await.mended, 1);
    assert_eq!(system.run(Task::Repair).await.mended, 0);
    system.run(Task::Compact).await;
    assert_eq!(system.store.ads.ads_segments().await.unwrap().len(), 1);
}

/// A system that lost its segments bucket whole, with 1,001 ads and a photo of a reference.
async fn lost() -> (System, Vec<String>) {
    let system = system(None).await;
    for _ in 0..2 {
        system.run(Task::Fingerprints).await; // this version is noticed, and nothing there to renew
    }
    system.put("references/unit/case/a.jpg").await;
    let ads: Vec<String> = (0..1_001).map(|n| format!("ads/unit/{n:04}.jpg")).collect();
    for key in &ads {
        system.put(key).await;
    }
    system.compacted().await;
    system.lose("", true).await;
    (system, ads)
}

#[tokio::test]
async fn a_set_that_is_gone_for_good_is_made_again_from_every_object_of_its_bucket() {
    let (system, ads) = lost().await;
    let stopped = system.upkeep.run(&[Task::Repair]).await;
    let told = stopped.unwrap_err().to_string();
    assert!(told.contains("next: upkeep's task rebuild"), "{told}");
    let done = system.run(Task::Rebuild).await;
    assert_eq!(done.rebuilt, 1_001);
    assert!(done.mended > 0);
    assert_eq!(system.told_again(), ads);
    assert!(system.is_rebuilding().await, "messages may wait");

    system.told.full_for_ms.store(1, Ordering::SeqCst);
    assert_eq!(system.run(Task::Fingerprints).await.rebuilt, 0);
    assert!(system.is_rebuilding().await, "messages wait");
    system.told.full_for_ms.store(0, Ordering::SeqCst);
    assert_eq!(system.run(Task::Fingerprints).await.rebuilt, 0);
    assert!(!system.is_rebuilding().await);
    assert_eq!(system.run(Task::Fingerprints).await, Done::default());
    assert_eq!(system.told_again(), Vec::<String>::new());
    assert_eq!(system.run(Task::Repair).await.mended, 0);
}

#[tokio::test]
async fn a_rebuild_that_was_cut_off_is_gone_on_with_and_one_that_is_asked_for_again_begins_again() {
    let (system, ads) = lost().await;
    system.told.good.store(2, Ordering::SeqCst);
    let failed = system.upkeep.run(&[Task::Rebuild]).await;
    assert!(matches!(failed, Err(store::Error::Unavailable(_))));
    assert_eq!(system.told_again(), ads[..500], "one page");
    assert_eq!(system.run(Task::Fingerprints).await.rebuilt, 501);
    assert_eq!(system.told_again(), ads[500..]);
    assert!(system.is_rebuilding().await);
    assert_eq!(system.run(Task::Rebuild).await.rebuilt, 1_001);
    assert_eq!(system.told_again(), ads);
}
