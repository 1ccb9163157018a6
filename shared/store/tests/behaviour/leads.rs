use records::*;
use store::{Error, LeadFilter, Recorded};

use crate::fixtures::*;
use crate::host::World;

claims! {
    a_pair_has_one_lead_and_one_alert,
    an_alert_tells_the_sightings_known_and_no_hash,
    a_later_sighting_extends_the_lead_and_goes_out_in_one_digest,
    very_many_sightings_all_belong_to_the_lead,
    a_posting_comes_with_the_match_and_stands_in_the_lead_alone,
    the_largest_sightings_fit_an_alert,
    a_withdrawn_reference_never_alerts,
    a_lead_for_review_sends_nothing,
    a_verdict_is_kept_and_told_once,
    leads_are_listed_newest_first_and_filtered,
    another_units_lead_looks_like_a_missing_one,
}

fn lead_id(recorded: Recorded) -> LeadId {
    match recorded {
        Recorded::NotActive => panic!("the reference is active"),
        recorded => recorded.lead_id().cloned().unwrap(),
    }
}

async fn a_pair_has_one_lead_and_one_alert(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let sighting = recorded_ad(&store, 5, "a").await;
    let first = store
        .leads
        .record_lead(&found(&id, 5), &[], at(10))
        .await
        .unwrap();
    let lead = LeadId::of(&id, &sha(5));
    assert_eq!(
        first,
        Recorded::New {
            lead_id: lead.clone(),
            alert_seq: Some(1)
        }
    );
    let mut newer_policy = found(&id, 5);
    newer_policy.policy_version = 2;
    let again = store
        .leads
        .record_lead(&newer_policy, &[], at(11))
        .await
        .unwrap();
    assert_eq!(again, Recorded::Known(lead.clone()));
    let stored = store.leads.lead(&unit(), &lead).await.unwrap().unwrap();
    assert!(stored.sightings == [sighting]);
    let LeadSummary {
        case_id,
        policy_version,
        status,
        created_at,
        outline,
        ..
    } = stored.summary;
    assert_eq!(case_id.as_str(), "case 7");
    assert_eq!(
        (policy_version, status, created_at),
        (1, LeadStatus::Open, at(10))
    );
    assert_eq!(outline, found(&id, 5).outline);
    assert_eq!(feed(&store).await.len(), 1);
}

async fn an_alert_tells_the_sightings_known_and_no_hash(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    recorded_ad(&store, 5, "a").await;
    recorded_ad(&store, 5, "b").await;
    store
        .leads
        .record_lead(&found(&id, 5), &[], at(10))
        .await
        .unwrap();
    let alerts = feed(&store).await;
    let [alert] = &alerts[..] else {
        panic!("one alert")
    };
    assert_eq!(
        (alert.kind, alert.created_at, alert.seq),
        (AlertKind::Created, at(10), 1)
    );
    assert_eq!(alert.data.sightings.len(), 2);
    assert_eq!(alert.data.sightings_total, 2);
    assert_eq!(
        store.leads.alert(&unit(), 1).await.unwrap().as_ref(),
        Some(alert)
    );
    assert_eq!(store.leads.alert(&unit(), 2).await.unwrap(), None);
    assert_eq!(
        store.leads.extended_leads(&unit()).await.unwrap(),
        [],
        "nothing more to tell"
    );
}

