//! Items: how records become attributes and back, and how keys are spelt.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use features::fingerprint::{FEATURES_BYTES_MAX, ReferenceFingerprint};
use records::{Record, Timestamp};
use sha2::{Digest, Sha256};

use crate::db::error::{Error, Result};

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Framings of one reference, the limit of their encoding.
const FRAMINGS_MAX: usize = 255;

/// The number of partitions of each searchable set's tail. Fixed: an item's partition is computed
/// from its id. 16 partitions take 16,000 writes a second.
pub(crate) const PARTITIONS: u8 = 16;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A time as a stamp of the searchable sets.
pub(crate) fn ms(time: Timestamp) -> u64 {
    u64::try_from(time.millis()).unwrap_or(0)
}

/// A key of two strings.
pub(crate) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// A record under its key. Its fields become attributes of the same names.
pub(crate) fn item<T: Record>(
    pk: impl Into<String>,
    sk: impl Into<String>,
    record: &T,
) -> Result<Item> {
    let mut item: Item =
        serde_dynamo::to_item(record).map_err(|_| Error::Rejected("a record cannot be stored"))?;
    item.extend(key(pk, sk));
    Ok(item)
}

/// The record that an item holds.
pub(crate) fn record<T: Record>(item: Item, what: &'static str) -> Result<T> {
    serde_dynamo::from_item(item).map_err(|_| Error::Damaged(what))
}

/// A record as one attribute.
pub(crate) fn attribute<T: Record>(record: &T) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(record)
        .map_err(|_| Error::Rejected("a record cannot be stored"))
}

/// A string attribute, as an id or another checked text.
pub(crate) fn parsed<T: FromStr>(item: &Item, name: &str, what: &'static str) -> Result<T> {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .and_then(|text| text.parse().ok())
        .ok_or(Error::Damaged(what))
}

/// A number attribute.
pub(crate) fn counted(item: &Item, name: &str, what: &'static str) -> Result<u64> {
    item.get(name)
        .and_then(|value| value.as_n().ok())
        .and_then(|text| text.parse().ok())
        .ok_or(Error::Damaged(what))
}

/// The sort key of an item.
pub(crate) fn sort_key(item: &Item) -> Result<&str> {
    item.get("sk")
        .and_then(|value| value.as_s().ok())
        .map(String::as_str)
        .ok_or(Error::Damaged("key"))
}

/// A sequence number at a fixed width, so that texts sort as numbers do. Twelve digits last for
/// 30,000 years at one a second.
pub(crate) fn seq_text(seq: u64) -> String {
    format!("{seq:012}")
}

/// The last sequence number that can be.
pub(crate) const SEQ_TEXT_MAX: &str = "999999999999";

/// The partition of an id, `00` to `15`, by the first byte of its SHA-256 or of the digest it is.
pub(crate) fn partition_of(first_byte: u8) -> String {
    partition_text(first_byte % PARTITIONS)
}

pub(crate) fn partition_text(partition: u8) -> String {
    format!("{partition:02}")
}

/// A hash that stands for a text in a sort key: of fixed length, whatever the text's.
pub(crate) fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// # Errors
/// [`Error::Rejected`] if there are no framings, or more than can be stored, or if the features are
/// larger than an item can hold.
pub(crate) fn reference_fingerprint_attribute(
    fingerprint: &ReferenceFingerprint,
) -> Result<AttributeValue> {
    check_features(&fingerprint.features)?;
    if !(1..=FRAMINGS_MAX).contains(&fingerprint.framings.len()) {
        return Err(Error::Rejected("a fingerprint has 1 to 255 framings"));
    }
    Ok(AttributeValue::B(Blob::new(fingerprint.to_bytes())))
}

/// # Errors
/// [`Error::Rejected`] if the features are larger than an item can hold.
pub(crate) fn check_features(features: &[u8]) -> Result<()> {
    if features.len() > FEATURES_BYTES_MAX {
        return Err(Error::Rejected(
            "a fingerprint is larger than an item can hold",
        ));
    }
    Ok(())
}

pub(crate) fn reference_fingerprint(item: &Item) -> Result<ReferenceFingerprint> {
    ReferenceFingerprint::from_bytes(fingerprint_bytes(item)?)
        .map_err(|_| Error::Damaged("fingerprint"))
}

fn fingerprint_bytes(item: &Item) -> Result<&[u8]> {
    item.get("fingerprint")
        .and_then(|value| value.as_b().ok())
        .map(|blob| blob.as_ref())
        .ok_or(Error::Damaged("fingerprint"))
}
