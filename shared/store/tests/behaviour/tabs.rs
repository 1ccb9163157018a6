//! The inbox of a unit: each lead is listed where it belongs and counted once, whatever happened to it.
//!
//! That entries and counts agree with the leads is looked at after every claim of this crate, past the store
//! ([`agree`]); here stand the listings themselves, and leads of older builds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use records::*;
use store::{ErasedBy, Store, TabQuery};

use crate::fixtures::*;
use crate::host::World;

claims! {
    a_tab_is_listed_by_time_in_pages_and_counted_by_level,
    a_verdict_moves_a_lead_and_taking_it_back_moves_it_again,
    leads_of_an_older_build_are_listed_when_their_unit_is_counted,
    a_lead_that_is_listed_nowhere_is_judged_all_the_same,
    what_is_erased_is_listed_nowhere,
    places_are_kept_as_sightings_come,
}

type Item = HashMap<String, AttributeValue>;

/// Everything in the leads table, past the store.
async fn items(sdk: &aws_config::SdkConfig, table_prefix: &str) -> Vec<Item> {
    let client = aws_sdk_dynamodb::Client::new(sdk);
    let scan = client.scan().table_name(format!("{table_prefix}leads"));
    let pages = scan.consistent_read(true).into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.unwrap()
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item[name].as_s().unwrap()
}

/// Checks that each lead has its entry in one tab and with its reference, and is counted once.
pub async fn agree(sdk: &aws_config::SdkConfig, table_prefix: &str) {
    let (mut expected, mut entries) = (BTreeSet::new(), BTreeSet::new());
    let (mut expected_counts, mut counts) = (BTreeMap::new(), BTreeMap::new());
    for item in items(sdk, table_prefix).await {
        let (pk, sk) = (text(&item, "pk").to_owned(), text(&item, "sk").to_owned());
        if sk.starts_with("of#") {
            entries.insert(format!("{pk} {sk} {}", text(&item, "lead_id")));
        } else if sk.starts_with("tab#") {
            let entry: TabEntry = serde_dynamo::from_item(item).unwrap();
            entries.insert(format!("{pk} {sk} {entry:?}"));
        } else if let Some(reference) = sk.strip_prefix("count#") {
            for (counter, count) in item {
                let count = count
                    .as_n()
                    .map_or(0, |count| count.parse::<i64>().unwrap());
                if count != 0 {
                    counts.insert(format!("{pk} {reference} {counter}"), count);
                }
            }
        } else if sk.starts_with("lead#") {
            let lead: LeadSummary = serde_dynamo::from_item(item).unwrap();
            let (tab, entry) = (lead.tab().as_str(), lead.tab_entry());
            let (at, id, of) = (lead.created_at, &lead.lead_id, &lead.reference_id);
            expected.insert(format!("{pk} tab#{tab}#{at}#{id} {entry:?}"));
            expected.insert(format!("{pk} of#{of}#{at}#{id} {id}"));
            let counter = format!("{pk} {of} {tab}_{}", lead.level.as_str());
            *expected_counts.entry(counter).or_insert(0) += 1;
        }
    }
    assert_eq!(entries, expected);
    assert_eq!(counts, expected_counts);
}

async fn lead(store: &Store, reference: &ReferenceId, image: u64, level: Level) -> LeadId {
    recorded_ad(store, image, &format!("{image}")).await;
    let found = FoundLead {
        level,
        ..found(reference, image)
    };
    let recorded = store.leads.record_lead(&found, &[], at(image as i64)).await;
    recorded.unwrap().lead_id().unwrap().clone()
}

async fn tab(store: &Store, asked: &TabQuery) -> Vec<LeadId> {
    let page = store.leads.tab(&unit(), asked).await.unwrap();
    page.items.into_iter().map(|it| it.lead_id).collect()
}

fn open() -> TabQuery {
    TabQuery::of(LeadTab::Open)
}

fn verdict(verdict: Verdict, seconds: i64) -> VerdictEntry {
    VerdictEntry {
        verdict,
        decided_by: None,
        note: None,
        reason: None,
        decided_at: at(seconds),
    }
}

async fn a_tab_is_listed_by_time_in_pages_and_counted_by_level(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let mut ids = Vec::new();
    for image in 10..15 {
        let level = [Level::Alert, Level::Review][image as usize % 2];
        ids.push(lead(&store, &id, image, level).await);
    }
    assert_eq!(tab(&store, &open()).await, ids);
    let newest = TabQuery {
        newest_first: true,
        limit: 2,
        ..open()
    };
    let first = store.leads.tab(&unit(), &newest).await.unwrap();
    let shown: Vec<_> = first.items.iter().map(|it| it.lead_id.clone()).collect();
    assert_eq!(shown, [ids[4].clone(), ids[3].clone()]);
    let rest = TabQuery {
        after: first.next,
        limit: 100,
        ..newest
    };
    assert_eq!(
        tab(&store, &rest).await,
        [ids[2].clone(), ids[1].clone(), ids[0].clone()]
    );
    let since = TabQuery {
        since: Some(at(13)),
        ..open()
    };
    assert_eq!(tab(&store, &since).await, ids[3..]);
    let foreign = TabQuery {
        after: rest.after,
        ..TabQuery::of(LeadTab::Unsure)
    };
    assert!(store.leads.tab(&unit(), &foreign).await.is_err());

    let counts = store.leads.lead_counts(&unit()).await.unwrap();
    assert_eq!(counts.in_tab(LeadTab::Open), 5);
    assert_eq!(counts.at_level(LeadTab::Open, Level::Alert), 3);
    assert_eq!(counts.of_reference(&id, LeadTab::Open), 5);
    assert_eq!(store.leads.count_of(&unit(), &id).await, Ok(5));
    let newest: Vec<_> = ids.iter().rev().take(3).cloned().collect();
    let of = store
        .leads
        .leads_of_reference(&unit(), &id, 3)
        .await
        .unwrap();
    assert_eq!(
        of.into_iter().map(|it| it.lead_id).collect::<Vec<_>>(),
        newest
    );
    let other = tenant("other");
    let counts = store.leads.lead_counts(&other).await.unwrap();
    assert_eq!(counts, store::LeadCounts::default());
}

