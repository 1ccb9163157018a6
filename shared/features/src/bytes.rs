//! The parts of a picture as bytes, little endian.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | [`FORMAT`]; [`FORMAT_BEFORE`] is read too, which has neither digest nor kind |
//! | 1 | `a` (ad image) or `r` (reference) |
//! | 8 | digest of the whole picture |
//! | reference: 1 | kind |
//! | 4 | width, height |
//! | 2 | number of features |
//! | 29 each | place (12 bits across, 12 down), size, turn, descriptor |
//! | ad: 256 | the coarse grid: 32 rows of lighter, 32 rows of clear |
//! | ad: 10 | sketch: width, height, rows (4), length |
//! | ad: | the sketch's coefficients |
//! | reference: 256, 1,024, 4,096 | its grids |

use thiserror::Error;

use super::{
    AD_FEATURES_MAX, AdFeatures, DESCRIPTOR_WORDS, Descriptor, Feature, GRID_SIDES, Grid,
    PictureDigest, REFERENCE_FEATURES_MAX, ReferenceFeatures, ReferenceKind, RowBits,
    SKETCH_BYTES_MAX, SKETCH_PIXELS_MAX, Sketch,
};

/// The format that this build writes.
const FORMAT: u8 = 2;
/// The one before, which is read too: what came as hashes alone cannot be made again.
const FORMAT_BEFORE: u8 = 1;
const AD: u8 = b'a';
const REFERENCE: u8 = b'r';
/// A sketch's coder writes a few bytes after it is told to stop.
const SKETCH_BYTES_SLACK: usize = 400;

/// These bytes are not features that this build knows: compare without them, and make them again.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("features are of another format or corrupt")]
pub struct FeaturesError;

impl AdFeatures {
    /// The features as bytes, at most 15.5 KB.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![FORMAT, AD];
        out.extend(self.digest.0);
        put_features(&mut out, self.width_px, self.height_px, &self.features);
        put_grid(&mut out, &self.coarse);
        put_u16(&mut out, self.sketch.width_px);
        put_u16(&mut out, self.sketch.height_px);
        out.extend(self.sketch.rows.to_le_bytes());
        put_u16(&mut out, self.sketch.packed.len() as u16);
        out.extend(&self.sketch.packed);
        out
    }

    /// The features from what [`AdFeatures::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`FeaturesError`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FeaturesError> {
        let mut input = Input(bytes);
        let (_, digest) = input.open(AD)?;
        let (width_px, height_px, features) = input.features(AD_FEATURES_MAX)?;
        let coarse = input.grid(GRID_SIDES[0])?;
        let sketch = input.sketch()?;
        input.end()?;
        Ok(Self {
            digest,
            width_px,
            height_px,
            features,
            coarse,
            sketch,
        })
    }
}

impl ReferenceFeatures {
    /// The features as bytes, at most 10.7 KB.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![FORMAT, REFERENCE];
        out.extend(self.digest.0);
        out.push(self.kind as u8);
        put_features(&mut out, self.width_px, self.height_px, &self.features);
        self.grids.iter().for_each(|grid| put_grid(&mut out, grid));
        out
    }

    /// The features from what [`ReferenceFeatures::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`FeaturesError`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FeaturesError> {
        let mut input = Input(bytes);
        let (format, digest) = input.open(REFERENCE)?;
        let kind = match format {
            FORMAT_BEFORE => ReferenceKind::Photo,
            _ => kind(input.take()?)?,
        };
        let (width_px, height_px, features) = input.features(REFERENCE_FEATURES_MAX)?;
        let [a, b, c] = GRID_SIDES;
        let grids = [input.grid(a)?, input.grid(b)?, input.grid(c)?];
        input.end()?;
        Ok(Self {
            digest,
            kind,
            width_px,
            height_px,
            features,
            grids,
        })
    }
}

/// The local features of an ad alone: what stands behind them is not looked at.
pub(crate) fn ad_features(bytes: &[u8]) -> Result<Vec<Feature>, FeaturesError> {
    let mut input = Input(bytes);
    input.open(AD)?;
    let (_, _, features) = input.features(AD_FEATURES_MAX)?;
    Ok(features)
}