async fn a_later_sighting_extends_the_lead_and_goes_out_in_one_digest(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    recorded_ad(&store, 5, "a").await;
    let lead = lead_id(
        store
            .leads
            .record_lead(&found(&id, 5), &[], at(10))
            .await
            .unwrap(),
    );
    for path in ["b", "c", "c"] {
        let sighting = recorded_ad(&store, 5, path).await;
        store
            .leads
            .extend_leads(&sha(5), &sighting, at(15))
            .await
            .unwrap();
    }
    let unknown = store
        .leads
        .extend_leads(&sha(6), &sighting("uploader", "d"), at(15))
        .await
        .unwrap();
    assert_eq!(unknown, 0, "an image without leads extends none");
    assert_eq!(
        store
            .leads
            .lead(&unit(), &lead)
            .await
            .unwrap()
            .unwrap()
            .sightings
            .len(),
        3
    );
    assert_eq!(feed(&store).await.len(), 1, "no alert for each sighting");
    assert_eq!(
        store.leads.extended_leads(&unit()).await.unwrap(),
        std::slice::from_ref(&lead)
    );
    assert_eq!(
        store
            .leads
            .send_digest(&unit(), &lead, at(20))
            .await
            .unwrap(),
        Some(2)
    );
    assert_eq!(
        store
            .leads
            .send_digest(&unit(), &lead, at(21))
            .await
            .unwrap(),
        None
    );
    assert_eq!(store.leads.extended_leads(&unit()).await.unwrap(), []);
    let alerts = feed(&store).await;
    let kinds: Vec<_> = alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::Created, AlertKind::Extended]);
    assert_eq!(alerts[1].data.sightings.len(), 3);
}

async fn very_many_sightings_all_belong_to_the_lead(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    for n in 0..70 {
        recorded_ad(&store, 5, &format!("{n:03}")).await;
    }
    let lead = lead_id(
        store
            .leads
            .record_lead(&found(&id, 5), &[], at(10))
            .await
            .unwrap(),
    );
    let alerts = feed(&store).await;
    assert_eq!(alerts[0].data.sightings.len(), AlertData::SIGHTINGS_MAX);
    assert_eq!(alerts[0].data.sightings_total, 70);
    let all = store.leads.lead_sightings(&unit(), &lead).await.unwrap();
    assert_eq!(all.len(), 70);
    let shown = store.leads.lead(&unit(), &lead).await.unwrap().unwrap();
    assert_eq!(shown.sightings.len(), Lead::SIGHTINGS_MAX);
    assert_eq!(shown.summary.sightings_total, Some(70));
}

async fn the_largest_sightings_fit_an_alert(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let widest = "😀".repeat(Label::CHARS_MAX);
    let url = format!(
        "https://ads.example/{}",
        "x".repeat(SourceUrl::BYTES_MAX - 20)
    );
    let pairs = [
        ("source-url", url.as_str()),
        ("ad-id", &widest),
        ("place", &widest),
    ];
    let (metadata, notes) = AdMetadata::parse(pairs);
    assert_eq!(notes, []);
    put_ad(&store, "uploader", 5).await;
    for n in 0..AlertData::SIGHTINGS_MAX {
        let key = ad_key("uploader", &format!("{n:0>1011}"));
        let sighting = Sighting::of(&key, &metadata);
        store
            .uploads
            .record_sighting(&image(5), &sighting, at(2))
            .await
            .unwrap();
    }
    let recorded = store
        .leads
        .record_lead(&found(&id, 5), &[], at(10))
        .await
        .unwrap();
    assert!(matches!(
        recorded,
        Recorded::New {
            alert_seq: Some(1),
            ..
        }
    ));
    assert_eq!(
        feed(&store).await[0].data.sightings.len(),
        AlertData::SIGHTINGS_MAX
    );
}

