//! Batches from queues and streams, answered with partial failures: what failed comes again, what
//! was done does not, and poison never blocks its batch.
#![forbid(unsafe_code)]

mod logs;
mod metrics;
mod reasons;

use std::fmt::Display;

use aws_lambda_events::dynamodb;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures::{StreamExt, stream};

pub use logs::{allowed, log_to_stderr};
pub use metrics::{damage, orphans};
pub use reasons::with_reasons;

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
    let nothing = async |all| Ok(all);
    messages_in_steps(event, at_once, work, nothing, async |()| Ok(())).await
}

/// As [`messages`], with something between two steps that is done once for all messages whose first
/// step is done: it gets what came of each, and gives it back in the same order. If it fails, all of
/// them come again.
pub async fn messages_in_steps<T, E, F, G>(
    event: SqsEvent,
    at_once: usize,
    first: impl Fn(String) -> F,
    together: impl AsyncFnOnce(Vec<T>) -> Result<Vec<T>, E>,
    last: impl Fn(T) -> G,
) -> SqsBatchResponse
where
    E: Display,
    F: Future<Output = Result<T, E>>,
    G: Future<Output = Result<(), E>>,
{
    let received = event.records.len();
    let begun: Vec<(String, Result<T, E>)> = stream::iter(event.records)
        .map(|message| {
            let id = message.message_id.unwrap_or_default();
            let done = first(message.body.unwrap_or_default());
            async { (id, done.await) }
        })
        .buffer_unordered(at_once.max(1))
        .collect()
        .await;
    let (mut ids, mut all, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (id, done) in begun {
        match done {
            Ok(one) => {
                ids.push(id);
                all.push(one);
            }
            Err(error) => failed.push(not_done(id, &error)),
        }
    }
    match together(all).await {
        Ok(all) => {
            let ended = stream::iter(ids.into_iter().zip(all)).map(|(id, one)| {
                let done = last(one);
                async move { Some(not_done(id, &done.await.err()?)) }
            });
            let ended = ended.buffer_unordered(at_once.max(1));
            failed.extend(ended.filter_map(async |it| it).collect::<Vec<_>>().await);
        }
        Err(error) => failed.extend(ids.into_iter().map(|id| not_done(id, &error))),
    }
    metrics::batch(received - failed.len(), failed.len());
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);
    response
}

/// Tells of a message that is not done; gives its id.
fn not_done(id: String, error: &impl Display) -> String {
    tracing::warn!(message = id, %error, "a message is not done and comes again");
    reasons::record(Some(&id), error);
    id
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
    let alone = |_: &dynamodb::EventRecord, _: &dynamodb::EventRecord| false;
    let one = |records: Vec<dynamodb::EventRecord>| {
        let done: Vec<F> = records.into_iter().map(&work).collect();
        async {
            for done in done {
                done.await?;
            }
            Ok::<(), E>(())
        }
    };
    let nothing_left = async { Ok(()) };
    runs(event, |record| Ok(Some(record)), alone, one, nothing_left).await
}

/// As [`changes`], each read by `read` (none: no program acts upon it), and those that stand behind
/// each other and belong `together` worked on in one go. If that fails, all of them come again.
/// What they left for the end is done by `at_end`, whether or not one failed; if that fails, the
/// whole batch comes again.
pub async fn runs<T, E, F>(
    event: dynamodb::Event,
    read: impl Fn(dynamodb::EventRecord) -> Result<Option<T>, E>,
    together: impl Fn(&T, &T) -> bool,
    work: impl Fn(Vec<T>) -> F,
    at_end: impl Future<Output = Result<(), E>>,
) -> DynamoDbEventResponse
where
    E: Display,
    F: Future<Output = Result<(), E>>,
{
    let received = event.records.len();
    let first = event.records.first();
    let first = Place {
        before: 0,
        number: first.and_then(|record| record.change.sequence_number.clone()),
    };
    let mut response = DynamoDbEventResponse::default();
    let worked = all_runs(event, read, together, work).await;
    let ended = at_end.await.map_err(|error| (first, error));
    let Err((place, error)) = ended.and(worked) else {
        metrics::batch(received, 0);
        return response;
    };
    let Place { before, number } = place;
    tracing::warn!(change = number, %error, "a change is not done and comes again");
    reasons::record(number.as_deref(), &error);
    metrics::batch(before, 1);
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = number;
    response.batch_item_failures.push(failure);
    response
}

/// A change by its place in its batch.
#[derive(Default)]
struct Place {
    /// Changes before it.
    before: usize,
    number: Option<String>,
}

/// Works on all runs up to the first failure: the place of its first change.
async fn all_runs<T, E, F>(
    event: dynamodb::Event,
    read: impl Fn(dynamodb::EventRecord) -> Result<Option<T>, E>,
    together: impl Fn(&T, &T) -> bool,
    work: impl Fn(Vec<T>) -> F,
) -> Result<(), (Place, E)>
where
    F: Future<Output = Result<(), E>>,
{
    let (mut run, mut first): (Vec<T>, Place) = (Vec::new(), Place::default());
    for (before, record) in event.records.into_iter().enumerate() {
        let number = record.change.sequence_number.clone();
        let place = Place { before, number };
        match read(record) {
            Ok(None) => {}
            Ok(Some(change)) if run.last().is_some_and(|last| together(last, &change)) => {
                run.push(change);
            }
            Ok(Some(change)) => {
                let ended = std::mem::replace(&mut run, vec![change]);
                let ended_first = std::mem::replace(&mut first, place);
                done(ended, ended_first, &work).await?;
            }
            Err(error) => {
                done(run, first, &work).await?;
                return Err((place, error));
            }
        }
    }
    done(run, first, &work).await
}

