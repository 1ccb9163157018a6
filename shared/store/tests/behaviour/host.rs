//! The two servers.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use store::{Jitter, Names, Store};

/// A store with tables and buckets of its own.
pub struct World {
    pub store: Store,
    pub sdk: SdkConfig,
    /// Whether signatures and policies are checked: moto checks none.
    pub checks_signatures: bool,
}

impl World {
    /// The same S3, past the store.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.sdk).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// The same DynamoDB, past the store.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk)
    }
}

/// Randomness that is the same in every run, though not in every order of tasks.
fn jitter() -> Jitter {
    let state = AtomicU64::new(0);
    Jitter::new(move || {
        let n = state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        (n ^ (n >> 31)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 11
    })
}

pub fn names(tag: &str) -> Names {
    let tag = tag.replace('_', "-").to_lowercase();
    Names {
        table_prefix: format!("{tag}-"),
        ads_bucket: format!("ads-{:.50}", tag),
        references_bucket: format!("refs-{:.50}", tag),
        segments_bucket: format!("segs-{:.50}", tag),
    }
}

/// S3 and DynamoDB in this process.
pub struct Embedded {
    server: embedded::Embedded,
    _dir: tempfile::TempDir,
}

impl Embedded {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            server: embedded::Embedded::open(dir.path()).unwrap(),
            _dir: dir,
        }
    }

    pub fn server(&self) -> &embedded::Embedded {
        &self.server
    }

    pub async fn world(&self) -> World {
        let names = names("t");
        self.server.create_bucket(&names.ads_bucket).await.unwrap();
        for bucket in [&names.references_bucket, &names.segments_bucket] {
            self.server.create_bucket(bucket).await.unwrap();
        }
        let sdk = self.server.sdk_config();
        let store = Store::with_sdk_config(&sdk, names, jitter());
        store.db.create_tables().await.unwrap();
        World {
            store,
            sdk,
            checks_signatures: true,
        }
    }
}

/// Starts moto with one thread: with more, two transactions at a time both pass their conditions
/// (seen: two alerts with one number), which DynamoDB's never do.
const ONE_AT_A_TIME: &str = "
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
app = DomainDispatcherApplication(create_backend_app)
run_simple('127.0.0.1', int(sys.argv[1]), app, threaded=False)
";

/// moto's server as a process of its own.
pub struct Moto {
    child: Child,
    sdk: SdkConfig,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended already
        let _ = self.child.wait();
    }
}

impl Moto {
    pub async fn start() -> Self {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let made = Command::new(format!("{root}/tests/python/venv.sh"))
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let python = String::from_utf8(made.stdout).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(python.trim())
            .args(["-c", ONE_AT_A_TIME, &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let endpoint = format!("http://127.0.0.1:{port}");
        let moto = Self {
            child,
            sdk: sdk_config(&endpoint),
        };
        await_answer(&endpoint).await;
        moto
    }

    pub async fn world(&self, tag: &str) -> World {
        let names = names(tag);
        let s3 = aws_sdk_s3::Client::from_conf(
            aws_sdk_s3::config::Builder::from(&self.sdk)
                .force_path_style(true)
                .build(),
        );
        for bucket in [
            &names.ads_bucket,
            &names.references_bucket,
            &names.segments_bucket,
        ] {
            s3.create_bucket().bucket(bucket).send().await.unwrap();
            let versioned = aws_sdk_s3::types::VersioningConfiguration::builder()
                .status(aws_sdk_s3::types::BucketVersioningStatus::Enabled)
                .build();
            s3.put_bucket_versioning()
                .bucket(bucket)
                .versioning_configuration(versioned)
                .send()
                .await
                .unwrap();
        }
        let store = Store::with_sdk_config(&self.sdk, names, jitter());
        store.db.create_tables().await.unwrap();
        World {
            store,
            sdk: self.sdk.clone(),
            checks_signatures: false,
        }
    }
}

/// The SDK on an endpoint, over a real connection.
pub fn sdk_config(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "key", "secret", None, None, "test",
        )))
        .build()
}

async fn await_answer(endpoint: &str) {
    for _ in 0..300 {
        if reqwest::get(endpoint).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("moto did not start within 30 seconds");
}
