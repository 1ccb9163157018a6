//! The programs at work, each fed as the cloud feeds it: batches of any size, messages that come
//! late, twice and out of order, processes that end at any call and begin again with an empty
//! memory.

use std::rc::Rc;
use std::time::Duration;

use lookup::Lookup;
use serde_json::Value;

use super::cluster::{ADS, REFERENCES};
use super::connection::Connection;
use super::feed::{Changes, EventQueue, Message, batch, changes, done};
use super::injected_bug::InjectedBug;
use super::pump::unless_crashed;
use super::rng::{Rng, hash};
use super::run::Run;
use super::tasks::Tasks;

/// Messages of one batch at most, and records.
const MESSAGES_MAX: u64 = 3;
const RECORDS_MAX: u64 = 4;
/// How long a worker waits at most before it looks for work again, while much goes on and later.
const IDLE_MS_MAX: u64 = 1_000;
const IDLE_CALM_MS_MAX: u64 = 8_000;
/// A message that failed, or whose worker ended, comes again within this time.
const AGAIN_MS_MAX: u64 = 20_000;
/// An event comes this late at most, and most come sooner.
const LATE_MS_MAX: u64 = 25_000;
/// One event in so many is lost, comes late, comes twice.
const LOST_ONE_IN: u64 = 20;
const LATE_ONE_IN: u64 = 8;
const TWICE_ONE_IN: u64 = 10;
/// One batch of changes in so many begins with records that were dealt with before.
const REPEATED_ONE_IN: u64 = 8;

/// Adds the workers that are woken by events.
pub(super) fn add(tasks: &mut Tasks, run: &Rc<Run>) {
    for name in ["ingest-1", "ingest-2"] {
        tasks.add(name, consume_queue(run.clone(), name, Whose::Ads));
    }
    for name in ["enroll-1", "enroll-2"] {
        tasks.add(name, consume_queue(run.clone(), name, Whose::References));
    }
    for (name, at, shard) in [
        ("lookup-1", At::AdsTail, 0),
        ("lookup-2", At::AdsTail, 1),
        ("lookup-3", At::Ads, 0),
        ("lookup-4", At::ReferencesTail, 0),
        ("lookup-5", At::Searches, 0),
        ("alert-1", At::Leads, 0),
    ] {
        tasks.add(name, consume_stream(run.clone(), name, at, shard));
    }
}

/// Whose mail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ads,
    References,
}

/// Which table's changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    AdsTail,
    Ads,
    ReferencesTail,
    Searches,
    Leads,
}

/// A process of an actor: each has a name of its own, or it would meet the same faults as the one
/// before.
pub(super) fn process(run: &Run, name: &str, number: &mut u64) -> Connection {
    *number += 1;
    run.cluster.connection(&format!("{name}/{number}"))
}

async fn consume_queue(run: Rc<Run>, name: &'static str, whose: Whose) {
    let (queue, bucket) = match whose {
        Whose::Ads => (&run.ads, ADS.0),
        Whose::References => (&run.references, REFERENCES.0),
    };
    let (mut processes, mut turn) = (0, 0);
    let mut connection = process(&run, name, &mut processes);
    let (mut ingest, mut enroll) = (
        run.cluster.ingest(&connection),
        run.cluster.enroll(&connection),
    );
    while !run.is_over.get() {
        turn += 1;
        let mut rng = run.rng.of(name, turn);
        let now_us = run.time().now_us();
        queue.collect(&run.cluster.network.servers, bucket, |id| {
            due_us(&run, bucket, id)
        });
        let messages = queue.take(now_us, 1 + rng.below(MESSAGES_MAX) as usize);
        if messages.is_empty() {
            idle(&run, name, &mut rng).await;
            continue;
        }
        let answer = match whose {
            Whose::Ads => unless_crashed(&connection.crash, ingest.handle(batch(&messages))).await,
            Whose::References => {
                unless_crashed(&connection.crash, enroll.handle(batch(&messages))).await
            }
        };
        let failed = answer.as_ref().map(|answer| {
            let failures = answer.batch_item_failures.iter();
            failures.map(|f| f.item_identifier.clone()).collect()
        });
        settle(&run, queue, messages, failed, &mut rng);
        if answer.is_none() {
            connection = process(&run, name, &mut processes);
            (ingest, enroll) = (
                run.cluster.ingest(&connection),
                run.cluster.enroll(&connection),
            );
        }
    }
}

