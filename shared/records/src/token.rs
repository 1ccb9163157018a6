//! Tokens as their administrators know them: by an id that reveals nothing.

use serde::{Deserialize, Serialize};

use crate::ids::TenantId;
use crate::person::{PersonId, PersonRole};
use crate::tenant::{Principal, Role};
use crate::text::{Label, Malformed, text_form};
use crate::time::Timestamp;

/// Names a token without being part of it: 32 lower-case hex digits, drawn at random. May be
/// logged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(String);

impl TokenId {
    /// From random bytes, which the caller draws apart from those of the token.
    pub fn from_random(bytes: &[u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }

    /// Reads 32 lower-case hex digits.
    ///
    /// # Errors
    /// [`Malformed`] for any other text.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(is_hex) {
            return Err(Malformed {
                what: "token id",
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

text_form!(TokenId, shown);

/// A token that was issued, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedToken {
    /// Its name.
    pub token_id: TokenId,
    /// The tenant that it acts for.
    pub tenant: TenantId,
    /// What it may do.
    pub role: Role,
    /// Of a unit: what a person may do who has it; none: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<PersonRole>>,
    /// The name of the person whose it is; none if it is the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Label>,
    /// When it was issued.
    pub created_at: Timestamp,
}

impl IssuedToken {
    /// For whom it acts.
    pub fn principal(&self) -> Principal {
        let person = self.person.as_ref();
        Principal {
            tenant: self.tenant.clone(),
            role: self.role,
            roles: self.roles.clone(),
            person_id: person.map(|name| PersonId::of_token(&self.tenant, name)),
        }
    }
}
