//! Which segments to merge into one: many small ones of about a size, never more than a program
//! holds in memory.

use crate::{ITEMS_MAX, SegmentEntry};

/// When segments are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeRule {
    /// Segments of one size that are left alone together.
    pub segments_min: usize,
    /// Segments merged at once at most.
    pub segments_max: usize,
    /// Bytes of what comes out at most.
    pub bytes_max: u64,
}

/// Sizes within this factor of each other count as one: each item is written again once per size,
/// so seldom.
const TIER_FACTOR_BITS: u32 = 2;

fn tier(entry: &SegmentEntry) -> u32 {
    entry.bytes.max(1).ilog2() / TIER_FACTOR_BITS
}

/// Segments to be merged into one, the smallest that have company; none if all can stay.
pub fn to_merge<'a>(live: &'a [SegmentEntry], rule: &MergeRule) -> Vec<&'a SegmentEntry> {
    let mut free: Vec<&SegmentEntry> = live.iter().collect();
    free.sort_by_key(|entry| (entry.bytes, entry.name));
    for company in free.chunk_by(|a, b| tier(a) == tier(b)) {
        let chosen = fitting(company, rule);
        if chosen.len() >= rule.segments_min.max(2) {
            return chosen;
        }
    }
    Vec::new()
}

/// The first of these that fit into one segment.
fn fitting<'a>(company: &[&'a SegmentEntry], rule: &MergeRule) -> Vec<&'a SegmentEntry> {
    let (mut bytes, mut items) = (0, 0);
    let fits = |entry: &&&SegmentEntry| {
        bytes += entry.bytes;
        items += entry.items as usize;
        bytes <= rule.bytes_max && items <= ITEMS_MAX
    };
    let chosen = company.iter().take(rule.segments_max).take_while(fits);
    chosen.copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SegmentName;

    fn entry(number: u8, bytes: u64) -> SegmentEntry {
        SegmentEntry {
            name: SegmentName([number; 32]),
            head_sha256: [0; 32],
            bytes,
            index_bytes: bytes,
            items: 1,
            views: 1,
            format: 1,
            oldest_day: 0,
        }
    }

    const RULE: MergeRule = MergeRule {
        segments_min: 4,
        segments_max: 8,
        bytes_max: 1_000_000,
    };

    fn check(sizes: &[u64], expected: &[u64]) {
        let live: Vec<SegmentEntry> = (0..)
            .zip(sizes)
            .map(|(n, bytes)| entry(n, *bytes))
            .collect();
        let chosen: Vec<u64> = to_merge(&live, &RULE).iter().map(|e| e.bytes).collect();
        assert_eq!(chosen, expected, "{sizes:?}");
    }

    #[test]
    fn the_smallest_that_have_company_are_merged() {
        check(&[], &[]);
        check(&[300, 301, 302], &[]);
        check(&[300, 301, 9_000, 302, 303], &[300, 301, 302, 303]);
        check(
            &[20, 9_000, 9_001, 9_002, 9_003],
            &[9_000, 9_001, 9_002, 9_003],
        );
        check(&[300; 20], &[300; 8]);
    }

    #[test]
    fn what_would_not_fit_stays() {
        check(&[600_000; 4], &[]);
        check(&[300_000; 9], &[]);
        check(&[262_144; 9], &[]);
        check(&[250_000; 9], &[250_000; 4]);
    }

    #[test]
    fn merging_again_and_again_comes_to_an_end() {
        let mut live: Vec<SegmentEntry> = (0..200).map(|n| entry(n, 1_000)).collect();
        let mut written = 0;
        loop {
            let chosen: Vec<SegmentEntry> = to_merge(&live, &RULE).into_iter().copied().collect();
            let Some(first) = chosen.first() else { break };
            let bytes: u64 = chosen.iter().map(|e| e.bytes).sum();
            written += bytes;
            live.retain(|e| !chosen.iter().any(|it| it.name == e.name));
            live.push(SegmentEntry { bytes, ..*first });
        }
        assert!(live.len() < 16, "{} segments are left", live.len());
        assert!(
            written <= 4 * 200_000,
            "every item is written four times at most"
        );
    }
}
