//! One cluster in a run: the servers on a new folder, and every program on its own connection to them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use alert::AlertProgram;
use alert::send::{Sender, Timeouts};
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use axum::Router;
use enroll::Enroll;
use features::fingerprint::FINGERPRINT_VERSION;
use ingest::Ingest;
use lookup::Lookup;
use matching::Policy;
use records::{
    Label, Principal, Renewal, Role, ScanStage, Secret, TenantId, TenantSettings, Timestamp,
    Webhook, WebhookName, WebhookState,
};
use review::Review;
use store::{CompactionRule, Jitter, MergeRule, Names, Store};
use tempfile::TempDir;
use upkeep::Upkeep;

use super::connection::{Connection, Injection, Network};
use super::feed::ServersQueues;
use super::injected_bug::{InjectedBug, Writes};
use super::receiver::CaseSystem;
use super::rng::Rng;
use super::servers::Servers;
use super::time::Time;
use super::trace::Trace;
use super::unit::token;

/// The buckets, each with the queue that hears of its objects.
pub const ADS: (&str, &str) = ("ads", "ads/");
/// See [`ADS`].
pub const REFERENCES: (&str, &str) = ("references", "references/");

/// The bucket of the searchable sets' segments; its objects raise no events.
const SEGMENTS: &str = "segments";

/// How long an upload may be pending before it is driven again.
const PENDING_MAX: Duration = Duration::from_secs(120);

/// The cluster of one run.
pub struct Cluster {
    /// The way to the servers.
    pub network: Arc<Network>,
    /// Who receives alerts.
    pub case_system: Arc<CaseSystem>,
    seed: u64,
    retries: RetryConfig,
    ads_kept: Option<Duration>,
    _folder: TempDir,
}

/// How a cluster differs from others.
pub struct ClusterConfig {
    /// Of jitter.
    pub seed: u64,
    /// Where the data lie; none: in memory, where the system has a folder there.
    pub folder: Option<PathBuf>,
    /// The time.
    pub time: Time,
    /// What becomes of each call.
    pub injections: Box<dyn Fn(&super::call::Call) -> Injection + Send + Sync>,
    /// A bug.
    pub bug: Option<InjectedBug>,
    /// Whether the SDK tries again by itself.
    pub retries: RetryConfig,
    /// Whether the trace is kept as text.
    pub keeps_text: bool,
    /// How long ads are kept; none for ever.
    pub ads_kept: Option<Duration>,
}

impl Cluster {
    /// a new cluster: tables, buckets, the unit with a webhook, the uploader.
    pub fn new(plan: ClusterConfig, case_system: impl FnOnce(&Time) -> CaseSystem) -> Self {
        let folder = plan.folder.unwrap_or_else(fast_folder);
        let folder = tempfile::tempdir_in(folder).expect("a folder");
        write_files(template(), folder.path());
        let time = plan.time;
        let case_system = Arc::new(case_system(&time));
        let network = Network {
            servers: Servers::open(folder.path(), time.servers_clock()),
            time,
            injections: plan.injections,
            trace: Trace::new(plan.keeps_text),
            bug: plan.bug,
            writes: Writes::default(),
        };
        Self {
            network: Arc::new(network),
            case_system,
            seed: plan.seed,
            retries: plan.retries,
            ads_kept: plan.ads_kept,
            _folder: folder,
        }
    }

    /// The time.
    pub fn time(&self) -> &Time {
        &self.network.time
    }

    /// A new process of an actor.
    pub fn connection(&self, actor: &str) -> Connection {
        Connection::new(&self.network, actor)
    }

    /// The domain's verbs over this connection.
    pub fn store(&self, connection: &Connection) -> Store {
        let config = self.network.servers.embedded.sdk_config();
        let config = config
            .into_builder()
            .http_client(connection.clone())
            .retry_config(self.retries.clone())
            .sleep_impl(SharedAsyncSleep::new(self.time().clone()))
            .build();
        store_of(&config, self.seed)
    }

    /// `ingest`.
    pub fn ingest(&self, connection: &Connection) -> Ingest {
        let clock = self.time().clock();
        let mut ingest = Ingest::new(self.store(connection), photo::Limits::default(), clock, 1);
        ingest.ads_kept = self.ads_kept;
        ingest
    }

    /// `enroll`.
    pub fn enroll(&self, connection: &Connection) -> Enroll {
        let clock = self.time().clock();
        Enroll::new(self.store(connection), photo::Limits::default(), clock, 1)
    }

    /// `lookup`, with an empty memory.
    pub fn lookup(&self, connection: &Connection) -> Lookup {
        Lookup::new(
            self.store(connection),
            Policy::default(),
            self.time().clock(),
        )
    }

    /// `alert`, whose way out leads to the case system.
    pub fn alert(&self, connection: &Connection) -> AlertProgram {
        AlertProgram::new(
            self.store(connection),
            Sender::given(Timeouts::default(), self.case_system.clone().post()),
            self.time().clock(),
        )
    }

    /// `review`, without pages.
    pub fn api(&self, connection: &Connection) -> Router {
        review::router(Review {
            store: self.store(connection).into(),
            clock: self.time().clock(),
            random: review::Random::new(|bytes| bytes.fill(5)),
            networks: Vec::new(),
            uploads_at: None,
            pages: None,
        })
    }

