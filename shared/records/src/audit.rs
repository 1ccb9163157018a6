//! The audit log: append-only, each entry sealed with the deployment's key over the one before, and
//! its head kept apart from it.
//!
//! Who can write to the log and has not the key can put nothing into it; who takes entries away is
//! told by the head. An entry is written before the head moves on to it, so a log may end behind its
//! head by what a crash left there: such entries are chained and sealed as all others.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::person::PersonId;
use crate::tenant::Role;
use crate::text::{Label, Malformed, redacted, text_form};
use crate::time::Timestamp;
use crate::webhook::Secret;

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

/// The key that a deployment seals its audit logs with. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AuditKey([u8; 32]);

impl AuditKey {
    /// What the key is for: the same seed makes another key for anything else.
    const PURPOSE: &'static [u8] = b"homeward audit log 1";

    /// The key that comes from a deployment's seed.
    pub fn of(seed: &Secret) -> Self {
        Self(keyed(seed.bytes(), Self::PURPOSE))
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f)
    }
}

/// HMAC-SHA-256.
fn keyed(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(text);
    mac.finalize().into_bytes().into()
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
    /// A test alert was sent.
    AlertTested,
    /// An alert was queued for a webhook once more.
    DeliveryRepeated,
    /// A token was issued.
    TokenIssued,
    /// A token was revoked.
    TokenRevoked,
    /// What a tenant contributed was retracted.
    ContributionRetracted,
    /// That was lifted.
    RetractionLifted,
    /// A tenant's settings were changed.
    SettingsChanged,
    /// An administrator or an auditor read this log.
    AuditSeen,
    /// A person signed in.
    SignedIn,
    /// A person signed out.
    SignedOut,
    /// A picture was shown to a person.
    PictureShown,
    /// A person took a verdict back.
    VerdictTakenBack,
    /// A person changed its name.
    PersonChanged,
    /// A report on a lead was sealed.
    ReportSealed,
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
    /// The person, where it is known; its name stands with the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// Which part of the subject: of a picture that was shown, its side and kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<Label>,
    /// The hash of the entry before, [`AuditHash::START`] for the first.
    pub previous: AuditHash,
    /// The seal of this entry.
    pub hash: AuditHash,
    /// Whether it is sealed with the deployment's key. Earlier builds had none: their entries
    /// are chained by hashes alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keyed: bool,
}

impl AuditEntry {
    /// The entry that follows `last` (none: the first of a log), sealed with `key`.
    pub fn after(
        key: &AuditKey,
        last: Option<(u64, AuditHash)>,
        at: Timestamp,
        actor: Option<Role>,
        action: AuditAction,
        subject: Option<Label>,
    ) -> Self {
        let (seq, previous) = last.unwrap_or((0, AuditHash::START));
        let mut entry = Self {
            seq: seq.saturating_add(1),
            at,
            actor,
            action,
            subject,
            by: None,
            what: None,
            previous,
            hash: AuditHash::START,
            keyed: true,
        };
        entry.hash = entry.seal(Some(key)).unwrap_or(AuditHash::START);
        entry
    }

    /// The same entry, sealed again, as the deed of a person.
    #[must_use]
    pub fn by_person(self, key: &AuditKey, by: &PersonId, what: Option<Label>) -> Self {
        let mut entry = Self {
            by: Some(by.clone()),
            what,
            hash: AuditHash::START,
            ..self
        };
        entry.hash = entry.seal(Some(key)).unwrap_or(AuditHash::START);
        entry
    }

    /// What the next entry follows.
    pub fn link(&self) -> (u64, AuditHash) {
        (self.seq, self.hash)
    }

    /// The seal that this entry ought to have; none if that takes a key that is not at hand.
    fn seal(&self, key: Option<&AuditKey>) -> Option<AuditHash> {
        let unsealed = Self {
            hash: AuditHash::START,
            ..self.clone()
        };
        let text = serde_json::to_vec(&unsealed).expect("plain fields serialise");
        match self.keyed {
            false => Some(AuditHash(Sha256::digest(text).into())),
            true => key.map(|key| AuditHash(keyed(&key.0, &text))),
        }
    }
}

