//! The people of a tenant, and how long a browser of theirs is signed in.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::TenantId;
use crate::tenant::{Token, TokenHash};
use crate::text::{Label, Malformed, text_form};
use crate::time::Timestamp;

/// Names a person without telling who it is: 32 lower-case hex digits. May be logged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonId(String);

impl PersonId {
    /// From random bytes.
    pub fn from_random(bytes: &[u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }

    /// The person of this name who signs in with a token of the tenant: the same name is the same
    /// person, in whatever case it is written.
    pub fn of_name(tenant: &TenantId, name: &Label) -> Self {
        let name = name.as_str().to_lowercase();
        let digest = Sha256::digest(format!("person {tenant} {name}"));
        Self(hex::encode(&digest[..16]))
    }

    /// The person of this name to whom an administrator gave a token: never the one who only says this name.
    pub fn of_token(tenant: &TenantId, name: &Label) -> Self {
        let name = name.as_str().to_lowercase();
        let digest = Sha256::digest(format!("person with a token {tenant} {name}"));
        Self(hex::encode(&digest[..16]))
    }

    /// Reads 32 lower-case hex digits.
    ///
    /// # Errors
    /// [`Malformed`] for any other text.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(is_hex) {
            return Err(Malformed {
                what: "person id",
                rule: "it is not 32 lower-case hex digits",
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// 32 lower-case hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(PersonId, shown);

/// What a person may do within its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonRole {
    /// Sees leads and judges them, adds photos.
    Reviewer,
    /// In addition withdraws, erases and releases.
    Supervisor,
    /// Reads the audit log, and sees no picture.
    Auditor,
}

impl PersonRole {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reviewer, Self::Supervisor, Self::Auditor];

    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reviewer => "reviewer",
            Self::Supervisor => "supervisor",
            Self::Auditor => "auditor",
        }
    }
}

/// A person who signs in to a unit's pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Its identity.
    pub person_id: PersonId,
    /// Its unit.
    pub tenant: TenantId,
    /// As colleagues know it; verdicts say it.
    pub name: Label,
    /// What it may do; one that a token signs in, what the token may do.
    pub roles: Vec<PersonRole>,
    /// Since when it is known.
    pub created_at: Timestamp,
}

impl Person {
    /// Whether it may do what this role does.
    pub fn is(&self, role: PersonRole) -> bool {
        self.roles.contains(&role)
    }
}

/// A browser that is signed in. It is stored under the hash of its cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    pub person_id: PersonId,
    /// The person's unit.
    pub tenant: TenantId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to a minute.
    pub seen_at: Timestamp,
    /// The token that opened it: the session ends when that is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenHash>,
    /// What the person may do in it; none: what the person may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<PersonRole>>,
}

impl Session {
    /// Without use it ends after this time.
    pub const IDLE_MAX: Duration = Duration::from_secs(30 * 60);
    /// It ends after this time in any case.
    pub const WHOLE_MAX: Duration = Duration::from_secs(12 * 60 * 60);
    /// Uses closer to each other than this are one.
    pub const SEEN_EVERY: Duration = Duration::from_secs(60);

    /// Whether it is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.seen_at) > Self::IDLE_MAX || now.since(self.created_at) > Self::WHOLE_MAX
    }

    /// What each form of a session has to send back: it follows from the session's cookie, which no
    /// script and no other site can read.
    pub fn form_token(cookie: &Token) -> String {
        let digest = Sha256::digest(format!("forms of the session {}", cookie.reveal()));
        hex::encode(&digest[..16])
    }
}

/// A link that signs a person in once. It is stored under the hash of its code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInLink {
    /// Whom it signs in.
    pub person_id: PersonId,
    /// The person's unit.
    pub tenant: TenantId,
    /// When it stops being of use.
    pub expires_at: Timestamp,
}

impl SignInLink {
    /// How long a link is of use: long enough to copy it to the browser.
    pub const VALID: Duration = Duration::from_secs(10 * 60);
}
