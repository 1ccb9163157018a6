//! Clocks that are wrong for a while.

use super::*;

const YEAR: Duration = Duration::from_secs(400 * 86_400);

/// A house whose looks at the clock lie at most an hour apart, after the first of them.
async fn watched(ads_kept: Option<Duration>) -> House {
    let mut house = house(ads_kept).await;
    house.upkeep.looks_apart_max = Some(HOUR);
    house.run(Task::References).await;
    house
}

impl House {
    fn go_back(&self, time: Duration) {
        self.now_ms
            .fetch_sub(time.as_millis() as i64, Ordering::SeqCst);
    }

    async fn status(&self, id: &ReferenceId) -> ReferenceStatus {
        let found = self.store.reference(&unit(), id).await.unwrap();
        found.unwrap().status
    }
}

fn reference_key() -> ReferenceKey {
    ReferenceKey::parse("references/unit/case/photo.jpg").unwrap()
}

#[tokio::test]
async fn eight_seconds_in_another_year_end_no_reference() {
    let house = watched(None).await;
    let id = house.reference(&reference_key()).await;
    house.wait(YEAR);
    for _ in 0..3 {
        assert_eq!(house.run(Task::References).await.expired, 0);
        house.wait(Duration::from_secs(4));
    }
    house.go_back(YEAR);
    assert_eq!(house.run(Task::References).await.expired, 0);
    assert_eq!(house.status(&id).await, ReferenceStatus::Active);
}

#[tokio::test]
async fn what_ended_while_nobody_looked_ends_after_an_hour_of_that_clock() {
    let house = watched(None).await;
    let id = house.reference(&reference_key()).await;
    house.wait(HOUR * 48);
    assert_eq!(house.run(Task::References).await.expired, 0);
    house.wait(HOUR);
    assert_eq!(house.run(Task::References).await.expired, 1);
    assert_eq!(house.status(&id).await, ReferenceStatus::Expired);
}

#[tokio::test]
async fn a_clock_that_goes_on_ends_a_reference_on_time() {
    let house = watched(None).await;
    let id = house.reference(&reference_key()).await;
    for half_hours in 1..=3 {
        house.wait(HOUR / 2);
        let expired = house.run(Task::References).await.expired;
        assert_eq!(expired, u64::from(half_hours == 3), "after {half_hours}");
    }
    assert_eq!(house.status(&id).await, ReferenceStatus::Expired);
}

#[tokio::test]
async fn eight_seconds_in_another_year_remove_no_ad() {
    let mut house = house_with_upload(HOUR * 24, None).await;
    house.upkeep.looks_apart_max = Some(HOUR);
    house.wait(HOUR * 2);
    assert_eq!(house.run(Task::Objects).await.removed, 0);
    house.wait(YEAR);
    assert_eq!(house.run(Task::Objects).await.removed, 0);
    house.wait(HOUR);
    assert_eq!(house.run(Task::Objects).await.removed, 1);
}
