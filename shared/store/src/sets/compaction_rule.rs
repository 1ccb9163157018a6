//! When sets are compacted, and what came of it.

use std::time::Duration;

use segments::MergeRule;

/// When and how much is compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactionRule {
    /// The tail is compacted once it has this many ads ...
    pub tail_ads_min: usize,
    /// ... or one that came so long ago.
    pub tail_age_max: Duration,
    /// Bytes of one batch at most, about: what fits in memory twice.
    pub batch_bytes_max: u64,
    /// Batches of one run at most: the rest is the next run's.
    pub batches_max: usize,
    /// The references' log is compacted once it has this many entries.
    pub log_entries_min: usize,
    /// When segments are merged.
    pub merge: MergeRule,
    /// How long a segment that was replaced stays for those who still read it, and one that no
    /// manifest ever named for those who may still be at work on it. Longer than any of them runs.
    pub grace: Duration,
    /// Whether packs and segments of ads that are not needed any more, and manifests that were
    /// replaced, stay as versions until the bucket's own rule removes them: as long as tables can be
    /// put back to a time when they were needed. What is to be forgotten goes at once all the same.
    pub keeps_versions: bool,
}

impl Default for CompactionRule {
    /// For programs with a gigabyte of memory and a quarter of an hour.
    fn default() -> Self {
        Self {
            tail_ads_min: 1_000, // 16 MB with all features: cheaper in a segment from then on
            tail_age_max: Duration::from_secs(24 * 3_600),
            batch_bytes_max: 64 << 20, // 4,000 ads with all features
            batches_max: 64,
            log_entries_min: 256, // 3 MB: a second's read for a program that starts
            merge: MergeRule {
                segments_min: 4,
                segments_max: 8,
                bytes_max: 128 << 20, // a search reads one well within a quarter of an hour
            },
            grace: Duration::from_secs(3_600), // four times what a function may run
            keeps_versions: false,
        }
    }
}

impl CompactionRule {
    /// The default, but for a tail from this many ads on, if one is given: then also for a log that is
    /// no longer.
    pub fn from_tail_ads(tail_ads_min: Option<usize>) -> Self {
        let rule = Self::default();
        let tail_ads_min = tail_ads_min.unwrap_or(rule.tail_ads_min);
        Self {
            tail_ads_min,
            log_entries_min: rule.log_entries_min.min(tail_ads_min),
            ..rule
        }
    }

    /// The same, but where a bucket's rule keeps versions for some days, with versions.
    #[must_use]
    pub fn keeping_versions(self, days: Option<u32>) -> Self {
        Self {
            keeps_versions: days.is_some_and(|days| days > 0),
            ..self
        }
    }
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Ads that moved into segments.
    pub items: u64,
    /// Packs that left the tail.
    pub cleared: u64,
    /// Segments that were merged into others.
    pub merged: u64,
    /// Swaps that others won: their work stands, this one's is done again.
    pub lost: u64,
    /// Objects deleted.
    pub deleted: u64,
    /// Damages that were mended: something was lost, put back, or changed by other hands.
    pub mended: u64,
}

impl std::ops::AddAssign for Compacted {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.cleared += other.cleared;
        self.merged += other.merged;
        self.lost += other.lost;
        self.deleted += other.deleted;
        self.mended += other.mended;
    }
}
