//! Very many postings of one picture by one uploader: a lead keeps the first, counts the others once
//! however they come, and those of all others are kept as ever.

use std::collections::BTreeSet;

use records::*;
use store::{ErasedBy, Store};

use crate::fixtures::*;
use crate::host::World;

claims! {
    the_first_postings_of_an_uploader_are_kept_and_the_others_counted,
    a_posting_counts_once_however_the_work_is_cut_and_repeated,
    uploads_of_the_same_bytes_are_bounded_as_postings_are,
    beyond_what_is_counted_nothing_is_written,
    what_is_beyond_is_still_told_and_erased,
}

const KEPT: usize = LeadUploader::SIGHTINGS_KEPT_MAX;
const COUNTED: u64 = LeadUploader::SIGHTINGS_COUNTED_MAX;

fn postings(by: &str, range: std::ops::Range<usize>) -> Vec<Sighting> {
    range.map(|n| sighting(by, &format!("{n:05}"))).collect()
}

async fn record(store: &Store, reference: &ReferenceId, by: &str, postings: &[Sighting]) {
    let found = FoundLead {
        uploaded_by: tenant(by),
        ..found(reference, 5)
    };
    let recorded = store.leads.record_lead(&found, postings, at(10)).await;
    assert!(recorded.unwrap().lead_id().is_some());
}

async fn lead(store: &Store, reference: &ReferenceId) -> Lead {
    let id = LeadId::of(reference, &sha(5));
    store.leads.lead(&unit(), &id).await.unwrap().unwrap()
}

/// By uploader, as the lead tells them, and their sum.
fn counts(lead: &Lead) -> (Vec<u64>, u64) {
    let of_uploaders = lead.uploaders.iter().map(|it| it.sightings).collect();
    (of_uploaders, lead.summary.sightings_total.unwrap())
}

async fn kept(store: &Store, lead: &Lead) -> Vec<Sighting> {
    let id = &lead.summary.lead_id;
    store.leads.lead_sightings(&unit(), id).await.unwrap()
}

