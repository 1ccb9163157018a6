//! A case system at the end of the alerts' way, in virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alert::send::{Message, Post, SendError, SendOutcome};
use serde_json::Value;

use super::rng::{Rng, hash};
use super::time::Time;

/// A message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// When.
    pub at_us: u64,
    /// Its `webhook-id`.
    pub id: String,
    /// The event's type.
    pub kind: String,
    /// The lead that it is about.
    pub lead: String,
    /// The reference that it is about.
    pub reference: String,
}

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// Until it arrives.
    pub before: Duration,
    /// Until the answer is there.
    pub after: Duration,
    /// Whether the message is lost on its way.
    pub is_lost: bool,
    /// Whether the answer is.
    pub is_answer_lost: bool,
    /// Whether the case system fails and says so, after it took the message.
    pub is_failure: bool,
}

/// How long a moody one keeps silent, in microseconds: longer than two attempts.
const SILENCE_US: u64 = 10_000_000;

/// The case system.
pub struct CaseSystem {
    time: Time,
    arrived: Mutex<Vec<Arrived>>,
    #[allow(clippy::type_complexity)] // named once, here
    receptions: Box<dyn Fn(&str, u64) -> Reception + Send + Sync>,
    attempts: Mutex<u64>,
}

impl CaseSystem {
    /// One whose receptions are drawn, by the message's id and the number of the attempt.
    pub fn new(
        time: &Time,
        receptions: impl Fn(&str, u64) -> Reception + Send + Sync + 'static,
    ) -> Self {
        Self {
            time: time.clone(),
            arrived: Mutex::default(),
            receptions: Box::new(receptions),
            attempts: Mutex::default(),
        }
    }

    /// One that takes everything at once.
    pub fn willing(time: &Time) -> Self {
        Self::new(time, |_, _| Reception::default())
    }

    /// One that is slow and sometimes failing, as the seed draws, until `calm_us`; for a while now
    /// and then it takes every message and answers none.
    pub fn moody(time: &Time, rng: Rng, calm_us: u64) -> Self {
        let clock = time.clone();
        Self::new(time, move |id, attempt| {
            let now_us = clock.now_us();
            let is_calm = now_us > calm_us;
            let keeps_silent = rng.of("silence", now_us / SILENCE_US).one_in(4);
            let mut rng = rng.of(id, attempt);
            let mut one_in = |times| !is_calm && rng.one_in(times);
            let (is_lost, is_answer_lost, is_failure) = (one_in(8), one_in(8), one_in(8));
            let mut slowly = |most_ms: u64| Duration::from_micros(rng.below(most_ms * 1_000) + 1);
            Reception {
                before: slowly(6_000),
                after: match keeps_silent && !is_calm {
                    true => Duration::MAX,
                    false => slowly(6_000),
                },
                is_lost,
                is_answer_lost,
                is_failure,
            }
        })
    }

    /// Everything that arrived.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().expect("no holder panics").clone()
    }

    /// Itself as an alert program's way out.
    pub fn post(self: Arc<Self>) -> Arc<Post> {
        Arc::new(move |_, message, within| {
            let this = self.clone();
            Box::pin(async move { this.receive(message, within).await })
        })
    }

    async fn receive(&self, message: Message, within: Duration) -> SendOutcome {
        let attempt = {
            let mut attempts = self.attempts.lock().expect("no holder panics");
            *attempts += 1;
            *attempts
        };
        let purpose = hash(message.id.as_bytes());
        let reception = (self.receptions)(&message.id, attempt);
        self.time.sleep(reception.before.min(within), purpose).await;
        if reception.is_lost {
            return SendOutcome::Unanswered(SendError::Broken);
        }
        let left = within.saturating_sub(reception.before);
        if left.is_zero() {
            return SendOutcome::Unanswered(SendError::TimedOut);
        }
        self.record(&message);
        self.time.sleep(reception.after.min(left), purpose).await;
        if reception.is_answer_lost || reception.after >= left {
            return SendOutcome::Unanswered(SendError::TimedOut);
        }
        SendOutcome::Answered {
            status: if reception.is_failure { 503 } else { 204 },
            retry_after: None,
        }
    }

    fn record(&self, message: &Message) {
        let event: Value = serde_json::from_slice(&message.body).expect("an event is JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let arrived = Arrived {
            at_us: self.time.now_us(),
            id: message.id.clone(),
            kind: text(&event["type"]),
            lead: text(&event["subject"]),
            reference: text(&event["data"]["reference_id"]),
        };
        self.arrived.lock().expect("no holder panics").push(arrived);
    }
}
