//! Dead letters of a deployed stage: messages that a program failed on again and again, and changes of tables.
//!
//! A message goes back into the queue that it came from. Of changes the letter holds no copy: it names the part of a
//! stream that they stand in, for at least 12 hours; they are read there and handed to the same function again, which
//! may get them twice.

use anyhow::Context;
use serde_json::{Value, json};

use super::Stage;
use crate::signed::Service;

/// Where dead letters lie, as the template names it, with the queue that they came from; those of changes came from
/// none.
const QUEUES: [(&str, &str, Option<&str>); 3] = [
    ("ads", "AdsDeadLetters", Some("AdsQueue")),
    ("photos", "ReferencesDeadLetters", Some("ReferencesQueue")),
    ("changes", "StreamFailures", None),
];

/// Messages of one request, the limit of SQS.
const MESSAGES_MAX: u64 = 10;

/// How long a dead letter that is being sent again is out of others' sight: as long as a function may run.
const TAKEN_S: u64 = 900;

/// Records of one request, the limit of streams.
const RECORDS_MAX: u64 = 1_000;

/// Requests without an end of the changes in sight, after which it is given up.
const REQUESTS_MAX: u32 = 1_000;

/// The dead letters of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetters {
    /// Of what: `ads`, `photos`, `changes`.
    pub of: &'static str,
    /// How many, about.
    pub count: u64,
}

/// What became of the dead letters of one kind that were to be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentAgain {
    /// Of what, as in [`DeadLetters`].
    pub of: &'static str,
    /// How many are on their way again, or done.
    pub sent: u64,
    /// Why others are still there, each.
    pub failed: Vec<String>,
}

impl Stage {
    /// How many dead letters there are of each kind.
    ///
    /// # Errors
    /// A stack without these queues, or no right to look.
    pub async fn dead_letters(&self) -> anyhow::Result<Vec<DeadLetters>> {
        let mut all = Vec::new();
        for (of, queue, _) in QUEUES {
            let url = self.resource(queue).await?;
            let count = self.count(&url).await?;
            all.push(DeadLetters { of, count });
        }
        Ok(all)
    }

    async fn count(&self, url: &str) -> anyhow::Result<u64> {
        let name = "ApproximateNumberOfMessages";
        let asked = json!({ "QueueUrl": url, "AttributeNames": [name] });
        let operation = "AmazonSQS.GetQueueAttributes";
        let answer = self.operation(Service::SQS, operation, &asked).await?;
        let count = answer["Attributes"][name].as_str();
        let count = count.and_then(|text| text.parse().ok());
        count.with_context(|| format!("SQS does not say how many messages {url} has"))
    }

    /// Sends the dead letters that there are on their way again. One that fails stays where it is.
    ///
    /// # Errors
    /// A stack without these queues, or no right to them. What was sent until then is sent.
    pub async fn send_again(&self) -> anyhow::Result<Vec<SentAgain>> {
        let mut all = Vec::new();
        for (of, queue, source) in QUEUES {
            let url = self.resource(queue).await?;
            let source = match source {
                Some(source) => Some(self.resource(source).await?),
                None => None,
            };
            all.push(self.send_all(of, &url, source.as_deref()).await?);
        }
        Ok(all)
    }

    /// No more than there were at the start: what fails once more may come back while this goes on.
    async fn send_all(
        &self,
        of: &'static str,
        url: &str,
        source: Option<&str>,
    ) -> anyhow::Result<SentAgain> {
        let mut done = SentAgain {
            of,
            sent: 0,
            failed: Vec::new(),
        };
        let mut left = self.count(url).await?.max(1); // about: there may be one all the same
        while left > 0 {
            let letters = self.receive(url).await?;
            if letters.is_empty() {
                break;
            }
            left = left.saturating_sub(letters.len() as u64);
            for letter in letters {
                let body = letter["Body"].as_str().unwrap_or_default();
                let sent = match source {
                    Some(source) => self.put_back(source, body).await,
                    None => self.hand_changes(body).await,
                };
                match sent {
                    Ok(()) => {
                        self.delete(url, &letter).await?;
                        done.sent += 1;
                    }
                    Err(failed) => done.failed.push(format!("{failed:#}")),
                }
            }
        }
        Ok(done)
    }

    async fn receive(&self, url: &str) -> anyhow::Result<Vec<Value>> {
        let asked = json!({ "QueueUrl": url, "MaxNumberOfMessages": MESSAGES_MAX,
            "VisibilityTimeout": TAKEN_S, "WaitTimeSeconds": 1 });
        let operation = "AmazonSQS.ReceiveMessage";
        let answer = self.operation(Service::SQS, operation, &asked).await?;
        Ok(answer["Messages"].as_array().cloned().unwrap_or_default())
    }

