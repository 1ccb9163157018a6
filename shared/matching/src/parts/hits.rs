//! Which features of the ad look like which of the reference.

use records::features::{DESCRIPTOR_BITS, Descriptor};

use super::sides::{Ad, Reference};

/// A feature of the reference and one of the ad that look alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
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
/// Most hits looked at.
const HITS_MAX: usize = 120;
/// A margin beyond this says no more.
const MARGIN_BITS_MAX: u32 = 32;

/// The hits, best first: for every feature of the ad the nearest of the reference, and of those
/// that name the same one the nearest.
pub(super) fn hits(reference: &Reference, ad: &Ad, mirrored: bool) -> Vec<Hit> {
    let mut best: Vec<Option<Hit>> = vec![None; reference.spots.len()];
    for (at, (own, distance_bits, next)) in
        all_nearest(reference, ad, mirrored).into_iter().enumerate()
    {
        let better = |hit: &Hit| distance_bits < hit.distance_bits;
        if distance_bits <= DISTANCE_BITS_MAX && best[own].as_ref().is_none_or(better) {
            best[own] = Some(hit(own, at, distance_bits, next));
        }
    }
    let mut hits: Vec<Hit> = best.into_iter().flatten().collect();
    hits.sort_by_key(|hit| (hit.rank, hit.ad));
    hits.truncate(HITS_MAX);
    hits
}

/// For every feature of the ad the nearest of the reference. Counting bits is all of the work, and
/// x86-64 has an instruction for it since 2008 that compilers may not assume.
fn all_nearest(reference: &Reference, ad: &Ad, mirrored: bool) -> Vec<(usize, u32, u32)> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("popcnt") {
        // SAFETY: the processor has the instruction.
        return unsafe { all_nearest_popcnt(reference, ad, mirrored) };
    }
    all_nearest_plain(reference, ad, mirrored)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn all_nearest_popcnt(reference: &Reference, ad: &Ad, mirrored: bool) -> Vec<(usize, u32, u32)> {
    all_nearest_plain(reference, ad, mirrored)
}

#[inline(always)]
fn all_nearest_plain(reference: &Reference, ad: &Ad, mirrored: bool) -> Vec<(usize, u32, u32)> {
    let mut all = Vec::with_capacity(ad.spots.len());
    // plain loops: what a closure holds may be compiled without the instruction
    for (spot, turned) in ad.spots.iter().zip(&ad.mirrored) {
        let sought = if mirrored { turned } else { &spot.descriptor };
        all.push(nearest(reference, sought));
    }
    all
}

fn hit(own: usize, ad: usize, distance_bits: u32, next: u32) -> Hit {
    let margin = next.saturating_sub(distance_bits).min(MARGIN_BITS_MAX);
    let near = 1.0 - distance_bits as f32 / DISTANCE_BITS_MAX as f32;
    Hit {
        own,
        ad,
        weight: near.max(0.05) + 0.04 * margin as f32,
        rank: distance_bits as i32 - margin as i32,
        distance_bits,
    }
}

/// The nearest feature, its distance and the next one's.
#[inline(always)]
fn nearest(reference: &Reference, sought: &Descriptor) -> (usize, u32, u32) {
    let mut best = (0, u32::MAX, u32::MAX);
    for (i, spot) in reference.spots.iter().enumerate() {
        let distance = sought.distance_bits(&spot.descriptor);
        if distance < best.1 {
            best = (i, distance, best.1);
        } else if distance < best.2 {
            best.2 = distance;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn distances_equal_a_plain_count(a: [u64; 3], b: [u64; 3]) {
            let bits = (0..192).filter(|i| (a[i / 64] ^ b[i / 64]) >> (i % 64) & 1 == 1).count();
            prop_assert_eq!(Descriptor(a).distance_bits(&Descriptor(b)) as usize, bits);
        }
    }
}
