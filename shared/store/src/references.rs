//! References: submitted, looked at, paged through.

pub(crate) mod announce;
pub(crate) mod enrolled;
pub(crate) mod erasing;
pub(crate) mod log;
pub(crate) mod removed;
pub(crate) mod renewal;
pub(crate) mod snapshot;
pub(crate) mod status;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use features::fingerprint::ReferenceFingerprint;
use records::{
    CaseId, Cursor, Listing, Page, Reference, ReferenceId, ReferenceKey, ReferenceStatus,
    SearchProgress, TenantId, Timestamp,
};

use crate::db::calls::{Query, Range};
use crate::db::error::{Error, Result};
use crate::db::items::{Item, attribute, item, key, record, reference_fingerprint_attribute, text};
use crate::db::transactions::Ended;
use crate::{Db, Erasures, GarbageCollector, Objects, PAGE_ITEMS_MAX, Segments, Table};

/// References: their records, log and snapshots. Cheap to clone.
#[derive(Clone, Debug)]
pub struct References {
    pub(crate) db: Db,
    pub(crate) objects: Objects,
    pub(crate) segments: Segments,
    pub(crate) garbage: GarbageCollector,
    pub(crate) erasures: Erasures,
}

impl References {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            objects: Objects::new(db),
            segments: Segments::new(db),
            garbage: GarbageCollector::new(db),
            erasures: Erasures::new(db),
        }
    }
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is stored.
    New,
    /// The store has this reference already, standing so; nothing was changed.
    Known(ReferenceStatus),
}

/// A condition on a write, with the names and values in it.
type Condition<'a> = (
    &'a str,
    &'a [(&'a str, &'a str)],
    &'a [(&'a str, AttributeValue)],
);

/// The prefix of references' sort keys.
const REFERENCE: &str = "reference#";

pub(crate) fn reference_sk(reference: &ReferenceId) -> String {
    format!("{REFERENCE}{reference}")
}

/// Where the fingerprint of a reference lies until it is active.
pub(crate) fn fingerprint_sk(reference: &ReferenceId) -> String {
    format!("fingerprint#{reference}")
}

/// The item in which the fingerprint of a reference lies until it is active.
pub(crate) fn held_fingerprint(
    unit: &TenantId,
    id: &ReferenceId,
    fingerprint: AttributeValue,
) -> Item {
    let mut held = key(unit.as_str(), fingerprint_sk(id));
    held.insert("fingerprint".into(), fingerprint);
    held
}

/// A reference may take the place of one that was only announced, or of one that has ended, if it
/// was submitted after that end: a late event must not revive what was withdrawn.
pub(crate) const NEW_OR_ENDED: &str = "attribute_not_exists(pk) OR \
     (#status = :pending AND attribute_exists(announced)) OR \
     (#status IN (:withdrawn, :expired, :rejected) AND ended_at < :created_at)";

/// A reference that was withdrawn since nothing lay under its photo's key any more, and has stayed so.
const STILL_WITHOUT_PHOTO: &str = "attribute_exists(photo_deleted) AND ended_at = :ended_at";

