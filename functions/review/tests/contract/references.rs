//! References: submitted as a photo or a hash, seen, withdrawn.

use std::time::Duration;

use records::{
    AuditAction, ObjectKey, Reference, ReferenceId, ReferenceStatus, Timestamp, WebhookName,
};
use serde_json::{Value, json};
use store::{Fetched, Submitted};

use crate::world::{Answer, World, tenant};

const PDQ: &str = "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff";
const BOUNDARY: &str = "b0undary";

/// A form of these parts; a part with a file's name is a file.
fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, value) in parts {
        let file = file
            .map(|file| format!("; filename=\"{file}\""))
            .unwrap_or_default();
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
        );
        body.extend(head.as_bytes());
        body.extend(*value);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

async fn post(world: &World, body: Vec<u8>) -> Answer {
    let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
    world
        .raw("POST", "/v1/references", "unit", &media_type, body)
        .await
}

async fn post_photo(world: &World, case: &str, photo: &[u8]) -> Answer {
    post(
        world,
        form(&[
            ("case_id", None, case.as_bytes()),
            ("photo", Some("a.jpg"), photo),
        ]),
    )
    .await
}

async fn shown(world: &World, id: &str) -> Value {
    world
        .get(&format!("/v1/references/{id}"), "unit")
        .await
        .expect(200)
}

async fn withdraw(world: &World, id: &str) -> Answer {
    world
        .call("DELETE", &format!("/v1/references/{id}"), "unit")
        .await
}

#[tokio::test]
async fn a_photo_is_taken_stored_below_its_case_and_pending() {
    let world = World::new().await;
    let answer = post_photo(&world, "case 7", b"the photo").await;
    let taken = answer.expect(202);
    assert_eq!(
        (&taken["status"], &taken["case_id"]),
        (&json!("pending"), &json!("case 7"))
    );
    let id = answer.text("reference_id");
    let reference = shown(&world, &id).await;
    assert_eq!(
        (&reference["status"], &reference["kind"]),
        (&json!("pending"), &json!("photo"))
    );
    assert_eq!(reference["legal_basis"], "police act, section 12");
    assert_eq!(reference["expires_at"], "2026-12-24T12:00:00.000Z");
    let key = reference["object_key"].as_str().unwrap();
    assert!(key.starts_with("references/unit/case 7/"), "{key}");
    let stored = world
        .store
        .objects
        .fetch(&ObjectKey::parse(key).unwrap(), None, 99)
        .await
        .unwrap();
    let Fetched::Object(object) = stored else {
        panic!("{stored:?}")
    };
    assert_eq!(object.bytes, b"the photo".as_slice());
    assert_eq!(
        object.facts.metadata["legal-basis"],
        "police act, section 12"
    );
    assert!(!reference.to_string().contains("sha256"));
}

#[tokio::test]
async fn the_same_photo_twice_in_a_case_is_one_reference() {
    let world = World::new().await;
    let id = post_photo(&world, "7", b"photo").await.text("reference_id");
    assert_eq!(
        post_photo(&world, "7", b"photo").await.text("reference_id"),
        id
    );
    assert_ne!(
        post_photo(&world, "8", b"photo").await.text("reference_id"),
        id
    );
    assert_ne!(
        post_photo(&world, "7", b"other").await.text("reference_id"),
        id
    );
    assert_eq!(
        world
            .all("/v1/references?case_id=7&limit=1", "unit")
            .await
            .len(),
        2
    );
    assert_eq!(
        world
            .all("/v1/references?status=pending", "unit")
            .await
            .len(),
        3
    );
    assert!(
        world
            .all("/v1/references?status=active", "unit")
            .await
            .is_empty()
    );
    assert!(world.all("/v1/references", "rival").await.is_empty());
}

