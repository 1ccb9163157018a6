//! A reference that suddenly matches much is held, told once, and released by its unit.

use std::collections::BTreeSet;

use records::*;
use store::{Error, LeadFilter, Recorded, Released, Store};
use tokio::task::JoinSet;

use crate::fixtures::*;
use crate::host::World;

claims! {
    beyond_the_limit_leads_are_held_and_that_is_told_once,
    sightings_of_one_image_and_repeated_work_do_not_count,
    leads_for_review_do_not_count,
    a_release_alerts_every_held_lead_once,
    leads_that_race_the_limit_or_a_release_are_each_told_or_held,
    what_was_judged_or_withdrawn_is_not_alerted_by_a_release,
    a_day_later_the_count_starts_again,
}

/// An active reference with room for so many alerts a day.
async fn limited(store: &Store, per_day_max: u32) -> ReferenceId {
    let id = active_reference(store, 1).await;
    let released = store
        .leads
        .release(&unit(), &id, Some(per_day_max), at(2))
        .await;
    assert_eq!(
        released,
        Ok(Released {
            alerted: 0,
            left: 0
        })
    );
    id
}

async fn record(store: &Store, id: &ReferenceId, image: u64, seconds: i64) -> Recorded {
    recorded_ad(store, image, &format!("{image}")).await;
    store
        .leads
        .record_lead(&found(id, image), &[], at(seconds))
        .await
        .unwrap()
}

async fn kinds(store: &Store) -> Vec<AlertKind> {
    feed(store)
        .await
        .into_iter()
        .map(|alert| alert.kind)
        .collect()
}

async fn leads(store: &Store, level: Level) -> usize {
    let filter = LeadFilter {
        level: Some(level),
        ..LeadFilter::default()
    };
    store
        .leads
        .leads(&unit(), &filter, None, 100)
        .await
        .unwrap()
        .items
        .len()
}

async fn held_since(store: &Store, id: &ReferenceId) -> Option<Timestamp> {
    let reference = store
        .references
        .reference(&unit(), id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        reference.status,
        ReferenceStatus::Active,
        "it is still matched"
    );
    reference.alerting.held_since
}

async fn beyond_the_limit_leads_are_held_and_that_is_told_once(World { store, .. }: World) {
    let id = limited(&store, 3).await;
    for image in 0..8 {
        record(&store, &id, image, 10 + image as i64).await;
    }
    use AlertKind::{Created, Held};
    assert_eq!(kinds(&store).await, [Created, Created, Created, Held]);
    assert_eq!(
        (
            leads(&store, Level::Alert).await,
            leads(&store, Level::Review).await
        ),
        (3, 5)
    );
    assert_eq!(held_since(&store, &id).await, Some(at(13)));
    let told = &feed(&store).await[3];
    assert_eq!(told.data.lead_id, LeadId::of(&id, &sha(3)));
    assert_eq!(told.data.level, Level::Review);
    let sighting = recorded_ad(&store, 6, "again").await;
    store
        .leads
        .extend_leads(&sha(6), &sighting, at(15))
        .await
        .unwrap();
    assert_eq!(
        store.leads.extended_leads(&unit()).await.unwrap(),
        [],
        "nothing is told of held leads"
    );
}

async fn sightings_of_one_image_and_repeated_work_do_not_count(World { store, .. }: World) {
    let id = limited(&store, 2).await;
    for round in 0..6 {
        let sighting = recorded_ad(&store, 1, &format!("{round}")).await;
        store
            .leads
            .record_lead(&found(&id, 1), &[], at(10 + round))
            .await
            .unwrap();
        store
            .leads
            .extend_leads(&sha(1), &sighting, at(15))
            .await
            .unwrap();
    }
    record(&store, &id, 2, 30).await;
    assert_eq!(kinds(&store).await, [AlertKind::Created; 2]);
    assert_eq!(held_since(&store, &id).await, None);
    record(&store, &id, 3, 31).await;
    for _ in 0..3 {
        let again = record(&store, &id, 3, 32).await;
        assert_eq!(again, Recorded::Known(LeadId::of(&id, &sha(3))));
    }
    assert_eq!(
        kinds(&store).await.len(),
        3,
        "the repeated lead is not told again"
    );
}

async fn leads_for_review_do_not_count(World { store, .. }: World) {
    let id = limited(&store, 2).await;
    for image in 0..5 {
        recorded_ad(&store, image, &format!("{image}")).await;
        let found = FoundLead {
            level: Level::Review,
            ..found(&id, image)
        };
        store.leads.record_lead(&found, &[], at(10)).await.unwrap();
    }
    assert_eq!(held_since(&store, &id).await, None);
    record(&store, &id, 9, 20).await;
    assert_eq!(kinds(&store).await, [AlertKind::Created]);
}

