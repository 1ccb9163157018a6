//! Webhooks: where a unit wants its alerts delivered.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::reason::ReasonCode;
use crate::text::{Malformed, checked_url, redacted, text_form};
use crate::time::Timestamp;

/// A webhook's name within its unit: 1 to 63 characters of `a-z`, `0-9`, `-` and `_`, a letter or
/// digit first. May be logged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookName(String);

impl WebhookName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`Malformed`] if a character or the length is not allowed.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        // The same alphabet as a tenant's: it stands in keys and paths likewise.
        crate::ids::TenantId::parse(text)
            .map(|_| Self(text.to_owned()))
            .map_err(|error| Malformed {
                what: "webhook name",
                ..error
            })
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(WebhookName, shown);

/// A webhook's address: `http` or `https`, with a host, without a user name or password. Whether
/// it may be called is decided where the connection is made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Malformed`] if it is no such address.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = |rule| Malformed {
            what: "webhook url",
            rule,
        };
        let url = checked_url(text, "webhook url")?;
        if !url.has_host() {
            return Err(malformed("it has no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(malformed("it holds a user name or password"));
        }
        // The normalised form is what is stored and read again: escapes may make it longer.
        checked_url(url.as_str(), "webhook url")?;
        Ok(Self(url.into()))
    }

    /// The address, normalised.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(WebhookUrl, redacted);

/// Key material of 24 to 64 bytes, as Standard Webhooks asks; base64 as text. Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Secret(Vec<u8>);

impl Secret {
    /// From raw bytes, which the caller draws at random.
    ///
    /// # Errors
    /// [`Malformed`] if there are fewer than 24 or more than 64.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        if !(24..=64).contains(&bytes.len()) {
            return Err(Malformed {
                what: "secret",
                rule: "it does not have 24 to 64 bytes",
            });
        }
        Ok(Self(bytes.to_vec()))
    }

    /// Reads base64, with or without the `whsec_` prefix of Standard Webhooks.
    ///
    /// # Errors
    /// [`Malformed`] if it is not base64 of 24 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bytes = STANDARD
            .decode(text.strip_prefix("whsec_").unwrap_or(text))
            .map_err(|_| Malformed {
                what: "secret",
                rule: "it is not base64",
            })?;
        Self::from_bytes(&bytes)
    }

    /// The raw bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Base64, without a prefix.
    pub fn reveal(&self) -> String {
        STANDARD.encode(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f)
    }
}

impl TryFrom<String> for Secret {
    type Error = Malformed;
    fn try_from(text: String) -> Result<Self, Malformed> {
        Self::parse(&text)
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> String {
        secret.reveal()
    }
}

/// Whether a webhook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// Alerts are delivered.
    Enabled,
    /// Not called; the reason says why.
    Disabled,
}

/// The media type of what is delivered. The body is the same event either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookContentType {
    /// As CloudEvents has it in its structured mode.
    #[default]
    #[serde(rename = "application/cloudevents+json")]
    CloudEvents,
    /// For receivers that read no other type of JSON by themselves (Express, Node-RED, n8n).
    #[serde(rename = "application/json")]
    Json,
}

impl WebhookContentType {
    /// The value of the header.
    pub fn header(self) -> &'static str {
        match self {
            Self::CloudEvents => "application/cloudevents+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// A webhook as stored, secrets and all. Only `alert` and the store see it; what is sent to people
/// is a [`WebhookView`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its name within the unit.
    pub name: WebhookName,
    /// Where alerts go.
    pub url: WebhookUrl,
    /// As what they go.
    #[serde(default)]
    pub content_type: WebhookContentType,
    /// The shared secret of `v1` signatures (HMAC-SHA256).
    pub hmac_secret: Secret,
    /// The 32-byte seed of the key of `v1a` signatures (ed25519).
    pub ed25519_seed: Secret,
    /// The keys before the last rotation.
    #[serde(default)]
    pub retired: Option<RetiredKeys>,
    /// Whether it is called.
    pub state: WebhookState,
    /// Why it is disabled.
    pub reason: Option<ReasonCode>,
    /// When it was made or its address was changed.
    pub updated_at: Timestamp,
}

/// Keys that a rotation replaced. Messages are signed with them in addition to the new ones for a while,
/// so that a receiver can change over without refusing one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredKeys {
    /// The shared secret.
    pub hmac_secret: Secret,
    /// The seed of the key pair.
    pub ed25519_seed: Secret,
    /// When they stop signing.
    pub until: Timestamp,
}

/// A webhook as its unit sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookView {
    /// Its name within the unit.
    pub name: WebhookName,
    /// Where alerts go.
    pub url: WebhookUrl,
    /// As what they go.
    #[serde(default)]
    pub content_type: WebhookContentType,
    /// Whether it is called.
    pub state: WebhookState,
    /// Why it is disabled.
    pub reason: Option<ReasonCode>,
    /// When it was made or its address was changed.
    pub updated_at: Timestamp,
}

impl Webhook {
    /// How long replaced keys go on signing: a working day to change a receiver, and some more.
    const ROTATION: Duration = Duration::from_secs(24 * 3_600);

    /// Its keys as the ones that a rotation replaces at this time.
    pub fn retire_keys(&self, now: Timestamp) -> RetiredKeys {
        RetiredKeys {
            hmac_secret: self.hmac_secret.clone(),
            ed25519_seed: self.ed25519_seed.clone(),
            until: now.plus(Self::ROTATION),
        }
    }

    /// What its unit may see again and again.
    pub fn view(&self) -> WebhookView {
        WebhookView {
            name: self.name.clone(),
            url: self.url.clone(),
            content_type: self.content_type,
            state: self.state,
            reason: self.reason.clone(),
            updated_at: self.updated_at,
        }
    }
}
