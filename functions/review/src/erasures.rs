//! Erasures: asked for by the unit whose references they are, silent from the answer on, and proved
//! by a receipt once the last store is empty.

use axum::extract::State;
use http::StatusCode;
use records::{
    AuditAction, CaseId, Erasure, ErasureId, ErasureState, Receipt, ReferenceId, TenantId,
};
use serde_json::{Value, json};

use crate::body::{Ids, Json};
use crate::caller::Supervisor;
use crate::fields::Fields;
use crate::pages::Actor;
use crate::problem::{Answer, Problem, answer, ok};
use crate::{Shared, store_errors};

const MISSING: &str = "no such erasure; POST /v1/erasures names each one it makes";
const NO_REFERENCE: &str = "no such reference; GET /v1/references lists yours";
const NO_CASE: &str = "no reference of that case; GET /v1/references?case_id= lists them";

/// `POST /v1/erasures`
pub(crate) async fn ask(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Json(mut body): Json,
) -> Answer {
    let scope = scope(&shared, &unit, &mut body).await?;
    body.finish()?;
    let erasure = request(&shared, unit.actor(), scope).await?;
    Ok(answer(StatusCode::ACCEPTED, &view(&erasure)))
}

/// Asks for the erasure of these references, and returns once nothing about them can leave any more.
pub(crate) async fn request(
    shared: &Shared,
    actor: Actor<'_>,
    (case_id, reference_ids): (Option<CaseId>, Vec<ReferenceId>),
) -> Answer<Erasure> {
    // The task that carries it out signs with this key; it is drawn here, where randomness is.
    shared.seed().await?;
    let erasure = Erasure {
        erasure_id: ErasureId::from_random(&shared.random.draw::<16>()),
        state: ErasureState::Pending,
        reference_ids,
        case_id,
        requested_at: shared.clock.now(),
        receipt: None,
    };
    let erasures = &shared.store.erasures;
    let asked = erasures.request_erasure(actor.unit, &erasure).await;
    asked.map_err(store_errors::problem)?;
    for reference in &erasure.reference_ids {
        silence(shared, actor.unit, reference).await?;
        let (deed, subject) = (AuditAction::ReferenceErased, reference.as_str());
        shared.audit_actor(actor, deed, Some(subject)).await?;
    }
    let references = &shared.store.references;
    references.wait_out_second(&shared.clock).await;
    Ok(erasure)
}

/// One reference, or all of a case.
async fn scope(
    shared: &Shared,
    unit: &TenantId,
    body: &mut Fields,
) -> Result<(Option<CaseId>, Vec<ReferenceId>), Problem> {
    let reference = body.parsed::<ReferenceId>("reference_id")?;
    let case = body.parsed::<CaseId>("case_id")?;
    match (reference, case) {
        (Some(reference), None) => {
            let found = shared.store.references.reference(unit, &reference).await;
            let found = found.map_err(store_errors::problem)?;
            let found = found.ok_or_else(|| Problem::not_found(NO_REFERENCE))?;
            Ok((None, vec![found.reference_id]))
        }
        (None, Some(case)) => {
            let references = references_of(shared, unit, &case).await?;
            if references.is_empty() {
                return Err(Problem::not_found(NO_CASE));
            }
            Ok((Some(case), references))
        }
        _ => Err(body.invalid(
            "reference_id",
            "name a reference_id or a case_id, and not both",
        )),
    }
}

async fn references_of(
    shared: &Shared,
    unit: &TenantId,
    case: &CaseId,
) -> Result<Vec<ReferenceId>, Problem> {
    let (mut references, mut cursor) = (Vec::new(), None);
    loop {
        let page = shared
            .store
            .references
            .references(unit, Some(case), cursor.as_ref(), store::PAGE_ITEMS_MAX)
            .await
            .map_err(store_errors::problem)?;
        references.extend(page.items.into_iter().map(|found| found.reference_id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(references),
        }
    }
}

/// Withdraws a reference and waits until nothing about it can leave any more.
async fn silence(shared: &Shared, unit: &TenantId, id: &ReferenceId) -> Result<(), Problem> {
    let store = &shared.store;
    let withdrawn = store
        .references
        .withdraw(unit, id, shared.clock.now())
        .await;
    withdrawn.map_err(store_errors::or_missing(NO_REFERENCE))?;
    let silent = store.deliveries.wait_until_silent(unit, id, &shared.clock);
    silent.await.map_err(store_errors::problem)
}

/// `GET /v1/receipts-key`: for all callers, since a person who is shown a receipt has to know whose key it is
/// to be signed with.
pub(crate) async fn key(State(shared): State<Shared>) -> Answer {
    let seed = shared.seed().await?;
    let key = Receipt::public_key(&seed).map_err(|_| Problem::internal())?;
    ok(&json!({ "algorithm": "ed25519", "public_key": key }))
}

/// `GET /v1/erasures/{erasure_id}`
pub(crate) async fn show(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Ids([id]): Ids<1>,
) -> Answer {
    let id = ErasureId::parse(&id).map_err(|_| Problem::not_found(MISSING))?;
    let found = shared
        .store
        .erasures
        .erasure(&unit, &id)
        .await
        .map_err(store_errors::problem)?;
    ok(&view(&found.ok_or_else(|| Problem::not_found(MISSING))?))
}

/// Without the case's number, which is forgotten with the rest.
fn view(erasure: &Erasure) -> Value {
    json!({
        "erasure_id": erasure.erasure_id,
        "state": erasure.state,
        "reference_ids": erasure.reference_ids,
        "requested_at": erasure.requested_at,
        "receipt": erasure.receipt,
    })
}
