//! The searchable sets: tails into segments, small segments into larger ones, and what nobody needs
//! any more out of the bucket.

use std::time::Duration;

use records::TenantSettings;
use store::{Compacted, Kind};

use crate::{Done, Upkeep};

/// How long what is left of a finished search is kept: twice as long as a stream may bring the
/// change again that began it.
const SEARCHES_KEPT: Duration = Duration::from_secs(2 * 24 * 3_600);

impl Upkeep {
    /// Brings the segments of references up to their log, where one may hold a reference that
    /// ended or enough is new.
    pub(crate) async fn forget(&self, done: &mut Done) -> store::Result<()> {
        let now = self.clock.now();
        let compacted = self.store.compact_references(&self.compaction, now).await?;
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
        done.add(store.compact_ads(rule, now).await?);
        for kind in [Kind::Ads, Kind::References] {
            done.add(store.merge_segments(kind, rule, now).await?);
            done.add(store.sweep(kind, rule, now).await?);
        }
        for tenant in tenants {
            let before = now.minus(SEARCHES_KEPT);
            if tenant.is_unit {
                store.forget_searches(&tenant.tenant, before).await?;
            }
        }
        Ok(())
    }
}

impl Done {
    fn add(&mut self, compacted: Compacted) {
        self.compacted += compacted.items;
        self.merged += compacted.merged;
        self.swept += compacted.deleted;
    }
}
