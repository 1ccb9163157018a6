//! Leave to upload or to look at one object for a while, without a key to the bucket: presigned
//! POST forms and presigned GET addresses.
//!
//! The SDK presigns requests but not POST policies, so the policy is signed here, by AWS Signature
//! Version 4. A policy, unlike a presigned PUT, can bound the size.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::presigning::PresigningConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use records::{AdKey, ObjectKey, TenantId, Timestamp};
use serde_json::json;
use sha2::Sha256;

use crate::db::error::{Error, Result, classified};
use crate::{ObjectKind, Objects};

/// What a form allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormLimits {
    /// The largest object, in bytes; the smallest is 1.
    pub bytes_max: u64,
    /// How long the form can be used.
    pub valid_for: Duration,
    /// What every `Content-Type` starts with: `image/` or, for bundles, `application/`.
    pub content_type: &'static str,
}

/// A form to POST: these fields; then those that the sender fills in, all of which the policy
/// names: `key` (below the prefix), `Content-Type` (of the kind allowed), the four `x-amz-meta-*` of the
/// contract (empty if there is nothing to say) and `success_action_status` (200, 201 or 204); then the
/// file as the last one, named `file`.
#[derive(Clone, PartialEq, Eq)]
pub struct Form {
    /// Where to POST it.
    pub url: String,
    /// Its fields, in order.
    pub fields: Vec<(String, String)>,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What the sender of a form may fill in as it likes: the metadata of a file, and how it is answered.
const FREE_FIELDS: [&str; 5] = [
    "x-amz-meta-source-url",
    "x-amz-meta-ad-id",
    "x-amz-meta-seen-at",
    "x-amz-meta-place",
    "success_action_status",
];

impl Objects {
    /// A form with which an uploader may put one object after another below its own prefix: any
    /// name, the metadata of the contract, at most `limits.bytes_max` bytes each, until it expires.
    /// Reads and writes nothing.
    ///
    /// # Errors
    /// [`Error::Configuration`] if there are no credentials to sign with.
    pub async fn upload_form(
        &self,
        tenant: &TenantId,
        limits: FormLimits,
        now: Timestamp,
    ) -> Result<Form> {
        let credentials = self.credentials().await?;
        let prefix = AdKey::prefix(tenant);
        let scope = Scope::of(now, &self.db.region);
        let expires_at = now.plus(limits.valid_for);
        let mut fields = scope.fields(&credentials);
        let mut conditions = vec![
            json!({ "bucket": self.bucket(ObjectKind::Ad) }),
            json!(["starts-with", "$key", prefix]),
            json!(["starts-with", "$Content-Type", limits.content_type]),
            json!(["content-length-range", 1, limits.bytes_max]),
        ];
        conditions.extend(FREE_FIELDS.map(|name| json!(["starts-with", format!("${name}"), ""])));
        conditions.extend(
            fields
                .iter()
                .map(|(name, value)| json!({ name.as_str(): value })),
        );
        let policy = json!({ "expiration": expires_at, "conditions": conditions });
        let policy = STANDARD.encode(policy.to_string());
        let signature = scope.sign(&credentials, &policy);
        fields.push(("policy".into(), policy));
        fields.push(("x-amz-signature".into(), signature));
        let url = self.bucket_url(ObjectKind::Ad, now).await?;
        Ok(Form {
            url,
            fields,
            expires_at,
        })
    }

    /// An address under which one object can be read until it expires. Every holder can read the
    /// object: it goes to the person who asked and nowhere else.
    ///
    /// # Errors
    /// [`Error::Configuration`] if there are no credentials to sign with.
    pub async fn view_url(
        &self,
        key: &ObjectKey,
        version_id: Option<&str>,
        now: Timestamp,
        valid_for: Duration,
    ) -> Result<String> {
        let request = self
            .db
            .s3
            .get_object()
            .bucket(self.bucket_of(key))
            .key(key.as_str())
            .set_version_id(version_id.map(str::to_owned));
        let signed = request
            .presigned(presigning(now, valid_for)?)
            .await
            .map_err(|error| classified("signing an address", &error))?;
        Ok(signed.uri().to_owned())
    }

    async fn credentials(&self) -> Result<Credentials> {
        const MISSING: Error = Error::Configuration("there are no credentials to sign with");
        let provider = self.db.credentials.as_ref().ok_or(MISSING)?;
        provider.provide_credentials().await.map_err(|_| MISSING)
    }

    /// The address of a bucket: what the SDK itself would call for an object in it, cut before the
    /// object's key.
    async fn bucket_url(&self, kind: ObjectKind, now: Timestamp) -> Result<String> {
        let signed = self
            .db
            .s3
            .get_object()
            .bucket(self.bucket(kind))
            .key("x")
            .presigned(presigning(now, Duration::from_secs(1))?)
            .await
            .map_err(|error| classified("signing an address", &error))?;
        let uri = signed.uri();
        let address = uri.split_once('?').map_or(uri, |(address, _)| address);
        Ok(address.trim_end_matches("/x").to_owned())
    }
}

fn presigning(now: Timestamp, valid_for: Duration) -> Result<PresigningConfig> {
    let since_1970 = Duration::from_millis(u64::try_from(now.millis()).unwrap_or(0));
    PresigningConfig::builder()
        .start_time(SystemTime::UNIX_EPOCH + since_1970)
        .expires_in(valid_for)
        .build()
        .map_err(|_| Error::Rejected("an address cannot be valid for over a week"))
}

/// For what a signature counts: a day, a region, S3.
struct Scope {
    date: String,
    time: String,
    region: String,
}

impl Scope {
    fn of(now: Timestamp, region: &str) -> Self {
        let now = jiff::Timestamp::from(now);
        Self {
            date: now.strftime("%Y%m%d").to_string(),
            time: now.strftime("%Y%m%dT%H%M%SZ").to_string(),
            region: region.to_owned(),
        }
    }

    fn fields(&self, credentials: &Credentials) -> Vec<(String, String)> {
        let Self { date, time, region } = self;
        let id = credentials.access_key_id();
        let mut fields = vec![
            ("x-amz-algorithm".to_owned(), "AWS4-HMAC-SHA256".to_owned()),
            (
                "x-amz-credential".to_owned(),
                format!("{id}/{date}/{region}/s3/aws4_request"),
            ),
            ("x-amz-date".to_owned(), time.clone()),
        ];
        if let Some(token) = credentials.session_token() {
            fields.push(("x-amz-security-token".to_owned(), token.to_owned()));
        }
        fields
    }

    fn sign(&self, credentials: &Credentials, policy: &str) -> String {
        let secret = format!("AWS4{}", credentials.secret_access_key());
        let parts = [
            self.date.as_str(),
            &self.region,
            "s3",
            "aws4_request",
            policy,
        ];
        let signature = parts.iter().fold(secret.into_bytes(), |key, part| {
            authenticated(&key, part.as_bytes())
        });
        hex::encode(signature)
    }
}

fn authenticated(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
