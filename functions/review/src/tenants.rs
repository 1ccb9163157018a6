//! Tenants and tokens: the little that an agency needs to run a deployment.

use axum::extract::State;
use http::StatusCode;
use records::{
    AuditAction, IssuedToken, Label, Person, PersonRole, Retraction, Role, TenantId,
    TenantSettings, Token, TokenId,
};
use serde_json::json;

use crate::body::{Ids, Json};
use crate::caller::Admin;
use crate::problem::{Answer, Problem, ProblemKind, answer, done, ok};
use crate::{Shared, store_errors};

const MISSING_TENANT: &str = "no such tenant; GET /v1/tenants lists them";
const MISSING_TOKEN: &str = "no such token; GET /v1/tenants/{tenant}/tokens lists them";

const MISSING_RETRACTION: &str =
    "nothing of this tenant is retracted; PUT /v1/tenants/{tenant}/retraction does it";

/// The longest life of a reference that brings no date: ten years.
const EXPIRY_DAYS_MAX: u64 = 3_650;

/// The largest quota: more uploads than any deployment takes in a day.
const QUOTA_MAX: u64 = 1_000_000_000;

const ROLES: &[(&str, Role)] = &[
    ("unit", Role::Unit),
    ("uploader", Role::Uploader),
    ("admin", Role::Admin),
];

const PERSON_ROLES: &[(&str, PersonRole)] = &[
    ("reviewer", PersonRole::Reviewer),
    ("supervisor", PersonRole::Supervisor),
    ("auditor", PersonRole::Auditor),
];

/// `GET /v1/tenants`
pub(crate) async fn list(State(shared): State<Shared>, _: Admin) -> Answer {
    let tenants = shared
        .store
        .tenants
        .tenants()
        .await
        .map_err(store_errors::problem)?;
    ok(&json!({ "items": tenants, "next": null }))
}

/// `POST /v1/tenants`
pub(crate) async fn make(
    State(shared): State<Shared>,
    Admin(admin): Admin,
    Json(mut body): Json,
) -> Answer {
    let expiry_days = body.whole("expiry_days", 1..=EXPIRY_DAYS_MAX)?;
    let expiry_days = expiry_days.and_then(|days| u32::try_from(days).ok());
    let settings = TenantSettings {
        tenant: body.required("tenant")?,
        is_unit: body.flag("is_unit")?.unwrap_or(false),
        is_uploader: body.flag("is_uploader")?.unwrap_or(false),
        legal_basis: body.parsed("legal_basis")?,
        expiry_days: expiry_days.unwrap_or(TenantSettings::EXPIRY_DAYS_DEFAULT),
        tell_withdrawals: body.flag("tell_withdrawals")?.unwrap_or(false),
        second_opinion: false,
        created_at: shared.clock.now(),
    };
    body.finish()?;
    if !shared
        .store
        .tenants
        .make_tenant(&settings)
        .await
        .map_err(store_errors::problem)?
    {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "a tenant of this name exists already; choose another name or issue a token for it",
        ));
    }
    let tenant = &settings.tenant;
    shared
        .audit_admin(
            (&admin, tenant),
            AuditAction::SettingsChanged,
            tenant.as_str(),
        )
        .await?;
    Ok(answer(StatusCode::CREATED, &json!(settings)))
}

/// `GET /v1/tenants/{tenant}/tokens`
pub(crate) async fn tokens(
    State(shared): State<Shared>,
    _: Admin,
    Ids([tenant]): Ids<1>,
) -> Answer {
    let tenant = found(&shared, &tenant).await?.tenant;
    let tokens = shared
        .store
        .tenants
        .issued_tokens(&tenant)
        .await
        .map_err(store_errors::problem)?;
    ok(&json!({ "items": tokens, "next": null }))
}

