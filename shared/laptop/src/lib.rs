//! The whole system in one process: embedded S3 and DynamoDB servers, the same handlers as in the
//! cloud, and what feeds them their events.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "the laptop's clock and randomness come in here"
)]

mod admin_api;
mod background;
mod bucket_rules;
pub mod consistency;
pub mod credentials;
pub mod dead_letters;
mod erasing;
mod host;
pub mod inspection;
mod logs;
mod ports;
mod queues;
mod sign_in;
mod streams;
mod tenants;
mod timers;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use embedded::Embedded;
use serde_json::{Value, json};
use store::{Clock, CompactionRule, Store};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use admin_api::{
    ask_for_consistency, ask_for_dead_letters, ask_for_key_pair, ask_for_replay,
    ask_for_revocation, ask_for_sign_in,
};
pub use host::{ADS_BUCKET, REFERENCES_BUCKET, prepare};
pub use logs::{LogFormat, log_system, log_to_stderr};
pub use ports::{PORT, Ports, Public, PublicPorts};
pub use streams::{STREAMS, StreamOf};
pub use tenants::Tokens;

use background::BackgroundRuntime;
use bucket_rules::BucketRules;
use host::Programs;

/// Why something failed of which its program did not say why.
const NOT_FINISHED: &str = "the program did not finish it";

/// The queue of the ads bucket.
pub const INGEST_QUEUE: &str = "ingest";
/// The queue of the references bucket.
pub const ENROLL_QUEUE: &str = "enroll";

/// How the system differs from its defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The first of three loopback ports: API, S3, DynamoDB. Zero: any that are free.
    pub port: Option<u16>,
    /// Names in addition to the loopback ones that the ports answer to: `name`, or `name:port`.
    pub allowed_hosts: Vec<String>,
    /// Where other machines may come in; none: only this one.
    pub public: Option<Public>,
    /// How often the timers of the cloud's minutes fire here.
    pub timer: Duration,
    /// Whether webhooks may lie on this machine.
    pub loopback_webhooks: bool,
    /// How long an upload may be pending before it is driven again.
    pub pending_max: Duration,
    /// How long ads are kept; none keeps them.
    pub ads_kept: Option<Duration>,
    /// When and how much of the searchable sets is compacted.
    pub compaction: CompactionRule,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: None,
            allowed_hosts: Vec::new(),
            public: None,
            timer: Duration::from_secs(5),
            loopback_webhooks: true,
            pending_max: Duration::from_secs(10 * 60),
            ads_kept: None,
            compaction: CompactionRule::default(),
        }
    }
}

/// The running system. Dropping it stops nothing: call [`Laptop::stop`].
pub struct Laptop {
    /// The servers on the data folder.
    pub embedded: Embedded,
    /// The domain's verbs on them.
    pub store: Store,
    /// Bearer tokens of the first tenants.
    pub tokens: Tokens,
    /// Where the servers listen.
    pub ports: Ports,
    credentials: PathBuf,
    /// Whether the folder was made by this start: its secrets have not been shown yet.
    is_first: bool,
    /// A link that signs a person in, once.
    pub open: String,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
    _behind: BackgroundRuntime,
}

impl Laptop {
    /// Opens a data folder, or makes one, and starts everything. When this returns, the system
    /// accepts work.
    ///
    /// # Errors
    /// A folder that is taken or damaged, ports that are taken.
    pub async fn start(data: &Path, settings: Settings) -> anyhow::Result<Self> {
        // Before the folder closes its files to others without a word.
        let kept = credentials::kept(data)?;
        let embedded = Embedded::open(data)?;
        let clock = Clock::from_system();
        let store = host::prepare(&embedded).await?;
        let first = tenants::first((&embedded, &store), data, kept, &clock).await?;
        let (ports, listeners) = ports::listen(settings.port, settings.public.as_ref()).await?;
        let behind = BackgroundRuntime::start()?;
        let on = behind.handle();
        let at = (&ports, &on);
        let programs = Arc::new(Programs::new(&embedded, &store, &clock, &settings, at)?);
        let local = tenants::token()?;
        let api = programs
            .api()
            .merge(admin_api::route((&embedded, &store), &local, &ports));
        let limits = photo::Limits::of_references();
        embedded.abide_by(Arc::new(BucketRules::new(
            store.clone(),
            clock.clone(),
            &limits,
        )));
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let public_api = ports.public.as_ref();
        let public_api = public_api.map_or_else(Default::default, |it| programs.public_api(it));
        let allowed = (settings.allowed_hosts.as_slice(), settings.public.as_ref());
        let apis = (api, public_api);
        ports::serve(&mut tasks, &stop, &embedded, listeners, apis, allowed)?;
        queues::feed(&mut tasks, (&stop, &on), &embedded, &programs);
        streams::feed(&mut tasks, (&stop, &on), &embedded, &programs);
        timers::start(
            &mut tasks,
            (&stop, &on),
            &embedded,
            &programs,
            settings.timer,
        );
        admin_api::save(data, &ports, &local)?;
        let open = sign_in::link(&store, &clock, &ports, sign_in::person_here()?).await?;
        let laptop = Self {
            embedded,
            store,
            tokens: first.tokens,
            ports,
            credentials: credentials::path(data),
            is_first: first.are_new,
            open,
            stop,
            tasks,
            _behind: behind,
        };
        credentials::keep(data, &laptop.everything())?;
        tenants::kept_elsewhere(data)?;
        Ok(laptop)
    }

    /// The line that tells a program how to reach everything. Secrets stand in that of the first
    /// start only; it names the file that keeps them.
    pub fn ready(&self) -> Value {
        let mut line = self.everything();
        line["open"] = json!(self.open);
        if let (false, Some(line)) = (self.is_first, line.as_object_mut()) {
            line.remove("secret_access_key");
            line.remove("tokens");
        }
        line
    }

    fn everything(&self) -> Value {
        let (key, public) = (self.embedded.access_key(), self.ports.public.as_ref());
        let public = public.map(|it| json!({ "api": it.api, "s3": it.s3 }));
        json!({
            "event": "ready",
            "s3": self.ports.s3,
            "dynamodb": self.ports.dynamodb,
            "api": self.ports.api,
            "public": public,
            "ads_bucket": ADS_BUCKET,
            "references_bucket": REFERENCES_BUCKET,
            "region": embedded::REGION,
            "access_key_id": key.id,
            "secret_access_key": key.secret,
            "tokens": self.tokens.to_json(),
            "credentials": self.credentials,
        })
    }

    /// Another link that signs a person in, once.
    ///
    /// # Errors
    /// What could not be recorded.
    pub async fn sign_in_link(&self) -> anyhow::Result<String> {
        let person = sign_in::person_here()?;
        sign_in::link(&self.store, &Clock::from_system(), &self.ports, person).await
    }

    /// Runs until a task fails, which none should.
    ///
    /// # Errors
    /// The failure.
    pub async fn failure(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => error.into(),
            Some(Ok(Ok(()))) | None => anyhow::anyhow!("a part of the system ended by itself"),
        }
    }

    /// Takes no new work, finishes what is in flight, and ends.
    ///
    /// # Errors
    /// What went wrong while it finished.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        Ok(())
    }
}
