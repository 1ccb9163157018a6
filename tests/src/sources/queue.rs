//! A queue that wakes a function: SQS and Lambda's poller.
//!
//! A message that was received is hidden. What its function says it did is deleted; what failed, and
//! the whole batch of a function that died, is seen again when its time is over, up to so many
//! times, and is then set aside among the dead letters.
#![allow(
    clippy::disallowed_methods,
    reason = "real processes meet the real clock"
)]

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;

use ::sources::QueueRules;

use crate::events::{Message, batch, failures};
use crate::runtime_api::Function;

/// One message in the queue.
#[derive(Clone, Debug)]
struct Waiting {
    message: Message,
    visible_at: Instant,
    receives: u32,
}

/// The queue.
pub struct Queue {
    rules: QueueRules,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    dead: Vec<Message>,
}

impl Queue {
    /// An empty queue, in which time passes `faster` times as fast, or a test could not wait for it.
    pub fn new(rules: QueueRules, faster: u32) -> Self {
        let hidden = rules.hidden / faster;
        Self {
            rules: QueueRules { hidden, ..rules },
            state: Mutex::default(),
        }
    }

    /// Adds messages, to be seen at once.
    pub fn send(&self, messages: Vec<Message>) {
        let mut state = self.lock();
        state
            .waiting
            .extend(messages.into_iter().map(|message| Waiting {
                message,
                visible_at: Instant::now(),
                receives: 0,
            }));
    }

    /// Messages that wait, hidden ones among them.
    pub fn depth(&self) -> usize {
        self.lock().waiting.len()
    }

    /// How many messages were given up.
    pub fn dead_letters(&self) -> usize {
        self.lock().dead.len()
    }

    /// Sends the dead letters again, as the runbook says; how many there were.
    pub fn redrive(&self) -> usize {
        let dead = std::mem::take(&mut self.lock().dead);
        let count = dead.len();
        self.send(dead);
        count
    }

    /// Hands a batch to its function and deletes what was done. Says whether there was anything to
    /// be seen.
    ///
    /// # Panics
    /// If the function answers an error: it says what failed, instead.
    pub fn poll(&self, function: &Function) -> bool {
        let messages = self.receive();
        if messages.is_empty() {
            return false;
        }
        let answer = function.invoke_unless_killed(&batch("test", &messages));
        let Some(answer) = answer else {
            return true; // they are seen again when their time is over
        };
        let answer = answer.unwrap_or_else(|error| panic!("a whole batch failed: {error}"));
        let failed = failures(&answer);
        let done = messages
            .iter()
            .filter(|it| !failed.contains(&it.id.as_str()));
        self.delete(&done.map(|it| it.id.as_str()).collect::<Vec<_>>());
        true
    }

    fn receive(&self) -> Vec<Message> {
        let (now, rules) = (Instant::now(), self.rules);
        let mut state = self.lock();
        let mut received = Vec::new();
        for mut waiting in std::mem::take(&mut state.waiting) {
            if waiting.visible_at > now || received.len() == rules.batch_max {
                state.waiting.push_back(waiting);
            } else if waiting.receives == rules.receives_max {
                state.dead.push(waiting.message);
            } else {
                waiting.receives += 1;
                waiting.visible_at = now + rules.hidden;
                received.push(waiting.message.clone());
                state.waiting.push_back(waiting);
            }
        }
        received
    }

    fn delete(&self, ids: &[&str]) {
        let mut state = self.lock();
        state
            .waiting
            .retain(|it| !ids.contains(&it.message.id.as_str()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic with the lock")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn queue(hidden: Duration) -> Queue {
        let rules = QueueRules {
            hidden,
            receives_max: 2,
            batch_max: 2,
        };
        let queue = Queue::new(rules, 1);
        queue.send(["a", "b", "c"].map(Message::new).into());
        queue
    }

    fn bodies(messages: &[Message]) -> Vec<&str> {
        messages
            .iter()
            .map(|message| message.body.as_str())
            .collect()
    }

    #[test]
    fn a_received_message_is_hidden_and_a_deleted_one_is_gone() {
        let queue = queue(Duration::from_secs(60));
        let first = queue.receive();
        assert_eq!(bodies(&first), ["a", "b"]);
        assert_eq!(bodies(&queue.receive()), ["c"]);
        assert_eq!(bodies(&queue.receive()), <[&str; 0]>::default());
        queue.delete(&[&first[0].id]);
        assert_eq!(queue.depth(), 2);
    }

    #[test]
    fn after_its_attempts_a_message_is_a_dead_letter_until_it_is_sent_again() {
        let queue = queue(Duration::ZERO);
        for _ in 0..6 {
            queue.receive();
        }
        assert_eq!((queue.depth(), queue.dead_letters()), (0, 3));
        assert_eq!(queue.redrive(), 3);
        assert_eq!(queue.receive().len(), 2);
    }
}