/// `POST /v1/tenants/{tenant}/tokens`
pub(crate) async fn issue(
    State(shared): State<Shared>,
    Admin(admin): Admin,
    Ids([tenant]): Ids<1>,
    Json(mut body): Json,
) -> Answer {
    let role = body
        .choice("role", ROLES)?
        .ok_or_else(|| body.missing("role"))?;
    let roles = body.choices("roles", PERSON_ROLES)?;
    let person = body.parsed::<Label>("person")?;
    if role != Role::Unit && (roles.is_some() || person.is_some()) {
        return Err(body.invalid("role", "only a token of a unit has roles or is a person's"));
    }
    body.finish()?;
    let settings = found(&shared, &tenant).await?;
    if !has_role(&settings, role) {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "this tenant does not have that role; make a tenant that has it",
        ));
    }
    let token = Token::from_random(&shared.random.draw());
    let issued = IssuedToken {
        token_id: TokenId::from_random(&shared.random.draw()),
        tenant: settings.tenant,
        role,
        roles,
        person,
        created_at: shared.clock.now(),
    };
    make_person(&shared, &issued).await?;
    shared
        .store
        .tenants
        .issue_token(&token, &issued)
        .await
        .map_err(store_errors::problem)?;
    let whose = (&admin, &issued.tenant);
    shared
        .audit_admin(whose, AuditAction::TokenIssued, issued.token_id.as_str())
        .await?;
    let mut body = json!(issued);
    body["token"] = json!(token.reveal());
    Ok(answer(StatusCode::CREATED, &body))
}

/// The person whose token it is becomes known by its name, as far as it is a person's.
async fn make_person(shared: &Shared, issued: &IssuedToken) -> Answer<()> {
    let principal = issued.principal();
    let (Some(person_id), Some(name)) = (&principal.person_id, &issued.person) else {
        return Ok(());
    };
    let person = Person {
        person_id: person_id.clone(),
        tenant: issued.tenant.clone(),
        name: name.clone(),
        roles: principal.person_roles(),
        created_at: issued.created_at,
    };
    let made = shared.store.tenants.put_person(&person).await;
    made.map_err(store_errors::problem)
}

/// `DELETE /v1/tenants/{tenant}/tokens/{token_id}`
pub(crate) async fn revoke(
    State(shared): State<Shared>,
    Admin(admin): Admin,
    Ids([tenant, id]): Ids<2>,
) -> Answer {
    let missing = || Problem::not_found(MISSING_TOKEN);
    let tenant = TenantId::parse(&tenant).map_err(|_| missing())?;
    let id = TokenId::parse(&id).map_err(|_| missing())?;
    let revoked = shared.store.tenants.revoke_issued_token(&tenant, &id).await;
    revoked.map_err(store_errors::or_missing(MISSING_TOKEN))?;
    shared
        .audit_admin((&admin, &tenant), AuditAction::TokenRevoked, id.as_str())
        .await?;
    Ok(done())
}

/// `GET /v1/tenants/{tenant}/quota`
pub(crate) async fn quota(State(shared): State<Shared>, _: Admin, Ids([tenant]): Ids<1>) -> Answer {
    let tenant = found(&shared, &tenant).await?.tenant;
    shown_quota(&shared, &tenant).await
}

/// `PUT /v1/tenants/{tenant}/quota`
pub(crate) async fn put_quota(
    State(shared): State<Shared>,
    Admin(admin): Admin,
    Ids([tenant]): Ids<1>,
    Json(mut body): Json,
) -> Answer {
    let max = body.whole("uploads_per_day_max", 0..=QUOTA_MAX)?;
    let max = max.ok_or_else(|| body.missing("uploads_per_day_max"))?;
    body.finish()?;
    set_quota(&shared, &admin, &tenant, Some(max)).await
}

/// `DELETE /v1/tenants/{tenant}/quota`
pub(crate) async fn lift_quota(
    State(shared): State<Shared>,
    Admin(admin): Admin,
    Ids([tenant]): Ids<1>,
) -> Answer {
    set_quota(&shared, &admin, &tenant, None).await
}

