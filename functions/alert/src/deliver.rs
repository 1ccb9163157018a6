//! One attempt on one delivery: under a lease, signed again, classified, settled.

use std::time::Duration;

use records::{
    Alert, Delivery, DeliveryState, ReasonCode, ReferenceStatus, TenantId, Timestamp, Webhook,
    WebhookState,
};
use store::{Error, Lease, Leased};

use crate::classify::{GONE, classify};
use crate::send::{Message, SendError, SendOutcome, reason};
use crate::target::Target;
use crate::{AlertProgram, signature};

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
    /// Untouched: another worker has it, or the store failed. It stays due if it was.
    Left,
}

/// Whether a delivery waits for an attempt now.
pub fn is_due(delivery: &Delivery, now: Timestamp) -> bool {
    delivery.state == DeliveryState::Pending
        && delivery.next_attempt_at.is_some_and(|due| due <= now)
}

/// Makes one attempt of this length at most, if it may be made. A failure of the store is logged: the
/// delivery stays due, and a message that went out but was not settled goes out again under the same
/// id.
pub async fn attempt(
    program: &AlertProgram,
    unit: &TenantId,
    delivery: &Delivery,
    within: Duration,
) -> Ended {
    let ended = match try_attempt(program, unit, delivery, within).await {
        Ok(ended) => ended,
        Err(Error::Conflict(_)) => Ended::Left, // settled by another worker concurrently
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
    program: &AlertProgram,
    unit: &TenantId,
    delivery: &Delivery,
    within: Duration,
) -> Result<Ended, Error> {
    let store = &program.store;
    let Some(webhook) = store.deliveries.webhook(unit, &delivery.webhook).await? else {
        return abandon(program, unit, delivery, reason("webhook_removed")).await;
    };
    if webhook.state == WebhookState::Disabled {
        let why = webhook.reason.unwrap_or_else(|| reason("webhook_disabled"));
        return abandon(program, unit, delivery, why).await;
    }
    let Some(alert) = store.leads.alert(unit, delivery.seq).await? else {
        return abandon(program, unit, delivery, reason("alert_erased")).await;
    };
    if alert.kind.needs_active_reference() && is_retracted(program, unit, delivery).await? {
        return abandon(program, unit, delivery, reason("contribution_retracted")).await;
    }
    let now = program.clock.now();
    let until = now.plus(within + LEASE_SPARE);
    match store.deliveries.lease(unit, delivery, now, until).await? {
        Leased::Granted(lease) => under_lease(program, &webhook, &alert, &lease, within).await,
        Leased::NotActive => not_active(program, unit, delivery).await,
        Leased::Busy | Leased::Settled => Ok(Ended::Left),
    }
}

/// Whether the lead was withdrawn since what it rested on was retracted.
async fn is_retracted(
    program: &AlertProgram,
    unit: &TenantId,
    delivery: &Delivery,
) -> Result<bool, Error> {
    let lead = program
        .store
        .leads
        .lead_summary(unit, &delivery.lead_id)
        .await?;
    Ok(lead.is_some_and(|lead| lead.retracted.is_some()))
}

/// The send itself. Nothing else of this file may run between lease and send, and the time is
/// looked at once more: a process that was stopped in between must not send after its lease.
async fn under_lease(
    program: &AlertProgram,
    webhook: &Webhook,
    alert: &Alert,
    lease: &Lease,
    within: Duration,
) -> Result<Ended, Error> {
    let begun = program.clock.now();
    let message = message(webhook, alert, program.pages_at.as_deref(), begun);
    let outcome = match Target::parse(webhook.url.as_str()) {
        Err(_) => SendOutcome::Unanswered(SendError::AddressNotPermitted),
        Ok(_) if program.clock.now().plus(within) > lease.until => return Ok(Ended::Left),
        Ok(target) => program.sender.post(&target, message, within).await,
    };
    if matches!(outcome, SendOutcome::Answered { status: GONE, .. }) {
        disable(program, &lease.unit, webhook).await?;
    }
    let now = program.clock.now();
    let is_silent = outcome == SendOutcome::Unanswered(SendError::TimedOut);
    program.remember(lease, is_silent, now.since(begun), now);
    let settled = classify(&lease.delivery, alert, &outcome, now);
    let after = program
        .store
        .deliveries
        .settle(lease, &settled, now)
        .await?;
    Ok(match after.state {
        DeliveryState::Pending | DeliveryState::Failed if is_silent => Ended::Silent,
        DeliveryState::Delivered => Ended::Delivered,
        DeliveryState::Pending => Ended::Postponed,
        DeliveryState::Failed => Ended::Failed,
        DeliveryState::Abandoned => Ended::Abandoned,
    })
}

/// The id of an alert holds no full stop: names of units are letters, digits, `-` and `_`.
fn message(webhook: &Webhook, alert: &Alert, pages: Option<&str>, now: Timestamp) -> Message {
    let body = serde_json::to_vec(&alert.envelope_at(pages)).expect("an envelope is plain JSON");
    let (id, timestamp_s) = (alert.id(), now.seconds());
    let keys = signature::keys(webhook, now);
    let signature = signature::header(&keys, &id, timestamp_s, &body);
    Message {
        id,
        timestamp_s,
        signature,
        content_type: webhook.content_type.header(),
        body,
    }
}

/// Disables a webhook whose receiver is gone, unless its unit gave it another address concurrently.
async fn disable(program: &AlertProgram, unit: &TenantId, called: &Webhook) -> Result<(), Error> {
    let stands = program.store.deliveries.webhook(unit, &called.name).await?;
    if stands.as_ref() == Some(called) {
        let now = program.clock.now();
        program
            .store
            .deliveries
            .disable_webhook(unit, &called.name, ReasonCode::RECEIVER_GONE, now)
            .await?;
    }
    Ok(())
}

/// A reference that is held may become active again, and its alerts are then to go out; one that
/// has ended never does.
async fn not_active(
    program: &AlertProgram,
    unit: &TenantId,
    delivery: &Delivery,
) -> Result<Ended, Error> {
    use ReferenceStatus as Status;
    let reference = program
        .store
        .references
        .reference(unit, &delivery.reference_id)
        .await?;
    match reference.map(|reference| reference.status) {
        Some(Status::Pending | Status::Active | Status::Held) => {
            let now = program.clock.now();
            program
                .store
                .deliveries
                .postpone(unit, delivery, now.plus(HELD_WAIT), now)
                .await?;
            Ok(Ended::Postponed)
        }
        Some(Status::Withdrawn | Status::Expired | Status::Rejected) | None => {
            abandon(program, unit, delivery, ReasonCode::REFERENCE_NOT_ACTIVE).await
        }
    }
}

async fn abandon(
    program: &AlertProgram,
    unit: &TenantId,
    delivery: &Delivery,
    why: ReasonCode,
) -> Result<Ended, Error> {
    program
        .store
        .deliveries
        .abandon(unit, delivery, why, program.clock.now())
        .await?;
    Ok(Ended::Abandoned)
}
