//! Webhooks: made, changed, rotated and removed by their unit.

use serde_json::json;

use crate::world::{World, tenant};

#[tokio::test]
async fn the_secret_is_shown_when_it_is_made_and_never_again() {
    let world = World::new().await;
    let path = "/v1/webhooks/case-system";
    let body = json!({ "url": "https://case.example/hook" });
    let made = world.json("PUT", path, "unit", &body).await.expect(201);
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    assert!(made["public_key"].as_str().unwrap().starts_with("whpk_"));
    let shown = world.get(path, "unit").await.expect(200);
    assert!(shown.get("secret").is_none());
    assert_eq!(shown["public_key"], made["public_key"]);
    let listed = world.get("/v1/webhooks", "unit").await.expect(200);
    assert_eq!(listed["items"], json!([shown]));
    let changed = json!({ "url": "https://case.example/other" });
    let changed = world.json("PUT", path, "unit", &changed).await.expect(200);
    assert!(changed.get("secret").is_none());
    assert_eq!(
        changed["public_key"], made["public_key"],
        "a new address keeps the keys"
    );
    let rotate = json!({ "url": "https://case.example/other", "rotate": true });
    let rotated = world.json("PUT", path, "unit", &rotate).await.expect(200);
    assert_ne!(rotated["secret"], made["secret"]);
    assert_ne!(rotated["public_key"], made["public_key"]);
}

#[tokio::test]
async fn a_disabled_webhook_says_why_and_is_enabled_by_putting_it() {
    let world = World::new().await;
    let path = "/v1/webhooks/a";
    let body = json!({ "url": "http://127.0.0.1:8080/hook" });
    world.json("PUT", path, "unit", &body).await.expect(201);
    let name = records::WebhookName::parse("a").unwrap();
    let gone = records::ReasonCode::RECEIVER_GONE;
    world
        .store
        .deliveries
        .disable_webhook(&tenant("unit"), &name, gone, world.now())
        .await
        .unwrap();
    let shown = world.get(path, "unit").await.expect(200);
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("disabled"), &json!("receiver_gone"))
    );
    world.json("PUT", path, "unit", &body).await.expect(200);
    assert_eq!(world.get(path, "unit").await.text("state"), "enabled");
}

#[tokio::test]
async fn an_address_that_may_not_be_called_is_refused() {
    let world = World::new().await;
    for url in [
        "",
        "case.example",
        "ftp://case.example/",
        "javascript:alert(1)",
        "https://",
        "https://user:pass@case.example/",
        "http://case example/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/",
        "http://93.184.216.34/",
        "https://[::1]/",
    ] {
        let answer = world
            .json("PUT", "/v1/webhooks/a", "unit", &json!({ "url": url }))
            .await;
        answer.expect(422);
        assert_eq!(answer.place(), "#/url", "{url}");
    }
    let longer_when_escaped = format!("https://a.example/{}", "ü".repeat(1_000));
    let body = json!({ "url": longer_when_escaped });
    world
        .json("PUT", "/v1/webhooks/a", "unit", &body)
        .await
        .expect(422);
    assert_eq!(
        world.get("/v1/webhooks", "unit").await.json()["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_unit_has_a_bounded_number_of_webhooks_with_plain_names() {
    let world = World::new().await;
    let body = json!({ "url": "https://case.example/hook" });
    for n in 0..20 {
        world
            .json("PUT", &format!("/v1/webhooks/w{n}"), "unit", &body)
            .await
            .expect(201);
    }
    world
        .json("PUT", "/v1/webhooks/one-more", "unit", &body)
        .await
        .expect(409);
    world
        .json("PUT", "/v1/webhooks/w3", "unit", &body)
        .await
        .expect(200);
    for name in ["UPPER", "a%20b", "a%23b", "-a", "%2e%2e"] {
        world
            .json("PUT", &format!("/v1/webhooks/{name}"), "rival", &body)
            .await
            .expect(400);
    }
}

#[tokio::test]
async fn a_foreign_webhook_looks_exactly_like_a_missing_one() {
    let world = World::new().await;
    let body = json!({ "url": "https://case.example/hook" });
    world
        .json("PUT", "/v1/webhooks/a", "unit", &body)
        .await
        .expect(201);
    for method in ["GET", "DELETE"] {
        let foreign = world.call(method, "/v1/webhooks/a", "rival").await;
        let missing = world.call(method, "/v1/webhooks/b", "rival").await;
        foreign.expect(404);
        assert_eq!(foreign.body, missing.body);
    }
    world
        .call("DELETE", "/v1/webhooks/a", "unit")
        .await
        .expect(204);
    world
        .call("DELETE", "/v1/webhooks/a", "unit")
        .await
        .expect(404);
}

#[tokio::test]
async fn a_receiver_chooses_its_type_of_json_and_keeps_it() {
    let world = World::new().await;
    let path = "/v1/webhooks/case-system";
    let url = "https://case.example/hook";
    let put = async |body, status| world.json("PUT", path, "unit", &body).await.expect(status);
    let made = put(json!({ "url": url }), 201).await;
    assert_eq!(made["content_type"], "application/cloudevents+json");
    let plain = put(
        json!({ "url": url, "content_type": "application/json" }),
        200,
    );
    assert_eq!(plain.await["content_type"], "application/json");
    for kept in [json!({ "url": url }), json!({ "url": url, "rotate": true })] {
        assert_eq!(put(kept, 200).await["content_type"], "application/json");
    }
    for wrong in [json!("text/html"), json!(7), json!("")] {
        put(json!({ "url": url, "content_type": wrong }), 422).await;
    }
}

#[tokio::test]
async fn a_test_alert_is_queued_for_each_webhook_and_its_deliveries_are_listed() {
    let world = World::new().await;
    let nothing = json!({});
    let none = world
        .json("POST", "/v1/alerts/test", "unit", &nothing)
        .await
        .expect(202);
    assert_eq!(
        none,
        json!({ "alert_id": "unit-000000000001", "webhooks": [] })
    );
    let body = json!({ "url": "https://case.example/hook" });
    world
        .json("PUT", "/v1/webhooks/desk", "unit", &body)
        .await
        .expect(201);
    let sent = world
        .call("POST", "/v1/alerts/test", "unit")
        .await
        .expect(202);
    assert_eq!(
        sent,
        json!({ "alert_id": "unit-000000000002", "webhooks": ["desk"] })
    );
    let feed = world.all("/v1/alerts", "unit").await;
    assert!(
        feed.iter()
            .all(|it| it["type"] == "org.homeward.test" && it["data"]["is_test"] == true)
    );
    assert_eq!(feed.len(), 2);
    let of = "/v1/webhooks/desk/deliveries";
    assert_eq!(world.all(of, "unit").await, Vec::<serde_json::Value>::new());
    queue(&world, 2).await;
    let listed = world.all(of, "unit").await;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["alert_id"], &listed[0]["state"]),
        (&json!("unit-000000000002"), &json!("pending"))
    );
    let one = format!("{of}/unit-000000000002");
    assert_eq!(world.get(&one, "unit").await.expect(200), listed[0]);
    let actions = world.audit_log("unit").await;
    let tested = actions
        .iter()
        .filter(|it| it.action == records::AuditAction::AlertTested);
    assert_eq!(tested.count(), 2);
}

