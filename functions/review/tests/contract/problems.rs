//! Whatever comes in, what goes out is an answer of the contract.

use axum::body::Body;
use http::header;
use serde_json::json;

use crate::world::{World, request};

#[tokio::test]
async fn every_answer_carries_safe_headers_and_an_id_of_its_own() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for (path, who, status) in [
        ("/v1/health", "", 200),
        ("/v1/openapi.json", "", 200),
        ("/v1/leads", "unit", 200),
        ("/v1/leads", "", 401),
        ("/nowhere", "", 404),
    ] {
        let answer = world.get(path, who).await;
        answer.expect(status);
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"));
        ids.push(answer.headers["x-request-id"].to_str().unwrap().to_owned());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[tokio::test]
async fn a_body_of_the_wrong_type_is_415_whatever_it_says() {
    let world = World::new().await;
    let path = "/v1/webhooks/a";
    let body = r#"{"url":"https://case.example/"}"#;
    for media_type in [
        "",
        "text/plain",
        "application/jsonx",
        "application/x-www-form-urlencoded",
    ] {
        world
            .raw("PUT", path, "unit", media_type, body)
            .await
            .expect(415);
    }
    let packed = request("PUT", path, "unit")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_ENCODING, "gzip");
    world
        .send(packed.body(Body::from(body)).unwrap())
        .await
        .expect(415);
    world
        .raw("POST", "/v1/references", "unit", "image/jpeg", "x")
        .await
        .expect(415);
    world
        .raw("PUT", path, "unit", "Application/JSON; charset=utf-8", body)
        .await
        .expect(201);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_400_with_its_place() {
    let world = World::new().await;
    let check = async |body: &str, place: serde_json::Value| {
        let answer = world.raw(
            "PUT",
            "/v1/webhooks/a",
            "unit",
            "application/json",
            body.to_owned(),
        );
        let answer = answer.await;
        answer.expect(400);
        assert_eq!(answer.place(), place, "{body}");
    };
    let none = serde_json::Value::Null;
    check("", none.clone()).await;
    check("{", none.clone()).await;
    check("{} {}", none.clone()).await;
    check("\u{feff}{}", none.clone()).await;
    check(&"[".repeat(60_000), none).await;
    check(
        r#"{"url":"https://a.example/","url":"https://b.example/"}"#,
        json!("#/url"),
    )
    .await;
}

#[tokio::test]
async fn a_field_that_says_something_impossible_is_422_with_its_pointer() {
    let world = World::new().await;
    let check = async |body: serde_json::Value, place: &str| {
        let answer = world.json("PUT", "/v1/webhooks/a", "unit", &body).await;
        answer.expect(422);
        assert_eq!(answer.place(), place, "{body}");
    };
    check(json!([]), "#").await;
    check(json!("text"), "#").await;
    check(json!({}), "#/url").await;
    check(json!({ "url": null }), "#/url").await;
    check(json!({ "url": 7 }), "#/url").await;
    check(json!({ "url": { "deep": [] } }), "#/url").await;
    check(
        json!({ "url": "https://a.example/", "rotate": "yes" }),
        "#/rotate",
    )
    .await;
    check(
        json!({ "url": "https://a.example/", "a/b~c": 1 }),
        "#/a~1b~0c",
    )
    .await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_whether_or_not_it_says_so() {
    let world = World::new().await;
    let large = format!(r#"{{"url":"{}"}}"#, "x".repeat(64 * 1024));
    let path = "/v1/webhooks/a";
    world
        .raw("PUT", path, "unit", "application/json", large.clone())
        .await
        .expect(413);
    let chunks = large
        .into_bytes()
        .chunks(1_000)
        .map(<[u8]>::to_vec)
        .collect::<Vec<_>>();
    let stream = futures::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>));
    let body = Body::from_stream(stream);
    world
        .raw("PUT", path, "unit", "application/json", body)
        .await
        .expect(413);
    let lie = request("PUT", path, "unit")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, "99999999");
    world
        .send(lie.body(Body::from("{}")).unwrap())
        .await
        .expect(413);
}

#[tokio::test]
async fn a_query_that_is_not_of_the_contract_is_400_with_its_parameter() {
    let world = World::new().await;
    for (query, place) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=5&limit=6", "limit"),
        ("after=x", "after"),
        ("after=%00", "after"),
        ("status=new", "status"),
        ("status=OPEN", "status"),
        ("level=all", "level"),
        ("case_id=", "case_id"),
        ("case_id=a%2Fb", "case_id"),
        ("unknown=1", "unknown"),
    ] {
        let answer = world.get(&format!("/v1/leads?{query}"), "unit").await;
        answer.expect(400);
        assert_eq!(answer.place(), place, "{query}");
    }
    world
        .get("/v1/leads?after=&limit=100", "unit")
        .await
        .expect(200);
    let many: String = (0..5_000).map(|n| format!("&p{n}=1")).collect();
    world
        .get(&format!("/v1/leads?{many}"), "unit")
        .await
        .expect(400);
}

#[tokio::test]
async fn a_client_that_takes_no_json_is_refused_in_json() {
    let world = World::new().await;
    let get = request("GET", "/v1/leads", "unit").header(header::ACCEPT, "text/html");
    world
        .send(get.body(Body::empty()).unwrap())
        .await
        .expect(406);
}

#[tokio::test]
async fn a_path_that_is_no_utf_8_is_400_and_a_strange_id_is_not_found() {
    let world = World::new().await;
    world.get("/v1/leads/%ff", "unit").await.expect(400);
    let missing = world
        .get("/v1/leads/0123456789abcdef0123456789abcdef", "unit")
        .await;
    missing.expect(404);
    for id in [
        "x",
        "%2e%2e",
        "..%2f..%2fleads",
        "%00",
        "0123456789ABCDEF0123456789ABCDEF",
        "'",
    ] {
        let answer = world.get(&format!("/v1/leads/{id}"), "unit").await;
        assert_eq!(
            (answer.status, &answer.body),
            (missing.status, &missing.body),
            "{id}"
        );
    }
}
