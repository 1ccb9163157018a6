//! The API's document is good enough to work from: a client that a generator made of it submits a
//! photo, uploads an ad and reads what came of them.

#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::serving::serve;

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_client_made_from_the_document_submits_uploads_and_reads() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python");
    let interpreter = said(&mut Command::new(python.join("venv.sh")));
    let folder = tempfile::tempdir().unwrap();
    let (_serve, ready) = serve(&folder.path().join("data"));
    let text = |pointer: &str| ready.pointer(pointer).unwrap().as_str().unwrap();
    let story = said(
        Command::new(interpreter)
            .arg(python.join("generated_client.py"))
            .args([text("/api"), text("/tokens/unit"), text("/tokens/uploader")])
            .arg(folder.path()),
    );
    let story: Value = serde_json::from_str(&story).unwrap();
    assert_eq!(story["reference"], "active", "{story}");
    assert_eq!(story["width_px"], 480);
    assert!(
        story["lead"].as_str().unwrap().contains("mirrored"),
        "{story}"
    );
    assert_eq!(story["seen_at"], "https://ads.example/1");
    assert_eq!(story["upload"], story["uploaded_to"]);
    assert_eq!(story["alert"], story["lead_id"]);
    assert_eq!(story["erasure"][0], story["submitted"]);
}
