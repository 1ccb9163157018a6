//! The audit log as its readers see it.

use records::{AuditAction, Role};
use serde_json::{Value, json};

use crate::world::World;

fn deeds(items: &[Value]) -> Vec<(String, String)> {
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let deeds = items
        .iter()
        .map(|it| (text(&it["actor"]), text(&it["action"])));
    deeds.collect()
}

fn deed(actor: &str, action: &str) -> (String, String) {
    (actor.to_owned(), action.to_owned())
}

#[tokio::test]
async fn a_unit_sees_what_an_administrator_did_in_its_name() {
    let world = World::new().await;
    let made = world
        .json(
            "POST",
            "/v1/tenants",
            "house",
            &json!({ "tenant": "north", "is_unit": true }),
        )
        .await;
    made.expect(201);
    let tokens = "/v1/tenants/unit/tokens";
    let issued = world
        .json("POST", tokens, "house", &json!({ "role": "unit" }))
        .await
        .expect(201);
    let id = issued["token_id"].as_str().unwrap();
    let path = format!("{tokens}/{id}");
    world.call("DELETE", &path, "house").await.expect(204);
    let seen = world.all("/v1/audit", "unit").await;
    assert_eq!(
        deeds(&seen),
        [
            deed("admin", "token_issued"),
            deed("admin", "token_revoked")
        ]
    );
    assert!(seen.iter().all(|it| it["subject"] == id), "{seen:?}");
    assert!(!format!("{seen:?}").contains(issued["token"].as_str().unwrap()));
    let log = world.audit_log("north").await;
    assert_eq!(
        (log[0].actor, log[0].action, log.len()),
        (Some(Role::Admin), AuditAction::SettingsChanged, 1)
    );
    let own = world.audit_log("house").await;
    assert_eq!(own.len(), 3, "and each in its own");
}

#[tokio::test]
async fn an_administrator_reads_any_log_and_leaves_that_there() {
    let world = World::new().await;
    looks(&world, "unit").await;
    let seen = world.all("/v1/audit?tenant=unit", "house").await;
    let (last, before) = seen.split_last().unwrap();
    assert_eq!(
        deeds(std::slice::from_ref(last)),
        [deed("admin", "audit_seen")]
    );
    assert_eq!(last["subject"], "house");
    assert!(before.iter().all(|it| it["actor"] == "unit"), "{before:?}");
    assert_eq!(
        world.all("/v1/audit", "unit").await,
        seen,
        "a unit leaves none"
    );
    let own = world.all("/v1/audit", "house").await;
    assert_eq!(deeds(&own), [deed("admin", "audit_seen")]);
    world
        .get("/v1/audit?tenant=nobody", "house")
        .await
        .expect(404);
    world
        .get("/v1/audit?tenant=NO%20NAME", "house")
        .await
        .expect(400);
}

#[tokio::test]
async fn a_unit_reads_no_other_log_than_its_own() {
    let world = World::new().await;
    looks(&world, "rival").await;
    assert_eq!(world.all("/v1/audit", "unit").await, Vec::<Value>::new());
    world
        .get("/v1/audit?tenant=rival", "unit")
        .await
        .expect(400);
    looks(&world, "rival").await;
    let page = world.get("/v1/audit?limit=1", "rival").await.expect(200);
    let next = page["next"].as_str().unwrap();
    let path = format!("/v1/audit?limit=1&after={next}");
    let second = world.get(&path, "rival").await.expect(200);
    assert_eq!(second["items"][0]["seq"], 2);
    world.get(&path, "unit").await.expect(400);
}

/// Submits a reference and looks at it: each an entry in the unit's log, or the second alone.
async fn looks(world: &World, who: &str) {
    let id = world.reference(who, "K-1", &"00ff".repeat(16)).await;
    for _ in 0..2 {
        let path = format!("/v1/references/{id}");
        world.get(&path, who).await.expect(200);
    }
}

#[tokio::test]
async fn the_key_of_receipts_is_public_and_stays() {
    let world = World::new().await;
    let told = world.get("/v1/receipts-key", "").await.expect(200);
    assert_eq!(told["algorithm"], "ed25519");
    assert_eq!(told["public_key"].as_str().unwrap().len(), 44);
    assert_eq!(
        world.get("/v1/receipts-key", "unit").await.expect(200),
        told
    );
    let seed = world
        .store
        .erasures
        .known_receipts_key()
        .await
        .unwrap()
        .unwrap();
    let key = records::Receipt::public_key(&seed).unwrap();
    assert_eq!(told["public_key"], json!(key));
}
