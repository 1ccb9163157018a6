//! A queue that wakes a program.

use std::time::Duration;

use crate::template::{Template, target};
use crate::{count, number, source_of};

/// What the template sets for a queue and for how it wakes its program.
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueRules {
    /// For how long a received message is hidden.
    pub hidden: Duration,
    /// How often a message is received at most before it is a dead letter.
    pub receives_max: u32,
    /// Messages of one batch at most.
    pub batch_max: usize,
}

impl QueueRules {
    /// Of the queue, by its logical id, that wakes a program.
    ///
    /// # Panics
    /// If the template has no such source, or a queue without dead letters.
    pub fn of(template: &Template, program: &str, queue: &str) -> Self {
        let properties = &template.resource(queue)["Properties"];
        let redrive = &properties["RedrivePolicy"];
        let dead_letters = target(&redrive["deadLetterTargetArn"]).0;
        assert!(!dead_letters.is_empty(), "{queue} keeps no dead letters");
        let receives_max = number(redrive, "maxReceiveCount");
        Self {
            hidden: Duration::from_secs(number(properties, "VisibilityTimeout")),
            receives_max: u32::try_from(receives_max).expect("a small number"),
            batch_max: count(&source_of(template, program, "SQS", queue), "BatchSize"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_as_the_template_sets_them() {
        let template = Template::of_this_build();
        let ads = QueueRules::of(template, "ingest", "AdsQueue");
        let references = QueueRules::of(template, "enroll", "ReferencesQueue");
        assert!(ads.batch_max >= 1 && ads.receives_max >= 1);
        assert!(references.receives_max > ads.receives_max);
        assert!(ads.hidden > Duration::from_secs(60));
    }

    #[test]
    #[should_panic(expected = "nothing of AdsQueue wakes alert")]
    fn a_program_that_no_queue_wakes_is_told() {
        QueueRules::of(Template::of_this_build(), "alert", "AdsQueue");
    }
}
