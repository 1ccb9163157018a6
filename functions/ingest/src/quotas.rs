//! What a tenant may bring in a day, where an administrator has set a bound.
//!
//! A picture counts as one upload, be it an object, a member of a bundle or a line of a list; so does
//! each object that is a bundle or list and brings none, and a large bundle, whose parts are counted
//! as they come. What is over the quota is rejected, and its object stays: the same key put again
//! is taken in on another day. What was recorded before is let through, and not counted again.
//!
//! Everything here depends on what the tenant itself has brought, and on nothing else.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use intake::IntakeError;
use records::{AdKey, ReasonCode, TenantId, Timestamp, UploadState};
use store::ObjectFacts;

use crate::{IncomingAd, Ingest, Inspected};

/// How long a tenant's bound is believed once it was read, there being one or not. So one that is
/// set counts within minutes, and a tenant without one costs a read in all that time.
const CACHED_FOR: Duration = Duration::from_secs(300);

/// The bounds that were read, with when.
#[derive(Default)]
pub(crate) struct Quotas(Mutex<HashMap<TenantId, (Timestamp, Option<u64>)>>);

impl Quotas {
    fn known(&self, tenant: &TenantId, now: Timestamp) -> Option<Option<u64>> {
        let known = self.0.lock().unwrap_or_else(|it| it.into_inner());
        let (read_at, max) = known.get(tenant)?;
        (now.since(*read_at) < CACHED_FOR).then_some(*max)
    }

    fn remember(&self, tenant: &TenantId, now: Timestamp, max: Option<u64>) {
        let mut known = self.0.lock().unwrap_or_else(|it| it.into_inner());
        known.insert(tenant.clone(), (now, max));
    }
}

impl Inspected {
    /// Its object, and how many uploads it counts for. A list is counted once its lines are known.
    fn counts_for(&self) -> Option<(&AdKey, &ObjectFacts, u64)> {
        match self {
            Self::Ad(ad) => Some((&ad.key, &ad.facts, 1)),
            Self::Small(small) => {
                let pictures = small.ads.len() as u64;
                Some((&small.key, &small.facts, pictures.max(1)))
            }
            Self::Bundle(key, facts) => Some((key, facts, 1)),
            Self::List(..) | Self::Done => None,
        }
    }
}

impl Ingest {
    /// Rejects what is over its tenant's quota, and leaves the rest. A tenant's uploads of one batch
    /// are counted together, and apart only if they do not all have room.
    pub(crate) async fn hold_to_quotas(
        &self,
        batch: &mut [Vec<Inspected>],
    ) -> Result<(), IntakeError> {
        let mut by_tenant: BTreeMap<TenantId, Vec<(&mut Inspected, u64)>> = BTreeMap::new();
        for looked in batch.iter_mut().flatten() {
            let Some((key, facts, uploads)) = looked.counts_for() else {
                continue;
            };
            if self.is_bounded(key, facts).await? {
                let tenant = key.tenant().clone();
                by_tenant.entry(tenant).or_default().push((looked, uploads));
            }
        }
        for (tenant, counted) in by_tenant {
            let all = counted.iter().map(|(_, uploads)| uploads).sum();
            if self.have_room(&tenant, all).await? {
                continue;
            }
            for (looked, uploads) in counted {
                if !self.have_room(&tenant, uploads).await? {
                    let over = std::mem::replace(looked, Inspected::Done);
                    self.refuse_over_quota(over).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether this many uploads of one object fit into its tenant's quota; then they are counted.
    pub(crate) async fn fits_quota(
        &self,
        key: &AdKey,
        facts: &ObjectFacts,
        uploads: u64,
    ) -> Result<bool, IntakeError> {
        let is_bounded = self.is_bounded(key, facts).await?;
        Ok(!is_bounded || self.have_room(key.tenant(), uploads.max(1)).await?)
    }

    /// Whether this object is to be counted: its tenant has a bound, and it was not recorded before.
    async fn is_bounded(&self, key: &AdKey, facts: &ObjectFacts) -> Result<bool, IntakeError> {
        if self.quota(key.tenant()).await?.is_none() {
            return Ok(false);
        }
        let known = self.store.uploads.upload(key).await?;
        Ok(!known.is_some_and(|it| {
            it.state == UploadState::Recorded
                && it.uploaded_at == facts.last_modified
                && it.version_id == facts.version_id
        }))
    }

    async fn have_room(&self, tenant: &TenantId, uploads: u64) -> Result<bool, IntakeError> {
        let (store, now) = (&self.store, self.intake.clock.now());
        match self.quota(tenant).await? {
            None => Ok(true),
            Some(max) => Ok(store
                .uploads
                .count_uploads(tenant, (uploads, max), now)
                .await?),
        }
    }

    async fn quota(&self, tenant: &TenantId) -> Result<Option<u64>, IntakeError> {
        let now = self.intake.clock.now();
        if let Some(max) = self.quotas.known(tenant, now) {
            return Ok(max);
        }
        let quota = self.store.uploads.quota(tenant, now).await?;
        self.quotas.remember(tenant, now, quota.uploads_per_day_max);
        Ok(quota.uploads_per_day_max)
    }

    /// Pictures in a bundle are told of one by one, as those that are taken in are.
    async fn refuse_over_quota(&self, looked: Inspected) -> Result<(), IntakeError> {
        let over = || Err(ReasonCode::OVER_QUOTA);
        match looked {
            Inspected::Ad(ad) => self.refuse_picture(&ad).await,
            Inspected::Small(small) => {
                for ad in &small.ads {
                    self.refuse_picture(ad).await?;
                }
                self.record_whole(&small.key, &small.facts, over()).await
            }
            Inspected::Bundle(key, facts) | Inspected::List(key, facts, ..) => {
                self.record_whole(&key, &facts, over()).await
            }
            Inspected::Done => Ok(()),
        }
    }

    async fn refuse_picture(&self, ad: &IncomingAd) -> Result<(), IntakeError> {
        let mut upload = self.rejected(&ad.key, &ad.facts, ReasonCode::OVER_QUOTA);
        upload.image_sha256 = Some(ad.image.image_sha256);
        upload.stored_in = ad.stored_in.clone();
        self.record_rejected(upload).await
    }
}
