//! Erasures: what a unit asked to be erased, taken out of every store, then proved by a receipt.
//!
//! The order is the promise: silent first, then the photos, then what was told, then what is known,
//! until only ids are left. Every step can be repeated; an erasure is done only when one run has
//! found every store empty of it.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use records::{
    Erasure, ErasureState, Receipt, ReferenceId, Removed, SignedReceipt, TenantId, Timestamp,
};
use store::{Error, Id, Kind};

use crate::Upkeep;

/// After this no program can be at work any more on a photo of a case that was fetched before the
/// case's erasure was asked for: `enroll` runs for a minute at most.
const CASE_SETTLES_AFTER: Duration = Duration::from_secs(90);

/// What keeps ids, or forgets by itself.
const REMAINS: [&str; 3] = [
    "the audit log and the references' log keep ids",
    "a mark with the id stays, so that a late event cannot bring the reference back",
    "the unit's receivers keep the alerts that were delivered to them",
];

/// What is beyond the reach of the programs where they run on AWS.
pub const REMAINS_ON_AWS: [&str; 2] = [
    "the tables' streams forget within 24 hours",
    "the tables' continuous backups forget after 35 days",
];

/// What was done where the stores' own verbs do not reach, and what remains there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beyond {
    /// What went.
    pub removed: Vec<Removed>,
    /// What remains, in words.
    pub remains: Vec<String>,
}

impl Beyond {
    /// Nothing can be done beyond the stores on AWS: what remains there forgets by itself.
    pub fn on_aws() -> Self {
        Self {
            removed: Vec::new(),
            remains: REMAINS_ON_AWS.map(str::to_owned).to_vec(),
        }
    }
}

impl Upkeep {
    /// Carries out erasures of all units, and says how many were done. `beyond` reaches what lies
    /// behind the stores once they are empty; none from it means "not yet".
    ///
    /// # Errors
    /// As the store's; what was done until then stays done, and the next run goes on.
    pub async fn erasures<F>(&self, beyond: impl Fn(Erasure) -> F) -> store::Result<u64>
    where
        F: Future<Output = store::Result<Option<Beyond>>> + Send,
    {
        let mut done = 0;
        for tenant in self.store.tenants().await? {
            let unit = &tenant.tenant;
            for erasure in self.store.pending_erasures(unit).await? {
                let Some(mut removed) = self.empty_stores(unit, &erasure).await? else {
                    continue;
                };
                let Some(beyond) = beyond(erasure.clone()).await? else {
                    continue;
                };
                removed.extend(beyond.removed);
                self.finish(unit, erasure, removed, beyond.remains).await?;
                done += 1;
            }
        }
        Ok(done)
    }

    /// Takes an erasure's references out of the stores; none if something of them is still under
    /// way: then the next run comes back to it.
    async fn empty_stores(
        &self,
        unit: &TenantId,
        erasure: &Erasure,
    ) -> store::Result<Option<Vec<Removed>>> {
        let now = self.clock.now();
        let references = self.scope(unit, erasure).await?;
        if !self.silence(unit, &references, now).await? {
            return Ok(None);
        }
        let photos = self.erase_scope_photos(unit, erasure, &references).await?;
        let told = self.store.erase_leads(unit, &references).await?;
        for reference in &references {
            self.store.entomb(unit, reference, now).await?;
        }
        let ids = references.iter().cloned().map(Id::Reference).collect();
        let segments = self
            .store
            .rewrite_without(Kind::References, &ids, now)
            .await?;
        let is_young = now.since(erasure.requested_at) < CASE_SETTLES_AFTER;
        if erasure.case_id.is_some() && (is_young || self.scope(unit, erasure).await? != references)
        {
            return Ok(None);
        }
        let removed = |store: &str, removed| Removed {
            store: store.to_owned(),
            removed,
        };
        Ok(Some(vec![
            removed("reference_photos", photos),
            removed("references", references.len() as u64),
            removed("segments", segments.segments),
            removed("segment_objects", segments.deleted),
            removed("leads", told.leads),
            removed("alerts", told.alerts),
            removed("deliveries", told.deliveries),
        ]))
    }

    /// The references that were named, and those of the case as it stands.
    async fn scope(
        &self,
        unit: &TenantId,
        erasure: &Erasure,
    ) -> store::Result<BTreeSet<ReferenceId>> {
        let mut references: BTreeSet<_> = erasure.reference_ids.iter().cloned().collect();
        let Some(case) = &erasure.case_id else {
            return Ok(references);
        };
        let mut cursor = None;
        loop {
            let page = self
                .store
                .references(unit, Some(case), cursor.as_ref(), store::PAGE_ITEMS_MAX)
                .await?;
            references.extend(page.items.into_iter().map(|found| found.reference_id));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(references),
            }
        }
    }

    /// Withdraws them; says whether nothing about them is under way to a webhook any more.
    async fn silence(
        &self,
        unit: &TenantId,
        references: &BTreeSet<ReferenceId>,
        now: Timestamp,
    ) -> store::Result<bool> {
        for reference in references {
            match self.store.withdraw(unit, reference, now).await {
                Ok(()) | Err(Error::Gone(_)) => {}
                Err(error) => return Err(error),
            }
            if self.store.in_flight(unit, reference, now).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn erase_scope_photos(
        &self,
        unit: &TenantId,
        erasure: &Erasure,
        references: &BTreeSet<ReferenceId>,
    ) -> store::Result<u64> {
        let before = erasure.requested_at;
        if let Some(case) = &erasure.case_id {
            return self.store.erase_photos(unit, case, None, before).await;
        }
        let mut erased = 0;
        for reference in references {
            let Some(found) = self.store.reference(unit, reference).await? else {
                continue;
            };
            if let Some(content) = &found.image_sha256 {
                let case = &found.case_id;
                erased += self
                    .store
                    .erase_photos(unit, case, Some(content), before)
                    .await?;
            }
        }
        Ok(erased)
    }

    async fn finish(
        &self,
        unit: &TenantId,
        erasure: Erasure,
        removed: Vec<Removed>,
        remains: Vec<String>,
    ) -> store::Result<()> {
        let receipt = Receipt {
            format: Receipt::FORMAT.to_owned(),
            erasure_id: erasure.erasure_id.clone(),
            unit: unit.clone(),
            reference_ids: erasure.reference_ids.clone(),
            requested_at: erasure.requested_at,
            done_at: self.clock.now(),
            removed,
            remains: REMAINS
                .iter()
                .map(|text| (*text).to_owned())
                .chain(remains)
                .collect(),
        };
        let done = Erasure {
            state: ErasureState::Done,
            case_id: None,
            receipt: Some(self.signed(&receipt).await?),
            ..erasure
        };
        self.store.finish_erasure(unit, &done).await?;
        tracing::info!(%unit, erasure = %done.erasure_id, "an erasure is done");
        Ok(())
    }

    async fn signed(&self, receipt: &Receipt) -> store::Result<SignedReceipt> {
        const MISSING: Error = Error::Damaged("receipts' key");
        let seed = self.store.known_receipts_key().await?.ok_or(MISSING)?;
        let seed: &[u8; 32] = seed.bytes().try_into().map_err(|_| MISSING)?;
        let key = SigningKey::from_bytes(seed);
        let receipt = serde_json::to_string(receipt).map_err(|_| MISSING)?;
        Ok(SignedReceipt {
            signature: STANDARD.encode(key.sign(receipt.as_bytes()).to_bytes()),
            public_key: STANDARD.encode(key.verifying_key().to_bytes()),
            receipt,
        })
    }
}