async fn set_quota(
    shared: &Shared,
    admin: &TenantId,
    tenant: &str,
    uploads_per_day_max: Option<u64>,
) -> Answer {
    let tenant = found(shared, tenant).await?.tenant;
    let set = shared
        .store
        .uploads
        .set_quota(&tenant, uploads_per_day_max)
        .await;
    set.map_err(store_errors::problem)?;
    let (whose, deed) = ((admin, &tenant), AuditAction::SettingsChanged);
    shared.audit_admin(whose, deed, tenant.as_str()).await?;
    shown_quota(shared, &tenant).await
}

async fn shown_quota(shared: &Shared, tenant: &TenantId) -> Answer {
    let quota = shared.store.uploads.quota(tenant, shared.clock.now()).await;
    let quota = quota.map_err(store_errors::problem)?;
    ok(&json!({
        "uploads_per_day_max": quota.uploads_per_day_max,
        "uploads_today": quota.uploads_today,
    }))
}

/// `GET /v1/tenants/{tenant}/retraction`
pub(crate) async fn retraction(
    State(shared): State<Shared>,
    _: Admin,
    Ids([tenant]): Ids<1>,
) -> Answer {
    let tenant = found(&shared, &tenant).await?.tenant;
    let retraction = shared.store.leads.retraction(&tenant).await;
    let retraction = retraction.map_err(store_errors::problem)?;
    let retraction = retraction.ok_or_else(|| Problem::not_found(MISSING_RETRACTION))?;
    ok(&shown_retraction(&retraction))
}

/// `PUT /v1/tenants/{tenant}/retraction`
pub(crate) async fn retract(
    State(shared): State<Shared>,
    Admin(admin): Admin,
    Ids([tenant]): Ids<1>,
) -> Answer {
    let tenant = found(&shared, &tenant).await?.tenant;
    let retraction = shared
        .store
        .leads
        .retract(&tenant, shared.clock.now())
        .await;
    let retraction = retraction.map_err(store_errors::problem)?;
    let (whose, deed) = ((&admin, &tenant), AuditAction::ContributionRetracted);
    shared.audit_admin(whose, deed, tenant.as_str()).await?;
    ok(&shown_retraction(&retraction))
}

/// `DELETE /v1/tenants/{tenant}/retraction`
pub(crate) async fn lift_retraction(
    State(shared): State<Shared>,
    Admin(admin): Admin,
    Ids([tenant]): Ids<1>,
) -> Answer {
    let tenant = found(&shared, &tenant).await?.tenant;
    let now = shared.clock.now();
    let lifting = shared.store.leads.lift_retraction(&tenant, now).await;
    let lifting = lifting.map_err(store_errors::or_missing(MISSING_RETRACTION))?;
    let (whose, deed) = ((&admin, &tenant), AuditAction::RetractionLifted);
    shared.audit_admin(whose, deed, tenant.as_str()).await?;
    ok(&shown_retraction(&lifting))
}

fn shown_retraction(retraction: &Retraction) -> serde_json::Value {
    json!({
        "state": retraction.state.as_str(),
        "retracted_at": retraction.retracted_at,
        "leads_withdrawn": retraction.leads_withdrawn,
    })
}

pub(crate) async fn found(shared: &Shared, tenant: &str) -> Answer<TenantSettings> {
    let missing = || Problem::not_found(MISSING_TENANT);
    let tenant = TenantId::parse(tenant).map_err(|_| missing())?;
    shared
        .store
        .tenants
        .tenant(&tenant)
        .await
        .map_err(store_errors::problem)?
        .ok_or_else(missing)
}

fn has_role(settings: &TenantSettings, role: Role) -> bool {
    match role {
        Role::Unit => settings.is_unit,
        Role::Uploader => settings.is_uploader,
        Role::Admin => true,
    }
}
