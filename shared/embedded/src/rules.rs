//! What the host of the buckets has a say in, where requests come from outside.

use std::sync::{Arc, OnceLock};

use s3s::{S3Error, S3ErrorCode, S3Result};

/// The host's rules for who comes by the S3 port. What its own programs do in this process is not
/// asked about.
#[async_trait::async_trait]
pub trait Rules: Send + Sync + 'static {
    /// Whether an object may come to lie in a bucket under a key.
    ///
    /// # Errors
    /// The sentence that the client is told instead.
    async fn admit(&self, bucket: &str, key: &str) -> Result<(), String>;

    /// What must be done before it is acknowledged that these keys, or versions of them, were
    /// deleted. They are gone already; the events of that are on their way too.
    ///
    /// # Errors
    /// The sentence that the client is told: it may delete them again.
    async fn removed(&self, bucket: &str, keys: &[String]) -> Result<(), String>;
}

/// The rules, once the host has said them; without any, everything goes.
#[derive(Clone, Default)]
pub(crate) struct HostRules(Arc<OnceLock<Arc<dyn Rules>>>);

impl HostRules {
    pub(crate) fn set(&self, rules: Arc<dyn Rules>) {
        let _said_before = self.0.set(rules);
    }

    pub(crate) async fn admit(&self, bucket: &str, key: &str) -> S3Result<()> {
        match self.0.get() {
            Some(rules) => rules
                .admit(bucket, key)
                .await
                .map_err(|words| S3Error::with_message(S3ErrorCode::AccessDenied, words)),
            None => Ok(()),
        }
    }

    pub(crate) async fn removed(&self, bucket: &str, keys: &[String]) -> S3Result<()> {
        match self.0.get() {
            Some(rules) => rules
                .removed(bucket, keys)
                .await
                .map_err(|words| S3Error::with_message(S3ErrorCode::InternalError, words)),
            None => Ok(()),
        }
    }

    /// A host with rules makes its buckets itself.
    pub(crate) fn may_change_buckets(&self, operation: &str) -> S3Result<()> {
        let changes = ["CreateBucket", "DeleteBucket", "PutBucketVersioning"];
        if self.0.get().is_some() && changes.contains(&operation) {
            let words = "The buckets are made by homeward serve; nothing looks into others";
            return Err(S3Error::with_message(S3ErrorCode::AccessDenied, words));
        }
        Ok(())
    }
}
