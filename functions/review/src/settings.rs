//! What a unit sets for itself.

use axum::extract::State;
use records::{AuditAction, TenantId, TenantSettings};
use serde_json::{Value, json};

use crate::body::Json;
use crate::caller::Unit;
use crate::problem::{Answer, Problem, ok};
use crate::{Shared, store_errors};

/// `GET /v1/settings`
pub(crate) async fn show(State(shared): State<Shared>, Unit(unit): Unit) -> Answer {
    ok(&body(&found(&shared, &unit).await?))
}

/// `PUT /v1/settings`
pub(crate) async fn put(
    State(shared): State<Shared>,
    Unit(unit): Unit,
    Json(mut asked): Json,
) -> Answer {
    let tell_withdrawals = asked
        .flag("tell_withdrawals")?
        .ok_or_else(|| asked.missing("tell_withdrawals"))?;
    asked.finish()?;
    let settings = TenantSettings {
        tell_withdrawals,
        ..found(&shared, &unit).await?
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
        "legal_basis": settings.legal_basis,
        "expiry_days": settings.expiry_days,
    })
}

async fn found(shared: &Shared, unit: &TenantId) -> Answer<TenantSettings> {
    let found = shared
        .store
        .tenants
        .tenant(unit)
        .await
        .map_err(store_errors::problem)?;
    found.ok_or_else(|| Problem::not_found("this unit has no settings; ask an administrator"))
}
