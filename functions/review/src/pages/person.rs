//! The person's own page, and help.

use axum::extract::State;
use http::StatusCode;
use pages::{HelpPage, MePage};
use records::AuditAction;

use super::access::Officer;
use super::answers::{Paged, Refused, html, page, see};
use super::form::{Asked, PersonForm};
use super::labels;
use crate::Shared;

/// `GET /help`
pub(crate) async fn help(State(shared): State<Shared>, officer: Officer) -> Paged {
    let parts = [
        ("help-what", "help-what-text"),
        ("help-not", "help-not-text"),
        ("help-verdict", "help-verdict-text"),
        ("help-pictures", "help-pictures-text"),
        ("help-sites", "help-sites-text"),
    ];
    page(&HelpPage {
        shell: officer.counted_shell(&shared, "help").await?,
        parts: parts.into(),
    })
}

/// `GET /me`
pub(crate) async fn show(
    State(shared): State<Shared>,
    officer: Officer,
    Asked(asked): Asked,
) -> Paged {
    let mut view = view(&shared, &officer).await?;
    view.is_saved = asked.text("saved") == "1";
    page(&view)
}

async fn view(shared: &Shared, officer: &Officer) -> Result<MePage, Refused> {
    let roles = officer.person.roles.iter();
    Ok(MePage {
        shell: officer.counted_shell(shared, "me").await?,
        is_saved: false,
        problem: None,
        name: officer.person.name.to_string(),
        roles: roles.map(|role| labels::role(*role)).collect(),
    })
}

/// `POST /me`
pub(crate) async fn rename(State(shared): State<Shared>, form: PersonForm) -> Paged {
    let officer = form.officer;
    let Ok(Some(name)) = labels::line(form.fields.text("name")) else {
        let mut view = view(&shared, &officer).await?;
        view.problem = Some("problem-name");
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &view));
    };
    let renamed = shared
        .store
        .tenants
        .rename_person(&officer.person, &name)
        .await;
    renamed.map_err(Refused::store(officer.words))?;
    let subject = Some(officer.person.person_id.as_str());
    let told = shared.audit_actor(officer.actor(), AuditAction::PersonChanged, subject);
    told.await.map_err(Refused::failed(officer.words))?;
    Ok(see("/me?saved=1"))
}
