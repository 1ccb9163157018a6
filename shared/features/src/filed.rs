//! Local features of many ads, filed so that those that look like a given one are found without a look at
//! the rest: what a segment of ads has as a column, and what a search of the past reads first.
//!
//! Multi-probe locality-sensitive hashing (Indyk and Motwani, 1998; Lv et al., 2007) with a signature
//! behind the word (Hamming embedding: Jégou, Douze and Schmid, 2008): a feature is filed once, under 18 of
//! its 192 bits, with 40 others, its direction and its size. Which ads are proposed by that is decided
//! in `matching`.
//!
//! A column is made of sections, each of the ads from a multiple of [`SECTION_ADS`] on, little endian:
//!
//! | bytes | what |
//! | --- | --- |
//! | 4, 4 | number of ads whose features could not be read; number of features that are filed |
//! | 2 each | the former, counted from the section's first ad: to be judged whatever the query |
//! | 1 to 4 each | for each of the [`WORDS`] words how many features are filed under it: seven bits a byte, lowest first, the top bit set where more follow |
//! | 2 each | the feature's ad, counted from the section's first |
//! | 1 each | direction in 16ths of a turn (upper four bits), size in half octaves (lower four) |
//! | 5 each | signature |
//!
//! Features stand in the order of their words, those of one word in the order of their ads.

use std::ops::Range;

use crate::bytes::{Input, ad_features};
use crate::{AD_FEATURES_MAX, Descriptor, Feature, FeaturesError};

/// Ads of one section: its postings fit in 18 MB, and its number of an ad in two bytes.
pub const SECTION_ADS: usize = 8_192;
/// Bits of a word.
pub const WORD_BITS: u32 = 18;
/// Words that features are filed under.
pub const WORDS: usize = 1 << WORD_BITS;
/// Bits of a signature.
pub const SIGNATURE_BITS: u32 = 40;

const SIGNATURE_BYTES: usize = SIGNATURE_BITS as usize / 8;
/// Bytes of a feature, without its share of the words' counts.
const FILED_BYTES: usize = 2 + 1 + SIGNATURE_BYTES;
/// The bits of a word: those of the first table of keys of `matching::local`, which are set about as often as
/// not and tell the least of each other.
const WORD: [u8; WORD_BITS as usize] = [
    158, 36, 63, 1, 59, 8, 135, 58, 85, 84, 96, 190, 150, 179, 134, 60, 168, 178,
];
/// The bits of a signature: those of the other tables, each once, and two more.
const SIGNATURE: [u8; SIGNATURE_BITS as usize] = [
    191, 21, 61, 164, 137, 104, 124, 151, 157, 20, 169, 183, 4, 118, 62, 180, 165, 159, 9, 125,
    181, 5, 37, 68, 182, 156, 119, 69, 136, 18, 0, 129, 26, 121, 81, 31, 80, 33, 100, 46,
];
/// Steps of a direction in one of the 16 that are kept, and of a size in a half octave.
const TURN_STEP: u8 = 16;
const SIZE_STEP: u8 = 8;
const SIZE_MAX: u8 = 15;

/// A feature as it is filed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Filed {
    /// What it is filed under, below [`WORDS`].
    pub word: u32,
    /// Other bits of its descriptor, [`SIGNATURE_BITS`] of them.
    pub signature: u64,
    /// Its direction in 16ths of a turn.
    pub turn: u8,
    /// Its size in half octaves, 0 to 15.
    pub size: u8,
}

impl std::fmt::Debug for Filed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Filed([redacted])")
    }
}

impl Filed {
    /// How a feature is filed.
    pub fn of(feature: &Feature) -> Self {
        Self::placed(&feature.descriptor, feature.turn, feature.size)
    }

    /// How the same patch is filed in the mirrored picture.
    pub fn of_mirrored(feature: &Feature) -> Self {
        let turn = 128u8.wrapping_sub(feature.turn);
        Self::placed(&feature.descriptor.mirrored(), turn, feature.size)
    }

    fn placed(descriptor: &Descriptor, turn: u8, size: u8) -> Self {
        let bits = |places: &[u8]| {
            places.iter().fold(0, |code, &at| {
                let at = usize::from(at);
                code << 1 | descriptor.0[at / 64] >> (at % 64) & 1
            })
        };
        Self {
            word: bits(&WORD) as u32,
            signature: bits(&SIGNATURE),
            turn: turn.wrapping_add(TURN_STEP / 2) / TURN_STEP,
            size: (size / SIZE_STEP).min(SIZE_MAX),
        }
    }
}

