//! Alerts leave the house here, and nothing else does: this is the only program with a way out.
//!
//! An alert is written in the transaction of its lead. Each enabled webhook of its unit then gets
//! one *delivery*, tried up to ten times over three days ([`schedule`]) until the receiver takes
//! it. A message is signed ([`signature`]), goes to permitted addresses only ([`address`]), and is
//! sent only under a lease that was granted while its reference was active ([`deliver`]): once a
//! withdrawal is acknowledged, nothing about the reference leaves.
//!
//! Receivers get a message at least once; repeats carry the same `webhook-id`.
//!
//! It logs names of webhooks, numbers of alerts and reason codes: never a URL, a key, a case
//! number or a body.

pub mod address;
mod deliver;
mod judge;
pub mod resolver;
pub mod schedule;
pub mod send;
pub mod signature;
pub mod target;

use std::time::Duration;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures::{StreamExt, stream};
use records::{Alert, Delivery, TenantId, Timestamp, WebhookState};
use store::{Change, Clock, Store};

pub use deliver::Ended;

/// Attempts under way at the same time: a receiver that lets each wait for 15 seconds holds up a
/// batch of a hundred for a minute and a half, and no longer.
const SENDS_AT_ONCE: usize = 16;

/// Deliveries taken up together by the timer; the store's page.
const ROUND_MAX: usize = store::PAGE_ITEMS_MAX;

/// The timer starts no further round after this; the next timer goes on.
const ROUNDS_TIME: Duration = Duration::from_secs(60);

/// Rounds of one unit in one timer, whatever the clock says.
const ROUNDS_MAX: usize = 100;

/// Of an alert of this age that is not queued the stream is far behind, or gave it up. To queue it
/// again would do nothing.
const LATE_AFTER: Duration = Duration::from_secs(15 * 60);

/// What the program works with.
pub struct Alerting {
    /// Outbox, deliveries, webhooks, references.
    pub store: Store,
    /// The way out.
    pub sender: send::Sender,
    /// The time, asked anew for each attempt.
    pub clock: Clock,
}

impl Alerting {
    /// Acts on a batch of the leads' stream: queues each new alert for each enabled webhook of its
    /// unit, in order, then makes the first attempts. The first record whose alert cannot be queued
    /// comes again with all after it; what is queued, the timer sees to. Repeated records do
    /// nothing again.
    pub async fn on_leads(&self, event: &Event) -> DynamoDbEventResponse {
        let mut response = DynamoDbEventResponse::default();
        let mut queued = Vec::new();
        for record in &event.records {
            match self.queue(record).await {
                Ok(mut deliveries) => queued.append(&mut deliveries),
                Err(error) => {
                    response
                        .batch_item_failures
                        .push(comes_again(record, error));
                    break;
                }
            }
        }
        stream::iter(&queued)
            .for_each_concurrent(SENDS_AT_ONCE, |(unit, delivery)| async move {
                deliver::attempt(self, unit, delivery).await;
            })
            .await;
        response
    }

    /// Queues a record's alert and gives what is due of it now. On a repeated record a delivery
    /// may have been tried, or settled, before.
    async fn queue(&self, record: &EventRecord) -> store::Result<Vec<(TenantId, Delivery)>> {
        let Some(Change::Alert(alert)) = change_of(record)? else {
            return Ok(Vec::new());
        };
        self.queue_alert(&alert).await
    }

    /// Queues an alert for the enabled webhooks of its unit, where it is not yet.
    async fn queue_alert(&self, alert: &Alert) -> store::Result<Vec<(TenantId, Delivery)>> {
        let mut due = Vec::new();
        for webhook in self.store.webhooks(&alert.unit).await? {
            if webhook.state == WebhookState::Disabled {
                continue;
            }
            let now = self.clock.now();
            self.store.enqueue(&webhook.name, alert, now).await?;
            let delivery = self
                .store
                .delivery(&alert.unit, &webhook.name, alert.seq)
                .await?;
            due.extend(delivery.filter(|delivery| deliver::is_due(delivery, now)));
        }
        Ok(due
            .into_iter()
            .map(|delivery| (alert.unit.clone(), delivery))
            .collect())
    }

    /// Queues what the stream gave up: alerts that are old enough for it to have had its time.
    async fn queue_late(&self, unit: &TenantId) -> store::Result<()> {
        loop {
            let before = self.clock.now().minus(LATE_AFTER);
            let late = self.store.unqueued_alerts(unit, before).await?;
            for alert in &late {
                self.queue_alert(alert).await?;
            }
            match late.last() {
                Some(last) => self.store.note_queued(unit, last.seq).await?,
                None => return Ok(()),
            }
        }
    }

    /// Acts on the timer, about once a minute: queues what was left of the outbox, and makes the
    /// attempts that are due, of every unit.
    /// Returns how many deliveries were taken up.
    ///
    /// # Errors
    /// As the store's, if what is due cannot be read. One delivery's trouble is logged only, since
    /// it stays due.
    pub async fn on_timer(&self) -> store::Result<usize> {
        let started = self.clock.now();
        let mut taken = 0;
        for tenant in self.store.tenants().await? {
            if tenant.is_unit {
                taken += self.on_unit(&tenant.tenant, started).await?;
            }
        }
        Ok(taken)
    }

    async fn on_unit(&self, unit: &TenantId, started: Timestamp) -> store::Result<usize> {
        let mut taken = 0;
        self.queue_late(unit).await?;
        for _ in 0..ROUNDS_MAX {
            let due = self.store.due(unit, self.clock.now(), ROUND_MAX).await?;
            taken += due.len();
            let all_left = stream::iter(due)
                // Owned, and its future named: a host that spawns the timer needs it `Send`.
                .map(|delivery| async move { deliver::attempt(self, unit, &delivery).await })
                .buffer_unordered(SENDS_AT_ONCE)
                .fold(
                    true,
                    |left, ended| async move { left & (ended == Ended::Left) },
                )
                .await;
            if all_left || self.clock.now().since(started) > ROUNDS_TIME {
                break; // nothing more that can be done, or no time for it
            }
        }
        Ok(taken)
    }
}

/// The change that a record tells; none for what nobody acts upon.
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
