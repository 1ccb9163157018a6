//! Leads: listed, seen and judged by their own unit.

use std::collections::BTreeSet;
use std::time::Duration;

use records::{
    AdKey, AdMetadata, FrameUnit, FramesShown, ImageSha256, LeadId, LeadUploader, ShownFrame,
    Sighting, SourceUrl, Timestamp, Upload, UploadState,
};
use serde_json::{Value, json};

use crate::world::{World, tenant};

const PDQ: &str = "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff";

#[tokio::test]
async fn a_lead_has_the_fields_of_the_contract() {
    let world = World::new().await;
    let reference_id = world.reference("unit", "case 1", PDQ).await;
    let lead_id = world.lead("unit", &reference_id, "ad.jpg").await;
    let lead = world
        .get(&format!("/v1/leads/{lead_id}"), "unit")
        .await
        .expect(200);
    assert_eq!(lead["lead_id"], lead_id);
    assert_eq!(lead["case_id"], "case 1");
    assert_eq!(lead["reference_id"], reference_id);
    assert_eq!(lead["image_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(lead["method"], "whole");
    assert_eq!(lead["distance"], 4);
    assert_eq!(lead["edit"], "as is");
    assert_eq!(lead["status"], "open");
    assert_eq!(lead["created_at"], "2026-11-24T12:00:00.000Z");
    let sighting = json!({
        "object_key": "ads/agency/ad.jpg", "source_url": null, "ad_id": "ad.jpg",
        "seen_at": null, "place": null, "uploaded_by": "agency",
    });
    assert_eq!(lead["sightings"], json!([sighting]));
    assert_eq!(lead["sightings_total"], 1);
    let uploaders = json!([{"uploaded_by": "agency", "sightings": 1, "retracted": false}]);
    assert_eq!(lead["uploaders"], uploaders);
    assert_eq!(lead["evidence"], "computed");
    assert_eq!(lead["evidence_by"], "agency");
    for nothing in ["held_for", "retracted", "reopened_at"] {
        assert_eq!(lead[nothing], Value::Null, "{nothing}");
    }
    let listed = world.all("/v1/leads", "unit").await;
    assert_eq!(listed, [lead]);
}

/// A document whose second page was compared.
fn of_pages(key: &str, of: &[u8]) -> Upload {
    let now = Timestamp::parse("2026-11-24T12:00:00Z").unwrap();
    Upload {
        object_key: AdKey::parse(key).unwrap(),
        state: UploadState::Recorded,
        reason: None,
        image_sha256: Some(ImageSha256::of(of)),
        size_bytes: 1,
        version_id: None,
        metadata: AdMetadata::default(),
        notes: Vec::new(),
        stored_in: None,
        bundle: None,
        faults: None,
        frames: Some(FramesShown {
            unit: FrameUnit::Page,
            count: None,
            frames: vec![ShownFrame {
                number: 2,
                area: None,
            }],
        }),
        uploaded_at: now,
        updated_at: now,
    }
}

#[tokio::test]
async fn a_lead_says_on_which_page_it_was_found() {
    let world = World::new().await;
    let reference_id = world.reference("unit", "case 1", PDQ).await;
    let lead_id = world.lead("unit", &reference_id, "ad.jpg").await;
    let path = format!("/v1/leads/{lead_id}");
    let lead = world.get(&path, "unit").await.expect(200);
    assert_eq!(lead["found_on"], Value::Null, "its file has one picture");
    let upload = of_pages("ads/agency/ad.jpg", b"ad.jpg");
    world.store.uploads.record_upload(&upload).await.unwrap();
    let lead = world.get(&path, "unit").await.expect(200);
    let page = json!({ "unit": "page", "number": 2, "of": null });
    assert_eq!(lead["found_on"], page);
}

/// Adds postings with the longest addresses to a lead.
async fn post_often(world: &World, lead: &Value, count: usize) {
    let field = |name: &str| lead[name].as_str().unwrap();
    let address = "x".repeat(SourceUrl::BYTES_MAX - 30);
    let posting = |n: usize| {
        let key = AdKey::parse(&format!("ads/flood/{n:04}.jpg")).unwrap();
        let url = format!("https://ads.example/{address}");
        let metadata = AdMetadata {
            source_url: SourceUrl::parse(&url).ok(),
            ..AdMetadata::default()
        };
        Sighting::of(&key, &metadata)
    };
    let postings: Vec<Sighting> = (0..count).map(posting).collect();
    let id = LeadId::parse(field("lead_id")).unwrap();
    let image = field("image_sha256").parse().unwrap();
    let unit = tenant("unit");
    let completed = world
        .store
        .leads
        .complete_lead(&unit, (&id, &image), &postings, world.now());
    completed.await.unwrap();
}

#[tokio::test]
async fn a_lead_that_was_posted_very_often_stays_small_and_is_read_by_the_page() {
    let world = World::new().await;
    let reference_id = world.reference("unit", "case 1", PDQ).await;
    let lead_id = world.lead("unit", &reference_id, "ad.jpg").await;
    let path = format!("/v1/leads/{lead_id}");
    let lead = world.get(&path, "unit").await.expect(200);
    post_often(&world, &lead, 400).await;
    let lead = world.get(&path, "unit").await.expect(200);
    assert_eq!(lead["sightings"].as_array().unwrap().len(), 50);
    assert_eq!(lead["sightings_total"], 401);
    let of_agency = |it: &Value| it["uploaded_by"] == "agency";
    assert!(lead["sightings"].as_array().unwrap().iter().any(of_agency));
    let listed = world.get("/v1/leads", "unit").await.expect(200);
    let bytes = listed.to_string().len();
    assert!(bytes < 24 << 10, "100 of {bytes} bytes are less than 6 MB");
    assert_eq!(listed["items"][0]["sightings_total"], 401);
    let all = world
        .all(&format!("{path}/sightings?limit=70"), "unit")
        .await;
    let keys: BTreeSet<&str> = all
        .iter()
        .map(|it| it["object_key"].as_str().unwrap())
        .collect();
    let kept = LeadUploader::SIGHTINGS_KEPT_MAX + 1;
    assert_eq!((all.len(), keys.len()), (kept, kept));
}

#[tokio::test]
async fn sightings_are_those_of_the_units_own_lead() {
    let world = World::new().await;
    let reference_id = world.reference("unit", "case 1", PDQ).await;
    let lead_id = world.lead("unit", &reference_id, "ad.jpg").await;
    let other = world.lead("unit", &reference_id, "other.jpg").await;
    let path = format!("/v1/leads/{lead_id}/sightings");
    let lead = world
        .get(&format!("/v1/leads/{lead_id}"), "unit")
        .await
        .expect(200);
    post_often(&world, &lead, 2).await;
    let page = world
        .get(&format!("{path}?limit=1"), "unit")
        .await
        .expect(200);
    let next = page["next"].as_str().unwrap();
    let foreign = format!("/v1/leads/{other}/sightings?after={next}");
    world.get(&foreign, "unit").await.expect(400);
    world
        .get(&format!("{path}?after={next}"), "unit")
        .await
        .expect(200);
    world.get(&path, "rival").await.expect(404);
}

#[tokio::test]
async fn filters_choose_and_pages_add_up() {
    let world = World::new().await;
    let one = world.reference("unit", "case 1", PDQ).await;
    let two = world
        .reference("unit", "case 2", &PDQ.replace("00", "11"))
        .await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(world.lead("unit", &one, &format!("{n}.jpg")).await);
        world.pass(Duration::from_secs(1));
    }
    let of_two = world.lead("unit", &two, "0.jpg").await;
    let verdict = json!({ "verdict": "confirmed" });
    world
        .json(
            "POST",
            &format!("/v1/leads/{of_two}/verdict"),
            "unit",
            &verdict,
        )
        .await
        .expect(200);
    let listed = async |query: &str| -> Vec<String> {
        let items = world.all(&format!("/v1/leads?{query}"), "unit").await;
        items
            .iter()
            .map(|lead| lead["lead_id"].as_str().unwrap().to_owned())
            .collect()
    };
    ids.reverse();
    let newest_first = [vec![of_two.clone()], ids.clone()].concat();
    for limit in [1, 2, 6, 7] {
        assert_eq!(
            listed(&format!("limit={limit}")).await,
            newest_first,
            "{limit}"
        );
    }
    assert_eq!(listed("case_id=case+1&limit=2").await, ids);
    assert_eq!(
        listed("case_id=case%202").await,
        std::slice::from_ref(&of_two)
    );
    assert_eq!(listed("status=confirmed&limit=1").await, [of_two]);
    assert_eq!(listed("status=open&level=alert").await, ids);
    assert!(listed("level=review").await.is_empty());
}

#[tokio::test]
async fn a_verdict_is_recorded_sent_and_audited() {
    let world = World::new().await;
    let reference_id = world.reference("unit", "case 1", PDQ).await;
    let lead_id = world.lead("unit", &reference_id, "ad.jpg").await;
    let path = format!("/v1/leads/{lead_id}/verdict");
    let body = json!({ "verdict": "unsure", "note": "ask the family", "decided_by": "desk 4" });
    let lead = world.json("POST", &path, "unit", &body).await.expect(200);
    assert_eq!(lead["status"], "unsure");
    assert_eq!(lead["verdict"]["note"], "ask the family");
    world.json("POST", &path, "unit", &body).await.expect(200);
    let later = json!({ "verdict": "dismissed" });
    world.json("POST", &path, "unit", &later).await.expect(200);
    let lead = world
        .get(&format!("/v1/leads/{lead_id}"), "unit")
        .await
        .expect(200);
    assert_eq!(lead["status"], "dismissed");
    let kinds: Vec<Value> = world
        .all("/v1/alerts", "unit")
        .await
        .iter()
        .map(|alert| alert["type"].clone())
        .collect();
    let verdict = "org.homeward.lead.verdict";
    assert_eq!(
        kinds,
        ["org.homeward.lead.created", verdict, verdict],
        "the repetition is silent"
    );
    let log = world.audit_log("unit").await;
    let judged = log
        .iter()
        .filter(|entry| entry.action == records::AuditAction::LeadJudged);
    assert_eq!(judged.count(), 3);
}

#[tokio::test]
async fn a_verdict_of_another_form_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let reference_id = world.reference("unit", "case 1", PDQ).await;
    let lead_id = world.lead("unit", &reference_id, "ad.jpg").await;
    let path = format!("/v1/leads/{lead_id}/verdict");
    for (body, place) in [
        (json!({}), "#/verdict"),
        (json!({ "verdict": "maybe" }), "#/verdict"),
        (json!({ "verdict": "open" }), "#/verdict"),
        (json!({ "verdict": ["confirmed"] }), "#/verdict"),
        (
            json!({ "verdict": "confirmed", "note": "two\nlines" }),
            "#/note",
        ),
        (
            json!({ "verdict": "confirmed", "note": "x".repeat(257) }),
            "#/note",
        ),
        (
            json!({ "verdict": "confirmed", "status": "open" }),
            "#/status",
        ),
    ] {
        let answer = world.json("POST", &path, "unit", &body).await;
        answer.expect(422);
        assert_eq!(answer.place(), place);
    }
    let lead = world
        .get(&format!("/v1/leads/{lead_id}"), "unit")
        .await
        .expect(200);
    assert_eq!(lead["status"], "open");
}