async fn a_posting_comes_with_the_match_and_stands_in_the_lead_alone(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let known = recorded_ad(&store, 5, "b").await;
    let posting = |path| [sighting("uploader", path)];
    let record = async |postings: &[Sighting]| {
        let found = found(&id, 5);
        let recorded = store.leads.record_lead(&found, postings, at(10)).await;
        lead_id(recorded.unwrap())
    };
    let lead = record(&posting("a")).await;
    let alert = feed(&store).await.remove(0);
    let expected = [sighting("uploader", "a"), known.clone()];
    assert!(alert.data.sightings == expected, "in the alert");
    record(&posting("a")).await;
    record(std::slice::from_ref(&known)).await;
    assert_eq!(store.leads.extended_leads(&unit()).await.unwrap(), []);
    record(&posting("c")).await;
    assert_eq!(
        store.leads.extended_leads(&unit()).await.unwrap(),
        std::slice::from_ref(&lead)
    );
    let sent = store
        .leads
        .send_digest(&unit(), &lead, at(20))
        .await
        .unwrap();
    assert_eq!(sent, Some(2));
    assert_eq!(feed(&store).await.len(), 2, "one alert and one digest");
    let stored = store.leads.lead(&unit(), &lead).await.unwrap().unwrap();
    assert_eq!(stored.sightings.len(), 3);
    let told = store.uploads.sightings(&sha(5)).await.unwrap();
    assert!(
        told == [known],
        "an uploader's own records do not grow by a match"
    );
}

async fn a_withdrawn_reference_never_alerts(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    recorded_ad(&store, 5, "a").await;
    let lead = lead_id(
        store
            .leads
            .record_lead(&found(&id, 5), &[], at(10))
            .await
            .unwrap(),
    );
    let sighting = recorded_ad(&store, 5, "b").await;
    store
        .leads
        .extend_leads(&sha(5), &sighting, at(15))
        .await
        .unwrap();
    store
        .references
        .withdraw(&unit(), &id, at(11))
        .await
        .unwrap();
    assert_eq!(
        store
            .leads
            .record_lead(&found(&id, 6), &[], at(12))
            .await
            .unwrap(),
        Recorded::NotActive
    );
    assert_eq!(
        store
            .leads
            .extend_leads(&sha(5), &sighting, at(15))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        store
            .leads
            .send_digest(&unit(), &lead, at(20))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store.leads.extended_leads(&unit()).await.unwrap(),
        [],
        "nothing is left to send"
    );
    assert!(
        feed(&store).await.is_empty(),
        "not even what was written before"
    );
    assert_eq!(store.leads.alert(&unit(), 2).await.unwrap(), None);
    let unknown = reference("nobody", 99).reference_id;
    assert_eq!(
        store
            .leads
            .record_lead(&found(&unknown, 5), &[], at(12))
            .await
            .unwrap(),
        Recorded::NotActive
    );
}

async fn a_lead_for_review_sends_nothing(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    recorded_ad(&store, 5, "a").await;
    let found = FoundLead {
        level: Level::Review,
        ..found(&id, 5)
    };
    let recorded = store.leads.record_lead(&found, &[], at(10)).await.unwrap();
    assert!(matches!(
        recorded,
        Recorded::New {
            alert_seq: None,
            ..
        }
    ));
    let sighting = recorded_ad(&store, 5, "b").await;
    assert_eq!(
        store
            .leads
            .extend_leads(&sha(5), &sighting, at(15))
            .await
            .unwrap(),
        1
    );
    assert_eq!(store.leads.extended_leads(&unit()).await.unwrap(), []);
    assert!(feed(&store).await.is_empty());
    let lead = store
        .leads
        .lead(&unit(), &lead_id(recorded))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(lead.sightings.len(), 2);
}

fn verdict(verdict: Verdict, seconds: i64) -> VerdictEntry {
    VerdictEntry {
        verdict,
        decided_by: Some(Label::parse("desk 3").unwrap()),
        note: None,
        reason: None,
        decided_at: at(seconds),
    }
}

