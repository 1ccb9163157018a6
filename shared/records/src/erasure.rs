//! Erasures: asked for by a unit, carried out everywhere, and proved by a signed receipt.

use serde::{Deserialize, Serialize};

use crate::ids::{CaseId, ReferenceId, TenantId};
use crate::text::{Malformed, text_form};
use crate::time::Timestamp;

/// Names an erasure: 32 lower-case hex digits, drawn at random. May be logged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ErasureId(String);

impl ErasureId {
    /// From random bytes, which the caller draws.
    pub fn from_random(bytes: &[u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }

    /// Reads 32 lower-case hex digits.
    ///
    /// # Errors
    /// [`Malformed`] for any other text.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let what = "erasure id";
        crate::token::TokenId::parse(text)
            .map(|_| Self(text.to_owned()))
            .map_err(|malformed| Malformed { what, ..malformed })
    }

    /// 32 lower-case hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(ErasureId, shown);

/// Where an erasure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// Silent already, and on its way out of every store.
    Pending,
    /// Out of every store; there is a receipt.
    Done,
}

/// One erasure, as stored and as its unit sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its name.
    pub erasure_id: ErasureId,
    /// Where it stands.
    pub state: ErasureState,
    /// What is erased.
    pub reference_ids: Vec<ReferenceId>,
    /// The case, if a whole case is erased: its number is forgotten once it is done.
    pub case_id: Option<CaseId>,
    /// When the unit asked for it.
    pub requested_at: Timestamp,
    /// The proof, once it is done.
    pub receipt: Option<SignedReceipt>,
}

/// What was removed from one store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// The store, in a word.
    pub store: String,
    /// How many things went.
    pub removed: u64,
}

/// What an erasure removed, and what is beyond its reach. Holds ids and counts only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// `homeward-erasure-receipt/1`.
    pub format: String,
    /// The erasure.
    pub erasure_id: ErasureId,
    /// Whose it was.
    pub unit: TenantId,
    /// What was erased.
    pub reference_ids: Vec<ReferenceId>,
    /// When the unit asked for it.
    pub requested_at: Timestamp,
    /// When the last of it was gone.
    pub done_at: Timestamp,
    /// Every store, with what went from it.
    pub removed: Vec<Removed>,
    /// What keeps ids, or forgets by itself later, in words.
    pub remains: Vec<String>,
}

impl Receipt {
    /// The format that this build writes.
    pub const FORMAT: &'static str = "homeward-erasure-receipt/1";
}

/// A receipt with its proof: the ed25519 signature of `receipt`, byte for byte as it stands here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReceipt {
    /// [`Receipt`] as JSON.
    pub receipt: String,
    /// The signature, base64.
    pub signature: String,
    /// The deployment's public key, base64: 32 bytes.
    pub public_key: String,
}
