//! Messages of the buckets' queues to their programs, by the rules of SQS and Lambda: a batch is
//! hidden while it is worked on, what failed comes again later, what failed too often is a dead
//! letter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use embedded::{Embedded, Message, Queue};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::json;
use sources::QueueRules;
use sources::template::Template;
use store::ObjectKind;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use upkeep::{GivenUp, Queues};

use super::host::Programs;
use super::{ENROLL_QUEUE, INGEST_QUEUE, NOT_FINISHED, dead_letters};

/// A failed message rests this long, times the number of its failures: a laptop that is busy says so by then.
const REST: Duration = Duration::from_secs(2);
/// Batches of one queue worked on together: fetching for one hides the decoding of the other.
const BATCHES_AT_ONCE: usize = 4;
/// With no arrival and nothing due, look again after this.
const POLL_EVERY: Duration = Duration::from_secs(1);

pub(super) fn feed(
    tasks: &mut JoinSet<anyhow::Result<()>>,
    (stop, behind): (&CancellationToken, &Handle),
    embedded: &Embedded,
    programs: &Arc<Programs>,
) {
    let template = Template::of_this_build();
    let source = |name: &str, program: &str, id: &str| {
        let rules = QueueRules::of(template, program, id);
        let queue = embedded.queue(name).receives_max(rules.receives_max);
        Source { queue, rules }
    };
    for _ in 0..BATCHES_AT_ONCE {
        let (ads, programs) = (source(INGEST_QUEUE, "ingest", "AdsQueue"), programs.clone());
        tasks.spawn(pump(ads, stop.clone(), move |event| {
            let programs = programs.clone();
            async move { programs.ingest.handle(event).await }
        }));
    }
    let photos = source(ENROLL_QUEUE, "enroll", "ReferencesQueue");
    let programs = programs.clone();
    let enrolling = pump(photos, stop.clone(), move |event| {
        let programs = programs.clone();
        async move { programs.enroll.handle(event).await }
    });
    tasks.spawn_on(enrolling, behind);
}

/// A queue that wakes a program, with the cloud's rules.
struct Source {
    queue: Queue,
    rules: QueueRules,
}

async fn pump<F: Future<Output = SqsBatchResponse>>(
    source: Source,
    stop: CancellationToken,
    handle: impl Fn(SqsEvent) -> F,
) -> anyhow::Result<()> {
    let mut arrivals = source.queue.arrivals();
    while !stop.is_cancelled() {
        let is_empty = match batch(&source, &handle).await {
            Ok(is_empty) => is_empty,
            Err(error) => {
                later(&error, "a queue");
                true
            }
        };
        if is_empty {
            tokio::select! {
                _ = arrivals.changed() => {}
                () = tokio::time::sleep(POLL_EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
    }
    Ok(())
}

/// Hands on the next messages; says whether there were none. What fails here comes again: a message
/// that is not ended is visible again later.
async fn batch<F: Future<Output = SqsBatchResponse>>(
    Source { queue, rules }: &Source,
    handle: &impl Fn(SqsEvent) -> F,
) -> anyhow::Result<bool> {
    let received = queue.receive(rules.batch_max, rules.hidden, Timestamp::now());
    let messages = received.await?;
    if !messages.is_empty() {
        let (response, reasons) = batches::with_reasons(handle(event(&messages)?)).await;
        settle(queue, &messages, (&response, &reasons)).await?;
    }
    Ok(messages.is_empty())
}

/// Says that something could not be used for a moment. A disk that is full, a system out of
/// descriptors, a database that is busy: all end by themselves or by a person's hand, and until then
/// the other programs go on.
pub(super) fn later(error: &anyhow::Error, what: &str) {
    tracing::error!(%error, "{what} cannot be used now and is tried again");
}

/// The event as Lambda gets it from SQS.
fn event(messages: &[Message]) -> anyhow::Result<SqsEvent> {
    let records: Vec<_> = messages
        .iter()
        .map(|message| {
            json!({
                "messageId": message.id, "receiptHandle": message.receipt, "body": message.body,
                "attributes": {"ApproximateReceiveCount": message.receive_count.to_string()},
                "eventSource": "aws:sqs", "awsRegion": embedded::REGION,
            })
        })
        .collect();
    Ok(serde_json::from_value(json!({ "Records": records }))?)
}

async fn settle(
    queue: &Queue,
    messages: &[Message],
    (response, reasons): (&SqsBatchResponse, &BTreeMap<String, String>),
) -> anyhow::Result<()> {
    for message in messages {
        let failed = response
            .batch_item_failures
            .iter()
            .any(|failed| failed.item_identifier == message.id);
        if failed {
            let rest = REST * message.receive_count;
            let reason = reasons
                .get(&message.id)
                .map_or(NOT_FINISHED, String::as_str);
            queue
                .release(&message.receipt, rest, reason, Timestamp::now())
                .await?;
        } else {
            queue.delete(&message.receipt).await?;
        }
    }
    Ok(())
}

/// The queues of both buckets for `upkeep`.
pub(super) struct EmbeddedQueues(pub(super) Embedded);

impl EmbeddedQueues {
    fn queue(&self, kind: ObjectKind) -> Queue {
        self.0.queue(match kind {
            ObjectKind::Ad => INGEST_QUEUE,
            ObjectKind::Reference => ENROLL_QUEUE,
        })
    }
}

impl Queues for EmbeddedQueues {
    fn waiting(&self, kind: ObjectKind) -> BoxFuture<'_, store::Result<u64>> {
        let queue = self.queue(kind);
        Box::pin(async move {
            let depth = queue.depth(Timestamp::now()).await;
            let depth = depth.map_err(|_| store::Error::Unavailable("asking a queue"))?;
            Ok(depth.visible)
        })
    }

    fn given_up(&self, what: GivenUp) -> BoxFuture<'_, store::Result<Option<u64>>> {
        let sources = match what {
            GivenUp::Objects(ObjectKind::Ad) => vec![INGEST_QUEUE.to_owned()],
            GivenUp::Objects(ObjectKind::Reference) => vec![ENROLL_QUEUE.to_owned()],
            GivenUp::Changes => dead_letters::of_streams(),
        };
        Box::pin(async move {
            let mut dead = 0;
            for source in sources {
                let depth = self.0.queue(&source).depth(Timestamp::now()).await;
                dead += depth
                    .map_err(|_| store::Error::Unavailable("asking a queue"))?
                    .dead;
            }
            Ok(Some(dead))
        })
    }

    fn send(&self, kind: ObjectKind, bodies: Vec<String>) -> BoxFuture<'_, store::Result<()>> {
        let queue = self.queue(kind);
        Box::pin(async move {
            for body in bodies {
                let sent = queue.send(&body, Timestamp::now()).await;
                sent.map_err(|_| store::Error::Unavailable("sending a message"))?;
            }
            Ok(())
        })
    }
}
