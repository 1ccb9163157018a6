//! Leads that rise: what was computed from pixels outranks what an uploader claims, one uploader's
//! flood silences no other uploader, and a dismissal swallows nothing unseen.

use records::*;
use store::{Recorded, Store};
use tokio::task::JoinSet;

use crate::fixtures::*;
use crate::host::World;

claims! {
    a_claim_for_review_does_not_freeze_a_lead,
    a_lead_never_sinks_in_whatever_order_evidence_comes,
    evidence_that_races_alerts_once,
    nothing_rises_after_a_withdrawal,
    a_flood_of_one_uploader_silences_no_other,
    a_lead_held_for_one_uploader_is_alerted_by_another,
    a_dismissed_lead_is_open_again_once_for_each_other_uploader,
    a_dismissed_claim_is_open_again_when_the_picture_comes,
}

/// Evidence of an uploader.
fn of(
    by: &str,
    evidence: Evidence,
    level: Level,
    reference: &ReferenceId,
    image: u64,
) -> FoundLead {
    FoundLead {
        uploaded_by: tenant(by),
        evidence,
        level,
        distance: if level == Level::Alert { 4 } else { 22 },
        ..found(reference, image)
    }
}

async fn record(store: &Store, found: &FoundLead, path: &str, seconds: i64) -> Recorded {
    let postings = [sighting(found.uploaded_by.as_str(), path)];
    let recorded = store.leads.record_lead(found, &postings, at(seconds)).await;
    recorded.unwrap()
}

async fn lead(store: &Store, reference: &ReferenceId, image: u64) -> Lead {
    let id = LeadId::of(reference, &sha(image));
    store.leads.lead(&unit(), &id).await.unwrap().unwrap()
}

async fn kinds(store: &Store) -> Vec<AlertKind> {
    let alerts = feed(store).await.into_iter();
    alerts.map(|alert| alert.kind).collect()
}

use AlertKind::{Created, Extended, Held};
use Evidence::{Claimed, Computed};
use Level::{Alert as Sure, Review};

async fn a_claim_for_review_does_not_freeze_a_lead(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    record(&store, &of("forger", Claimed, Review, &id, 5), "a", 10).await;
    assert_eq!(lead(&store, &id, 5).await.summary.evidence, Claimed);
    assert_eq!(kinds(&store).await, []);
    let real = of("ngo", Computed, Sure, &id, 5);
    let lead_id = LeadId::of(&id, &sha(5));
    let raised = Recorded::Raised {
        lead_id: lead_id.clone(),
        alert_seq: 1,
    };
    assert_eq!(record(&store, &real, "b", 20).await, raised);
    for seconds in 21..24 {
        let again = record(&store, &real, "b", seconds).await;
        assert_eq!(again, Recorded::Known(lead_id.clone()));
        record(&store, &of("forger", Claimed, Review, &id, 5), "a", 10).await;
    }
    let Lead { summary, .. } = lead(&store, &id, 5).await;
    assert_eq!((summary.level, summary.evidence), (Sure, Computed));
    assert_eq!((summary.distance, summary.created_at), (4, at(10)));
    assert_eq!(kinds(&store).await, [Created]);
    let alert = feed(&store).await.remove(0);
    assert!(
        alert.data.sightings.contains(&sighting("ngo", "b")),
        "whose it is"
    );
    assert_eq!(
        store.leads.extended_leads(&unit()).await.unwrap(),
        [],
        "all is told"
    );
}

async fn a_lead_never_sinks_in_whatever_order_evidence_comes(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let all = [
        (Claimed, Review),
        (Claimed, Sure),
        (Computed, Review),
        (Computed, Sure),
    ];
    for image in 0..4 {
        for turn in 0..4 {
            let (evidence, level) =
                all[(image as usize + turn * (1 + 2 * (image as usize % 2))) % 4];
            record(&store, &of("ngo", evidence, level, &id, image), "a", 10).await;
        }
        let Lead { summary, .. } = lead(&store, &id, image).await;
        assert_eq!(summary.rank(), (true, Computed), "image {image}");
    }
    assert_eq!(kinds(&store).await, [Created; 4]);
    record(&store, &of("forger", Claimed, Sure, &id, 9), "a", 10).await;
    record(&store, &of("ngo", Computed, Review, &id, 9), "b", 11).await;
    let Lead { summary, .. } = lead(&store, &id, 9).await;
    assert_eq!((summary.level, summary.evidence), (Sure, Claimed));
}

async fn evidence_that_races_alerts_once(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    for image in 0..4 {
        let mut tasks = JoinSet::new();
        for by in ["a", "b", "c", "d"] {
            let (store, id) = (store.clone(), id.clone());
            let (evidence, level) = match by {
                "a" => (Claimed, Review),
                "b" => (Computed, Review),
                "c" => (Claimed, Sure),
                _ => (Computed, Sure),
            };
            tasks.spawn(async move {
                record(&store, &of(by, evidence, level, &id, image), by, 10).await;
            });
        }
        tasks.join_all().await;
        let Lead {
            summary, uploaders, ..
        } = lead(&store, &id, image).await;
        assert_eq!(summary.rank(), (true, Computed));
        assert_eq!((summary.sightings_total, uploaders.len()), (Some(4), 4));
    }
    assert_eq!(kinds(&store).await, [Created; 4]);
}

async fn nothing_rises_after_a_withdrawal(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    record(&store, &of("forger", Claimed, Review, &id, 5), "a", 10).await;
    store
        .references
        .withdraw(&unit(), &id, at(20))
        .await
        .unwrap();
    let real = of("ngo", Computed, Sure, &id, 5);
    assert_eq!(record(&store, &real, "b", 21).await, Recorded::NotActive);
    let Lead { summary, .. } = lead(&store, &id, 5).await;
    assert_eq!(summary.level, Review);
    assert_eq!(store.leads.alert(&unit(), 1).await.unwrap(), None);
}

