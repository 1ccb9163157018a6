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

use aws_lambda_events::dynamodb;
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures::{StreamExt, stream};
use records::{TenantId, Timestamp, WebhookState};
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

/// What the program works with.
pub struct Alerting {
    /// Outbox, deliveries, webhooks, references.
    pub store: Store,
    /// The way out.
    pub sender: send::Sender,
    /// The time, asked anew for each attempt.
    pub clock: Clock,
}

/// A batch of the leads' stream: queues each new alert for each webhook of its unit and makes the
/// first attempts. An alert is a failure of the batch only if it could not be queued: from then on
/// the timer sees to it. Repeated records do nothing again.
pub async fn on_leads(event: dynamodb::Event, alerting: &Alerting) -> DynamoDbEventResponse {
    let failures: Vec<DynamoDbBatchItemFailure> = stream::iter(event.records)
        .map(|record| async move {
            let sequence_number = record.change.sequence_number.clone();
            let error = on_record(record, alerting).await.err()?;
            tracing::error!(%error, "an alert was not queued");
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = sequence_number;
            Some(failure)
        })
        .buffered(SENDS_AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = failures;
    response
}

async fn on_record(record: dynamodb::EventRecord, alerting: &Alerting) -> store::Result<()> {
    if record.event_name != "INSERT" {
        return Ok(());
    }
    let Some(Change::Alert(alert)) = store::inserted(record.change.new_image)? else {
        return Ok(());
    };
    let mut queued = Vec::new();
    for webhook in alerting.store.webhooks(&alert.unit).await? {
        if webhook.state == WebhookState::Enabled {
            let now = alerting.clock.now();
            alerting.store.enqueue(&webhook.name, &alert, now).await?;
            queued.push(webhook.name);
        }
    }
    for name in queued {
        // Read back: on a repeated record it may have been tried, or settled, before.
        let delivery = alerting.store.delivery(&alert.unit, &name, alert.seq).await;
        match delivery {
            Ok(Some(delivery)) if deliver::is_due(&delivery, alerting.clock.now()) => {
                deliver::attempt(alerting, &alert.unit, &delivery).await;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "left to the timer"),
        }
    }
    Ok(())
}

/// The timer, about once a minute: attempts that are due, of every unit. Returns how many
/// deliveries were taken up.
///
/// # Errors
/// As the store's, if what is due cannot be read; a single delivery's trouble is logged only, since
/// it stays due.
pub async fn on_timer(alerting: &Alerting) -> store::Result<usize> {
    let started = alerting.clock.now();
    let mut taken = 0;
    for tenant in alerting.store.tenants().await? {
        if tenant.is_unit {
            taken += on_unit(alerting, &tenant.tenant, started).await?;
        }
    }
    Ok(taken)
}

async fn on_unit(
    alerting: &Alerting,
    unit: &TenantId,
    started: Timestamp,
) -> store::Result<usize> {
    let mut taken = 0;
    for _ in 0..ROUNDS_MAX {
        let now = alerting.clock.now();
        let due = alerting.store.due(unit, now, ROUND_MAX).await?;
        taken += due.len();
        let moved = stream::iter(&due)
            .map(|delivery| deliver::attempt(alerting, unit, delivery))
            .buffer_unordered(SENDS_AT_ONCE)
            .fold(false, |moved, ended| async move { moved | (ended != Ended::Left) })
            .await;
        if !moved || alerting.clock.now().since(started) > ROUNDS_TIME {
            break; // nothing (more) to do, or no time for it
        }
    }
    Ok(taken)
}
