//! Identities: parsed once, never wrong afterwards.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::text::{Malformed, text_form};
use features::fingerprint::Hash256;

/// An organisation: 1 to 63 characters of `a-z`, `0-9`, `-` and `_`, a letter or digit first, so
/// that it can stand in any key, path or host name. May be logged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    /// Reads a tenant's id.
    ///
    /// # Errors
    /// [`Malformed`] if a character or the length is not allowed.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let letter_or_digit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let starts_well = text.bytes().next().is_some_and(letter_or_digit);
        let well_formed = text
            .bytes()
            .all(|b| letter_or_digit(b) || b == b'-' || b == b'_');
        if !starts_well || !well_formed || text.len() > 63 {
            return Err(Malformed {
                what: "tenant id",
                rule: "it is not 1 to 63 characters of a-z, 0-9, - and _, a letter or digit first",
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(TenantId, shown);

/// One missing person in a unit's own numbering: 1 to 128 bytes, no `/` (it is one segment of an
/// object key), no control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CaseId(String);

impl CaseId {
    /// What the number of a case begins with that is a test of the deployment and no missing person.
    pub const TEST_PREFIX: &'static str = "homeward-test-";

    /// The case of alerts that a unit asks for to try its receiver.
    pub fn test() -> Self {
        Self(format!("{}alert", Self::TEST_PREFIX))
    }

    /// Whether it is a test of the deployment.
    pub fn is_test(&self) -> bool {
        self.0.starts_with(Self::TEST_PREFIX)
    }

    /// Reads a case number, exactly as written.
    ///
    /// # Errors
    /// [`Malformed`] if it is empty, too long, or holds `/` or a control character.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.is_empty() || text.len() > 128 || text.chars().any(|c| c == '/' || c.is_control()) {
            return Err(Malformed {
                what: "case id",
                rule: "it is not 1 to 128 bytes without / and control characters",
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The case number as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(CaseId, redacted);

/// The SHA-256 of an image's bytes: what an ad image *is*. 64 lower-case hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageSha256([u8; 32]);

impl ImageSha256 {
    /// The identity of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 lower-case hex digits.
    ///
    /// # Errors
    /// [`Malformed`] for any other text.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed {
            what: "image sha-256",
            rule: "it is not 64 lower-case hex digits",
        };
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| malformed)?;
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(malformed);
        }
        Ok(Self(bytes))
    }

    /// The digest.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 lower-case hex digits.
    pub fn as_str(&self) -> String {
        hex::encode(self.0)
    }
}

text_form!(ImageSha256, redacted);

/// Half a SHA-256 as 32 lower-case hex digits: 128 bits, beyond any accidental collision.
fn half_digest(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length in front keeps ("ab", "c") apart from ("a", "bc").
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut text = hex::encode(hasher.finalize());
    text.truncate(32);
    text
}

fn is_half_digest(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// One photo of a missing person (or only its fingerprint) within a case. The same photo twice in
/// a case is one reference. Says nothing about the photo to who does not have it; may be logged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReferenceId(String);

impl ReferenceId {
    /// The id of a reference that came as a photo.
    pub fn of_photo(tenant: &TenantId, case: &CaseId, image: &ImageSha256) -> Self {
        Self(half_digest(&[
            b"photo",
            tenant.as_str().as_bytes(),
            case.as_str().as_bytes(),
            image.bytes(),
        ]))
    }

    /// The id of a reference that came as a fingerprint only, by its exchange hash (PDQ).
    pub fn of_hash(tenant: &TenantId, case: &CaseId, pdq: &Hash256) -> Self {
        Self(half_digest(&[
            b"hash",
            tenant.as_str().as_bytes(),
            case.as_str().as_bytes(),
            &pdq.0,
        ]))
    }

    /// Reads 32 lower-case hex digits.
    ///
    /// # Errors
    /// [`Malformed`] for any other text.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if !is_half_digest(text) {
            return Err(Malformed {
                what: "reference id",
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

text_form!(ReferenceId, shown);

/// A reference and an ad image that match. The policy's version is not part of it: a new policy
/// must not alert an old pair again. May be logged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LeadId(String);

impl LeadId {
    /// The id of the lead of this pair: the same for every finder, however often.
    pub fn of(reference: &ReferenceId, image: &ImageSha256) -> Self {
        Self(half_digest(&[
            b"lead",
            reference.as_str().as_bytes(),
            image.bytes(),
        ]))
    }

    /// Reads 32 lower-case hex digits.
    ///
    /// # Errors
    /// [`Malformed`] for any other text.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if !is_half_digest(text) {
            return Err(Malformed {
                what: "lead id",
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

text_form!(LeadId, shown);