#[tokio::test]
async fn a_form_of_another_shape_is_refused_and_stores_nothing() {
    let world = World::new().await;
    let photo: (&str, Option<&str>, &[u8]) = ("photo", Some("a.jpg"), b"x");
    let case: (&str, Option<&str>, &[u8]) = ("case_id", None, b"7");
    let check = async |parts: &[(&str, Option<&str>, &[u8])], status: u16, place: Value| {
        let answer = post(&world, form(parts)).await;
        answer.expect(status);
        assert_eq!(answer.place(), place);
    };
    check(&[photo], 422, json!("case_id")).await;
    check(&[case], 422, json!("photo")).await;
    check(&[case, ("photo", Some("a.jpg"), b"")], 422, json!("photo")).await;
    check(&[case, photo, photo], 400, json!("photo")).await;
    check(&[case, case, photo], 400, json!("case_id")).await;
    check(
        &[case, photo, ("colour", None, b"red")],
        422,
        json!("colour"),
    )
    .await;
    check(
        &[("case_id", None, b"a/../b"), photo],
        422,
        json!("case_id"),
    )
    .await;
    check(&[("case_id", None, b"\xff\xfe"), photo], 400, Value::Null).await;
    check(
        &[case, photo, ("expires_at", None, b"tomorrow")],
        422,
        json!("expires_at"),
    )
    .await;
    check(
        &[case, photo, ("expires_at", None, b"2020-01-01T00:00:00Z")],
        422,
        json!("expires_at"),
    )
    .await;
    check(
        &[case, photo, ("legal_basis", None, b"")],
        422,
        json!("legal_basis"),
    )
    .await;
    check(&[case, ("file", Some("a.jpg"), b"abc")], 422, json!("file")).await;
    let long = [b'x'; 5_000];
    check(&[case, ("note", None, &long)], 422, json!("note")).await;
    let many: Vec<(&str, Option<&str>, &[u8])> = vec![("p", None, b"x"); 40];
    check(&many, 400, Value::Null).await;
    let mut cut = form(&[case, photo]);
    cut.truncate(cut.len() - 8);
    post(&world, cut).await.expect(400);
    world
        .raw("POST", "/v1/references", "unit", "multipart/form-data", "x")
        .await
        .expect(400);
    assert!(world.all("/v1/references", "unit").await.is_empty());
}

#[tokio::test]
async fn a_photo_over_the_limit_is_413() {
    let world = World::new().await;
    let large = vec![0; 128 * 1024 * 1024 + 1];
    post_photo(&world, "7", &large).await.expect(413);
    assert!(world.all("/v1/references", "unit").await.is_empty());
}

#[tokio::test]
async fn a_hash_is_active_at_once_and_never_given_back() {
    let world = World::new().await;
    let body = json!({
        "case_id": "9", "pdq": PDQ, "quality": 80, "legal_basis": "court order § 4",
        "expires_at": "2026-11-25T00:00:00+01:00",
    });
    let answer = world.json("POST", "/v1/references", "unit", &body).await;
    answer.expect(202);
    let id = answer.text("reference_id");
    let reference = shown(&world, &id).await;
    assert_eq!(
        (&reference["status"], &reference["kind"]),
        (&json!("active"), &json!("fingerprint"))
    );
    assert_eq!(reference["legal_basis"], "court order § 4");
    assert_eq!(reference["expires_at"], "2026-11-24T23:00:00.000Z");
    assert!(!reference.to_string().contains(PDQ));
    let again = world.json("POST", "/v1/references", "unit", &body).await;
    assert_eq!(
        (again.text("reference_id"), again.text("status")),
        (id, "active".to_owned())
    );
}

#[tokio::test]
async fn a_hash_without_enough_quality_is_rejected_with_its_reason() {
    let world = World::new().await;
    let body = json!({ "case_id": "9", "pdq": PDQ, "quality": 49 });
    let answer = world
        .json("POST", "/v1/references", "unit", &body)
        .await
        .expect(202);
    assert_eq!(
        (&answer["status"], &answer["reason"]),
        (&json!("rejected"), &json!("low_quality"))
    );
    let reference = shown(&world, answer["reference_id"].as_str().unwrap()).await;
    assert_eq!(reference["reason"], "low_quality");
}

/// Half of a picture's bits are set.
#[tokio::test]
async fn the_hash_of_a_blank_picture_is_rejected_whatever_is_said_of_its_quality() {
    let world = World::new().await;
    for (number, pdq) in ["0".repeat(64), "f".repeat(64), "8000".repeat(16)]
        .iter()
        .enumerate()
    {
        let body = json!({ "case_id": number.to_string(), "pdq": pdq, "quality": 100 });
        let answer = world
            .json("POST", "/v1/references", "unit", &body)
            .await
            .expect(202);
        assert_eq!(
            (&answer["status"], &answer["reason"]),
            (&json!("rejected"), &json!("low_quality"))
        );
    }
}

