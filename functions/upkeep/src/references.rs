//! References that end, and what is left of those that have ended.

use std::time::Duration;

use records::{Reference, ReferenceStatus, TenantId};

use crate::{Done, Upkeep};

/// How long a search may stand still: four times what a function may run.
const STALLED_FOR: Duration = Duration::from_secs(3_600);

/// So long after its end a reference's photo is asked for at each walk: what was under way at the end is over.
const ASKED_FOR: Duration = Duration::from_secs(24 * 3_600);

impl Upkeep {
    /// Ends a unit's references whose date has passed for sure.
    pub(crate) async fn expire(&self, unit: &TenantId, done: &mut Done) -> store::Result<()> {
        let ended_by = self.ended_by().await?;
        for id in self.store.references.expiring(unit, ended_by).await? {
            self.store
                .references
                .expire(unit, &id, self.clock.now())
                .await?;
            done.expired += 1;
        }
        Ok(())
    }

    /// Closes the leads of references that have ended, and takes them back where the unit wants that.
    pub(crate) async fn take_back(&self, unit: &TenantId, done: &mut Done) -> store::Result<()> {
        let now = self.clock.now();
        done.taken_back += self.store.leads.take_back_leads(unit, now).await?;
        Ok(())
    }

    /// Drives again searches that stand still: their change was given up, by its stream or by a
    /// crash at the wrong moment.
    pub(crate) async fn wake_searches(
        &self,
        unit: &TenantId,
        done: &mut Done,
    ) -> store::Result<()> {
        let before = self.clock.now().minus(STALLED_FOR);
        for of in self.store.searches.stalled_searches(unit, before).await? {
            if !self.store.searches.was_woken(&of, before).await? {
                self.store
                    .searches
                    .search_again(&of, self.clock.now())
                    .await?;
                done.searches += 1;
            }
        }
        Ok(())
    }

    /// Searches all past ads again for a unit's active references. Searches under way go on.
    pub(crate) async fn search_again(&self, unit: &TenantId, done: &mut Done) -> store::Result<()> {
        for of in self.store.searches.all_searches(unit).await? {
            self.store.searches.forget_search(&of).await?;
            self.store
                .searches
                .search_again(&of, self.clock.now())
                .await?;
            done.searches += 1;
        }
        Ok(())
    }

    /// Removes the photos of a unit's withdrawn and expired references. A photo that was put there
    /// again after the end is a new submission and stays. What an erasure under way is about is left
    /// to it, which counts what it removes.
    /// Of those that ended a day before the last whole walk nothing is asked again.
    pub(crate) async fn erase(&self, unit: &TenantId, done: &mut Done) -> store::Result<()> {
        let checkpoints = &self.store.checkpoints;
        let erased_until = checkpoints.photos_erased_until(unit).await?;
        let until = self.clock.now().minus(ASKED_FOR);
        let is_new = |it: &&Reference| it.ended_at >= erased_until;
        let mut asked = false;
        let mut cursor = None;
        loop {
            let page = self
                .store
                .references
                .references(unit, None, cursor.as_ref(), store::PAGE_ITEMS_MAX)
                .await?;
            // Asked after the references: an erasure is written before it ends any.
            let erasures = self.store.erasures.pending_erasures(unit).await?;
            let is_left = |it: &&Reference| erasures.iter().any(|erasure| erasure.covers(it));
            let ended = page.items.iter().filter(|it| has_ended(it));
            for reference in ended.filter(|it| is_new(it) && !is_left(it)) {
                asked |= reference.ended_at.is_some_and(|at| at < until);
                done.erased += u64::from(self.erase_photo(reference).await?);
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None if asked => return checkpoints.save_photos_erased_until(unit, until).await,
                None => return Ok(()),
            }
        }
    }

    async fn erase_photo(&self, reference: &Reference) -> store::Result<bool> {
        let (Some(key), Some(ended_at)) = (&reference.object_key, reference.ended_at) else {
            return Ok(false);
        };
        // A fetch of no bytes tells when the object was written, and whether it is there.
        let facts = match self
            .store
            .objects
            .fetch(&key.clone().into(), None, 0)
            .await?
        {
            store::Fetched::OverLimit(facts) => facts,
            store::Fetched::Object(object) => object.facts,
            store::Fetched::Gone => return Ok(false),
        };
        let (unit, id) = (key.tenant(), &reference.reference_id);
        let came_later = facts.uploaded_at() > ended_at;
        if came_later
            || !self
                .store
                .references
                .leaves_photo(unit, id, ended_at)
                .await?
        {
            return Ok(false);
        }
        self.store
            .objects
            .delete_object(&key.clone().into(), facts.version_id.as_deref())
            .await?;
        Ok(true)
    }
}

fn has_ended(reference: &Reference) -> bool {
    matches!(
        reference.status,
        ReferenceStatus::Withdrawn | ReferenceStatus::Expired
    )
}
