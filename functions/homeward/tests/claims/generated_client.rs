//! The API's document is good enough to work from: a client that a generator made of it submits a
//! photo, uploads an ad and reads what came of them.

#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::serving::serve;

fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_client_made_from_the_document_submits_uploads_and_reads() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python");
    let interpreter = output_of(&mut Command::new(python.join("venv.sh")));
    let folder = tempfile::tempdir().unwrap();
    let (_serve, ready) = serve(&folder.path().join("data"));
    let text = |pointer: &str| ready.pointer(pointer).unwrap().as_str().unwrap();
    let explanation = output_of(
        Command::new(interpreter)
            .arg(python.join("generated_client.py"))
            .args([text("/api"), text("/tokens/unit"), text("/tokens/uploader")])
            .arg(folder.path()),
    );
    let explanation: Value = serde_json::from_str(&explanation).unwrap();
    assert_eq!(explanation["reference"], "active", "{explanation}");
    assert_eq!(explanation["width_px"], 480);
    assert!(
        explanation["lead"].as_str().unwrap().contains("mirrored"),
        "{explanation}"
    );
    assert_eq!(explanation["seen_at"], "https://ads.example/1");
    assert_eq!(explanation["upload"], explanation["uploaded_to"]);
    assert_eq!(explanation["alert"], explanation["lead_id"]);
    assert_eq!(explanation["erasure"][0], explanation["submitted"]);
}
