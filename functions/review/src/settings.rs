//! What a unit sets for itself.

use axum::extract::State;
use records::{AuditAction, TenantId, TenantSettings};
use serde_json::{Value, json};

use crate::body::Json;
use crate::caller::{Reviewer, Supervisor};
use crate::problem::{Answer, Problem, ok};
use crate::{Shared, store_errors};

/// `GET /v1/settings`
pub(crate) async fn show(State(shared): State<Shared>, Reviewer(unit): Reviewer) -> Answer {
    ok(&body(&found(&shared, &unit).await?))
}

/// `PUT /v1/settings`
pub(crate) async fn put(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Json(mut asked): Json,
) -> Answer {
    let tell_withdrawals = asked
        .flag("tell_withdrawals")?
        .ok_or_else(|| asked.missing("tell_withdrawals"))?;
    let second_opinion = asked.flag("second_opinion")?;
    asked.finish()?;
    let known = found(&shared, &unit).await?;
    let settings = TenantSettings {
        tell_withdrawals,
        second_opinion: second_opinion.unwrap_or(known.second_opinion),
        ..known
    };
    let written = shared.store.tenants.put_tenant(&settings).await;
    written.map_err(store_errors::problem)?;
    shared
        .audit(&unit, AuditAction::SettingsChanged, None)
        .await?;
    ok(&body(&settings))
}

fn body(settings: &TenantSettings) -> Value {
    json!({
        "tell_withdrawals": settings.tell_withdrawals,
        "second_opinion": settings.second_opinion,
        "legal_basis": settings.legal_basis,
        "expiry_days": settings.expiry_days,
    })
}

pub(crate) async fn found(shared: &Shared, unit: &TenantId) -> Answer<TenantSettings> {
    let found = shared
        .store
        .tenants
        .tenant(unit)
        .await
        .map_err(store_errors::problem)?;
    found.ok_or_else(|| Problem::not_found("this unit has no settings; ask an administrator"))
}
