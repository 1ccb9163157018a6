//! Hashes as rows, to be compared one by one.

use features::fingerprint::Hash256;

use crate::whole::HASH_BITS;

/// A hash as words, for counting bits. Aligned so that none lies across two lines of the cache.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(super) struct HashRow([u64; 4]);

impl HashRow {
    pub(super) fn of(hash: &Hash256) -> Self {
        let (words, _) = hash.0.as_chunks::<8>();
        Self(std::array::from_fn(|word| u64::from_be_bytes(words[word])))
    }

    /// Some neighbouring bits, 2 to 31 of them, as a number.
    #[inline(always)]
    pub(super) fn bits(&self, first_bit: u32, bits: u32) -> u32 {
        let (word, shift) = (first_bit as usize / 64, first_bit % 64);
        let next = self.0.get(word + 1).copied().unwrap_or(0);
        let both = u128::from(next) << 64 | u128::from(self.0[word]);
        (both >> shift) as u32 & ((1 << bits) - 1)
    }

    #[inline(always)]
    pub(super) fn distance_bits(&self, other: &Self) -> u16 {
        let differing = |word: usize| (self.0[word] ^ other.0[word]).count_ones() as u16;
        (0..4).map(differing).sum()
    }
}

/// Tells `found` which of the numbered rows are near the query or its complement.
#[inline(always)]
fn each_neighbour(
    rows: &[HashRow],
    numbers: &[u32],
    query: &HashRow,
    distance_bits_max: u16,
    found: impl FnMut(usize),
) {
    let is_near = |number: &usize| {
        let distance_bits = rows[*number].distance_bits(query);
        distance_bits.min(HASH_BITS - distance_bits) <= distance_bits_max
    };
    let numbers = numbers.iter().map(|number| *number as usize);
    numbers.filter(is_near).for_each(found);
}

/// The same with an instruction that counts bits, where the processor has it: every one made for
/// servers does, yet compilers may not assume it.
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the processor was asked for"
)]
pub(super) fn neighbours(
    rows: &[HashRow],
    numbers: &[u32],
    query: &HashRow,
    distance_bits_max: u16,
    found: impl FnMut(usize),
) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "popcnt")]
        fn each_neighbour_popcnt(
            rows: &[HashRow],
            numbers: &[u32],
            query: &HashRow,
            distance_bits_max: u16,
            found: impl FnMut(usize),
        ) {
            each_neighbour(rows, numbers, query, distance_bits_max, found);
        }
        if is_x86_feature_detected!("popcnt") {
            // SAFETY: the processor has the instruction.
            return unsafe {
                each_neighbour_popcnt(rows, numbers, query, distance_bits_max, found)
            };
        }
    }
    each_neighbour(rows, numbers, query, distance_bits_max, found);
}
