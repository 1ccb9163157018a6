//! Signatures held to verifiers that we did not write: the Standard Webhooks library of PyPI for
//! `v1`, and the `cryptography` package, by the letter of the specification, for `v1a`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use alert::signature::{SigningKey, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The interpreter that has the peers' packages.
fn python() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/venv.sh");
    let run = Command::new(script).output().expect("the script starts");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    PathBuf::from(String::from_utf8(run.stdout).expect("a path").trim())
}

/// Lets the peers judge messages; `true` for each that they accept.
pub fn accepted(messages: &[serde_json::Value]) -> Vec<bool> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deliveries/verify.py");
    let mut peer = Command::new(python())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut input = peer.stdin.take().expect("piped");
    input
        .write_all(&serde_json::to_vec(messages).expect("json"))
        .expect("it reads");
    drop(input);
    let run = peer.wait_with_output().expect("it ends");
    assert!(run.status.success());
    serde_json::from_slice(&run.stdout).expect("a list of booleans")
}

const SHARED: [u8; 32] = [7; 32];
const SEED: [u8; 32] = [9; 32];

pub fn shared_text(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

pub fn public_text(seed: &[u8; 32]) -> String {
    let key = ed25519_dalek::SigningKey::from_bytes(seed).verifying_key();
    format!("whpk_{}", STANDARD.encode(key.as_bytes()))
}

fn message(key: &str, signature: &str, timestamp_s: i64, body: &str) -> serde_json::Value {
    serde_json::json!({
        "key": key,
        "body": body,
        "headers": {
            "webhook-id": "unit-000000000001",
            "webhook-timestamp": timestamp_s.to_string(),
            "webhook-signature": signature,
        },
    })
}

#[test]
fn verifiers_that_we_did_not_write_accept_our_signatures_and_no_others() {
    let now_s = jiff::Timestamp::now().as_second();
    let body = r#"{"specversion":"1.0","data":{"place":"Zürich – 東京"}}"#;
    let keys = [
        SigningKey::Shared(SHARED.to_vec()),
        SigningKey::Pair(Box::new(ed25519_dalek::SigningKey::from_bytes(&SEED))),
        SigningKey::Shared(vec![8; 24]), // the next key of a rotation
    ];
    let ours = header(&keys, "unit-000000000001", now_s, body.as_bytes());
    let (shared, public) = (shared_text(&SHARED), public_text(&SEED));
    let accept = [
        message(&shared, &ours, now_s, body),
        message(&shared_text(&[8; 24]), &ours, now_s, body),
        message(&public, &ours, now_s, body),
    ];
    let refuse = [
        message(&shared_text(&[1; 32]), &ours, now_s, body),
        message(&public_text(&[1; 32]), &ours, now_s, body),
        message(&shared, &ours, now_s + 1, body),
        message(&public, &ours, now_s + 1, body),
        message(&shared, &ours, now_s, "{}"),
        message(&public, &ours, now_s, "{}"),
    ];
    assert_eq!(accepted(&accept), [true; 3]);
    assert_eq!(accepted(&refuse), [false; 6]);
}
