//! Fingerprints as bytes, for a table's item or a segment.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | `A` (ad image) or `R` (reference) |
//! | 1 | format of these bytes, [`FORMAT`] |
//! | 2 | version of the algorithms, little endian |
//! | ad: 1 | number of views, 1 or 2 |
//! | reference: 1 | number of framings, 1 to 255 |
//! | 65 each, for a reference 66 | for a reference the framing; PDQ, second hash, quality |
//! | 4 | length of the features, little endian |
//! | | the features |
//! | 4 | CRC-32 of all that stands before, little endian |
//!
//! A framing is one byte: the turn in quarters (bits 0 and 1), mirrored (2), negative (3), border
//! removed (4). The other bits are zero.

use thiserror::Error;

use super::{AdFingerprint, Framing, Hash256, HashVariant, ReferenceFingerprint, Turn};

/// The format of the bytes that this build writes.
const FORMAT: u8 = 1;

const AD: u8 = b'A';
const REFERENCE: u8 = b'R';
const CRC_BYTES: usize = 4;
const QUALITY_MAX: u8 = 100;

/// Most features a fingerprint may carry, in bytes: what is stored has to fit a DynamoDB item of
/// 400 KB with room for its other attributes.
pub const FEATURES_BYTES_MAX: usize = 320 * 1024;

/// Why bytes are not a fingerprint.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FingerprintBytesError {
    /// They end too early: read them again.
    #[error("fingerprint is cut off")]
    Truncated,
    /// A newer build wrote them: leave them to one that can read them.
    #[error("fingerprint has format {found}, newer than {FORMAT}")]
    NewerFormat {
        /// The format that they name.
        found: u8,
    },
    /// They were changed, or never were a fingerprint of this kind: make it again from the photo.
    #[error("fingerprint is corrupt")]
    Corrupt,
}

impl AdFingerprint {
    /// The fingerprint as bytes: 78 or 143 and its features.
    ///
    /// # Panics
    /// If `features` are longer than [`FEATURES_BYTES_MAX`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = header(AD, self.version);
        out.push(1 + u8::from(self.trimmed.is_some()));
        std::iter::once(&self.whole)
            .chain(&self.trimmed)
            .for_each(|view| put_view(&mut out, view));
        sealed(out, &self.features)
    }

    /// The fingerprint from what [`AdFingerprint::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`FingerprintBytesError`], by what the caller does next.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FingerprintBytesError> {
        let (mut input, version) = Input::open(AD, bytes)?;
        let views = input.byte()?;
        let whole = input.view()?;
        let trimmed = match views {
            1 => None,
            2 => Some(input.view()?),
            _ => return Err(FingerprintBytesError::Corrupt),
        };
        Ok(Self {
            version,
            whole,
            trimmed,
            features: input.features_to_the_end(bytes)?,
        })
    }
}

impl ReferenceFingerprint {
    /// The fingerprint as bytes: 13, and 66 for each framing, and its features.
    ///
    /// # Panics
    /// If there are no framings or more than 255, or `features` are longer than
    /// [`FEATURES_BYTES_MAX`].
    pub fn to_bytes(&self) -> Vec<u8> {
        assert!(
            !self.framings.is_empty(),
            "a reference has the framing as is"
        );
        let mut out = header(REFERENCE, self.version);
        out.push(u8::try_from(self.framings.len()).expect("at most 255 framings"));
        for (framing, view) in &self.framings {
            out.push(framing.to_byte());
            put_view(&mut out, view);
        }
        sealed(out, &self.features)
    }

    /// The fingerprint from what [`ReferenceFingerprint::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`FingerprintBytesError`], by what the caller does next.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FingerprintBytesError> {
        let (mut input, version) = Input::open(REFERENCE, bytes)?;
        let count = input.byte()?;
        if count == 0 {
            return Err(FingerprintBytesError::Corrupt);
        }
        let framings = (0..count)
            .map(|_| Ok((input.framing()?, input.view()?)))
            .collect::<Result<_, FingerprintBytesError>>()?;
        Ok(Self {
            version,
            framings,
            features: input.features_to_the_end(bytes)?,
        })
    }
}

