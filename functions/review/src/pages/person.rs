//! The person's own page, and help.

use axum::extract::State;
use http::StatusCode;
use pages::{HelpPage, MePage};
use records::{AuditAction, PersonRole, TenantSettings};

use super::access::Officer;
use super::answers::{Paged, Refused, Why, html, page, see};
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
    let settings = shared.store.tenants.tenant(officer.unit()).await;
    let settings = settings.map_err(Refused::store(officer.words))?;
    let may_set = officer.person.is(PersonRole::Supervisor);
    Ok(MePage {
        second_opinion: settings.filter(|_| may_set).map(|unit| unit.second_opinion),
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

/// `POST /unit`: what the unit asks of all its people.
pub(crate) async fn of_unit(State(shared): State<Shared>, form: PersonForm) -> Paged {
    let officer = form.officer;
    officer.must_be(PersonRole::Supervisor)?;
    let failed = Refused::store(officer.words);
    let settings = shared.store.tenants.tenant(officer.unit()).await;
    let settings = settings.map_err(&failed)?;
    let settings = TenantSettings {
        second_opinion: form.fields.text("second_opinion") == "1",
        ..settings.ok_or(Refused::Page(officer.words, Why::Missing))?
    };
    let written = shared.store.tenants.put_tenant(&settings).await;
    written.map_err(&failed)?;
    let told = shared.audit_actor(officer.actor(), AuditAction::SettingsChanged, None);
    told.await.map_err(Refused::failed(officer.words))?;
    Ok(see("/me?saved=1"))
}
