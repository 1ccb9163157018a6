//! Every shape that leaves the system, as it leaves.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;

use insta::assert_json_snapshot;
use records::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + seconds * 1000)
}

fn unit() -> TenantId {
    TenantId::parse("unit").unwrap()
}

fn case_id() -> CaseId {
    CaseId::parse("2026-117").unwrap()
}

fn reference_id() -> ReferenceId {
    ReferenceId::of_photo(&unit(), &case_id(), &ImageSha256::of(b"reference"))
}

fn sighting() -> Sighting {
    let pairs = [
        ("Source-URL", "https://ads.example/ad?id=7"),
        ("ad-id", " 7 "),
        ("seen-at", "2026-11-24T03:12:26+01:00"),
        ("place", "Zürich"),
    ];
    let key = AdKey::parse("ads/uploader/2026/cat photo.jpg").unwrap();
    Sighting::of(&key, &AdMetadata::parse(pairs).0)
}

fn summary() -> LeadSummary {
    let image_sha256 = ImageSha256::of(b"ad");
    LeadSummary {
        lead_id: LeadId::of(&reference_id(), &image_sha256),
        case_id: case_id(),
        reference_id: reference_id(),
        image_sha256,
        level: Level::Alert,
        method: Method::Whole,
        distance: 12,
        edit: Label::parse("mirrored").unwrap(),
        policy_version: 3,
        outline: Some([(0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)]),
        status: LeadStatus::Confirmed,
        verdict: Some(VerdictEntry {
            verdict: Verdict::Confirmed,
            decided_by: Some(Label::parse("desk 3").unwrap()),
            note: None,
            reason: None,
            decided_at: at(60),
        }),
        first_opinion: None,
        created_at: at(0),
        evidence: Evidence::Computed,
        evidence_by: Some(TenantId::parse("uploader").unwrap()),
        held_for: None,
        retracted: None,
        reference_activated_at: None,
        reopened_at: None,
        sightings_total: Some(1),
        places: Some(vec![Label::parse("Zürich").unwrap()]),
    }
}

fn alert() -> Alert {
    Alert {
        seq: 42,
        kind: AlertKind::Created,
        unit: unit(),
        created_at: at(1),
        data: AlertData::of(&summary(), &[sighting()]),
    }
}

#[test]
fn a_lead_has_the_fields_of_the_contract() {
    let lead = Lead {
        summary: summary(),
        sightings: vec![sighting()],
        uploaders: vec![LeadUploader {
            uploaded_by: TenantId::parse("uploader").unwrap(),
            sightings: 1,
            retracted: false,
        }],
    };
    let json = serde_json::to_value(&lead).unwrap();
    let fields = |value: &serde_json::Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let contract = [
        "lead_id",
        "case_id",
        "reference_id",
        "image_sha256",
        "method",
        "distance",
        "edit",
        "status",
        "created_at",
        "sightings",
    ];
    let others = [
        "level",
        "policy_version",
        "outline",
        "verdict",
        "evidence",
        "evidence_by",
        "held_for",
        "retracted",
        "reopened_at",
        "reference_activated_at",
        "sightings_total",
        "places",
        "uploaders",
    ];
    let expected: BTreeSet<String> = contract
        .iter()
        .chain(&others)
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(fields(&json), expected);
    let of_sighting = [
        "object_key",
        "source_url",
        "ad_id",
        "seen_at",
        "place",
        "uploaded_by",
    ];
    assert_eq!(
        fields(&json["sightings"][0]),
        of_sighting.map(str::to_owned).into()
    );
    assert!(serde_json::from_value::<Lead>(json).unwrap() == lead);
    assert_json_snapshot!(lead);
}

#[test]
fn what_is_unknown_of_a_sighting_is_null_and_not_left_out() {
    let key = AdKey::parse("ads/uploader/x").unwrap();
    assert_json_snapshot!(Sighting::of(&key, &AdMetadata::default()));
}

#[test]
fn an_alert_is_a_cloudevent_without_any_hash() {
    let event = alert().envelope();
    let text = serde_json::to_string(&event).unwrap();
    assert!(!text.contains("sha256"));
    assert!(!text.contains(&summary().image_sha256.as_str()));
    assert_eq!(serde_json::from_str::<CloudEvent>(&text).unwrap(), event);
    assert_json_snapshot!(event);
}

#[test]
fn the_kinds_of_alerts_are_the_types_of_the_contract() {
    for kind in [
        AlertKind::Created,
        AlertKind::Extended,
        AlertKind::Verdict,
        AlertKind::Held,
        AlertKind::Withdrawn,
    ] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    assert_eq!(AlertKind::Extended.as_str(), "org.homeward.lead.extended");
}

