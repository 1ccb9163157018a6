//! Random numbers that are the same in every run.

use image::Rgb;

/// Numbers that look random and are the same in every run (SplitMix64).
pub(crate) struct Rng(u64);

impl Rng {
    /// A stream of its own for each seed and name.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let fold = |state: u64, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3); // FNV-1a
        Self(name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, fold))
    }

    /// A number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % u64::from(bound)) as u32
    }

    pub(crate) fn colour(&mut self) -> Rgb<u8> {
        Rgb([(); 3].map(|()| 40 + self.below(176) as u8))
    }
}
