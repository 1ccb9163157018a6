//! Draws that a seed repeats. Each is made for something, named by words, and does not depend on
//! what was drawn before: so the order of two threads cannot change a run.

/// FNV-1a, 64 bits: the same on every machine and in every build, unlike the standard hashers.
pub fn fold(hash: u64, bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
    bytes.iter().fold(hash, step)
}

/// The start of [`fold`].
pub const FOLD_START: u64 = 0xcbf2_9ce4_8422_2325;

/// A hash of bytes.
pub fn hash(bytes: &[u8]) -> u64 {
    fold(FOLD_START, bytes)
}

/// A sequence of draws.
#[derive(Clone, Copy, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The draws of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The draws for one purpose, independent of all others.
    pub fn of(&self, purpose: &str, number: u64) -> Self {
        let named = fold(hash(&self.0.to_le_bytes()), purpose.as_bytes());
        Self(fold(named, &number.to_le_bytes()))
    }

    /// The next 64 bits (splitmix64).
    #[allow(clippy::should_implement_trait)] // rng never end
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in `times` draws.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
