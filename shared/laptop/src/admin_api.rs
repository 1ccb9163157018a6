//! `homeward verify`, `homeward dead-letters` and `homeward env` next to a running system: the folder is
//! taken, so the system itself is asked.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use embedded::Embedded;
use records::{Label, PersonRole, Role, TenantId, Token};
use serde_json::{Value, json};
use store::{Clock, Store};

use super::consistency::{self, Contents};
use super::dead_letters::{self, Which};
use super::{Ports, credentials, sign_in, tenants};

/// The paths of what is asked; an administrator's token opens them, and the one that each start leaves
/// in the folder for who may read that.
const CONSISTENCY: &str = "/v1/verify";
const DEAD_LETTERS: &str = "/v1/dead-letters";
const REPLAY: &str = "/v1/dead-letters/replay";
const KEY_PAIRS: &str = "/v1/key-pairs";
const SIGN_IN: &str = "/v1/sign-in-links";

/// The file in the data folder that says where the running system listens.
const FILE: &str = "serving.json";

struct Shared {
    embedded: Embedded,
    store: Store,
    local: Token,
    ports: Ports,
}

/// The routes of what only the host of all programs can tell.
pub(super) fn route(
    (embedded, store): (&Embedded, &Store),
    local: &Token,
    ports: &Ports,
) -> Router {
    let shared = Shared {
        embedded: embedded.clone(),
        store: store.clone(),
        local: local.clone(),
        ports: ports.clone(),
    };
    Router::new()
        .route(CONSISTENCY, get(consistency_answer))
        .route(DEAD_LETTERS, get(dead_letters_answer))
        .route(REPLAY, post(replay_answer))
        .route(KEY_PAIRS, post(key_pair_answer))
        .route(KEY_PAIRS, delete(revoke_answer))
        .route(SIGN_IN, post(sign_in_answer))
        .with_state(Arc::new(shared))
}

