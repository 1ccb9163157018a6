//! The searchable sets: tails into segments, small segments into larger ones, and what is not needed
//! any more out of the bucket.

use std::time::Duration;

use features::CommonFeatures;
use features::fingerprint::AdFingerprint;
use matching::local;
use records::TenantSettings;
use store::{Compacted, Error, SetKind};

use crate::{Done, Upkeep};

/// How long what is left of a finished search is kept: twice as long as a stream may bring the
/// change again that began it.
const SEARCHES_KEPT: Duration = Duration::from_secs(2 * 24 * 3_600);

impl Upkeep {
    /// Brings the segments of references up to their log, where one may hold a reference that
    /// ended or enough is new.
    pub(crate) async fn forget(&self, done: &mut Done) -> store::Result<()> {
        let now = self.clock.now();
        let compacted = self
            .store
            .references
            .compact_references(&self.compaction, now)
            .await?;
        done.add(compacted);
        Ok(())
    }

    /// Everything that keeps the sets quick to read.
    pub(crate) async fn compact(
        &self,
        tenants: &[TenantSettings],
        done: &mut Done,
    ) -> store::Result<()> {
        let (store, rule, now) = (&self.store, &self.compaction, self.clock.now());
        self.forget(done).await?;
        done.add(store.ads.compact_ads(rule, now).await?);
        self.end_ads(done).await?;
        for kind in [SetKind::Ads, SetKind::References] {
            done.add(store.segments.merge_segments(kind, rule, now).await?);
            done.add(store.garbage.sweep(kind, rule, now).await?);
        }
        self.train(done).await?;
        for tenant in tenants {
            let before = now.minus(SEARCHES_KEPT);
            if tenant.is_unit {
                store
                    .searches
                    .forget_searches(&tenant.tenant, before)
                    .await?;
            }
        }
        Ok(())
    }

    /// Ends the ads whose photos the last whole round over the bucket has removed. Between the two a photo is gone
    /// and its ad can still be found: the other way round an ad would come back from its photo.
    async fn end_ads(&self, done: &mut Done) -> store::Result<()> {
        let round = self.store.checkpoints.bucket_scan().await?;
        let Some(before) = round.and_then(|it| it.ended_before) else {
            return Ok(());
        };
        let (garbage, now) = (&self.store.garbage, self.clock.now());
        let ended = garbage.end_ads(before, &self.compaction, now).await?;
        done.ended += ended.ads;
        Ok(())
    }

    /// Learns from the newest segment which features many ads have.
    async fn train(&self, done: &mut Done) -> store::Result<()> {
        let known = match self.store.ads.common_features().await {
            Err(error @ Error::Damaged(_)) => {
                tracing::error!(%error, "learned anew");
                CommonFeatures::default()
            }
            known => known?,
        };
        let sample = match self.store.ads.training_sample(&known).await {
            Err(Error::Gone(_)) => return Ok(()), // merged concurrently: the next run learns from that
            sample => sample?,
        };
        let Some(mut sample) = sample else {
            return Ok(());
        };
        let ads = std::mem::take(&mut sample.ads).into_iter();
        let ads: Vec<AdFingerprint> = ads.map(|ad| ad.fingerprint).collect();
        let learned = tokio::task::spawn_blocking(move || local::trained(&known, &ads));
        let learned = learned.await;
        let learned = sample.done(learned.map_err(|_| Error::Unavailable("learning"))?);
        self.store.ads.save_common_features(&learned).await?;
        done.common = learned.features.len() as u64;
        Ok(())
    }
}

impl Done {
    /// Counts what was done to a set; a damage is told too, mended as it is.
    pub(crate) fn add(&mut self, compacted: Compacted) {
        if compacted.mended > 0 {
            let mended = compacted.mended;
            tracing::error!(mended, "a searchable set was damaged, and is mended");
        }
        self.mended += compacted.mended;
        self.compacted += compacted.items;
        self.merged += compacted.merged;
        self.swept += compacted.deleted;
    }
}
