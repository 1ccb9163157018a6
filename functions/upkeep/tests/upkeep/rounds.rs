//! Rounds over both buckets that are longer than one run.

use aws_sdk_s3::primitives::ByteStream;

use super::*;

async fn ended(system: &System) -> BucketScan {
    system
        .store
        .checkpoints
        .bucket_scan()
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_round_goes_on_where_the_run_before_stopped() {
    let system = system(None).await;
    for key in [
        "references/unit/case/a.jpg",
        "ads/unit/a.jpg",
        "ads/unit/b.jpg",
    ] {
        system.put(key).await;
    }
    system.wait(2 * HOUR);
    let begun = BucketScan {
        stage: ScanStage::Ads,
        after: Some("ads/unit/a.jpg".into()),
        ..BucketScan::next(None, system.now(), None)
    };
    system
        .store
        .checkpoints
        .save_bucket_scan(&begun)
        .await
        .unwrap();
    assert_eq!(
        system.run(Task::Objects).await.redriven,
        1,
        "what is behind it"
    );
    let over = BucketScan {
        stage: ScanStage::Over,
        after: None,
        ..begun
    };
    let over = BucketScan {
        settled_before: ended(&system).await.settled_before,
        unsettled: ended(&system).await.unsettled,
        ..over
    };
    assert_eq!(ended(&system).await, over);
    system.wait(2 * HOUR); // they are as young as their copies
    assert_eq!(
        system.run(Task::Objects).await.redriven,
        3,
        "the next round"
    );
}

#[tokio::test]
async fn a_round_of_many_pages_meets_every_object() {
    let system = system(None).await;
    for n in 0..1_001 {
        system.put(&format!("ads/unit/{n:04}.jpg")).await;
    }
    system.wait(2 * HOUR);
    assert_eq!(system.run(Task::Objects).await.redriven, 1_001);
}

#[tokio::test]
async fn rounds_keep_their_distance_and_a_failed_one_is_not_over() {
    let mut system = system(None).await;
    system.upkeep.objects_every = 20 * HOUR;
    system.put("ads/unit/a.jpg").await;
    system.wait(2 * HOUR);
    let names = Names {
        ads_bucket: "nowhere".into(),
        ..system.store.names().clone()
    };
    let whole = std::mem::replace(
        &mut system.upkeep.store,
        Store::with_sdk_config(&system.embedded.sdk_config(), names, Jitter::new(|| 7)),
    );
    assert!(system.upkeep.run(&[Task::Objects]).await.is_err());
    assert_eq!(ended(&system).await.stage, ScanStage::Ads);
    system.upkeep.store = whole;
    assert_eq!(system.run(Task::Objects).await.redriven, 1, "it goes on");
    system.wait(10 * HOUR);
    assert_eq!(system.run(Task::Objects).await.redriven, 0, "too soon");
    system.wait(10 * HOUR);
    assert_eq!(system.run(Task::Objects).await.redriven, 1);
}

/// What wakes no program, since it lies outside the layout, is met by the round.
#[tokio::test]
async fn objects_where_no_program_looks_are_counted_told_and_left() {
    let system = system(None).await;
    let keys = [
        ("ads", "ads/unit/a.jpg"),   // an ad
        ("ads", "ads/unit/folder/"), // markers of folders
        ("ads", "ads/"),
        ("references", "references/unit/"),
        ("ads", "a.jpg"), // a tenant forgotten, and the rest
        ("ads", "unit/a.jpg"),
        ("ads", "ads/a.jpg"),
        ("ads", "Ads/unit/a.jpg"),
        ("ads", "references/unit/case/a.jpg"),
        ("ads", "ads/none/a.jpg"),
        ("references", "references/unit/a.jpg"), // a case forgotten
        ("references", "references/a.jpg"),
        ("references", "ads/unit/a.jpg"),
        ("references", "references/none/case/a.jpg"),
    ];
    let sdk = system.embedded.sdk_config();
    let config = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true);
    let s3 = aws_sdk_s3::Client::from_conf(config.build());
    for (bucket, key) in keys {
        let bytes: &'static [u8] = if key.ends_with('/') { b"" } else { b"bytes" };
        let put = s3.put_object().bucket(bucket).key(key);
        put.body(ByteStream::from_static(bytes))
            .send()
            .await
            .unwrap();
    }
    for _ in 0..2 {
        assert_eq!(system.run(Task::Objects).await.orphans, 10);
        assert_eq!(ended(&system).await.orphans, 10);
    }
    system.wait(2 * HOUR);
    let done = system.run(Task::Objects).await;
    assert_eq!(
        (done.redriven, done.removed),
        (3, 0),
        "those with keys of photos"
    );
}
