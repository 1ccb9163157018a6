//! What an outcome means for its delivery: taken, to be tried again, or over.

use records::{Alert, Delivery, DeliveryState, ReasonCode, Timestamp};

use crate::schedule;
use crate::send;

/// Judges an attempt on a delivery that has had `before.attempts` attempts before it.
///
/// 2xx is success. 410 ends the delivery at once, and the caller disables the webhook. All else,
/// redirects included, is tried again until the schedule is used up.
pub fn classify(
    before: &Delivery,
    alert: &Alert,
    outcome: &send::SendOutcome,
    now: Timestamp,
) -> store::DeliveryOutcome {
    let (last_status, reason, retry_after) = match outcome {
        send::SendOutcome::Answered { status, .. } if (200..300).contains(status) => {
            return over(DeliveryState::Delivered, Some(*status), None);
        }
        send::SendOutcome::Answered { status: GONE, .. } => {
            let reason = Some(ReasonCode::RECEIVER_GONE);
            return over(DeliveryState::Failed, Some(GONE), reason);
        }
        send::SendOutcome::Answered {
            status,
            retry_after,
        } => (
            Some(*status),
            send::reason("not_accepted"),
            retry_after.as_deref(),
        ),
        send::SendOutcome::Unanswered(fault) => (None, fault.reason(), None),
    };
    let attempts = before.attempts.saturating_add(1);
    let asked_s = retry_after.and_then(|text| schedule::retry_after_s(text, now));
    let spread = schedule::spread(&before.webhook, &alert.id(), attempts);
    match schedule::next_attempt(attempts, now, spread, asked_s.unwrap_or(0)) {
        None => over(
            DeliveryState::Failed,
            last_status,
            Some(ReasonCode::ATTEMPTS_EXHAUSTED),
        ),
        next_attempt_at => store::DeliveryOutcome {
            state: DeliveryState::Pending,
            next_attempt_at,
            last_status,
            reason: Some(reason),
        },
    }
}

/// `410 Gone`: the receiver wants no more messages.
pub const GONE: u16 = 410;

fn over(
    state: DeliveryState,
    last_status: Option<u16>,
    reason: Option<ReasonCode>,
) -> store::DeliveryOutcome {
    store::DeliveryOutcome {
        state,
        next_attempt_at: None,
        last_status,
        reason,
    }
}
