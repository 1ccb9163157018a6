//! An erasure against a real `homeward serve`: within minutes nothing of the reference is left in any
//! byte of the data folder, and a receipt that cannot be forged says so.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use embedded::Embedded;
use proofs::process::Serve;
use proofs::world::{World, upload};
use serde_json::{Value, json};
use store::{Jitter, LogChange, LogPosition, Names, Store};

/// What must not be left: a name for it, and its bytes.
type Needles = Vec<(String, Vec<u8>)>;

/// The forms in which a secret may lie in a file. Of what may be base64 within a longer text, every
/// alignment.
fn forms(name: &str, secret: &[u8]) -> Needles {
    let mut needles = vec![
        (format!("{name}, raw"), secret.to_vec()),
        (format!("{name}, hex"), hex(secret, false)),
        (format!("{name}, HEX"), hex(secret, true)),
    ];
    for skipped in 0..3 {
        let whole = STANDARD.encode(&secret[skipped..]);
        // The last characters depend on what follows.
        let sure = whole.as_bytes()[..(secret.len() - skipped) / 3 * 4].to_vec();
        needles.push((format!("{name}, base64 at {skipped}"), sure));
    }
    needles
}

fn hex(secret: &[u8], upper: bool) -> Vec<u8> {
    let digit = |byte: &u8| {
        if upper {
            format!("{byte:02X}")
        } else {
            format!("{byte:02x}")
        }
    };
    secret.iter().map(digit).collect::<String>().into_bytes()
}

/// Which of these lie in any file below the folder.
fn found(folder: &Path, needles: &Needles) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(self::found(&path, needles));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let holds = |needle: &[u8]| {
            let starts = bytes
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == needle[0]);
            starts
                .map(|(at, _)| at)
                .any(|at| bytes[at..].starts_with(needle))
        };
        let here = needles.iter().filter(|(_, needle)| holds(needle));
        found.extend(here.map(|(name, _)| format!("{name} in {}", path.display())));
    }
    found
}

/// The hashes and features that are stored of a reference.
async fn stored(data: &Path, reference_id: &str) -> Needles {
    let embedded = Embedded::open(data).unwrap();
    let names = Names {
        ads_bucket: "homeward-ads".to_owned(),
        references_bucket: "homeward-references".to_owned(),
        segments_bucket: "homeward-segments".to_owned(),
        table_prefix: Names::TABLE_PREFIX_DEFAULT.to_owned(),
    };
    let store = Store::with_sdk_config(&embedded.sdk_config(), names, Jitter::new(|| 1));
    let log = store
        .references
        .references_since(&LogPosition::start())
        .await
        .unwrap();
    let mut needles = Needles::new();
    for entry in log
        .entries
        .iter()
        .filter(|it| it.reference_id.as_str() == reference_id)
    {
        let LogChange::Added(fingerprint) = &entry.change else {
            continue;
        };
        for (place, (_, view)) in fingerprint.framings.iter().enumerate() {
            needles.extend(forms(&format!("hash {place}"), &view.pdq.0));
        }
        let middle = fingerprint.features.len() / 2;
        needles.extend(forms(
            "features",
            &fingerprint.features[middle..middle + 48],
        ));
    }
    needles
}

/// The needles that a system holds which never had a reference.
fn by_ads_alone(world: &World, needles: &Needles) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = Serve::start_with(&data, &["--port", "0"]);
    upload(&serve, &world.ads());
    serve.settled();
    stop(serve);
    found(&data, needles)
}

fn stop(mut serve: Serve) {
    assert_eq!(serve.process.terminate(Duration::from_secs(60)), Some(0));
}

fn post(serve: &Serve, path: &str, body: &Value) -> Value {
    let request = ureq::post(format!("{}{path}", serve.text("api")))
        .header("Authorization", format!("Bearer {}", serve.token("unit")));
    request
        .send_json(body)
        .unwrap()
        .body_mut()
        .read_json()
        .unwrap()
}

