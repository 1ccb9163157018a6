//! What an uploader contributed is taken back as a whole: nothing new rests on it, what did is
//! withdrawn, what others brought stays, and lifting it loses nothing.

use std::collections::BTreeSet;

use records::*;
use store::{Error, LeadsWithdrawn, Recorded, Released, Store};
use tokio::task::JoinSet;

use crate::fixtures::*;
use crate::host::World;

claims! {
    from_then_on_no_lead_rests_on_what_was_retracted,
    leads_that_rest_on_it_alone_are_withdrawn_and_told_where_the_unit_asks,
    what_another_posted_too_stays_and_tells_nothing_of_the_retracted,
    a_claim_of_the_retracted_is_no_evidence_for_what_others_posted,
    what_a_person_decided_stays_and_a_later_verdict_holds,
    a_withdrawn_lead_opens_again_by_anothers_evidence,
    a_held_lead_of_the_retracted_is_not_released,
    a_retracted_uploader_extends_and_opens_nothing,
    lifting_lets_the_same_evidence_open_the_lead_again,
    a_retraction_and_its_lifting_can_be_repeated,
    leads_that_race_a_retraction_are_withdrawn_or_not_written,
}

use AlertKind::{Created, Extended, Withdrawn};
use Evidence::{Claimed, Computed};

fn forger() -> TenantId {
    tenant("forger")
}

async fn unit_that(store: &Store, tell_withdrawals: bool) {
    let settings = TenantSettings {
        tenant: unit(),
        is_unit: true,
        is_uploader: false,
        legal_basis: None,
        expiry_days: 30,
        tell_withdrawals,
        second_opinion: false,
        created_at: at(0),
    };
    store.tenants.put_tenant(&settings).await.unwrap();
}

fn of(by: &str, evidence: Evidence, reference: &ReferenceId, image: u64) -> FoundLead {
    FoundLead {
        uploaded_by: tenant(by),
        evidence,
        ..found(reference, image)
    }
}

async fn record(store: &Store, found: &FoundLead, seconds: i64) -> Recorded {
    let path = format!("{seconds}");
    let postings = [sighting(found.uploaded_by.as_str(), &path)];
    let recorded = store.leads.record_lead(found, &postings, at(seconds)).await;
    recorded.unwrap()
}

async fn lead(store: &Store, reference: &ReferenceId, image: u64) -> Lead {
    let id = LeadId::of(reference, &sha(image));
    store.leads.lead(&unit(), &id).await.unwrap().unwrap()
}

async fn status(store: &Store, reference: &ReferenceId, image: u64) -> LeadStatus {
    lead(store, reference, image).await.summary.status
}

async fn kinds(store: &Store) -> Vec<AlertKind> {
    let alerts = feed(store).await.into_iter();
    alerts.map(|alert| alert.kind).collect()
}

async fn withdraw(store: &Store, seconds: i64) -> LeadsWithdrawn {
    let withdrawn = store
        .leads
        .withdraw_retracted_leads(&unit(), &forger(), at(seconds))
        .await;
    withdrawn.unwrap()
}

fn withdrawn(leads: u64, posted_by_others: &[&ReferenceId]) -> LeadsWithdrawn {
    LeadsWithdrawn {
        leads,
        posted_by_others: posted_by_others.iter().copied().cloned().collect(),
    }
}

async fn from_then_on_no_lead_rests_on_what_was_retracted(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    store.leads.retract(&forger(), at(5)).await.unwrap();
    for evidence in [Claimed, Computed] {
        let found = of("forger", evidence, &id, 5);
        assert_eq!(record(&store, &found, 10).await, Recorded::Retracted);
    }
    let lead_id = LeadId::of(&id, &sha(5));
    assert_eq!(store.leads.lead(&unit(), &lead_id).await, Ok(None));
    let new = record(&store, &of("ngo", Computed, &id, 5), 20).await;
    assert!(matches!(new, Recorded::New { .. }), "{new:?}");
    let better = record(&store, &of("forger", Computed, &id, 5), 30).await;
    assert_eq!(better, Recorded::Retracted);
    assert_eq!(kinds(&store).await, [Created]);
}

async fn leads_that_rest_on_it_alone_are_withdrawn_and_told_where_the_unit_asks(
    World { store, .. }: World,
) {
    for (tells, expected) in [(false, vec![]), (true, vec![Withdrawn, Withdrawn])] {
        unit_that(&store, tells).await;
        let reference = if tells { 2 } else { 1 };
        let id = active_reference(&store, reference).await;
        let before = feed(&store).await.len();
        for image in [5, 6] {
            record(&store, &of("forger", Computed, &id, image), 10).await;
        }
        assert_eq!(feed(&store).await.len(), before + 2);
        store.leads.retract(&forger(), at(20)).await.unwrap();
        assert_eq!(withdraw(&store, 21).await.posted_by_others, BTreeSet::new());
        withdraw(&store, 22).await;
        for image in [5, 6] {
            let lead = lead(&store, &id, image).await;
            assert_eq!(lead.summary.status, LeadStatus::Withdrawn);
            assert_eq!(lead.summary.retracted, Some(forger()));
            assert!(lead.uploaders[0].retracted, "it says whose it was");
        }
        assert_eq!(kinds(&store).await, expected, "once, and no other alert");
        let told = feed(&store).await.into_iter();
        let mut told = told.filter(|alert| alert.kind == Withdrawn);
        assert!(told.all(|alert| alert.data.sightings.is_empty()));
        store
            .leads
            .lift_retraction(&forger(), at(30))
            .await
            .unwrap();
    }
}

