//! The pages for people in a real Chromium, before a real `serve` with drawn pictures.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use proofs::checkout;
use proofs::process::Serve;
use proofs::world::{World, upload};
use serde_json::{Value, json};

/// A system with leads.
struct Pages {
    serve: Serve,
    world: World,
    _data: tempfile::TempDir,
}

fn pages() -> Pages {
    let data = tempfile::tempdir().unwrap();
    let serve = Serve::start_with(&data.path().join("data"), &["--port", "0"]);
    let world = World::draw(2, 1, 11);
    upload(&serve, &[world.references(), world.ads()].concat());
    serve.settled();
    Pages {
        serve,
        world,
        _data: data,
    }
}

/// What a script printed, the last line.
fn output(script: &str, arguments: &[&str]) -> PathBuf {
    let mut command = Command::new(checkout::root().join("tests/python").join(script));
    let done = command.args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{script}: {said}");
    let text = String::from_utf8(done.stdout).unwrap();
    PathBuf::from(text.trim().lines().last().unwrap())
}

/// Has a person do what a scenario of `pages.py` says.
fn walk(pages: &Pages, scenario: &str) -> Value {
    let requirements = checkout::root().join("tests/python/browser.txt");
    let requirements = requirements.to_str().unwrap();
    let python = output("venv.sh", &[requirements, "venv-browser"]);
    let chromium = output("browser.sh", &[]);
    let mut child = Command::new(python)
        .arg(checkout::root().join("tests/python/pages.py"))
        .arg(scenario)
        .arg(chromium)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let config = json!({
        "open": pages.serve.line["open"],
        "api": pages.serve.text("api"),
        "photo": pages.world.path("references/person 0.jpg"),
        "shots": null,
    });
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(config.to_string().as_bytes()).unwrap();
    drop(stdin); // its end is the end of the input
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{scenario}: {said}");
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Entries of the unit's log with this deed.
fn deeds(pages: &Pages, action: &str) -> Vec<Value> {
    let mut entries = pages.serve.all("unit", "/v1/audit");
    entries.retain(|entry| entry["action"] == action);
    entries
}

#[test]
fn from_the_link_to_the_first_verdict_in_three_clicks() {
    let pages = pages();
    let walked = walk(&pages, "first_verdict");
    let id = walked["lead"].as_str().unwrap();
    let lead = pages.serve.get("unit", &format!("/v1/leads/{id}"));
    assert_eq!(lead["status"], "dismissed");
    assert_eq!(lead["verdict"]["reason"], "same_person_other_photo");
    assert_eq!(lead["verdict"]["decided_by"], "Officer at this computer");
    let shown = deeds(&pages, "picture_shown");
    assert_eq!(
        json!(shown.len()),
        walked["delivered"],
        "each picture that was delivered has its entry"
    );
    let judged = deeds(&pages, "lead_judged");
    assert!(shown.iter().chain(&judged).all(|it| it["by"].is_string()));
    assert_eq!(
        (judged.len(), deeds(&pages, "verdict_taken_back").len()),
        (2, 1)
    );
    let case = lead["case_id"].as_str().unwrap();
    assert!(!walked["titles"].as_str().unwrap().contains(case));
}

#[test]
fn the_daily_work_needs_no_script() {
    walk(&pages(), "without_script");
}

#[test]
fn every_page_is_for_all_people_and_fits_every_screen() {
    let walked = walk(&pages(), "all_pages");
    assert_eq!(walked["pages"], 15);
}
