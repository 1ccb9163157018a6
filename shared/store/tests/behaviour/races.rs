//! What must hold in every order.

use std::collections::BTreeSet;

use records::*;
use store::{LogChange, LogPosition, Recorded};
use tokio::task::JoinSet;

use crate::fixtures::*;
use crate::host::World;

claims! {
    many_who_find_the_same_pair_write_one_alert,
    alerts_of_many_pairs_are_numbered_without_gaps,
    nothing_is_alerted_after_a_withdrawal_returned,
    a_sighting_that_races_its_lead_is_not_missed,
    a_reader_of_the_log_sees_every_reference_once,
    one_of_many_activations_counts,
}

async fn many_who_find_the_same_pair_write_one_alert(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    recorded_ad(&store, 5, "a").await;
    let mut tasks = JoinSet::new();
    for n in 0..12 {
        let (store, found) = (store.clone(), found(&id, 5));
        tasks.spawn(async move {
            store
                .leads
                .record_lead(&found, &[], at(10 + n))
                .await
                .unwrap()
        });
    }
    let recorded = tasks.join_all().await;
    let new = recorded
        .iter()
        .filter(|r| matches!(r, Recorded::New { .. }))
        .count();
    assert_eq!((new, recorded.len()), (1, 12));
    assert_eq!(feed(&store).await.len(), 1);
}

async fn alerts_of_many_pairs_are_numbered_without_gaps(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let (store, found) = (store.clone(), found(&id, n));
        tasks.spawn(async move { store.leads.record_lead(&found, &[], at(10)).await.unwrap() });
    }
    tasks.join_all().await;
    let numbers: Vec<u64> = feed(&store)
        .await
        .into_iter()
        .map(|alert| alert.seq)
        .collect();
    assert_eq!(numbers, (1..=16).collect::<Vec<_>>());
}

async fn nothing_is_alerted_after_a_withdrawal_returned(World { store, .. }: World) {
    for round in 0..4 {
        let id = active_reference(&store, 100 + round).await;
        let mut tasks = JoinSet::new();
        for n in 0..6 {
            let (store, found) = (store.clone(), found(&id, n));
            tasks.spawn(async move { store.leads.record_lead(&found, &[], at(10)).await.unwrap() });
        }
        store
            .references
            .withdraw(&unit(), &id, at(11))
            .await
            .unwrap();
        let written = alerts_written(&store).await;
        let recorded = tasks.join_all().await;
        assert_eq!(recorded.len(), 6);
        assert_eq!(alerts_written(&store).await, written, "round {round}");
        assert_eq!(
            store
                .leads
                .record_lead(&found(&id, 50), &[], at(12))
                .await
                .unwrap(),
            Recorded::NotActive
        );
    }
    assert!(feed(&store).await.is_empty());
}

async fn alerts_written(store: &store::Store) -> u64 {
    store.leads.alert_counts(&[unit()]).await.unwrap()[&unit()]
}

async fn a_sighting_that_races_its_lead_is_not_missed(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    for n in 0..8 {
        recorded_ad(&store, n, "first").await;
        let (sighter, lead) = (store.clone(), found(&id, n));
        let task = tokio::spawn(async move {
            let sighting = recorded_ad(&sighter, n, "second").await;
            sighter
                .leads
                .extend_leads(&sha(n), &sighting, at(15))
                .await
                .unwrap();
        });
        store.leads.record_lead(&lead, &[], at(10)).await.unwrap();
        task.await.unwrap();
        let lead = store
            .leads
            .lead(&unit(), &LeadId::of(&id, &sha(n)))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(lead.sightings.len(), 2, "round {n}");
        let told = feed(&store).await.pop().unwrap().data.sightings_total;
        let digest = store
            .leads
            .send_digest(&unit(), &lead.summary.lead_id, at(20))
            .await
            .unwrap();
        assert_eq!(
            told == 2,
            digest.is_none(),
            "told once: at once or in the digest"
        );
    }
}

async fn a_reader_of_the_log_sees_every_reference_once(World { store, .. }: World) {
    const REFERENCES: u64 = 24;
    let mut tasks = JoinSet::new();
    for n in 0..REFERENCES {
        let store = store.clone();
        tasks.spawn(async move { active_reference(&store, n).await });
    }
    let (mut position, mut seen) = (LogPosition::start(), Vec::new());
    let mut done = false;
    loop {
        let batch = store.references.references_since(&position).await.unwrap();
        position = batch.position;
        for entry in batch.entries {
            assert!(matches!(entry.change, LogChange::Added(_)));
            seen.push(entry.reference_id);
        }
        if done {
            break;
        }
        done = tasks.is_empty() || tasks.try_join_next().is_some() && tasks.is_empty();
        tokio::task::yield_now().await;
    }
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!(
        (seen.len() as u64, distinct.len() as u64),
        (REFERENCES, REFERENCES)
    );
}

async fn one_of_many_activations_counts(World { store, .. }: World) {
    let reference = reference("case 7", 1);
    store
        .references
        .submit(&unit(), &reference, &reference_fingerprint(1))
        .await
        .unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (store, id) = (store.clone(), reference.reference_id.clone());
        tasks.spawn(async move {
            store
                .references
                .activate(&unit(), &id, at(5))
                .await
                .unwrap()
        });
    }
    let activated = tasks.join_all().await;
    let now = activated
        .iter()
        .filter(|a| **a == store::Activated::Now)
        .count();
    assert_eq!((now, activated.len()), (1, 8));
    let log = store
        .references
        .references_since(&LogPosition::start())
        .await
        .unwrap();
    assert_eq!(log.entries.len(), 1);
}
