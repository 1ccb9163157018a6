//! What becomes of references whose photo a unit deleted in S3: they are withdrawn.

use records::{ImageSha256, Reference, ReferenceId, ReferenceKey, ReferenceStatus, Timestamp};

use crate::db::error::{Error, Result};
use crate::db::items::{key, text};
use crate::db::transactions::Ended;
use crate::objects::{Fetched, ObjectKind};
use crate::references::reference_sk;
use crate::{PAGE_ITEMS_MAX, References, Table};

/// Objects of a case that are looked at in one listing.
const LISTED: usize = 1_000;

impl References {
    /// Withdraws every reference whose photo lay under a key where nothing lies any more, as
    /// [`References::withdraw`] does, and tells which of that key are withdrawn, now or before: wait for
    /// [`Deliveries::in_flight`](crate::Deliveries::in_flight) of each before acknowledging. While any object
    /// lies there nothing
    /// happens: an old version went, or another photo came. A photo that lies in its case under
    /// another key too, as one that was renamed does, stays sought. Objects of more than
    /// `bytes_max` bytes are no photos. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn withdraw_removed(
        &self,
        removed: &ReferenceKey,
        bytes_max: u64,
        now: Timestamp,
    ) -> Result<Vec<ReferenceId>> {
        if self.objects.head(&removed.clone().into()).await?.is_some() {
            return Ok(Vec::new());
        }
        let mut silenced = Vec::new();
        for reference in self.references_at(removed).await? {
            if self
                .is_silenced(removed, &reference, bytes_max, now)
                .await?
            {
                silenced.push(reference.reference_id);
            }
        }
        Ok(silenced)
    }

    /// References of a key that are sought, wait to be, or were withdrawn.
    async fn references_at(&self, key: &ReferenceKey) -> Result<Vec<Reference>> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let case = Some(key.case_id());
            let page = self
                .references(key.tenant(), case, cursor.as_ref(), PAGE_ITEMS_MAX)
                .await?;
            found.extend(page.items.into_iter().filter(|reference| {
                let ended = [ReferenceStatus::Expired, ReferenceStatus::Rejected];
                reference.object_key.as_ref() == Some(key) && !ended.contains(&reference.status)
            }));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(found),
            }
        }
    }

    async fn is_silenced(
        &self,
        removed: &ReferenceKey,
        reference: &Reference,
        bytes_max: u64,
        now: Timestamp,
    ) -> Result<bool> {
        let (unit, id) = (removed.tenant(), &reference.reference_id);
        let is_sought = reference.status != ReferenceStatus::Withdrawn;
        while let Some(photo) = reference.image_sha256.as_ref().filter(|_| is_sought)
            && let Some(other) = self.same_photo(removed, photo, bytes_max).await?
        {
            self.move_photo(reference, &other).await?;
            // Its own deletion may have been looked into before the reference was there.
            if self.objects.head(&other.into()).await?.is_some() {
                return Ok(false);
            }
        }
        match self.withdraw_without_photo(unit, id, now).await {
            Err(Error::Gone(_)) => Ok(false), // erased concurrently
            withdrawn => withdrawn.map(|()| true),
        }
    }

    /// Another key of the same case under which the same bytes lie.
    async fn same_photo(
        &self,
        removed: &ReferenceKey,
        photo: &ImageSha256,
        bytes_max: u64,
    ) -> Result<Option<ReferenceKey>> {
        let (unit, case) = (removed.tenant(), removed.case_id());
        let prefix = format!("{}{case}/", ReferenceKey::prefix(unit));
        let mut after = None;
        loop {
            let page = self
                .objects
                .objects_page(ObjectKind::Reference, &prefix, after.as_deref(), LISTED)
                .await?;
            for object in page.items {
                let fetched = self.objects.fetch(&object.key, None, bytes_max).await?;
                let is_same =
                    matches!(&fetched, Fetched::Object(it) if ImageSha256::of(&it.bytes) == *photo);
                if is_same {
                    return Ok(ReferenceKey::parse(object.key.as_str()).ok());
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(None),
            }
        }
    }

    /// Notes that a reference's photo lies under another key now.
    async fn move_photo(&self, reference: &Reference, to: &ReferenceKey) -> Result<()> {
        let moved = self.db.step_update(
            Table::References,
            key(to.tenant().as_str(), reference_sk(&reference.reference_id)),
            "SET object_key = :to",
            Some("#status = :before"),
            &[("#status", "status")],
            &[
                (":to", text(to.as_str())),
                (":before", text(reference.status.as_str())),
            ],
        )?;
        match self.db.transact("moving a photo", &[moved]).await? {
            Ended::Done => Ok(()),
            Ended::Refused(_) => Err(Error::Conflict("the reference changed meanwhile")),
        }
    }
}
