//! New references against all past images: first the tail, then, part by part, the segments.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use features::fingerprint::ReferenceFingerprint;
use futures::{StreamExt, TryStreamExt, stream};
use records::{SearchProgress, SearchState};
use store::{
    AdsPosition, Error, FEATURES_PAGE_BYTES, SearchKey, SearchPart, SearchPlan, SegmentEntry,
    SegmentIndex, SegmentName, StoredAd,
};

use crate::scan::{Query, neighbouring_items, pairs};
use crate::{Lookup, LookupError};

/// Parts of the tail walked together: reading one hides the comparing of another.
const PARTS_AT_ONCE: usize = 4;

/// Images between two notes of progress: often enough to be seen, rarely enough to cost nothing.
const IMAGES_PER_CHECKPOINT: u64 = 10_000;

/// References that share one scan of a segment: with a segment of the largest size they take a few
/// minutes, well within the quarter of an hour that a function may run.
const REFERENCES_PER_SCAN_MAX: usize = 16;

/// A reference that is active since a moment ago.
pub(crate) struct NewReference {
    pub(crate) of: SearchKey,
    pub(crate) fingerprint: ReferenceFingerprint,
}

fn query(of: &SearchKey, fingerprint: Arc<ReferenceFingerprint>) -> Query {
    Query::of((of.unit.clone(), of.reference_id.clone()), fingerprint)
}

impl Lookup {
    /// Begins the searches of new references: walks the tail for all of them together, then plans
    /// their parts over the segments that the manifest has after that. Images that come later meet
    /// the references in their log, so the two together miss none. Can be repeated: leads are
    /// recorded once, and a search that is planned is not begun again.
    pub(crate) async fn new_references(&self, new: Vec<NewReference>) -> Result<(), LookupError> {
        let mut begun = Vec::new();
        for reference in new {
            match self.store.searches.search_plan(&reference.of).await? {
                Some(plan) if plan.is_planned => self.alert_unit(&reference.of, plan).await?,
                _ => begun.push(reference),
            }
        }
        if begun.is_empty() {
            return Ok(());
        }
        self.references
            .refresh_common(&self.store, self.clock.now())
            .await?;
        let (keys, all): (Vec<SearchKey>, Vec<Query>) = begun
            .into_iter()
            .map(|it| (it.of.clone(), query(&it.of, Arc::new(it.fingerprint))))
            .unzip();
        let images = self.scan_tail(&keys, &all.into()).await?;
        let segments = self.store.ads.ads_segments().await?; // after the tail: see store::ads_set
        for of in &keys {
            let plan = self
                .store
                .searches
                .plan_search(of, images, &segments)
                .await?;
            self.alert_unit(of, plan).await?;
        }
        Ok(())
    }

    /// Compares the whole tail; says how many images it had.
    async fn scan_tail(&self, of: &[SearchKey], all: &Arc<[Query]>) -> Result<u64, LookupError> {
        let searched = AtomicU64::new(0);
        self.checkpoint_tail(of, 0).await?;
        stream::iter(AdsPosition::starts().map(Ok))
            .try_for_each_concurrent(PARTS_AT_ONCE, |start| {
                self.scan_pages(start, of, all, &searched)
            })
            .await?;
        Ok(searched.load(Ordering::Relaxed))
    }

    async fn scan_pages(
        &self,
        start: AdsPosition,
        of: &[SearchKey],
        all: &Arc<[Query]>,
        searched: &AtomicU64,
    ) -> Result<(), LookupError> {
        let mut position = Some(start);
        while let Some(here) = position {
            let page = self.store.ads.ads_page(&here).await?;
            let images = page.items.len() as u64;
            self.compare(all, page.items).await?;
            let before = searched.fetch_add(images, Ordering::Relaxed);
            if before / IMAGES_PER_CHECKPOINT != (before + images) / IMAGES_PER_CHECKPOINT {
                self.checkpoint_tail(of, before + images).await?;
            }
            position = page.next;
        }
        Ok(())
    }

    /// Compares and records.
    async fn compare(&self, all: &Arc<[Query]>, ads: Vec<StoredAd>) -> Result<(), LookupError> {
        if ads.is_empty() {
            return Ok(());
        }
        let pairs = pairs(all, ads, &self.policy, &self.references).await?;
        self.record(pairs).await
    }

    /// Goes on with a search that has not moved for long, from wherever it stands. Can be repeated.
    pub(crate) async fn search_again(&self, of: SearchKey) -> Result<(), LookupError> {
        let plan = self.store.searches.search_plan(&of).await?;
        if plan.is_some_and(|plan| plan.is_planned && !plan.is_complete()) {
            let parts = self.store.searches.open_parts_of(&of).await?;
            return self.search_parts(parts).await;
        }
        self.references
            .refresh(&self.store, self.clock.now())
            .await?;
        let key = (of.unit.clone(), of.reference_id.clone());
        match self.references.get(&key)? {
            Some(fingerprint) => {
                let fingerprint = Arc::unwrap_or_clone(fingerprint);
                self.new_references(vec![NewReference { of, fingerprint }])
                    .await
            }
            None => Ok(()), // it has ended
        }
    }

