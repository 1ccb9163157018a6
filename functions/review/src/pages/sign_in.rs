//! Signing in and out.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pages::{Language, SignInPage, Words};
use records::{
    AuditAction, Label, Person, PersonId, PersonRole, Principal, Role, Session, Token, TokenHash,
};

use super::access::{Officer, is_local, own_path, set_cookie, shell_without_person, signed_in};
use super::actor::Actor;
use super::answers::{LANGUAGE_COOKIE, Paged, Refused, html, see, words};
use super::form::{Asked, FormFields, OpenForm, PersonForm};
use super::labels;
use crate::Shared;

/// `GET /`
pub(crate) async fn first(State(shared): State<Shared>, headers: HeaderMap) -> Paged {
    let words = words(&headers);
    match signed_in(&headers, &shared, words).await? {
        Some((person, _)) => Ok(see(home(&person))),
        None => Ok(sign_in_page(&shared, words, None, "/leads")),
    }
}

/// Where a person's work is.
fn home(person: &Person) -> &'static str {
    match person.is(PersonRole::Reviewer) {
        true => "/leads",
        false => "/log",
    }
}

/// `GET /in`
pub(crate) async fn show(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Asked(asked): Asked,
) -> Response {
    let problem = (asked.text("over") == "1").then_some("in-over");
    let next = own_path(asked.text("next"));
    sign_in_page(&shared, words(&headers), problem, next)
}

fn sign_in_page(
    shared: &Shared,
    words: Words,
    problem: Option<&'static str>,
    next: &str,
) -> Response {
    let status = match problem {
        None | Some("in-over") => StatusCode::OK,
        Some(_) => StatusCode::FORBIDDEN,
    };
    let page = SignInPage {
        shell: shell_without_person(words, "/in"),
        problem,
        is_local: is_local(shared),
        next: next.to_owned(),
    };
    html(status, &page)
}

/// `GET /in/{code}`: a link is of use once, so that what stays in a history opens nothing.
pub(crate) async fn by_link(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(code): Path<String>,
) -> Paged {
    let words = words(&headers);
    let failed = Refused::store(words);
    let used = || Ok(sign_in_page(&shared, words, Some("in-used"), "/leads"));
    let Ok(code) = Token::parse(&code) else {
        return used();
    };
    let link = shared
        .store
        .tenants
        .use_sign_in_link(&code, shared.clock.now());
    let Some(link) = link.await.map_err(&failed)? else {
        return used();
    };
    let person = shared
        .store
        .tenants
        .person(&link.tenant, &link.person_id)
        .await;
    let Some(person) = person.map_err(&failed)? else {
        return used();
    };
    enter(&shared, words, (&person, None), home(&person)).await
}

/// `POST /in`
pub(crate) async fn by_token(State(shared): State<Shared>, form: OpenForm) -> Paged {
    let words = words(&form.headers);
    let next = own_path(form.fields.text("next"));
    let refused = |problem| Ok(sign_in_page(&shared, words, Some(problem), next));
    let Some((principal, token)) = unit_of_token(&shared, words, &form.fields).await? else {
        return refused("in-bad-token");
    };
    let name = labels::line(form.fields.text("name")).ok().flatten();
    let person = match (&principal.person_id, name) {
        (Some(id), _) => {
            let known = shared.store.tenants.person(&principal.tenant, id).await;
            known.map_err(Refused::store(words))?
        }
        (None, Some(name)) => Some(person_of_name(&shared, words, &principal, name).await?),
        (None, None) => return refused("in-name-missing"),
    };
    let Some(person) = person else {
        return refused("in-bad-token");
    };
    let person = Person {
        roles: principal.person_roles(),
        ..person
    };
    let next = match person.is(PersonRole::Reviewer) {
        true => next,
        false => home(&person),
    };
    enter(&shared, words, (&person, Some(token)), next).await
}

async fn unit_of_token(
    shared: &Shared,
    words: Words,
    fields: &FormFields,
) -> Result<Option<(Principal, TokenHash)>, Refused> {
    let Ok(token) = Token::parse(fields.text("token").trim()) else {
        return Ok(None);
    };
    let principal = shared.store.tenants.authenticate(&token).await;
    let principal = principal.map_err(Refused::store(words))?;
    let unit = principal.filter(|it| it.role == Role::Unit);
    Ok(unit.map(|unit| (unit, token.hash())))
}

/// Who has a token of the unit may do what it may: the name is what the person says.
async fn person_of_name(
    shared: &Shared,
    words: Words,
    principal: &Principal,
    name: Label,
) -> Result<Person, Refused> {
    let person = Person {
        person_id: PersonId::of_name(&principal.tenant, &name),
        tenant: principal.tenant.clone(),
        name,
        roles: principal.person_roles(),
        created_at: shared.clock.now(),
    };
    let made = shared.store.tenants.make_person(&person).await;
    made.map_err(Refused::store(words))?;
    Ok(person)
}

/// Signs the browser of a person in, as long as the token stands by which it came, if by one.
async fn enter(
    shared: &Shared,
    words: Words,
    (person, token): (&Person, Option<TokenHash>),
    next: &str,
) -> Paged {
    let now = shared.clock.now();
    let cookie = Token::from_random(&shared.random.draw::<32>());
    let session = Session {
        person_id: person.person_id.clone(),
        tenant: person.tenant.clone(),
        created_at: now,
        seen_at: now,
        roles: token.map(|_| person.roles.clone()),
        token,
    };
    let opened = shared.store.tenants.open_session(&cookie, &session).await;
    opened.map_err(Refused::store(words))?;
    let actor = Actor {
        unit: &person.tenant,
        person: Some(&person.person_id),
    };
    let told = shared.audit_actor(actor, AuditAction::SignedIn, None).await;
    told.map_err(Refused::failed(words))?;
    let mut response = see(next);
    let cookie = set_cookie(shared, Some(&cookie));
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `POST /out`
pub(crate) async fn out(State(shared): State<Shared>, form: PersonForm) -> Paged {
    let PersonForm { officer, fields } = form;
    let ended = match fields.text("everywhere") {
        "1" => {
            let (unit, person) = (officer.unit(), &officer.person.person_id);
            shared.store.tenants.end_sessions_of(unit, person).await
        }
        _ => shared.store.tenants.end_session(officer.cookie()).await,
    };
    ended.map_err(Refused::store(officer.words))?;
    told_out(&shared, &officer).await?;
    let mut response = see("/in");
    let headers = response.headers_mut();
    headers.insert(header::SET_COOKIE, set_cookie(&shared, None));
    Ok(response)
}

async fn told_out(shared: &Shared, officer: &Officer) -> Result<(), Refused> {
    let told = shared.audit_actor(officer.actor(), AuditAction::SignedOut, None);
    told.await.map_err(Refused::failed(officer.words))
}

/// `POST /language`
pub(crate) async fn language(form: OpenForm) -> Response {
    let mut response = see(own_path(form.fields.text("back")));
    if let Some(language) = Language::of_code(form.fields.text("language")) {
        let text = format!(
            "{LANGUAGE_COOKIE}={}; Path=/; SameSite=Strict; Max-Age=31536000",
            language.code()
        );
        if let Ok(cookie) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
    }
    response
}
