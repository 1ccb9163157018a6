//! Batches from queues and streams, answered with partial failures: what failed comes again, what
//! was done does not, and poison never blocks its batch.

mod logs;
mod metrics;

use std::fmt::Display;

use aws_lambda_events::dynamodb;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures::{StreamExt, stream};

pub use logs::log_to_stderr;

/// Works through the messages of a queue, up to `at_once` together. Each message whose work fails
/// is answered as failed: it alone comes again, and goes to the dead letters after its attempts.
pub async fn messages<E, F>(
    event: SqsEvent,
    at_once: usize,
    work: impl Fn(String) -> F,
) -> SqsBatchResponse
where
    E: Display,
    F: Future<Output = Result<(), E>>,
{
    let received = event.records.len();
    let failed: Vec<String> = stream::iter(event.records)
        .map(|message| {
            let id = message.message_id.unwrap_or_default();
            let done = work(message.body.unwrap_or_default());
            async move {
                let error = done.await.err()?;
                tracing::warn!(message = id, %error, "a message is not done and comes again");
                Some(id)
            }
        })
        .buffer_unordered(at_once.max(1))
        .filter_map(|failed| async { failed })
        .collect()
        .await;
    metrics::batch(received - failed.len(), failed.len());
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);
    response
}

/// Works through the changes of a table's stream, in order. The first failure ends the batch: it
/// and all after it come again, those before it do not.
pub async fn changes<E, F>(
    event: dynamodb::Event,
    work: impl Fn(dynamodb::EventRecord) -> F,
) -> DynamoDbEventResponse
where
    E: Display,
    F: Future<Output = Result<(), E>>,
{
    let mut response = DynamoDbEventResponse::default();
    let mut done = 0;
    for record in event.records {
        let number = record.change.sequence_number.clone();
        if let Err(error) = work(record).await {
            tracing::warn!(change = number, %error, "a change is not done and comes again");
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = number;
            response.batch_item_failures.push(failure);
            break;
        }
        done += 1;
    }
    metrics::batch(done, response.batch_item_failures.len());
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    fn queue(bodies: &[&str]) -> SqsEvent {
        let records: Vec<_> = bodies
            .iter()
            .map(|body| serde_json::json!({"messageId": format!("m-{body}"), "body": body}))
            .collect();
        serde_json::from_value(serde_json::json!({ "Records": records })).expect("an SQS event")
    }

    fn stream_of(numbers: &[&str]) -> dynamodb::Event {
        let records: Vec<_> = numbers
            .iter()
            .map(|number| {
                serde_json::json!({"awsRegion": "", "eventID": number, "eventName": "INSERT",
                    "dynamodb": {"SequenceNumber": number, "SizeBytes": 1}})
            })
            .collect();
        serde_json::from_value(serde_json::json!({ "Records": records })).expect("a stream event")
    }

    #[tokio::test]
    async fn only_the_failed_message_comes_again() {
        let work = async |body: String| if body == "bad" { Err("no") } else { Ok(()) };
        let response = messages(queue(&["a", "bad", "b"]), 2, work).await;
        let failed: Vec<_> = response
            .batch_item_failures
            .iter()
            .map(|f| f.item_identifier.as_str())
            .collect();
        assert_eq!(failed, ["m-bad"]);
    }

    #[tokio::test]
    async fn a_stream_goes_on_from_its_first_failure() {
        let seen = RefCell::new(Vec::new());
        let work = async |record: dynamodb::EventRecord| {
            let number = record.change.sequence_number.clone().unwrap_or_default();
            seen.borrow_mut().push(number.clone());
            if number == "2" { Err("no") } else { Ok(()) }
        };
        let response = changes(stream_of(&["1", "2", "3"]), work).await;
        assert_eq!(*seen.borrow(), ["1", "2"]);
        let [failure] = &response.batch_item_failures[..] else {
            panic!("one failure")
        };
        assert_eq!(failure.item_identifier.as_deref(), Some("2"));
    }

    #[tokio::test]
    async fn an_empty_batch_has_no_failures() {
        let done = messages(queue(&[]), 2, async |_| Err::<(), _>("never called")).await;
        assert!(done.batch_item_failures.is_empty());
    }
}
