//! One attempt on one delivery: under a lease, signed anew, judged, settled.

use std::time::Duration;

use records::{
    Alert, AlertKind, Delivery, DeliveryState, ReasonCode, ReferenceStatus, TenantId, Timestamp,
    Webhook, WebhookState,
};
use store::{Error, Lease, Leased};

use crate::judge::{GONE, judge};
use crate::send::{Fault, Message, Outcome, reason};
use crate::target::Target;
use crate::{Alerting, signature};

/// What a lease leaves beyond the longest attempt: to settle, and for clocks that differ. Who
/// withdraws a reference waits this much longer at most if we die in between.
const LEASE_SPARE: Duration = Duration::from_secs(5);

/// When to look again at a delivery whose reference is held: until a person decides.
const HELD_WAIT: Duration = Duration::from_secs(300);

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The receiver took the message.
    Delivered,
    /// To be tried again later.
    Postponed,
    /// No answer came in time: to be tried again later, unless that was the last attempt.
    Silent,
    /// No further attempt: refused for good, or the last attempt failed.
    Failed,
    /// Not sent and never to be: the reference has ended, what the lead rested on was retracted, or
    /// the webhook is gone or disabled.
    Abandoned,
    /// Untouched: somebody else is at it, or the store was in trouble. It stays due if it was.
    Left,
}

/// Whether a delivery waits for an attempt now.
pub fn is_due(delivery: &Delivery, now: Timestamp) -> bool {
    delivery.state == DeliveryState::Pending
        && delivery.next_attempt_at.is_some_and(|due| due <= now)
}

/// Makes one attempt of this length at most, if it may be made. Trouble with the store is logged: the
/// delivery stays due, and a message that went out but was not settled goes out again under the same
/// id.
pub async fn attempt(
    alerting: &Alerting,
    unit: &TenantId,
    delivery: &Delivery,
    within: Duration,
) -> Ended {
    let ended = match try_attempt(alerting, unit, delivery, within).await {
        Ok(ended) => ended,
        Err(Error::Conflict(_)) => Ended::Left, // settled by somebody else meanwhile
        Err(error) => {
            tracing::warn!(%unit, webhook = %delivery.webhook, seq = delivery.seq, %error, "left");
            return Ended::Left;
        }
    };
    tracing::info!(
        %unit, webhook = %delivery.webhook, seq = delivery.seq, attempt = delivery.attempts + 1,
        ended = ?ended, "attempt",
    );
    ended
}

async fn try_attempt(
    alerting: &Alerting,
    unit: &TenantId,
    delivery: &Delivery,
    within: Duration,
) -> Result<Ended, Error> {
    let store = &alerting.store;
    let Some(webhook) = store.webhook(unit, &delivery.webhook).await? else {
        return abandon(alerting, unit, delivery, reason("webhook_removed")).await;
    };
    if webhook.state == WebhookState::Disabled {
        let why = webhook.reason.unwrap_or_else(|| reason("webhook_disabled"));
        return abandon(alerting, unit, delivery, why).await;
    }
    let Some(alert) = store.alert(unit, delivery.seq).await? else {
        return abandon(alerting, unit, delivery, reason("alert_erased")).await;
    };
    if alert.kind != AlertKind::Withdrawn && is_retracted(alerting, unit, delivery).await? {
        return abandon(alerting, unit, delivery, reason("contribution_retracted")).await;
    }
    let now = alerting.clock.now();
    let until = now.plus(within + LEASE_SPARE);
    match store.lease(unit, delivery, now, until).await? {
        Leased::Granted(lease) => under_lease(alerting, &webhook, &alert, &lease, within).await,
        Leased::NotActive => not_active(alerting, unit, delivery).await,
        Leased::Busy | Leased::Settled => Ok(Ended::Left),
    }
}

/// Whether the lead was withdrawn since what it rested on was retracted.
async fn is_retracted(
    alerting: &Alerting,
    unit: &TenantId,
    delivery: &Delivery,
) -> Result<bool, Error> {
    let lead = alerting.store.lead_summary(unit, &delivery.lead_id).await?;
    Ok(lead.is_some_and(|lead| lead.retracted.is_some()))
}