#[tokio::test]
async fn a_hash_of_another_form_is_refused_with_its_pointer_and_not_repeated() {
    let world = World::new().await;
    for (body, place) in [
        (json!({ "case_id": "9", "quality": 80 }), "#/pdq"),
        (json!({ "case_id": "9", "pdq": PDQ }), "#/quality"),
        (json!({ "pdq": PDQ, "quality": 80 }), "#/case_id"),
        (
            json!({ "case_id": "9", "pdq": &PDQ[1..], "quality": 80 }),
            "#/pdq",
        ),
        (
            json!({ "case_id": "9", "pdq": format!("{PDQ}00"), "quality": 80 }),
            "#/pdq",
        ),
        (
            json!({ "case_id": "9", "pdq": "g".repeat(64), "quality": 80 }),
            "#/pdq",
        ),
        (
            json!({ "case_id": "9", "pdq": PDQ, "quality": 101 }),
            "#/quality",
        ),
        (
            json!({ "case_id": "9", "pdq": PDQ, "quality": -1 }),
            "#/quality",
        ),
        (
            json!({ "case_id": "9", "pdq": PDQ, "quality": "80" }),
            "#/quality",
        ),
        (
            json!({ "case_id": 9, "pdq": PDQ, "quality": 80 }),
            "#/case_id",
        ),
        (
            json!({ "case_id": "", "pdq": PDQ, "quality": 80 }),
            "#/case_id",
        ),
    ] {
        let answer = world.json("POST", "/v1/references", "unit", &body).await;
        answer.expect(422);
        assert_eq!(answer.place(), place, "{body}");
        assert!(!String::from_utf8_lossy(&answer.body).contains(&PDQ[8..24]));
    }
}

#[tokio::test]
async fn a_withdrawal_is_idempotent_and_a_foreign_reference_looks_missing() {
    let world = World::new().await;
    let id = world.reference("unit", "9", PDQ).await;
    for method in ["GET", "DELETE"] {
        let path = format!("/v1/references/{id}");
        let foreign = world.call(method, &path, "rival").await;
        let missing = world.call(
            method,
            "/v1/references/0123456789abcdef0123456789abcdef",
            "rival",
        );
        let missing = missing.await;
        foreign.expect(404);
        assert_eq!(foreign.body, missing.body);
    }
    assert_eq!(shown(&world, &id).await["status"], "active");
    for _ in 0..3 {
        withdraw(&world, &id).await.expect(204);
    }
    let reference = shown(&world, &id).await;
    assert_eq!(
        (&reference["status"], &reference["reason"]),
        (&json!("withdrawn"), &json!("asked_for"))
    );
    let log = world.audit_log("unit").await;
    assert!(
        log.iter()
            .any(|entry| entry.action == AuditAction::ReferenceWithdrawn)
    );
}