async fn what_another_posted_too_stays_and_tells_nothing_of_the_retracted(
    World { store, .. }: World,
) {
    let id = active_reference(&store, 1).await;
    record(&store, &of("forger", Computed, &id, 5), 10).await;
    record(&store, &of("ngo", Computed, &id, 5), 20).await;
    store.leads.retract(&forger(), at(30)).await.unwrap();
    assert_eq!(withdraw(&store, 31).await, withdrawn(0, &[]));
    let stays = lead(&store, &id, 5).await;
    assert_eq!(stays.summary.status, LeadStatus::Open);
    let retracted = stays.uploaders.iter().filter(|by| by.retracted);
    let retracted: Vec<&str> = retracted.map(|by| by.uploaded_by.as_str()).collect();
    assert_eq!(retracted, ["forger"]);
    let lead_id = stays.summary.lead_id;
    let digest = store.leads.send_digest(&unit(), &lead_id, at(40)).await;
    assert!(matches!(digest, Ok(Some(_))), "{digest:?}");
    let told = feed(&store).await.pop().unwrap();
    assert_eq!(told.kind, Extended);
    assert_eq!(told.data.sightings, [sighting("ngo", "20")]);
}

async fn a_claim_of_the_retracted_is_no_evidence_for_what_others_posted(
    World { store, .. }: World,
) {
    let id = active_reference(&store, 1).await;
    record(&store, &of("forger", Claimed, &id, 5), 10).await;
    let posted = sighting("ngo", "honest");
    store
        .leads
        .extend_leads(&sha(5), &posted, at(20))
        .await
        .unwrap();
    store.leads.retract(&forger(), at(30)).await.unwrap();
    let expected = withdrawn(1, &[&id]);
    assert_eq!(withdraw(&store, 31).await, expected);
    assert_eq!(
        withdraw(&store, 32).await,
        expected,
        "a crash may have come before the search was begun"
    );
    assert_eq!(status(&store, &id, 5).await, LeadStatus::Withdrawn);
    record(&store, &of("ngo", Claimed, &id, 5), 40).await;
    let open = lead(&store, &id, 5).await.summary;
    assert_eq!(open.status, LeadStatus::Open);
    assert_eq!(open.evidence_by, Some(tenant("ngo")));
}

async fn what_a_person_decided_stays_and_a_later_verdict_holds(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let verdict = |verdict, seconds| VerdictEntry {
        verdict,
        decided_by: None,
        note: None,
        reason: None,
        decided_at: at(seconds),
    };
    let judged = [
        (5, Verdict::Confirmed, LeadStatus::Confirmed),
        (6, Verdict::Dismissed, LeadStatus::Dismissed),
        (7, Verdict::Unsure, LeadStatus::Withdrawn),
    ];
    for (image, decision, _) in judged {
        record(&store, &of("forger", Computed, &id, image), 10).await;
        let lead_id = LeadId::of(&id, &sha(image));
        let judged = store
            .leads
            .judge(&unit(), &lead_id, &verdict(decision, 20))
            .await;
        judged.unwrap();
    }
    store.leads.retract(&forger(), at(30)).await.unwrap();
    assert_eq!(withdraw(&store, 31).await, withdrawn(1, &[]));
    for (image, _, expected) in judged {
        assert_eq!(status(&store, &id, image).await, expected, "image {image}");
    }
    let lead_id = LeadId::of(&id, &sha(7));
    let confirmed = verdict(Verdict::Confirmed, 40);
    store
        .leads
        .judge(&unit(), &lead_id, &confirmed)
        .await
        .unwrap();
    withdraw(&store, 41).await;
    assert_eq!(status(&store, &id, 7).await, LeadStatus::Confirmed);
}

async fn a_withdrawn_lead_opens_again_by_anothers_evidence(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    record(&store, &of("forger", Computed, &id, 5), 10).await;
    store.leads.retract(&forger(), at(20)).await.unwrap();
    withdraw(&store, 21).await;
    assert_eq!(
        record(&store, &of("forger", Computed, &id, 5), 30).await,
        Recorded::Retracted
    );
    assert_eq!(status(&store, &id, 5).await, LeadStatus::Withdrawn);
    let honest = FoundLead {
        distance: 3,
        ..of("ngo", Computed, &id, 5)
    };
    record(&store, &honest, 40).await;
    let open = lead(&store, &id, 5).await.summary;
    assert_eq!((open.status, open.retracted), (LeadStatus::Open, None));
    assert_eq!(
        (open.distance, open.evidence_by),
        (3, Some(tenant("ngo"))),
        "it stands by the new evidence"
    );
    store
        .leads
        .send_digest(&unit(), &open.lead_id, at(50))
        .await
        .unwrap();
    assert_eq!(
        kinds(&store).await,
        [Created, Extended],
        "a pair is alerted once; that it is open again goes out as news of it"
    );
}