/// A section as bytes, of the features of at most [`SECTION_ADS`] ads as they are stored, in the ads' order.
///
/// # Panics
/// If there are more ads.
pub fn section<'a>(ads: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut filed, mut unread): (Vec<(Filed, u16)>, Vec<u16>) = (Vec::new(), Vec::new());
    for (number, bytes) in ads.into_iter().enumerate() {
        assert!(number < SECTION_ADS, "a section's ads");
        let number = number as u16;
        match ad_features(bytes) {
            Ok(features) => filed.extend(features.iter().map(|it| (Filed::of(it), number))),
            Err(_) if bytes.is_empty() => {}
            Err(_) => unread.push(number),
        }
    }
    filed.sort_by_key(|(filed, _)| filed.word);
    let mut out = Vec::with_capacity(8 + WORDS + filed.len() * FILED_BYTES);
    for count in [unread.len(), filed.len()] {
        out.extend((count as u32).to_le_bytes());
    }
    out.extend(unread.iter().flat_map(|number| number.to_le_bytes()));
    put_counts(&mut out, &filed);
    out.extend(filed.iter().flat_map(|(_, number)| number.to_le_bytes()));
    out.extend(filed.iter().map(|(filed, _)| filed.turn << 4 | filed.size));
    for (filed, _) in &filed {
        out.extend(&filed.signature.to_le_bytes()[..SIGNATURE_BYTES]);
    }
    out
}

fn put_counts(out: &mut Vec<u8>, filed: &[(Filed, u16)]) {
    let mut of_words = filed.chunk_by(|(a, _), (b, _)| a.word == b.word).peekable();
    for word in 0..WORDS as u32 {
        let mine = of_words.next_if(|some| some[0].0.word == word);
        let mut count = mine.map_or(0, <[_]>::len);
        while count > 0x7f {
            out.push(count as u8 | 0x80);
            count >>= 7;
        }
        out.push(count as u8);
    }
}

/// A section that was read and checked: what is filed under each word.
pub struct Section<'a> {
    /// Where the features of each word begin, and where the last ones end.
    starts: Vec<u32>,
    ads: &'a [[u8; 2]],
    shapes: &'a [u8],
    signatures: &'a [[u8; SIGNATURE_BYTES]],
    unread: Vec<u16>,
}

impl<'a> Section<'a> {
    /// The section of so many ads.
    ///
    /// # Errors
    /// [`FeaturesError`] for bytes that [`section`] did not write.
    pub fn read(bytes: &'a [u8], ads: usize) -> Result<Self, FeaturesError> {
        let mut input = Input(bytes);
        let unread = u32::from_le_bytes(input.take()?) as usize;
        let count = u32::from_le_bytes(input.take()?) as usize;
        if ads > SECTION_ADS || unread > ads || count > ads * AD_FEATURES_MAX {
            return Err(FeaturesError);
        }
        let unread: Vec<u16> = (0..unread).map(|_| input.u16()).collect::<Result<_, _>>()?;
        let starts = starts(&mut input, count)?;
        let (numbers, rest) = cut(input.0, 2 * count)?;
        let (shapes, signatures) = cut(rest, count)?;
        if signatures.len() != SIGNATURE_BYTES * count {
            return Err(FeaturesError);
        }
        let numbers: &[[u8; 2]] = numbers.as_chunks().0;
        let is_there = |number: u16| usize::from(number) < ads;
        let filed = numbers.iter().map(|it| u16::from_le_bytes(*it));
        if !filed.chain(unread.iter().copied()).all(is_there) {
            return Err(FeaturesError);
        }
        Ok(Self {
            starts,
            ads: numbers,
            shapes,
            signatures: signatures.as_chunks().0,
            unread,
        })
    }

    /// Ads whose features could not be read when they were filed: nothing tells that they do not match.
    pub fn unread(&self) -> &[u16] {
        &self.unread
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.ads.len()
    }

    /// Whether no feature is filed.
    pub fn is_empty(&self) -> bool {
        self.ads.is_empty()
    }

    /// The places of the features under a word.
    ///
    /// # Panics
    /// If there is no such word.
    #[inline(always)]
    pub fn places(&self, word: u32) -> Range<usize> {
        self.starts[word as usize] as usize..self.starts[word as usize + 1] as usize
    }

    /// The signatures of the features at these places.
    ///
    /// # Panics
    /// If there are no such places.
    #[inline(always)]
    pub fn signatures(&self, places: Range<usize>) -> impl Iterator<Item = u64> {
        self.signatures[places].iter().map(|[a, b, c, d, e]| {
            u64::from(u32::from_le_bytes([*a, *b, *c, *d])) | u64::from(*e) << 32
        })
    }

