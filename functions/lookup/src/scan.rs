//! The comparison of some references with many images, in both stages: the one place where a search
//! through the past is made fast.

use std::collections::BTreeSet;
use std::sync::Arc;

use features::fingerprint::{Hash256, ReferenceFingerprint};
use matching::scan::{Columns, neighbours};
use matching::{Match, Policy, local};
use records::{Evidence, ImageSha256, Sighting, TenantId};
use store::{SegmentIndex, StoredAd};

use crate::references::ReferenceCache;
use crate::{Key, LookupError};

/// A reference that is searched for, its features read once.
pub(crate) struct Query {
    pub(crate) key: Key,
    fingerprint: Arc<ReferenceFingerprint>,
    local: Option<local::LocalReference>,
}

impl Query {
    pub(crate) fn of(key: Key, fingerprint: Arc<ReferenceFingerprint>) -> Self {
        let local = local::LocalReference::read(&fingerprint.features);
        Self {
            key,
            fingerprint,
            local,
        }
    }

    /// Whether it can be found by its local features, or only as a whole.
    pub(crate) fn has_local_features(&self) -> bool {
        self.local.is_some()
    }
}

/// An ad image and who brought it.
#[derive(Clone)]
pub(crate) struct Brought {
    pub(crate) by: TenantId,
    pub(crate) image: ImageSha256,
    pub(crate) evidence: Evidence,
    pub(crate) postings: Vec<Sighting>,
}

impl Brought {
    /// Only what a list of hashes claims has postings that travel with it.
    pub(crate) fn of(ad: &StoredAd) -> Self {
        Self {
            by: ad.tenant.clone(),
            image: ad.image_sha256,
            evidence: match ad.postings.is_empty() {
                true => Evidence::Computed,
                false => Evidence::Claimed,
            },
            postings: ad.postings.clone(),
        }
    }
}

/// A pair that matches.
pub(crate) struct FoundPair {
    pub(crate) key: Key,
    pub(crate) brought: Brought,
    pub(crate) found: Match,
}

/// Every pair of these references and images that matches, off the async threads. Each image's
/// features are read once for all references.
pub(crate) async fn pairs(
    queries: &Arc<[Query]>,
    ads: Vec<StoredAd>,
    policy: &Policy,
    references: &ReferenceCache,
) -> Result<Vec<FoundPair>, LookupError> {
    let (queries, policy, set) = (queries.clone(), policy.clone(), references.set.clone());
    let compare = move || {
        let set = set.read().ok()?;
        let of_ad = |ad: &StoredAd| {
            let local = set.local_of(&ad.fingerprint);
            of_ad(&queries, ad, local.as_ref(), &policy)
        };
        Some(ads.iter().flat_map(of_ad).collect())
    };
    let compared = tokio::task::spawn_blocking(compare).await;
    compared.ok().flatten().ok_or(LookupError::CutOff)
}

fn of_ad(
    queries: &[Query],
    ad: &StoredAd,
    local: Option<&local::LocalAd>,
    policy: &Policy,
) -> Vec<FoundPair> {
    let pair = |one: &Query| {
        let reference = (&*one.fingerprint, one.local.as_ref());
        let found = matching::compare_read(reference, (&ad.fingerprint, local), policy)?;
        Some(FoundPair {
            key: one.key.clone(),
            brought: Brought::of(ad),
            found,
        })
    };
    queries.iter().filter_map(pair).collect()
}

/// The items of a segment that may show one of these references as a whole, among them all that
/// do: its hashes are read in one straight line for all of them. Off the async threads.
pub(crate) async fn neighbouring_items(
    index: &Arc<SegmentIndex>,
    queries: &Arc<[Query]>,
    policy: &Policy,
) -> Result<BTreeSet<usize>, LookupError> {
    let (index, queries) = (index.clone(), queries.clone());
    let distance_bits_max = policy.whole.distance_bits_max;
    let scan = move || {
        let framings = queries.iter().flat_map(|one| &one.fingerprint.framings);
        let queries: Vec<Hash256> = framings.map(|(_, view)| view.pdq).collect();
        let columns = Columns::read(index.pdq_columns())?;
        let mut items = BTreeSet::new();
        neighbours(columns, &queries, distance_bits_max, |near| {
            items.insert(index.item_of_row(near.item));
        });
        Some(items)
    };
    let scanned = tokio::task::spawn_blocking(scan).await;
    scanned.ok().flatten().ok_or(LookupError::CutOff)
}
