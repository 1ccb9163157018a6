//! The two clouds that the real Lambda binaries run against: the embedded servers, and moto, which
//! we did not write. Both are reached over loopback ports, by the AWS protocols.
#![allow(
    clippy::disallowed_methods,
    reason = "real processes meet the real clock"
)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use embedded::Embedded;
use records::{Label, Principal, Role, TenantId, TenantSettings, Timestamp, Token};
use serde_json::{Value, json};
use store::{Clock, Jitter, Names, Store, Table};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::checkout;
use crate::deployment::Deployment;
use crate::follower::Follower;
use crate::process::Process;
use crate::sim::cluster::make_older;
use crate::wire::Wire;

/// Where the programs' data lies, with tables, buckets, tenants and tokens, and no programs.
pub struct Backend {
    /// `embedded` or `moto`.
    pub name: &'static str,
    /// S3's address.
    pub s3: String,
    /// DynamoDB's address, and that of its streams.
    pub dynamodb: String,
    /// Who signs.
    pub access_key_id: String,
    /// With what.
    pub secret_access_key: String,
    /// What the template says of it.
    pub deployment: Deployment,
    names: Names,
    runtime: Runtime,
    _moto: Option<Process>,
    _folder: Option<TempDir>,
}

impl Backend {
    /// The embedded servers, on a new folder, in this process.
    pub fn embedded() -> Self {
        Self::embedded_at(jiff::Timestamp::now)
    }

    /// The same, with another clock for the times of objects.
    pub fn embedded_at(clock: fn() -> jiff::Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let server = Embedded::open_with_clock(folder.path(), Arc::new(clock)).unwrap();
        let [s3, dynamodb] = [(); 2].map(|()| {
            let listening = TcpListener::bind("127.0.0.1:0");
            runtime.block_on(listening).unwrap()
        });
        let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let backend = Self {
            name: "embedded",
            s3: url(&s3),
            dynamodb: url(&dynamodb),
            access_key_id: server.access_key().id.clone(),
            secret_access_key: server.access_key().secret.clone(),
            names: deployment().names(),
            deployment: deployment(),
            _moto: None,
            _folder: Some(folder),
            runtime,
        };
        let (one, two) = (server.clone(), server);
        let serving = async move { one.serve_s3(s3, std::future::pending()).await };
        backend.runtime.spawn(serving);
        let serving = async move { two.serve_dynamodb(dynamodb, std::future::pending()).await };
        backend.runtime.spawn(serving);
        backend.prepared()
    }

    /// moto, in a process that ends with this one. What it does otherwise than AWS and the
    /// embedded servers:
    /// - it checks no signatures, so its credentials are made up;
    /// - it does one request at a time, since its transactions are not isolated;
    /// - its buckets keep versions only when told to.
    pub fn moto() -> Self {
        let mut command = Command::new(checkout::python());
        command
            .arg(checkout::root().join("tests/python/moto_server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = Process::start(&mut command);
        let mut port = String::new();
        BufReader::new(process.stdout())
            .read_line(&mut port)
            .unwrap();
        let url = format!("http://127.0.0.1:{}", port.trim());
        let backend = Self {
            name: "moto",
            s3: url.clone(),
            dynamodb: url,
            access_key_id: "key".into(),
            secret_access_key: "secret".into(),
            names: deployment().names(),
            deployment: deployment(),
            _moto: Some(process),
            _folder: None,
            runtime: Runtime::new().unwrap(),
        };
        backend.prepared()
    }

    /// The domain's verbs on it.
    pub fn store(&self) -> Store {
        let state = std::sync::atomic::AtomicU64::new(1);
        let jitter = Jitter::new(move || state.fetch_add(7, std::sync::atomic::Ordering::Relaxed));
        Store::with_sdk_config(&self.sdk(&self.dynamodb), self.names.clone(), jitter)
    }

    /// How to upload to it, in the words of `homeward serve`'s ready line.
    pub fn ready(&self) -> Value {
        json!({"s3": self.s3, "region": embedded::REGION, "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key, "ads_bucket": self.names.ads_bucket,
            "references_bucket": self.names.references_bucket})
    }

    /// A wire to it for one function.
    pub fn tap(&self) -> Wire {
        Wire::tap(&self.runtime, &self.s3, &self.dynamodb, self.names.clone())
    }

    /// The environment of a program's function: the template's variables, what Lambda adds, and
    /// where S3 and DynamoDB are.
    pub fn environment(&self, program: &str, s3: &str, dynamodb: &str) -> Vec<(String, String)> {
        let mut all = self.deployment.environment(program);
        let memory_mib = self.deployment.limits(program).memory_mib.to_string();
        let function = self.deployment.function_name(program);
        let more = [
            ("AWS_LAMBDA_FUNCTION_NAME", function.as_str()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory_mib),
            ("AWS_ENDPOINT_URL_S3", s3),
            ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
            ("AWS_REGION", embedded::REGION),
            ("AWS_ACCESS_KEY_ID", &self.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &self.secret_access_key),
            ("RUST_LOG", "warn"),
        ];
        all.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
        all
    }

    /// What a program's function is called.
    pub fn function_name(&self, program: &str) -> String {
        self.deployment.function_name(program)
    }

    /// Removes one version of an object, for good.
    pub fn remove_version(&self, bucket: &str, key: &str, version_id: &str) {
        let removed = self
            .s3()
            .delete_object()
            .bucket(bucket)
            .key(key)
            .version_id(version_id)
            .send();
        self.runtime.block_on(removed).unwrap();
    }

    /// Removes a table with all it holds.
    pub fn remove_table(&self, table: Table) {
        let client = aws_sdk_dynamodb::Client::new(&self.sdk(&self.dynamodb));
        let removed = client.delete_table().table_name(self.names.table(table));
        self.runtime.block_on(removed.send()).unwrap();
    }

    /// What the streams of tables tell, from the oldest record on, in Lambda's shape.
    pub fn changes(&self, tables: &[Table]) -> Vec<(Table, Vec<Value>)> {
        self.follow(tables).news()
    }

    /// A reader of tables' streams, from the oldest record on.
    pub fn follow(&self, tables: &[Table]) -> Follower {
        let names: Vec<_> = tables
            .iter()
            .map(|table| self.names.table(*table))
            .collect();
        let key = (self.access_key_id.as_str(), self.secret_access_key.as_str());
        Follower::start(tables, &names, &self.dynamodb, key)
    }

    fn prepared(self) -> Self {
        self.runtime.block_on(async {
            for bucket in [
                &self.names.ads_bucket,
                &self.names.references_bucket,
                &self.names.segments_bucket,
            ] {
                self.make_bucket(bucket).await;
            }
            let store = self.store();
            store.db.create_tables().await.unwrap();
            for (name, is_unit) in [("unit", true), ("uploader", false)] {
                make_tenant(&store, name, is_unit).await;
            }
            make_token(&store, "admin", Role::Admin).await;
        });
        self
    }

    /// Makes a queue of SQS and gives its URL; moto alone has such.
    pub fn make_queue(&self, name: &str) -> String {
        let made = self.sqs().create_queue().queue_name(name).send();
        let made = self.runtime.block_on(made).unwrap();
        made.queue_url.unwrap()
    }

    /// Takes all messages out of a queue of SQS.
    pub fn take_all(&self, url: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let received = self.sqs().receive_message().queue_url(url);
            let received = received.max_number_of_messages(10).send();
            let received = self.runtime.block_on(received).unwrap();
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                return bodies;
            }
            bodies.extend(messages.into_iter().map(|it| it.body.unwrap()));
        }
    }

