//! Uploads: the form, the list, and that neither tells who is sought.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use records::{AdKey, AdMetadata, ObjectKey, ReasonCode, Upload, UploadState};
use serde_json::{Value, json};
use store::NewObject;

use crate::world::World;

async fn put(world: &World, key: &str, bytes: &'static [u8]) {
    let object = NewObject {
        bytes: bytes.into(),
        content_type: "image/jpeg".into(),
        metadata: HashMap::new(),
    };
    world
        .store
        .objects
        .put_object(&ObjectKey::parse(key).unwrap(), object)
        .await
        .unwrap();
}

async fn settle(world: &World, key: &str, size_bytes: u64, reason: Option<ReasonCode>) {
    let far = records::Timestamp::parse("2100-01-01T00:00:00Z").unwrap();
    let upload = Upload {
        object_key: AdKey::parse(key).unwrap(),
        state: if reason.is_some() {
            UploadState::Rejected
        } else {
            UploadState::Recorded
        },
        reason,
        image_sha256: None,
        size_bytes,
        version_id: None,
        metadata: AdMetadata::default(),
        notes: Vec::new(),
        stored_in: None,
        bundle: None,
        faults: None,
        frames: None,
        uploaded_at: far,
        updated_at: far,
    };
    world.store.uploads.record_upload(&upload).await.unwrap();
}

#[tokio::test]
async fn a_form_is_bound_to_prefix_size_type_and_time() {
    let world = World::new().await;
    let form = world
        .call("POST", "/v1/uploads", "agency")
        .await
        .expect(201);
    assert_eq!(form["url"], "http://127.0.0.1:9000/ads-bucket");
    assert_eq!(form["key_prefix"], "ads/agency/");
    let key = form["object_key"].as_str().unwrap();
    assert!(key.starts_with("ads/agency/"));
    assert_eq!(form["fields"]["key"], key);
    let policy = STANDARD
        .decode(form["fields"]["policy"].as_str().unwrap())
        .unwrap();
    let policy: Value = serde_json::from_slice(&policy).unwrap();
    let conditions = policy["conditions"].as_array().unwrap();
    for condition in [
        json!({ "bucket": "ads-bucket" }),
        json!(["starts-with", "$key", "ads/agency/"]),
        json!(["starts-with", "$Content-Type", "image/"]),
        json!(["content-length-range", 1, 33_554_432]),
    ] {
        assert!(conditions.contains(&condition), "{condition}");
    }
    assert_eq!(form["expires_at"], policy["expiration"]);
    let other = world.call("POST", "/v1/uploads", "agency").await;
    assert_ne!(other.text("object_key"), key);
}

#[tokio::test]
async fn what_the_uploader_says_stands_in_the_form() {
    let world = World::new().await;
    let body = json!({
        "file_name": "2026/köln 1+1.png", "content_type": "image/png", "place": "Köln",
        "source_url": "https://ads.example/1", "ad_id": "1", "seen_at": "2026-11-24T13:00:00+01:00",
    });
    let form = world
        .json("POST", "/v1/uploads", "agency", &body)
        .await
        .expect(201);
    let fields = &form["fields"];
    assert_eq!(form["object_key"], "ads/agency/2026/köln 1+1.png");
    assert_eq!(fields["Content-Type"], "image/png");
    assert_eq!(fields["x-amz-meta-place"], "Köln");
    assert_eq!(fields["x-amz-meta-source-url"], "https://ads.example/1");
    assert_eq!(fields["x-amz-meta-seen-at"], "2026-11-24T12:00:00.000Z");
    for (body, place) in [
        (json!({ "file_name": "${filename}" }), "#/file_name"),
        (json!({ "file_name": "x".repeat(257) }), "#/file_name"),
        (json!({ "content_type": "text/html" }), "#/content_type"),
        (
            json!({ "source_url": "javascript:alert(1)" }),
            "#/source_url",
        ),
        (json!({ "seen_at": "yesterday" }), "#/seen_at"),
        (json!({ "tenant": "other" }), "#/tenant"),
    ] {
        let answer = world.json("POST", "/v1/uploads", "agency", &body).await;
        answer.expect(422);
        assert_eq!(answer.place(), place);
    }
}

