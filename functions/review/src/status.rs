//! How the deployment is doing, for its administrator.

use axum::extract::State;
use serde_json::json;

use crate::caller::Admin;
use crate::problem::{Answer, ok};
use crate::{Shared, store_errors};

/// `GET /v1/status`
pub(crate) async fn show(State(shared): State<Shared>, _: Admin) -> Answer {
    let status = shared.store.checkpoints.status(shared.clock.now()).await;
    ok(&json!(status.map_err(store_errors::problem)?))
}