fn done(serve: &Serve, erasure_id: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let erasure = serve.get("unit", &format!("/v1/erasures/{erasure_id}"));
        if erasure["state"] == "done" {
            return erasure;
        }
        assert!(Instant::now() < deadline, "never done: {erasure}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The receipt, if its signature is good.
fn verified(signed: &Value) -> Value {
    let text = |name: &str| signed[name].as_str().unwrap();
    let bytes = |name: &str| STANDARD.decode(text(name)).unwrap();
    let key: [u8; 32] = bytes("public_key").try_into().unwrap();
    let signature: [u8; 64] = bytes("signature").try_into().unwrap();
    let key = ed25519_dalek::VerifyingKey::from_bytes(&key).unwrap();
    let signature = ed25519_dalek::Signature::from_bytes(&signature);
    key.verify_strict(text("receipt").as_bytes(), &signature)
        .unwrap();
    let forged = text("receipt").replace("\"removed\"", "\"Removed\"");
    assert!(key.verify_strict(forged.as_bytes(), &signature).is_err());
    serde_json::from_str(text("receipt")).unwrap()
}

#[test]
fn what_is_erased_is_in_no_byte_that_is_left() {
    let world = World::draw(2, 1, 23);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = Serve::start_with(&data, &["--port", "0"]);
    upload(&serve, &world.references());
    upload(&serve, &world.ads());
    serve.settled();
    let leads = serve.all("unit", "/v1/leads");
    let reference_id = leads[0]["reference_id"].as_str().unwrap().to_owned();
    let case_id = leads[0]["case_id"].as_str().unwrap().to_owned();
    let others = leads
        .iter()
        .filter(|lead| lead["reference_id"] != reference_id.as_str())
        .count();
    assert!(others > 0 && others < leads.len());
    stop(serve);

    let photo = std::fs::read(world.path("references").join(&case_id)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut needles = runtime.block_on(stored(&data, &reference_id));
    needles.push((
        "photo".to_owned(),
        photo[photo.len() / 2..photo.len() / 2 + 64].to_vec(),
    ));
    // Of an ad that shows the photo as it is, hash and features are the reference's, and stay.
    let ads = by_ads_alone(&world, &needles);
    needles.retain(|(name, _)| {
        let of_an_ad = format!("{name} in ");
        !ads.iter().any(|it| it.starts_with(&of_an_ad))
    });
    let before = found(&data, &needles);
    for what in ["hash ", "features, base64", "photo"] {
        assert!(
            before.iter().any(|it| it.starts_with(what)),
            "{what}: the search finds: {before:?}"
        );
    }

    let serve = Serve::start_with(&data, &["--port", "0"]);
    let asked = post(
        &serve,
        "/v1/erasures",
        &json!({ "reference_id": reference_id }),
    );
    let erasure = done(&serve, asked["erasure_id"].as_str().unwrap());
    let receipt = verified(&erasure["receipt"]);
    assert_eq!(receipt["reference_ids"], json!([reference_id]));
    let removed = |store: &str| {
        let all = receipt["removed"].as_array().unwrap();
        let it = all.iter().find(|it| it["store"] == store);
        it.unwrap_or_else(|| panic!("{store}: {receipt}"))["removed"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(removed("references"), 1);
    assert_eq!(removed("reference_photos"), 1);
    assert_eq!(removed("leads") as usize, leads.len() - others);
    assert!(removed("alerts") > 0 && removed("table_streams") > 0);
    assert_eq!(removed("dead_letters"), 0);
    assert_eq!(removed("database_files_rewritten"), 4);
    assert_eq!(
        serve.get("unit", "/v1/receipts-key")["public_key"],
        erasure["receipt"]["public_key"]
    );
    assert_eq!(serve.all("unit", "/v1/leads").len(), others);
    let alerts = serve.all("unit", "/v1/alerts");
    assert!(!alerts.is_empty());
    assert!(
        alerts
            .iter()
            .all(|it| it["data"]["reference_id"] != reference_id.as_str())
    );
    let left = serve.get("unit", &format!("/v1/references/{reference_id}"));
    assert_eq!(
        (&left["status"], &left["reason"]),
        (&json!("withdrawn"), &json!("erased"))
    );
    serve.settled();
    assert_eq!(
        found(&data, &needles),
        Vec::<String>::new(),
        "beside the running system"
    );
    stop(serve);
    assert_eq!(found(&data, &needles), Vec::<String>::new());
}
