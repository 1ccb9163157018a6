//! `homeward verify` and `homeward dead-letters` beside a running system: the folder is taken, so the
//! system itself is asked.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use embedded::Embedded;
use records::Token;
use serde_json::{Value, json};
use store::Store;

use super::dead_letters::{self, Which};
use super::sums::{self, Contents};
use super::{Ports, Tokens, tenants};

/// The paths of what is asked; only the administrator's token opens them.
const SUMS: &str = "/v1/verify";
const LETTERS: &str = "/v1/dead-letters";
const REPLAY: &str = "/v1/dead-letters/replay";

/// The file in the data folder that says where the running system listens.
const FILE: &str = "serving.json";

struct Shared {
    embedded: Embedded,
    store: Store,
    admin: Token,
}

/// The routes of what only the host of all programs can tell.
pub(super) fn route(embedded: &Embedded, store: &Store, tokens: &Tokens) -> anyhow::Result<Router> {
    let admin = Token::parse(&tokens.admin)?;
    let shared = Shared {
        embedded: embedded.clone(),
        store: store.clone(),
        admin,
    };
    Ok(Router::new()
        .route(SUMS, get(sums_answer))
        .route(LETTERS, get(letters_answer))
        .route(REPLAY, post(replay_answer))
        .with_state(Arc::new(shared)))
}

/// `?contents=counted` asks only whether contents are there; without it each is read.
async fn sums_answer(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    if !shared.admits(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let is_counted = |(name, value): &(String, String)| name == "contents" && value == "counted";
    let contents = match query.iter().any(is_counted) {
        true => Contents::Counted,
        false => Contents::Read(Box::new(|_, _| {})),
    };
    let sums = sums::count(&shared.embedded, &shared.store, contents).await;
    answer(sums.map(|sums| sums.to_json()))
}

async fn letters_answer(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !shared.admits(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    answer(
        dead_letters::list(&shared.embedded)
            .await
            .map_err(Into::into),
    )
}

/// `?id=` names one letter; without it all are sent again.
async fn replay_answer(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    if !shared.admits(&headers) {
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

impl Shared {
    /// Hashes are compared: how long that takes says nothing about the token.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .and_then(|text| Token::parse(text).ok());
        given.is_some_and(|given| given.hash() == self.admin.hash())
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

/// Notes where the system listens.
pub(super) fn note(data: &Path, ports: &Ports) -> std::io::Result<()> {
    std::fs::write(data.join(FILE), json!({ "api": ports.api }).to_string())
}

/// Asks the system that runs on this folder for its sums.
///
/// # Errors
/// A system that does not answer.
pub async fn ask_for_sums(data: &Path) -> anyhow::Result<Value> {
    ask(data, reqwest::Method::GET, SUMS, &[]).await
}

/// Asks the system that runs on this folder for its dead letters.
///
/// # Errors
/// A system that does not answer.
pub async fn ask_for_letters(data: &Path) -> anyhow::Result<Value> {
    ask(data, reqwest::Method::GET, LETTERS, &[]).await
}

/// Has the system that runs on this folder send letters again, and says how many.
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
    let api = noted
        .get("api")
        .and_then(Value::as_str)
        .context("reading where it listens")?;
    let tokens = tenants::kept(data)?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client
        .request(method, format!("{api}{path}"))
        .query(query)
        .bearer_auth(tokens.admin)
        .send()
        .await;
    let answer = answer
        .context("asking the running homeward")?
        .error_for_status()?;
    Ok(answer.json().await?)
}
