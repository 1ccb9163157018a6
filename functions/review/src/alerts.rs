//! The pull feed: the same alerts that webhooks get, for whoever cannot be called.

use axum::extract::State;
use records::{Alert, AuditAction, Listing, Page, TenantId};
use serde_json::json;

use crate::body::Query;
use crate::caller::Unit;
use crate::paging::{self, Asked};
use crate::problem::{Answer, Problem};
use crate::{Shared, faults};

/// Pages of the store passed over in one request because every alert on them has gone silent.
const SILENT_PAGES_MAX: usize = 20;

/// `GET /v1/alerts`
pub(crate) async fn pull(
    State(shared): State<Shared>,
    Unit(unit): Unit,
    Query(mut query): Query,
) -> Answer {
    let asked = paging::asked(&mut query)?;
    paging::opened(&asked, &query, &unit, Listing::Alerts)?;
    query.finish()?;
    let page = first_page_with_alerts(&shared, &unit, asked).await?;
    if !page.items.is_empty() {
        shared.audit(&unit, AuditAction::AlertsPulled, None).await?;
    }
    paging::page(page.map(|alert| json!(alert.envelope())))
}

/// The next page that holds an alert. At the end of the feed there is none, and no `next` either:
/// a reader that goes on while there is a `next` comes to an end, and asks again later with the
/// last one it was given.
async fn first_page_with_alerts(
    shared: &Shared,
    unit: &TenantId,
    mut asked: Asked,
) -> Result<Page<Alert>, Problem> {
    for _ in 0..SILENT_PAGES_MAX {
        let page = shared
            .store
            .alerts(unit, asked.after.as_ref(), asked.limit)
            .await
            .map_err(faults::problem)?;
        if !page.items.is_empty() {
            return Ok(page);
        }
        let is_end = page.next == asked.after || is_start(&page, unit);
        if is_end {
            return Ok(Page {
                items: Vec::new(),
                next: None,
            });
        }
        asked.after = page.next;
    }
    Ok(Page {
        items: Vec::new(),
        next: asked.after,
    })
}

/// Whether a page ends where the feed begins, which has no cursor from outside.
fn is_start(page: &Page<Alert>, unit: &TenantId) -> bool {
    let position = page
        .next
        .as_ref()
        .map(|next| next.open(unit, Listing::Alerts));
    matches!(position, Some(Ok(position)) if position == "0")
}
