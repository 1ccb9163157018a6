//! The domain's verbs on S3 and DynamoDB.
//!
//! There is no storage trait: the seam between cloud, laptop and fault injection is the HTTP
//! client inside the [`aws_config::SdkConfig`] that a [`Store`] is made of, so that the code under
//! test is the code that runs.
//!
//! Every read that matching relies on is strongly consistent. Every verb can be repeated: its
//! documentation says what a repetition does. Nothing here reads a clock (`now` is an argument)
//! and nothing logs; errors hold no key, hash, address or case number.
//!
//! Ads and references are each a searchable set of a tail, segments and their manifest: see
//! [`Store::ads_page`] and [`Store::references_since`] for readers, [`Store::compact_ads`],
//! [`Store::compact_references`], [`Store::merge_segments`] and [`Store::sweep`] for upkeep, and
//! [`Store::purge`] for erasure.
#![forbid(unsafe_code)]

mod ads;
mod ads_packs;
mod ads_set;
mod alerts;
mod announce;
mod audit;
mod bucket_scans;
mod calls;
mod changes;
mod clock;
mod compaction;
mod deliveries;
mod digests;
mod encoded_words;
mod enrolled;
mod erased;
mod erasing;
mod erasing_leads;
mod erasing_references;
mod erasures;
mod error;
mod forms;
mod items;
mod leads;
mod leads_better;
mod leads_extend;
mod leads_held;
mod leads_known;
mod leads_record;
mod leads_sightings;
mod manifests;
mod merging;
mod names;
mod objects;
mod outbox;
mod persons;
mod quotas;
mod redrive;
mod references;
mod references_log;
mod references_removed;
mod references_snapshot;
mod references_status;
mod renewal;
mod retractions;
mod retry;
mod searches;
mod searches_again;
mod segment_objects;
mod sessions;
mod stop_features;
mod tables;
mod tenants;
mod tokens;
mod transactions;
mod unpacking;
mod verdicts;
mod webhooks;
mod withdrawn_leads;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use std::time::Duration;

pub use ads::UploadCounts;
pub use ads_packs::{PACK_ADS_MAX, Pack};
pub use ads_set::{AdsPage, AdsPosition, FEATURES_PAGE_BYTES, SegmentPage, StoredAd};
pub use changes::{Change, inserted};
pub use clock::Clock;
pub use compaction::{Compacted, CompactionRule, TailBatch, Written};
pub use deliveries::{DeliveryOutcome, Lease, Leased};
pub use erased::{Erased, ErasedBy, ErasedCounts};
pub use erasing::Purged;
pub use erasing_references::ObjectVersion;
pub use error::{Error, Result};
pub use forms::{Form, FormLimits};
pub use leads::LeadFilter;
pub use leads_held::Released;
pub use leads_known::KnownSightings;
pub use leads_record::Recorded;
pub use manifests::VersionedManifest;
pub use names::{Bucket, Names};
pub use objects::{Fetched, ListedObject, NewObject, Object, ObjectFacts, ObjectKind, ObjectsPage};
pub use quotas::Quota;
pub use references::Submitted;
pub use references_log::{LogBatch, LogChange, LogEntry, LogPosition};
pub use references_status::Activated;
pub use renewal::Renewed;
pub use retractions::LeadsWithdrawn;
pub use retry::Jitter;
pub use searches::{SearchKey, SearchPart, SearchPlan};
pub use segments::{Id, MergeRule, SegmentEntry, SegmentIndex, SegmentName, SetKind};
pub use stop_features::TrainingSample;
pub use tables::{StreamView, TABLES, Table, TableDefinition};
pub use unpacking::Unpacked;

/// The most items of one page of any listing.
pub const PAGE_ITEMS_MAX: usize = 100;

/// The records of the system. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Store {
    s3: aws_sdk_s3::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    credentials: Option<SharedCredentialsProvider>,
    region: String,
    names: Names,
    jitter: Jitter,
    sleep: Option<SharedAsyncSleep>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
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

impl Store {
    /// A store as the environment says: the usual AWS variables (`AWS_ENDPOINT_URL_S3` and
    /// `AWS_ENDPOINT_URL_DYNAMODB` among them) and those of [`Names::from_env`]. `needed` are the
    /// buckets that the program works with.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the name of one is missing.
    pub async fn from_env(needed: &[Bucket]) -> Result<Self> {
        let names = Names::from_env(needed)?;
        let config = sdk_config().await;
        Ok(Self::with_sdk_config(&config, names, Jitter::from_system()))
    }

    /// A store on any configuration of the SDK: the laptop's, with its HTTP client in process, or
    /// a test's. The store waits by the SDK's sleep where the configuration names one. Path style is
    /// always set, so that a bucket's name need not resolve as a host.
    pub fn with_sdk_config(config: &aws_config::SdkConfig, names: Names, jitter: Jitter) -> Self {
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(true)
            .build();
        let region = config
            .region()
            .map_or("us-east-1", |region| region.as_ref());
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            credentials: config.credentials_provider(),
            region: region.to_owned(),
            names,
            jitter,
            sleep: config.sleep_impl(),
        }
    }

    /// What its buckets and tables are called.
    pub fn names(&self) -> &Names {
        &self.names
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
