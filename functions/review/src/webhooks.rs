//! Webhooks: where a unit wants its alerts delivered, and the keys to verify them with.

mod address;
pub(crate) mod deliveries;

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use http::StatusCode;
use records::{
    AuditAction, Secret, TenantId, Webhook, WebhookContentType, WebhookName, WebhookState,
    WebhookUrl,
};
use serde_json::{Value, json};

use crate::body::{Ids, Json};
use crate::caller::Supervisor;
use crate::problem::{Answer, Problem, ProblemKind, answer, done, ok};
use crate::{Shared, store_errors};

const MISSING: &str = "no such webhook; GET /v1/webhooks lists yours";

/// What deliveries may be sent as.
const CONTENT_TYPES: &[(&str, WebhookContentType)] = &[
    (
        "application/cloudevents+json",
        WebhookContentType::CloudEvents,
    ),
    ("application/json", WebhookContentType::Json),
];

/// Webhooks of one unit: every alert goes to each of them.
const WEBHOOKS_MAX: usize = 20;

/// `GET /v1/webhooks`
pub(crate) async fn list(State(shared): State<Shared>, Supervisor(unit): Supervisor) -> Answer {
    let webhooks = shared
        .store
        .deliveries
        .webhooks(&unit)
        .await
        .map_err(store_errors::problem)?;
    let items = webhooks.iter().map(view).collect::<Answer<Vec<Value>>>()?;
    ok(&json!({ "items": items, "next": null }))
}

/// `GET /v1/webhooks/{name}`
pub(crate) async fn show(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Ids([name]): Ids<1>,
) -> Answer {
    ok(&view(&found(&shared, &unit, &name).await?)?)
}

/// `PUT /v1/webhooks/{name}`
pub(crate) async fn put(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Ids([name]): Ids<1>,
    Json(mut body): Json,
) -> Answer {
    let url: WebhookUrl = body.required("url")?;
    let rotate = body.flag("rotate")?.unwrap_or(false);
    let content_type = body.choice("content_type", CONTENT_TYPES)?;
    address::check(&url, &shared.networks).map_err(|rule| body.invalid("url", rule))?;
    body.finish()?;
    let name = WebhookName::parse(&name).map_err(|malformed| {
        let rule = malformed.rule;
        Problem::new(
            ProblemKind::Malformed,
            format!("the webhook's name is not valid: {rule}"),
        )
    })?;
    let before = before(&shared, &unit, &name).await?;
    let now = shared.clock.now();
    let has_new_keys = rotate || before.is_none();
    let webhook = match &before {
        Some(before) if !rotate => Webhook {
            url,
            content_type: content_type.unwrap_or(before.content_type),
            state: WebhookState::Enabled,
            reason: None,
            updated_at: now,
            ..before.clone()
        },
        before => Webhook {
            name,
            url,
            content_type: content_type
                .or(before.as_ref().map(|before| before.content_type))
                .unwrap_or_default(),
            hmac_secret: secret(&shared)?,
            ed25519_seed: secret(&shared)?,
            retired: before.as_ref().map(|before| before.retire_keys(now)),
            state: WebhookState::Enabled,
            reason: None,
            updated_at: now,
        },
    };
    shared
        .store
        .deliveries
        .put_webhook(&unit, &webhook)
        .await
        .map_err(store_errors::problem)?;
    let subject = Some(webhook.name.as_str());
    shared
        .audit(&unit, AuditAction::WebhookSet, subject)
        .await?;
    let status = if before.is_some() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(answer(status, &shown_once(&webhook, has_new_keys)?))
}

/// The webhook that has the name already; none if there is room for another.
async fn before(shared: &Shared, unit: &TenantId, name: &WebhookName) -> Answer<Option<Webhook>> {
    let known = shared
        .store
        .deliveries
        .webhooks(unit)
        .await
        .map_err(store_errors::problem)?;
    let count = known.len();
    let before = known.into_iter().find(|webhook| webhook.name == *name);
    if before.is_none() && count >= WEBHOOKS_MAX {
        return Err(Problem::new(
            ProblemKind::Conflict,
            format!("a unit has at most {WEBHOOKS_MAX} webhooks; remove one first"),
        ));
    }
    Ok(before)
}

/// `DELETE /v1/webhooks/{name}`
pub(crate) async fn remove(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Ids([name]): Ids<1>,
) -> Answer {
    let webhook = found(&shared, &unit, &name).await?;
    shared
        .store
        .deliveries
        .delete_webhook(&unit, &webhook.name)
        .await
        .map_err(store_errors::problem)?;
    let subject = Some(webhook.name.as_str());
    shared
        .audit(&unit, AuditAction::WebhookRemoved, subject)
        .await?;
    Ok(done())
}

async fn found(shared: &Shared, unit: &TenantId, name: &str) -> Answer<Webhook> {
    let missing = || Problem::not_found(MISSING);
    let name = WebhookName::parse(name).map_err(|_| missing())?;
    shared
        .store
        .deliveries
        .webhook(unit, &name)
        .await
        .map_err(store_errors::problem)?
        .ok_or_else(missing)
}

fn secret(shared: &Shared) -> Answer<Secret> {
    Secret::from_bytes(&shared.random.draw::<32>()).map_err(|_| Problem::internal())
}

/// A webhook as its unit sees it: with the public half of its pair, without the shared secret.
fn view(webhook: &Webhook) -> Answer<Value> {
    let mut view = json!(webhook.view());
    view["public_key"] = json!(public_key(webhook)?);
    Ok(view)
}

/// The same with the shared secret where that is new: it is shown this once.
fn shown_once(webhook: &Webhook, is_new: bool) -> Answer<Value> {
    let mut view = view(webhook)?;
    if is_new {
        view["secret"] = json!(format!("whsec_{}", webhook.hmac_secret.reveal()));
    }
    Ok(view)
}

/// The key to verify `v1a` signatures with, as Standard Webhooks writes it.
fn public_key(webhook: &Webhook) -> Answer<String> {
    let seed = webhook
        .ed25519_seed
        .bytes()
        .try_into()
        .map_err(|_| Problem::internal())?;
    let public = SigningKey::from_bytes(seed).verifying_key();
    Ok(format!("whpk_{}", STANDARD.encode(public.as_bytes())))
}