#[tokio::test]
async fn every_object_is_pending_recorded_or_rejected_page_by_page() {
    let world = World::new().await;
    for key in ["a", "a/b", "c d", "ü", "z"] {
        put(&world, &format!("ads/agency/{key}"), b"photo").await;
    }
    put(&world, "ads/other/secret", b"photo").await;
    settle(&world, "ads/agency/a/b", 5, None).await;
    settle(&world, "ads/agency/c d", 5, Some(ReasonCode::NOT_AN_IMAGE)).await;
    settle(&world, "ads/agency/gone", 5, None).await;
    settle(&world, "ads/agency/z", 4, None).await;
    let expected = [
        ("a", "pending"),
        ("a/b", "recorded"),
        ("c d", "rejected"),
        ("gone", "recorded"),
        ("z", "pending"),
        ("ü", "pending"),
    ];
    for limit in [1, 2, 3, 100] {
        let items = world
            .all(&format!("/v1/uploads?limit={limit}"), "agency")
            .await;
        let states: Vec<(&str, &str)> = items
            .iter()
            .map(|item| {
                (
                    item["object_key"].as_str().unwrap(),
                    item["state"].as_str().unwrap(),
                )
            })
            .map(|(key, state)| (key.strip_prefix("ads/agency/").unwrap(), state))
            .collect();
        assert_eq!(states, expected, "{limit}");
        assert_eq!(items[2]["reason"], "not_an_image");
    }
    let other = world.all("/v1/uploads", "other").await;
    assert_eq!(other.len(), 1);
    let next = world
        .get("/v1/uploads?limit=1", "agency")
        .await
        .text("next");
    world
        .get(&format!("/v1/uploads?after={next}"), "other")
        .await
        .expect(400);
}

/// The uploader's answers in a world in which its ads are of a reference, or of none.
async fn answers(is_sought: bool) -> Vec<(u16, Vec<(String, Vec<u8>)>, Vec<u8>)> {
    let world = World::new().await;
    put(&world, "ads/agency/ad.jpg", b"photo").await;
    if is_sought {
        let pdq = "00ff".repeat(16);
        let reference_id = world.reference("unit", "case 1", &pdq).await;
        world.lead("unit", &reference_id, "ad.jpg").await;
    }
    settle(&world, "ads/agency/ad.jpg", 5, None).await;
    world.pass(Duration::from_secs(5));
    let mut answers = Vec::new();
    for (method, path) in [
        ("GET", "/v1/uploads"),
        ("GET", "/v1/leads"),
        ("GET", "/v1/references"),
        ("GET", "/v1/alerts"),
        ("DELETE", "/v1/uploads"),
        ("GET", "/v1/uploads?limit=0"),
    ] {
        let answer = world.call(method, path, "agency").await;
        let headers = answer
            .headers
            .iter()
            .filter(|(name, _)| *name != "x-request-id")
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect();
        answers.push((answer.status.as_u16(), headers, answer.body.to_vec()));
    }
    answers
}

#[tokio::test]
async fn an_uploader_gets_the_same_bytes_whether_or_not_a_person_is_searched_for() {
    assert_eq!(answers(true).await, answers(false).await);
}

/// Posts forms as a program of the uploader would, with a client that we did not write: the form
/// as given, under another name below the prefix, and in ways that it does not allow. Prints the
/// statuses.
const CLIENT: &str = r#"
import json, sys, requests
form, server = json.loads(sys.argv[1]), sys.argv[2]
def post(changes, size=1000):
    url = form["url"].replace("http://127.0.0.1:9000", server)
    files = {"file": ("photo.jpg", b"x" * size)}
    return requests.post(url, data={**form["fields"], **changes}, files=files).status_code
