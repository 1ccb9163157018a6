//! S3, DynamoDB, event queues and table streams inside this process, on one data folder.
//!
//! The code that runs in the cloud runs here unchanged: it gets [`Embedded::sdk_config`] and speaks
//! to the services through the AWS SDK, in process or over loopback ports.
//!
//! What it promises:
//! - What was acknowledged survives `kill -9` and power loss: contents, rows and names are synced
//!   before the answer. An object's row and its events commit in one transaction.
//! - Conditional writes are exact: of racing `If-None-Match: *` puts, one wins.
//! - Queues and streams deliver at least once, and keep what was given up with its reason.
//! - One process at a time has a folder open ([`Error::FolderTaken`]).
//! - It listens on loopback addresses only, and answers no client that does not sign with the folder's
//!   access key, or with a pair that is held to a part of S3 ([`Embedded::grant`]).
//!
//! It logs counts and error kinds only. `s3s` logs keys and forms, dynoxide whole requests at trace
//! level: give a subscriber [`QUIET`].
//!
//! ```no_run
//! # async fn example() -> embedded::Result<()> {
//! let embedded = embedded::Embedded::open(std::path::Path::new("homeward-data"))?;
//! embedded.create_bucket("ads").await?;
//! embedded.notify("ads", "ads/", "ingest").await?;
//! let sdk = embedded.sdk_config(); // for aws_sdk_s3 (force path style) and aws_sdk_dynamodb
//! let ingest = embedded.queue("ingest");
//! # Ok(()) }
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, missing_docs))]
#![forbid(unsafe_code)]

mod blob_writer;
mod blobs;
mod checks;
mod client;
mod digests;
mod error;
mod events;
mod folder;
mod key_pairs;
mod listing;
mod metadata_db;
mod object_store;
mod queue;
mod refused;
mod removal;
mod replaced;
mod rules;
mod s3;
mod serve;
mod signature;
mod streams;
mod tables;
mod uploads;
mod vacuum;
mod versions;
mod wakeups;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use s3s::service::S3Service;
use tokio::net::TcpListener;

pub use checks::Checks;
pub use error::{Error, Result};
pub use folder::AccessKey;
pub use key_pairs::Reach;
pub use object_store::Clock;
pub use queue::{BATCH_MAX, DeadLetter, Depth, Message, Queue, RECEIVES_MAX};
pub use rules::Rules;
pub use serve::{AllowedHosts, Arriving, CutOff, Serves, TlsFault, TlsFiles, serve, serve_tls};
pub use streams::{Batch, Failure, RECORDS_MAX, Streams, dead_letter_queue};

use crate::error::blocking;
use crate::events::Cause;
use crate::folder::Folder;
use crate::key_pairs::KeyPairs;
use crate::object_store::ObjectStore;
use crate::rules::HostRules;
use crate::s3::S3PortService;
use crate::serve::{S3Port, TablesPort};
use crate::tables::{Priority, Tables};

/// The region that the services say they are in.
pub const REGION: &str = "us-east-1";

/// The account that owns everything.
pub(crate) const ACCOUNT: &str = "000000000000";

/// What the SDK is told to connect to in process. Never resolved.
const ENDPOINT: &str = "http://embedded.invalid";

/// Filter directives (of `tracing_subscriber::filter::Targets`) that keep keys, forms and requests out of
/// the log.
pub const QUIET: &str = "s3s=off,dynoxide=off";

/// The services on one data folder. Clones share it; the folder is free again when all clones, and
/// all clients, queues and streams from them, are gone.
#[derive(Clone)]
pub struct Embedded {
    store: Arc<ObjectStore>,
    tables: Arc<Tables>,
    s3: S3Service,
    key: AccessKey,
    key_pairs: Arc<KeyPairs>,
    rules: HostRules,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Embedded")
    }
}

