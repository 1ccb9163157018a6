//! The comparison of some references with many images: the one place where both stages of a search
//! through the past meet.

use std::sync::Arc;

use matching::{Match, Policy};
use records::ImageSha256;
use records::fingerprint::ReferenceFingerprint;
use store::StoredAd;

use crate::{Key, NotDone};

/// A reference that is searched for.
#[derive(Clone)]
pub(crate) struct Sought {
    pub(crate) key: Key,
    pub(crate) fingerprint: Arc<ReferenceFingerprint>,
}

/// A pair that matches.
pub(crate) struct Pair {
    pub(crate) key: Key,
    pub(crate) image: ImageSha256,
    pub(crate) found: Match,
}

/// Every pair of these references and images that matches, off the async threads. Each image is
/// read once for all references.
pub(crate) async fn pairs(
    sought: &Arc<[Sought]>,
    ads: Vec<StoredAd>,
    policy: &Policy,
) -> Result<Vec<Pair>, NotDone> {
    let (sought, policy) = (sought.clone(), policy.clone());
    tokio::task::spawn_blocking(move || {
        ads.iter()
            .flat_map(|ad| sought.iter().filter_map(|one| pair(one, ad, &policy)))
            .collect()
    })
    .await
    .map_err(|_| NotDone::CutOff)
}

fn pair(one: &Sought, ad: &StoredAd, policy: &Policy) -> Option<Pair> {
    let found = matching::compare(&one.fingerprint, &ad.fingerprint, policy)?;
    Some(Pair {
        key: one.key.clone(),
        image: ad.image_sha256,
        found,
    })
}
