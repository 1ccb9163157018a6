//! Which receivers kept silent lately: a memory of this process, by which a receiver that never answers
//! costs the others a few seconds once and not with each batch. It decides who is asked now and who by
//! the timer, never whether.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use records::{TenantId, Timestamp, WebhookName};

/// Attempts in a row without an answer after which a receiver counts as silent: one may be chance.
pub(crate) const SILENCES_MAX: usize = 2;

/// For how long it then gets no first attempt by the stream, and all of them by the timer, which waits
/// for longer. After that one silence more is enough.
const SILENT_FOR: Duration = Duration::from_secs(5 * 60);

/// Webhooks remembered; beyond, those go whose time is over. 1,000 take less than 200 KB.
const WEBHOOKS_MAX: usize = 1_000;

type Hook = (TenantId, WebhookName);

/// In a row, and when the last one was.
struct Silence {
    times: usize,
    last: Timestamp,
}

impl Silence {
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.last) < SILENT_FOR
    }
}

/// Who kept silent.
#[derive(Default)]
pub(crate) struct Silences(Mutex<BTreeMap<Hook, Silence>>);

impl Silences {
    /// Whether a webhook's receiver would most likely let a first attempt wait for nothing.
    pub(crate) fn is_silent(&self, unit: &TenantId, webhook: &WebhookName, now: Timestamp) -> bool {
        let silences = self.all();
        let silence = silences.get(&(unit.clone(), webhook.clone()));
        silence.is_some_and(|silence| silence.times >= SILENCES_MAX && silence.is_fresh(now))
    }

    /// Notes an answer that came within the time of a first attempt.
    pub(crate) fn heard(&self, unit: &TenantId, webhook: &WebhookName) {
        self.all().remove(&(unit.clone(), webhook.clone()));
    }

    /// Notes that none came within it.
    pub(crate) fn kept(&self, unit: &TenantId, webhook: &WebhookName, now: Timestamp) {
        let mut silences = self.all();
        if silences.len() >= WEBHOOKS_MAX {
            silences.retain(|_, silence| silence.is_fresh(now));
        }
        let silence = silences
            .entry((unit.clone(), webhook.clone()))
            .or_insert(Silence {
                times: 0,
                last: now,
            });
        silence.times = silence.times.saturating_add(1);
        silence.last = now;
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Hook, Silence>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // each change is one step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_silences_in_a_row_are_remembered_for_five_minutes_and_then_one_is_enough() {
        let (unit, desk) = (TenantId::parse("unit"), WebhookName::parse("desk"));
        let (unit, desk) = (unit.expect("a tenant"), desk.expect("a name"));
        let at = |second: i64| Timestamp::from_millis(1_700_000_000_000 + second * 1_000);
        let silences = Silences::default();
        let is_silent = |second| silences.is_silent(&unit, &desk, at(second));
        silences.kept(&unit, &desk, at(0));
        assert!(!is_silent(1), "one may be chance");
        silences.kept(&unit, &desk, at(10));
        assert!(is_silent(11) && is_silent(309) && !is_silent(310));
        silences.kept(&unit, &desk, at(400));
        assert!(is_silent(401));
        silences.heard(&unit, &desk);
        silences.kept(&unit, &desk, at(402));
        assert!(!is_silent(403), "not in a row");
    }
}
