//! Tenants and tokens.

use axum::body::Body;
use http::header;
use records::AuditAction;
use serde_json::json;

use crate::world::{World, request};

async fn leads_with(world: &World, token: &str) -> u16 {
    let get =
        request("GET", "/v1/leads", "").header(header::AUTHORIZATION, format!("Bearer {token}"));
    world
        .send(get.body(Body::empty()).unwrap())
        .await
        .status
        .as_u16()
}

#[tokio::test]
async fn a_tenant_is_made_gets_a_token_and_loses_it() {
    let world = World::new().await;
    let body = json!({ "tenant": "north", "is_unit": true, "legal_basis": "section 12" });
    let made = world
        .json("POST", "/v1/tenants", "house", &body)
        .await
        .expect(201);
    assert_eq!(made["expiry_days"], 365);
    world
        .json("POST", "/v1/tenants", "house", &body)
        .await
        .expect(409);
    let path = "/v1/tenants/north/tokens";
    let issued = world
        .json("POST", path, "house", &json!({ "role": "unit" }))
        .await
        .expect(201);
    let token = issued["token"].as_str().unwrap();
    assert_eq!(leads_with(&world, token).await, 200);
    let listed = world.get(path, "house").await;
    assert!(
        !String::from_utf8_lossy(&listed.body).contains(token),
        "the value is shown once"
    );
    let token_id = issued["token_id"].as_str().unwrap();
    assert_eq!(listed.json()["items"][0]["token_id"], token_id);
    world
        .call("DELETE", &format!("{path}/{token_id}"), "house")
        .await
        .expect(204);
    assert_eq!(leads_with(&world, token).await, 401);
    world
        .call("DELETE", &format!("{path}/{token_id}"), "house")
        .await
        .expect(404);
    assert_eq!(world.get(path, "house").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_tenant_of_two_roles_holds_a_token_for_each() {
    let world = World::new().await;
    let body = json!({ "tenant": "both", "is_unit": true, "is_uploader": true });
    world
        .json("POST", "/v1/tenants", "house", &body)
        .await
        .expect(201);
    for role in ["unit", "uploader", "admin"] {
        let body = json!({ "role": role });
        world
            .json("POST", "/v1/tenants/both/tokens", "house", &body)
            .await
            .expect(201);
    }
    let tenants = world.get("/v1/tenants", "house").await.json();
    let names: Vec<_> = tenants["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["tenant"])
        .collect();
    assert_eq!(names, ["agency", "both", "house", "other", "rival", "unit"]);
}

#[tokio::test]
async fn a_token_is_issued_for_a_role_that_the_tenant_has() {
    let world = World::new().await;
    let path = "/v1/tenants/agency/tokens";
    world
        .json("POST", path, "house", &json!({ "role": "unit" }))
        .await
        .expect(409);
    world
        .json("POST", path, "house", &json!({ "role": "root" }))
        .await
        .expect(422);
    world
        .json("POST", path, "house", &json!({}))
        .await
        .expect(422);
    let unknown = "/v1/tenants/nobody/tokens";
    world
        .json("POST", unknown, "house", &json!({ "role": "unit" }))
        .await
        .expect(404);
    world
        .get("/v1/tenants/NOT%20A%20NAME/tokens", "house")
        .await
        .expect(404);
    for (body, place) in [
        (json!({ "tenant": "Upper" }), "#/tenant"),
        (json!({ "tenant": "a/b" }), "#/tenant"),
        (json!({ "tenant": "a", "expiry_days": 0 }), "#/expiry_days"),
        (
            json!({ "tenant": "a", "expiry_days": 1.5 }),
            "#/expiry_days",
        ),
        (
            json!({ "tenant": "a", "expiry_days": "30" }),
            "#/expiry_days",
        ),
        (json!({ "tenant": "a", "is_unit": 1 }), "#/is_unit"),
    ] {
        let answer = world.json("POST", "/v1/tenants", "house", &body).await;
        answer.expect(422);
        assert_eq!(answer.place(), place);
    }
}

#[tokio::test]
async fn an_administrator_bounds_what_a_tenant_brings_in_a_day_and_lifts_it() {
    let world = World::new().await;
    let path = "/v1/tenants/agency/quota";
    let unbounded = json!({ "uploads_per_day_max": null, "uploads_today": 0 });
    assert_eq!(world.get(path, "house").await.json(), unbounded);
    let bound = json!({ "uploads_per_day_max": 1000 });
    let put = world.json("PUT", path, "house", &bound).await.expect(200);
    let bounded = json!({ "uploads_per_day_max": 1000, "uploads_today": 0 });
    assert_eq!(put, bounded);
    assert_eq!(world.get(path, "house").await.json(), bounded);
    let log = world.audit_log("agency").await;
    assert_eq!(log.last().unwrap().action, AuditAction::SettingsChanged);
    let logged = (log.len(), world.audit_log("house").await.len());
    let lifted = world.call("DELETE", path, "house").await;
    lifted.expect(200);
    assert_eq!(lifted.json(), unbounded);
    let since = world.audit_log("agency").await.len();
    assert_eq!((since, logged), (2, (1, 1)), "in its log and in one's own");
    for body in [
        json!({}),
        json!({ "uploads_per_day_max": null }),
        json!({ "uploads_per_day_max": -1 }),
        json!({ "uploads_per_day_max": 1_000_000_001 }),
    ] {
        let answer = world.json("PUT", path, "house", &body).await;
        answer.expect(422);
        assert_eq!(answer.place(), "#/uploads_per_day_max");
    }
    assert_eq!(world.get(path, "house").await.json(), unbounded);
    let unknown = "/v1/tenants/nobody/quota";
    world
        .json("PUT", unknown, "house", &bound)
        .await
        .expect(404);
    world.call("DELETE", unknown, "house").await.expect(404);
    world.get(unknown, "house").await.expect(404);
}

#[tokio::test]
async fn an_administrator_takes_back_what_a_tenant_contributed_and_gives_it_back() {
    let world = World::new().await;
    let path = "/v1/tenants/agency/retraction";
    world.get(path, "house").await.expect(404);
    world.call("DELETE", path, "house").await.expect(404);
    let put = world.call("PUT", path, "house").await;
    put.expect(200);
    let retracted = put.json();
    assert_eq!(retracted["state"], "withdrawing");
    assert_eq!(retracted["leads_withdrawn"], 0);
    assert_eq!(world.call("PUT", path, "house").await.json(), retracted);
    assert_eq!(world.get(path, "house").await.json(), retracted);
    let lifted = world.call("DELETE", path, "house").await;
    lifted.expect(200);
    assert_eq!(lifted.json()["state"], "lifting");
    let log = world.audit_log("agency").await;
    let deeds: Vec<_> = log.iter().map(|entry| entry.action).collect();
    use AuditAction::{ContributionRetracted as Retracted, RetractionLifted as Lifted};
    assert_eq!(deeds, [Retracted, Retracted, Lifted]);
    assert_eq!(world.audit_log("house").await.len(), 3, "and in one's own");
    for tenant in ["nobody", "no%20name"] {
        let path = format!("/v1/tenants/{tenant}/retraction");
        world.get(&path, "house").await.expect(404);
        world.call("PUT", &path, "house").await.expect(404);
        world.call("DELETE", &path, "house").await.expect(404);
    }
    for role in ["unit", "agency"] {
        world.call("PUT", path, role).await.expect(403);
    }
}
