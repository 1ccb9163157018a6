//! Changes of the tables to the programs that act on them, by the rules of Lambda's stream
//! mappings: in order, from the first failure again, and a record that fails too often is set
//! aside as a dead letter so that those behind it go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use embedded::{Batch, Embedded, Failure, Queue, Streams, dead_letter_queue};
use jiff::Timestamp;
use store::Table;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::NOT_FINISHED;
use super::host::{Programs, names};
use super::queues::later;

/// Records of one batch.
const BATCH_RECORDS_MAX: usize = 100;
/// After a failure, and times the number of failures.
const REST: Duration = Duration::from_secs(1);
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
}

pub(super) fn feed(
    tasks: &mut JoinSet<anyhow::Result<()>>,
    (stop, behind): (&CancellationToken, &Handle),
    embedded: &Embedded,
    programs: &Arc<Programs>,
) {
    for stream in STREAMS {
        let (streams, again, stop_one) = (embedded.streams(), programs.clone(), stop.clone());
        let changes = async move { pump(stream, streams, &again, stop_one).await };
        tasks.spawn_on(changes, behind);
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

async fn pump(
    stream: StreamOf,
    streams: Streams,
    programs: &Programs,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut arrivals = streams.arrivals(&stream.table_name());
    while !stop.is_cancelled() {
        let rest = match changes(stream, &streams, programs).await {
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

/// Hands on the next changes; says how long to rest, or that there were none. What fails here comes
/// again: the checkpoint has not moved.
async fn changes(
    stream: StreamOf,
    streams: &Streams,
    programs: &Programs,
) -> anyhow::Result<Option<Duration>> {
    let table = stream.table_name();
    let read = streams.read(stream.consumer(), &table, BATCH_RECORDS_MAX);
    let Some(batch) = read.await? else {
        return Ok(None);
    };
    let event: Event = serde_json::from_value(batch.event.clone())?;
    let handled = handle(stream.program, event, programs);
    let (response, reasons) = batches::with_reasons(handled).await;
    let rest = settle(streams, &batch, (&response, &reasons)).await?;
    Ok(Some(rest))
}

async fn handle(program: Program, event: Event, programs: &Programs) -> DynamoDbEventResponse {
    match program {
        Program::Lookup => Box::pin(programs.lookup.handle(event)).await,
        Program::Alert => Box::pin(programs.alerting.on_leads(&event)).await,
    }
}

/// Moves the checkpoint, and says how long to rest before the next batch.
async fn settle(
    streams: &Streams,
    batch: &Batch,
    (response, reasons): (&DynamoDbEventResponse, &BTreeMap<String, String>),
) -> anyhow::Result<Duration> {
    let failed = |number: &&String| {
        let names = |failure: &&String| failure == number;
        let failures = response.batch_item_failures.iter();
        failures
            .filter_map(|failure| failure.item_identifier.as_ref())
            .any(|f| names(&f))
    };
    let Some(first) = batch.sequence_numbers.iter().find(failed) else {
        streams.commit(batch).await?;
        return Ok(Duration::ZERO);
    };
    let reason = reasons.get(first).map_or(NOT_FINISHED, String::as_str);
    let failed = streams.fail(batch, first, reason, Timestamp::now());
    Ok(match failed.await? {
        Failure::ComesAgain { failures } => REST * failures,
        Failure::GivenUp => Duration::ZERO,
    })
}
