//! The audit log: append-only, each entry sealed by the hash of the one before.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::tenant::Role;
use crate::text::{Label, Malformed, redacted, text_form};
use crate::time::Timestamp;

/// The hash of an audit entry; 64 lower-case hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuditHash([u8; 32]);

impl AuditHash {
    /// What the first entry of a log holds as the hash of the one before.
    pub const START: Self = Self([0; 32]);

    /// Reads 64 lower-case hex digits.
    ///
    /// # Errors
    /// [`Malformed`] for any other text.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        crate::ids::ImageSha256::parse(text)
            .map(|hash| Self(*hash.bytes()))
            .map_err(|error| Malformed {
                what: "audit hash",
                ..error
            })
    }

    /// 64 lower-case hex digits.
    pub fn as_str(&self) -> String {
        hex::encode(self.0)
    }
}

text_form!(AuditHash);

impl fmt::Debug for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f)
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// A reference was submitted.
    ReferenceSubmitted,
    /// A reference was looked at.
    ReferenceSeen,
    /// A reference was withdrawn.
    ReferenceWithdrawn,
    /// A reference's date passed.
    ReferenceExpired,
    /// A reference was erased.
    ReferenceErased,
    /// A held reference was released.
    ReferenceReleased,
    /// A lead was looked at.
    LeadSeen,
    /// A lead was judged.
    LeadJudged,
    /// Alerts were pulled.
    AlertsPulled,
    /// A webhook was set.
    WebhookSet,
    /// A webhook was removed.
    WebhookRemoved,
    /// A token was issued.
    TokenIssued,
    /// A token was revoked.
    TokenRevoked,
    /// A tenant's settings were changed.
    SettingsChanged,
}

/// One entry of a tenant's audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number, from 1, gapless.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who, by role; none for the system itself.
    pub actor: Option<Role>,
    /// What was done.
    pub action: AuditAction,
    /// To what: an id of ours, never a case number, key or hash.
    pub subject: Option<Label>,
    /// The hash of the entry before, [`AuditHash::START`] for the first.
    pub previous: AuditHash,
    /// The hash of this entry.
    pub hash: AuditHash,
}

impl AuditEntry {
    /// The entry that follows `last` (none: the first of a log).
    pub fn after(
        last: Option<&AuditEntry>,
        at: Timestamp,
        actor: Option<Role>,
        action: AuditAction,
        subject: Option<Label>,
    ) -> Self {
        let mut entry = Self {
            seq: last.map_or(1, |last| last.seq + 1),
            at,
            actor,
            action,
            subject,
            previous: last.map_or(AuditHash::START, |last| last.hash),
            hash: AuditHash::START,
        };
        entry.hash = entry.seal();
        entry
    }

    /// The hash that this entry ought to have.
    fn seal(&self) -> AuditHash {
        let unsealed = Self {
            hash: AuditHash::START,
            ..self.clone()
        };
        let text = serde_json::to_vec(&unsealed).expect("plain fields serialise");
        AuditHash(Sha256::digest(text).into())
    }
}

/// Where a chain of audit entries breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log breaks at entry {seq}")]
pub struct ChainBreak {
    /// The number that the entry at fault ought to have.
    pub seq: u64,
}

/// Checks entries in order: numbers without gaps, each hash right, each holding the one before.
/// `last` is the entry before the first of them, none at the start of a log.
///
/// # Errors
/// [`ChainBreak`] at the first entry that was changed, removed or put in.
pub fn verify_chain(last: Option<&AuditEntry>, entries: &[AuditEntry]) -> Result<(), ChainBreak> {
    let first_seq = last.map_or(1, |last| last.seq + 1);
    let mut previous = last.map_or(AuditHash::START, |last| last.hash);
    for (seq, entry) in (first_seq..).zip(entries) {
        let intact = entry.seq == seq && entry.previous == previous && entry.hash == entry.seal();
        if !intact {
            return Err(ChainBreak { seq });
        }
        previous = entry.hash;
    }
    Ok(())
}