#[tokio::test]
async fn a_foreign_lead_looks_exactly_like_a_missing_one() {
    let world = World::new().await;
    let reference_id = world.reference("unit", "case 1", PDQ).await;
    let foreign = world.lead("unit", &reference_id, "ad.jpg").await;
    let missing = "0123456789abcdef0123456789abcdef";
    let verdict = json!({ "verdict": "confirmed" });
    for (method, tail) in [("GET", ""), ("POST", "/verdict")] {
        let path = |id: &str| format!("/v1/leads/{id}{tail}");
        let of_foreign = world.json(method, &path(&foreign), "rival", &verdict).await;
        let of_missing = world.json(method, &path(missing), "rival", &verdict).await;
        of_foreign.expect(404);
        assert_eq!(of_foreign.body, of_missing.body);
    }
    assert!(world.all("/v1/leads", "rival").await.is_empty());
    let cursor = world.get("/v1/leads?limit=1", "unit").await.json()["next"].clone();
    if let Some(cursor) = cursor.as_str() {
        world
            .get(&format!("/v1/leads?after={cursor}"), "rival")
            .await
            .expect(400);
    }
}

#[tokio::test]
async fn a_lead_of_a_withdrawn_reference_takes_no_verdict() {
    let world = World::new().await;
    let reference_id = world.reference("unit", "case 1", PDQ).await;
    let lead_id = world.lead("unit", &reference_id, "ad.jpg").await;
    world
        .call("DELETE", &format!("/v1/references/{reference_id}"), "unit")
        .await
        .expect(204);
    let verdict = json!({ "verdict": "confirmed" });
    let path = format!("/v1/leads/{lead_id}/verdict");
    world
        .json("POST", &path, "unit", &verdict)
        .await
        .expect(409);
    assert!(
        world.all("/v1/alerts", "unit").await.is_empty(),
        "silent from then on"
    );
}
