//! What a unit does: by its own API, whose router runs in the simulation as any program does.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use records::{ReferenceId, Token};
use tower::ServiceExt;

use super::cluster::{Cluster, unit};
use super::connection::Connection;

/// The unit's token.
pub fn token() -> Token {
    Token::from_random(&[3; 32])
}

/// Withdraws a reference. When this returns true, the withdrawal is acknowledged; if not, ask again.
///
/// # Panics
/// If the API refuses it: a unit may withdraw what is its own.
pub async fn withdraw(cluster: &Cluster, connection: &Connection, id: &ReferenceId) -> bool {
    let request = Request::builder()
        .method(Method::DELETE)
        .uri(format!("/v1/references/{id}"))
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", token().reveal()),
        )
        .body(Body::empty())
        .expect("a request");
    let response = cluster.api(connection).oneshot(request).await;
    let status = response.expect("routers do not fail").status();
    let is_refused = status.is_client_error()
        && ![
            StatusCode::CONFLICT,
            StatusCode::NOT_FOUND,
            StatusCode::TOO_MANY_REQUESTS,
        ]
        .contains(&status);
    assert!(!is_refused, "a withdrawal is refused: {status}");
    status == StatusCode::NO_CONTENT
}

/// A withdrawal that forgets to wait for deliveries in flight: a bug that the simulator has to find.
pub async fn withdraw_at_once(
    cluster: &Cluster,
    connection: &Connection,
    id: &ReferenceId,
) -> bool {
    let (store, unit, now) = (cluster.store(connection), unit(), cluster.time().now());
    store.references.withdraw(&unit, id, now).await.is_ok()
}
