//! Retractions: leads that rest on what an administrator took back are withdrawn; once that is lifted,
//! all past ads are searched again.

use records::{Retraction, RetractionState, TenantId, Timestamp};
use store::SearchKey;

use crate::Upkeep;

impl Upkeep {
    /// Goes on with all retractions, and says how many leads those that are done have withdrawn.
    ///
    /// # Errors
    /// As the store's; what was done until then stays done, and the next run goes on.
    pub async fn retractions(&self) -> store::Result<u64> {
        let pending = self.store.leads.retractions().await?.into_iter();
        let mut pending = pending
            .filter(|it| it.state != RetractionState::Done)
            .peekable();
        if pending.peek().is_none() {
            return Ok(0);
        }
        let tenants = self.store.tenants.tenants().await?.into_iter();
        let units = tenants.filter(|tenant| tenant.is_unit);
        let units: Vec<TenantId> = units.map(|unit| unit.tenant).collect();
        let mut leads = 0;
        for retraction in pending {
            match retraction.state {
                RetractionState::Withdrawing => leads += self.withdraw(&retraction, &units).await?,
                RetractionState::Lifting => self.give_back(&retraction, &units).await?,
                RetractionState::Done => {}
            }
        }
        Ok(leads)
    }

    /// Withdraws what rests on a contribution, then has searched again what may rest on others' too.
    async fn withdraw(&self, before: &Retraction, units: &[TenantId]) -> store::Result<u64> {
        let (mut after, mut searches) = (before.clone(), Vec::new());
        after.leads_withdrawn = 0;
        for unit in units {
            let now = self.clock.now();
            let done = self
                .store
                .leads
                .withdraw_retracted_leads(unit, &before.tenant, now)
                .await?;
            after.leads_withdrawn += done.leads;
            if !done.posted_by_others.is_empty() {
                let mut of_unit = self.store.searches.all_searches(unit).await?;
                of_unit.retain(|of| done.posted_by_others.contains(&of.reference_id));
                searches.extend(of_unit);
            }
        }
        if !searches.is_empty() {
            // From here on: a search that began before may have passed a lead that was not withdrawn.
            let from = *after.searches_from.get_or_insert(self.clock.now());
            self.store.leads.save_retraction(before, &after).await?;
            if !self.search_all_from(&searches, from).await? {
                return Ok(0);
            }
        }
        let leads = after.leads_withdrawn;
        after.state = RetractionState::Done;
        self.store.leads.save_retraction(before, &after).await?;
        tracing::info!(tenant = %before.tenant, leads, "a contribution is retracted");
        Ok(leads)
    }

    /// Has all past ads searched for every reference: those of the contribution were skipped.
    async fn give_back(&self, lifted: &Retraction, units: &[TenantId]) -> store::Result<()> {
        let mut searches = Vec::new();
        for unit in units {
            searches.extend(self.store.searches.all_searches(unit).await?);
        }
        let from = lifted.searches_from.unwrap_or(lifted.retracted_at);
        if self.search_all_from(&searches, from).await? {
            self.store.leads.end_lifting(lifted).await?;
            tracing::info!(tenant = %lifted.tenant, "a retraction is lifted");
        }
        Ok(())
    }

    /// Begins these searches again unless they have begun again since a time; says whether all have. One
    /// that is under way cannot, and is left to the next run.
    async fn search_all_from(
        &self,
        searches: &[SearchKey],
        from: Timestamp,
    ) -> store::Result<bool> {
        let mut have_all_begun = true;
        for of in searches {
            if self.store.searches.was_woken(of, from).await? {
                continue;
            }
            let plan = self.store.searches.search_plan(of).await?;
            if plan.is_some_and(|plan| !plan.is_finished) {
                have_all_begun = false;
                continue;
            }
            self.store.searches.forget_search(of).await?;
            self.store
                .searches
                .search_again(of, self.clock.now())
                .await?;
        }
        Ok(have_all_begun)
    }
}
