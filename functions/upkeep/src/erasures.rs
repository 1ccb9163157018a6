//! Erasures: what a unit asked to be erased, taken out of every store, then proved by a receipt.
//!
//! The order is the promise: silent first, then the photos, then what was told, then what is known,
//! until only ids are left; then what lies behind the stores; then the case's number; then the
//! receipt. Every step can be repeated; an erasure is done only when one run has found every store
//! empty of it. What each run is about to remove it notes before, so the receipt counts what all of
//! them removed.

use std::collections::BTreeSet;
use std::time::Duration;

use records::{Erasure, ErasureState, Receipt, ReferenceId, Removed, TenantId, Timestamp};
use store::{Erased, ErasedBy, ErasedCounts, Error, Id, SetKind};

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
const REMAINS_ON_AWS: [&str; 2] = [
    "the tables' streams forget within 24 hours",
    "the tables' continuous backups forget after 35 days",
];

/// What lies behind the stores, where their own verbs do not reach.
pub trait BehindStores {
    /// Forgets what is behind the stores of an erasure that has emptied them; says whether it could.
    /// What it removes it notes before.
    fn forget(&self, erasure: &Erasure, by: ErasedBy<'_>) -> impl Future<Output = Done> + Send;

    /// Leaves nothing of rows that were deleted or written over, and says what it did.
    fn vacuum(&self) -> impl Future<Output = store::Result<Vacuumed>> + Send;
}

/// Whether nothing is left; if not, the next run comes back to it.
type Done = store::Result<bool>;

/// What was vacuumed, and what remains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vacuumed {
    /// What went.
    pub removed: Vec<Removed>,
    /// What remains, in words.
    pub remains: Vec<String>,
}

/// On AWS nothing can be done behind the stores: what remains there forgets by itself.
pub(crate) struct Aws;

impl BehindStores for Aws {
    async fn forget(&self, _: &Erasure, _: ErasedBy<'_>) -> Done {
        Ok(true)
    }

    async fn vacuum(&self) -> store::Result<Vacuumed> {
        Ok(Vacuumed {
            removed: Vec::new(),
            remains: REMAINS_ON_AWS.map(str::to_owned).to_vec(),
        })
    }
}

impl Upkeep {
    /// Carries out erasures of all units, and says how many were done.
    ///
    /// # Errors
    /// As the store's; what was done until then stays done, and the next run goes on.
    pub async fn erasures(&self, behind: &impl BehindStores) -> store::Result<u64> {
        let mut done = 0;
        for tenant in self.store.tenants.tenants().await? {
            let unit = &tenant.tenant;
            for erasure in self.store.erasures.pending_erasures(unit).await? {
                done += u64::from(self.erase_all(unit, erasure, behind).await?);
            }
        }
        Ok(done)
    }

    /// Goes on with one erasure; says whether it is done.
    async fn erase_all(
        &self,
        unit: &TenantId,
        erasure: Erasure,
        behind: &impl BehindStores,
    ) -> Done {
        if erasure.state == ErasureState::Done {
            // A crash came before its mark was taken away.
            return self
                .store
                .erasures
                .finish_erasure(unit, &erasure)
                .await
                .map(|()| false);
        }
        let id = erasure.erasure_id.clone();
        let by = ErasedBy { unit, erasure: &id };
        if !self.empty_stores(by, &erasure).await? {
            return Ok(false);
        }
        // All that it was about, those that joined its case since too.
        let references = self.store.erasures.erased(by).await?.references;
        let erasure = Erasure {
            reference_ids: references.into_iter().collect(),
            ..erasure
        };
        if !behind.forget(&erasure, by).await? {
            return Ok(false);
        }
        let erasure = self.store.erasures.forget_case(unit, erasure).await?;
        // Only now is the case's number in nothing but rows that were written over.
        let vacuumed = behind.vacuum().await?;
        let finds = self.store.erasures.erased(by).await?;
        self.finish(unit, erasure, &finds, vacuumed).await?;
        Ok(true)
    }