    /// As [`make_older`].
    pub fn make_older(&self) {
        let (store, now) = (self.store(), Clock::from_system().now());
        self.runtime.block_on(make_older(&store, now));
    }

    fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk(&self.s3))
    }

    /// Puts a delete marker on a key of `ads_bucket` or `references_bucket`.
    pub fn delete(&self, bucket: &str, key: &str) {
        let bucket = self.ready()[bucket].as_str().unwrap().to_owned();
        let delete = self.s3().delete_object().bucket(bucket).key(key).send();
        self.runtime.block_on(delete).unwrap();
    }

    async fn make_bucket(&self, bucket: &str) {
        let s3 = self.s3();
        s3.create_bucket().bucket(bucket).send().await.unwrap();
        if self.name == "moto" {
            let versioned = VersioningConfiguration::builder()
                .status(BucketVersioningStatus::Enabled)
                .build();
            let request = s3.put_bucket_versioning().bucket(bucket);
            let request = request.versioning_configuration(versioned);
            request.send().await.unwrap();
        }
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let sdk = self.sdk(&self.s3);
        let config = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    fn sdk(&self, endpoint: &str) -> SdkConfig {
        let (id, secret) = (&self.access_key_id, &self.secret_access_key);
        let credentials = Credentials::new(id, secret, None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(endpoint)
            .region(Region::from_static(embedded::REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }
}

/// The bearer token of the tenant `unit`, `uploader` or `admin`.
pub fn token(tenant: &str) -> Token {
    let mut bytes = [0x5a; 32];
    bytes[..tenant.len()].copy_from_slice(tenant.as_bytes());
    Token::from_random(&bytes)
}

async fn make_tenant(store: &Store, name: &str, is_unit: bool) {
    let tenant = TenantId::parse(name).unwrap();
    let settings = TenantSettings {
        tenant: tenant.clone(),
        is_unit,
        is_uploader: !is_unit,
        legal_basis: is_unit.then(|| Label::parse("a test").unwrap()),
        expiry_days: TenantSettings::EXPIRY_DAYS_DEFAULT,
        tell_withdrawals: false,
        second_opinion: false,
        created_at: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
    };
    store.tenants.put_tenant(&settings).await.unwrap();
    let role = if is_unit { Role::Unit } else { Role::Uploader };
    make_token(store, name, role).await;
}

async fn make_token(store: &Store, name: &str, role: Role) {
    let tenant = TenantId::parse(name).unwrap();
    let principal = Principal::of(tenant, role);
    store
        .tenants
        .put_token(&token(name), &principal)
        .await
        .unwrap();
}

/// The template's stage `dev`, with receivers of alerts on this machine.
fn deployment() -> Deployment {
    Deployment::with(&[("WebhookNetworks", "127.0.0.0/8")])
}
