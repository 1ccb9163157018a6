//! What was done, and by whom: a unit reads what was done in its name, an administrator any log.

use axum::extract::State;
use records::{AuditAction, Listing, Role, TenantId};
use serde_json::json;

use crate::body::Query;
use crate::caller::Auditor;
use crate::fields::Fields;
use crate::problem::{Answer, Problem};
use crate::{Shared, paging, store_errors, tenants};

/// `GET /v1/audit`
pub(crate) async fn read(
    State(shared): State<Shared>,
    auditor: Auditor,
    Query(mut query): Query,
) -> Answer {
    let asked = paging::asked(&mut query)?;
    let whose = whose(&shared, &auditor, &mut query).await?;
    paging::opened(&asked, &query, &whose, Listing::Audit)?;
    query.finish()?;
    if auditor.role == Role::Admin && asked.after.is_none() {
        let subject = Some(auditor.tenant.as_str());
        shared
            .audit_as(&whose, Role::Admin, AuditAction::AuditSeen, subject)
            .await?;
    }
    let page = shared
        .store
        .audit
        .audit_entries(&whose, asked.after.as_ref(), asked.limit)
        .await
        .map_err(store_errors::problem)?;
    paging::page(page.map(|entry| json!(entry)))
}

/// Its own log, or of an administrator the one that it names.
async fn whose(
    shared: &Shared,
    auditor: &Auditor,
    query: &mut Fields,
) -> Result<TenantId, Problem> {
    if auditor.role != Role::Admin {
        return Ok(auditor.tenant.clone());
    }
    match query.parsed::<TenantId>("tenant")? {
        Some(named) => Ok(tenants::found(shared, named.as_str()).await?.tenant),
        None => Ok(auditor.tenant.clone()),
    }
}
