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

use crate::scan::{Candidate, Candidates, Queries, Query, filed_items, neighbouring_items, pairs};
use crate::{Lookup, LookupError};

/// Parts of the tail walked together: reading one hides the comparing of another.
const PARTS_AT_ONCE: usize = 4;

/// Images between two notes of progress: often enough to be seen, rarely enough to cost nothing.
const IMAGES_PER_CHECKPOINT: u64 = 10_000;

/// References that share one scan of a segment: with a segment of the largest size they take a few
/// minutes, well within the quarter of an hour that a function may run.
const REFERENCES_PER_SCAN_MAX: usize = 16;

/// Candidates that are read and judged together: at most 16 MB with what lies between them.
const CANDIDATES_AT_ONCE: usize = 64;

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

    /// Compares all with all and records.
    async fn compare(&self, all: &Arc<[Query]>, ads: Vec<StoredAd>) -> Result<(), LookupError> {
        let with_all = |ad| Candidate {
            ad,
            queries: Queries::All,
        };
        let candidates = ads.into_iter().map(with_all).collect();
        self.compare_candidates(all, candidates).await
    }

    async fn compare_candidates(
        &self,
        all: &Arc<[Query]>,
        candidates: Vec<Candidate>,
    ) -> Result<(), LookupError> {
        if candidates.is_empty() {
            return Ok(());
        }
        let pairs = pairs(all, candidates, &self.policy, &self.references).await?;
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

    /// Stage 1 reads all hashes in one line and proposes items. Stage 2 proposes others by the segment's
    /// filed features; where there are none, or they are damaged, it judges every item.
    async fn scan(&self, entry: &SegmentEntry, all: &Arc<[Query]>) -> Result<(), LookupError> {
        if all.is_empty() {
            return Ok(());
        }
        let index: Arc<SegmentIndex> = Arc::new(self.store.ads.ads_segment_index(entry).await?);
        let near = neighbouring_items(&index, all, &self.policy).await?;
        if !all.iter().any(Query::has_local_features) {
            return self.compare_items(&index, all, near).await;
        }
        match self.filed_candidates(&index, all).await? {
            Some(mut candidates) => {
                for (item, queries) in near {
                    candidates.entry(item).or_default().extend(queries);
                }
                self.compare_items(&index, all, candidates).await
            }
            None => self.compare_every_item(&index, all, near).await,
        }
    }

    /// The items that filed features propose; none if every item has to be judged.
    async fn filed_candidates(
        &self,
        index: &Arc<SegmentIndex>,
        all: &Arc<[Query]>,
    ) -> Result<Option<Candidates>, LookupError> {
        if index.sections() == 0 {
            return Ok(None);
        }
        let mut candidates = Candidates::new();
        for number in 0..index.sections() {
            let section = match self.store.ads.segment_section(index, number).await {
                Err(Error::Damaged(_)) => return Ok(filed_is_damaged()),
                section => section?,
            };
            match filed_items(index, (number, section), all).await? {
                Some(items) => candidates.extend(items),
                None => return Ok(filed_is_damaged()),
            }
        }
        Ok(Some(candidates))
    }

    async fn compare_items(
        &self,
        index: &Arc<SegmentIndex>,
        all: &Arc<[Query]>,
        candidates: Candidates,
    ) -> Result<(), LookupError> {
        let (items, mut queries): (Vec<usize>, Vec<_>) = candidates.into_iter().unzip();
        for some in items.chunks(CANDIDATES_AT_ONCE) {
            let ads = self.store.ads.segment_ads_at(index, some).await?;
            let with = queries.drain(..some.len()).map(Queries::Some);
            let candidate = |(ad, queries)| Candidate { ad, queries };
            let candidates = ads.into_iter().zip(with).map(candidate).collect();
            self.compare_candidates(all, candidates).await?;
        }
        Ok(())
    }

    /// Judges every item of a segment; of those without features the ones that are near.
    async fn compare_every_item(
        &self,
        index: &Arc<SegmentIndex>,
        all: &Arc<[Query]>,
        near: Candidates,
    ) -> Result<(), LookupError> {
        let mut from = 0;
        while from < index.len() {
            let page = index.page(from, FEATURES_PAGE_BYTES);
            from = page.end;
            let ads = if index.features_range(&page).is_empty() {
                let near = near.range(page).map(|(item, _)| *item);
                near.map(|item| StoredAd::without_features(index, item))
                    .collect::<Result<_, _>>()?
            } else {
                self.store.ads.segment_ads(index, page).await?
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

/// What a search does about filed features that are damaged: all that they were made of is still there.
fn filed_is_damaged() -> Option<Candidates> {
    batches::damage();
    tracing::error!("filed features of a segment are damaged: a search judges each of its ads");
    None
}
