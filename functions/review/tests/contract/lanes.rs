//! Slow requests of one caller, and what they do not stop.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http::header;
use serde_json::json;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::world::{World, request};

/// More requests than one caller has places for.
const SLOW: usize = 40;

const PDQ: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Requests of this caller whose bodies never come. When this returns, they hold every place that
/// the caller can have.
async fn hold(world: &World, who: &str, (path, media_type): (&str, &str)) -> JoinSet<()> {
    let mut held = JoinSet::new();
    for _ in 0..SLOW {
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let slow = request("POST", path, who).header(header::CONTENT_TYPE, media_type);
        let slow = slow.body(Body::from_stream(never)).unwrap();
        let router = world.router.clone();
        held.spawn(async move { drop(router.oneshot(slow).await) });
    }
    let all_taken = async {
        while world.raw("POST", path, who, media_type, "{").await.status != 503 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), all_taken).await;
    waited.expect("they hold every place");
    held
}

#[tokio::test]
async fn bodies_of_an_uploader_that_never_come_stop_no_other() {
    let world = World::new().await;
    let reference = world.reference("unit", "9", PDQ).await;
    let _held = hold(&world, "agency", ("/v1/uploads", "application/json")).await;
    world.get("/v1/leads", "unit").await.expect(200);
    world.get("/v1/uploads", "other").await.expect(200);
    world.get("/v1/tenants", "house").await.expect(200);
    let path = format!("/v1/references/{reference}");
    world.call("DELETE", &path, "unit").await.expect(204);
}

#[tokio::test]
async fn a_unit_that_holds_all_its_places_can_withdraw() {
    let world = World::new().await;
    let reference = world.reference("unit", "9", PDQ).await;
    let _held = hold(&world, "unit", ("/v1/references", "application/json")).await;
    world.get("/v1/leads", "unit").await.expect(503);
    let path = format!("/v1/references/{reference}");
    world.call("DELETE", &path, "unit").await.expect(204);
}

#[tokio::test]
async fn slow_photos_of_one_unit_do_not_stop_anothers() {
    let world = World::new().await;
    let form = "multipart/form-data; boundary=b";
    let _held = hold(&world, "unit", ("/v1/references", form)).await;
    let part = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"");
    let body = format!(
        "{}\r\n\r\n9\r\n{}; filename=\"f\"\r\n\r\nphoto\r\n--b--\r\n",
        part("case_id"),
        part("photo")
    );
    let answer = world
        .raw("POST", "/v1/references", "rival", form, body)
        .await;
    answer.expect(202);
    let hash = json!({ "case_id": "9", "pdq": PDQ, "quality": 80 });
    let answer = world.json("POST", "/v1/references", "rival", &hash).await;
    answer.expect(202);
}
