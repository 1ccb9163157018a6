//! Alerts leave the system here, and nothing else does: this is the only program with a way out.
//!
//! An alert is written in the transaction of its lead. Each enabled webhook of its unit then gets
//! one *delivery*, tried up to ten times over three days ([`schedule`]) until the receiver takes
//! it. A message is signed ([`signature`]), goes to permitted addresses only ([`address`]), and is
//! sent only under a lease that was granted while its reference was active ([`deliver`]): once a
//! withdrawal is acknowledged, nothing about the reference leaves.
//!
//! Receivers get a message at least once; repeats carry the same `webhook-id`. One that never answers
//! holds up no other: the stream gives a first attempt little time and a batch a bounded one, units and
//! webhooks are served concurrently ([`fan_out`]), who keeps silent is left to the timer, and that one
//! gives every unit its turn ([`timer`]).
//!
//! It logs names of webhooks, numbers of alerts and reason codes: never a URL, a key, a case
//! number or a body.
#![forbid(unsafe_code)]

pub mod address;
mod classify;
mod deliver;
mod fan_out;
pub mod resolver;
pub mod schedule;
pub mod send;
pub mod signature;
mod silences;
pub mod target;
mod timer;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures::{StreamExt, TryStreamExt, stream};
use records::{Alert, TenantId, Timestamp, WebhookName, WebhookState};
use store::{Change, Clock, Deliveries, Leads, Lease, References, Store, Tenants};

use fan_out::{Turn, UNITS_AT_ONCE, WEBHOOKS_AT_ONCE};

pub use deliver::Ended;

/// No first attempt of a batch starts later than this, so that the next batch, which has other units'
/// alerts, waits little longer; whatever has had none by then, the timer gives one.
const FIRST_ATTEMPTS_TIME: Duration = Duration::from_secs(10);

/// Of an alert of this age that is not queued the stream is far behind, or gave it up. To queue it
/// again would do nothing.
const LAGGING_AFTER: Duration = Duration::from_secs(15 * 60);

/// What it may touch: leads and what is delivered of them. No photo and no fingerprint.
///
/// ```
/// fn has(it: &alert::Access) -> &store::Deliveries { &it.deliveries }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &alert::Access) -> &store::Objects { &it.objects }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &alert::Access) -> &store::AdsSet { &it.ads }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &alert::Access) -> &store::Uploads { &it.uploads }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &alert::Access) -> &store::Searches { &it.searches }
/// ```
#[derive(Clone, Debug)]
pub struct Access {
    /// Leads and alerts.
    pub leads: Leads,
    /// Webhooks and deliveries.
    pub deliveries: Deliveries,
    /// References.
    pub references: References,
    /// Tenants.
    pub tenants: Tenants,
}

impl From<Store> for Access {
    fn from(all: Store) -> Self {
        Self {
            leads: all.leads,
            deliveries: all.deliveries,
            references: all.references,
            tenants: all.tenants,
        }
    }
}

/// What the program works with.
pub struct AlertProgram {
    /// Outbox, deliveries, webhooks, references.
    pub store: Access,
    /// The way out.
    pub sender: send::Sender,
    /// The time, asked again for each attempt.
    pub clock: Clock,
    /// Where the pages for people lie, e.g. `http://127.0.0.1:8750`; none if there are none.
    pub pages_at: Option<String>,
    silences: silences::Silences,
    next: timer::Next,
}

/// An alert that could not be queued: the place of its record, and why.
type NotQueued = (usize, store::Error);

impl AlertProgram {
    /// The program with an empty memory.
    pub fn new(store: impl Into<Access>, sender: send::Sender, clock: Clock) -> Self {
        Self {
            store: store.into(),
            sender,
            clock,
            pages_at: None,
            silences: silences::Silences::default(),
            next: timer::Next::default(),
        }
    }

