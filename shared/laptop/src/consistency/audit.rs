//! Audit logs are held against their heads, which lie apart from them.

use records::{AuditCheck, AuditFault, AuditKey, TenantId, TenantSettings};
use serde_json::{Value, json};
use store::Store;

use super::{Consistency, Disagreement};

/// Audit logs and what they hold.
#[derive(Debug, Default)]
pub(super) struct Audit {
    logs: u64,
    entries: u64,
}

impl Audit {
    pub(super) fn to_json(&self) -> Value {
        json!({"logs": self.logs, "entries": self.entries})
    }
}

/// Checks the log of every tenant.
pub(super) async fn count(
    consistency: &mut Consistency,
    store: &Store,
    tenants: &[TenantSettings],
) -> store::Result<()> {
    let seed = store.erasures.known_receipts_key().await?;
    let key = seed.as_ref().map(AuditKey::of);
    for TenantSettings { tenant, .. } in tenants {
        let (entries, found) = check(store, key.as_ref(), tenant).await?;
        consistency.audit.logs += u64::from(entries > 0);
        consistency.audit.entries += entries;
        if let Err(fault) = found {
            let what = format!("audit log {fault}");
            consistency.add(Disagreement::of([tenant.to_string()], what));
        }
    }
    Ok(())
}

/// How many entries a log has, and what is wrong with it. The head is read first: the log may grow
/// concurrently.
async fn check(
    store: &Store,
    key: Option<&AuditKey>,
    tenant: &TenantId,
) -> store::Result<(u64, Result<(), AuditFault>)> {
    let head = store.audit.audit_head(tenant).await?;
    let (mut check, mut found) = (AuditCheck::new(key, head.as_ref()), Ok(()));
    let (mut entries, mut cursor) = (0, None);
    loop {
        let page = store
            .audit
            .audit_entries(tenant, cursor.as_ref(), store::PAGE_ITEMS_MAX)
            .await?;
        entries += page.items.len() as u64;
        found = found.and_then(|()| check.see(&page.items));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    Ok((entries, found.and_then(|()| check.end())))
}