    /// `upkeep`.
    pub fn upkeep(&self, connection: &Connection) -> Upkeep {
        Upkeep {
            store: self.store(connection),
            clock: self.time().clock(),
            pending_max: PENDING_MAX,
            objects_every: Duration::ZERO,
            compaction: compaction(),
            ads_kept: self.ads_kept,
            looks_apart_max: None, // virtual time goes in leaps
            queues: Arc::new(ServersQueues(self.network.clone())),
            noted: Default::default(),
        }
    }
}

/// Lets this build's algorithms be newer than those of the cluster, so that every photo is sent to its queue again.
///
/// # Panics
/// If it cannot be noted.
pub async fn make_older(store: &Store, now: Timestamp) {
    let older = Renewal {
        stage: ScanStage::Over,
        ..Renewal::new(FINGERPRINT_VERSION - 1, now)
    };
    store
        .checkpoints
        .save_renewal(&older)
        .await
        .expect("a note");
}

/// So eager that every run compacts, and merges what it compacted before.
fn compaction() -> CompactionRule {
    let usual = CompactionRule::default();
    CompactionRule {
        tail_ads_min: 1,
        log_entries_min: 1,
        merge: MergeRule {
            segments_min: 2,
            ..usual.merge
        },
        ..usual
    }
}

/// The tenant that submits references.
pub fn unit() -> TenantId {
    TenantId::parse("unit").expect("a tenant")
}

/// The webhook that the unit has from the start.
pub fn webhook() -> WebhookName {
    WebhookName::parse("case-system").expect("a name")
}

fn names() -> Names {
    Names {
        table_prefix: Names::TABLE_PREFIX_DEFAULT.to_owned(),
        ads_bucket: ADS.0.to_owned(),
        references_bucket: REFERENCES.0.to_owned(),
        segments_bucket: SEGMENTS.to_owned(),
    }
}

fn store_of(config: &SdkConfig, seed: u64) -> Store {
    let rng = std::sync::Mutex::new(Rng::new(seed).of("jitter", 0));
    let jitter = Jitter::new(move || rng.lock().expect("no holder panics").next());
    Store::with_sdk_config(config, names(), jitter)
}

/// In memory where the system has such a folder: a run needs no durability.
fn fast_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => memory.to_owned(),
        false => std::env::temp_dir(),
    }
}

/// What all runs start from, file by file, made once: making tables takes longer than a run.
fn template() -> &'static [(PathBuf, Vec<u8>)] {
    static TEMPLATE: OnceLock<Vec<(PathBuf, Vec<u8>)>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = tempfile::tempdir_in(fast_folder()).expect("a folder");
        let path = folder.path().to_owned();
        let prepared = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(prepare(&path));
        });
        prepared.join().expect("a cluster can be made");
        let mut files = Vec::new();
        read_files(folder.path(), Path::new(""), &mut files);
        files
    })
}

fn read_files(root: &Path, under: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(root.join(under)).expect("the template") {
        let entry = entry.expect("an entry");
        let name = under.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => read_files(root, &name, files),
            false => {
                let bytes = std::fs::read(entry.path()).expect("a file");
                files.push((name, bytes));
            }
        }
    }
}

fn write_files(files: &[(PathBuf, Vec<u8>)], root: &Path) {
    for (name, bytes) in files {
        let path = root.join(name);
        let folder = path.parent().expect("below the root");
        std::fs::create_dir_all(folder).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }
}

async fn prepare(folder: &Path) {
    let time = Time::default();
    let embedded = embedded::Embedded::open_with_clock(folder, time.servers_clock());
    let embedded = embedded.expect("the folder opens");
    let store = store_of(&embedded.sdk_config(), 0);
    store.db.create_tables().await.expect("tables");
    for (bucket, prefix) in [ADS, REFERENCES] {
        embedded.create_bucket(bucket).await.expect("a bucket");
        let queue = bucket; // called alike
        let set_up = embedded.notify(bucket, prefix, queue).await;
        set_up.expect("notifications");
    }
    let removals = embedded.notify_removals(REFERENCES.0, REFERENCES.1, REFERENCES.0);
    removals.await.expect("notifications");
    let made = embedded.create_bucket(SEGMENTS).await;
    made.expect("a bucket");
    for (name, is_unit) in [("unit", true), ("uploader", false)] {
        let settings = TenantSettings {
            tenant: TenantId::parse(name).expect("a tenant"),
            is_unit,
            is_uploader: !is_unit,
            legal_basis: is_unit.then(|| Label::parse("a simulation").expect("a label")),
            expiry_days: TenantSettings::EXPIRY_DAYS_DEFAULT,
            tell_withdrawals: false,
            second_opinion: false,
            created_at: time.now(),
        };
        store.tenants.put_tenant(&settings).await.expect("a tenant");
    }
    let principal = Principal::of(unit(), Role::Unit);
    let put = store.tenants.put_token(&token(), &principal).await;
    put.expect("a token");
    let hook = Webhook {
        name: webhook(),
        url: "http://case-system.invalid/alerts".parse().expect("a url"),
        content_type: Default::default(),
        hmac_secret: Secret::from_bytes(&[7; 32]).expect("a secret"),
        ed25519_seed: Secret::from_bytes(&[9; 32]).expect("a seed"),
        retired: None,
        state: WebhookState::Enabled,
        reason: None,
        updated_at: time.now(),
    };
    store
        .deliveries
        .put_webhook(&unit(), &hook)
        .await
        .expect("a webhook");
}
