//! Who may call what: every operation of the document with every kind of token.

use axum::body::Body;
use http::header;
use serde_json::{Value, json};

use crate::world::{World, request};

const ID: &str = "0123456789abcdef0123456789abcdef";

/// Method, path with ids filled in, and the roles that the document asks for: one of them.
fn operations() -> Vec<(String, String, Vec<String>)> {
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = ["{lead_id}", "{reference_id}", "{token_id}", "{erasure_id}"]
            .iter()
            .fold(path.clone(), |path, id| path.replace(id, ID))
            .replace("{name}", "case-system")
            .replace("{tenant}", "nobody");
        for (method, operation) in methods.as_object().unwrap() {
            let any_of = operation["security"].as_array().unwrap().iter();
            let roles = any_of.map(|one| one["bearer"][0].as_str().unwrap().to_owned());
            operations.push((method.to_uppercase(), path.clone(), roles.collect()));
        }
    }
    assert!(operations.len() > 20, "{operations:?}");
    operations
}

/// The holder of a token of this role.
const HOLDERS: [(&str, &str); 3] = [("unit", "unit"), ("uploader", "agency"), ("admin", "house")];

#[tokio::test]
async fn every_operation_is_open_to_its_role_and_to_no_other() {
    let world = World::new().await;
    for (method, path, roles) in operations() {
        for (holder_role, who) in HOLDERS {
            let answer = world.json(&method, &path, who, &json!({})).await;
            let status = answer.status.as_u16();
            if roles.is_empty() || roles.iter().any(|role| role == holder_role) {
                assert!(
                    ![401, 403, 405, 500, 503].contains(&status),
                    "{method} {path} as {holder_role}: {status}"
                );
            } else {
                answer.expect(403);
            }
        }
    }
}

#[tokio::test]
async fn without_a_valid_token_every_operation_answers_the_same() {
    let world = World::new().await;
    let missing = world.get("/v1/leads", "").await;
    missing.expect(401);
    for (method, path, roles) in operations() {
        if roles.is_empty() {
            world.call(&method, &path, "").await.expect(200);
            continue;
        }
        for who in ["", "nobody"] {
            let answer = world.json(&method, &path, who, &json!({})).await;
            assert_eq!(answer.body, missing.body, "{method} {path}");
            assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE));
        }
    }
}

#[tokio::test]
async fn only_one_well_formed_authorization_header_opens() {
    let world = World::new().await;
    let good = crate::world::token("unit");
    let check = async |values: &[String], expected: u16| {
        let mut get = request("GET", "/v1/leads", "");
        for value in values {
            get = get.header(header::AUTHORIZATION, value);
        }
        world
            .send(get.body(Body::empty()).unwrap())
            .await
            .expect(expected);
    };
    check(&[format!("Bearer {good}")], 200).await;
    check(&[format!("bearer  {good}")], 200).await;
    check(&[format!("Bearer {good}"), format!("Bearer {good}")], 401).await;
    check(&[format!("Basic {good}")], 401).await;
    check(std::slice::from_ref(&good), 401).await;
    check(&[format!("Bearer {good}x")], 401).await;
    check(&[format!("Bearer {}", &good[..good.len() - 1])], 401).await;
    check(&["Bearer ".to_owned()], 401).await;
    check(&[format!("Bearer {}", "A".repeat(7_000))], 401).await;
}

#[tokio::test]
async fn an_unknown_path_or_method_is_told_before_any_token() {
    let world = World::new().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/leads/",
        "/v2/leads",
        "/v1/leads/a/b",
        "/v1//leads",
    ] {
        world.get(path, "").await.expect(404);
    }
    for (method, path, allow) in [
        ("DELETE", "/v1/leads", "GET,HEAD"),
        ("PATCH", "/v1/references", "POST,GET,HEAD"),
        ("OPTIONS", "/v1/uploads", "GET,HEAD,POST"),
        ("TRACE", "/v1/health", "GET,HEAD"),
    ] {
        let answer = world.call(method, path, "").await;
        answer.expect(405);
        let mut allowed: Vec<&str> = answer.headers[header::ALLOW]
            .to_str()
            .unwrap()
            .split(',')
            .collect();
        let mut expected: Vec<&str> = allow.split(',').collect();
        allowed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(allowed, expected, "{method} {path}");
    }
}
