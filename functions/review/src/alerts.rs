//! The pull feed: the same alerts that webhooks get, for clients that cannot be called.

use axum::extract::State;
use http::header::HOST;
use http::{HeaderMap, StatusCode};
use records::{Alert, AuditAction, Listing, Page, TenantId};
use serde_json::json;

use crate::body::{OptionalJson, Query};
use crate::caller::{Reviewer, Supervisor};
use crate::paging::{self, PageRequest};
use crate::problem::{Answer, Problem, answer};
use crate::{Pages, Shared, store_errors};

/// Pages of the store skipped in one request because every alert on them has gone silent.
const SILENT_PAGES_MAX: usize = 20;

/// `GET /v1/alerts`
pub(crate) async fn pull(
    State(shared): State<Shared>,
    Reviewer(unit): Reviewer,
    headers: HeaderMap,
    Query(mut query): Query,
) -> Answer {
    let asked = paging::asked(&mut query)?;
    paging::opened(&asked, &query, &unit, Listing::Alerts)?;
    query.finish()?;
    let page = first_page_with_alerts(&shared, &unit, asked).await?;
    if !page.items.is_empty() {
        shared.audit(&unit, AuditAction::AlertsPulled, None).await?;
    }
    let pages_at = shared
        .pages
        .as_ref()
        .and_then(|pages| address(pages, &headers));
    paging::page(page.map(|alert| json!(alert.envelope_at(pages_at.as_deref()))))
}

/// `POST /v1/alerts/test`: an alert that is about no lead, to all webhooks of the unit and its feed. It is sent
/// as any other is, so that what it shows holds for those.
pub(crate) async fn send_test(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    OptionalJson(body): OptionalJson,
) -> Answer {
    body.finish()?;
    let now = shared.clock.now();
    let written = shared.store.leads.write_test_alert(&unit, now).await;
    let seq = written.map_err(store_errors::problem)?;
    let id = Alert::id_of(&unit, seq);
    shared
        .audit(&unit, AuditAction::AlertTested, Some(&id))
        .await?;
    let webhooks = shared.store.deliveries.webhooks(&unit).await;
    let webhooks = webhooks.map_err(store_errors::problem)?;
    let names: Vec<&str> = webhooks.iter().map(|it| it.name.as_str()).collect();
    let body = json!({ "alert_id": id, "webhooks": names });
    Ok(answer(StatusCode::ACCEPTED, &body))
}

/// Where the pages lie.
fn address(pages: &Pages, headers: &HeaderMap) -> Option<String> {
    let host = || headers.get(HOST).and_then(|host| host.to_str().ok());
    let address = pages.address.clone();
    address.or_else(|| host().map(|host| format!("https://{host}")))
}

/// The next page that holds an alert. There is always a `next`: at the end of the feed it is where the
/// page began, so that a reader keeps whatever it was given last and comes back with it.
async fn first_page_with_alerts(
    shared: &Shared,
    unit: &TenantId,
    mut asked: PageRequest,
) -> Result<Page<Alert>, Problem> {
    let mut page = of_store(shared, unit, &asked).await?;
    for _ in 1..SILENT_PAGES_MAX {
        if !page.items.is_empty() || page.next == asked.after {
            break;
        }
        asked.after = page.next;
        page = of_store(shared, unit, &asked).await?;
    }
    Ok(page)
}

async fn of_store(
    shared: &Shared,
    unit: &TenantId,
    asked: &PageRequest,
) -> Result<Page<Alert>, Problem> {
    let page = shared
        .store
        .leads
        .alerts(unit, asked.after.as_ref(), asked.limit)
        .await;
    page.map_err(store_errors::problem)
}