async fn a_flood_of_one_uploader_silences_no_other(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    store
        .leads
        .release(&unit(), &id, Some(2), at(2))
        .await
        .unwrap();
    for image in 0..6 {
        record(&store, &of("flood", Claimed, Sure, &id, image), "a", 10).await;
    }
    assert_eq!(kinds(&store).await, [Created, Created, Held]);
    let told = &feed(&store).await[2];
    assert_eq!(told.data.held_for, Some(tenant("flood")), "whose it was");
    let reference = store
        .references
        .reference(&unit(), &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(reference.alerting.held.len(), 1);
    assert!(reference.alerting.held.contains_key(&tenant("flood")));
    record(&store, &of("ngo", Computed, Sure, &id, 9), "b", 20).await;
    assert_eq!(lead(&store, &id, 9).await.summary.level, Sure);
    assert_eq!(kinds(&store).await, [Created, Created, Held, Created]);
    assert_eq!(
        lead(&store, &id, 5).await.summary.held_for,
        Some(tenant("flood"))
    );
}

async fn a_lead_held_for_one_uploader_is_alerted_by_another(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    store
        .leads
        .release(&unit(), &id, Some(1), at(2))
        .await
        .unwrap();
    let flood = |image| of("flood", Computed, Sure, &id, image);
    for image in 0..4 {
        record(&store, &flood(image), "a", 10).await;
    }
    assert_eq!(kinds(&store).await, [Created, Held]);
    for seconds in 20..23 {
        record(&store, &of("ngo", Computed, Sure, &id, 2), "b", seconds).await;
        record(&store, &flood(2), "a", seconds).await;
    }
    let Lead { summary, .. } = lead(&store, &id, 2).await;
    assert_eq!((summary.level, summary.held_for), (Sure, None));
    assert_eq!(kinds(&store).await, [Created, Held, Created]);
    let released = store
        .leads
        .release(&unit(), &id, Some(9), at(30))
        .await
        .unwrap();
    assert_eq!(
        (released.alerted, released.left),
        (2, 0),
        "not the raised one"
    );
    let leads: Vec<_> = feed(&store).await.into_iter().collect();
    let created = leads.iter().filter(|alert| alert.kind == Created);
    let distinct: std::collections::BTreeSet<_> = created.map(|it| &it.data.lead_id).collect();
    assert_eq!((leads.len(), distinct.len()), (5, 4), "each alerted once");
}

async fn dismiss(store: &Store, reference: &ReferenceId, image: u64, seconds: i64) {
    let verdict = VerdictEntry {
        verdict: Verdict::Dismissed,
        decided_by: None,
        note: None,
        reason: None,
        decided_at: at(seconds),
    };
    let id = LeadId::of(reference, &sha(image));
    store.leads.judge(&unit(), &id, &verdict).await.unwrap();
}

async fn digests(store: &Store, seconds: i64) {
    for id in store.leads.extended_leads(&unit()).await.unwrap() {
        store
            .leads
            .send_digest(&unit(), &id, at(seconds))
            .await
            .unwrap();
    }
}

async fn a_dismissed_lead_is_open_again_once_for_each_other_uploader(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let first = of("forger", Computed, Sure, &id, 5);
    record(&store, &first, "a", 10).await;
    dismiss(&store, &id, 5, 20).await;
    record(&store, &first, "again", 21).await;
    let Lead { summary, .. } = lead(&store, &id, 5).await;
    assert_eq!(summary.status, LeadStatus::Dismissed, "it has been judged");
    digests(&store, 22).await;
    let real = sighting("ngo", "real");
    for seconds in [30, 31] {
        let image = sha(5);
        store
            .leads
            .extend_leads(&image, &real, at(seconds))
            .await
            .unwrap();
        record(&store, &of("ngo", Computed, Sure, &id, 5), "real", seconds).await;
    }
    let Lead { summary, .. } = lead(&store, &id, 5).await;
    assert_eq!(summary.status, LeadStatus::Open);
    assert_eq!(summary.reopened_at, Some(at(30)));
    digests(&store, 40).await;
    let told = feed(&store).await;
    let last = told.last().unwrap();
    assert_eq!((last.kind, last.data.status), (Extended, LeadStatus::Open));
    assert_eq!(last.data.reopened_at, Some(at(30)), "it says so");
    let kinds: Vec<_> = told.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [Created, AlertKind::Verdict, Extended, Extended]);
    dismiss(&store, &id, 5, 50).await;
    record(&store, &of("ngo", Computed, Sure, &id, 5), "another", 60).await;
    let Lead { summary, .. } = lead(&store, &id, 5).await;
    assert_eq!(summary.status, LeadStatus::Dismissed, "nobody nags");
}

async fn a_dismissed_claim_is_open_again_when_the_picture_comes(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    for (image, level) in [(5, Sure), (6, Review)] {
        record(&store, &of("forger", Claimed, level, &id, image), "a", 10).await;
        dismiss(&store, &id, image, 20).await;
        record(&store, &of("forger", Computed, Sure, &id, image), "b", 30).await;
        let Lead { summary, .. } = lead(&store, &id, image).await;
        assert_eq!((summary.status, summary.level), (LeadStatus::Open, Sure));
    }
    digests(&store, 40).await;
    let created = kinds(&store).await;
    let created = created.iter().filter(|kind| **kind == Created).count();
    assert_eq!(created, 2, "each alerted once");
}
