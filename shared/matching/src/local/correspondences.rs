//! Which features of the ad look like which of the reference.

use features::{DESCRIPTOR_BITS, DESCRIPTOR_WORDS, Descriptor, REFERENCE_FEATURES_MAX};

use super::image_pair::{LocalAd, LocalReference};

/// A feature of the reference and one of the ad that look alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Correspondence {
    pub own: usize,
    pub ad: usize,
    /// What it says for the pair: nearness, and how much farther the next nearest is.
    pub weight: f32,
    /// Smaller is better: the distance less the margin.
    rank: i32,
    distance_bits: u32,
}

/// Most bits in which two features may differ: 30 of 100. Half of all true pairs are nearer than
/// 15, false ones are normally at 50 with a spread of 5.
const DISTANCE_BITS_MAX: u32 = DESCRIPTOR_BITS * 30 / 100;
/// Most correspondences looked at.
const CORRESPONDENCES_MAX: usize = 120;
/// A margin beyond this says no more.
const MARGIN_BITS_MAX: u32 = 32;

/// The correspondences, best first: for every feature of the ad the nearest of the reference, and of those
/// that name the same one the nearest.
pub(super) fn correspondences(
    reference: &LocalReference,
    ad: &LocalAd,
    mirrored: bool,
) -> Vec<Correspondence> {
    let mut best: Vec<Option<Correspondence>> = vec![None; reference.key_points.len()];
    for (at, (own, distance_bits, next)) in
        all_nearest(reference, ad, mirrored).into_iter().enumerate()
    {
        let better = |correspondence: &Correspondence| distance_bits < correspondence.distance_bits;
        if distance_bits <= DISTANCE_BITS_MAX && best[own].as_ref().is_none_or(better) {
            best[own] = Some(correspondence(own, at, distance_bits, next));
        }
    }
    let mut correspondences: Vec<Correspondence> = best.into_iter().flatten().collect();
    correspondences.sort_by_key(|correspondence| (correspondence.rank, correspondence.ad));
    correspondences.truncate(CORRESPONDENCES_MAX);
    correspondences
}

/// For every feature of the ad the nearest of the reference, its distance and the next one's.
/// Counting bits is all of the work, and processors have instructions for it that compilers may
/// not assume.
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the processor was asked for"
)]
fn all_nearest(reference: &LocalReference, ad: &LocalAd, mirrored: bool) -> Vec<Nearest> {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx512f") && has!("avx512bw") && has!("avx512vpopcntdq") {
            // SAFETY: the processor has the instructions.
            return unsafe { all_nearest_avx512(reference, ad, mirrored) };
        }
        if has!("avx2") && has!("popcnt") {
            // SAFETY: the processor has the instructions.
            return unsafe { all_nearest_avx2(reference, ad, mirrored) };
        }
    }
    all_nearest_plain(reference, ad, mirrored)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vpopcntdq")]
