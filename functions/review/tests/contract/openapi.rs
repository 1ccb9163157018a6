//! The document that the API serves about itself.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use records::CloudEvent;
use serde_json::Value;

use crate::world::World;

/// The Python that has the peers, made on first use.
pub fn python() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/venv.sh");
    let made = Command::new(script).output().expect("the script runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn the_document_is_valid_openapi_3_1() {
    let world = World::new().await;
    let served = world.get("/v1/openapi.json", "").await;
    served.expect(200);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, &served.body).unwrap();
    let checked = Command::new(python())
        .args(["-m", "openapi_spec_validator"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(
        checked.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}

#[test]
fn every_operation_tells_its_role_and_its_errors() {
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(operation["operationId"].is_string(), "{name}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.contains_key("500") && responses.contains_key("406"),
                "{name}"
            );
            if operation["security"][0]["bearer"][0].is_string() {
                assert!(
                    responses.contains_key("401") && responses.contains_key("403"),
                    "{name}"
                );
            }
            if operation.get("requestBody").is_some() {
                for status in ["400", "413", "415", "422"] {
                    assert!(responses.contains_key(status), "{name} {status}");
                }
            }
        }
    }
}

/// Requests made up from the document, against the router on a loopback port: no answer is a fault
/// of ours, and each has a status, type and shape that the document tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn made_up_requests_get_answers_that_the_document_tells() {
    let world = World::new().await;
    let reference_id = world.reference("unit", "case 1", &"00ff".repeat(16)).await;
    world.lead("unit", &reference_id, "ad.jpg").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = world.router.clone();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let python = tokio::task::spawn_blocking(python).await.unwrap();
    for (tag, who) in [("unit", "unit"), ("uploader", "agency"), ("admin", "house")] {
        made_up(&python, &address, tag, who).await;
    }
    server.abort();
}

async fn made_up(python: &str, address: &str, tag: &str, who: &str) {
    let folder = tempfile::tempdir().unwrap();
    let ran = tokio::process::Command::new(python)
        .args([
            "-m",
            "schemathesis.cli",
            "run",
            &format!("{address}/v1/openapi.json"),
        ])
        .args(["--url", address, "--include-tag", tag])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", crate::world::token(who)),
        ])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "20",
            "--seed",
            "1",
        ])
        .args(["--checks", "not_a_server_error,status_code_conformance"])
        .args([
            "--checks",
            "content_type_conformance,response_schema_conformance",
        ])
        .args(["--no-color", "--request-timeout", "30"])
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success(),
        "{tag}: {said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
fn every_kind_of_alert_is_told_with_a_sample_that_is_one() {
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut told = BTreeSet::new();
    for webhook in document["webhooks"].as_object().unwrap().values() {
        let content = webhook["post"]["requestBody"]["content"]
            .as_object()
            .unwrap();
        assert_eq!(content.len(), 2);
        for body in content.values() {
            let sample = &body["example"];
            let event: CloudEvent = serde_json::from_value(sample.clone()).unwrap();
            assert_eq!(&serde_json::to_value(&event).unwrap(), sample);
            told.insert(sample["type"].to_string());
        }
    }
    let known = &document["components"]["schemas"]["AlertType"]["enum"];
    let known = known.as_array().unwrap().iter().map(Value::to_string);
    assert_eq!(told, known.collect());
}