/// `?contents=counted` asks only whether contents are there; without it each is read.
async fn consistency_answer(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    if !shared.admits(&headers).await {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let is_counted = |(name, value): &(String, String)| name == "contents" && value == "counted";
    let contents = match query.iter().any(is_counted) {
        true => Contents::Counted,
        false => Contents::Read(Box::new(|_, _| {})),
    };
    let counted = consistency::count(&shared.embedded, &shared.store, contents).await;
    answer(counted.map(|counted| counted.to_json()))
}

async fn dead_letters_answer(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !shared.admits(&headers).await {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    answer(
        dead_letters::list(&shared.embedded)
            .await
            .map_err(Into::into),
    )
}

/// `?id=` names one dead letter; without it all are sent again.
async fn replay_answer(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    if !shared.admits(&headers).await {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let id = query.into_iter().find(|(name, _)| name == "id");
    let which = id.map_or(Which::All, |(_, id)| Which::One(id));
    let replayed = dead_letters::replay(&shared.embedded, &which).await;
    answer(
        replayed
            .map(|replayed| json!({ "replayed": replayed }))
            .map_err(Into::into),
    )
}

/// `?tenant=` names whose pair; made if it has none.
async fn key_pair_answer(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    if !shared.admits(&headers).await {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some(tenant) = tenant(query) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let made = async {
        let Some(settings) = shared.store.tenants.tenant(&tenant).await? else {
            return Ok(None);
        };
        Ok(Some(tenants::key_pair(&shared.embedded, &settings).await?))
    };
    match made.await {
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Ok(Some(key)) => answer(Ok(json!({
            "access_key_id": key.id,
            "secret_access_key": key.secret,
        }))),
        Err(error) => answer(Err(error)),
    }
}

async fn revoke_answer(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    if !shared.admits(&headers).await {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some(tenant) = tenant(query) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let revoked = shared.embedded.revoke(tenant.as_str()).await;
    answer(
        revoked
            .map(|revoked| json!({ "revoked": revoked }))
            .map_err(Into::into),
    )
}

/// Only who may read the folder: an administrator sees no leads.
async fn sign_in_answer(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let given = bearer(&headers);
    if given.is_none_or(|given| given.hash() != shared.local.hash()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    answer(
        signed_in(&shared, &query)
            .await
            .map(|link| json!({ "open": link })),
    )
}

async fn signed_in(shared: &Shared, query: &[(String, String)]) -> anyhow::Result<String> {
    let name = query.iter().find(|(name, _)| name == "name");
    let asked = |role: &PersonRole| {
        let is_it = |(name, word): &(String, String)| name == "role" && word == role.as_str();
        query.iter().any(is_it)
    };
    let person = match name {
        None => sign_in::person_here()?,
        Some((_, name)) => {
            let mut roles = PersonRole::ALL.to_vec();
            roles.retain(asked);
            if roles.is_empty() {
                roles = PersonRole::ALL.to_vec();
            }
            (Label::parse(name)?, roles)
        }
    };
    sign_in::link(&shared.store, &Clock::from_system(), &shared.ports, person).await
}

fn bearer(headers: &HeaderMap) -> Option<Token> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    Token::parse(value.strip_prefix("Bearer ")?).ok()
}

fn tenant(query: Vec<(String, String)>) -> Option<TenantId> {
    let named = query.into_iter().find(|(name, _)| name == "tenant");
    TenantId::parse(&named?.1).ok()
}

impl Shared {
    /// Hashes are compared: how long that takes says nothing about the token.
    async fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(given) = bearer(headers) else {
            return false;
        };
        if given.hash() == self.local.hash() {
            return true;
        }
        let principal = self.store.tenants.authenticate(&given).await;
        principal.is_ok_and(|it| it.is_some_and(|it| it.role == Role::Admin))
    }
}

fn answer(made: anyhow::Result<Value>) -> Response {
    match made {
        Ok(value) => Json(value).into_response(),
        Err(error) => {
            tracing::warn!(%error, "what the folder holds could not be told");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Notes where the system listens, and the token that opens the routes of this file there.
pub(super) fn save(data: &Path, ports: &Ports, local: &Token) -> anyhow::Result<()> {
    let noted = json!({ "api": ports.api, "token": local.reveal() });
    credentials::write_private(&data.join(FILE), &noted.to_string())
}

/// Asks the system that runs on this folder for a tenant's key pair; none if there is no such tenant.
///
/// # Errors
/// A system that does not answer.
pub async fn ask_for_key_pair(data: &Path, tenant: &str) -> anyhow::Result<Option<Value>> {
    let query = [("tenant", tenant)];
    found(ask(data, reqwest::Method::POST, KEY_PAIRS, &query).await)
}

/// Has the system that runs on this folder revoke a tenant's key pair.
///
/// # Errors
/// A system that does not answer.
pub async fn ask_for_revocation(data: &Path, tenant: &str) -> anyhow::Result<Option<Value>> {
    let query = [("tenant", tenant)];
    found(ask(data, reqwest::Method::DELETE, KEY_PAIRS, &query).await)
}

fn found(answer: anyhow::Result<Value>) -> anyhow::Result<Option<Value>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            let status = error.downcast_ref().and_then(reqwest::Error::status);
            let is_missing = status == Some(StatusCode::NOT_FOUND);
            is_missing.then_some(None).ok_or(error)
        }
    }
}

/// Asks the system that runs on this folder for a link that signs a person in, once: one of this name and with
/// these roles, or the one at this computer.
///
/// # Errors
/// A system that does not answer.
pub async fn ask_for_sign_in(
    data: &Path,
    (name, roles): (Option<&str>, &[PersonRole]),
) -> anyhow::Result<Value> {
    let mut query: Vec<(&str, &str)> = name.map(|name| ("name", name)).into_iter().collect();
    query.extend(roles.iter().map(|role| ("role", role.as_str())));
    ask(data, reqwest::Method::POST, SIGN_IN, &query).await
}

/// Asks the system that runs on this folder for what it counts.
///
/// # Errors
/// A system that does not answer.
pub async fn ask_for_consistency(data: &Path) -> anyhow::Result<Value> {
    ask(data, reqwest::Method::GET, CONSISTENCY, &[]).await
}

/// Asks the system that runs on this folder for its dead letters.
///
/// # Errors
/// A system that does not answer.
pub async fn ask_for_dead_letters(data: &Path) -> anyhow::Result<Value> {
    ask(data, reqwest::Method::GET, DEAD_LETTERS, &[]).await
}

/// Has the system that runs on this folder send dead letters again, and says how many.
///
/// # Errors
/// A system that does not answer.
pub async fn ask_for_replay(data: &Path, which: &Which) -> anyhow::Result<u64> {
    let query = match which {
        Which::All => Vec::new(),
        Which::One(id) => vec![("id", id.as_str())],
    };
    let answer = ask(data, reqwest::Method::POST, REPLAY, &query).await?;
    answer["replayed"]
        .as_u64()
        .context("asking the running homeward")
}

async fn ask(
    data: &Path,
    method: reqwest::Method,
    path: &str,
    query: &[(&str, &str)],
) -> anyhow::Result<Value> {
    let noted = std::fs::read_to_string(data.join(FILE)).context("reading where it listens")?;
    let noted: Value = serde_json::from_str(&noted).context("reading where it listens")?;
    let text = |name: &str| {
        let text = noted.get(name).and_then(Value::as_str);
        text.context("reading where it listens")
    };
    let (api, token) = (text("api")?, text("token")?);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client
        .request(method, format!("{api}{path}"))
        .query(query)
        .bearer_auth(token)
        .send()
        .await;
    let answer = answer
        .context("asking the running homeward")?
        .error_for_status()?;
    Ok(answer.json().await?)
}
