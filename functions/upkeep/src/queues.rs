//! The queues of both buckets, as upkeep needs them: to have objects looked at once more.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use store::{Error, ObjectKind, Result};

/// The queues of the programs that ingest photos.
pub trait Queues: Send + Sync {
    /// How many messages wait for the program that ingests this kind of photo, about.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the queue does not answer.
    fn waiting(&self, kind: ObjectKind) -> BoxFuture<'_, Result<u64>>;

    /// How many dead letters there are, about; none where no queue is named for them.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the queue does not answer.
    fn given_up(&self, what: GivenUp) -> BoxFuture<'_, Result<Option<u64>>>;

    /// Sends messages to the program that ingests this kind of photo. After an error some may have been sent.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if one could not be sent.
    fn send(&self, kind: ObjectKind, bodies: Vec<String>) -> BoxFuture<'_, Result<()>>;
}

/// What was given up after too many attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// Objects of this kind.
    Objects(ObjectKind),
    /// Changes of tables.
    Changes,
}

/// Messages of one request, the limit of SQS.
const MESSAGES_MAX: usize = 10;
/// Requests under way at once.
const REQUESTS_AT_ONCE: usize = 8;

const ASKING: Error = Error::Unavailable("asking how many messages wait");
const SENDING: Error = Error::Unavailable("sending messages");

/// The URLs of a deployment's queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueUrls {
    /// Of ads.
    pub ads: String,
    /// Of reference photos.
    pub references: String,
    /// Of ads that were given up.
    pub ads_given_up: Option<String>,
    /// Of reference photos that were given up.
    pub references_given_up: Option<String>,
    /// Of changes of tables that were given up.
    pub changes_given_up: Option<String>,
}

impl QueueUrls {
    /// Under these names, in the order of the fields. Without the URL of a queue of dead letters they are not counted.
    ///
    /// # Errors
    /// The name of a bucket's queue that has no URL.
    pub fn read(
        names: [&str; 5],
        read: impl Fn(&str) -> Option<String>,
    ) -> std::result::Result<Self, String> {
        let [
            ads,
            references,
            ads_given_up,
            references_given_up,
            changes_given_up,
        ] = names;
        let url = |name: &str| read(name).ok_or(format!("{name} is not set: the URL of a queue"));
        Ok(Self {
            ads: url(ads)?,
            references: url(references)?,
            ads_given_up: read(ads_given_up),
            references_given_up: read(references_given_up),
            changes_given_up: read(changes_given_up),
        })
    }
}

/// The queues of a deployment.
pub struct Sqs {
    client: Client,
    urls: QueueUrls,
}

impl Sqs {
    /// The queues under these URLs.
    pub fn new(config: &SdkConfig, urls: QueueUrls) -> Self {
        Self {
            client: Client::new(config),
            urls,
        }
    }

    fn url(&self, kind: ObjectKind) -> &str {
        match kind {
            ObjectKind::Ad => &self.urls.ads,
            ObjectKind::Reference => &self.urls.references,
        }
    }

    async fn messages(&self, url: &str) -> Result<u64> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let request = self.client.get_queue_attributes().queue_url(url);
        let answer = request.attribute_names(name.clone()).send().await;
        let answer = answer.map_err(|_| ASKING)?;
        let count = answer.attributes().and_then(|it| it.get(&name));
        count.and_then(|text| text.parse().ok()).ok_or(ASKING)
    }

    async fn send_batch(&self, kind: ObjectKind, bodies: Vec<String>) -> Result<()> {
        let entries = (0..).zip(bodies).map(|(number, body): (u8, String)| {
            let entry = SendMessageBatchRequestEntry::builder().id(number.to_string());
            entry.message_body(body).build().map_err(|_| SENDING)
        });
        let request = self.client.send_message_batch().queue_url(self.url(kind));
        let request = request.set_entries(Some(entries.collect::<Result<_>>()?));
        let answer = request.send().await.map_err(|_| SENDING)?;
        if answer.failed.is_empty() {
            Ok(())
        } else {
            Err(SENDING)
        }
    }
}

impl Queues for Sqs {
    fn waiting(&self, kind: ObjectKind) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.messages(self.url(kind)))
    }

    fn given_up(&self, what: GivenUp) -> BoxFuture<'_, Result<Option<u64>>> {
        let url = match what {
            GivenUp::Objects(ObjectKind::Ad) => &self.urls.ads_given_up,
            GivenUp::Objects(ObjectKind::Reference) => &self.urls.references_given_up,
            GivenUp::Changes => &self.urls.changes_given_up,
        };
        Box::pin(async move {
            match url {
                Some(url) => self.messages(url).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn send(&self, kind: ObjectKind, bodies: Vec<String>) -> BoxFuture<'_, Result<()>> {
        let batches: Vec<Vec<String>> = bodies.chunks(MESSAGES_MAX).map(<[_]>::to_vec).collect();
        let sent = stream::iter(batches).map(move |batch| self.send_batch(kind, batch));
        Box::pin(sent.buffer_unordered(REQUESTS_AT_ONCE).try_collect())
    }
}
