//! The audit log of each tenant: append-only, chained, sealed with the deployment's key, and its head
//! in another table.
//!
//! The head is there before the first entry that is sealed with a key, and moves on after each entry
//! is written. So whatever cuts an append off leaves a log that is whole: its head lags by entries
//! that are chained and sealed as all others, which the next append takes in. Only such an entry could
//! be cut off unseen, and no caller was answered what it records.

use aws_sdk_dynamodb::types::AttributeValue;
use records::{
    AuditAction, AuditEntry, AuditHead, AuditKey, Cursor, Label, Listing, Page, PersonId, Role,
    TenantId, Timestamp,
};

use crate::Db;
use crate::db::calls::{Query, Range};
use crate::db::error::{Error, Result};
use crate::db::items::{SEQ_TEXT_MAX, item, number, record, seq_text};
use crate::{PAGE_ITEMS_MAX, Table};

/// The audit logs of tenants. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuditLog {
    pub(crate) db: Db,
}

impl AuditLog {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }
}

/// Under which the head of a tenant's log stands next to its settings.
const HEAD: &str = "audit-head";

impl AuditLog {
    /// Appends an entry to a tenant's log, sealed with `key` over the one before, and moves its head.
    /// Not idempotent: call it once per deed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if others kept appending.
    pub async fn audit(
        &self,
        key: &AuditKey,
        tenant: &TenantId,
        at: Timestamp,
        (actor, action): (Option<Role>, AuditAction),
        subject: Option<Label>,
    ) -> Result<AuditEntry> {
        self.audit_by(key, (tenant, None), at, (actor, action), (subject, None))
            .await
    }

    /// As [`AuditLog::audit`], as the deed of a person, with which part of the subject it was about.
    ///
    /// # Errors
    /// As [`AuditLog::audit`].
    pub async fn audit_by(
        &self,
        key: &AuditKey,
        (tenant, by): (&TenantId, Option<&PersonId>),
        at: Timestamp,
        (actor, action): (Option<Role>, AuditAction),
        (subject, what): (Option<Label>, Option<Label>),
    ) -> Result<AuditEntry> {
        let mut attempts = self.db.attempts("appending to an audit log");
        loop {
            let head = self.audit_head_or_anchor(tenant).await?;
            let last = self.last_audit_entry(tenant).await?;
            let last = head.next_after(last.as_ref());
            let entry = AuditEntry::after(key, last, at, actor, action, subject.clone());
            let entry = match by {
                Some(by) => entry.by_person(key, by, what.clone()),
                None => entry,
            };
            let item = item(tenant.as_str(), seq_text(entry.seq), &entry)?;
            if self.db.put_new(Table::Audit, item).await? {
                self.move_head(tenant, &head.at(&entry)).await?;
                return Ok(entry);
            }
            attempts.again().await?;
        }
    }

    /// How far a tenant's log has come; none before its first entry that is sealed with a key.
    /// Strongly consistent: entries that are read afterwards reach at least as far.
    ///
    /// # Errors
    /// As every verb.
    pub async fn audit_head(&self, tenant: &TenantId) -> Result<Option<AuditHead>> {
        let found = self.db.get(Table::Tenants, tenant.as_str(), HEAD).await?;
        found.map(|item| record(item, "audit head")).transpose()
    }

    async fn audit_head_or_anchor(&self, tenant: &TenantId) -> Result<AuditHead> {
        if let Some(head) = self.audit_head(tenant).await? {
            return Ok(head);
        }
        let last = self.last_audit_entry(tenant).await?;
        let new = item(tenant.as_str(), HEAD, &AuditHead::anchoring(last.as_ref()))?;
        self.db.put_new(Table::Tenants, new).await?;
        let head = self.audit_head(tenant).await?;
        head.ok_or(Error::Conflict("it changed meanwhile"))
    }

    /// Moves a head forward, never back: others may have appended concurrently.
    async fn move_head(&self, tenant: &TenantId, head: &AuditHead) -> Result<()> {
        let values: [(&str, AttributeValue); 1] = [(":seq", number(head.seq))];
        let head = item(tenant.as_str(), HEAD, head)?;
        self.db
            .put_if(
                Table::Tenants,
                head,
                "attribute_not_exists(pk) OR seq < :seq",
                &[],
                &values,
            )
            .await
            .map(drop)
    }

    async fn last_audit_entry(&self, tenant: &TenantId) -> Result<Option<AuditEntry>> {
        let mut query = Query::of(
            Table::Audit,
            tenant.as_str(),
            Range::between("0", SEQ_TEXT_MAX),
        );
        query.newest_first = true;
        query.limit = Some(1);
        let (items, _) = self.db.query(&query).await?;
        items
            .into_iter()
            .next()
            .map(|item| record(item, "audit entry"))
            .transpose()
    }

    /// A page of a tenant's audit log, oldest first, to be checked by [`records::AuditCheck`].
    /// Strongly consistent.
    ///
    /// # Errors
    /// [`Error::Rejected`] for a cursor that is not of this listing.
    pub async fn audit_entries(
        &self,
        tenant: &TenantId,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AuditEntry>> {
        let after = cursor
            .map(|cursor| cursor.open(tenant, Listing::Audit))
            .transpose()?;
        let mut query = Query::of(
            Table::Audit,
            tenant.as_str(),
            Range::between("0", SEQ_TEXT_MAX),
        );
        query.limit = Some(limit.min(PAGE_ITEMS_MAX));
        query.after = after.as_deref();
        let (items, next) = self.db.query(&query).await?;
        Ok(Page {
            items: items
                .into_iter()
                .map(|item| record(item, "audit entry"))
                .collect::<Result<_>>()?,
            next: next.map(|key| Cursor::new(tenant, Listing::Audit, &key)),
        })
    }
}
