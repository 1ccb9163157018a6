//! Rounds over both buckets that are longer than one run.

use super::*;

async fn ended(house: &House) -> BucketScan {
    house.store.round().await.unwrap().unwrap()
}

#[tokio::test]
async fn a_round_goes_on_where_the_run_before_stopped() {
    let house = house(None).await;
    for key in [
        "references/unit/case/a.jpg",
        "ads/unit/a.jpg",
        "ads/unit/b.jpg",
    ] {
        house.put(key).await;
    }
    house.wait(2 * HOUR);
    let begun = BucketScan {
        stage: ScanStage::Ads,
        after: Some("ads/unit/a.jpg".into()),
        began_at: house.now(),
    };
    house.store.note_round(&begun).await.unwrap();
    assert_eq!(
        house.run(Task::Objects).await.redriven,
        1,
        "what is behind it"
    );
    let over = BucketScan {
        stage: ScanStage::Over,
        after: None,
        ..begun
    };
    assert_eq!(ended(&house).await, over);
    house.wait(2 * HOUR); // they are as young as their copies
    assert_eq!(house.run(Task::Objects).await.redriven, 3, "the next round");
}

#[tokio::test]
async fn a_round_of_many_pages_meets_every_object() {
    let house = house(None).await;
    for n in 0..1_001 {
        house.put(&format!("ads/unit/{n:04}.jpg")).await;
    }
    house.wait(2 * HOUR);
    assert_eq!(house.run(Task::Objects).await.redriven, 1_001);
}

#[tokio::test]
async fn rounds_keep_their_distance_and_a_failed_one_is_not_over() {
    let mut house = house(None).await;
    house.upkeep.objects_every = 20 * HOUR;
    house.put("ads/unit/a.jpg").await;
    house.wait(2 * HOUR);
    let names = Names {
        ads_bucket: "nowhere".into(),
        ..house.store.names().clone()
    };
    let whole = std::mem::replace(
        &mut house.upkeep.store,
        Store::with_sdk_config(&house.embedded.sdk_config(), names, Jitter::new(|| 7)),
    );
    assert!(house.upkeep.run(&[Task::Objects]).await.is_err());
    assert_eq!(ended(&house).await.stage, ScanStage::Ads);
    house.upkeep.store = whole;
    assert_eq!(house.run(Task::Objects).await.redriven, 1, "it goes on");
    house.wait(10 * HOUR);
    assert_eq!(house.run(Task::Objects).await.redriven, 0, "too soon");
    house.wait(10 * HOUR);
    assert_eq!(house.run(Task::Objects).await.redriven, 1);
}