/// Queues an alert for the webhook `desk`, as the program `alert` does.
async fn queue(world: &World, seq: u64) {
    let (unit, desk) = (tenant("unit"), records::WebhookName::parse("desk").unwrap());
    let alert = world.store.leads.alert(&unit, seq).await.unwrap().unwrap();
    let queued = world
        .store
        .deliveries
        .enqueue(&desk, &alert, world.now())
        .await;
    assert_eq!(queued, Ok(true));
}

#[tokio::test]
async fn a_delivery_that_has_ended_is_repeated_and_a_strange_one_is_not_found() {
    let world = World::new().await;
    let body = json!({ "url": "https://case.example/hook" });
    world
        .json("PUT", "/v1/webhooks/desk", "unit", &body)
        .await
        .expect(201);
    world
        .json("PUT", "/v1/webhooks/desk", "rival", &body)
        .await
        .expect(201);
    world
        .call("POST", "/v1/alerts/test", "unit")
        .await
        .expect(202);
    queue(&world, 1).await;
    let (unit, desk) = (tenant("unit"), records::WebhookName::parse("desk").unwrap());
    let delivery = world
        .store
        .deliveries
        .delivery(&unit, &desk, 1)
        .await
        .unwrap()
        .unwrap();
    let why = records::ReasonCode::RECEIVER_GONE;
    let given_up = world
        .store
        .deliveries
        .abandon(&unit, &delivery, why, world.now())
        .await;
    given_up.unwrap();
    let one = "/v1/webhooks/desk/deliveries/unit-000000000001";
    let shown = world.get(one, "unit").await.expect(200);
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("abandoned"), &json!("receiver_gone"))
    );
    let repeated = world.call("POST", one, "unit").await.expect(202);
    assert_eq!(
        (&repeated["state"], &repeated["attempts"]),
        (&json!("pending"), &json!(0))
    );
    assert_eq!(world.get(one, "unit").await.expect(200), repeated);
    world.call("POST", one, "rival").await.expect(404);
    world.call("POST", one, "agency").await.expect(403);
    let strange = [
        "unit-1",
        "unit-000000000002",
        "rival-000000000001",
        "unit--1",
        "x",
        "%00",
        "unit-99999999999999999999999",
    ];
    for id in strange {
        let path = format!("/v1/webhooks/desk/deliveries/{id}");
        world.call("POST", &path, "unit").await.expect(404);
        world.get(&path, "unit").await.expect(404);
    }
    world
        .get("/v1/webhooks/none/deliveries", "unit")
        .await
        .expect(404);
    let wrong = json!({ "now": true });
    world.json("POST", one, "unit", &wrong).await.expect(422);
    world
        .json("POST", "/v1/alerts/test", "unit", &wrong)
        .await
        .expect(422);
}