/// The send itself. Nothing else of this file may run between lease and send, and the time is
/// looked at once more: a process that was stopped in between must not send after its lease.
async fn under_lease(
    alerting: &Alerting,
    webhook: &Webhook,
    alert: &Alert,
    lease: &Lease,
    within: Duration,
) -> Result<Ended, Error> {
    let begun = alerting.clock.now();
    let message = message(webhook, alert, begun);
    let outcome = match Target::parse(webhook.url.as_str()) {
        Err(_) => Outcome::Unanswered(Fault::AddressNotPermitted),
        Ok(_) if alerting.clock.now().plus(within) > lease.until => return Ok(Ended::Left),
        Ok(target) => alerting.sender.post(&target, message, within).await,
    };
    if matches!(outcome, Outcome::Answered { status: GONE, .. }) {
        disable(alerting, &lease.unit, webhook).await?;
    }
    let now = alerting.clock.now();
    let is_silent = outcome == Outcome::Unanswered(Fault::TimedOut);
    alerting.remember(lease, is_silent, now.since(begun), now);
    let settled = judge(&lease.delivery, alert, &outcome, now);
    let after = alerting.store.settle(lease, &settled, now).await?;
    Ok(match after.state {
        DeliveryState::Pending | DeliveryState::Failed if is_silent => Ended::Silent,
        DeliveryState::Delivered => Ended::Delivered,
        DeliveryState::Pending => Ended::Postponed,
        DeliveryState::Failed => Ended::Failed,
        DeliveryState::Abandoned => Ended::Abandoned,
    })
}

/// The id of an alert holds no full stop: names of units are letters, digits, `-` and `_`.
fn message(webhook: &Webhook, alert: &Alert, now: Timestamp) -> Message {
    let body = serde_json::to_vec(&alert.envelope()).expect("an envelope is plain JSON");
    let (id, timestamp_s) = (alert.id(), now.seconds());
    let keys = signature::keys(webhook, now);
    let signature = signature::header(&keys, &id, timestamp_s, &body);
    Message {
        id,
        timestamp_s,
        signature,
        body,
    }
}

/// Disables a webhook whose receiver is gone, unless its unit gave it another address meanwhile.
async fn disable(alerting: &Alerting, unit: &TenantId, called: &Webhook) -> Result<(), Error> {
    let stands = alerting.store.webhook(unit, &called.name).await?;
    if stands.as_ref() == Some(called) {
        let now = alerting.clock.now();
        alerting
            .store
            .disable_webhook(unit, &called.name, ReasonCode::RECEIVER_GONE, now)
            .await?;
    }
    Ok(())
}

/// A reference that is held may become active again, and its alerts are then to go out; one that
/// has ended never does.
async fn not_active(
    alerting: &Alerting,
    unit: &TenantId,
    delivery: &Delivery,
) -> Result<Ended, Error> {
    use ReferenceStatus as Status;
    let reference = alerting
        .store
        .reference(unit, &delivery.reference_id)
        .await?;
    match reference.map(|reference| reference.status) {
        Some(Status::Pending | Status::Active | Status::Held) => {
            let now = alerting.clock.now();
            alerting
                .store
                .postpone(unit, delivery, now.plus(HELD_WAIT), now)
                .await?;
            Ok(Ended::Postponed)
        }
        Some(Status::Withdrawn | Status::Expired | Status::Rejected) | None => {
            abandon(alerting, unit, delivery, ReasonCode::REFERENCE_NOT_ACTIVE).await
        }
    }
}

async fn abandon(
    alerting: &Alerting,
    unit: &TenantId,
    delivery: &Delivery,
    why: ReasonCode,
) -> Result<Ended, Error> {
    alerting
        .store
        .abandon(unit, delivery, why, alerting.clock.now())
        .await?;
    Ok(Ended::Abandoned)
}
