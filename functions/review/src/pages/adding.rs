//! A photo is added by a form.

use axum::extract::{FromRequestParts, Request, State};
use http::StatusCode;
use pages::AddPage;
use records::{AuditAction, PersonRole, TenantSettings, Timestamp};

use super::access::{Officer, is_from_here};
use super::answers::{Paged, Refused, Why, html, page, see};
use super::cases;
use super::form::{Asked, FORM_TOKEN};
use crate::fields::Fields;
use crate::problem::{Place, Problem};
use crate::{Shared, photo, references};

/// `GET /add`; `case` is a reference of the case that the photo is for.
pub(crate) async fn show(
    State(shared): State<Shared>,
    officer: Officer,
    Asked(asked): Asked,
) -> Paged {
    officer.must_be(PersonRole::Reviewer)?;
    let case = match asked.text("case") {
        "" => String::new(),
        id => cases::reference(&shared, &officer, id)
            .await?
            .case_id
            .to_string(),
    };
    page(&empty(&shared, &officer, case).await?)
}

async fn empty(shared: &Shared, officer: &Officer, case: String) -> Result<AddPage, Refused> {
    let settings = shared.store.tenants.tenant(officer.unit()).await;
    let settings = settings.map_err(Refused::store(officer.words))?;
    let words = officer.words;
    let until = settings.as_ref().map(|it| it.expiry(shared.clock.now()));
    let basis = settings.and_then(|it: TenantSettings| it.legal_basis);
    Ok(AddPage {
        shell: officer.counted_shell(shared, "add").await?,
        problem: None,
        case,
        basis: basis.map_or(String::new(), |basis| basis.to_string()),
        until_hint: until.map_or(String::new(), |at| {
            words.a("until-hint", "when", &words.day(at))
        }),
    })
}

/// `POST /add`
pub(crate) async fn add(State(shared): State<Shared>, request: Request) -> Paged {
    let (mut parts, body) = request.into_parts();
    let officer = Officer::from_request_parts(&mut parts, &shared).await?;
    let words = officer.words;
    officer.must_be(PersonRole::Reviewer)?;
    if !is_from_here(&parts.headers) {
        return Err(Refused::Page(words, Why::Forged));
    }
    let busy = Refused::failed(words);
    let _of_unit = shared.limits.photo(officer.unit()).map_err(&busy)?;
    let permits = photo::permits(&parts.headers);
    let permit = shared.photos.try_acquire_many(permits);
    let _place = permit.map_err(|_| busy(Problem::overloaded()))?;
    let form = photo::read(Request::from_parts(parts, body)).await;
    let Ok(mut form) = form else {
        return again(&shared, &officer, String::new(), "problem-photo").await;
    };
    if text(&mut form.fields, FORM_TOKEN) != officer.form_token() {
        return Err(Refused::Page(words, Why::Forged));
    }
    let case = form.fields.peek("case_id");
    let until = text(&mut form.fields, "until");
    match until_of(&until) {
        Ok(Some(until)) => form.fields.put("expires_at", until.to_string()),
        Ok(None) => {}
        Err(()) => return again(&shared, &officer, case, "problem-field").await,
    }
    let added = references::submit_photo(&shared, officer.unit(), form).await;
    let reference = match added {
        Ok(reference) => reference,
        Err(problem) if problem.is_callers() => {
            let at_photo = problem.is_at(&Place::Part("photo".to_owned()));
            let problem = if at_photo {
                "problem-photo"
            } else {
                "problem-field"
            };
            return again(&shared, &officer, case, problem).await;
        }
        Err(problem) => return Err(Refused::failed(words)(problem)),
    };
    let id = reference.reference_id.as_str();
    let told = shared.audit_actor(officer.actor(), AuditAction::ReferenceSubmitted, Some(id));
    told.await.map_err(Refused::failed(words))?;
    Ok(see(&format!("/cases/{id}?done=added")))
}

fn text(fields: &mut Fields, name: &str) -> String {
    let found = fields.any_text(name).ok().flatten();
    found.unwrap_or_default()
}

/// The end of a day, as a date field gives it; none if it is empty.
fn until_of(date: &str) -> Result<Option<Timestamp>, ()> {
    match date {
        "" => Ok(None),
        date => Timestamp::parse(&format!("{date}T23:59:59Z"))
            .map(Some)
            .map_err(|_| ()),
    }
}

async fn again(shared: &Shared, officer: &Officer, case: String, problem: &'static str) -> Paged {
    let mut page = empty(shared, officer, case).await?;
    page.problem = Some(problem);
    Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
}
