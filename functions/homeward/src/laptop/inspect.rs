//! `homeward verify` beside a running system: the folder is taken, so the system itself is asked.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use embedded::Embedded;
use records::Token;
use serde_json::{Value, json};
use store::Store;

use super::{Ports, Tokens, sums, tenants};

/// The path of the sums; only the administrator's token opens it.
const PATH: &str = "/v1/verify";

/// The file in the data folder that says where the running system listens.
const FILE: &str = "serving.json";

struct Shared {
    embedded: Embedded,
    store: Store,
    admin: Token,
}

/// The route of the sums.
pub(super) fn route(embedded: &Embedded, store: &Store, tokens: &Tokens) -> anyhow::Result<Router> {
    let admin = Token::parse(&tokens.admin)?;
    let shared = Shared {
        embedded: embedded.clone(),
        store: store.clone(),
        admin,
    };
    Ok(Router::new()
        .route(PATH, get(answer))
        .with_state(Arc::new(shared)))
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .and_then(|text| Token::parse(text).ok());
    // Hashes are compared: how long that takes says nothing about the token.
    if given.is_none_or(|given| given.hash() != shared.admin.hash()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match sums::count(&shared.embedded, &shared.store).await {
        Ok(sums) => Json(sums.to_json()).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the sums could not be counted");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Notes where the system listens.
pub(super) fn note(data: &Path, ports: &Ports) -> std::io::Result<()> {
    std::fs::write(data.join(FILE), json!({ "api": ports.api }).to_string())
}

/// Asks the system that runs on this folder for its sums.
pub async fn ask_for_sums(data: &Path) -> anyhow::Result<Value> {
    let noted = std::fs::read_to_string(data.join(FILE)).context("reading where it listens")?;
    let noted: Value = serde_json::from_str(&noted).context("reading where it listens")?;
    let api = noted
        .get("api")
        .and_then(Value::as_str)
        .context("reading where it listens")?;
    let tokens = tenants::kept(data)?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client
        .get(format!("{api}{PATH}"))
        .bearer_auth(tokens.admin)
        .send()
        .await;
    let answer = answer
        .context("asking the running homeward")?
        .error_for_status()?;
    Ok(answer.json().await?)
}
