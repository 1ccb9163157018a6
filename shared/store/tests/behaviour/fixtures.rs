//! Made-up records.

use std::collections::HashMap;

use bytes::Bytes;
use features::fingerprint::{AdFingerprint, Framing, Hash256, HashVariant, ReferenceFingerprint};
use records::*;
use sha2::{Digest, Sha256};
use store::{Activated, Clock, NewObject, Store, StoredAd, Submitted};

/// A time this many seconds into the made-up day.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + seconds * 1000)
}

pub fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

pub fn unit() -> TenantId {
    tenant("unit")
}

fn bytes(what: &str, n: u64) -> [u8; 32] {
    Sha256::digest(format!("{what} {n}")).into()
}

fn view(what: &str, n: u64) -> HashVariant {
    HashVariant {
        pdq: Hash256(bytes(what, n)),
        quality: 90,
        second: Hash256(bytes("second", n)),
    }
}

pub fn sha(n: u64) -> ImageSha256 {
    ImageSha256::of(&n.to_be_bytes())
}

pub fn ad_fingerprint(n: u64) -> AdFingerprint {
    AdFingerprint {
        version: 1,
        whole: view("ad", n),
        trimmed: None,
        features: vec![7; 100],
    }
}

pub fn image(n: u64) -> Image {
    Image {
        image_sha256: sha(n),
        width_px: 640,
        height_px: 480,
        is_partial: false,
        frames: None,
        fingerprint_version: 1,
        first_seen_at: at(0),
    }
}

pub fn ad_key(uploader: &str, path: &str) -> AdKey {
    AdKey::parse(&format!("ads/{uploader}/{path}")).unwrap()
}

pub fn sighting(uploader: &str, path: &str) -> Sighting {
    let pairs = [
        ("source-url", "https://ads.example/1"),
        ("ad-id", "A1"),
        ("place", "Zürich"),
    ];
    Sighting::of(&ad_key(uploader, path), &AdMetadata::parse(pairs).0)
}

pub fn object(bytes: &[u8]) -> NewObject {
    NewObject {
        bytes: Bytes::copy_from_slice(bytes),
        content_type: "image/jpeg".into(),
        metadata: HashMap::from([("ad-id".into(), "A-1".into())]),
    }
}

pub fn upload(path: &str, state: UploadState, uploaded: i64) -> Upload {
    Upload {
        object_key: ad_key("uploader", path),
        state,
        reason: (state == UploadState::Rejected).then_some(ReasonCode::CORRUPT),
        image_sha256: Some(sha(1)),
        size_bytes: 10,
        version_id: Some("v1".into()),
        metadata: AdMetadata::default(),
        notes: vec![MetadataNote::MalformedPlace],
        stored_in: None,
        bundle: None,
        faults: None,
        frames: None,
        uploaded_at: at(uploaded),
        updated_at: at(uploaded + 1),
    }
}

pub fn reference_fingerprint(n: u64) -> ReferenceFingerprint {
    ReferenceFingerprint {
        version: 1,
        framings: vec![(Framing::default(), view("reference", n))],
        features: vec![3; 200],
    }
}

pub fn reference(case: &str, n: u64) -> Reference {
    let case_id = CaseId::parse(case).unwrap();
    Reference {
        reference_id: ReferenceId::of_photo(&unit(), &case_id, &sha(n)),
        case_id,
        status: ReferenceStatus::Pending,
        reason: None,
        image_sha256: Some(sha(n)),
        object_key: None,
        width_px: Some(300),
        height_px: Some(400),
        quality: Some(90),
        shows: features::ReferenceKind::Photo,
        legal_basis: Label::parse("police law, section 1").unwrap(),
        expires_at: at(86_400 * 30),
        created_at: at(0),
        activated_at: None,
        ended_at: None,
        search: SearchProgress::default(),
        is_partial: false,
        alerting: AlertLimit::default(),
    }
}

/// Submits and activates a reference of the unit.
pub async fn active_reference(store: &Store, n: u64) -> ReferenceId {
    let reference = reference("case 7", n);
    let submitted = store
        .references
        .submit(&unit(), &reference, &reference_fingerprint(n))
        .await
        .unwrap();
    assert_eq!(submitted, Submitted::New);
    let activated = store
        .references
        .activate(&unit(), &reference.reference_id, at(1))
        .await
        .unwrap();
    assert_eq!(activated, Activated::Now);
    reference.reference_id
}

/// The present, as a pack gets it that comes then.
pub fn clock(now: Timestamp) -> Clock {
    Clock::new(move || now)
}

/// Puts an ad into the searchable set.
pub async fn put_ad(store: &Store, uploader: &str, n: u64) {
    put_ad_with(store, uploader, n, Vec::new(), at(0)).await;
}

/// Puts an ad with a posting that travels with it, as it comes at a time.
pub async fn posted_ad(store: &Store, n: u64, path: &str, seconds: i64) {
    let postings = vec![sighting("uploader", path)];
    put_ad_with(store, "uploader", n, postings, at(seconds)).await;
}

async fn put_ad_with(
    store: &Store,
    uploader: &str,
    n: u64,
    postings: Vec<Sighting>,
    now: Timestamp,
) {
    let ad = StoredAd {
        tenant: tenant(uploader),
        image_sha256: sha(n),
        fingerprint: ad_fingerprint(n),
        postings,
    };
    store.ads.put_ads(vec![ad], &clock(now)).await.unwrap();
}

/// Records an image with one sighting.
pub async fn recorded_ad(store: &Store, n: u64, path: &str) -> Sighting {
    let sighting = sighting("uploader", path);
    put_ad(store, "uploader", n).await;
    store
        .uploads
        .record_sighting(&image(n), &sighting, at(2))
        .await
        .unwrap();
    sighting
}

pub fn found(reference: &ReferenceId, image: u64) -> FoundLead {
    FoundLead {
        unit: unit(),
        reference_id: reference.clone(),
        image_sha256: sha(image),
        uploaded_by: tenant("uploader"),
        evidence: Evidence::Computed,
        level: Level::Alert,
        method: Method::Whole,
        distance: 12,
        edit: Label::parse("mirrored").unwrap(),
        policy_version: 1,
        outline: Some([(0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)]),
    }
}

/// Every alert that the feed gives, and the cursor at its end.
pub async fn feed(store: &Store) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = store
            .leads
            .alerts(&unit(), cursor.as_ref(), 7)
            .await
            .unwrap();
        let next = page.next.expect("a feed always has a next position");
        alerts.extend(page.items);
        if cursor.as_ref() == Some(&next) {
            return alerts;
        }
        cursor = Some(next);
    }
}
