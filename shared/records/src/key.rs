//! Object keys: where an upload lies says whose it is and, for a reference, which case it is of.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::ids::{CaseId, TenantId};
use crate::text::{Malformed, redacted, text_form};

/// The longest object key, in bytes: S3's limit, and DynamoDB's for a sort key.
pub const KEY_BYTES_MAX: usize = 1024;

const fn malformed(rule: &'static str) -> Malformed {
    Malformed {
        what: "object key",
        rule,
    }
}

/// Splits `{prefix}/{tenant}/{rest}`; the rest is not empty.
fn split<'a>(text: &'a str, prefix: &str) -> Result<(TenantId, &'a str), Malformed> {
    if text.len() > KEY_BYTES_MAX {
        return Err(malformed("it has more than 1024 bytes"));
    }
    let (tenant, rest) = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.split_once('/'))
        .ok_or(malformed("it does not have the form of our keys"))?;
    let tenant = TenantId::parse(tenant)?;
    if rest.is_empty() {
        return Err(malformed("it names a folder"));
    }
    Ok((tenant, rest))
}

/// The key of an ad image: `ads/{tenant}/{any path}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AdKey {
    text: String,
    tenant: TenantId,
}

impl AdKey {
    /// Reads a key as S3 stores it (not as an event spells it, see [`ObjectKey::from_event`]).
    ///
    /// # Errors
    /// [`Malformed`] if it is of another form, over 1,024 bytes, or its tenant cannot be one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (tenant, _) = split(text, "ads/")?;
        Ok(Self {
            text: text.to_owned(),
            tenant,
        })
    }

    /// The key as S3 stores it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Who uploaded it.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The prefix of every ad of a tenant: `ads/{tenant}/`.
    pub fn prefix(tenant: &TenantId) -> String {
        format!("ads/{tenant}/")
    }
}

text_form!(AdKey, redacted);

/// The key of a reference photo: `references/{tenant}/{case_id}/{any path}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReferenceKey {
    text: String,
    tenant: TenantId,
    case_id: CaseId,
}

impl ReferenceKey {
    /// Reads a key as S3 stores it.
    ///
    /// # Errors
    /// [`Malformed`] if it is of another form, over 1,024 bytes, or its tenant or case number
    /// cannot be one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (tenant, rest) = split(text, "references/")?;
        let (case, path) = rest
            .split_once('/')
            .ok_or(malformed("it does not have the form of our keys"))?;
        if path.is_empty() {
            return Err(malformed("it names a folder"));
        }
        Ok(Self {
            text: text.to_owned(),
            tenant,
            case_id: CaseId::parse(case)?,
        })
    }

    /// The key as S3 stores it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The unit that submitted it.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The case it is of.
    pub fn case_id(&self) -> &CaseId {
        &self.case_id
    }

    /// The prefix of every reference photo of a unit: `references/{tenant}/`.
    pub fn prefix(tenant: &TenantId) -> String {
        format!("references/{tenant}/")
    }
}

text_form!(ReferenceKey, redacted);

/// The key of an object that is ours; its kind says which bucket holds it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKey {
    /// In the ads bucket.
    Ad(AdKey),
    /// In the references bucket.
    Reference(ReferenceKey),
}

impl ObjectKey {
    /// Reads a key as S3 stores it.
    ///
    /// # Errors
    /// [`Malformed`] if it is neither an ad's nor a reference's.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.starts_with("references/") {
            ReferenceKey::parse(text).map(Self::Reference)
        } else {
            AdKey::parse(text).map(Self::Ad)
        }
    }

    /// Reads a key as an S3 event spells it: URL-encoded, a space as `+`.
    ///
    /// # Errors
    /// [`Malformed`] as [`ObjectKey::parse`], or if the decoded bytes are not UTF-8.
    pub fn from_event(encoded: &str) -> Result<Self, Malformed> {
        Self::parse(&decode_event_key(encoded)?)
    }

    /// The key as S3 stores it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ad(key) => key.as_str(),
            Self::Reference(key) => key.as_str(),
        }
    }

    /// Whose object it is.
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Ad(key) => key.tenant(),
            Self::Reference(key) => key.tenant(),
        }
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f)
    }
}

impl From<AdKey> for ObjectKey {
    fn from(key: AdKey) -> Self {
        Self::Ad(key)
    }
}

impl From<ReferenceKey> for ObjectKey {
    fn from(key: ReferenceKey) -> Self {
        Self::Reference(key)
    }
}

/// Whether a part of a key between slashes is `.` or `..`: S3 takes it as it stands, but what copies
/// objects into folders, or resolves addresses, goes elsewhere by it.
pub fn has_dot_parts(key: &str) -> bool {
    key.split('/').any(|part| part == "." || part == "..")
}

/// Undoes the encoding of keys in S3 events: `+` is a space, `%XX` a byte. A `%` that starts no
/// escape stands for itself.
///
/// # Errors
/// [`Malformed`] if the bytes are not UTF-8; S3 lets no such key in.
pub fn decode_event_key(encoded: &str) -> Result<String, Malformed> {
    let spaced = encoded.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| malformed("its bytes are not utf-8"))
}
