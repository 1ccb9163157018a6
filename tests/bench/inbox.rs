//! What the inbox of a unit with a thousand leads takes, on a laptop.
//!
//! ```sh
//! cargo build --release -p homeward && cargo run --release -p proofs --example inbox
//! ```
//! writes a thousand leads of ten photos into a new data folder, starts `homeward serve` on it, and asks as a
//! browser does: each page 20 times, one request each. Prints the median and the longest, in milliseconds.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::path::Path;
use std::time::{Duration, Instant};

use embedded::Embedded;
use features::fingerprint::{Framing, Hash256, HashVariant, ReferenceFingerprint};
use proofs::browser::Browser;
use proofs::process::Serve;
use records::{
    AdKey, AdMetadata, AlertLimit, CaseId, Evidence, FoundLead, ImageSha256, Label, Level, Method,
    Reference, ReferenceId, ReferenceStatus, SearchProgress, Sighting, TenantId, Timestamp,
    Verdict, VerdictEntry,
};
use store::{Jitter, Names, Store};

const REFERENCES: u64 = 10;
const LEADS_EACH: u64 = 100;
const ROUNDS: usize = 20;

fn at(seconds: u64) -> Timestamp {
    let hour_ago = jiff::Timestamp::now().as_millisecond() - 3_600_000;
    Timestamp::from_millis(hour_ago + i64::try_from(seconds).unwrap() * 1000)
}

fn names() -> Names {
    Names {
        ads_bucket: "homeward-ads".to_owned(),
        references_bucket: "homeward-references".to_owned(),
        segments_bucket: "homeward-segments".to_owned(),
        table_prefix: Names::TABLE_PREFIX_DEFAULT.to_owned(),
    }
}

async fn reference(store: &Store, unit: &TenantId, n: u64) -> ReferenceId {
    let case_id = CaseId::parse(&format!("26-{n:04}")).unwrap();
    let image = ImageSha256::of(format!("reference {n}").as_bytes());
    let reference = Reference {
        reference_id: ReferenceId::of_photo(unit, &case_id, &image),
        case_id,
        status: ReferenceStatus::Pending,
        reason: None,
        image_sha256: Some(image),
        object_key: None,
        width_px: Some(300),
        height_px: Some(400),
        quality: Some(90),
        shows: features::ReferenceKind::Photo,
        legal_basis: Label::parse("a measure").unwrap(),
        expires_at: at(86_400 * 30),
        created_at: at(0),
        activated_at: None,
        ended_at: None,
        search: SearchProgress::default(),
        is_partial: false,
        alerting: AlertLimit::default(),
    };
    let hash = Hash256(*image.bytes());
    let variant = HashVariant {
        pdq: hash,
        quality: 90,
        second: hash,
    };
    let fingerprint = ReferenceFingerprint {
        version: features::fingerprint::FINGERPRINT_VERSION,
        framings: vec![(Framing::default(), variant)],
        features: Vec::new(),
    };
    let id = reference.reference_id.clone();
    let references = &store.references;
    references
        .submit(unit, &reference, &fingerprint)
        .await
        .unwrap();
    references.activate(unit, &id, at(1)).await.unwrap();
    id
}

async fn lead(store: &Store, unit: &TenantId, reference: &ReferenceId, n: u64) {
    let uploader = TenantId::parse("uploader").unwrap();
    let found = FoundLead {
        unit: unit.clone(),
        reference_id: reference.clone(),
        image_sha256: ImageSha256::of(format!("ad {n}").as_bytes()),
        uploaded_by: uploader,
        evidence: Evidence::Computed,
        level: [Level::Review, Level::Alert][usize::from(n.is_multiple_of(20))],
        method: Method::Whole,
        distance: 12,
        edit: Label::parse("mirrored").unwrap(),
        policy_version: 1,
        outline: Some([(0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)]),
    };
    let key = AdKey::parse(&format!("ads/uploader/{n}.jpg")).unwrap();
    let place = format!("Place {}", n % 40);
    let sighting = Sighting::of(&key, &AdMetadata::parse([("place", place.as_str())]).0);
    let recorded = store
        .leads
        .record_lead(&found, &[sighting], at(n))
        .await
        .unwrap();
    if n % 10 == 3 {
        let verdict = VerdictEntry {
            verdict: Verdict::Dismissed,
            decided_by: None,
            note: None,
            reason: None,
            decided_at: at(n),
        };
        let id = recorded.lead_id().unwrap();
        store.leads.judge(unit, id, &verdict).await.unwrap();
    }
}

/// Writes the leads past the running system.
async fn fill(data: &Path) {
    let embedded = Embedded::open(data).unwrap();
    let store = Store::with_sdk_config(&embedded.sdk_config(), names(), Jitter::new(|| 1));
    let unit = TenantId::parse("unit").unwrap();
    let mut references = Vec::new();
    for n in 0..REFERENCES {
        references.push(reference(&store, &unit, n).await);
    }
    for n in 0..REFERENCES * LEADS_EACH {
        let reference = &references[usize::try_from(n % REFERENCES).unwrap()];
        lead(&store, &unit, reference, n).await;
    }
}

fn page(browser: &Browser, path: &str) -> String {
    let answer = browser.get(path);
    assert_eq!(answer.status, 200, "{path}");
    answer.text()
}

fn measured(name: &str, mut ask: impl FnMut()) {
    ask();
    let mut took: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            ask();
            began.elapsed()
        })
        .collect();
    took.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let (median, most) = (ms(took[ROUNDS / 2]), ms(took[ROUNDS - 1]));
    println!("| {name} | {median:.1} | {most:.1} |");
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut serve = Serve::start_with(&data, &["--port", "0"]);
    serve.process.terminate(Duration::from_secs(60));
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(fill(&data));
    let serve = Serve::start_with(&data, &["--port", "0"]);
    std::thread::sleep(Duration::from_secs(20)); // what the streams of a thousand leads make it do
    let browser = Browser::signed_in(&serve);
    println!("| page | median ms | longest ms |\n| --- | --- | --- |");
    let inbox = page(&browser, "/leads");
    for path in [
        "/leads",
        "/leads?tab=dismissed",
        "/leads?tab=confirmed",
        "/leads?level=alert",
        "/leads?found=day&order=new",
        "/leads?order=seen&page=3",
        "/cases",
    ] {
        measured(path, || drop(page(&browser, path)));
    }
    let lead = inbox.split("/leads/").nth(1).unwrap();
    let lead = lead.split('"').next().unwrap();
    measured("/leads/ID", || {
        drop(page(&browser, &format!("/leads/{lead}")))
    });
    for path in ["/v1/leads/counts", "/v1/leads?limit=50"] {
        measured(path, || drop(serve.get("unit", path)));
    }
}
