//! Features that many ads have, learned from the ads themselves: the logo of a site, the frame of
//! a screenshot, a sticker, a background of half the trade. They say little about which photo an
//! ad shows, and so count less.
//!
//! Less, never nothing: who fills the ads with pieces of a photo in order to hide it makes its
//! features common, and it must still be found. What whole ads have in common teaches nothing, or
//! the ad that is posted most would count least.

use features::fingerprint::AdFingerprint;
use features::{COMMON_FEATURES_MAX, CommonFeature, CommonFeatures, Descriptor};

use super::image_pair::LocalAd;
use super::index::Index;

/// Ads of a sample at most: more say no more, and each is searched among all others.
const ADS_MAX: usize = 256;
/// Fewest ads that teach anything.
const ADS_MIN: usize = 64;
/// Two ads nearer than this as whole pictures are one, in bits of 256: PDQ's own limit.
const SAME_AD_BITS_MAX: u16 = 31;
/// Up to this distance two features are the same drawn thing, in bits of 192: a logo that a site
/// puts over its pictures differs by what JPEG does to it, while half of all true pairs lie up to
/// 29 apart. With 40 bits every edge of a photo was common.
const SAME_BITS_MAX: u32 = 18;
/// The share of ads from which a feature is common. Among 256 photos 417 features are, key points and
/// edges without more to them; where a logo lies over all of them, its own are in 0.4 to 1.
const SHARE_MIN: f32 = 0.10;
/// The share below which it is forgotten.
const SHARE_KEPT_MIN: f32 = 0.05;
/// How much a sample counts relative to those before it, once there were some.
const SAMPLE_WEIGHT: f32 = 0.25;
/// The least that a feature counts.
const WEIGHT_MIN: f32 = 0.25;

/// What is known of features that many ads have; at first nothing.
#[derive(Default)]
pub struct StopFeatures {
    known: CommonFeatures,
    index: Index,
}

impl std::fmt::Debug for StopFeatures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StopFeatures({} features)", self.known.features.len())
    }
}

impl StopFeatures {
    /// From what was learned before.
    pub fn of(known: CommonFeatures) -> Self {
        let descriptors = known.features.iter().map(|it| it.descriptor);
        let index = Index::of_each(descriptors);
        Self { known, index }
    }

    /// Number of features that are known to be common.
    pub fn len(&self) -> usize {
        self.known.features.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.known.features.is_empty()
    }

    /// How much a feature of an ad counts: 1, or less if many ads have it, at least a quarter.
    pub(super) fn weight(&self, feature: &Descriptor) -> f32 {
        if self.is_empty() {
            return 1.0;
        }
        let near = self.index.nearest_within(feature, SAME_BITS_MAX);
        near.map_or(1.0, |at| {
            let share = self.known.features[at as usize].share;
            (SHARE_MIN / share.max(f32::MIN_POSITIVE)).clamp(WEIGHT_MIN, 1.0)
        })
    }
}

/// What is known after a sample: ads taken at random, 256 of them at most. Nothing changes if they
/// are fewer than 64 different ones.
pub fn trained(before: &CommonFeatures, ads: &[AdFingerprint]) -> CommonFeatures {
    let ads = different(ads);
    if ads.len() < ADS_MIN {
        return before.clone();
    }
    let sample = sample(&ads);
    let weight = SAMPLE_WEIGHT.max(1.0 / (before.samples as f32 + 1.0));
    let old = before.features.iter().map(|it| (it, 1.0 - weight));
    let new = sample.iter().map(|it| (it, weight));
    let mut features: Vec<CommonFeature> = Vec::new();
    for (seen, weight) in old.chain(new) {
        let share = seen.share * weight;
        let is_same = |it: &&mut CommonFeature| are_same(&it.descriptor, &seen.descriptor);
        match features.iter_mut().find(is_same) {
            Some(known) => known.share += share,
            None => features.push(CommonFeature { share, ..*seen }),
        }
    }
    features.retain(|it| it.share >= SHARE_KEPT_MIN);
    most_common_first(&mut features);
    features.truncate(COMMON_FEATURES_MAX);
    CommonFeatures {
        last_segment: before.last_segment,
        samples: before.samples.saturating_add(1),
        features,
    }
}

/// The ads whose local features can be read, of those that are one as whole pictures the first.
fn different(ads: &[AdFingerprint]) -> Vec<LocalAd> {
    let mut taken: Vec<&AdFingerprint> = Vec::new();
    let mut read = Vec::new();
    for ad in ads {
        let is_same = |other: &&AdFingerprint| {
            other.whole.pdq.distance_bits(&ad.whole.pdq) <= SAME_AD_BITS_MAX
        };
        if read.len() < ADS_MAX
            && !taken.iter().any(is_same)
            && let Some(local) = LocalAd::read(&ad.features)
        {
            taken.push(ad);
            read.push(local);
        }
    }
    read
}

/// The features that many of these ads have, each once, the most common first.
fn sample(ads: &[LocalAd]) -> Vec<CommonFeature> {
    let descriptors = ads.iter().map(LocalAd::descriptors);
    let index = Index::of_many((0..).zip(descriptors));
    let share = |descriptor: &Descriptor| {
        let owners = index.owners_within(descriptor, SAME_BITS_MAX);
        owners as f32 / ads.len() as f32
    };
    let mut common: Vec<CommonFeature> = ads
        .iter()
        .flat_map(|ad| ad.descriptors())
        .map(|descriptor| CommonFeature {
            descriptor,
            share: share(&descriptor),
        })
        .filter(|it| it.share >= SHARE_MIN)
        .collect();
    most_common_first(&mut common);
    let mut once: Vec<CommonFeature> = Vec::new();
    for it in common {
        if once.len() == COMMON_FEATURES_MAX {
            break;
        }
        if !once
            .iter()
            .any(|known| are_same(&known.descriptor, &it.descriptor))
        {
            once.push(it);
        }
    }
    once
}

fn are_same(a: &Descriptor, b: &Descriptor) -> bool {
    a.distance_bits(b) <= SAME_BITS_MAX
}

fn most_common_first(features: &mut [CommonFeature]) {
    features.sort_by(|a, b| {
        let by_share = b.share.total_cmp(&a.share);
        by_share.then_with(|| a.descriptor.cmp(&b.descriptor))
    });
}