/// How far a tenant's log has come: kept apart from the log, so that what is cut off is missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// The number of the last entry that is known to have been written; 0 before the first.
    pub seq: u64,
    /// The seal of that entry, [`AuditHash::START`] before the first.
    pub hash: AuditHash,
    /// From which number on entries are sealed with the deployment's key.
    pub keyed_from: u64,
}

impl AuditHead {
    /// The head of a log that is to be sealed with a key from its next entry on.
    pub fn anchoring(last: Option<&AuditEntry>) -> Self {
        let (seq, hash) = last.map_or((0, AuditHash::START), AuditEntry::link);
        Self {
            seq,
            hash,
            keyed_from: seq.saturating_add(1),
        }
    }

    /// The head once this entry is in the log.
    #[must_use]
    pub fn at(self, entry: &AuditEntry) -> Self {
        Self {
            seq: entry.seq,
            hash: entry.hash,
            ..self
        }
    }

    /// What the next entry follows, where the log ends with `last`: of a log that was cut off, the
    /// entry that is missing. So the gap stays, for all to see.
    pub fn next_after(&self, last: Option<&AuditEntry>) -> Option<(u64, AuditHash)> {
        let last = last.filter(|last| last.seq > self.seq);
        let link = last.map_or((self.seq, self.hash), AuditEntry::link);
        (link.0 > 0).then_some(link)
    }
}

/// What is wrong with an audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// An entry was changed, taken out or put in; the number that the entry at fault ought to have.
    #[error("breaks at entry {0}: one was changed, taken out or put in there")]
    Broken(u64),
    /// Entries at the end are gone.
    #[error("ends with entry {ends}, and had {head}: the last ones were cut off")]
    CutOff {
        /// The last entry there is; 0 if none.
        ends: u64,
        /// The last one there was.
        head: u64,
    },
    /// The head, which is kept apart, is gone, and with it the proof that nothing was cut off.
    #[error("has lost its head, which is kept apart: nothing proves that it is whole")]
    HeadLost,
    /// Entries are sealed with a key that the deployment does not have.
    #[error("is sealed with a key that is gone")]
    KeyLost,
}

/// A check of one log against its head, entries in order, by the page.
#[derive(Debug)]
pub struct AuditCheck<'a> {
    key: Option<&'a AuditKey>,
    head: Option<&'a AuditHead>,
    last: (u64, AuditHash),
}

impl<'a> AuditCheck<'a> {
    /// Read the head before the entries: the log may grow concurrently.
    pub fn new(key: Option<&'a AuditKey>, head: Option<&'a AuditHead>) -> Self {
        Self {
            key,
            head,
            last: (0, AuditHash::START),
        }
    }

    /// The entries that follow those seen until now.
    ///
    /// # Errors
    /// [`AuditFault`] at the first entry that is not as it was written.
    pub fn see(&mut self, entries: &[AuditEntry]) -> Result<(), AuditFault> {
        entries.iter().try_for_each(|entry| self.see_one(entry))
    }

    fn see_one(&mut self, entry: &AuditEntry) -> Result<(), AuditFault> {
        let seq = self.last.0 + 1;
        let seal = entry.seal(self.key).ok_or(AuditFault::KeyLost)?;
        if entry.seq != seq || entry.previous != self.last.1 || entry.hash != seal {
            return Err(AuditFault::Broken(seq));
        }
        match self.head {
            None if entry.keyed => return Err(AuditFault::HeadLost),
            // Made again for a log that had one.
            Some(head) if entry.keyed && seq < head.keyed_from => return Err(AuditFault::HeadLost),
            Some(head) if !entry.keyed && seq >= head.keyed_from => {
                return Err(AuditFault::Broken(seq));
            }
            Some(head) if seq == head.seq && entry.hash != head.hash => {
                return Err(AuditFault::Broken(seq));
            }
            _ => {}
        }
        self.last = entry.link();
        Ok(())
    }

    /// The log is over.
    ///
    /// # Errors
    /// [`AuditFault::CutOff`] if its head says that it had more.
    pub fn end(self) -> Result<(), AuditFault> {
        let (ends, head) = (self.last.0, self.head.map_or(0, |head| head.seq));
        match ends < head {
            true => Err(AuditFault::CutOff { ends, head }),
            false => Ok(()),
        }
    }
}