    /// Acts on a batch of the leads' stream: queues each new alert for each enabled webhook of its
    /// unit, and makes first attempts, each unit's concurrently with the others'. The first record whose alert
    /// cannot be queued comes again with all after it; what is queued, the timer sees to. Repeated
    /// records do nothing again.
    pub async fn on_leads(&self, event: &Event) -> DynamoDbEventResponse {
        let turn = Turn {
            attempt: self.sender.timeouts().first,
            ends: self.clock.now().plus(FIRST_ATTEMPTS_TIME),
        };
        let (units, unread) = by_unit(&event.records);
        let not_queued: Vec<Option<NotQueued>> = stream::iter(units)
            .map(|alerts| async move { self.on_unit(&alerts, turn).await })
            .buffer_unordered(UNITS_AT_ONCE)
            .collect()
            .await;
        let mut response = DynamoDbEventResponse::default();
        let failed = not_queued.into_iter().flatten().chain(unread);
        if let Some((at, error)) = failed.min_by_key(|(at, _)| *at) {
            let failure = comes_again(&event.records[at], error);
            response.batch_item_failures.push(failure);
        }
        response
    }

    /// One unit's alerts of a batch, in order: queued, then tried.
    async fn on_unit(&self, alerts: &[(usize, Alert)], turn: Turn) -> Option<NotQueued> {
        let unit = &alerts.first()?.1.unit;
        let (mut due, mut not_queued) = (BTreeMap::<WebhookName, Vec<u64>>::new(), None);
        for (at, alert) in alerts {
            match self.queue(alert).await {
                Ok(webhooks) => {
                    for webhook in webhooks {
                        due.entry(webhook).or_default().push(alert.seq);
                    }
                }
                Err(error) => {
                    not_queued = Some((*at, error));
                    break;
                }
            }
        }
        let now = self.clock.now();
        due.retain(|webhook, _| !self.silences.is_silent(unit, webhook, now));
        fan_out::send(self, unit, due, turn).await;
        not_queued
    }

    /// Queues an alert for the enabled webhooks of its unit, where it is not yet, and names them.
    async fn queue(&self, alert: &Alert) -> store::Result<Vec<WebhookName>> {
        let webhooks = self
            .store
            .deliveries
            .webhooks(&alert.unit)
            .await?
            .into_iter();
        let enabled = webhooks.filter(|webhook| webhook.state == WebhookState::Enabled);
        let now = self.clock.now();
        stream::iter(enabled.map(|webhook| webhook.name).collect::<Vec<_>>())
            .map(|webhook| async move {
                self.store.deliveries.enqueue(&webhook, alert, now).await?;
                Ok(webhook)
            })
            .buffered(WEBHOOKS_AT_ONCE)
            .try_collect()
            .await
    }

    /// Notes whether a receiver answered within the time of a first attempt.
    fn remember(&self, lease: &Lease, is_silent: bool, took: Duration, now: Timestamp) {
        let webhook = &lease.delivery.webhook;
        if is_silent || took > self.sender.timeouts().first {
            self.silences.kept(&lease.unit, webhook, now);
        } else {
            self.silences.heard(&lease.unit, webhook);
        }
    }
}

/// The alerts of a batch with the places of their records, unit by unit as they come; and the first
/// record that cannot be read.
fn by_unit(records: &[EventRecord]) -> (Vec<Vec<(usize, Alert)>>, Option<NotQueued>) {
    let (mut units, mut unread) = (Vec::<Vec<(usize, Alert)>>::new(), None);
    let mut places = BTreeMap::<TenantId, usize>::new();
    for (at, record) in records.iter().enumerate() {
        match change_of(record) {
            Ok(Some(Change::Alert(alert))) => {
                let place = *places.entry(alert.unit.clone()).or_insert(units.len());
                match units.get_mut(place) {
                    Some(alerts) => alerts.push((at, alert)),
                    None => units.push(vec![(at, alert)]),
                }
            }
            Ok(_) => {}
            Err(error) => unread = unread.or(Some((at, error))),
        }
    }
    (units, unread)
}

/// The change of a stream record; none for those that need no action.
fn change_of(record: &EventRecord) -> store::Result<Option<Change>> {
    if record.event_name == "INSERT" {
        store::inserted(record.change.new_image.clone())
    } else {
        Ok(None)
    }
}

fn comes_again(record: &EventRecord, error: store::Error) -> DynamoDbBatchItemFailure {
    let number = record.change.sequence_number.clone();
    tracing::warn!(change = number, %error, "an alert is not queued and comes again");
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = number;
    failure
}
