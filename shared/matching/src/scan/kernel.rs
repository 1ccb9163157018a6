//! With which instructions the prefilter runs: the processor decides, once the program runs.

use super::columns::Prefixes;
use super::prefilter::{self, Prefix, Survivors};

/// Instructions that the running processor has. There is no other way to get one, so that having
/// one proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Instructions);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

/// Fastest first.
const ALL: &[Instructions] = &[
    #[cfg(target_arch = "x86_64")]
    Instructions::Avx512,
    #[cfg(target_arch = "x86_64")]
    Instructions::Avx2,
    Instructions::Portable,
];

impl Kernel {
    /// The fastest for this processor.
    pub fn best() -> Self {
        Self::available()
            .next()
            .unwrap_or(Self(Instructions::Portable))
    }

    /// All that this processor has, fastest first; the last is always the portable one.
    pub fn available() -> impl Iterator<Item = Self> {
        let available = ALL.iter().filter(|instructions| instructions.are_here());
        available.copied().map(Self)
    }

    /// `avx512`, `avx2` or `portable`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => "avx2",
            Instructions::Portable => "portable",
        }
    }

    /// See [`prefilter::prefilter`].
    #[allow(
        unsafe_code,
        reason = "calls code for instructions that the processor was asked for"
    )]
    pub(super) fn prefilter(
        self,
        stored: Prefixes<'_>,
        query: &Prefix,
        survivors: &mut Survivors,
        places: &mut Vec<u32>,
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernel` of these instructions exists only where the processor has them.
            Instructions::Avx512 => unsafe { prefilter_avx512(stored, query, survivors, places) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Instructions::Avx2 => unsafe { prefilter_avx2(stored, query, survivors, places) },
            Instructions::Portable => prefilter::prefilter(stored, query, survivors, places),
        }
    }
}

impl Instructions {
    fn are_here(&self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512bitalg")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            Self::Portable => true,
        }
    }
}

/// 64 bytes at once, with an instruction that counts the bits of each.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bitalg")]
fn prefilter_avx512(
    stored: Prefixes<'_>,
    query: &Prefix,
    survivors: &mut Survivors,
    places: &mut Vec<u32>,
) {
    prefilter::prefilter(stored, query, survivors, places);
}

/// 32 bytes at once, their bits counted by tables within registers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn prefilter_avx2(
    stored: Prefixes<'_>,
    query: &Prefix,
    survivors: &mut Survivors,
    places: &mut Vec<u32>,
) {
    prefilter::prefilter(stored, query, survivors, places);
}
