//! References: submitted, looked at, paged through.

use aws_sdk_dynamodb::types::AttributeValue;
use records::fingerprint::ReferenceFingerprint;
use records::{
    CaseId, Cursor, Listing, Page, Reference, ReferenceId, ReferenceStatus, SearchProgress,
    TenantId, Timestamp,
};

use crate::calls::{Query, Range};
use crate::error::{Error, Result};
use crate::items::{Item, attribute, item, key, record, reference_fingerprint_attribute, text};
use crate::transactions::Ended;
use crate::{PAGE_ITEMS_MAX, Store, Table};

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is stored.
    New,
    /// The store has this reference already, standing so; nothing was changed.
    Known(ReferenceStatus),
}

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

impl Store {
    /// Stores a new reference as pending, with its fingerprint, in one transaction; it is not
    /// matched before [`Store::activate`]. A reference that is there and has not ended stays as it
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
        let id = &reference.reference_id;
        let held = held_fingerprint(unit, id, reference_fingerprint_attribute(fingerprint)?);
        let steps = [
            self.step_put_if(
                Table::References,
                item(unit.as_str(), reference_sk(id), reference)?,
                NEW_OR_ENDED,
                &[("#status", "status")],
                &ended_before(reference.created_at),
            )?,
            self.step_put(Table::References, held)?,
        ];
        match self.transact("submitting a reference", &steps).await? {
            Ended::Done => Ok(Submitted::New),
            Ended::Refused(_) => self.known(unit, id).await,
        }
    }

    /// Records that a reference is not usable, with the reason in it. The same rule as for
    /// [`Store::submit`]: one that is there and has not ended stays. Idempotent.
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
        self.get(Table::References, unit.as_str(), reference_sk(id))
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
        let (items, next) = self.query(&query).await?;
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
        let steps = [self.step_update(
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
        self.transact("noting a search", &steps).await.map(|_| ())
    }
}
