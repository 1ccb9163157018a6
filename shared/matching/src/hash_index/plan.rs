//! How a hash is cut into bands, so that no neighbour is missed.
//!
//! Two hashes that differ in at most 31 bits cannot differ in more bits than a band tolerates in
//! every band, if those numbers, one more than is tolerated, sum to 32. So in some band they
//! differ in no more than it tolerates, and looking up that band's value with all such variations
//! proposes the pair. This is the pigeonhole principle with unequal holes: narrow bands tolerate
//! one changed bit, wide ones two, and the more rows there are, the more it pays to look up many
//! variations of wide bands, since each then leads to few rows.

/// Greatest distance for which the proof holds.
pub(super) const DISTANCE_BITS_MAX: u16 = 31;

/// One band of a hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Its width.
    pub(super) bits: u32,
    /// Changed bits that are looked up, 1 or 2.
    pub(super) tolerated: u32,
}

/// The bands for some number of rows.
struct BandPlan {
    rows_min: usize,
    cuts: &'static [Cut],
}

/// Where one plan gives way to the next, `tests/bench/search.py` measured; the number of values of
/// a band stays within a few times that of the rows.
const PLANS: [BandPlan; 4] = [
    BandPlan {
        rows_min: 3_000_000,
        cuts: &[W24, W24, W24, W24, W23, W23, W23, W23, W23, W23, W22_1],
    },
    BandPlan {
        rows_min: 1_500_000,
        cuts: &[W22, W22, W22, W22, W22, W22, W22, W22, W20, W20, W20, W20],
    },
    BandPlan {
        rows_min: 400_000,
        cuts: &[
            W21, W21, W21, W21, W21, W21, W19, W19, W19, W19, W18, W18, W18,
        ],
    },
    BandPlan {
        rows_min: 0,
        cuts: &[W16; 16],
    },
];
const W24: Cut = cut(24, 2);
const W23: Cut = cut(23, 2);
const W22_1: Cut = cut(22, 1);
const W22: Cut = cut(22, 2);
const W21: Cut = cut(21, 2);
const W20: Cut = cut(20, 1);
const W19: Cut = cut(19, 1);
const W18: Cut = cut(18, 1);
const W16: Cut = cut(16, 1);

const fn cut(bits: u32, tolerated: u32) -> Cut {
    Cut { bits, tolerated }
}

/// The proof's premises, checked by the compiler.
const _: () = {
    let mut plan = 0;
    while plan < PLANS.len() {
        let (mut bits, mut differing_bits_min, mut i) = (0, 0, 0);
        while i < PLANS[plan].cuts.len() {
            bits += PLANS[plan].cuts[i].bits;
            differing_bits_min += PLANS[plan].cuts[i].tolerated + 1;
            i += 1;
        }
        assert!(bits == 256, "the bands cover a hash");
        assert!(differing_bits_min == DISTANCE_BITS_MAX as u32 + 1);
        plan += 1;
    }
};

/// The bands that suit this many rows, from a hash's first bit to its last.
pub(super) fn cuts(rows: usize) -> &'static [Cut] {
    let suits = |plan: &&BandPlan| plan.rows_min <= rows;
    let plan = PLANS.iter().find(suits);
    plan.expect("the last plan suits any number").cuts
}

/// The bands of every plan.
#[cfg(test)]
pub(super) fn all_cuts() -> impl Iterator<Item = &'static [Cut]> {
    PLANS.iter().map(|plan| plan.cuts)
}
