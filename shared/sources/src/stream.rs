//! A table's stream that wakes a program.

use serde_json::Value;

use crate::template::Template;
use crate::{count, filter, number, source_of};

/// What the template sets for a stream that wakes a program.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html>
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRules {
    /// Changes of one batch at most.
    pub batch_max: usize,
    /// Batches worked on concurrently, each with keys of its own.
    pub batches_at_once: usize,
    /// How often a batch is tried again.
    pub retries_max: u32,
    /// Whether a batch is halved when its program fails as a whole.
    pub bisect: bool,
    /// Which changes come through.
    pub patterns: Vec<Value>,
}

/// What comes after a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// The next batch: all of this one is dealt with.
    Next,
    /// The changes from this place on, again.
    Again {
        /// The first that is not dealt with.
        from: usize,
        /// How often they were tried again, this time included.
        retries: u32,
    },
    /// The batch in two, the first half first. It is no retry.
    Halves {
        /// Where the second half begins.
        at: usize,
    },
    /// The changes from this place on are set aside, and the next batch comes.
    GivenUp {
        /// The first that is not dealt with.
        from: usize,
    },
}

impl StreamRules {
    /// Of a table's stream that wakes a program; the table by its logical id.
    ///
    /// # Panics
    /// If the template has no such source.
    pub fn of(template: &Template, program: &str, table: &str) -> Self {
        let source = source_of(template, program, "DynamoDB", table);
        let at_once = &source["ParallelizationFactor"];
        Self {
            batch_max: count(&source, "BatchSize"),
            batches_at_once: if at_once.is_null() {
                1
            } else {
                count(&source, "ParallelizationFactor")
            },
            retries_max: u32::try_from(number(&source, "MaximumRetryAttempts"))
                .expect("a small number"),
            bisect: source["BisectBatchOnFunctionError"] == true,
            patterns: filter::patterns(&source),
        }
    }

    /// Whether a change wakes the program.
    pub fn lets_through(&self, change: &Value) -> bool {
        filter::lets_through(&self.patterns, change)
    }

    /// What comes after a batch of which the program named the first failure, if any.
    pub fn after(&self, retries: u32, first_failed: Option<usize>) -> After {
        match first_failed {
            None => After::Next,
            Some(from) if retries < self.retries_max => After::Again {
                from,
                retries: retries + 1,
            },
            Some(from) => After::GivenUp { from },
        }
    }

    /// What comes after a batch over which the program died.
    pub fn after_crash(&self, retries: u32, changes: usize) -> After {
        match self.bisect && changes > 1 {
            true => After::Halves { at: changes / 2 },
            false => self.after(retries, Some(0)),
        }
    }
}

/// The sequence number of a change.
pub fn sequence_number(change: &Value) -> &str {
    let number = change["dynamodb"]["SequenceNumber"].as_str();
    number.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> StreamRules {
        StreamRules {
            batch_max: 4,
            batches_at_once: 1,
            retries_max: 2,
            bisect: true,
            patterns: Vec::new(),
        }
    }

    #[test]
    fn what_is_dealt_with_does_not_come_again() {
        let rules = rules();
        assert_eq!(rules.after(0, None), After::Next);
        let (from, retries) = (3, 1);
        assert_eq!(rules.after(0, Some(3)), After::Again { from, retries });
    }

    #[test]
    fn what_failed_too_often_is_given_up() {
        assert_eq!(rules().after(2, Some(1)), After::GivenUp { from: 1 });
        assert_eq!(rules().after_crash(2, 1), After::GivenUp { from: 0 });
    }

    #[test]
    fn a_batch_that_ends_its_program_is_halved_until_one_change_is_alone() {
        assert_eq!(rules().after_crash(0, 5), After::Halves { at: 2 });
        let (from, retries) = (0, 1);
        assert_eq!(rules().after_crash(0, 1), After::Again { from, retries });
    }

    #[test]
    fn streams_are_as_the_template_sets_them() {
        let template = Template::of_this_build();
        let searches = StreamRules::of(template, "lookup", "SearchesTable");
        assert!(searches.batches_at_once > 1 && searches.bisect);
        let leads = StreamRules::of(template, "alert", "LeadsTable");
        assert_eq!((leads.batches_at_once, leads.patterns.len()), (1, 1));
    }
}