async fn a_held_lead_of_the_retracted_is_not_released(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    store
        .leads
        .release(&unit(), &id, Some(1), at(2))
        .await
        .unwrap();
    for image in [5, 6, 7] {
        record(&store, &of("forger", Computed, &id, image), 10).await;
    }
    store.leads.retract(&forger(), at(20)).await.unwrap();
    let released = store.leads.release(&unit(), &id, None, at(21)).await;
    let nothing = Released {
        alerted: 0,
        left: 0,
    };
    assert_eq!(released, Ok(nothing));
    assert_eq!(withdraw(&store, 22).await, withdrawn(3, &[]));
    assert_eq!(kinds(&store).await, []);
}

async fn a_retracted_uploader_extends_and_opens_nothing(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    record(&store, &of("ngo", Computed, &id, 5), 10).await;
    let lead_id = LeadId::of(&id, &sha(5));
    let dismissed = VerdictEntry {
        verdict: Verdict::Dismissed,
        decided_by: None,
        note: None,
        reason: None,
        decided_at: at(11),
    };
    store
        .leads
        .judge(&unit(), &lead_id, &dismissed)
        .await
        .unwrap();
    store.leads.retract(&forger(), at(12)).await.unwrap();
    let posted = sighting("forger", "late");
    let added = store.leads.extend_leads(&sha(5), &posted, at(20)).await;
    assert_eq!(added, Ok(1), "it is known, for the day it is lifted");
    assert_eq!(status(&store, &id, 5).await, LeadStatus::Dismissed);
    assert_eq!(store.leads.extended_leads(&unit()).await, Ok(vec![]));
}

async fn lifting_lets_the_same_evidence_open_the_lead_again(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let evidence = of("forger", Computed, &id, 5);
    record(&store, &evidence, 10).await;
    store.leads.retract(&forger(), at(20)).await.unwrap();
    withdraw(&store, 21).await;
    let lifting = store
        .leads
        .lift_retraction(&forger(), at(30))
        .await
        .unwrap();
    assert_eq!(lifting.state, RetractionState::Lifting);
    assert_eq!(store.leads.retracted().await, Ok(BTreeSet::new()));
    record(&store, &evidence, 40).await;
    assert_eq!(status(&store, &id, 5).await, LeadStatus::Open);
    store.leads.end_lifting(&lifting).await.unwrap();
    assert_eq!(store.leads.retraction(&forger()).await, Ok(None));
}

async fn a_retraction_and_its_lifting_can_be_repeated(World { store, .. }: World) {
    let gone = store.leads.lift_retraction(&forger(), at(1)).await;
    assert_eq!(gone, Err(Error::Gone("the retraction")));
    let first = store.leads.retract(&forger(), at(5)).await.unwrap();
    assert_eq!(
        store.leads.retract(&forger(), at(6)).await.as_ref(),
        Ok(&first)
    );
    let done = Retraction {
        state: RetractionState::Done,
        leads_withdrawn: 4,
        ..first.clone()
    };
    store.leads.save_retraction(&first, &done).await.unwrap();
    assert_eq!(
        store.leads.retract(&forger(), at(7)).await.as_ref(),
        Ok(&done)
    );
    let lifting = store.leads.lift_retraction(&forger(), at(8)).await.unwrap();
    let again = store.leads.lift_retraction(&forger(), at(9)).await;
    assert_eq!(again.as_ref(), Ok(&lifting));
    let second = store.leads.retract(&forger(), at(10)).await.unwrap();
    assert_eq!(
        (second.state, second.leads_withdrawn, second.retracted_at),
        (RetractionState::Withdrawing, 0, at(10))
    );
    store.leads.end_lifting(&lifting).await.unwrap();
    store.leads.save_retraction(&first, &done).await.unwrap();
    assert_eq!(
        store.leads.retraction(&forger()).await,
        Ok(Some(second)),
        "who speaks of the one before changes nothing"
    );
}

async fn leads_that_race_a_retraction_are_withdrawn_or_not_written(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let mut tasks = JoinSet::new();
    for image in 0..12 {
        let (store, id) = (store.clone(), id.clone());
        tasks.spawn(async move {
            record(&store, &of("forger", Computed, &id, image), 10).await;
        });
    }
    let retracting = store.clone();
    tasks.spawn(async move {
        retracting.leads.retract(&forger(), at(11)).await.unwrap();
    });
    tasks.join_all().await;
    withdraw(&store, 30).await;
    for image in 0..12 {
        let lead_id = LeadId::of(&id, &sha(image));
        let lead = store.leads.lead(&unit(), &lead_id).await.unwrap();
        let status = lead.map(|lead| lead.summary.status);
        assert!(
            matches!(status, None | Some(LeadStatus::Withdrawn)),
            "{status:?}"
        );
    }
    assert_eq!(kinds(&store).await, []);
}
