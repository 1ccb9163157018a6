//! Changes of the tables to the programs that act on them, by the rules of Lambda's stream
//! mappings: in order, from the first failure again, and a record that fails too often is set
//! aside as a dead letter so that those behind it go on.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use embedded::{Batch, Embedded, Failure, Queue, Streams, dead_letter_queue};
use jiff::Timestamp;
use serde_json::{Value, json};
use sources::StreamRules;
use sources::template::Template;
use store::Table;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::NOT_FINISHED;
use super::host::{Programs, names};
use super::queues::later;

/// After a failure, and times the number of failures, up to so many.
const REST: Duration = Duration::from_secs(1);
const RESTS_MAX: u32 = 10;
/// Longer than the search of a new reference through all past ads takes.
const REPLAYED_VISIBILITY: Duration = Duration::from_secs(15 * 60);
/// Replayed dead letters wake their reader when they come; those that rest between attempts do not.
const POLL_REPLAYED_EVERY: Duration = Duration::from_secs(5);
/// With no arrival, look again after this.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// One program that acts on one table's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamOf {
    /// The program.
    pub program: Program,
    /// The table.
    pub table: Table,
}

/// A program that is woken by streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Finds leads.
    Lookup,
    /// Delivers alerts.
    Alert,
}

/// Every stream that wakes a program.
pub const STREAMS: [StreamOf; 5] = [
    StreamOf {
        program: Program::Lookup,
        table: Table::AdsTail,
    },
    StreamOf {
        program: Program::Lookup,
        table: Table::Ads,
    },
    StreamOf {
        program: Program::Lookup,
        table: Table::ReferencesTail,
    },
    StreamOf {
        program: Program::Lookup,
        table: Table::Searches,
    },
    StreamOf {
        program: Program::Alert,
        table: Table::Leads,
    },
];

impl StreamOf {
    /// The reader's name, under which its checkpoint is kept.
    pub fn consumer(self) -> &'static str {
        match self.program {
            Program::Lookup => "lookup",
            Program::Alert => "alert",
        }
    }

    /// The table's full name.
    pub fn table_name(self) -> String {
        names().table(self.table)
    }

    /// The cloud's rules for it.
    fn rules(self, template: &Template) -> StreamRules {
        let table = match self.table {
            Table::AdsTail => "AdsTailTable",
            Table::Ads => "AdsTable",
            Table::ReferencesTail => "ReferencesTailTable",
            Table::Searches => "SearchesTable",
            _ => "LeadsTable",
        };
        StreamRules::of(template, self.consumer(), table)
    }
}

/// A reader of a stream.
struct Reader {
    stream: StreamOf,
    rules: StreamRules,
    streams: Streams,
    programs: Arc<Programs>,
}

pub(super) fn feed(
    tasks: &mut JoinSet<anyhow::Result<()>>,
    (stop, behind): (&CancellationToken, &Handle),
    embedded: &Embedded,
    programs: &Arc<Programs>,
) {
    let template = Template::of_this_build();
    for stream in STREAMS {
        let reader = Reader {
            stream,
            rules: stream.rules(template),
            streams: embedded.streams(),
            programs: programs.clone(),
        };
        tasks.spawn_on(pump(reader, stop.clone()), behind);
        let dead_letters =
            embedded.queue(&dead_letter_queue(stream.consumer(), &stream.table_name()));
        let (programs, stop) = (programs.clone(), stop.clone());
        let replayed = async move { pump_replayed(stream, dead_letters, &programs, stop).await };
        tasks.spawn_on(replayed, behind);
    }
}