/// The leads of the alerts that tell of new ones.
async fn created(store: &Store) -> Vec<LeadId> {
    let alerts = feed(store).await.into_iter();
    let created = alerts.filter(|alert| alert.kind == AlertKind::Created);
    created.map(|alert| alert.data.lead_id).collect()
}

async fn a_release_alerts_every_held_lead_once(World { store, .. }: World) {
    let id = limited(&store, 2).await;
    for image in 0..7 {
        record(&store, &id, image, 10).await;
    }
    let sighting = recorded_ad(&store, 6, "while held").await;
    store
        .leads
        .extend_leads(&sha(6), &sighting, at(15))
        .await
        .unwrap();
    let released = store.leads.release(&unit(), &id, Some(20), at(50)).await;
    assert_eq!(
        released,
        Ok(Released {
            alerted: 5,
            left: 0
        })
    );
    assert_eq!(held_since(&store, &id).await, None);
    let again = store.leads.release(&unit(), &id, None, at(51)).await;
    assert_eq!(
        again,
        Ok(Released {
            alerted: 0,
            left: 0
        })
    );
    record(&store, &id, 7, 60).await;
    let created = created(&store).await;
    let distinct: BTreeSet<_> = created.iter().collect();
    assert_eq!((created.len(), distinct.len()), (8, 8));
    assert_eq!(leads(&store, Level::Alert).await, 8);
    let alerts = feed(&store).await;
    let told = alerts
        .iter()
        .find(|a| a.kind == AlertKind::Created && a.data.lead_id == LeadId::of(&id, &sha(6)));
    assert_eq!(told.map(|alert| alert.data.sightings_total), Some(2));
    let later = recorded_ad(&store, 6, "after").await;
    assert_eq!(
        store
            .leads
            .extend_leads(&sha(6), &later, at(15))
            .await
            .unwrap(),
        1
    );
    let extended = store.leads.extended_leads(&unit()).await.unwrap();
    assert_eq!(
        extended,
        [LeadId::of(&id, &sha(6))],
        "it is told of like any other"
    );
}

async fn leads_that_race_the_limit_or_a_release_are_each_told_or_held(World { store, .. }: World) {
    let id = limited(&store, 4).await;
    let mut tasks = JoinSet::new();
    for image in 0..12 {
        let (store, id) = (store.clone(), id.clone());
        tasks.spawn(async move {
            record(&store, &id, image, 10).await;
        });
    }
    tasks.join_all().await;
    let held = kinds(&store)
        .await
        .iter()
        .filter(|kind| **kind == AlertKind::Held)
        .count();
    assert_eq!((created(&store).await.len(), held), (4, 1));
    let mut tasks = JoinSet::new();
    for image in 12..18 {
        let (store, id) = (store.clone(), id.clone());
        tasks.spawn(async move {
            record(&store, &id, image, 20).await;
        });
    }
    store
        .leads
        .release(&unit(), &id, Some(100), at(20))
        .await
        .unwrap();
    tasks.join_all().await;
    store
        .leads
        .release(&unit(), &id, None, at(21))
        .await
        .unwrap();
    let created = created(&store).await;
    let distinct: BTreeSet<_> = created.iter().collect();
    assert_eq!(
        (created.len(), distinct.len()),
        (18, 18),
        "none lost, none twice"
    );
}

async fn what_was_judged_or_withdrawn_is_not_alerted_by_a_release(World { store, .. }: World) {
    let id = limited(&store, 1).await;
    for image in 0..3 {
        record(&store, &id, image, 10).await;
    }
    let verdict = VerdictEntry {
        verdict: Verdict::Dismissed,
        decided_by: None,
        note: None,
        reason: None,
        decided_at: at(20),
    };
    let judged = LeadId::of(&id, &sha(1));
    store.leads.judge(&unit(), &judged, &verdict).await.unwrap();
    let released = store.leads.release(&unit(), &id, None, at(30)).await;
    assert_eq!(
        released,
        Ok(Released {
            alerted: 1,
            left: 0
        })
    );
    assert!(!created(&store).await.contains(&judged));
    store
        .references
        .withdraw(&unit(), &id, at(40))
        .await
        .unwrap();
    let refused = store.leads.release(&unit(), &id, None, at(41)).await;
    assert_eq!(refused, Err(Error::Conflict("the reference is not active")));
    let missing = ReferenceId::of_photo(&unit(), &CaseId::parse("none").unwrap(), &sha(1));
    let refused = store.leads.release(&unit(), &missing, None, at(42)).await;
    assert_eq!(refused, Err(Error::Gone("the reference")));
}

async fn a_day_later_the_count_starts_again(World { store, .. }: World) {
    let id = limited(&store, 2).await;
    for day in 0..3 {
        for image in 0..2 {
            record(&store, &id, 10 * day + image, 100 + 86_400 * day as i64).await;
        }
    }
    assert_eq!(created(&store).await.len(), 6);
    assert_eq!(held_since(&store, &id).await, None);
}