print(json.dumps([
    post({}),
    post({"key": "ads/agency/elsewhere/another name.jpg"}),
    post({"key": "ads/other/stolen.jpg"}),
    post({"key": "references/unit/case/fake.jpg"}),
    post({"Content-Type": "text/html"}),
    post({}, size=0),
    post({}, size=form["bytes_max"] + 1),
]))
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_works_within_its_bounds_and_not_beyond() {
    let world = World::new().await;
    world.be_present();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let embedded = world.embedded.clone();
    let serving = tokio::spawn(async move {
        embedded
            .serve_s3(listener, std::future::pending())
            .await
            .unwrap();
    });
    let body = json!({ "file_name": "a b.jpg", "place": "Berlin" });
    let form = world
        .json("POST", "/v1/uploads", "agency", &body)
        .await
        .expect(201);
    let python = tokio::task::spawn_blocking(crate::openapi::python)
        .await
        .unwrap();
    let ran = tokio::process::Command::new(python)
        .args(["-c", CLIENT, &form.to_string(), &server])
        .output()
        .await
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    serving.abort();
    let statuses: Vec<u16> = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(statuses[..2], [204, 204]);
    assert!(
        statuses[2..]
            .iter()
            .all(|status| (400..500).contains(status)),
        "{statuses:?}"
    );
    let listed = world.all("/v1/uploads", "agency").await;
    let keys: Vec<&Value> = listed.iter().map(|item| &item["object_key"]).collect();
    assert_eq!(
        keys,
        [
            "ads/agency/a b.jpg",
            "ads/agency/elsewhere/another name.jpg"
        ]
    );
}

#[tokio::test]
async fn a_listing_goes_below_the_tenants_prefix() {
    let world = World::new().await;
    for key in ["a/1", "a/2", "ab", "b/1"] {
        put(&world, &format!("ads/agency/{key}"), b"photo").await;
    }
    put(&world, "ads/other/a/1", b"photo").await;
    settle(&world, "ads/agency/a/2", 5, None).await;
    settle(&world, "ads/agency/a/3", 5, None).await;
    let check = async |below: &str, expected: &[&str]| {
        let path = format!("/v1/uploads?limit=1&below={below}");
        let items = world.all(&path, "agency").await;
        let keys: Vec<&str> = items
            .iter()
            .map(|item| &item["object_key"].as_str().unwrap()[11..])
            .collect();
        assert_eq!(keys, expected, "{below}");
    };
    check("a%2F", &["a/1", "a/2", "a/3"]).await;
    check("a", &["a/1", "a/2", "a/3", "ab"]).await;
    check("", &["a/1", "a/2", "a/3", "ab", "b/1"]).await;
    check("..%2Fother%2F", &[]).await;
    let long = format!("/v1/uploads?below={}", "x".repeat(901));
    world.get(&long, "agency").await.expect(400);
    let page = world.get("/v1/uploads?limit=1", "agency").await;
    let elsewhere = format!("/v1/uploads?below=b%2F&after={}", page.text("next"));
    world.get(&elsewhere, "agency").await.expect(400);
}

#[tokio::test]
async fn a_form_for_bundles_takes_more_and_one_for_hashes_does_not() {
    let world = World::new().await;
    for (content_type, bytes_max) in [
        ("application/x-tar", 400 << 20),
        ("application/zip", 400 << 20),
        ("application/x-ndjson", 32 << 20),
        ("image/png", 32 << 20),
    ] {
        let body = json!({ "content_type": content_type });
        let form = world
            .json("POST", "/v1/uploads", "agency", &body)
            .await
            .expect(201);
        assert_eq!(form["bytes_max"], bytes_max, "{content_type}");
        assert_eq!(form["fields"]["Content-Type"], content_type);
        let policy = form["fields"]["policy"].as_str().unwrap();
        let policy: Value = serde_json::from_slice(&STANDARD.decode(policy).unwrap()).unwrap();
        let conditions = policy["conditions"].as_array().unwrap();
        assert!(conditions.contains(&json!(["content-length-range", 1, bytes_max])));
        let kind = content_type.split_inclusive('/').next().unwrap();
        assert!(conditions.contains(&json!(["starts-with", "$Content-Type", kind])));
    }
}
