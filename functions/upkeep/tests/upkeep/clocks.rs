//! Clocks that are wrong for a while.

use super::*;

const YEAR: Duration = Duration::from_secs(400 * 86_400);

/// A system whose looks at the clock lie at most an hour apart, after the first of them.
async fn watched(ads_kept: Option<Duration>) -> System {
    let mut system = system(ads_kept).await;
    system.upkeep.looks_apart_max = Some(HOUR);
    system.run(Task::References).await;
    system
}

impl System {
    fn go_back(&self, time: Duration) {
        self.now_ms
            .fetch_sub(time.as_millis() as i64, Ordering::SeqCst);
    }

    async fn status(&self, id: &ReferenceId) -> ReferenceStatus {
        let found = self.store.references.reference(&unit(), id).await.unwrap();
        found.unwrap().status
    }
}

fn reference_key() -> ReferenceKey {
    ReferenceKey::parse("references/unit/case/photo.jpg").unwrap()
}

#[tokio::test]
async fn eight_seconds_in_another_year_end_no_reference() {
    let system = watched(None).await;
    let id = system.reference(&reference_key()).await;
    system.wait(YEAR);
    for _ in 0..3 {
        assert_eq!(system.run(Task::References).await.expired, 0);
        system.wait(Duration::from_secs(4));
    }
    system.go_back(YEAR);
    assert_eq!(system.run(Task::References).await.expired, 0);
    assert_eq!(system.status(&id).await, ReferenceStatus::Active);
}

#[tokio::test]
async fn what_ended_while_the_clock_was_not_observed_ends_after_an_hour_of_that_clock() {
    let system = watched(None).await;
    let id = system.reference(&reference_key()).await;
    system.wait(HOUR * 48);
    assert_eq!(system.run(Task::References).await.expired, 0);
    system.wait(HOUR);
    assert_eq!(system.run(Task::References).await.expired, 1);
    assert_eq!(system.status(&id).await, ReferenceStatus::Expired);
}

#[tokio::test]
async fn a_clock_that_goes_on_ends_a_reference_on_time() {
    let system = watched(None).await;
    let id = system.reference(&reference_key()).await;
    for half_hours in 1..=3 {
        system.wait(HOUR / 2);
        let expired = system.run(Task::References).await.expired;
        assert_eq!(expired, u64::from(half_hours == 3), "after {half_hours}");
    }
    assert_eq!(system.status(&id).await, ReferenceStatus::Expired);
}

#[tokio::test]
async fn eight_seconds_in_another_year_remove_no_ad() {
    let mut system = system_with_upload(HOUR * 24, None).await;
    system.upkeep.looks_apart_max = Some(HOUR);
    system.wait(HOUR * 2);
    assert_eq!(system.run(Task::Objects).await.removed, 0);
    system.wait(YEAR);
    assert_eq!(system.run(Task::Objects).await.removed, 0);
    system.wait(HOUR);
    assert_eq!(system.run(Task::Objects).await.removed, 1);
}
