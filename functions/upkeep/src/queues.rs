//! The queues of both buckets, as upkeep needs them: to have objects looked at once more.
#![allow(clippy::disallowed_methods, reason = "settings are read here")]

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

    /// Sends messages to the program that ingests this kind of photo. After an error some may have been sent.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if one could not be sent.
    fn send(&self, kind: ObjectKind, bodies: Vec<String>) -> BoxFuture<'_, Result<()>>;
}

/// Messages of one request, the limit of SQS.
const MESSAGES_MAX: usize = 10;
/// Requests under way at once.
const REQUESTS_AT_ONCE: usize = 8;

const ASKING: Error = Error::Unavailable("asking how many messages wait");
const SENDING: Error = Error::Unavailable("sending messages");

/// The queues of a deployment.
pub struct Sqs {
    client: Client,
    ads_url: String,
    references_url: String,
}

impl Sqs {
    /// The queues whose URLs stand in these variables of the environment.
    ///
    /// # Errors
    /// The variable that is not set.
    pub fn from_env(
        config: &SdkConfig,
        ads_url: &str,
        references_url: &str,
    ) -> std::result::Result<Self, String> {
        let url = |name: &str| {
            std::env::var(name).map_err(|_| format!("{name} is not set: it is the URL of a queue"))
        };
        Ok(Self::new(config, url(ads_url)?, url(references_url)?))
    }

    /// The queues under these URLs.
    pub fn new(config: &SdkConfig, ads_url: String, references_url: String) -> Self {
        Self {
            client: Client::new(config),
            ads_url,
            references_url,
        }
    }

    fn url(&self, kind: ObjectKind) -> &str {
        match kind {
            ObjectKind::Ad => &self.ads_url,
            ObjectKind::Reference => &self.references_url,
        }
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
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let request = self.client.get_queue_attributes().queue_url(self.url(kind));
        let request = request.attribute_names(name.clone());
        Box::pin(async move {
            let answer = request.send().await.map_err(|_| ASKING)?;
            let count = answer.attributes().and_then(|it| it.get(&name));
            count.and_then(|text| text.parse().ok()).ok_or(ASKING)
        })
    }

    fn send(&self, kind: ObjectKind, bodies: Vec<String>) -> BoxFuture<'_, Result<()>> {
        let batches: Vec<Vec<String>> = bodies.chunks(MESSAGES_MAX).map(<[_]>::to_vec).collect();
        let sent = stream::iter(batches).map(move |batch| self.send_batch(kind, batch));
        Box::pin(sent.buffer_unordered(REQUESTS_AT_ONCE).try_collect())
    }
}