    async fn put_back(&self, source: &str, body: &str) -> anyhow::Result<()> {
        let message = json!({ "QueueUrl": source, "MessageBody": body });
        let operation = "AmazonSQS.SendMessage";
        self.operation(Service::SQS, operation, &message).await?;
        Ok(())
    }

    async fn delete(&self, url: &str, letter: &Value) -> anyhow::Result<()> {
        let asked = json!({ "QueueUrl": url, "ReceiptHandle": letter["ReceiptHandle"] });
        let operation = "AmazonSQS.DeleteMessage";
        self.operation(Service::SQS, operation, &asked).await?;
        Ok(())
    }

    /// Reads the changes that a letter names, and hands them to the function that failed on them.
    async fn hand_changes(&self, letter: &str) -> anyhow::Result<()> {
        let batch = Batch::read(letter).context("the letter names no part of a stream")?;
        let records = self.records(&batch).await.context(
            "the stream does not give the changes (any more); upkeep's task search meets what they held",
        )?;
        let event = json!({ "Records": records });
        let answer = self.invoke(&batch.function, &event).await?;
        let failures = answer["batchItemFailures"].as_array();
        anyhow::ensure!(
            failures.is_none_or(Vec::is_empty),
            "{} fails on them still: its log says why",
            batch.function
        );
        Ok(())
    }

    /// The changes from the first to the last of a batch, as Lambda hands them to a function.
    async fn records(&self, batch: &Batch) -> anyhow::Result<Vec<Value>> {
        let operation = "DynamoDBStreams_20120810.GetShardIterator";
        let asked = json!({ "StreamArn": batch.stream, "ShardId": batch.shard,
            "ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": batch.first });
        let answer = self.operation(Service::STREAMS, operation, &asked).await?;
        let (mut iterator, mut records) = (answer["ShardIterator"].clone(), Vec::new());
        for _ in 0..REQUESTS_MAX {
            let asked = json!({ "ShardIterator": iterator, "Limit": RECORDS_MAX });
            let operation = "DynamoDBStreams_20120810.GetRecords";
            let answer = self.operation(Service::STREAMS, operation, &asked).await?;
            for mut record in answer["Records"].as_array().cloned().unwrap_or_default() {
                let is_last = record["dynamodb"]["SequenceNumber"] == batch.last.as_str();
                if let Some(change) = record["dynamodb"].as_object_mut() {
                    change.remove("ApproximateCreationDateTime"); // Lambda writes it in another form
                }
                records.push(record);
                if is_last {
                    return Ok(records);
                }
            }
            iterator = answer["NextShardIterator"].clone();
            anyhow::ensure!(!iterator.is_null(), "the shard ends before the last change");
        }
        anyhow::bail!("the last change was not met")
    }
}

/// The changes that a letter is about.
#[derive(Debug, PartialEq, Eq)]
struct Batch {
    /// The function's name.
    function: String,
    /// The stream's ARN.
    stream: String,
    shard: String,
    /// Sequence numbers of the first and last change.
    first: String,
    last: String,
}

impl Batch {
    /// Reads what Lambda wrote: <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>.
    fn read(letter: &str) -> Option<Self> {
        let letter: Value = serde_json::from_str(letter).ok()?;
        let text = |place: &str| Some(letter.pointer(place)?.as_str()?.to_owned());
        let arn = text("/requestContext/functionArn")?;
        let (_, name) = arn.split_once(":function:")?;
        Some(Self {
            function: name.split(':').next()?.to_owned(),
            stream: text("/DDBStreamBatchInfo/streamArn")?,
            shard: text("/DDBStreamBatchInfo/shardId")?,
            first: text("/DDBStreamBatchInfo/startSequenceNumber")?,
            last: text("/DDBStreamBatchInfo/endSequenceNumber")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_names_the_function_and_the_changes() {
        let letter = json!({
            "requestContext": {"functionArn": "arn:aws:lambda:eu-central-1:1:function:homeward-prod-lookup:live"},
            "DDBStreamBatchInfo": {"shardId": "s", "startSequenceNumber": "1", "endSequenceNumber": "9",
                "batchSize": 3, "streamArn": "arn:aws:dynamodb:eu-central-1:1:table/t/stream/x"},
        });
        let batch = Batch::read(&letter.to_string()).unwrap();
        assert_eq!(batch.function, "homeward-prod-lookup");
        assert_eq!((batch.first.as_str(), batch.last.as_str()), ("1", "9"));
        for hostile in ["", "{}", "[1]", r#"{"requestContext":{"functionArn":"x"}}"#] {
            assert_eq!(Batch::read(hostile), None, "{hostile}");
        }
    }
}
