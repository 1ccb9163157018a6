//! A table's stream that wakes a function: DynamoDB Streams and Lambda's poller.
//!
//! Changes go in order. A batch of which the function names a first failure comes again from there;
//! a batch over which the function died is halved, until one change is alone; a change that fails
//! too often is set aside, and the stream goes on.

use std::collections::VecDeque;
use std::sync::Mutex;

use ::sources::{After, StreamRules, sequence_number};
use serde_json::{Value, json};

use crate::events::failures;
use crate::runtime_api::{Answer, Function};

/// Changes that go to the function together.
#[derive(Clone, Debug, PartialEq)]
struct Batch {
    changes: Vec<Value>,
    retries: u32,
}

/// The stream.
pub struct Stream {
    rules: StreamRules,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    new: VecDeque<Value>,
    again: VecDeque<Batch>,
    aside: Vec<Value>,
}

impl Stream {
    /// A stream that has told nothing yet.
    pub fn new(rules: StreamRules) -> Self {
        Self {
            rules,
            state: Mutex::default(),
        }
    }

    /// The table changed so.
    pub fn push(&self, changes: Vec<Value>) {
        let let_through = |change: &Value| self.rules.lets_through(change);
        self.lock()
            .new
            .extend(changes.into_iter().filter(let_through));
    }

    /// Changes that are not dealt with.
    pub fn depth(&self) -> usize {
        let state = self.lock();
        let again = state.again.iter().map(|batch| batch.changes.len());
        state.new.len() + again.sum::<usize>()
    }

    /// How many changes were set aside.
    pub fn dead_letters(&self) -> usize {
        self.lock().aside.len()
    }

    /// Hands the next batch to the function. Says whether there was one.
    pub fn poll(&self, function: &Function) -> bool {
        let Some(batch) = self.next() else {
            return false;
        };
        let event = json!({ "Records": batch.changes });
        let answer = function.invoke_unless_killed(&event);
        self.judge(batch, answer);
        true
    }

    fn next(&self) -> Option<Batch> {
        let mut state = self.lock();
        if let Some(batch) = state.again.pop_front() {
            return Some(batch);
        }
        let count = state.new.len().min(self.rules.batch_max);
        let changes: Vec<_> = state.new.drain(..count).collect();
        (count > 0).then_some(Batch {
            changes,
            retries: 0,
        })
    }

    /// None: the function died.
    fn judge(&self, batch: Batch, answer: Option<Answer>) {
        let (rules, retries) = (&self.rules, batch.retries);
        let after = match answer {
            Some(Ok(answer)) => rules.after(retries, first_failed(&batch, &answer)),
            _ => rules.after_crash(retries, batch.changes.len()),
        };
        let Batch { mut changes, .. } = batch;
        let mut state = self.lock();
        match after {
            After::Next => {}
            After::GivenUp { from } => state.aside.extend(changes.drain(from..)),
            After::Again { from, retries } => {
                changes.drain(..from);
                state.again.push_front(Batch { changes, retries });
            }
            After::Halves { at } => {
                let later = changes.split_off(at);
                for changes in [later, changes] {
                    state.again.push_front(Batch { changes, retries });
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic with the lock")
    }
}

/// The place of the first change that a function names as failed.
fn first_failed(batch: &Batch, answer: &Value) -> Option<usize> {
    let failed = failures(answer);
    let is_failed = |change: &Value| failed.contains(&sequence_number(change));
    batch.changes.iter().position(is_failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(retries_max: u32) -> Stream {
        let stream = Stream::new(StreamRules {
            batch_max: 4,
            batches_at_once: 1,
            retries_max,
            bisect: true,
            patterns: Vec::new(),
        });
        let change = |number: u32| json!({"dynamodb": {"SequenceNumber": number.to_string()}});
        stream.push((1..=5).map(change).collect());
        stream
    }

    fn numbers(batch: &Batch) -> Vec<&str> {
        let number = |change: &'_ Value| change["dynamodb"]["SequenceNumber"].as_str().is_some();
        assert!(batch.changes.iter().all(number));
        let changes = batch.changes.iter();
        changes
            .filter_map(|change| change["dynamodb"]["SequenceNumber"].as_str())
            .collect()
    }

    fn failed(ids: &[&str]) -> Option<Answer> {
        let items: Vec<_> = ids.iter().map(|id| json!({"itemIdentifier": id})).collect();
        Some(Ok(json!({ "batchItemFailures": items })))
    }

    #[test]
    fn a_batch_comes_again_from_its_first_failure_before_anything_new() {
        let stream = stream(9);
        let batch = stream.next().expect("a batch");
        assert_eq!(numbers(&batch), ["1", "2", "3", "4"]);
        stream.judge(batch, failed(&["3"]));
        let again = stream.next().expect("a batch");
        assert_eq!((numbers(&again), again.retries), (vec!["3", "4"], 1));
        stream.judge(again, failed(&[]));
        assert_eq!(numbers(&stream.next().expect("a batch")), ["5"]);
        assert_eq!(stream.depth(), 0);
    }

    #[test]
    fn a_batch_that_kills_its_function_is_halved_and_stays_in_order() {
        let stream = stream(9);
        stream.judge(stream.next().expect("a batch"), None);
        let first = stream.next().expect("a batch");
        assert_eq!((numbers(&first), first.retries), (vec!["1", "2"], 0));
        stream.judge(first, failed(&[]));
        assert_eq!(numbers(&stream.next().expect("a batch")), ["3", "4"]);
    }

    #[test]
    fn what_fails_too_often_is_set_aside_and_the_stream_goes_on() {
        let stream = stream(2);
        for _ in 0..3 {
            stream.judge(stream.next().expect("a batch"), failed(&["1"]));
        }
        assert_eq!((stream.dead_letters(), stream.depth()), (4, 1));
        assert_eq!(numbers(&stream.next().expect("a batch")), ["5"]);
    }
}
