//! The report of a lead, sealed, as a file to be kept with the case.

use axum::extract::State;
use axum::response::IntoResponse as _;
use http::header;
use records::{LeadId, PersonRole};

use super::answers::{Paged, Refused, Why, see};
use super::form::PersonForm;
use crate::body::Ids;
use crate::problem::{Problem, ProblemKind};
use crate::{Shared, reports};

/// `POST /leads/{lead_id}/seal`
pub(crate) async fn seal(
    State(shared): State<Shared>,
    Ids([id]): Ids<1>,
    form: PersonForm,
) -> Paged {
    let officer = form.officer;
    officer.must_be(PersonRole::Supervisor)?;
    let missing = |_| Refused::Page(officer.words, Why::Missing);
    let id = LeadId::parse(&id).map_err(missing)?;
    let sealed = match reports::seal(&shared, officer.actor(), &id).await {
        Ok(sealed) => sealed,
        Err(problem) if problem.is(ProblemKind::Conflict) => {
            return Ok(see(&format!("/leads/{id}/report")));
        }
        Err(problem) if problem.is(ProblemKind::NotFound) => {
            return Err(Refused::Page(officer.words, Why::Missing));
        }
        Err(problem) => return Err(Refused::failed(officer.words)(problem)),
    };
    let failed = |_| Refused::failed(officer.words)(Problem::internal());
    let text = serde_json::to_string_pretty(&sealed).map_err(failed)?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"report.json\"",
        ),
    ];
    Ok((headers, text).into_response())
}
