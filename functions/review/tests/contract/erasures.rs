//! Erasures: asked for by whose references they are, silent from the answer on.

use serde_json::{Value, json};

use crate::world::{World, tenant};

const HASH: &str = "00ff";

async fn erase(world: &World, who: &str, body: &Value, status: u16) -> Value {
    let answer = world.json("POST", "/v1/erasures", who, body).await;
    answer.expect(status)
}

#[tokio::test]
async fn a_reference_is_silent_as_soon_as_its_erasure_is_answered() {
    let world = World::new().await;
    let id = world.reference("unit", "K-1", &HASH.repeat(16)).await;
    let erasure = erase(&world, "unit", &json!({ "reference_id": id }), 202).await;
    assert_eq!(
        (&erasure["state"], &erasure["receipt"]),
        (&json!("pending"), &Value::Null)
    );
    assert_eq!(erasure["reference_ids"], json!([id]));
    let reference = world.get(&format!("/v1/references/{id}"), "unit").await;
    assert_eq!(reference.text("status"), "withdrawn");
    let path = format!("/v1/erasures/{}", erasure["erasure_id"].as_str().unwrap());
    assert_eq!(world.get(&path, "unit").await.expect(200), erasure);
    world.get(&path, "rival").await.expect(404);
    let log = world
        .store
        .audit
        .audit_entries(&tenant("unit"), None, 100)
        .await
        .unwrap();
    let is_told = |entry: &records::AuditEntry| {
        let told = serde_json::to_value(entry).unwrap();
        told["action"] == "reference_erased" && told["subject"] == id.as_str()
    };
    assert!(log.items.iter().any(is_told));
}

#[tokio::test]
async fn a_case_is_all_its_references_and_its_number_is_not_told_again() {
    let world = World::new().await;
    let mut ids = [
        world.reference("unit", "K-1", &HASH.repeat(16)).await,
        world.reference("unit", "K-1", &"ff00".repeat(16)).await,
    ];
    ids.sort();
    world.reference("unit", "K-2", &HASH.repeat(16)).await;
    world.reference("rival", "K-1", &HASH.repeat(16)).await;
    let erasure = erase(&world, "unit", &json!({ "case_id": "K-1" }), 202).await;
    assert_eq!(erasure["reference_ids"], json!(ids));
    assert!(!erasure.to_string().contains("K-1"));
    let active = world.all("/v1/references?status=active", "unit").await;
    assert_eq!(active.len(), 1, "the other case is as it was");
}

#[tokio::test]
async fn what_is_not_there_or_not_ones_own_cannot_be_erased() {
    let world = World::new().await;
    let id = world.reference("unit", "K-1", &HASH.repeat(16)).await;
    let missing = json!({ "reference_id": "0".repeat(32) });
    let foreign = json!({ "reference_id": id });
    assert_eq!(
        erase(&world, "rival", &missing, 404).await,
        erase(&world, "rival", &foreign, 404).await
    );
    erase(&world, "rival", &json!({ "case_id": "K-1" }), 404).await;
    for body in [
        json!({}),
        json!({ "reference_id": id, "case_id": "K-1" }),
        json!({ "reference_id": "K-1" }),
        json!({ "case": "K-1" }),
    ] {
        erase(&world, "unit", &body, 422).await;
    }
    world.get("/v1/erasures/none", "unit").await.expect(404);
    let reference = world.get(&format!("/v1/references/{id}"), "unit").await;
    assert_eq!(reference.text("status"), "active");
}