async fn the_first_postings_of_an_uploader_are_kept_and_the_others_counted(
    World { store, .. }: World,
) {
    let id = active_reference(&store, 1).await;
    let (flood, ngo) = (postings("flood", 0..1_000), postings("ngo", 0..3));
    record(&store, &id, "flood", &flood).await;
    record(&store, &id, "ngo", &ngo).await;
    let lead = lead(&store, &id).await;
    assert_eq!(counts(&lead), (vec![1_000, 3], 1_003));
    assert_eq!(lead.sightings.len(), Lead::SIGHTINGS_MAX);
    assert!(lead.sightings.contains(&ngo[0]), "nobody is hidden");
    let expected: Vec<_> = flood[..KEPT].iter().chain(&ngo).cloned().collect();
    assert!(kept(&store, &lead).await == expected);
    let (lead_id, mut paged, mut cursor) = (&lead.summary.lead_id, BTreeSet::new(), None);
    loop {
        let page = store
            .leads
            .lead_sightings_page(&unit(), lead_id, cursor.as_ref(), 40)
            .await
            .unwrap();
        assert!(page.items.len() <= 40);
        paged.extend(page.items.into_iter().map(|it| it.object_key));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(paged.len(), KEPT + 3, "the same by the page");
    let other = LeadId::of(&id, &sha(6));
    let foreign = store
        .leads
        .lead_sightings_page(&unit(), &other, cursor.as_ref(), 40)
        .await;
    assert!(matches!(foreign, Err(store::Error::Rejected(_))));
    let known = store.leads.known_sightings(&unit(), lead_id).await.unwrap();
    assert!(flood.iter().chain(&ngo).all(|it| known.has(&it.object_key)));
    assert!(!known.has(&ad_key("flood", "another")));
    assert!(!known.has(&ad_key("nobody", "00001")));
    assert_eq!(known.total(), Some(1_003));
}

async fn a_posting_counts_once_however_the_work_is_cut_and_repeated(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    // As packs bring them, then as a search does, and once more after a crash.
    for range in [0..60, 60..256, 256..700, 0..256] {
        record(&store, &id, "flood", &postings("flood", range)).await;
    }
    let mut backwards = postings("flood", 50..1_200);
    backwards.reverse();
    record(&store, &id, "flood", &backwards).await;
    let twice = [postings("flood", 0..90), postings("flood", 0..90)].concat();
    record(&store, &id, "flood", &twice).await;
    let lead = lead(&store, &id).await;
    assert_eq!(counts(&lead), (vec![1_200], 1_200));
    assert!(kept(&store, &lead).await == postings("flood", 0..KEPT));
    let known = store
        .leads
        .known_sightings(&unit(), &lead.summary.lead_id)
        .await;
    assert_eq!(known.unwrap().total(), Some(1_200));
}

async fn uploads_of_the_same_bytes_are_bounded_as_postings_are(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let (before, uploads) = (KEPT - 3, KEPT + 5);
    record(&store, &id, "uploader", &postings("uploader", 0..before)).await;
    for n in before..uploads {
        let sighting = recorded_ad(&store, 5, &format!("{n:05}")).await;
        for is_new in [1, 0] {
            let added = store.leads.extend_leads(&sha(5), &sighting, at(15)).await;
            assert_eq!(added.unwrap(), is_new, "upload {n}");
        }
    }
    record(&store, &id, "uploader", &[]).await; // reads all that is recorded
    let lead = lead(&store, &id).await;
    assert_eq!(counts(&lead), (vec![uploads as u64], uploads as u64));
    assert_eq!(kept(&store, &lead).await.len(), KEPT);
}

async fn beyond_what_is_counted_nothing_is_written(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let lead_id = LeadId::of(&id, &sha(5));
    let all = postings("flood", 0..COUNTED as usize + 50);
    record(&store, &id, "flood", &all).await;
    assert_eq!(counts(&lead(&store, &id).await), (vec![COUNTED], COUNTED));
    store
        .leads
        .send_digest(&unit(), &lead_id, at(20))
        .await
        .unwrap();
    record(&store, &id, "flood", &all).await;
    let more = postings("flood", 20_000..20_050);
    record(&store, &id, "flood", &more).await;
    assert_eq!(store.leads.extended_leads(&unit()).await.unwrap(), []);
    let known = store
        .leads
        .known_sightings(&unit(), &lead_id)
        .await
        .unwrap();
    assert!(known.has(&more[0].object_key), "it is among 'or more'");
    assert_eq!(known.total(), Some(COUNTED));
    record(&store, &id, "ngo", &postings("ngo", 0..2)).await;
    let lead = lead(&store, &id).await;
    assert_eq!(counts(&lead), (vec![COUNTED, 2], COUNTED + 2));
}

async fn what_is_beyond_is_still_told_and_erased(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let lead_id = LeadId::of(&id, &sha(5));
    record(&store, &id, "flood", &postings("flood", 0..KEPT)).await;
    store
        .leads
        .send_digest(&unit(), &lead_id, at(20))
        .await
        .unwrap();
    record(&store, &id, "flood", &postings("flood", KEPT..KEPT + 7)).await;
    let told = store
        .leads
        .send_digest(&unit(), &lead_id, at(30))
        .await
        .unwrap();
    let alert = store
        .leads
        .alert(&unit(), told.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(alert.kind, AlertKind::Extended);
    assert_eq!(alert.data.sightings_total, KEPT as u64 + 7);
    store
        .references
        .withdraw(&unit(), &id, at(40))
        .await
        .unwrap();
    let by = ErasedBy {
        unit: &unit(),
        erasure: &ErasureId::from_random(&[3; 16]),
    };
    let erased = store.leads.erase_leads(by, &BTreeSet::from([id])).await;
    assert_eq!(erased, Ok(()));
    let known = store
        .leads
        .known_sightings(&unit(), &lead_id)
        .await
        .unwrap();
    assert_eq!(known.total(), Some(0), "no mark is left");
    assert!(!known.has(&ad_key("flood", "00000")));
}
