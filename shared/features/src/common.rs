//! Features that many ads have, as bytes, little endian.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `HOMEWCOM` |
//! | 2, 2 | format; zero |
//! | 32 | the segment that was learned from last |
//! | 4 | samples |
//! | 4 | number of features |
//! | 26 each | descriptor, share of ads that have it in 65,535ths |
//! | 4 | CRC-32 of all that stands before |

use super::bytes::Input;
use super::{DESCRIPTOR_WORDS, Descriptor, FeaturesError};

const MAGIC: [u8; 8] = *b"HOMEWCOM";
const FORMAT: u16 = 1;
const SUM_BYTES: usize = 4;
const SHARE_STEPS: f32 = 65_535.0;

/// Most features that are kept: 53 KB.
pub const COMMON_FEATURES_MAX: usize = 2_048;

/// Features that many ads have: logos, frames, stickers, a background of half the trade.
///
/// As personal as any feature of an ad image, though none that only a few ads have is among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommonFeatures {
    /// The SHA-256 name of the segment that was learned from last.
    pub last_segment: [u8; 32],
    /// How many segments were learned from.
    pub samples: u32,
    /// The features, at most [`COMMON_FEATURES_MAX`].
    pub features: Vec<CommonFeature>,
}

/// A feature, and how common it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommonFeature {
    /// What it looks like.
    pub descriptor: Descriptor,
    /// The share of ads that have it, 0 to 1.
    pub share: f32,
}

impl CommonFeatures {
    /// As bytes, at most 54 KB.
    pub fn to_bytes(&self) -> Vec<u8> {
        let kept = self.features.iter().take(COMMON_FEATURES_MAX);
        let mut out = MAGIC.to_vec();
        out.extend(FORMAT.to_le_bytes());
        out.extend([0; 2]);
        out.extend(self.last_segment);
        out.extend(self.samples.to_le_bytes());
        out.extend((kept.len() as u32).to_le_bytes());
        for feature in kept {
            let words = feature.descriptor.0.iter();
            out.extend(words.flat_map(|word| word.to_le_bytes()));
            let share = (feature.share.clamp(0.0, 1.0) * SHARE_STEPS).round() as u16;
            out.extend(share.to_le_bytes());
        }
        out.extend(crc32fast::hash(&out).to_le_bytes());
        out
    }

    /// From what [`CommonFeatures::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`FeaturesError`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FeaturesError> {
        let (body, sum) = bytes.split_last_chunk::<SUM_BYTES>().ok_or(FeaturesError)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err(FeaturesError);
        }
        let mut input = Input(body);
        let known = input.take()? == MAGIC && input.u16()? == FORMAT && input.u16()? == 0;
        let last_segment = input.take()?;
        let samples = input.take().map(u32::from_le_bytes)?;
        let count = input.take().map(u32::from_le_bytes)? as usize;
        if !known || count > COMMON_FEATURES_MAX {
            return Err(FeaturesError);
        }
        let features = (0..count)
            .map(|_| input.common())
            .collect::<Result<_, _>>()?;
        input.end()?;
        Ok(Self {
            last_segment,
            samples,
            features,
        })
    }
}

impl Input<'_> {
    fn common(&mut self) -> Result<CommonFeature, FeaturesError> {
        let mut words = [0; DESCRIPTOR_WORDS];
        for word in &mut words {
            *word = u64::from_le_bytes(self.take()?);
        }
        Ok(CommonFeature {
            descriptor: Descriptor(words),
            share: f32::from(self.u16()?) / SHARE_STEPS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn common(count: usize) -> CommonFeatures {
        let feature = |i| CommonFeature {
            descriptor: Descriptor([i, i << 32, !i]),
            share: (i % 256) as f32 * 257.0 / SHARE_STEPS,
        };
        CommonFeatures {
            last_segment: [7; 32],
            samples: 3,
            features: (0..count as u64).map(feature).collect(),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(count in 0..=COMMON_FEATURES_MAX) {
            let written = common(count);
            prop_assert_eq!(CommonFeatures::from_bytes(&written.to_bytes()), Ok(written));
        }

        #[test]
        fn whatever_is_changed_or_cut_is_refused(at in 0usize..400, by in 1u8.., bytes: Vec<u8>) {
            let mut changed = common(12).to_bytes();
            let at = at % changed.len();
            changed[at] ^= by;
            prop_assert_eq!(CommonFeatures::from_bytes(&changed), Err(FeaturesError));
            changed.truncate(at);
            prop_assert_eq!(CommonFeatures::from_bytes(&changed), Err(FeaturesError));
            prop_assert_eq!(CommonFeatures::from_bytes(&bytes), Err(FeaturesError));
        }
    }

    #[test]
    fn another_format_and_too_many_are_refused() {
        let summed = |mut bytes: Vec<u8>| {
            bytes.truncate(bytes.len() - SUM_BYTES);
            bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
            CommonFeatures::from_bytes(&bytes)
        };
        let good = common(2).to_bytes();
        assert_eq!(summed(good.clone()), Ok(common(2)));
        let mut newer = good.clone();
        newer[8] = 2;
        assert_eq!(summed(newer), Err(FeaturesError));
        let mut many = good;
        many[48..52].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(summed(many), Err(FeaturesError));
    }
}
