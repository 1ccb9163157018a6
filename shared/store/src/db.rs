//! The layer below the handles: calls, transactions, retries, tables, errors. No word of the domain.

pub(crate) mod calls;
pub(crate) mod clock;
pub(crate) mod error;
pub(crate) mod items;
pub(crate) mod names;
pub(crate) mod retry;
pub(crate) mod tables;
pub(crate) mod transactions;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::db::error::Result;
use crate::db::names::{Bucket, Names};
use crate::db::retry::Jitter;

/// The connection to S3 and DynamoDB that the handles work over, with the names of buckets and tables.
/// Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Db(Arc<Connection>);

/// What a [`Db`] shares.
pub struct Connection {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) credentials: Option<SharedCredentialsProvider>,
    pub(crate) region: String,
    pub(crate) names: Names,
    pub(crate) jitter: Jitter,
    pub(crate) sleep: Option<SharedAsyncSleep>,
}

impl Deref for Db {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// The way to AWS: the SDK has none of its own here, since that would link another TLS library.
pub fn https_client() -> aws_smithy_runtime_api::client::http::SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// The SDK's configuration in a function: the SDK's own environment variables, our TLS, patience and
/// retries.
pub async fn sdk_config() -> aws_config::SdkConfig {
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(https_client())
        .retry_config(RetryConfig::standard().with_max_attempts(SDK_ATTEMPTS_MAX))
        .timeout_config(timeouts())
        .load()
        .await
}

impl Db {
    /// A connection as the environment says: the usual AWS variables (`AWS_ENDPOINT_URL_S3` and
    /// `AWS_ENDPOINT_URL_DYNAMODB` among them) and those of [`Names::from_env`]. `needed` are the
    /// buckets that the program works with.
    ///
    /// # Errors
    /// [`Error::Configuration`](crate::Error::Configuration) if the name of one is missing.
    pub async fn from_env(needed: &[Bucket]) -> Result<Self> {
        let names = Names::from_env(needed)?;
        let config = sdk_config().await;
        Ok(Self::with_sdk_config(&config, names, Jitter::from_system()))
    }

    /// A connection by any configuration of the SDK: the laptop's, with its HTTP client in process, or
    /// a test's. It waits by the SDK's sleep where the configuration names one. Path style is
    /// always set, so that a bucket's name need not resolve as a host.
    pub fn with_sdk_config(config: &aws_config::SdkConfig, names: Names, jitter: Jitter) -> Self {
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(true)
            .build();
        let region = config
            .region()
            .map_or("us-east-1", |region| region.as_ref());
        Self(Arc::new(Connection {
            s3: aws_sdk_s3::Client::from_conf(s3),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            credentials: config.credentials_provider(),
            region: region.to_owned(),
            names,
            jitter,
            sleep: config.sleep_impl(),
        }))
    }

    /// What its buckets and tables are called.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Waits, by the SDK's sleep where there is one: a test's time may be virtual.
    pub(crate) async fn pause(&self, pause: Duration) {
        match &self.sleep {
            Some(sleep) => sleep.sleep(pause).await,
            None => tokio::time::sleep(pause).await,
        }
    }
}

/// Attempts of one request by the SDK: over about 5 seconds, after which the queue redelivers.
const SDK_ATTEMPTS_MAX: u32 = 5;

/// A stalled connection must not eat a function's whole time: no byte within these, and the SDK
/// tries again.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(20))
        .build()
}
