//! Reason codes: why something was refused, as a word that programs and people can rely on.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::text::{Malformed, text_form};

/// A stable word for a reason: 1 to 64 characters of `a-z`, `0-9` and `_`, a letter first. An open
/// set, so that a record written by a newer program can still be read. May be logged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReasonCode(Cow<'static, str>);

impl ReasonCode {
    /// The bytes are no image.
    pub const NOT_AN_IMAGE: Self = Self(Cow::Borrowed("not_an_image"));
    /// Bytes that were compressed for the way (`Content-Encoding: gzip`): send them as they are.
    pub const CONTENT_ENCODED: Self = Self(Cow::Borrowed("content_encoded"));
    /// An image, of a format that is not decoded.
    pub const UNSUPPORTED_FORMAT: Self = Self(Cow::Borrowed("unsupported_format"));
    /// The image ends too early.
    pub const TRUNCATED: Self = Self(Cow::Borrowed("truncated"));
    /// The image contradicts itself.
    pub const CORRUPT: Self = Self(Cow::Borrowed("corrupt"));
    /// More bytes than allowed.
    pub const TOO_LARGE: Self = Self(Cow::Borrowed("too_large"));
    /// More pixels than allowed.
    pub const TOO_MANY_PIXELS: Self = Self(Cow::Borrowed("too_many_pixels"));
    /// Fewer pixels than a fingerprint needs.
    pub const TOO_SMALL: Self = Self(Cow::Borrowed("too_small"));
    /// A side of more pixels than allowed.
    pub const TOO_LONG: Self = Self(Cow::Borrowed("too_long"));
    /// A document whose pages hold no picture.
    pub const NO_PICTURE: Self = Self(Cow::Borrowed("no_picture"));
    /// The decoder gave up or panicked.
    pub const DECODER_FAILURE: Self = Self(Cow::Borrowed("decoder_failure"));
    /// Too featureless to be told from other pictures.
    pub const LOW_QUALITY: Self = Self(Cow::Borrowed("low_quality"));
    /// Matches too many stored ads to be one person's photo.
    pub const TOO_COMMON: Self = Self(Cow::Borrowed("too_common"));
    /// The tenant may not submit this.
    pub const NOT_ALLOWED: Self = Self(Cow::Borrowed("not_allowed"));
    /// More than its tenant may bring in a day: put it again tomorrow.
    pub const OVER_QUOTA: Self = Self(Cow::Borrowed("over_quota"));
    /// Neither the object nor the tenant's settings give a legal basis.
    pub const NO_LEGAL_BASIS: Self = Self(Cow::Borrowed("no_legal_basis"));
    /// The expiry date lies in the past.
    pub const EXPIRED: Self = Self(Cow::Borrowed("expired"));
    /// The expiry date is not an RFC 3339 time.
    pub const MALFORMED_EXPIRY: Self = Self(Cow::Borrowed("malformed_expiry"));
    /// The unit asked for it.
    pub const ASKED_FOR: Self = Self(Cow::Borrowed("asked_for"));
    /// Erased on the unit's demand: only the id is left.
    pub const ERASED: Self = Self(Cow::Borrowed("erased"));
    /// The receiver answered 410 Gone.
    pub const RECEIVER_GONE: Self = Self(Cow::Borrowed("receiver_gone"));
    /// Every attempt of the schedule failed.
    pub const ATTEMPTS_EXHAUSTED: Self = Self(Cow::Borrowed("attempts_exhausted"));
    /// The address is not one that may be called.
    pub const ADDRESS_NOT_ALLOWED: Self = Self(Cow::Borrowed("address_not_allowed"));
    /// The reference is no longer active.
    pub const REFERENCE_NOT_ACTIVE: Self = Self(Cow::Borrowed("reference_not_active"));

    /// A list or bundle of a newer format than this build reads.
    pub const NEWER_FORMAT: Self = Self(Cow::Borrowed("newer_format"));
    /// A line of a list is no record.
    pub const MALFORMED_RECORD: Self = Self(Cow::Borrowed("malformed_record"));
    /// A list of more lines than allowed.
    pub const TOO_MANY_LINES: Self = Self(Cow::Borrowed("too_many_lines"));
    /// An ad's address was kept out.
    pub const MALFORMED_SOURCE_URL: Self = Self(Cow::Borrowed("malformed_source_url"));
    /// An ad's id was kept out.
    pub const MALFORMED_AD_ID: Self = Self(Cow::Borrowed("malformed_ad_id"));
    /// When an ad was seen was kept out.
    pub const MALFORMED_SEEN_AT: Self = Self(Cow::Borrowed("malformed_seen_at"));
    /// An ad's place was kept out.
    pub const MALFORMED_PLACE: Self = Self(Cow::Borrowed("malformed_place"));
    /// A fingerprint that was sent instead of a picture cannot be read.
    pub const MALFORMED_FINGERPRINT: Self = Self(Cow::Borrowed("malformed_fingerprint"));
    /// A fingerprint that was sent instead of a picture is of another version than ours: make it
    /// with the same version of the program.
    pub const UNKNOWN_FINGERPRINT_VERSION: Self =
        Self(Cow::Borrowed("unknown_fingerprint_version"));
    /// A member with the name of an earlier one.
    pub const DUPLICATE_NAME: Self = Self(Cow::Borrowed("duplicate_name"));

    /// Reads a reason code.
    ///
    /// # Errors
    /// [`Malformed`] if it is not 1 to 64 of `a-z`, `0-9` and `_`, a letter first.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let well_formed = text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !starts_well || !well_formed || text.len() > 64 {
            return Err(Malformed {
                what: "reason code",
                rule: "it is not 1 to 64 characters of a-z, 0-9 and _, a letter first",
            });
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(ReasonCode, shown);