async fn done<T, E, F>(
    run: Vec<T>,
    first: Place,
    work: impl Fn(Vec<T>) -> F,
) -> Result<(), (Place, E)>
where
    F: Future<Output = Result<(), E>>,
{
    if run.is_empty() {
        return Ok(());
    }
    work(run).await.map_err(|error| (first, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[tokio::test]
    async fn who_asks_is_told_the_reason_of_each_failure() {
        let work = |body: String| async move {
            match body.as_str() {
                "good" => Ok(()),
                bad => Err(format!("{bad} is bad")),
            }
        };
        let handled = messages(queue(&["good", "a", "b"]), 2, work);
        let (response, reasons) = with_reasons(handled).await;
        assert_eq!(response.batch_item_failures.len(), 2);
        let told: Vec<_> = reasons.iter().map(|(id, why)| (&**id, &**why)).collect();
        assert_eq!(told, [("m-a", "a is bad"), ("m-b", "b is bad")]);
        let change = |record: dynamodb::EventRecord| async move {
            match record.change.sequence_number.as_deref() {
                Some("2") => Err("it cannot be read"),
                _ => Ok(()),
            }
        };
        let (_, reasons) = with_reasons(changes(stream_of(&["1", "2", "3"]), change)).await;
        assert_eq!(reasons["2"], "it cannot be read");
        assert_eq!(reasons.len(), 1);
    }

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
    async fn what_is_done_for_all_is_done_between_the_steps() {
        let check = async |together_fails: bool, expected: &[&str]| {
            let seen = RefCell::new(Vec::new());
            let first = async |body: String| {
                seen.borrow_mut().push(format!("first {body}"));
                if body == "bad" { Err("no") } else { Ok(body) }
            };
            let together = async |all: Vec<String>| {
                seen.borrow_mut().push(format!("all {}", all.join(" ")));
                if together_fails { Err("none") } else { Ok(all) }
            };
            let last = async |body: String| {
                seen.borrow_mut().push(format!("last {body}"));
                if body == "worse" { Err("not") } else { Ok(()) }
            };
            let event = queue(&["a", "bad", "worse", "b"]);
            let handled = messages_in_steps(event, 4, first, together, last);
            let (response, reasons) = with_reasons(handled).await;
            let failed = response.batch_item_failures.iter();
            let mut failed: Vec<_> = failed.map(|f| f.item_identifier.as_str()).collect();
            failed.sort_unstable();
            assert_eq!(failed, expected);
            assert_eq!(reasons.len(), expected.len());
            assert_eq!(reasons["m-bad"], "no");
            let steps = seen.into_inner().join(", ");
            let mut expected = "first a, first bad, first worse, first b, all a worse b".to_owned();
            if !together_fails {
                expected += ", last a, last worse, last b";
            }
            assert_eq!(steps, expected);
        };
        check(false, &["m-bad", "m-worse"]).await;
        check(true, &["m-a", "m-b", "m-bad", "m-worse"]).await;
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
    async fn changes_that_belong_together_are_worked_on_in_one_go() {
        let check = async |bad: &'static str, runs_seen: &[&str], fails_from: Option<&str>| {
            let seen = RefCell::new(Vec::new());
            let number = |record: dynamodb::EventRecord| {
                let number = record.change.sequence_number.unwrap_or_default();
                match number.as_str() {
                    "unreadable" => Err("no"),
                    "nothing" => Ok(None),
                    _ => Ok(Some(number)),
                }
            };
            let together = |a: &String, b: &String| a[..1] == b[..1];
            let work = async |run: Vec<String>| {
                seen.borrow_mut().push(run.join(" "));
                if run.iter().any(|it| it == bad) {
                    Err("no")
                } else {
                    Ok(())
                }
            };
            let numbers = ["a1", "nothing", "a2", "b1", "b2", "a3", "unreadable", "a4"];
            let at_end = async {
                seen.borrow_mut().push("end".to_owned());
                if bad == "end" { Err("no") } else { Ok(()) }
            };
            let response = runs(stream_of(&numbers), number, together, work, at_end).await;
            assert_eq!(seen.borrow_mut().pop().as_deref(), Some("end"));
            assert_eq!(*seen.borrow(), runs_seen, "bad is {bad}");
            let failures = response.batch_item_failures.iter();
            let failed: Vec<_> = failures
                .filter_map(|it| it.item_identifier.as_deref())
                .collect();
            assert_eq!(failed, Vec::from_iter(fails_from), "bad is {bad}");
        };
        check("none", &["a1 a2", "b1 b2", "a3"], Some("unreadable")).await;
        check("a2", &["a1 a2"], Some("a1")).await;
        check("b2", &["a1 a2", "b1 b2"], Some("b1")).await;
        check("a3", &["a1 a2", "b1 b2", "a3"], Some("a3")).await;
        check("end", &["a1 a2", "b1 b2", "a3"], Some("a1")).await;
    }

    #[tokio::test]
    async fn an_empty_batch_has_no_failures() {
        let done = messages(queue(&[]), 2, async |_| Err::<(), _>("never called")).await;
        assert!(done.batch_item_failures.is_empty());
    }
}
