//! A new reference against all past images.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{TryStreamExt, stream};
use matching::Match;
use records::fingerprint::ReferenceFingerprint;
use records::{ImageSha256, SearchProgress, SearchState};
use store::{AdsPosition, StoredAd};

use crate::{Key, Lookup, NotDone};

/// Parts of the set walked together: reading one hides the comparing of another.
const PARTS_AT_ONCE: usize = 4;

/// Images between two notes of progress: often enough to be seen, rarely enough to cost nothing.
const IMAGES_PER_NOTE: u64 = 10_000;

impl Lookup {
    /// Searches all images for a new reference. Those that come later meet it in the references'
    /// log, so the two together miss none. Can be repeated: leads are recorded once.
    pub(crate) async fn new_reference(
        &self,
        key: Key,
        fingerprint: ReferenceFingerprint,
    ) -> Result<(), NotDone> {
        let search = Search {
            key,
            fingerprint: Arc::new(fingerprint),
            searched: AtomicU64::new(0),
        };
        self.note(&search, SearchState::Running).await?;
        stream::iter(AdsPosition::starts().map(Ok))
            .try_for_each_concurrent(PARTS_AT_ONCE, |start| self.walk(start, &search))
            .await?;
        self.note(&search, SearchState::Done).await
    }

    async fn walk(&self, start: AdsPosition, search: &Search) -> Result<(), NotDone> {
        let mut position = Some(start);
        while let Some(here) = position {
            let page = self.store.ads_page(&here).await?;
            let images = page.items.len() as u64;
            for (image, found) in self.compare(page.items, search).await? {
                self.record(&search.key, &image, &found).await?;
            }
            let before = search.searched.fetch_add(images, Ordering::Relaxed);
            if before / IMAGES_PER_NOTE != (before + images) / IMAGES_PER_NOTE {
                self.note(search, SearchState::Running).await?;
            }
            position = page.next;
        }
        Ok(())
    }

    async fn compare(
        &self,
        ads: Vec<StoredAd>,
        search: &Search,
    ) -> Result<Vec<(ImageSha256, Match)>, NotDone> {
        let (reference, policy) = (search.fingerprint.clone(), self.policy.clone());
        tokio::task::spawn_blocking(move || {
            let compare = |ad: &StoredAd| matching::compare(&reference, &ad.fingerprint, &policy);
            ads.iter()
                .filter_map(|ad| Some((ad.image_sha256, compare(ad)?)))
                .collect()
        })
        .await
        .map_err(|_| NotDone::CutOff)
    }

    async fn note(&self, search: &Search, state: SearchState) -> Result<(), NotDone> {
        let (unit, reference_id) = &search.key;
        let progress = SearchProgress {
            state,
            images_searched: search.searched.load(Ordering::Relaxed),
            updated_at: Some(self.clock.now()),
        };
        Ok(self
            .store
            .note_search(unit, reference_id, &progress)
            .await?)
    }
}

/// One search under way.
struct Search {
    key: Key,
    fingerprint: Arc<ReferenceFingerprint>,
    searched: AtomicU64,
}