/// The values of [`NEW_OR_ENDED`].
pub(crate) fn ended_before(created_at: Timestamp) -> [(&'static str, AttributeValue); 5] {
    [
        (":pending", text(ReferenceStatus::Pending.as_str())),
        (":withdrawn", text(ReferenceStatus::Withdrawn.as_str())),
        (":expired", text(ReferenceStatus::Expired.as_str())),
        (":rejected", text(ReferenceStatus::Rejected.as_str())),
        (":created_at", text(created_at.as_str())),
    ]
}

impl Db {
    /// A step that refuses the transaction unless this reference is active.
    pub(crate) fn step_active(
        &self,
        unit: &TenantId,
        reference: &ReferenceId,
    ) -> Result<TransactWriteItem> {
        self.step_reference(unit, reference, "#status = :active", &[])
    }

    /// A step that refuses the transaction unless this reference is active since the time that was read. One that was
    /// withdrawn and submitted again is active since another.
    pub(crate) fn step_active_since(
        &self,
        unit: &TenantId,
        reference: &ReferenceId,
        activated_at: Option<Timestamp>,
    ) -> Result<TransactWriteItem> {
        let condition = "#status = :active AND activated_at = :activated_at";
        let since = [(":activated_at", attribute(&activated_at)?)];
        self.step_reference(unit, reference, condition, &since)
    }

    /// A step that refuses the transaction if this reference is active.
    pub(crate) fn step_not_active(
        &self,
        unit: &TenantId,
        reference: &ReferenceId,
    ) -> Result<TransactWriteItem> {
        let condition = "attribute_not_exists(pk) OR #status <> :active";
        self.step_reference(unit, reference, condition, &[])
    }

    /// A step that refuses the transaction unless this holds of a reference; the condition has to name `#status` and
    /// `:active`, and may name further values.
    pub(crate) fn step_reference(
        &self,
        unit: &TenantId,
        reference: &ReferenceId,
        condition: &str,
        more: &[(&str, AttributeValue)],
    ) -> Result<TransactWriteItem> {
        let active = (":active", text(ReferenceStatus::Active.as_str()));
        let values: Vec<_> = more.iter().cloned().chain([active]).collect();
        let reference = key(unit.as_str(), reference_sk(reference));
        let names = [("#status", "status")];
        self.step_check(Table::References, reference, condition, &names, &values)
    }
}

impl References {
    /// Stores a new reference as pending, with its fingerprint, in one transaction; it is not
    /// matched before [`References::activate`]. A reference that is there and has not ended stays as it
    /// is, and so does one that ended at or after this one's `created_at`. Idempotent.
    ///
    /// # Errors
    /// [`Error::Rejected`] if the record is not pending, or the fingerprint is larger than an item
    /// can hold (320 KB).
    pub async fn submit(
        &self,
        unit: &TenantId,
        reference: &Reference,
        fingerprint: &ReferenceFingerprint,
    ) -> Result<Submitted> {
        if reference.status != ReferenceStatus::Pending {
            return Err(Error::Rejected("a new reference is pending"));
        }
        let names = [("#status", "status")];
        let values = ended_before(reference.created_at);
        let condition = (NEW_OR_ENDED, &names[..], &values[..]);
        let put = self.put_submitted(unit, reference, fingerprint, condition);
        match put.await? {
            Some(submitted) => Ok(submitted),
            None => self.known(unit, &reference.reference_id).await,
        }
    }

    /// Submits a reference whose photo was deleted in S3 and lies there again: under this key, with this
    /// version, as the newest. S3 tells whole seconds, so the times alone do not say
    /// which came first, the deletion or a photo of the same second. What was not withdrawn by
    /// [`References::withdraw_removed`], or lies there no more, stays as it is. Idempotent.
    ///
    /// # Errors
    /// As [`References::submit`].
    pub async fn submit_returned(
        &self,
        unit: &TenantId,
        reference: &Reference,
        fingerprint: &ReferenceFingerprint,
        photo: (&ReferenceKey, Option<&str>),
    ) -> Result<Submitted> {
        let id = &reference.reference_id;
        let mut attempts = self.db.attempts("submitting a photo that was put again");
        // Read first: a deletion after the look at S3 moves the end, and the condition fails.
        while let Some(ended_at) = self.returned(unit, id, photo).await? {
            let values = [(":ended_at", ended_at)];
            let condition = (STILL_WITHOUT_PHOTO, &[][..], &values[..]);
            let put = self.put_submitted(unit, reference, fingerprint, condition);
            if let Some(submitted) = put.await? {
                return Ok(submitted);
            }
            attempts.again().await?;
        }
        self.known(unit, id).await
    }

    /// Whether a reference was withdrawn since nothing lay under its photo's key any more, though this
    /// version of the photo lies there, as the newest: its event and the deletion's were handled
    /// concurrently, so it waits for [`References::submit_returned`].
    ///
    /// # Errors
    /// As every verb.
    pub async fn is_returned(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        photo: (&ReferenceKey, Option<&str>),
    ) -> Result<bool> {
        Ok(self.returned(unit, id, photo).await?.is_some())
    }

    /// Whether a reference that ended then is over, and its photo to be removed. It is not where the photo was
    /// deleted: what lies under its key came afterwards, be it in the same second, and is still to be
    /// enrolled.
    ///
    /// # Errors
    /// As every verb.
    pub async fn leaves_photo(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        ended_at: Timestamp,
    ) -> Result<bool> {
        let found = self.reference_item(unit, id).await?.unwrap_or_default();
        let is_over = found.get("ended_at") == Some(&text(ended_at.as_str()));
        Ok(is_over && !found.contains_key("photo_deleted"))
    }

    /// When such a reference ended.
    async fn returned(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        (key, version_id): (&ReferenceKey, Option<&str>),
    ) -> Result<Option<AttributeValue>> {
        let found = self.reference_item(unit, id).await?.unwrap_or_default();
        let ended_at = found.get("ended_at").cloned();
        if ended_at.is_none() || !found.contains_key("photo_deleted") {
            return Ok(None);
        }
        let newest = self.objects.head(&key.clone().into()).await?;
        let lies_there = newest.is_some_and(|head| head.version_id() == version_id);
        Ok(ended_at.filter(|_| lies_there))
    }

    /// Puts a submitted reference and its fingerprint; none if the condition does not hold.
    async fn put_submitted(
        &self,
        unit: &TenantId,
        reference: &Reference,
        fingerprint: &ReferenceFingerprint,
        (condition, names, values): Condition<'_>,
    ) -> Result<Option<Submitted>> {
        let id = &reference.reference_id;
        let held = held_fingerprint(unit, id, reference_fingerprint_attribute(fingerprint)?);
        let submitted = item(unit.as_str(), reference_sk(id), reference)?;
        let steps = [
            self.db
                .step_put_if(Table::References, submitted, condition, names, values)?,
            self.db.step_put(Table::References, held)?,
        ];
        match self.db.transact("submitting a reference", &steps).await? {
            Ended::Done => Ok(Some(Submitted::New)),
            Ended::Refused(_) => Ok(None),
        }
    }

    /// Records that a reference is not usable, with the reason in it. The same rule as for
    /// [`References::submit`]: one that is there and has not ended stays. Idempotent.
    ///
    /// # Errors
    /// [`Error::Rejected`] if the record is not rejected, or says not when or why.
    pub async fn reject_reference(
        &self,
        unit: &TenantId,
        reference: &Reference,
    ) -> Result<Submitted> {
        let told_why = reference.reason.is_some() && reference.ended_at.is_some();
        if reference.status != ReferenceStatus::Rejected || !told_why {
            return Err(Error::Rejected("a rejected reference says why and when"));
        }
        let stored = self
            .db
            .put_if(
                Table::References,
                item(
                    unit.as_str(),
                    reference_sk(&reference.reference_id),
                    reference,
                )?,
                NEW_OR_ENDED,
                &[("#status", "status")],
                &ended_before(reference.created_at),
            )
            .await?;
        if stored {
            Ok(Submitted::New)
        } else {
            self.known(unit, &reference.reference_id).await
        }
    }

    pub(crate) async fn known(&self, unit: &TenantId, id: &ReferenceId) -> Result<Submitted> {
        let found = self.reference(unit, id).await?;
        found
            .map(|reference| Submitted::Known(reference.status))
            .ok_or(Error::Conflict("the reference changed meanwhile"))
    }

    /// A reference of this unit. Strongly consistent; another unit's is as one that does not exist.
    ///
    /// # Errors
    /// As every verb.
    pub async fn reference(&self, unit: &TenantId, id: &ReferenceId) -> Result<Option<Reference>> {
        let found = self.reference_item(unit, id).await?;
        found.map(|item| record(item, "reference")).transpose()
    }

    pub(crate) async fn reference_item(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
    ) -> Result<Option<Item>> {
        self.db
            .get(Table::References, unit.as_str(), reference_sk(id))
            .await
    }

    /// A page of a unit's references, by id, of one case if one is named. Strongly consistent. A
    /// page may hold fewer items than asked for, even none, and still have a next one.
    ///
    /// # Errors
    /// [`Error::Rejected`] for a cursor that is not of this listing.
    pub async fn references(
        &self,
        unit: &TenantId,
        case: Option<&CaseId>,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Reference>> {
        let after = cursor
            .map(|cursor| cursor.open(unit, Listing::References))
            .transpose()?;
        let mut query = Query::of(Table::References, unit.as_str(), Range::prefix(REFERENCE));
        query.limit = Some(limit.min(PAGE_ITEMS_MAX));
        query.after = after.as_deref();
        let (items, next) = self.db.query(&query).await?;
        let mut references: Vec<Reference> = items
            .into_iter()
            .map(|item| record(item, "reference"))
            .collect::<Result<_>>()?;
        references.retain(|reference| case.is_none_or(|case| *case == reference.case_id));
        let next = next.map(|key| Cursor::new(unit, Listing::References, &key));
        Ok(Page {
            items: references,
            next,
        })
    }

    /// Notes how far the search of an active reference through the past ads has come. Idempotent;
    /// does nothing if the reference is not active (any more).
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_search(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        progress: &SearchProgress,
    ) -> Result<()> {
        let steps = [self.db.step_update(
            Table::References,
            key(unit.as_str(), reference_sk(id)),
            "SET #search = :search",
            Some("#status = :active"),
            &[("#status", "status"), ("#search", "search")],
            &[
                (":search", attribute(progress)?),
                (":active", text(ReferenceStatus::Active.as_str())),
            ],
        )?];
        self.db
            .transact("noting a search", &steps)
            .await
            .map(|_| ())
    }
}