fn header(kind: u8, version: u16) -> Vec<u8> {
    let mut out = vec![kind, FORMAT];
    out.extend(version.to_le_bytes());
    out
}

fn put_view(out: &mut Vec<u8>, view: &HashVariant) {
    out.extend(view.pdq.0);
    out.extend(view.second.0);
    out.push(view.quality);
}

fn sealed(mut out: Vec<u8>, features: &[u8]) -> Vec<u8> {
    assert!(
        features.len() <= FEATURES_BYTES_MAX,
        "features fit a table's item"
    );
    out.extend(
        u32::try_from(features.len())
            .expect("bounded above")
            .to_le_bytes(),
    );
    out.extend(features);
    out.extend(crc32fast::hash(&out).to_le_bytes());
    out
}

impl Framing {
    /// The framing as one byte; see the table above.
    pub fn to_byte(self) -> u8 {
        self.turn as u8
            | u8::from(self.mirrored) << 2
            | u8::from(self.negative) << 3
            | u8::from(self.border_removed) << 4
    }

    /// The framing that a byte stands for; none if it stands for none.
    pub fn from_byte(byte: u8) -> Option<Self> {
        let framing = Self {
            turn: Turn::ALL[usize::from(byte & 0b11)],
            mirrored: byte & 0b100 != 0,
            negative: byte & 0b1000 != 0,
            border_removed: byte & 0b1_0000 != 0,
        };
        (framing.to_byte() == byte).then_some(framing)
    }
}

/// What is still to be read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// Reads the header and gives the rest with the algorithms' version.
    fn open(kind: u8, bytes: &'a [u8]) -> Result<(Self, u16), FingerprintBytesError> {
        let mut input = Self(bytes);
        if input.byte()? != kind {
            return Err(FingerprintBytesError::Corrupt);
        }
        match input.byte()? {
            FORMAT => {}
            found if found > FORMAT => return Err(FingerprintBytesError::NewerFormat { found }),
            _ => return Err(FingerprintBytesError::Corrupt),
        }
        let version = u16::from_le_bytes(input.array()?);
        Ok((input, version))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], FingerprintBytesError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(FingerprintBytesError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FingerprintBytesError> {
        Ok(self.take(N)?.try_into().expect("as many as were taken"))
    }

    fn byte(&mut self) -> Result<u8, FingerprintBytesError> {
        self.array().map(|[byte]| byte)
    }

    fn framing(&mut self) -> Result<Framing, FingerprintBytesError> {
        Framing::from_byte(self.byte()?).ok_or(FingerprintBytesError::Corrupt)
    }

    fn view(&mut self) -> Result<HashVariant, FingerprintBytesError> {
        let pdq = Hash256(self.array()?);
        let second = Hash256(self.array()?);
        let quality = self.byte()?;
        if quality > QUALITY_MAX {
            return Err(FingerprintBytesError::Corrupt);
        }
        Ok(HashVariant {
            pdq,
            quality,
            second,
        })
    }

    /// Reads the features and the checksum of `all`, after which nothing may follow.
    fn features_to_the_end(mut self, all: &[u8]) -> Result<Vec<u8>, FingerprintBytesError> {
        let length = u32::from_le_bytes(self.array()?);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > FEATURES_BYTES_MAX {
            return Err(FingerprintBytesError::Corrupt);
        }
        let features = self.take(length)?;
        let crc = u32::from_le_bytes(self.array()?);
        let sound = self.0.is_empty() && crc32fast::hash(&all[..all.len() - CRC_BYTES]) == crc;
        if sound {
            Ok(features.to_vec())
        } else {
            Err(FingerprintBytesError::Corrupt)
        }
    }
}
