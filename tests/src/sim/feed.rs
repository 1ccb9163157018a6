//! What brings events to the programs: queues and streams with the rules of SQS and Lambda, at
//! least once, and with all that those rules allow.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::sources::StreamRules;
use ::sources::template::Template;
use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::sqs::SqsEvent;
use embedded::Queue;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};
use store::ObjectKind;
use tokio::runtime::Runtime;
use upkeep::{GivenUp, Queues};

use super::cluster::{ADS, REFERENCES};
use super::connection::Network;
use super::rng::hash;
use super::servers::Servers;

/// The reader under whose name streams are read.
const CONSUMER: &str = "simulator";
/// Records of one read.
const READ_RECORDS_MAX: usize = 1_000;

/// Records that were dealt with and may be delivered once more: a long run must not keep all.
const KEPT: usize = 16;

/// One message, as often as it comes.
#[derive(Clone, Debug)]
pub struct Message {
    /// The same each time.
    pub id: String,
    /// What it says.
    pub body: String,
    /// When it comes (again), in microseconds.
    pub due_us: u64,
}

/// A queue of one bucket's events.
#[derive(Default)]
pub struct EventQueue {
    waiting: Mutex<Vec<Message>>,
    /// Messages that a worker has taken.
    in_hand: Mutex<usize>,
    sent: Mutex<u64>,
}

impl EventQueue {
    /// Takes over what the servers' queue holds, each due when `due_us` says.
    pub fn collect(&self, servers: &Servers, queue: &str, due_us: impl Fn(&str) -> Option<u64>) {
        for body in bodies(servers, queue) {
            let mut sent = self.sent.lock().expect("no holder panics");
            *sent += 1;
            let id = format!("message-{sent}");
            if let Some(due_us) = due_us(&id) {
                self.put(Message { id, body, due_us });
            }
        }
    }

    /// A message that will come (again).
    pub fn put(&self, message: Message) {
        let mut waiting = self.waiting.lock().expect("no holder panics");
        waiting.push(message);
    }

    /// At most `most` messages that are due, in the order in which they fall due.
    pub fn take(&self, now_us: u64, most: usize) -> Vec<Message> {
        let mut waiting = self.waiting.lock().expect("no holder panics");
        waiting.sort_by(|a, b| (a.due_us, &a.id).cmp(&(b.due_us, &b.id)));
        let due = waiting.iter().take_while(|m| m.due_us <= now_us).count();
        let taken: Vec<Message> = waiting.drain(..due.min(most)).collect();
        *self.in_hand.lock().expect("no holder panics") += taken.len();
        taken
    }

    /// Messages that were taken are dealt with, or put back.
    pub fn release(&self, count: usize) {
        *self.in_hand.lock().expect("no holder panics") -= count;
    }

    /// Whether nothing waits and no worker has a message.
    pub fn is_empty(&self) -> bool {
        let waiting = self.waiting.lock().expect("no holder panics");
        waiting.is_empty() && *self.in_hand.lock().expect("no holder panics") == 0
    }
}

/// All messages of a servers' queue, which are gone from it then.
fn bodies(servers: &Servers, queue: &str) -> Vec<String> {
    let queue = servers.embedded.queue(queue);
    servers.ask(move |runtime| {
        runtime.block_on(async {
            let mut bodies = Vec::new();
            loop {
                // Whatever was sent, and however it was put off, is due by then.
                let now: Timestamp = "2100-01-01T00:00:00Z".parse().expect("a time");
                let batch = queue.receive(embedded::BATCH_MAX, Duration::from_secs(60), now);
                let batch = batch.await.expect("the queue is read");
                if batch.is_empty() {
                    return bodies;
                }
                for message in batch {
                    queue
                        .delete(&message.receipt)
                        .await
                        .expect("it is dealt with");
                    bodies.push(message.body);
                }
            }
        })
    })
}

/// The event of a queue's batch, as Lambda gets it.
pub fn batch(messages: &[Message]) -> SqsEvent {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| json!({"messageId": message.id, "body": message.body}))
        .collect();
    serde_json::from_value(json!({ "Records": records })).expect("an event")
}

/// The changes of one table, in as many shards as readers; a key's changes stay in order.
pub struct Changes {
    table: String,
    rules: StreamRules,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Default)]
struct Shard {
    records: VecDeque<Value>,
    dealt_with: usize,
    is_in_hand: bool,
}

impl Changes {
    /// Of a table, by its full name.
    pub fn of(table: &str, shards: usize) -> Self {
        Self {
            table: table.to_owned(),
            rules: rules(table),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
        }
    }

    /// Takes over what the servers' stream has.
    pub fn collect(&self, servers: &Servers) {
        let records = records(servers, &self.table).into_iter();
        for record in records.filter(|record| self.rules.lets_through(record)) {
            let pk = record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap_or("");
            let at = hash(pk.as_bytes()) as usize % self.shards.len();
            self.shard(at).records.push_back(record);
        }
    }