    /// Of the feature at a place its ad, counted from the section's first, its direction and its size.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn filed(&self, place: usize) -> (u16, u8, u8) {
        let shape = self.shapes[place];
        (u16::from_le_bytes(self.ads[place]), shape >> 4, shape & 15)
    }
}

fn cut(bytes: &[u8], at: usize) -> Result<(&[u8], &[u8]), FeaturesError> {
    bytes.split_at_checked(at).ok_or(FeaturesError)
}

/// Where the features of each word begin, of so many in all.
fn starts(input: &mut Input<'_>, all: usize) -> Result<Vec<u32>, FeaturesError> {
    let mut starts = Vec::with_capacity(WORDS + 1);
    let mut end = 0usize;
    starts.push(0);
    for _ in 0..WORDS {
        let (mut count, mut shift) = (0usize, 0);
        loop {
            let [byte] = input.take()?;
            count |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
            if shift > 21 {
                return Err(FeaturesError);
            }
        }
        end += count;
        if end > all {
            return Err(FeaturesError);
        }
        starts.push(end as u32);
    }
    (end == all).then_some(starts).ok_or(FeaturesError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::AdFeatures;
    use crate::bytes::tests::drawn_ad;

    prop_compose! {
        fn feature()(
            x in 0u16..4096, y in 0u16..4096, size: u8, turn: u8, words: [u64; 3],
        ) -> Feature {
            Feature { x, y, size, turn, descriptor: Descriptor(words) }
        }
    }

    fn bytes_of(features: &[Feature]) -> Vec<u8> {
        let ad = AdFeatures {
            features: features.to_vec(),
            ..drawn_ad()
        };
        ad.to_bytes()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_feature_is_filed_once_under_its_word(
            ads in prop::collection::vec(prop::collection::vec(feature(), 0..9), 0..20),
        ) {
            let stored: Vec<Vec<u8>> = ads.iter().map(|ad| bytes_of(ad)).collect();
            let bytes = section(stored.iter().map(Vec::as_slice));
            let read = Section::read(&bytes, ads.len()).expect("as written");
            prop_assert!(read.unread().is_empty());
            let mut found = Vec::new();
            for word in 0..WORDS as u32 {
                let places = read.places(word);
                for (place, signature) in places.clone().zip(read.signatures(places)) {
                    let (ad, turn, size) = read.filed(place);
                    found.push((ad, word, signature, turn, size));
                }
            }
            let mut expected = Vec::new();
            for (number, features) in (0..).zip(&ads) {
                expected.extend(features.iter().map(|feature| {
                    let it = Filed::of(feature);
                    (number, it.word, it.signature, it.turn, it.size)
                }));
            }
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_mirrored_feature_is_filed_as_the_feature_of_the_mirrored_picture(it in feature()) {
            let turn = 128u8.wrapping_sub(it.turn);
            let mirrored = Feature { turn, descriptor: it.descriptor.mirrored(), ..it };
            prop_assert_eq!(Filed::of_mirrored(&it), Filed::of(&mirrored));
            prop_assert_eq!(Filed::of_mirrored(&mirrored), Filed::of(&it));
        }

        #[test]
        fn no_bytes_make_a_section_that_names_what_is_not_there(
            head in prop::collection::vec(any::<u8>(), 0..64), ads in 0usize..20,
            cut in any::<prop::sample::Index>(), with in any::<u8>(),
        ) {
            check_hostile(&head, ads);
            let stored = bytes_of(&[Feature {
                x: 1, y: 2, size: 3, turn: 4, descriptor: Descriptor([5, 6, 7]),
            }]);
            let mut bytes = section([stored.as_slice(), b"none of ours", b""]);
            let at = cut.index(bytes.len());
            check_hostile(&bytes[..at], 3);
            bytes[at] ^= with;
            check_hostile(&bytes, ads);
        }
    }

    fn check_hostile(bytes: &[u8], ads: usize) {
        if let Ok(read) = Section::read(bytes, ads) {
            for place in (0..WORDS as u32).flat_map(|word| read.places(word)) {
                assert!(usize::from(read.filed(place).0) < ads);
            }
            assert!(read.unread().iter().all(|it| usize::from(*it) < ads));
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_what_has_no_features_is_not() {
        let bytes = section([&b"of another build"[..], b"", &bytes_of(&[])]);
        let read = Section::read(&bytes, 3).expect("as written");
        assert_eq!((read.unread(), read.len()), (&[0u16][..], 0));
    }
}