impl Embedded {
    /// Opens a data folder, or makes one. Blocks for some milliseconds. Messages that the last
    /// process was working on are visible again.
    ///
    /// # Errors
    /// [`Error::FolderTaken`] if it is open already, [`Error::FolderNewer`], [`Error::Damaged`],
    /// and failures of the disk.
    #[allow(
        clippy::disallowed_methods,
        reason = "the clock of a real server comes in here"
    )]
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_with_clock(dir, Arc::new(Timestamp::now))
    }

    /// As [`Self::open`], with another clock for the times of new objects and their events.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with_clock(dir: &Path, clock: Clock) -> Result<Self> {
        let folder = Arc::new(Folder::open(dir)?);
        let key = folder.access_key()?;
        let pairs = Arc::new(KeyPairs::open(folder.key_pairs())?);
        let store = Arc::new(ObjectStore::open(folder.clone(), clock)?);
        let tables = Arc::new(Tables::open(folder.clone())?);
        folder.close_to_others()?;
        folder.sync()?;
        let s3 = s3::inside(store.clone(), &key, pairs.clone());
        Ok(Self {
            store,
            tables,
            s3,
            key,
            key_pairs: pairs,
            rules: HostRules::default(),
        })
    }

    /// The key pair that opens everything.
    #[must_use]
    pub fn access_key(&self) -> &AccessKey {
        &self.key
    }

    /// The key pair of a holder, made if it has none. From now on it may read, write, list and delete
    /// what it reaches in S3, and nothing else anywhere.
    ///
    /// # Errors
    /// Failures of the disk.
    pub async fn grant(&self, holder: &str, reaches: Vec<Reach>) -> Result<AccessKey> {
        let (pairs, holder) = (self.key_pairs.clone(), holder.to_owned());
        blocking(move || pairs.grant(&holder, reaches)).await
    }

    /// From now on a holder's key pair opens nothing; says whether it had one.
    ///
    /// # Errors
    /// Failures of the disk.
    pub async fn revoke(&self, holder: &str) -> Result<bool> {
        let (pairs, holder) = (self.key_pairs.clone(), holder.to_owned());
        blocking(move || pairs.revoke(&holder)).await
    }

    /// From now on these rules hold for who comes by [`Self::serve_s3`]. They are said once, before
    /// it serves.
    pub fn abide_by(&self, rules: Arc<dyn Rules>) {
        self.rules.set(rules);
    }

    /// The HTTP client for the AWS SDK that reaches S3 and DynamoDB in this process.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        self.client(Priority::Interactive)
    }

    fn client(&self, priority: Priority) -> SharedHttpClient {
        let (s3, tables) = (self.s3.clone(), self.tables.clone());
        SharedHttpClient::new(client::InProcess::new(s3, tables, priority))
    }

    /// A configuration for the AWS SDK that reaches S3 and DynamoDB in this process. An S3 client
    /// must use path style as well.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        self.sdk_config_at(ENDPOINT)
    }

    /// As [`Self::sdk_config`], for programs that run in the background: those that changes of the tables
    /// and timers wake. What they do depends on who is searched for, and must not be felt by who uploads:
    /// their reads of tables have connections of their own, and their writes are done one at a time
    /// with rests between.
    #[must_use]
    pub fn sdk_config_background(&self) -> SdkConfig {
        let config = self.sdk_config().into_builder();
        config
            .http_client(self.client(Priority::Background))
            .build()
    }

    /// As [`Self::sdk_config`], with presigned URLs and forms for those who reach S3 at that URL:
    /// the port of [`Self::serve_s3`]. Calls stay in this process all the same.
    #[must_use]
    pub fn sdk_config_at(&self, endpoint_url: &str) -> SdkConfig {
        let credentials = Credentials::new(
            &self.key.id,
            &self.key.secret,
            None,
            None,
            "homeward data folder",
        );
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.http_client())
            .endpoint_url(endpoint_url)
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    /// Serves S3 on a loopback port until `shutdown`, and returns when the requests under way are
    /// done.
    ///
    /// # Errors
    /// [`Error::NotLoopback`].
    pub async fn serve_s3(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        let hosts = AllowedHosts::of(&listener)?;
        self.serve_s3_at(listener, hosts, shutdown).await
    }

    /// As [`Self::serve_s3`], under these host names.
    ///
    /// # Errors
    /// [`Error::NotLoopback`].
    pub async fn serve_s3_at(
        &self,
        listener: TcpListener,
        hosts: AllowedHosts,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        serve(listener, hosts, self.s3_port(), shutdown).await
    }

    /// Serves S3 on any address until `shutdown`, by TLS alone.
    pub async fn serve_s3_tls(
        &self,
        at: (TcpListener, TlsFiles),
        hosts: AllowedHosts,
        shutdown: impl Future<Output = ()>,
    ) {
        serve_tls(at, hosts, self.s3_port(), shutdown).await;
    }

    fn s3_port(&self) -> S3Port {
        let (pairs, rules) = (self.key_pairs.clone(), self.rules.clone());
        let service = S3PortService::new(self.store.clone(), &self.key, pairs, rules);
        S3Port::new(service, self.store.clone())
    }

    /// Serves DynamoDB on a loopback port until `shutdown`, and returns when the requests under way
    /// are done.
    ///
    /// # Errors
    /// [`Error::NotLoopback`].
    pub async fn serve_dynamodb(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        let hosts = AllowedHosts::of(&listener)?;
        self.serve_dynamodb_at(listener, hosts, shutdown).await
    }

    /// As [`Self::serve_dynamodb`], under these host names.
    ///
    /// # Errors
    /// [`Error::NotLoopback`].
    pub async fn serve_dynamodb_at(
        &self,
        listener: TcpListener,
        hosts: AllowedHosts,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        let port = TablesPort::new(self.tables.clone(), self.key.clone());
        serve(listener, hosts, port, shutdown).await
    }

    /// Makes a bucket, versioned, unless it is there.
    ///
    /// # Errors
    /// Failures of the metadata database.
    pub async fn create_bucket(&self, name: &str) -> Result<()> {
        let (store, name) = (self.store.clone(), name.to_owned());
        blocking(move || store.create_bucket(name)).await
    }

    /// From now on the queue hears of every new object of the bucket whose key starts with the
    /// prefix. Stays so in the folder; saying it again changes nothing.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such bucket.
    pub async fn notify(&self, bucket: &str, prefix: &str, queue: &str) -> Result<()> {
        let store = self.store.clone();
        let (bucket, prefix, queue) = (bucket.to_owned(), prefix.to_owned(), queue.to_owned());
        blocking(move || store.notify(bucket, prefix, queue, Cause::Put)).await
    }

    /// As [`Self::notify`], for the event of every delete that a client makes: a marker that comes to
    /// lie on a key, or a version that goes for good. What [`Self::expire`] removes has none.
    ///
    /// # Errors
    /// As [`Self::notify`].
    pub async fn notify_removals(&self, bucket: &str, prefix: &str, queue: &str) -> Result<()> {
        let store = self.store.clone();
        let (bucket, prefix, queue) = (bucket.to_owned(), prefix.to_owned(), queue.to_owned());
        blocking(move || store.notify(bucket, prefix, queue, Cause::Delete)).await
    }

    /// The queue of that name.
    #[must_use]
    pub fn queue(&self, name: &str) -> Queue {
        Queue::new(self.store.clone(), name.to_owned())
    }

    /// Every queue that holds anything, by name.
    ///
    /// # Errors
    /// Failures of the metadata database.
    pub async fn queues(&self, now: Timestamp) -> Result<Vec<Depth>> {
        let store = self.store.clone();
        blocking(move || store.depths(now)).await
    }

    /// The tables' streams.
    #[must_use]
    pub fn streams(&self) -> Streams {
        Streams::new(self.store.clone(), self.tables.clone())
    }

    /// Removes for good all versions of objects under the prefix that were made before `before`,
    /// newest included, and what they alone contained. Says how many versions went. An exact key
    /// is a prefix too: erasing one object also erases those whose keys go on from it.
    ///
    /// # Errors
    /// Failures of the disk; what was removed until then stays removed.
    pub async fn expire(&self, bucket: &str, prefix: &str, before: Timestamp) -> Result<u64> {
        let store = self.store.clone();
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        blocking(move || store.expire(bucket, &prefix, before)).await
    }

    /// Removes contents that no object has: a crash between storing a content and its row leaves
    /// them. Safe at any time. Says how many went.
    ///
    /// # Errors
    /// Failures of the disk.
    pub async fn collect_garbage(&self) -> Result<u64> {
        let store = self.store.clone();
        blocking(move || store.collect_all()).await
    }

    /// Removes items of tables whose time to live is over, by the system's clock. Says how many
    /// went.
    ///
    /// # Errors
    /// [`Error::Tables`].
    pub async fn sweep_ttl(&self) -> Result<usize> {
        let tables = self.tables.clone();
        blocking(move || tables.sweep_ttl()).await
    }

    /// What the folder holds and whether it agrees with itself. A `deep` check reads all contents.
    /// While writes go on, a content may show up as an orphan before its row does.
    ///
    /// # Errors
    /// Failures of the disk.
    pub async fn checks(&self, deep: bool, now: Timestamp) -> Result<Checks> {
        if deep {
            return self.checks_with_progress(|_, _| {}, now).await;
        }
        let (store, tables) = (self.store.clone(), self.tables.clone());
        blocking(move || checks::check(&store, &tables, None, now)).await
    }

    /// As [`Self::checks`], deep; `progress` is called with how many contents were read, of how many.
    ///
    /// # Errors
    /// Failures of the disk.
    pub async fn checks_with_progress(
        &self,
        progress: impl Fn(u64, u64) + Send + Sync + 'static,
        now: Timestamp,
    ) -> Result<Checks> {
        let (store, tables) = (self.store.clone(), self.tables.clone());
        blocking(move || checks::check(&store, &tables, Some(&progress), now)).await
    }
}
