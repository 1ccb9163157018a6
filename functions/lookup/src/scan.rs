//! The comparison of some references with many images, in both stages: the one place where a search
//! through the past is made fast.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use features::filed::Section;

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
    filed: Option<local::PastQuery>,
}

/// Items of a segment, each with the queries that it may show, by their place.
pub(crate) type Candidates = BTreeMap<usize, BTreeSet<usize>>;

/// An image, and which of the queries it is compared with.
pub(crate) struct Candidate {
    pub(crate) ad: StoredAd,
    pub(crate) queries: Queries,
}

/// Some queries by their place, or all.
pub(crate) enum Queries {
    All,
    Some(BTreeSet<usize>),
}

impl Query {
    pub(crate) fn of(key: Key, fingerprint: Arc<ReferenceFingerprint>) -> Self {
        let local = local::LocalReference::read(&fingerprint.features);
        let filed = local::PastQuery::of(&fingerprint.features);
        Self {
            key,
            fingerprint,
            local,
            filed,
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
    candidates: Vec<Candidate>,
    policy: &Policy,
    references: &ReferenceCache,
) -> Result<Vec<FoundPair>, LookupError> {
    let (queries, policy, set) = (queries.clone(), policy.clone(), references.set.clone());
    let compare = move || {
        let set = set.read().ok()?;
        let of_candidate = |candidate: &Candidate| {
            let local = set.local_of(&candidate.ad.fingerprint);
            of_candidate(&queries, candidate, local.as_ref(), &policy)
        };
        Some(candidates.iter().flat_map(of_candidate).collect())
    };
    let compared = tokio::task::spawn_blocking(compare).await;
    compared.ok().flatten().ok_or(LookupError::CutOff)
}

fn of_candidate(
    all: &[Query],
    Candidate { ad, queries }: &Candidate,
    local: Option<&local::LocalAd>,
    policy: &Policy,
) -> Vec<FoundPair> {
    let is_chosen = |place: &usize| match queries {
        Queries::All => true,
        Queries::Some(chosen) => chosen.contains(place),
    };
    let pair = |one: &Query| {
        let reference = (&*one.fingerprint, one.local.as_ref());
        let found = matching::compare_read(reference, (&ad.fingerprint, local), policy)?;
        Some(FoundPair {
            key: one.key.clone(),
            brought: Brought::of(ad),
            found,
        })
    };
    let chosen = (0..all.len()).filter(is_chosen);
    chosen.filter_map(|place| pair(&all[place])).collect()
}

/// The items of a segment that may show one of these references as a whole, among them all that
/// do: its hashes are read in one straight line for all of them. Off the async threads.
pub(crate) async fn neighbouring_items(
    index: &Arc<SegmentIndex>,
    queries: &Arc<[Query]>,
    policy: &Policy,
) -> Result<Candidates, LookupError> {
    let (index, queries) = (index.clone(), queries.clone());
    let distance_bits_max = policy.whole.distance_bits_max;
    let scan = move || {
        let framings = queries.iter().enumerate().flat_map(|(place, one)| {
            let framings = one.fingerprint.framings.iter();
            framings.map(move |(_, view)| (place, view.pdq))
        });
        let (places, hashes): (Vec<usize>, Vec<Hash256>) = framings.unzip();
        let columns = Columns::read(index.pdq_columns())?;
        let mut items = Candidates::new();
        neighbours(columns, &hashes, distance_bits_max, |near| {
            let item = items.entry(index.item_of_row(near.item)).or_default();
            item.insert(places[near.query]);
        });
        Some(items)
    };
    let scanned = tokio::task::spawn_blocking(scan).await;
    scanned.ok().flatten().ok_or(LookupError::CutOff)
}

/// The items of a section of a segment's filed features, of which this is the number, that may show one of
/// these references by parts; none if the section is damaged. Off the async threads.
pub(crate) async fn filed_items(
    index: &Arc<SegmentIndex>,
    (number, section): (usize, impl AsRef<[u8]> + Send + 'static),
    queries: &Arc<[Query]>,
) -> Result<Option<Candidates>, LookupError> {
    let (items, queries) = (index.section_items(number), queries.clone());
    let probe = move || {
        let section = Section::read(section.as_ref(), items.len()).ok()?;
        let mut found = Candidates::new();
        for (place, query) in queries.iter().enumerate() {
            let Some(filed) = &query.filed else { continue };
            for ad in filed.among(&section) {
                let item = items.start + usize::from(ad);
                found.entry(item).or_default().insert(place);
            }
        }
        Some(found)
    };
    let probed = tokio::task::spawn_blocking(probe).await;
    probed.map_err(|_| LookupError::CutOff)
}