async fn idle(run: &Run, name: &str, rng: &mut Rng) {
    let most_ms = if run.is_calm() {
        IDLE_CALM_MS_MAX
    } else {
        IDLE_MS_MAX
    };
    let wait = Duration::from_micros(1 + rng.below(most_ms * 1_000));
    run.time().sleep(wait, hash(name.as_bytes())).await;
}

/// When a new message comes; never, if its event is lost.
fn due_us(run: &Run, queue: &str, id: &str) -> Option<u64> {
    let mut rng = run.rng.of(&format!("{queue} {id}"), 0);
    let now_us = run.time().now_us();
    if !run.is_calm() && rng.one_in(LOST_ONE_IN) {
        return None;
    }
    let is_late = rng.one_in(LATE_ONE_IN);
    let most_ms = if is_late { LATE_MS_MAX } else { 500 };
    Some(now_us + rng.below(most_ms * 1_000))
}

/// What failed comes again, and now and then what did not.
fn settle(
    run: &Run,
    queue: &EventQueue,
    messages: Vec<Message>,
    failed: Option<Vec<String>>,
    rng: &mut Rng,
) {
    queue.release(messages.len());
    let acknowledges_all = run.bug == Some(InjectedBug::EarlyAcknowledgement);
    for message in messages {
        let is_done = failed
            .as_ref()
            .is_some_and(|ids| !ids.contains(&message.id));
        let comes_twice = !run.is_calm() && rng.one_in(TWICE_ONE_IN);
        let wait_us = 1 + rng.below(AGAIN_MS_MAX * 1_000);
        if comes_twice || !(is_done || acknowledges_all) {
            let due_us = run.time().now_us() + wait_us;
            queue.put(Message { due_us, ..message });
        }
    }
}

fn changes_at(run: &Run, at: At) -> (&Changes, &'static str) {
    match at {
        At::AdsTail => (&run.ads_tail, "homeward-ads-tail"),
        At::Ads => (&run.ads_table, "homeward-ads"),
        At::ReferencesTail => (&run.references_tail, "homeward-references-tail"),
        At::Searches => (&run.searches, "homeward-searches"),
        At::Leads => (&run.leads, "homeward-leads"),
    }
}

async fn consume_stream(run: Rc<Run>, name: &'static str, at: At, shard: usize) {
    let (changed, table) = changes_at(&run, at);
    let (mut processes, mut turn) = (0, 0);
    let mut connection = process(&run, name, &mut processes);
    let (mut lookup, mut alerting) = (
        run.cluster.lookup(&connection),
        run.cluster.alert(&connection),
    );
    while !run.is_over.get() {
        turn += 1;
        let mut rng = run.rng.of(name, turn);
        changed.collect(&run.cluster.network.servers);
        let most = 1 + rng.below(RECORDS_MAX) as usize;
        let is_repeated = !run.is_calm() && rng.one_in(REPEATED_ONE_IN);
        let again = if is_repeated {
            rng.below(3) as usize
        } else {
            0
        };
        let Some(records) = changed.take(shard, most, again) else {
            idle(&run, name, &mut rng).await;
            continue;
        };
        *connection.sees_until_us.lock().expect("no holder panics") =
            written_us(&run, table, &records);
        let answer = match at {
            At::Leads => {
                let event = changes(&records);
                unless_crashed(&connection.crash, alerting.on_leads(&event)).await
            }
            _ => search(&connection, &lookup, &records).await,
        };
        let count = answer.as_ref().map_or(0, |answer| {
            let failures = answer.batch_item_failures.iter();
            let failed: Vec<_> = failures.map(|f| f.item_identifier.clone()).collect();
            done(&records, &failed)
        });
        let acknowledges_all = run.bug == Some(InjectedBug::EarlyAcknowledgement);
        changed.deal_with(
            shard,
            if acknowledges_all {
                records.len()
            } else {
                count
            },
        );
        if answer.is_none() {
            connection = process(&run, name, &mut processes);
            (lookup, alerting) = (
                run.cluster.lookup(&connection),
                run.cluster.alert(&connection),
            );
        }
        if count < records.len() {
            idle(&run, name, &mut rng).await;
        }
    }
}

async fn search(
    connection: &Connection,
    lookup: &Lookup,
    records: &[Value],
) -> Option<aws_lambda_events::streams::DynamoDbEventResponse> {
    unless_crashed(&connection.crash, lookup.handle(changes(records))).await
}

/// When the first of these records was written.
fn written_us(run: &Run, table: &str, records: &[Value]) -> Option<u64> {
    let writes = &run.cluster.network.writes;
    let first = |record: &Value| writes.first_us(table, &record["dynamodb"]["Keys"]);
    records.iter().filter_map(first).min()
}