    /// At most `most` records that were not dealt with, and `again` that were, before them.
    pub fn take(&self, shard: usize, most: usize, again: usize) -> Option<Vec<Value>> {
        let mut shard = self.shard(shard);
        if shard.dealt_with == shard.records.len() {
            return None;
        }
        shard.dealt_with -= again.min(shard.dealt_with);
        shard.is_in_hand = true;
        let from = shard.dealt_with;
        Some(shard.records.range(from..).take(most).cloned().collect())
    }

    /// So many of the records that were taken are dealt with.
    pub fn deal_with(&self, shard: usize, count: usize) {
        let mut shard = self.shard(shard);
        shard.dealt_with += count;
        shard.is_in_hand = false;
        while shard.dealt_with > KEPT {
            shard.records.pop_front();
            shard.dealt_with -= 1;
        }
    }

    /// Whether all is dealt with.
    pub fn is_empty(&self) -> bool {
        (0..self.shards.len()).all(|at| {
            let shard = self.shard(at);
            shard.dealt_with == shard.records.len() && !shard.is_in_hand
        })
    }

    fn shard(&self, at: usize) -> std::sync::MutexGuard<'_, Shard> {
        self.shards[at].lock().expect("no holder panics")
    }
}

/// The template's, of a table's stream.
fn rules(table: &str) -> StreamRules {
    let (program, id) = match table {
        "homeward-ads-tail" => ("lookup", "AdsTailTable"),
        "homeward-ads" => ("lookup", "AdsTable"),
        "homeward-references-tail" => ("lookup", "ReferencesTailTable"),
        "homeward-searches" => ("lookup", "SearchesTable"),
        _ => ("alert", "LeadsTable"),
    };
    StreamRules::of(Template::of_this_build(), program, id)
}

fn records(servers: &Servers, table: &str) -> Vec<Value> {
    let streams = servers.embedded.streams();
    let table = table.to_owned();
    servers.ask(move |runtime| {
        runtime.block_on(async {
            let mut records = Vec::new();
            loop {
                let batch = streams.read(CONSUMER, &table, READ_RECORDS_MAX).await;
                let Some(mut batch) = batch.expect("the stream is read") else {
                    return records;
                };
                if let Some(Value::Array(read)) = batch.event.get_mut("Records") {
                    records.append(read);
                }
                streams.commit(&batch).await.expect("it is dealt with");
            }
        })
    })
}

/// The event of a stream's batch, as Lambda gets it.
pub fn changes(records: &[Value]) -> Event {
    serde_json::from_value(json!({ "Records": records })).expect("an event")
}

/// How many records come before the first that failed; all if none did.
pub fn done(records: &[Value], failed: &[Option<String>]) -> usize {
    let number = |record: &Value| {
        let number = record["dynamodb"]["SequenceNumber"].as_str();
        number.map(str::to_owned)
    };
    let first = records
        .iter()
        .position(|record| failed.contains(&number(record)));
    first.unwrap_or(records.len())
}

/// The servers' queues for `upkeep`, called as the buckets are.
pub struct ServersQueues(pub Arc<Network>);

impl ServersQueues {
    fn queue(&self, kind: ObjectKind) -> Queue {
        let (bucket, _) = match kind {
            ObjectKind::Ad => ADS,
            ObjectKind::Reference => REFERENCES,
        };
        self.0.servers.embedded.queue(bucket)
    }
}

impl Queues for ServersQueues {
    fn waiting(&self, kind: ObjectKind) -> BoxFuture<'_, store::Result<u64>> {
        let (queue, now) = (self.queue(kind), Timestamp::UNIX_EPOCH);
        let ask = move |runtime: &Runtime| runtime.block_on(queue.depth(now));
        let depth = self.0.servers.ask(ask).expect("the queue is read");
        Box::pin(std::future::ready(Ok(depth.visible)))
    }

    fn given_up(&self, what: GivenUp) -> BoxFuture<'_, store::Result<Option<u64>>> {
        let GivenUp::Objects(kind) = what else {
            return Box::pin(std::future::ready(Ok(Some(0)))); // the simulator gives up no change
        };
        let (queue, now) = (self.queue(kind), Timestamp::UNIX_EPOCH);
        let ask = move |runtime: &Runtime| runtime.block_on(queue.depth(now));
        let depth = self.0.servers.ask(ask).expect("the queue is read");
        Box::pin(std::future::ready(Ok(Some(depth.dead))))
    }

    fn send(&self, kind: ObjectKind, bodies: Vec<String>) -> BoxFuture<'_, store::Result<()>> {
        let queue = self.queue(kind);
        self.0.servers.ask(move |runtime| {
            for body in bodies {
                let sent = runtime.block_on(queue.send(&body, Timestamp::UNIX_EPOCH));
                sent.expect("the queue takes it");
            }
        });
        Box::pin(std::future::ready(Ok(())))
    }
}