/// What `enroll` would submit for a photo that S3 accepted at this time.
async fn enrolled(world: &World, id: &str, accepted_at: Timestamp) -> Submitted {
    let id = ReferenceId::parse(id).unwrap();
    let announced = world
        .store
        .references
        .reference(&tenant("unit"), &id)
        .await
        .unwrap()
        .unwrap();
    let late = Reference {
        status: ReferenceStatus::Pending,
        reason: None,
        ended_at: None,
        created_at: accepted_at,
        ..announced
    };
    let view = features::fingerprint::HashVariant {
        pdq: features::fingerprint::Hash256([3; 32]),
        quality: 90,
        second: features::fingerprint::Hash256([3; 32]),
    };
    let fingerprint = features::fingerprint::ReferenceFingerprint {
        version: features::fingerprint::FINGERPRINT_VERSION,
        framings: vec![(features::fingerprint::Framing::default(), view)],
        features: Vec::new(),
    };
    world
        .store
        .references
        .submit(&tenant("unit"), &late, &fingerprint)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_announced_photo_becomes_active_when_it_is_enrolled() {
    let world = World::new().await;
    let id = post_photo(&world, "7", b"photo").await.text("reference_id");
    assert_eq!(enrolled(&world, &id, world.now()).await, Submitted::New);
    let unit = tenant("unit");
    world
        .store
        .references
        .activate(&unit, &ReferenceId::parse(&id).unwrap(), world.now())
        .await
        .unwrap();
    assert_eq!(
        post_photo(&world, "7", b"photo").await.text("status"),
        "active"
    );
    assert_eq!(shown(&world, &id).await["status"], "active");
}

#[tokio::test]
async fn a_photo_withdrawn_before_it_is_enrolled_stays_withdrawn() {
    let world = World::new().await;
    let accepted_at = world.now();
    let id = post_photo(&world, "7", b"photo").await.text("reference_id");
    world.pass(Duration::from_secs(1));
    withdraw(&world, &id).await.expect(204);
    let stays = Submitted::Known(ReferenceStatus::Withdrawn);
    assert_eq!(enrolled(&world, &id, accepted_at).await, stays);
    // Put into the bucket once more, withdrawn once more, and only then looked at.
    world.pass(Duration::from_secs(1));
    let accepted_again_at = world.now();
    world.pass(Duration::from_secs(1));
    withdraw(&world, &id).await.expect(204);
    assert_eq!(enrolled(&world, &id, accepted_again_at).await, stays);
    assert_eq!(shown(&world, &id).await["status"], "withdrawn");
    world.pass(Duration::from_secs(1));
    assert_eq!(
        post_photo(&world, "7", b"photo").await.text("status"),
        "pending"
    );
}

#[tokio::test]
async fn a_withdrawal_waits_for_the_delivery_that_is_under_way() {
    let world = World::new().await;
    let unit = tenant("unit");
    let id = world.reference("unit", "9", PDQ).await;
    world.lead("unit", &id, "ad.jpg").await;
    let alert = world.store.leads.alert(&unit, 1).await.unwrap().unwrap();
    let hook = WebhookName::parse("hook").unwrap();
    world
        .store
        .deliveries
        .enqueue(&hook, &alert, world.now())
        .await
        .unwrap();
    let due = world
        .store
        .deliveries
        .delivery(&unit, &hook, 1)
        .await
        .unwrap();
    let until = world.now().plus(Duration::from_secs(20));
    world
        .store
        .deliveries
        .lease(&unit, &due.unwrap(), world.now(), until)
        .await
        .unwrap();
    let withdrawal = withdraw(&world, &id);
    let mut withdrawal = std::pin::pin!(withdrawal);
    let early = tokio::time::timeout(Duration::from_millis(600), &mut withdrawal).await;
    assert!(
        early.is_err(),
        "acknowledged while a delivery was under way"
    );
    world.pass(Duration::from_secs(21));
    withdrawal.await.expect(204);
}

#[tokio::test]
async fn a_unit_without_a_legal_basis_has_to_name_one() {
    let world = World::new().await;
    let settings = world
        .store
        .tenants
        .tenant(&tenant("unit"))
        .await
        .unwrap()
        .unwrap();
    let bare = records::TenantSettings {
        legal_basis: None,
        ..settings
    };
    world.store.tenants.put_tenant(&bare).await.unwrap();
    let answer = post_photo(&world, "7", b"photo").await;
    answer.expect(422);
    assert_eq!(answer.place(), "legal_basis");
    let named = form(&[
        ("case_id", None, b"7"),
        ("photo", Some("a.jpg"), b"x"),
        ("legal_basis", None, "§ 12 Polizeigesetz".as_bytes()),
    ]);
    let id = post(&world, named).await.text("reference_id");
    assert_eq!(
        shown(&world, &id).await["legal_basis"],
        "§ 12 Polizeigesetz"
    );
    let key = shown(&world, &id).await["object_key"].clone();
    let key = ObjectKey::parse(key.as_str().unwrap()).unwrap();
    let Fetched::Object(object) = world.store.objects.fetch(&key, None, 99).await.unwrap() else {
        panic!("the photo is not there")
    };
    assert_eq!(object.facts.metadata["legal-basis"], "§ 12 Polizeigesetz");
}

#[tokio::test]
async fn a_reference_that_matched_too_much_is_released_by_its_unit() {
    let world = World::new().await;
    let id = world.reference("unit", "case 1", PDQ).await;
    let release = format!("/v1/references/{id}/release");
    let limit = json!({ "alerts_per_day_max": 2 });
    let answer = world.json("POST", &release, "unit", &limit).await;
    assert_eq!(answer.expect(200), json!({ "alerted": 0, "held": 0 }));
    for ad in ["1.jpg", "2.jpg", "3.jpg", "4.jpg"] {
        world.lead("unit", &id, ad).await;
    }
    let show = async || {
        world
            .get(&format!("/v1/references/{id}"), "unit")
            .await
            .json()
    };
    let held = show().await;
    assert_eq!(held["leads_held_since"], "2026-11-24T12:00:00.000Z");
    let whose = json!([{"uploaded_by": "agency", "since": "2026-11-24T12:00:00.000Z"}]);
    assert_eq!(held["leads_held_of"], whose);
    assert_eq!(
        (&held["alerts_per_day_max"], &held["status"]),
        (&json!(2), &json!("active"))
    );
    assert_eq!(world.all("/v1/leads?level=review", "unit").await.len(), 2);
    let kinds = async |kind: &str| {
        let alerts = world.all("/v1/alerts", "unit").await;
        alerts.iter().filter(|alert| alert["type"] == kind).count()
    };
    assert_eq!(kinds("org.homeward.lead.held").await, 1);
    let answer = world.json("POST", &release, "unit", &json!({})).await;
    assert_eq!(answer.expect(200), json!({ "alerted": 2, "held": 0 }));
    assert_eq!(show().await["leads_held_since"], json!(null));
    assert_eq!(kinds("org.homeward.lead.created").await, 4);
    assert!(world.all("/v1/leads?level=review", "unit").await.is_empty());
    for (body, place) in [
        (json!({ "alerts_per_day_max": 0 }), "#/alerts_per_day_max"),
        (json!({ "alerts_per_day_max": 501 }), "#/alerts_per_day_max"),
        (json!({ "more": 1 }), "#/more"),
    ] {
        let answer = world.json("POST", &release, "unit", &body).await;
        answer.expect(422);
        assert_eq!(answer.place(), place);
    }
    let foreign = world.json("POST", &release, "rival", &json!({})).await;
    let missing = "/v1/references/0123456789abcdef0123456789abcdef/release";
    let missing = world.json("POST", missing, "unit", &json!({})).await;
    foreign.expect(404);
    assert_eq!(foreign.body, missing.body);
    let gone = world
        .call("DELETE", &format!("/v1/references/{id}"), "unit")
        .await;
    gone.expect(204);
    world
        .json("POST", &release, "unit", &json!({}))
        .await
        .expect(409);
}

#[tokio::test]
async fn a_unit_that_asks_for_it_finds_its_leads_taken_back_once_a_withdrawal_is_answered() {
    let world = World::new().await;
    let settings = "/v1/settings";
    let silent = world.get(settings, "unit").await.expect(200);
    assert_eq!(silent["tell_withdrawals"], json!(false));
    for body in [json!({}), json!({ "tell_withdrawals": "yes" }), json!([])] {
        let refused = world.json("PUT", settings, "unit", &body).await;
        assert!([400, 422].contains(&refused.status.as_u16()), "{body}");
    }
    let told = json!({ "tell_withdrawals": true });
    let put = world.json("PUT", settings, "unit", &told).await.expect(200);
    assert_eq!(put, world.get(settings, "unit").await.expect(200));
    assert_eq!(put["tell_withdrawals"], json!(true));
    assert_eq!(put["legal_basis"], silent["legal_basis"]);
    let rival = world.get(settings, "rival").await.expect(200);
    assert_eq!(rival["tell_withdrawals"], json!(false), "its own only");

    let pdq = "00ff".repeat(16);
    for who in ["unit", "rival"] {
        let id = world.reference(who, "K-1", &pdq).await;
        world.lead(who, &id, "ad-1").await;
        let path = format!("/v1/references/{id}");
        world.call("DELETE", &path, who).await.expect(204);
    }
    let alerts = world.all("/v1/alerts", "unit").await;
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["type"], "org.homeward.lead.withdrawn");
    assert_eq!(alerts[0]["data"]["sightings"], json!([]));
    let leads = world.all("/v1/leads?status=withdrawn", "unit").await;
    assert_eq!(leads.len(), 1);
    assert!(world.all("/v1/alerts", "rival").await.is_empty());
}
