//! Searches through tail and segments, on the embedded servers, with the tables' own streams.
#![allow(clippy::unwrap_used, missing_docs)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests of real servers meet the real clock"
)]

mod world;

use std::time::Duration;

use lookup::Lookup;
use records::{SearchProgress, SearchState};
use store::{CompactionRule, MergeRule, SetKind, Table};

use crate::world::{FILED_ADS, MANIFEST, WITH_FEATURES, World, eager};

/// References and ads of the made-up world; every reference is in some of the ads.
const REFERENCES: u64 = 6;
const ADS: u64 = 30;

async fn world() -> World {
    let world = World::start().await;
    for n in 0..REFERENCES {
        world.submit(n).await;
    }
    world
}

/// A world whose references are all searched for already.
async fn searched() -> (World, Lookup) {
    let world = world().await;
    for n in 0..REFERENCES {
        world.activate(n).await;
    }
    let lookup = world.lookup();
    world.settle(&lookup).await;
    (world, lookup)
}

/// How the past lies when the references come.
async fn lay(world: &World, parts: u64) {
    for part in 0..parts {
        let from = part * ADS / (parts + 1);
        let to = (part + 1) * ADS / (parts + 1);
        world.record(from..to).await;
        world.compact().await;
    }
    world.record(parts * ADS / (parts + 1)..ADS).await;
    assert_eq!(world.segments().await as u64, parts);
    world.settle(&world.lookup()).await; // no reference is active yet
}