    /// Works on parts of searches, segment by segment, and on whatever other parts wait for the
    /// same segments. Can be repeated: parts that are done are skipped.
    pub(crate) async fn search_parts(&self, parts: Vec<SearchPart>) -> Result<(), LookupError> {
        let live = self.store.ads.ads_segments().await?;
        let live: BTreeMap<SegmentName, SegmentEntry> =
            live.iter().map(|it| (it.name, *it)).collect();
        let segments: BTreeSet<SegmentName> = parts.iter().map(|part| part.segment).collect();
        let touched: Vec<Vec<SearchKey>> = stream::iter(segments)
            .map(|name| {
                let entry = live.get(&name).copied();
                async move { self.search_segment(name, entry).await }
            })
            .buffer_unordered(self.segments_at_once)
            .try_collect()
            .await?;
        // Those that came with the event too: their parts may have been done just before a crash.
        let came = parts.into_iter().map(|part| part.key);
        let touched: BTreeSet<SearchKey> = touched.into_iter().flatten().chain(came).collect();
        for of in &touched {
            if let Some(plan) = self.store.searches.search_plan(of).await? {
                self.alert_unit(of, plan).await?;
            }
        }
        Ok(())
    }

    /// Does every part that waits for a segment; says whose searches they were of.
    async fn search_segment(
        &self,
        name: SegmentName,
        entry: Option<SegmentEntry>,
    ) -> Result<Vec<SearchKey>, LookupError> {
        let mut touched = Vec::new();
        loop {
            let parts = self
                .store
                .searches
                .open_parts(&name, REFERENCES_PER_SCAN_MAX)
                .await?;
            if parts.is_empty() {
                return Ok(touched);
            }
            // After the parts: every reference of theirs was active before its part was written.
            self.references
                .refresh(&self.store, self.clock.now())
                .await?;
            let is_there = match &entry {
                Some(entry) => self.scan_segment(entry, &parts).await?,
                None => false,
            };
            for part in &parts {
                if !is_there {
                    self.plan_again(part).await?;
                }
                self.store.searches.finish_part(part, !is_there).await?;
            }
            touched.extend(parts.into_iter().map(|part| part.key));
        }
    }

    /// Compares a whole segment; says whether it was there to the end.
    async fn scan_segment(
        &self,
        entry: &SegmentEntry,
        parts: &[SearchPart],
    ) -> Result<bool, LookupError> {
        let mut all = Vec::new();
        for SearchPart { key: of, .. } in parts {
            let key = (of.unit.clone(), of.reference_id.clone());
            // One that has ended since is not searched for.
            all.extend(self.references.get(&key)?.map(|it| query(of, it)));
        }
        match self.scan(entry, &all.into()).await {
            Err(LookupError::Store(Error::Gone(_))) => Ok(false),
            scanned => scanned.map(|()| true),
        }
    }

    /// Stage 1 reads all hashes in one line and proposes items; where there are features, stage 2
    /// looks at every item.
    async fn scan(&self, entry: &SegmentEntry, all: &Arc<[Query]>) -> Result<(), LookupError> {
        if all.is_empty() {
            return Ok(());
        }
        let index: Arc<SegmentIndex> = Arc::new(self.store.ads.ads_segment_index(entry).await?);
        let near = neighbouring_items(&index, all, &self.policy).await?;
        let look_at_parts = all.iter().any(Query::has_local_features);
        let mut from = 0;
        while from < index.len() {
            let page = index.page(from, FEATURES_PAGE_BYTES);
            from = page.end;
            let ads = if look_at_parts && !index.features_range(&page).is_empty() {
                self.store.ads.segment_ads(&index, page).await?
            } else {
                let near = near.range(page);
                near.map(|item| StoredAd::without_features(&index, *item))
                    .collect::<Result<_, _>>()?
            };
            self.compare(all, ads).await?;
        }
        Ok(())
    }

    /// A part's segment was merged or rewritten: its images are in segments of the manifest as it
    /// stands now.
    async fn plan_again(&self, part: &SearchPart) -> Result<(), LookupError> {
        let segments = self.store.ads.ads_segments().await?;
        self.store
            .searches
            .plan_search(&part.key, 0, &segments)
            .await?;
        Ok(())
    }

    /// Tells the unit how far a search has come, and ends it if it is complete. While the set is being
    /// made again none is: what it lacks yet is looked up when it comes, and the search ends later.
    async fn alert_unit(&self, of: &SearchKey, plan: SearchPlan) -> Result<(), LookupError> {
        if plan.is_finished {
            return Ok(());
        }
        let is_complete = plan.is_complete() && !self.store.ads.is_rebuilding().await?;
        let state = match is_complete {
            true => SearchState::Done,
            false => SearchState::Running,
        };
        self.checkpoint(of, state, (plan.images_searched, plan.images_total))
            .await?;
        if is_complete {
            let segments = self.store.ads.ads_segments().await?;
            let now = self.clock.now();
            self.store
                .searches
                .finish_search(of, &segments, now)
                .await?;
            tracing::info!(images = plan.images_searched, "a search is complete");
        }
        Ok(())
    }

    async fn checkpoint_tail(&self, all: &[SearchKey], images: u64) -> Result<(), LookupError> {
        for of in all {
            self.checkpoint(of, SearchState::Running, (images, images))
                .await?;
        }
        Ok(())
    }

    async fn checkpoint(
        &self,
        of: &SearchKey,
        state: SearchState,
        (images_searched, images_total): (u64, u64),
    ) -> Result<(), LookupError> {
        let progress = SearchProgress {
            state,
            images_searched,
            images_total,
            updated_at: Some(self.clock.now()),
        };
        Ok(self
            .store
            .references
            .save_search(&of.unit, &of.reference_id, &progress)
            .await?)
    }
}
