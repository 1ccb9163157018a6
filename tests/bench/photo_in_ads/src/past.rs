//! Some references against many past ads, by their filed features and, of a part of the same ads, one by
//! one: what both take of the processor, and what both find.

use std::hint::black_box;

use features::filed::{SECTION_ADS, Section, section};
use features::fingerprint::{AdFingerprint, ReferenceFingerprint};
use matching::local::{LocalAd, LocalReference, PastQuery};
use matching::{Level, Policy, compare_read};

/// One ad of so many is judged by all references whatever is proposed: the time of a pair comes of these.
const JUDGED_OF: usize = 64;

/// A reference, read.
pub struct Own {
    fingerprint: ReferenceFingerprint,
    local: LocalReference,
    query: PastQuery,
}

impl Own {
    /// None if it has no local features.
    pub fn of(fingerprint: ReferenceFingerprint) -> Option<Self> {
        Some(Self {
            local: LocalReference::read(&fingerprint.features)?,
            query: PastQuery::of(&fingerprint.features)?,
            fingerprint,
        })
    }

    fn alerts(&self, ad: &AdFingerprint, policy: &Policy) -> bool {
        let local = LocalAd::read(&ad.features);
        let own = (&self.fingerprint, Some(&self.local));
        let found = compare_read(own, (ad, local.as_ref()), policy);
        black_box(found).is_some_and(|found| found.level == Level::Alert)
    }
}

/// What is measured, as times of the processor in seconds.
#[derive(Default)]
pub struct Measured {
    pub ads: usize,
    pub feature_bytes: usize,
    pub filed_bytes: usize,
    /// To file the ads, once, at compaction.
    pub filing_s: f64,
    /// To read the sections, to probe them, and to judge what is proposed.
    pub searching_s: f64,
    /// Pairs that were judged of those proposed.
    pub proposed: usize,
    /// Pairs judged one by one, and what they took: the rest is reckoned from these.
    pub pairs: usize,
    pub pairs_s: f64,
}

impl Measured {
    /// What judging every pair would take, reckoned from those that were.
    pub fn exhaustive_s(&self, references: usize) -> f64 {
        self.pairs_s / self.pairs.max(1) as f64 * (self.ads * references) as f64
    }
}

/// Searches so many ads, these again and again, for some references. Made-up bits would not do: features of photos
/// are far from evenly spread, and what is proposed falsely comes of that.
pub fn measure(own: &[Own], base: &[AdFingerprint], number: usize) -> Measured {
    let (policy, mut all) = (Policy::default(), Measured::default());
    while all.ads < number {
        let ads: Vec<AdFingerprint> = (0..SECTION_ADS.min(number - all.ads))
            .map(|i| base[(all.ads + i) % base.len()].clone())
            .collect();
        let started = processor_s();
        let bytes = section(ads.iter().map(|ad| &ad.features[..]));
        let filed = processor_s();
        let read = Section::read(&bytes, ads.len()).expect("as written");
        for one in own {
            for ad in one.query.among(&read) {
                one.alerts(&ads[usize::from(ad)], &policy);
                all.proposed += 1;
            }
        }
        let searched = processor_s();
        for ad in ads.iter().step_by(JUDGED_OF) {
            for one in own {
                one.alerts(ad, &policy);
                all.pairs += 1;
            }
        }
        all.pairs_s += processor_s() - searched;
        all.searching_s += searched - filed;
        all.filing_s += filed - started;
        all.filed_bytes += bytes.len();
        all.feature_bytes += ads.iter().map(|ad| ad.features.len()).sum::<usize>();
        all.ads += ads.len();
    }
    all
}

/// How many pairs of these alert, and how many of those are proposed.
pub fn recall<'a>(own: &Own, ads: impl IntoIterator<Item = &'a AdFingerprint>) -> (usize, usize) {
    let (policy, mut alerts, mut proposed) = (Policy::default(), 0, 0);
    for ad in ads {
        if own.alerts(ad, &policy) {
            let bytes = section([&ad.features[..]]);
            let read = Section::read(&bytes, 1).expect("as written");
            alerts += 1;
            proposed += own.query.among(&read).len();
        }
    }
    (alerts, proposed)
}

/// Seconds of the processor that this thread has had.
fn processor_s() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    let nanoseconds = told.split(' ').next().and_then(|it| it.parse::<f64>().ok());
    nanoseconds.expect("a number") / 1e9
}
