//! A photo is withdrawn or erased, by a person who types the case's number.

use axum::extract::State;
use http::StatusCode;
use pages::{EndPage, EndWay, ErasurePage};
use records::{ErasureId, PersonRole, Reference};

use super::access::Officer;
use super::answers::{Paged, Refused, Why, html, page, see};
use super::cases;
use super::form::PersonForm;
use crate::body::Ids;
use crate::problem::Problem;
use crate::{Shared, erasures, references};

/// `GET /references/{reference_id}/end`
pub(crate) async fn show(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
) -> Paged {
    officer.must_be(PersonRole::Supervisor)?;
    let reference = cases::reference(&shared, &officer, &id).await?;
    page(&view(&shared, &officer, &reference).await?)
}

async fn view(
    shared: &Shared,
    officer: &Officer,
    reference: &Reference,
) -> Result<EndPage, Refused> {
    let (unit, id) = (officer.unit(), &reference.reference_id);
    let leads = shared.store.leads.count_of(unit, id).await;
    let way = |code, title, what| EndWay { code, title, what };
    Ok(EndPage {
        leads: leads.map_err(Refused::store(officer.words))?,
        shell: officer.counted_shell(shared, "cases").await?,
        reference: reference.reference_id.to_string(),
        case: reference.case_id.to_string(),
        problem: None,
        ways: [
            way("withdraw", "withdraw", "withdraw-what"),
            way("erase", "erase", "erase-what"),
        ],
    })
}

/// The reference, if its case's number was typed; else the page once more.
async fn confirmed(shared: &Shared, form: &PersonForm, id: &str) -> Result<Reference, Refused> {
    let officer = &form.officer;
    officer.must_be(PersonRole::Supervisor)?;
    let reference = cases::reference(shared, officer, id).await?;
    if form.fields.text("case_id").trim() == reference.case_id.as_str().trim() {
        return Ok(reference);
    }
    let mut page = view(shared, officer, &reference).await?;
    page.problem = Some("problem-case");
    Err(Refused::from(html(StatusCode::UNPROCESSABLE_ENTITY, &page)))
}

/// `POST /references/{reference_id}/withdraw`
pub(crate) async fn withdraw(
    State(shared): State<Shared>,
    Ids([id]): Ids<1>,
    form: PersonForm,
) -> Paged {
    let reference = confirmed(&shared, &form, &id).await?;
    let officer = &form.officer;
    let done = references::end(&shared, officer.actor(), &reference.reference_id).await;
    done.map_err(Refused::failed(officer.words))?;
    Ok(see(&format!("/cases/{id}?done=withdrawn")))
}

/// `POST /references/{reference_id}/erase`
pub(crate) async fn erase(
    State(shared): State<Shared>,
    Ids([id]): Ids<1>,
    form: PersonForm,
) -> Paged {
    let reference = confirmed(&shared, &form, &id).await?;
    let officer = &form.officer;
    let one = vec![reference.reference_id];
    let asked = erasures::request(&shared, officer.actor(), (None, one)).await;
    let erasure = asked.map_err(Refused::failed(officer.words))?;
    Ok(see(&format!("/erasures/{}", erasure.erasure_id)))
}

/// `GET /erasures/{erasure_id}`
pub(crate) async fn erasure(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
) -> Paged {
    officer.must_be(PersonRole::Supervisor)?;
    let missing = || Refused::Page(officer.words, Why::Missing);
    let id = ErasureId::parse(&id).map_err(|_| missing())?;
    let found = shared.store.erasures.erasure(officer.unit(), &id).await;
    let found = found.map_err(Refused::store(officer.words))?;
    let erasure = found.ok_or_else(missing)?;
    let receipt = erasure.receipt.as_ref();
    let receipt = receipt.map(serde_json::to_string_pretty).transpose();
    let failed = |_| Refused::failed(officer.words)(Problem::internal());
    page(&ErasurePage {
        shell: officer.counted_shell(&shared, "cases").await?,
        id: erasure.erasure_id.to_string(),
        receipt: receipt.map_err(failed)?,
    })
}