fn all_nearest_avx512(reference: &LocalReference, ad: &LocalAd, mirrored: bool) -> Vec<Nearest> {
    all_nearest_plain(reference, ad, mirrored)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn all_nearest_avx2(reference: &LocalReference, ad: &LocalAd, mirrored: bool) -> Vec<Nearest> {
    all_nearest_plain(reference, ad, mirrored)
}

/// The nearest feature, its distance, and the distance of the next nearest.
type Nearest = (usize, u32, u32);

#[inline(always)]
fn all_nearest_plain(reference: &LocalReference, ad: &LocalAd, mirrored: bool) -> Vec<Nearest> {
    let own = DescriptorColumns::of(reference);
    let mut all = Vec::with_capacity(ad.key_points.len());
    // plain loops: what a closure holds may be compiled without the instructions
    for (point, turned) in ad.key_points.iter().zip(&ad.mirrored) {
        let sought = if mirrored { turned } else { &point.descriptor };
        all.push(own.nearest(sought));
    }
    all
}

/// A reference's descriptors word by word, so that several are compared at once.
struct DescriptorColumns {
    words: [[u64; REFERENCE_FEATURES_MAX]; DESCRIPTOR_WORDS],
    len: usize,
}

impl DescriptorColumns {
    fn of(reference: &LocalReference) -> Self {
        let len = reference.key_points.len().min(REFERENCE_FEATURES_MAX);
        let mut words = [[0; REFERENCE_FEATURES_MAX]; DESCRIPTOR_WORDS];
        for (i, point) in reference.key_points.iter().take(len).enumerate() {
            for (column, word) in words.iter_mut().zip(point.descriptor.0) {
                column[i] = word;
            }
        }
        Self { words, len }
    }

    /// Of features equally near the first.
    #[inline(always)]
    fn nearest(&self, sought: &Descriptor) -> Nearest {
        let ([a, b, c], [x, y, z]) = (&self.words, sought.0);
        // distance, then number: the least key is the nearest feature, the first of several
        let mut keys = [u64::MAX; REFERENCE_FEATURES_MAX];
        for i in 0..REFERENCE_FEATURES_MAX {
            let distance =
                (a[i] ^ x).count_ones() + (b[i] ^ y).count_ones() + (c[i] ^ z).count_ones();
            keys[i] = u64::from(distance) << 32 | i as u64;
        }
        keys[self.len..].fill(u64::MAX);
        let least = least(&keys);
        let at = (least as u32) as usize;
        if at < self.len {
            keys[at] = u64::MAX;
        }
        (at, (least >> 32) as u32, (self::least(&keys) >> 32) as u32)
    }
}

#[inline(always)]
fn least(keys: &[u64; REFERENCE_FEATURES_MAX]) -> u64 {
    let mut least = u64::MAX;
    for key in keys {
        least = least.min(*key);
    }
    least
}

fn correspondence(own: usize, ad: usize, distance_bits: u32, next: u32) -> Correspondence {
    let margin = next.saturating_sub(distance_bits).min(MARGIN_BITS_MAX);
    let near = 1.0 - distance_bits as f32 / DISTANCE_BITS_MAX as f32;
    Correspondence {
        own,
        ad,
        weight: near.max(0.05) + 0.04 * margin as f32,
        rank: distance_bits as i32 - margin as i32,
        distance_bits,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::local::image_pair::KeyPoint;

    fn point(words: [u64; 3]) -> KeyPoint {
        KeyPoint {
            at: (0.0, 0.0),
            scale: 1.0,
            along: (1.0, 0.0),
            descriptor: Descriptor(words),
        }
    }

    /// One by one, as one would write it down.
    fn plainly(own: &[[u64; 3]], sought: &Descriptor) -> Nearest {
        let mut far: Vec<(u32, usize)> = own
            .iter()
            .enumerate()
            .map(|(i, words)| (Descriptor(*words).distance_bits(sought), i))
            .collect();
        far.sort_unstable();
        let (distance, at) = far[0];
        (at, distance, far.get(1).map_or(u32::MAX, |next| next.0))
    }

    proptest! {
        #[test]
        fn distances_equal_a_plain_count(a: [u64; 3], b: [u64; 3]) {
            let bits = (0..192).filter(|i| (a[i / 64] ^ b[i / 64]) >> (i % 64) & 1 == 1).count();
            prop_assert_eq!(Descriptor(a).distance_bits(&Descriptor(b)) as usize, bits);
        }

        #[test]
        fn every_kernel_finds_the_nearest(
            // few words, so that many features are equally near
            own in prop::collection::vec((0u64..4, 0u64..4, 0u64..4), 1..=180),
            sought: [u64; 3],
        ) {
            let own: Vec<[u64; 3]> = own.into_iter().map(|(a, b, c)| [a, b, c]).collect();
            let reference = LocalReference::of_key_points(own.iter().map(|words| point(*words)).collect());
            let ad = LocalAd::of_key_points(vec![point(sought)]);
            let expected = plainly(&own, &Descriptor(sought));
            prop_assert_eq!(all_nearest(&reference, &ad, false), [expected]);
            prop_assert_eq!(all_nearest_plain(&reference, &ad, false), [expected]);
            let expected = plainly(&own, &Descriptor(sought).mirrored());
            prop_assert_eq!(all_nearest(&reference, &ad, true), [expected]);
        }
    }

    #[test]
    fn a_reference_without_features_has_no_hits() {
        let (reference, ad) = (
            LocalReference::of_key_points(vec![]),
            LocalAd::of_key_points(vec![point([1, 2, 3])]),
        );
        assert!(correspondences(&reference, &ad, false).is_empty());
    }
}
