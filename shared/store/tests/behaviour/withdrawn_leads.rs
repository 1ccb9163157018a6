//! A unit that asked for it is told, once and without sightings, which leads a withdrawal took back.

use records::*;
use store::{LeadFilter, Store, Submitted};

use crate::fixtures::*;
use crate::host::World;

claims! {
    a_unit_that_did_not_ask_is_told_nothing_and_its_leads_are_closed,
    leads_of_an_expired_reference_are_closed_and_none_of_an_active_one,
    a_unit_that_asked_is_told_once_of_each_alerted_lead_and_of_no_sighting,
    a_lead_that_was_taken_back_opens_again_with_its_reference,
    a_lead_of_a_reference_that_was_back_before_leads_were_closed_is_told_again_once,
    a_digest_of_a_reference_that_ended_is_given_up,
    a_lead_of_an_older_build_rises_and_is_not_told_again,
    a_closed_lead_is_told_once_it_is_found_again_and_not_before,
    a_digest_that_was_told_since_is_not_told_again_when_the_lead_is_found,
    what_was_withdrawn_before_a_unit_asked_is_told_too,
}

async fn settle(store: &Store, tell_withdrawals: bool) {
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

/// A reference with two leads at alert level and one for review.
async fn three_leads(store: &Store) -> ReferenceId {
    let id = active_reference(store, 1).await;
    for image in [5, 6, 7] {
        recorded_ad(store, image, &format!("{image}")).await;
        let mut found = found(&id, image);
        if image == 7 {
            found.level = Level::Review;
        }
        store.leads.record_lead(&found, &[], at(10)).await.unwrap();
    }
    id
}

async fn status(store: &Store, id: &ReferenceId, image: u64) -> LeadStatus {
    let lead = LeadId::of(id, &sha(image));
    let found = store.leads.lead(&unit(), &lead).await.unwrap().unwrap();
    found.summary.status
}

async fn a_unit_that_did_not_ask_is_told_nothing_and_its_leads_are_closed(
    World { store, .. }: World,
) {
    settle(&store, false).await;
    let id = three_leads(&store).await;
    store
        .references
        .withdraw(&unit(), &id, at(20))
        .await
        .unwrap();
    assert_eq!(store.leads.take_back_leads(&unit(), at(21)).await, Ok(3));
    assert_eq!(store.leads.take_back_leads(&unit(), at(22)).await, Ok(0));
    assert!(feed(&store).await.is_empty());
    for image in [5, 6, 7] {
        assert_eq!(status(&store, &id, image).await, LeadStatus::Withdrawn);
    }
    let open = LeadFilter {
        status: Some(LeadStatus::Open),
        ..LeadFilter::default()
    };
    let inbox = store.leads.leads(&unit(), &open, None, 100).await.unwrap();
    assert!(inbox.items.is_empty(), "no inbox shows them");
}

async fn leads_of_an_expired_reference_are_closed_and_none_of_an_active_one(
    World { store, .. }: World,
) {
    settle(&store, true).await;
    let id = three_leads(&store).await;
    let expires_at = reference("case 7", 1).expires_at;
    let other = active_reference(&store, 2).await;
    recorded_ad(&store, 8, "8").await;
    let found = found(&other, 8);
    store.leads.record_lead(&found, &[], at(10)).await.unwrap();
    store
        .references
        .expire(&unit(), &id, expires_at)
        .await
        .unwrap();
    assert_eq!(
        store.leads.take_back_leads(&unit(), expires_at).await,
        Ok(3)
    );
    assert_eq!(status(&store, &id, 5).await, LeadStatus::Withdrawn);
    assert_eq!(status(&store, &other, 8).await, LeadStatus::Open);
    assert_eq!(feed(&store).await.len(), 1, "only withdrawals are told");
}

async fn a_unit_that_asked_is_told_once_of_each_alerted_lead_and_of_no_sighting(
    World { store, .. }: World,
) {
    settle(&store, true).await;
    let id = three_leads(&store).await;
    assert_eq!(store.leads.take_back_leads(&unit(), at(19)).await, Ok(0));
    store
        .references
        .withdraw(&unit(), &id, at(20))
        .await
        .unwrap();
    assert_eq!(store.leads.take_back_leads(&unit(), at(21)).await, Ok(3));
    assert_eq!(store.leads.take_back_leads(&unit(), at(22)).await, Ok(0));
    let told = feed(&store).await;
    assert_eq!(told.len(), 2, "what was alerted before is out of the feed");
    for alert in &told {
        assert_eq!(alert.kind, AlertKind::Withdrawn);
        assert_eq!(alert.data.status, LeadStatus::Withdrawn);
        assert_eq!(
            (alert.data.sightings.len(), alert.data.sightings_total),
            (0, 0)
        );
    }
    assert_eq!(status(&store, &id, 5).await, LeadStatus::Withdrawn);
    assert_eq!(
        status(&store, &id, 7).await,
        LeadStatus::Withdrawn,
        "closed silently"
    );
}

/// Submits the first reference once more, from second 25 on, and activates it.
async fn submit_again(store: &Store, id: &ReferenceId) {
    let mut again = reference("case 7", 1);
    again.created_at = at(25);
    let fingerprint = reference_fingerprint(1);
    let submitted = store.references.submit(&unit(), &again, &fingerprint).await;
    assert_eq!(submitted, Ok(Submitted::New));
    let activated = store.references.activate(&unit(), id, at(30)).await;
    activated.unwrap();
}

/// How many leads a round of digests told.
async fn digests(store: &Store, seconds: i64) -> usize {
    let mut told = 0;
    for lead in store.leads.extended_leads(&unit()).await.unwrap() {
        let sent = store.leads.send_digest(&unit(), &lead, at(seconds)).await;
        told += usize::from(sent.unwrap().is_some());
    }
    told
}

async fn a_lead_of_a_reference_that_was_back_before_leads_were_closed_is_told_again_once(
    World { store, .. }: World,
) {
    let id = three_leads(&store).await;
    let withdrawn = store.references.withdraw(&unit(), &id, at(20)).await;
    withdrawn.unwrap();
    submit_again(&store, &id).await;
    assert_eq!(digests(&store, 31).await, 0, "not yet found again");
    for round in 0..3 {
        for image in [5, 6, 7] {
            let mut found = found(&id, image);
            if image == 7 {
                found.level = Level::Review;
            }
            let recorded = store.leads.record_lead(&found, &[], at(32)).await;
            recorded.unwrap();
        }
        let told = if round == 0 { 2 } else { 0 };
        assert_eq!(digests(&store, 40 + round).await, told, "round {round}");
    }
    let told: Vec<AlertKind> = feed(&store).await.iter().map(|it| it.kind).collect();
    let (created, extended) = (AlertKind::Created, AlertKind::Extended);
    assert_eq!(told, [created, created, extended, extended]);
}

async fn a_digest_of_a_reference_that_ended_is_given_up(World { store, .. }: World) {
    let id = three_leads(&store).await;
    let withdrawn = store.references.withdraw(&unit(), &id, at(20)).await;
    withdrawn.unwrap();
    submit_again(&store, &id).await;
    let known = store.leads.record_lead(&found(&id, 5), &[], at(32)).await;
    known.unwrap();
    let withdrawn = store.references.withdraw(&unit(), &id, at(33)).await;
    withdrawn.unwrap();
    assert_eq!(digests(&store, 34).await, 0, "the reference is not active");
    assert_eq!(store.leads.extended_leads(&unit()).await, Ok(Vec::new()));
}

async fn a_lead_that_was_taken_back_opens_again_with_its_reference(World { store, .. }: World) {
    settle(&store, true).await;
    let id = three_leads(&store).await;
    let lead = LeadId::of(&id, &sha(5));
    let verdict = VerdictEntry {
        verdict: Verdict::Confirmed,
        decided_by: None,
        note: None,
        reason: None,
        decided_at: at(12),
    };
    store.leads.judge(&unit(), &lead, &verdict).await.unwrap();
    store
        .references
        .withdraw(&unit(), &id, at(20))
        .await
        .unwrap();
    assert_eq!(store.leads.take_back_leads(&unit(), at(21)).await, Ok(3));
    submit_again(&store, &id).await;
    assert_eq!(store.leads.take_back_leads(&unit(), at(31)).await, Ok(0));
    for _ in 0..2 {
        store
            .leads
            .record_lead(&found(&id, 5), &[], at(32))
            .await
            .unwrap();
        store
            .leads
            .record_lead(&found(&id, 6), &[], at(32))
            .await
            .unwrap();
    }
    assert_eq!(status(&store, &id, 5).await, LeadStatus::Confirmed);
    assert_eq!(status(&store, &id, 6).await, LeadStatus::Open);
    assert_eq!(digests(&store, 40).await, 2);
    let mut told: Vec<AlertKind> = feed(&store).await.iter().map(|it| it.kind).collect();
    let last = told.split_off(told.len() - 2);
    assert_eq!(last, [AlertKind::Extended; 2]);
    let created = told.iter().filter(|kind| **kind == AlertKind::Created);
    assert_eq!(created.count(), 2, "no pair is alerted twice");
}

async fn what_was_withdrawn_before_a_unit_asked_is_told_too(World { store, .. }: World) {
    settle(&store, false).await;
    let id = three_leads(&store).await;
    store
        .references
        .withdraw(&unit(), &id, at(20))
        .await
        .unwrap();
    settle(&store, true).await;
    assert_eq!(store.leads.take_back_leads(&unit(), at(21)).await, Ok(3));
    assert_eq!(feed(&store).await.len(), 2);
}

/// Takes from a lead what builds before it was there did not write.
async fn without_activation(sdk: &aws_config::SdkConfig, store: &Store, lead: &LeadId) {
    let table = format!("{}leads", store.names().table_prefix);
    let text = |it: &str| aws_sdk_dynamodb::types::AttributeValue::S(it.to_owned());
    let client = aws_sdk_dynamodb::Client::new(sdk);
    let update = client.update_item().table_name(table);
    let update = update
        .key("pk", text("unit"))
        .key("sk", text(&format!("lead#{lead}")));
    let update = update.update_expression("REMOVE reference_activated_at");
    update.send().await.unwrap();
}

async fn a_lead_of_an_older_build_rises_and_is_not_told_again(World { store, sdk, .. }: World) {
    let id = three_leads(&store).await;
    for image in [5, 7] {
        without_activation(&sdk, &store, &LeadId::of(&id, &sha(image))).await;
        let recorded = store
            .leads
            .record_lead(&found(&id, image), &[], at(12))
            .await;
        let is_raised = matches!(recorded, Ok(store::Recorded::Raised { .. }));
        assert_eq!(is_raised, image == 7, "{recorded:?}");
    }
    assert_eq!(digests(&store, 20).await, 0);
}

/// Posts image 5 once more and has the sighting added to its lead, which makes it due for a digest.
async fn posted_again(store: &Store, seconds: i64) {
    let key = AdKey::parse(&format!("ads/agency/{seconds}.jpg")).unwrap();
    let sighting = Sighting::of(&key, &AdMetadata::default());
    let added = store
        .leads
        .extend_leads(&sha(5), &sighting, at(seconds))
        .await;
    assert_eq!(added, Ok(1));
}

async fn a_closed_lead_is_told_once_it_is_found_again_and_not_before(World { store, .. }: World) {
    let id = three_leads(&store).await;
    posted_again(&store, 12).await;
    let withdrawn = store.references.withdraw(&unit(), &id, at(20)).await;
    withdrawn.unwrap();
    assert_eq!(store.leads.take_back_leads(&unit(), at(21)).await, Ok(3));
    submit_again(&store, &id).await;
    assert_eq!(digests(&store, 31).await, 0, "it is closed still");
    posted_again(&store, 32).await;
    assert_eq!(digests(&store, 33).await, 0);
    let found_again = store.leads.record_lead(&found(&id, 5), &[], at(34)).await;
    found_again.unwrap();
    assert_eq!(digests(&store, 35).await, 1);
    let last = feed(&store).await.pop().unwrap();
    assert_eq!(
        (last.kind, last.data.status),
        (AlertKind::Extended, LeadStatus::Open)
    );
}

async fn a_digest_that_was_told_since_is_not_told_again_when_the_lead_is_found(
    World { store, .. }: World,
) {
    let id = three_leads(&store).await;
    posted_again(&store, 12).await;
    let withdrawn = store.references.withdraw(&unit(), &id, at(20)).await;
    withdrawn.unwrap();
    submit_again(&store, &id).await;
    assert_eq!(digests(&store, 31).await, 1);
    for round in 0..2 {
        let found_again = store
            .leads
            .record_lead(&found(&id, 5), &[], at(32 + round))
            .await;
        found_again.unwrap();
        assert_eq!(digests(&store, 40 + round).await, 0);
    }
}
