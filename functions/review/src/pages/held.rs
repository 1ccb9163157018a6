//! The held leads of a reference: released, or judged together.

use axum::extract::State;
use http::StatusCode;
use pages::{HeldPage, HeldRow};
use records::{AuditAction, LeadId, LeadSummary, PersonRole, Reference};

use super::access::Officer;
use super::answers::{Paged, Refused, html, page, see};
use super::form::PersonForm;
use super::judging::{self, Decision};
use super::{cases, inbox};
use crate::Shared;
use crate::body::Ids;

/// Leads on the page, and judged at once.
const ROUND: usize = 100;

/// `GET /references/{reference_id}/held`
pub(crate) async fn show(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
) -> Paged {
    officer.must_be(PersonRole::Reviewer)?;
    let reference = cases::reference(&shared, &officer, &id).await?;
    page(&view(&shared, &officer, &reference).await?)
}

async fn view(
    shared: &Shared,
    officer: &Officer,
    reference: &Reference,
) -> Result<HeldPage, Refused> {
    let (unit, id) = (officer.unit(), &reference.reference_id);
    let held = shared.store.leads.held_leads(unit, id, ROUND).await;
    let held = held.map_err(Refused::store(officer.words))?;
    let words = officer.words;
    let row = |lead: &LeadSummary| HeldRow {
        id: lead.lead_id.to_string(),
        version: lead.version(),
        edit: inbox::capital(&pages::edit(words, lead.edit.as_str())),
        when: words.time(lead.created_at),
    };
    Ok(HeldPage {
        shell: officer.counted_shell(shared, "leads").await?,
        reference: reference.reference_id.to_string(),
        case: reference.case_id.to_string(),
        problem: None,
        may_release: officer.person.is(PersonRole::Supervisor)
            && reference.alerting.held_since.is_some(),
        rows: held.iter().map(row).collect(),
    })
}

/// `POST /references/{reference_id}/held`
pub(crate) async fn judge(
    State(shared): State<Shared>,
    Ids([id]): Ids<1>,
    form: PersonForm,
) -> Paged {
    let PersonForm { officer, fields } = form;
    officer.must_be(PersonRole::Reviewer)?;
    let reference = cases::reference(&shared, &officer, &id).await?;
    let mut problem = None;
    match Decision::read(&fields) {
        Err(said) => problem = Some(said),
        Ok(decision) => {
            for ticked in fields.all("lead").into_iter().take(ROUND) {
                if !judged(&shared, &officer, &decision, ticked).await? {
                    problem = Some("problem-some");
                }
            }
        }
    }
    if problem.is_none() {
        return Ok(see(&format!("/cases/{id}?done=judged")));
    }
    let mut page = view(&shared, &officer, &reference).await?;
    page.problem = problem;
    Ok(html(StatusCode::CONFLICT, &page))
}

/// Judges one lead, `ID VERSION`; says whether it was as the person saw it.
async fn judged(
    shared: &Shared,
    officer: &Officer,
    decision: &Decision,
    ticked: &str,
) -> Result<bool, Refused> {
    let (id, version) = ticked.split_once(' ').unwrap_or((ticked, ""));
    let Ok(id) = LeadId::parse(id) else {
        return Ok(false);
    };
    let entry = decision.entry(officer, shared.clock.now());
    match judging::judge_as_seen(shared, officer, (&id, version), &entry).await? {
        Ok(_) => judging::told(shared, officer, AuditAction::LeadJudged, &id)
            .await
            .map(|()| true),
        Err(error) if judging::problem(error).is_some() => Ok(false),
        Err(error) => Err(Refused::store(officer.words)(error)),
    }
}

/// `POST /references/{reference_id}/release`
pub(crate) async fn release(
    State(shared): State<Shared>,
    Ids([id]): Ids<1>,
    form: PersonForm,
) -> Paged {
    let officer = form.officer;
    officer.must_be(PersonRole::Supervisor)?;
    let reference = cases::reference(&shared, &officer, &id).await?;
    let id = &reference.reference_id;
    let released = shared
        .store
        .leads
        .release(officer.unit(), id, None, shared.clock.now());
    let released = released.await.map_err(Refused::store(officer.words))?;
    let told = shared.audit_actor(
        officer.actor(),
        AuditAction::ReferenceReleased,
        Some(id.as_str()),
    );
    told.await.map_err(Refused::failed(officer.words))?;
    Ok(see(&match released.left {
        0 => format!("/cases/{id}?done=released"),
        _ => format!("/references/{id}/held"),
    }))
}