#[test]
fn an_alert_tells_of_very_many_sightings_only_how_many() {
    let data = AlertData::of(&summary(), &vec![sighting(); 5000]);
    assert_eq!(data.sightings.len(), AlertData::SIGHTINGS_MAX);
    assert_eq!(data.sightings_total, 5000);
}

#[test]
fn a_reference_as_its_unit_sees_it() {
    let reference = Reference {
        reference_id: reference_id(),
        case_id: case_id(),
        status: ReferenceStatus::Held,
        reason: Some(ReasonCode::TOO_COMMON),
        image_sha256: Some(ImageSha256::of(b"reference")),
        object_key: Some(ReferenceKey::parse("references/unit/2026-117/a.jpg").unwrap()),
        width_px: Some(640),
        height_px: Some(480),
        quality: Some(88),
        shows: features::ReferenceKind::Photo,
        legal_basis: Label::parse("police law, section 1").unwrap(),
        expires_at: at(86_400),
        created_at: at(0),
        activated_at: Some(at(1)),
        ended_at: None,
        search: SearchProgress {
            state: SearchState::Running,
            images_searched: 7,
            images_total: 9,
            updated_at: Some(at(2)),
        },
        is_partial: false,
        alerting: AlertLimit::default(),
    };
    assert_json_snapshot!(reference);
}

#[test]
fn an_upload_as_its_uploader_sees_it() {
    let (metadata, notes) = AdMetadata::parse([("place", "Bern"), ("seen-at", "yesterday")]);
    let upload = Upload {
        object_key: AdKey::parse("ads/uploader/x.jpg").unwrap(),
        state: UploadState::Rejected,
        reason: Some(ReasonCode::TRUNCATED),
        image_sha256: Some(ImageSha256::of(b"ad")),
        size_bytes: 1234,
        version_id: None,
        metadata,
        notes,
        stored_in: None,
        bundle: None,
        faults: None,
        frames: None,
        uploaded_at: at(0),
        updated_at: at(1),
    };
    assert_json_snapshot!(upload);
}

#[test]
fn a_delivery_and_an_audit_entry() {
    let delivery = Delivery {
        webhook: WebhookName::parse("desk").unwrap(),
        seq: 42,
        kind: AlertKind::Created,
        lead_id: summary().lead_id,
        reference_id: reference_id(),
        state: DeliveryState::Delivered,
        attempts: 2,
        next_attempt_at: None,
        last_status: Some(204),
        reason: None,
        created_at: at(1),
        updated_at: at(9),
    };
    assert_json_snapshot!("delivery", delivery);
    let subject = Some(Label::parse(summary().lead_id.as_str()).unwrap());
    let key = AuditKey::of(&Secret::from_bytes(&[7; 32]).unwrap());
    let entry = AuditEntry::after(
        &key,
        None,
        at(3),
        Some(Role::Unit),
        AuditAction::LeadJudged,
        subject,
    );
    assert_json_snapshot!("audit_entry", entry);
}

#[test]
fn a_page_and_its_cursor() {
    let next = Some(Cursor::new(&unit(), Listing::Leads, "position"));
    assert_json_snapshot!(Page {
        items: vec![1, 2],
        next
    });
}

#[test]
fn nothing_secret_is_printed() {
    let secret = Secret::from_bytes(&[7; 32]).unwrap();
    let token = Token::from_random(&[9; 32]);
    let lead = Lead {
        summary: summary(),
        sightings: vec![sighting()],
        uploaders: Vec::new(),
    };
    let cursor = Cursor::new(&unit(), Listing::Uploads, "ads/uploader/cat");
    let printed = format!(
        "{lead:?} {:?} {:?} {secret:?} {token:?} {:?} {cursor:?} {:?}",
        alert(),
        alert().envelope(),
        token.hash(),
        WebhookUrl::parse("https://desk.example/secret-path").unwrap(),
    );
    let hash = ImageSha256::of(b"ad").as_str();
    let cursor = cursor.as_str().to_owned();
    for hidden in [
        "cat photo",
        "ads.example",
        "2026-117",
        "Zürich",
        "desk 3",
        "secret-path",
        &hash,
        &cursor,
        &secret.reveal(),
        token.reveal(),
        &token.hash().as_str(),
    ] {
        assert!(!printed.contains(hidden), "{hidden} is printed");
    }
    assert!(printed.contains("[redacted]"));
    assert!(
        printed.contains(lead.summary.lead_id.as_str()),
        "ids of ours may be logged"
    );
}

#[test]
fn an_alert_says_whether_its_case_is_a_test_of_the_deployment() {
    let of_case = |case: &str| {
        let case_id = case.parse().unwrap();
        let lead = LeadSummary {
            case_id,
            ..summary()
        };
        AlertData::of(&lead, &[]).is_test
    };
    assert!(of_case("homeward-test-1f0c"));
    assert!(!of_case("2026-117") && !of_case("a-homeward-test-"));
}