async fn check_leads(parts: u64, compact_tail: bool) {
    let world = world().await;
    lay(&world, parts).await;
    if compact_tail {
        world.compact().await;
    }
    for n in 0..REFERENCES {
        world.activate(n).await;
    }
    world.settle(&world.lookup()).await;
    let leads = world.leads().await;
    assert_eq!(leads, world.truth(0..REFERENCES, 0..ADS));
    assert!(
        leads.len() as u64 >= REFERENCES,
        "there is something to find"
    );
    for n in 0..REFERENCES {
        let search = world.search(n).await;
        assert_eq!(
            (search.state, search.images_searched),
            (SearchState::Done, ADS)
        );
        assert_eq!(search.images_total, ADS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tail_alone_is_searched() {
    check_leads(0, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_give_exactly_the_leads_that_the_tail_gives() {
    check_leads(3, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tail_and_segments_together_give_them_too() {
    check_leads(2, false).await;
}

/// Ads of two lists, whose changes arrive only when both are one item of a segment; then of a third.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ads_that_come_again_bring_each_posting_to_their_leads() {
    let (world, lookup) = searched().await;
    world.record_of("first", 0..ADS).await;
    world.record_of("second", 0..ADS).await;
    let truth = world.truth(0..REFERENCES, 0..ADS);
    world.compact_and_sweep().await;
    world.settle(&lookup).await;
    assert_eq!(world.leads_of(&["first", "second"]).await, truth);
    world.record_of("third", 0..ADS).await;
    world.settle(&lookup).await;
    assert_eq!(world.leads_of(&["first", "second", "third"]).await, truth);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_is_under_way_until_its_last_part_is_done() {
    let world = world().await;
    lay(&world, 2).await;
    world.activate(0).await;
    let lookup = world.lookup();
    world.deliver(&lookup, Table::ReferencesTail, 10).await;
    let begun = world.search(0).await;
    assert_eq!(
        (begun.state, begun.images_searched),
        (SearchState::Running, 10)
    );
    assert_eq!(begun.images_total, ADS, "the tail's ten of all thirty");
    let half = changed(&world, &lookup, begun).await;
    assert_eq!(
        (half.state, half.images_searched),
        (SearchState::Running, 20)
    );
    let done = changed(&world, &lookup, half).await;
    assert_eq!((done.state, done.images_searched), (SearchState::Done, ADS));
}

/// An empty answer is never the answer to damage: what is not taken in yet could match.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_search_is_done_while_the_set_is_made_again_and_afterwards_it_is() {
    let world = world().await;
    lay(&world, 2).await;
    world.store.ads.begin_rebuild(world.now()).await.unwrap();
    world.activate(0).await;
    let lookup = world.lookup();
    world.settle(&lookup).await;
    assert_eq!(
        world.leads().await,
        world.truth(0..1, 0..ADS),
        "of what is there"
    );
    assert_eq!(world.search(0).await.state, SearchState::Running);
    let later = || world.now().plus(Duration::from_secs(1));
    assert_eq!(world.wake_stalled(later()).await, 1);
    world.settle(&lookup).await;
    assert_eq!(world.search(0).await.state, SearchState::Running);
    world.store.ads.end_rebuild().await.unwrap();
    assert_eq!(world.wake_stalled(later()).await, 1);
    world.settle(&lookup).await;
    assert_eq!(world.search(0).await.state, SearchState::Done);
}

/// Delivers changes one by one until the search has come on.
async fn changed(world: &World, lookup: &Lookup, before: SearchProgress) -> SearchProgress {
    loop {
        assert!(
            world.deliver(lookup, Table::Searches, 1).await,
            "it never ends"
        );
        let now = world.search(0).await;
        if now.images_searched != before.images_searched {
            return now;
        }
    }
}

/// Every program is killed after each batch, and every batch comes twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_goes_on_wherever_it_was_cut_off() {
    let world = world().await;
    lay(&world, 3).await;
    for n in 0..REFERENCES {
        world.activate(n).await;
    }
    loop {
        let mut dealt_with = 0;
        for table in [Table::Searches, Table::ReferencesTail] {
            let Some(batch) = world.read(table, 2).await else {
                continue;
            };
            world.hand_over(&world.lookup(), &batch).await;
            world.hand_over(&world.lookup(), &batch).await;
            world.commit(&batch).await;
            dealt_with += 1;
        }
        if dealt_with == 0 {
            break;
        }
    }
    assert_eq!(world.leads().await, world.truth(0..REFERENCES, 0..ADS));
    for n in 0..REFERENCES {
        let search = world.search(n).await;
        assert_eq!(search.state, SearchState::Done);
        assert_eq!(search.images_searched, ADS, "each image counts once");
    }
    world.settle(&world.lookup()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_whose_segments_were_merged_and_swept_are_planned_again() {
    let world = world().await;
    lay(&world, 4).await;
    world.activate(0).await;
    world.activate(1).await;
    let lookup = world.lookup();
    world.deliver(&lookup, Table::ReferencesTail, 10).await;
    world.deliver(&lookup, Table::Searches, 3).await; // some parts are done before
    let merging = CompactionRule {
        merge: MergeRule {
            segments_min: 2,
            ..eager().merge
        },
        grace: Duration::ZERO,
        ..eager()
    };
    let now = world.now();
    let merged = world
        .store
        .segments
        .merge_segments(SetKind::Ads, &merging, now)
        .await;
    assert_eq!(merged.unwrap().merged, 4);
    let later = now.plus(Duration::from_secs(60));
    let swept = world
        .store
        .garbage
        .sweep(SetKind::Ads, &merging, later)
        .await
        .unwrap();
    assert!(swept.deleted >= 4, "{swept:?}");
    world.settle(&lookup).await;
    assert_eq!(world.leads().await, world.truth(0..2, 0..ADS));
    for n in 0..2 {
        let search = world.search(n).await;
        assert_eq!(search.state, SearchState::Done);
        assert_eq!(search.images_searched, search.images_total);
        assert!(search.images_searched >= ADS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_that_was_withdrawn_during_the_search_gets_no_lead_from_segments() {
    let world = world().await;
    lay(&world, 2).await;
    world.compact().await;
    world.activate(0).await;
    world.activate(1).await;
    let lookup = world.lookup();
    world.deliver(&lookup, Table::ReferencesTail, 10).await;
    world.withdraw(0).await;
    world.settle(&lookup).await;
    assert_eq!(world.leads().await, world.truth(1..2, 0..ADS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_that_is_activated_again_is_searched_again() {
    let world = world().await;
    lay(&world, 1).await;
    world.activate(0).await;
    let lookup = world.lookup();
    world.settle(&lookup).await;
    world.hold(0).await;
    world.record(ADS..ADS + 10).await;
    world.settle(&lookup).await;
    world.compact().await;
    assert_eq!(
        world.leads().await,
        world.truth(0..1, 0..ADS),
        "it was held"
    );
    world.activate(0).await;
    world.settle(&lookup).await;
    assert_eq!(world.leads().await, world.truth(0..1, 0..ADS + 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_segment_fails_its_parts_until_it_is_mended() {
    let world = world().await;
    lay(&world, 2).await;
    world.activate(0).await;
    let lookup = world.lookup();
    world.deliver(&lookup, Table::ReferencesTail, 10).await;
    let (key, good) = world.damage_a_segment().await;
    let batch = world.read(Table::Searches, 10).await.unwrap();
    let failed = world.hand_over_failing(&lookup, &batch).await;
    assert!(batch.sequence_numbers.contains(&failed));
    assert_eq!(world.search(0).await.state, SearchState::Running);
    world.put(&key, good).await;
    world.settle(&lookup).await;
    assert_eq!(world.leads().await, world.truth(0..1, 0..ADS));
    assert_eq!(world.search(0).await.state, SearchState::Done);
}

async fn check_filed(damaged: bool) {
    let references = WITH_FEATURES..WITH_FEATURES + 3;
    let world = World::start().await;
    world.record_filed().await;
    world.compact().await;
    world.settle(&world.lookup()).await;
    if damaged {
        world.damage_filed_features().await;
    }
    for n in references.clone() {
        world.submit(n).await;
        world.activate(n).await;
    }
    world.settle(&world.lookup()).await;
    let leads = world.leads().await;
    assert_eq!(leads, world.truth(references.clone(), FILED_ADS));
    assert_eq!(leads.len(), 28, "14 ads of each of two references");
    for n in references {
        let search = world.search(n).await;
        let searched = (search.state, search.images_searched);
        assert_eq!(
            searched,
            (SearchState::Done, FILED_ADS.end - FILED_ADS.start)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filed_features_give_exactly_the_leads_that_judging_every_ad_gives() {
    check_filed(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_filed_features_cost_no_lead() {
    check_filed(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_of_ads_that_have_lost_their_manifest_is_never_done() {
    let world = world().await;
    lay(&world, 2).await;
    let manifest = world.lose_the_manifest().await;
    world.activate(0).await;
    let lookup = world.lookup();
    let batch = world.read(Table::ReferencesTail, 10).await.unwrap();
    world.hand_over_failing(&lookup, &batch).await;
    assert_ne!(world.search(0).await.state, SearchState::Done);
    world.put(MANIFEST, manifest).await;
    world.settle(&lookup).await;
    assert_eq!(world.leads().await, world.truth(0..1, 0..ADS));
    assert_eq!(world.search(0).await.state, SearchState::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_ad_meets_references_that_lie_in_segments() {
    let world = world().await;
    for n in 0..REFERENCES {
        world.activate(n).await;
    }
    world.settle(&world.lookup()).await;
    let compacted = world
        .store
        .references
        .compact_references(&eager(), world.now())
        .await;
    assert_eq!(compacted.unwrap().items, REFERENCES);
    world.withdraw(1).await;
    world.record(0..ADS).await;
    world.settle(&world.lookup()).await; // starts from nothing
    let mut truth = world.truth(0..REFERENCES, 0..ADS);
    truth.retain(|pair| !world.truth(1..2, 0..ADS).contains(pair));
    assert_eq!(world.leads().await, truth);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_ad_meets_references_though_their_segment_is_damaged() {
    let world = world().await;
    for n in 0..REFERENCES {
        world.activate(n).await;
    }
    let compacted = world
        .store
        .references
        .compact_references(&eager(), world.now())
        .await;
    assert_eq!(compacted.unwrap().items, REFERENCES);
    world.damage_a_segment().await;
    world.record(0..ADS).await;
    world.settle(&world.lookup()).await;
    assert_eq!(world.leads().await, world.truth(0..REFERENCES, 0..ADS));
}

/// What comes before a change that fails does not come again, so what it left for the end is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_posted_is_written_though_a_later_change_of_its_batch_fails() {
    let (world, lookup) = searched().await;
    world.record_of("first", 0..ADS).await;
    world.record_of("second", 0..ADS).await;
    let shows_no_reference = |n: &u64| world.truth(0..REFERENCES, *n..n + 1).is_empty();
    let other = (ADS..2 * ADS).find(shows_no_reference).unwrap();
    world.record_of("third", other..other + 1).await;
    let mut batch = world.read(Table::AdsTail, 100).await.unwrap();
    let changes = batch.event["Records"].as_array_mut().unwrap();
    assert_eq!(changes.len() as u64, 2 * ADS + 1);
    let bad = &mut changes.last_mut().unwrap()["dynamodb"];
    let number = bad["SequenceNumber"].as_str().unwrap().to_owned();
    bad["NewImage"].as_object_mut().unwrap().remove("entry");
    assert_eq!(world.hand_over_failing(&lookup, &batch).await, number);
    let truth = world.truth(0..REFERENCES, 0..ADS);
    assert_eq!(world.leads_of(&["first", "second"]).await, truth);
}

const HOUR: Duration = Duration::from_secs(3_600);

async fn check_all_is_found(world: &World, references: u64) {
    assert_eq!(world.leads().await, world.truth(0..references, 0..ADS));
    for n in 0..references {
        assert_eq!(world.search(n).await.state, SearchState::Done);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_that_its_stream_gave_up_before_it_began_begins_later() {
    let world = world().await;
    lay(&world, 2).await;
    world.activate(0).await;
    world.activate(1).await;
    assert!(world.give_up(Table::ReferencesTail).await >= 2);
    let lookup = world.lookup();
    world.settle(&lookup).await;
    assert_eq!(world.search(0).await.state, SearchState::Waiting);
    assert_eq!(
        world.wake_stalled(world.now().minus(HOUR)).await,
        0,
        "not yet"
    );
    assert_eq!(world.wake_stalled(world.now().plus(HOUR)).await, 2);
    world.settle(&lookup).await;
    check_all_is_found(&world, 2).await;
    assert_eq!(world.wake_stalled(world.now().plus(HOUR)).await, 0, "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_that_their_stream_gave_up_are_done_later_even_if_their_segment_is_gone() {
    let world = world().await;
    lay(&world, 3).await;
    world.activate(0).await;
    let lookup = world.lookup();
    world.deliver(&lookup, Table::ReferencesTail, 10).await;
    assert!(
        world.give_up(Table::Searches).await >= 4,
        "a plan and its parts, and what changed of them"
    );
    let merge = CompactionRule {
        merge: MergeRule {
            segments_min: 3,
            ..CompactionRule::default().merge
        },
        ..eager()
    };
    let merged = world
        .store
        .segments
        .merge_segments(SetKind::Ads, &merge, world.now());
    assert_eq!(merged.await.unwrap().merged, 3);
    for _ in 0..2 {
        assert_eq!(
            world.wake_stalled(world.now().plus(HOUR)).await,
            1,
            "as often as asked"
        );
    }
    world.settle(&lookup).await;
    check_all_is_found(&world, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_of_a_reference_that_ended_is_not_woken() {
    let world = world().await;
    lay(&world, 1).await;
    world.activate(0).await;
    world.give_up(Table::ReferencesTail).await;
    assert_eq!(world.wake_stalled(world.now().plus(HOUR)).await, 1);
    world.withdraw(0).await;
    world.settle(&world.lookup()).await;
    assert!(world.leads().await.is_empty());
    assert_eq!(world.wake_stalled(world.now().plus(HOUR)).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ads_that_their_stream_gave_up_are_met_by_searching_again() {
    let (world, lookup) = searched().await;
    world.record(0..ADS).await;
    assert_eq!(world.give_up(Table::AdsTail).await as u64, ADS);
    world.settle(&lookup).await;
    assert!(world.leads().await.is_empty(), "nobody looked them up");
    assert_eq!(world.search_again().await as u64, REFERENCES);
    world.settle(&lookup).await;
    check_all_is_found(&world, REFERENCES).await;
    assert_eq!(
        world.search_again().await as u64,
        REFERENCES,
        "any time again"
    );
    world.settle(&lookup).await;
    check_all_is_found(&world, REFERENCES).await;
}