fn kind([byte]: [u8; 1]) -> Result<ReferenceKind, FeaturesError> {
    match byte {
        0 => Ok(ReferenceKind::Photo),
        1 => Ok(ReferenceKind::PageWithPhoto),
        2 => Ok(ReferenceKind::Page),
        _ => Err(FeaturesError),
    }
}

fn put_features(out: &mut Vec<u8>, width_px: u16, height_px: u16, features: &[Feature]) {
    put_u16(out, width_px);
    put_u16(out, height_px);
    put_u16(out, features.len() as u16);
    for feature in features {
        let (x, y) = (u32::from(feature.x), u32::from(feature.y));
        out.extend(&(x | y << 12).to_le_bytes()[..3]);
        out.extend([feature.size, feature.turn]);
        let words = feature.descriptor.0.iter();
        out.extend(words.flat_map(|word| word.to_le_bytes()));
    }
}

fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_le_bytes());
}

fn put_grid(out: &mut Vec<u8>, grid: &Grid) {
    let row_bytes = grid.side() / 8;
    for row in grid.lighter.iter().chain(&grid.clear) {
        out.extend(&row.to_le_bytes()[..row_bytes]);
    }
}

/// Bytes not read yet.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl Input<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], FeaturesError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(FeaturesError)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u16(&mut self) -> Result<u16, FeaturesError> {
        self.take().map(u16::from_le_bytes)
    }

    fn open(&mut self, side: u8) -> Result<(u8, PictureDigest), FeaturesError> {
        match self.take()? {
            [FORMAT_BEFORE, found] if found == side => Ok((FORMAT_BEFORE, PictureDigest::UNKNOWN)),
            [FORMAT, found] if found == side => Ok((FORMAT, PictureDigest(self.take()?))),
            _ => Err(FeaturesError),
        }
    }

    fn features(&mut self, most: usize) -> Result<(u16, u16, Vec<Feature>), FeaturesError> {
        let (width_px, height_px) = (self.u16()?, self.u16()?);
        let count = usize::from(self.u16()?);
        if width_px == 0 || height_px == 0 || count > most {
            return Err(FeaturesError);
        }
        let features = (0..count)
            .map(|_| self.feature())
            .collect::<Result<_, _>>()?;
        Ok((width_px, height_px, features))
    }

    fn feature(&mut self) -> Result<Feature, FeaturesError> {
        let [a, b, c, size, turn] = self.take()?;
        let place = u32::from_le_bytes([a, b, c, 0]);
        let mut words = [0; DESCRIPTOR_WORDS];
        for word in &mut words {
            *word = u64::from_le_bytes(self.take()?);
        }
        Ok(Feature {
            x: (place & 0xfff) as u16,
            y: (place >> 12) as u16,
            size,
            turn,
            descriptor: Descriptor(words),
        })
    }

    fn grid(&mut self, side: usize) -> Result<Grid, FeaturesError> {
        Ok(Grid {
            lighter: self.rows(side)?,
            clear: self.rows(side)?,
        })
    }

    fn rows(&mut self, side: usize) -> Result<Vec<RowBits>, FeaturesError> {
        let (taken, rest) = self
            .0
            .split_at_checked(side * side / 8)
            .ok_or(FeaturesError)?;
        self.0 = rest;
        let row = |bytes: &[u8]| {
            let mut whole = [0; 16];
            whole[..bytes.len()].copy_from_slice(bytes);
            RowBits::from_le_bytes(whole)
        };
        Ok(taken.chunks_exact(side / 8).map(row).collect())
    }

    fn sketch(&mut self) -> Result<Sketch, FeaturesError> {
        let (width_px, height_px) = (self.u16()?, self.u16()?);
        let rows = self.take().map(u32::from_le_bytes)?;
        let length = usize::from(self.u16()?);
        let pixels = usize::from(width_px) * usize::from(height_px);
        let (packed, rest) = self.0.split_at_checked(length).ok_or(FeaturesError)?;
        self.0 = rest;
        let fits = (1..=SKETCH_PIXELS_MAX).contains(&pixels)
            && length <= SKETCH_BYTES_MAX + SKETCH_BYTES_SLACK;
        fits.then(|| Sketch {
            width_px,
            height_px,
            rows,
            packed: packed.to_vec(),
        })
        .ok_or(FeaturesError)
    }

    pub(super) fn end(&self) -> Result<(), FeaturesError> {
        self.0.is_empty().then_some(()).ok_or(FeaturesError)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::Grey;
    use super::*;
    use proptest::prelude::*;

    fn feature(seed: u64) -> Feature {
        Feature {
            x: (seed * 37 % 4096) as u16,
            y: (seed * 91 % 4096) as u16,
            size: seed as u8,
            turn: (seed * 7) as u8,
            descriptor: Descriptor([seed, seed << 32, !seed]),
        }
    }

    fn grid(side: usize) -> Grid {
        let values: Vec<f32> = (0..side * side).map(|i| (i * i % 251) as f32).collect();
        Grid::of(&values, &vec![true; side * side], side)
    }

    pub(crate) fn drawn_ad() -> AdFeatures {
        ad(0)
    }

    fn ad(features: usize) -> AdFeatures {
        let luma = (0..40 * 30).map(|i| (i * 7 % 256) as u8).collect();
        AdFeatures {
            digest: PictureDigest([9; 8]),
            width_px: 400,
            height_px: 300,
            features: (0..features as u64).map(feature).collect(),
            coarse: grid(32),
            sketch: Sketch::of(&Grey {
                width_px: 40,
                height_px: 30,
                luma,
            }),
        }
    }

    fn reference(features: usize) -> ReferenceFeatures {
        ReferenceFeatures {
            digest: PictureDigest([9; 8]),
            kind: ReferenceKind::PageWithPhoto,
            width_px: 512,
            height_px: 300,
            features: (0..features as u64).map(feature).collect(),
            grids: GRID_SIDES.map(grid),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(count in 0usize..REFERENCE_FEATURES_MAX) {
            let (ad, reference) = (ad(count), reference(count));
            prop_assert_eq!(AdFeatures::from_bytes(&ad.to_bytes()), Ok(ad));
            prop_assert_eq!(ReferenceFeatures::from_bytes(&reference.to_bytes()), Ok(reference));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, at in 0usize..800, to: u8) {
            let _ = AdFeatures::from_bytes(&bytes);
            let mut changed = ad(9).to_bytes();
            let at = at % changed.len();
            changed[at] = to;
            if let Ok(ad) = AdFeatures::from_bytes(&changed) {
                prop_assert!(!ad.sketch.unpacked().luma.is_empty());
            }
            changed.truncate(at);
            prop_assert!(AdFeatures::from_bytes(&changed).is_err());
        }
    }

    #[test]
    fn the_format_before_is_read_and_equal_to_no_picture() {
        let (ad, reference) = (ad(3), reference(2));
        let before = |bytes: Vec<u8>, own: usize| {
            let mut bytes = bytes;
            bytes.drain(2..2 + own);
            bytes[0] = FORMAT_BEFORE;
            bytes
        };
        let read = AdFeatures::from_bytes(&before(ad.to_bytes(), 8)).expect("read");
        assert!(!read.digest.is_same(read.digest) && ad.digest.is_same(ad.digest));
        let digest = ad.digest;
        assert_eq!(AdFeatures { digest, ..read }, ad);
        let read = ReferenceFeatures::from_bytes(&before(reference.to_bytes(), 9)).expect("read");
        assert_eq!(read.kind, ReferenceKind::Photo);
        let (digest, kind) = (reference.digest, reference.kind);
        let read = ReferenceFeatures {
            digest,
            kind,
            ..read
        };
        assert_eq!(read, reference);
    }

    #[test]
    fn the_bytes_keep_within_their_limits() {
        let bytes = reference(REFERENCE_FEATURES_MAX).to_bytes().len();
        assert!(bytes <= 10_700, "{bytes} bytes a reference");
        let bytes = ad(AD_FEATURES_MAX).to_bytes().len() + SKETCH_BYTES_MAX;
        assert!(
            bytes <= 15_500 + 1_000,
            "{bytes} bytes an ad, its tiny sketch counted twice"
        );
    }
}
