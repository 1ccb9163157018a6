//! What became of the alerts that went to a webhook, and one of them once more.

use axum::extract::State;
use http::StatusCode;
use records::{Alert, AuditAction, Delivery, Listing, TenantId, Webhook, WebhookState};
use serde_json::{Value, json};
use store::Error;

use super::found;
use crate::body::{Ids, OptionalJson, Query};
use crate::caller::Supervisor;
use crate::paging;
use crate::problem::{Answer, Problem, ProblemKind, answer, ok};
use crate::{Shared, store_errors};

const MISSING: &str =
    "no such delivery; GET /v1/webhooks/{name}/deliveries lists those of a webhook";

/// `GET /v1/webhooks/{name}/deliveries`, newest first.
pub(crate) async fn list(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Ids([name]): Ids<1>,
    Query(mut query): Query,
) -> Answer {
    let asked = paging::asked(&mut query)?;
    paging::opened(&asked, &query, &unit, Listing::Deliveries)?;
    query.finish()?;
    let webhook = found(&shared, &unit, &name).await?;
    let (deliveries, after) = (&shared.store.deliveries, asked.after.as_ref());
    let page = deliveries.deliveries(&unit, &webhook.name, after, asked.limit);
    let page = page.await.map_err(store_errors::problem)?;
    paging::page(page.map(|delivery| view(&unit, &delivery)))
}

/// `GET /v1/webhooks/{name}/deliveries/{alert_id}`
pub(crate) async fn show(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Ids([name, alert_id]): Ids<2>,
) -> Answer {
    let (webhook, seq) = named(&shared, &unit, (&name, &alert_id)).await?;
    let (deliveries, name) = (&shared.store.deliveries, &webhook.name);
    let delivery = deliveries.delivery(&unit, name, seq).await;
    let delivery = delivery.map_err(store_errors::problem)?;
    let delivery = delivery.ok_or_else(|| Problem::not_found(MISSING))?;
    ok(&view(&unit, &delivery))
}

/// `POST /v1/webhooks/{name}/deliveries/{alert_id}`: the same message again, under the same id.
pub(crate) async fn repeat(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Ids([name, alert_id]): Ids<2>,
    OptionalJson(body): OptionalJson,
) -> Answer {
    body.finish()?;
    let (webhook, seq) = named(&shared, &unit, (&name, &alert_id)).await?;
    if webhook.state == WebhookState::Disabled {
        let text = "the webhook is disabled, so that nothing is delivered to it; PUT it to enable it again";
        return Err(Problem::new(ProblemKind::Conflict, text));
    }
    let (deliveries, now) = (&shared.store.deliveries, shared.clock.now());
    let queued = deliveries.redeliver(&unit, &webhook.name, seq, now);
    let queued = queued.await.map_err(|error| match error {
        Error::Gone(_) => Problem::not_found(MISSING),
        Error::Conflict(_) => Problem::new(
            ProblemKind::Conflict,
            "the alert is on its way to this webhook now; look at the delivery again in a minute",
        ),
        other => store_errors::problem(other),
    })?;
    shared
        .audit(&unit, AuditAction::DeliveryRepeated, Some(&alert_id))
        .await?;
    Ok(answer(StatusCode::ACCEPTED, &view(&unit, &queued)))
}

/// The webhook and the alert's number that a path names.
async fn named(
    shared: &Shared,
    unit: &TenantId,
    (name, alert_id): (&str, &str),
) -> Result<(Webhook, u64), Problem> {
    let webhook = found(shared, unit, name).await?;
    let seq = Alert::seq_of(unit, alert_id).ok_or_else(|| Problem::not_found(MISSING))?;
    Ok((webhook, seq))
}

/// A delivery as its unit sees it.
fn view(unit: &TenantId, delivery: &Delivery) -> Value {
    json!({
        "alert_id": Alert::id_of(unit, delivery.seq),
        "type": delivery.kind,
        "lead_id": delivery.lead_id,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next_attempt_at": delivery.next_attempt_at,
        "last_status": delivery.last_status,
        "reason": delivery.reason,
        "created_at": delivery.created_at,
        "updated_at": delivery.updated_at,
    })
}