/// Records that were given up and sent again by a person: no longer in the stream's order, which
/// nothing relies on, and by the rules of a queue.
async fn pump_replayed(
    stream: StreamOf,
    dead_letters: Queue,
    programs: &Programs,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut arrivals = dead_letters.arrivals();
    while !stop.is_cancelled() {
        let is_empty = match replayed(stream, &dead_letters, programs).await {
            Ok(is_empty) => is_empty,
            Err(error) => {
                later(&error, "a queue of dead letters");
                true
            }
        };
        if is_empty {
            tokio::select! {
                _ = arrivals.changed() => {}
                () = tokio::time::sleep(POLL_REPLAYED_EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
    }
    Ok(())
}

/// Hands on the next dead letter that was sent again; says whether there was none.
async fn replayed(
    stream: StreamOf,
    dead_letters: &Queue,
    programs: &Programs,
) -> anyhow::Result<bool> {
    let now = Timestamp::now();
    let replayed = dead_letters.receive(1, REPLAYED_VISIBILITY, now).await?;
    for letter in &replayed {
        let event: Event = serde_json::from_str(&letter.body)?;
        let handled = handle(stream.program, event, programs);
        let (response, reasons) = batches::with_reasons(handled).await;
        if response.batch_item_failures.is_empty() {
            dead_letters.delete(&letter.receipt).await?;
        } else {
            let (rest, now) = (REST * letter.receive_count, Timestamp::now());
            let reason = reasons.values().next();
            let reason = reason.map_or(NOT_FINISHED, String::as_str);
            dead_letters
                .release(&letter.receipt, rest, reason, now)
                .await?;
        }
    }
    Ok(replayed.is_empty())
}

async fn pump(reader: Reader, stop: CancellationToken) -> anyhow::Result<()> {
    let mut arrivals = reader.streams.arrivals(&reader.stream.table_name());
    while !stop.is_cancelled() {
        let rest = match reader.changes().await {
            Ok(rest) => rest,
            Err(error) => {
                later(&error, "a stream");
                Some(REST)
            }
        };
        match rest {
            Some(rest) => tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = stop.cancelled() => {}
            },
            None => tokio::select! {
                _ = arrivals.changed() => {}
                () = tokio::time::sleep(POLL_EVERY) => {}
                () = stop.cancelled() => {}
            },
        }
    }
    Ok(())
}

impl Reader {
    /// Hands on the next changes; says how long to rest, or that there were none. What fails here comes
    /// again: the checkpoint has not moved.
    async fn changes(&self) -> anyhow::Result<Option<Duration>> {
        let (table, rules) = (self.stream.table_name(), &self.rules);
        let most = rules.batch_max * rules.batches_at_once;
        let read = self.streams.read(self.stream.consumer(), &table, most);
        let Some(batch) = read.await? else {
            return Ok(None);
        };
        let records = batch.event["Records"].as_array();
        let records = records.into_iter().flatten();
        let shards = shards(rules, records.filter(|record| rules.lets_through(record)));
        let handled = shards.into_iter().map(|shard| self.handle_in_order(shard));
        let mut failed = BTreeMap::new();
        for shard in futures::future::join_all(handled).await {
            failed.extend(shard?);
        }
        Ok(Some(self.settle(&batch, &failed).await?))
    }

    /// Hands on changes, batch by batch; ends at a failure. Gives what failed, with the reason.
    async fn handle_in_order(&self, shard: Vec<Value>) -> anyhow::Result<Failed> {
        let mut shard = shard.as_slice();
        while !shard.is_empty() {
            let (records, behind) = shard.split_at(shard.len().min(self.rules.batch_max));
            let event = serde_json::from_value(json!({ "Records": records }))?;
            let handled = handle(self.stream.program, event, &self.programs);
            let (response, mut reasons) = batches::with_reasons(handled).await;
            let failures = response.batch_item_failures.into_iter();
            let numbers = failures.filter_map(|failure| failure.item_identifier);
            let failed: Failed = numbers
                .map(|number| {
                    let reason = reasons.remove(&number);
                    (number, reason.unwrap_or_else(|| NOT_FINISHED.to_owned()))
                })
                .collect();
            if !failed.is_empty() {
                return Ok(failed);
            }
            shard = behind;
        }
        Ok(Failed::new())
    }

    /// Moves the checkpoint to the first failure, and says how long to rest before the next batch. What was
    /// done behind the failure is done again.
    async fn settle(&self, batch: &Batch, failed: &Failed) -> anyhow::Result<Duration> {
        let mut numbers = batch.sequence_numbers.iter();
        let first = numbers.find_map(|number| failed.get_key_value(number));
        let Some((number, reason)) = first else {
            self.streams.commit(batch).await?;
            return Ok(Duration::ZERO);
        };
        let (retries_max, now) = (self.rules.retries_max, Timestamp::now());
        let counted = self.streams.fail(batch, (number, reason), retries_max, now);
        Ok(match counted.await? {
            Failure::ComesAgain { failures } => REST * failures.min(RESTS_MAX),
            Failure::GivenUp => Duration::ZERO,
        })
    }
}

/// Sequence numbers of changes that failed, with the reasons.
type Failed = BTreeMap<String, String>;

/// Changes for as many batches as are worked on concurrently; those of one key stay together, in order.
fn shards<'a>(rules: &StreamRules, records: impl Iterator<Item = &'a Value>) -> Vec<Vec<Value>> {
    let mut shards = vec![Vec::new(); rules.batches_at_once];
    for record in records {
        let mut hasher = DefaultHasher::new();
        record["dynamodb"]["Keys"]["pk"]
            .to_string()
            .hash(&mut hasher);
        let shard = hasher.finish() % rules.batches_at_once.max(1) as u64;
        if let Some(shard) = shards.get_mut(shard as usize) {
            shard.push(record.clone());
        }
    }
    shards
}

async fn handle(program: Program, event: Event, programs: &Programs) -> DynamoDbEventResponse {
    match program {
        Program::Lookup => Box::pin(programs.lookup.handle(event)).await,
        Program::Alert => Box::pin(programs.alerting.on_leads(&event)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_has_rules_of_the_cloud() {
        let template = Template::of_this_build();
        for stream in STREAMS {
            let rules = stream.rules(template);
            assert!(rules.batch_max >= 1 && rules.retries_max >= 10 && rules.bisect);
        }
    }

    #[test]
    fn changes_of_one_key_stay_together_and_in_order() {
        let rules = STREAMS[3].rules(Template::of_this_build());
        let change = |number: usize| {
            let key = format!("segment-{}", number % 7);
            json!({"dynamodb": {"Keys": {"pk": {"S": key}}, "SequenceNumber": number}})
        };
        let changes: Vec<Value> = (0..70).map(change).collect();
        let shards = shards(&rules, changes.iter());
        assert_eq!(shards.len(), rules.batches_at_once);
        assert_eq!(shards.iter().map(Vec::len).sum::<usize>(), 70);
        for key in 0..7 {
            let of_key = |shard: &&Vec<Value>| {
                let is = |it: &Value| {
                    it["dynamodb"]["SequenceNumber"].as_u64().map(|n| n % 7) == Some(key)
                };
                shard.iter().any(is)
            };
            assert_eq!(shards.iter().filter(of_key).count(), 1);
        }
        let numbers = |shard: &Vec<Value>| -> Vec<Option<u64>> {
            shard
                .iter()
                .map(|it| it["dynamodb"]["SequenceNumber"].as_u64())
                .collect()
        };
        assert!(shards.iter().all(|shard| numbers(shard).is_sorted()));
    }
}
