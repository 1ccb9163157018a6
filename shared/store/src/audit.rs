//! The audit log of each tenant: append-only, hash-chained.

use records::{AuditAction, AuditEntry, Cursor, Label, Listing, Page, Role, TenantId, Timestamp};

use crate::calls::{Query, Range};
use crate::error::{Error, Result};
use crate::items::{SEQ_TEXT_MAX, item, record, seq_text};
use crate::{PAGE_ITEMS_MAX, Store, Table, retry};

impl Store {
    /// Appends an entry to a tenant's log, sealed to the one before. Not idempotent: call it once
    /// per deed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if others kept appending.
    pub async fn audit(
        &self,
        tenant: &TenantId,
        at: Timestamp,
        actor: Option<Role>,
        action: AuditAction,
        subject: Option<Label>,
    ) -> Result<AuditEntry> {
        for attempt in 0..retry::ATTEMPTS_MAX {
            let last = self.last_audit_entry(tenant).await?;
            let entry = AuditEntry::after(last.as_ref(), at, actor, action, subject.clone());
            let item = item(tenant.as_str(), seq_text(entry.seq), &entry)?;
            if self.put_new(Table::Audit, item).await? {
                return Ok(entry);
            }
            self.pause(attempt).await;
        }
        Err(Error::Unavailable("appending to an audit log"))
    }

    async fn last_audit_entry(&self, tenant: &TenantId) -> Result<Option<AuditEntry>> {
        let mut query = Query::of(
            Table::Audit,
            tenant.as_str(),
            Range::between("0", SEQ_TEXT_MAX),
        );
        query.newest_first = true;
        query.limit = Some(1);
        let (items, _) = self.query(&query).await?;
        items
            .into_iter()
            .next()
            .map(|item| record(item, "audit entry"))
            .transpose()
    }

    /// A page of a tenant's audit log, oldest first, to be checked by [`records::verify_chain`].
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
        let (items, next) = self.query(&query).await?;
        Ok(Page {
            items: items
                .into_iter()
                .map(|item| record(item, "audit entry"))
                .collect::<Result<_>>()?,
            next: next.map(|key| Cursor::new(tenant, Listing::Audit, &key)),
        })
    }
}
