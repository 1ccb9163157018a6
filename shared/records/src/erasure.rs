//! Erasures: asked for by a unit, carried out everywhere, and proved by a signed receipt.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::ids::{CaseId, ReferenceId, TenantId};
use crate::reference::Reference;
use crate::text::{Malformed, text_form};
use crate::time::Timestamp;
use crate::webhook::Secret;

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

impl Erasure {
    /// Whether this reference is to be erased by it.
    pub fn covers(&self, reference: &Reference) -> bool {
        self.reference_ids.contains(&reference.reference_id)
            || self.case_id.as_ref() == Some(&reference.case_id)
    }
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

    /// The public key of a deployment's seed, base64: what its receipts are verified with.
    ///
    /// # Errors
    /// [`Malformed`] for a seed of another length than 32 bytes.
    pub fn public_key(seed: &Secret) -> Result<String, Malformed> {
        Ok(STANDARD.encode(signing_key(seed)?.verifying_key().to_bytes()))
    }

    /// The receipt, signed with the key of a deployment's seed.
    ///
    /// # Errors
    /// [`Malformed`] for a seed of another length than 32 bytes.
    pub fn signed(&self, seed: &Secret) -> Result<SignedReceipt, Malformed> {
        let receipt = serde_json::to_string(self).expect("plain fields serialise");
        let (signature, public_key) = sign(seed, &receipt)?;
        Ok(SignedReceipt {
            signature,
            public_key,
            receipt,
        })
    }
}

/// The signature of a text, and the public key that it is checked with, both base64.
pub(crate) fn sign(seed: &Secret, text: &str) -> Result<(String, String), Malformed> {
    let key = signing_key(seed)?;
    let signature = STANDARD.encode(key.sign(text.as_bytes()).to_bytes());
    Ok((signature, STANDARD.encode(key.verifying_key().to_bytes())))
}

fn signing_key(seed: &Secret) -> Result<SigningKey, Malformed> {
    let seed = seed.bytes().try_into().map_err(|_| Malformed {
        what: "seed",
        rule: "it does not have 32 bytes",
    })?;
    Ok(SigningKey::from_bytes(seed))
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

/// Why a receipt proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// Not a public key at all.
    #[error("the public key is not base64 of an ed25519 key's 32 bytes")]
    Key,
    /// The signature of another key.
    #[error("the receipt is signed with another key")]
    AnotherKey,
    /// The signature is none, or not of these bytes.
    #[error("the signature is not that of this receipt: one of them was changed")]
    Signature,
    /// It is signed and is no receipt of an erasure that this build knows.
    #[error("what is signed is no receipt of the format homeward-erasure-receipt/1")]
    Unreadable,
}

impl SignedReceipt {
    /// What was signed, if the signature is good by the key that the receipt names itself. Whose key
    /// that is, it cannot tell: see [`SignedReceipt::is_by`].
    ///
    /// # Errors
    /// [`ReceiptFault`]
    pub fn opened(&self) -> Result<Receipt, ReceiptFault> {
        check_signature(&self.public_key, &self.signature, &self.receipt)?;
        let receipt: Receipt =
            serde_json::from_str(&self.receipt).map_err(|_| ReceiptFault::Unreadable)?;
        match receipt.format == Receipt::FORMAT {
            true => Ok(receipt),
            false => Err(ReceiptFault::Unreadable),
        }
    }

    /// Whether it names this public key (base64) as its own.
    ///
    /// # Errors
    /// [`ReceiptFault::Key`], [`ReceiptFault::AnotherKey`]
    pub fn is_by(&self, key: &str) -> Result<(), ReceiptFault> {
        same_key(key, &self.public_key)
    }
}

pub(crate) fn same_key(key: &str, named: &str) -> Result<(), ReceiptFault> {
    match public_key(key)? == public_key(named)? {
        true => Ok(()),
        false => Err(ReceiptFault::AnotherKey),
    }
}

pub(crate) fn check_signature(key: &str, signature: &str, text: &str) -> Result<(), ReceiptFault> {
    let key = public_key(key)?;
    let signature = bytes(signature).ok_or(ReceiptFault::Signature)?;
    let signature = Signature::from_bytes(&signature);
    let checked = key.verify_strict(text.as_bytes(), &signature);
    checked.map_err(|_| ReceiptFault::Signature)
}

fn public_key(text: &str) -> Result<VerifyingKey, ReceiptFault> {
    let key = bytes(text).ok_or(ReceiptFault::Key)?;
    VerifyingKey::from_bytes(&key).map_err(|_| ReceiptFault::Key)
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}