    /// Takes an erasure's references out of the stores; says whether nothing of them is under way any
    /// more.
    async fn empty_stores(&self, by: ErasedBy<'_>, erasure: &Erasure) -> Done {
        let (unit, now) = (by.unit, self.clock.now());
        let (references, noted) = self.scope(by, erasure).await?;
        let new = references.difference(&noted).map(ReferenceId::to_string);
        self.store
            .erasures
            .save_erased(by, Erased::References, new)
            .await?;
        if !self.silence(unit, &references, now).await? {
            return Ok(false);
        }
        self.erase_scope_photos(by, erasure, &references).await?;
        self.store.leads.erase_leads(by, &references).await?;
        for reference in &references {
            self.store
                .references
                .put_tombstone(unit, reference, now)
                .await?;
        }
        let ids = references.iter().cloned().map(Id::Reference).collect();
        self.store
            .garbage
            .purge(SetKind::References, &ids, now, Some(by))
            .await?;
        if erasure.case_id.is_none() {
            return Ok(true);
        }
        let is_young = now.since(erasure.requested_at) < CASE_SETTLES_AFTER;
        Ok(!is_young && self.scope(by, erasure).await?.0 == references)
    }

    /// The references that were named, those of the case as it stands, and those of the case until
    /// they were erased; the last are noted, and come apart too.
    async fn scope(
        &self,
        by: ErasedBy<'_>,
        erasure: &Erasure,
    ) -> store::Result<(BTreeSet<ReferenceId>, BTreeSet<ReferenceId>)> {
        let noted = self.store.erasures.erased(by).await?.references;
        let mut references = self.of_case(by.unit, erasure).await?;
        references.extend(erasure.reference_ids.iter().chain(&noted).cloned());
        Ok((references, noted))
    }

    async fn of_case(
        &self,
        unit: &TenantId,
        erasure: &Erasure,
    ) -> store::Result<BTreeSet<ReferenceId>> {
        let mut references = BTreeSet::new();
        let Some(case) = &erasure.case_id else {
            return Ok(references);
        };
        let mut cursor = None;
        loop {
            let page = self
                .store
                .references
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
            match self.store.references.withdraw(unit, reference, now).await {
                Ok(()) | Err(Error::Gone(_)) => {}
                Err(error) => return Err(error),
            }
            if self
                .store
                .deliveries
                .in_flight(unit, reference, now)
                .await?
                .is_some()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn erase_scope_photos(
        &self,
        by: ErasedBy<'_>,
        erasure: &Erasure,
        references: &BTreeSet<ReferenceId>,
    ) -> store::Result<()> {
        let before = erasure.requested_at;
        if let Some(case) = &erasure.case_id {
            return self
                .store
                .references
                .erase_photos(by, case, None, before)
                .await;
        }
        for reference in references {
            let Some(found) = self.store.references.reference(by.unit, reference).await? else {
                continue;
            };
            if let Some(content) = &found.image_sha256 {
                let case = &found.case_id;
                self.store
                    .references
                    .erase_photos(by, case, Some(content), before)
                    .await?;
            }
        }
        Ok(())
    }

    async fn finish(
        &self,
        unit: &TenantId,
        erasure: Erasure,
        finds: &ErasedCounts,
        vacuumed: Vacuumed,
    ) -> store::Result<()> {
        let mut removed = counts(finds);
        removed.extend(vacuumed.removed);
        let remains = REMAINS.map(str::to_owned).into_iter();
        let receipt = Receipt {
            format: Receipt::FORMAT.to_owned(),
            erasure_id: erasure.erasure_id.clone(),
            unit: unit.clone(),
            reference_ids: erasure.reference_ids.clone(),
            requested_at: erasure.requested_at,
            done_at: self.clock.now(),
            removed,
            remains: remains.chain(vacuumed.remains).collect(),
        };
        let seed = self.store.erasures.known_receipts_key().await?;
        let seed = seed.ok_or(Error::Damaged("receipts' key"))?;
        let done = Erasure {
            state: ErasureState::Done,
            case_id: None,
            receipt: Some(receipt.signed(&seed)?),
            ..erasure
        };
        self.store.erasures.finish_erasure(unit, &done).await?;
        tracing::info!(%unit, erasure = %done.erasure_id, "an erasure is done");
        Ok(())
    }
}

/// What went from each store: also where nothing did, of those that every deployment has.
fn counts(finds: &ErasedCounts) -> Vec<Removed> {
    let on_a_laptop = [Erased::TableStreams, Erased::DeadLetters];
    let found = on_a_laptop.into_iter();
    let found = found.filter(|it| finds.has_searched_for(*it));
    let counted = Erased::EVERYWHERE.into_iter().chain(found);
    let removed = counted.map(|it| Removed {
        store: it.as_str().to_owned(),
        removed: finds.count(it),
    });
    removed.collect()
}
