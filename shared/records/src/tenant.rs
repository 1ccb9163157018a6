//! Tenants, their settings, and who may act for them.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::TenantId;
use crate::person::{PersonId, PersonRole};
use crate::text::{Label, Malformed, redacted};
use crate::time::Timestamp;

/// What a token's holder may do, within its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Submits references, sees leads, receives alerts.
    Unit,
    /// Uploads ads and sees what became of the files, nothing else.
    Uploader,
    /// Manages tenants, tokens and holds.
    Admin,
}

impl Role {
    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Uploader => "uploader",
            Self::Admin => "admin",
        }
    }
}

/// Who a request comes from, once its token is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The tenant that it acts for.
    pub tenant: TenantId,
    /// What it may do.
    pub role: Role,
    /// Of a unit: what a person may do who has the token; none: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<PersonRole>>,
    /// The person whose token it is; none if it is the unit's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_id: Option<PersonId>,
}

impl Principal {
    /// A tenant itself, in one role with everything that belongs to it.
    pub fn of(tenant: TenantId, role: Role) -> Self {
        Self {
            tenant,
            role,
            roles: None,
            person_id: None,
        }
    }

    /// Whether it may do what this role of a person does.
    pub fn is(&self, role: PersonRole) -> bool {
        self.roles
            .as_ref()
            .is_none_or(|roles| roles.contains(&role))
    }

    /// What a person may do that signs in with it.
    pub fn person_roles(&self) -> Vec<PersonRole> {
        self.roles.clone().unwrap_or(PersonRole::ALL.into())
    }
}

/// An organisation's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantSettings {
    /// The organisation.
    pub tenant: TenantId,
    /// May submit references.
    pub is_unit: bool,
    /// May upload ads.
    pub is_uploader: bool,
    /// The legal basis of references that bring none; without it such references are refused.
    pub legal_basis: Option<Label>,
    /// How long a reference lasts that brings no expiry date, in days.
    pub expiry_days: u32,
    /// Whether its case systems are told that a lead was taken back because its reference was
    /// withdrawn. Otherwise a withdrawn reference is silent altogether.
    #[serde(default)]
    pub tell_withdrawals: bool,
    /// Whether a lead counts as confirmed only once two people have said so.
    #[serde(default)]
    pub second_opinion: bool,
    /// When the tenant was made.
    pub created_at: Timestamp,
}

impl TenantSettings {
    /// The default life of a reference in days: a year, after which its unit confirms the need.
    pub const EXPIRY_DAYS_DEFAULT: u32 = 365;

    /// When a reference ends that was submitted at this time and brings no date of its own.
    pub fn expiry(&self, submitted_at: Timestamp) -> Timestamp {
        submitted_at.plus(Duration::from_secs(u64::from(self.expiry_days) * 86_400))
    }
}

/// A bearer token: 32 random bytes behind `hw_`, in URL-safe base64. Stored only as its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// From random bytes, which the caller draws.
    pub fn from_random(bytes: &[u8; 32]) -> Self {
        Self(format!("hw_{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a token as it comes in a header.
    ///
    /// # Errors
    /// [`Malformed`] if it does not have a token's form.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed {
            what: "token",
            rule: "it does not have a token's form",
        };
        let body = text.strip_prefix("hw_").ok_or(malformed)?;
        match URL_SAFE_NO_PAD.decode(body) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text.to_owned())),
            _ => Err(malformed),
        }
    }

    /// The token itself: for the one place that shows it to its holder.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it. A token has 256 random bits, so a plain hash cannot be turned back,
    /// and a look-up by it leaks nothing by its timing.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f)
    }
}

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenHash([u8; 32]);

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        hash.as_str()
    }
}

impl TryFrom<String> for TokenHash {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let mut hash = [0; 32];
        let read = hex::decode_to_slice(text, &mut hash);
        read.map(|()| Self(hash)).map_err(|_| Malformed {
            what: "token hash",
            rule: "it is not 64 hex digits",
        })
    }
}

impl TokenHash {
    /// 64 lower-case hex digits.
    pub fn as_str(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f)
    }
}
