//! Fan-out of attempts: each unit's attempts run concurrently with the others', and within them each webhook's. A
//! receiver that lets its attempts wait holds up only its own webhook, and that one ends with its turn.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{StreamExt, stream};
use records::{TenantId, Timestamp, WebhookName};

use crate::AlertProgram;
use crate::deliver::{self, Ended};
use crate::silences::SILENCES_MAX;

/// Units served at the same time. With the two below 128 attempts at most, of which each has a socket:
/// a function may have 1,024, and half as many names being looked up.
pub(crate) const UNITS_AT_ONCE: usize = 8;

/// Webhooks of one unit served at the same time.
pub(crate) const WEBHOOKS_AT_ONCE: usize = 8;

/// Attempts under way to one webhook: the second goes on where one answer is slow to come. As many that
/// went unanswered in a row end its attempts, and each of them takes a place until an answer comes.
const SENDS_A_WEBHOOK: usize = SILENCES_MAX;

/// How far a unit's attempts may go this time.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// What one attempt may take.
    pub(crate) attempt: Duration,
    /// After this none begins.
    pub(crate) ends: Timestamp,
}

/// Makes a unit's attempts on these deliveries, the numbers of their alerts by webhook, as far as its
/// turn goes; what is left stays due. Who kept silent lately comes last. Returns how many were taken
/// up.
pub(crate) async fn send(
    program: &AlertProgram,
    unit: &TenantId,
    due: BTreeMap<WebhookName, Vec<u64>>,
    turn: Turn,
) -> usize {
    let now = program.clock.now();
    let mut webhooks: Vec<(WebhookName, Vec<u64>)> = due.into_iter().collect();
    webhooks.sort_by_key(|(webhook, _)| program.silences.is_silent(unit, webhook, now));
    stream::iter(webhooks)
        // Owned, and its future named: a host that spawns the timer needs it `Send`.
        .map(|(webhook, due)| async move { deliver_webhook(program, unit, &webhook, due, turn).await })
        .buffer_unordered(WEBHOOKS_AT_ONCE)
        .fold(0, |taken, more| async move { taken + more })
        .await
}

/// One webhook's attempts, in order. They end when its receiver keeps silent.
async fn deliver_webhook(
    program: &AlertProgram,
    unit: &TenantId,
    webhook: &WebhookName,
    due: Vec<u64>,
    turn: Turn,
) -> usize {
    let (mut due, mut under_way) = (due.into_iter(), FuturesUnordered::new());
    let (mut taken, mut silences) = (0, 0);
    loop {
        while under_way.len() + silences < SENDS_A_WEBHOOK
            && program.clock.now() < turn.ends
            && let Some(seq) = due.next()
        {
            under_way.push(attempt(program, unit, webhook, seq, turn.attempt));
        }
        match under_way.next().await {
            Some(Some(Ended::Silent)) => silences += 1,
            Some(Some(_)) => silences = 0,
            Some(None) => continue,
            None => return taken,
        }
        taken += 1;
    }
}

/// One attempt, if it is still due; it may have been made, or its delivery settled, concurrently.
async fn attempt(
    program: &AlertProgram,
    unit: &TenantId,
    webhook: &WebhookName,
    seq: u64,
    within: Duration,
) -> Option<Ended> {
    let delivery = match program.store.deliveries.delivery(unit, webhook, seq).await {
        Ok(delivery) => delivery?,
        Err(error) => {
            tracing::warn!(%unit, %webhook, seq, %error, "left");
            return None;
        }
    };
    if !deliver::is_due(&delivery, program.clock.now()) {
        return None;
    }
    Some(deliver::attempt(program, unit, &delivery, within).await)
}