async fn a_verdict_moves_a_lead_and_taking_it_back_moves_it_again(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let lead = lead(&store, &id, 10, Level::Alert).await;
    let by = PersonId::from_random(&[1; 16]);
    let leads = &store.leads;
    let version = leads
        .lead_summary(&unit(), &lead)
        .await
        .unwrap()
        .unwrap()
        .version();
    let yes = verdict(Verdict::Confirmed, 20);
    let judged = leads
        .judge_as_seen(&unit(), (&lead, &version), (&by, false), &yes)
        .await;
    assert_eq!(judged.unwrap().tab(), LeadTab::Confirmed);
    assert_eq!(tab(&store, &open()).await, []);
    let confirmed = TabQuery::of(LeadTab::Confirmed);
    assert_eq!(tab(&store, &confirmed).await, std::slice::from_ref(&lead));
    leads
        .take_verdict_back(&unit(), &lead, &by, at(21))
        .await
        .unwrap();
    assert_eq!(tab(&store, &confirmed).await, []);
    assert_eq!(tab(&store, &open()).await, [lead]);
}

/// Removes what lists and counts leads, as if an older build had written them.
async fn unlist(sdk: &aws_config::SdkConfig, store: &Store) {
    let prefix = &store.names().table_prefix;
    let client = aws_sdk_dynamodb::Client::new(sdk);
    for item in items(sdk, prefix).await {
        let sk = text(&item, "sk");
        if ["tab#", "of#", "count#"]
            .iter()
            .any(|it| sk.starts_with(it))
        {
            let gone = client.delete_item().table_name(format!("{prefix}leads"));
            let gone = gone
                .key("pk", item["pk"].clone())
                .key("sk", item["sk"].clone());
            gone.send().await.unwrap();
        }
    }
}

async fn leads_of_an_older_build_are_listed_when_their_unit_is_counted(
    World { store, sdk, .. }: World,
) {
    let id = active_reference(&store, 1).await;
    let first = lead(&store, &id, 10, Level::Alert).await;
    unlist(&sdk, &store).await;
    let second = lead(&store, &id, 11, Level::Review).await;
    let counts = store.leads.lead_counts(&unit()).await.unwrap();
    assert_eq!(counts.in_tab(LeadTab::Open), 2);
    assert_eq!(tab(&store, &open()).await, [first, second]);
}

async fn a_lead_that_is_listed_nowhere_is_judged_all_the_same(World { store, sdk, .. }: World) {
    let id = active_reference(&store, 1).await;
    let lead = lead(&store, &id, 10, Level::Alert).await;
    unlist(&sdk, &store).await;
    let no = verdict(Verdict::Dismissed, 20);
    store.leads.judge(&unit(), &lead, &no).await.unwrap();
    assert_eq!(tab(&store, &TabQuery::of(LeadTab::Dismissed)).await, [lead]);
}

async fn what_is_erased_is_listed_nowhere(World { store, sdk, .. }: World) {
    let id = active_reference(&store, 1).await;
    lead(&store, &id, 10, Level::Alert).await;
    lead(&store, &id, 11, Level::Review).await;
    store
        .references
        .withdraw(&unit(), &id, at(30))
        .await
        .unwrap();
    let erasure = ErasureId::from_random(&[7; 16]);
    let by = ErasedBy {
        unit: &unit(),
        erasure: &erasure,
    };
    let those = BTreeSet::from([id]);
    store.leads.erase_leads(by, &those).await.unwrap();
    for item in items(&sdk, &store.names().table_prefix).await {
        let sk = text(&item, "sk");
        assert!(
            !["tab#", "of#", "count#", "lead#"]
                .iter()
                .any(|it| sk.starts_with(it)),
            "{sk}"
        );
    }
}

async fn places_are_kept_as_sightings_come(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let lead = lead(&store, &id, 10, Level::Alert).await;
    for (n, place) in ["Zürich", "Lyon", "Bern", "Graz"].into_iter().enumerate() {
        let key = ad_key("uploader", &format!("more {n}"));
        let sighting = Sighting::of(&key, &AdMetadata::parse([("place", place)]).0);
        store
            .uploads
            .record_sighting(&image(10), &sighting, at(40))
            .await
            .unwrap();
        store
            .leads
            .extend_leads(&sha(10), &sighting, at(41))
            .await
            .unwrap();
    }
    let stored = store
        .leads
        .lead_summary(&unit(), &lead)
        .await
        .unwrap()
        .unwrap();
    let places: Vec<String> = stored
        .places
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(places, ["Zürich", "Lyon", "Bern"]);
    assert_eq!(stored.sightings_total, Some(5));
}