async fn a_verdict_is_kept_and_told_once(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    recorded_ad(&store, 5, "a").await;
    let lead = lead_id(
        store
            .leads
            .record_lead(&found(&id, 5), &[], at(10))
            .await
            .unwrap(),
    );
    for seconds in [20, 21] {
        let judged = store
            .leads
            .judge(&unit(), &lead, &verdict(Verdict::Confirmed, seconds))
            .await
            .unwrap();
        assert_eq!(judged.status, LeadStatus::Confirmed);
    }
    store
        .leads
        .judge(&unit(), &lead, &verdict(Verdict::Dismissed, 30))
        .await
        .unwrap();
    let stored = store
        .leads
        .lead(&unit(), &lead)
        .await
        .unwrap()
        .unwrap()
        .summary;
    assert_eq!(stored.status, LeadStatus::Dismissed);
    assert_eq!(stored.verdict, Some(verdict(Verdict::Dismissed, 30)));
    let told: Vec<_> = feed(&store)
        .await
        .into_iter()
        .map(|alert| (alert.kind, alert.data.status))
        .collect();
    assert_eq!(
        told,
        [
            (AlertKind::Created, LeadStatus::Open),
            (AlertKind::Verdict, LeadStatus::Confirmed),
            (AlertKind::Verdict, LeadStatus::Dismissed),
        ]
    );
    let missing = LeadId::of(&id, &sha(99));
    let refused = store
        .leads
        .judge(&unit(), &missing, &verdict(Verdict::Unsure, 40))
        .await;
    assert_eq!(refused, Err(Error::Gone("the lead")));
    store
        .references
        .withdraw(&unit(), &id, at(50))
        .await
        .unwrap();
    let refused = store
        .leads
        .judge(&unit(), &lead, &verdict(Verdict::Unsure, 51))
        .await;
    assert_eq!(refused, Err(Error::Gone("the lead's reference")));
}

async fn leads_are_listed_newest_first_and_filtered(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    for n in 0..5 {
        let level = if n == 3 { Level::Review } else { Level::Alert };
        let found = FoundLead {
            level,
            ..found(&id, n)
        };
        recorded_ad(&store, n, &format!("{n}")).await;
        store
            .leads
            .record_lead(&found, &[], at(10 + n as i64))
            .await
            .unwrap();
    }
    let listed = |filter: LeadFilter| {
        let store = store.clone();
        async move {
            let (mut times, mut cursor) = (Vec::new(), None);
            loop {
                let page = store
                    .leads
                    .leads(&unit(), &filter, cursor.as_ref(), 2)
                    .await
                    .unwrap();
                assert!(page.items.iter().all(|lead| lead.sightings.len() == 1));
                times.extend(page.items.into_iter().map(|lead| lead.summary.created_at));
                match page.next {
                    Some(next) => cursor = Some(next),
                    None => return times,
                }
            }
        }
    };
    let all = listed(LeadFilter::default()).await;
    assert_eq!(all, [at(14), at(13), at(12), at(11), at(10)]);
    let review = LeadFilter {
        level: Some(Level::Review),
        ..LeadFilter::default()
    };
    assert_eq!(listed(review).await, [at(13)]);
    let other_case = CaseId::parse("other").unwrap();
    let case = LeadFilter {
        case_id: Some(other_case),
        ..LeadFilter::default()
    };
    assert!(listed(case).await.is_empty());
    let judged = LeadFilter {
        status: Some(LeadStatus::Open),
        ..LeadFilter::default()
    };
    assert_eq!(listed(judged).await.len(), 5);
}

async fn another_units_lead_looks_like_a_missing_one(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let lead = lead_id(
        store
            .leads
            .record_lead(&found(&id, 5), &[], at(10))
            .await
            .unwrap(),
    );
    let other = tenant("other");
    assert_eq!(store.leads.lead(&other, &lead).await.unwrap(), None);
    let refused = store
        .leads
        .judge(&other, &lead, &verdict(Verdict::Confirmed, 1))
        .await;
    assert_eq!(refused, Err(Error::Gone("the lead")));
    let listed = store
        .leads
        .leads(&other, &LeadFilter::default(), None, 10)
        .await
        .unwrap();
    assert!(listed.items.is_empty());
    assert_eq!(
        store.leads.alerts(&other, None, 10).await.unwrap().items,
        []
    );
}
