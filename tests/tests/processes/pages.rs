//! The pages for people in a real Chromium, before a real `serve` with drawn pictures.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use proofs::browser::{self, Browser};
use proofs::checkout;
use proofs::process::Serve;
use proofs::world::{World, upload};
use serde_json::{Value, json};

/// A system with leads.
struct Pages {
    serve: Serve,
    world: World,
    data: tempfile::TempDir,
}

fn pages() -> Pages {
    let data = tempfile::tempdir().unwrap();
    let serve = Serve::start_with(&data.path().join("data"), &["--port", "0"]);
    let world = World::draw(2, 1, 11);
    upload(&serve, &[world.references(), world.ads()].concat());
    serve.settled();
    Pages { serve, world, data }
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
        "token": pages.serve.token("unit"),
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
    browser::deeds(&pages.serve, action)
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

#[test]
fn a_keyboard_alone_goes_from_sign_in_to_a_verdict_and_back() {
    let pages = pages();
    let walked = walk(&pages, "keyboard_alone");
    let id = walked["lead"].as_str().unwrap();
    let lead = pages.serve.get("unit", &format!("/v1/leads/{id}"));
    assert_eq!(lead["status"], "open", "it was taken back");
    assert_eq!(deeds(&pages, "verdict_taken_back").len(), 1);
    assert_eq!(deeds(&pages, "signed_out").len(), 1);
}

#[test]
fn the_first_view_of_a_lead_weighs_at_most_a_hundred_kilobytes() {
    let walked = walk(&pages(), "weight");
    let bytes = |what: &str| walked[what].as_u64().unwrap();
    assert!(bytes("html") <= 15_000, "{walked}");
    assert!(bytes("style") <= 10_000, "{walked}");
    assert!(bytes("script") <= 10_000, "{walked}");
    assert!(bytes("pictures") > 0 && bytes("sum") <= 100_000, "{walked}");
}

#[test]
fn nothing_that_leaves_the_pages_names_a_case_a_key_or_a_hash() {
    let pages = pages();
    let walked = walk(&pages, "nothing_leaves");
    let log = std::fs::read_to_string(pages.data.path().join("data.log")).unwrap();
    let lead = pages.serve.all("unit", "/v1/leads").remove(0);
    let sighting = &lead["sightings"][0];
    let mut secrets = vec!["26-0417".to_owned(), "R. Amari".to_owned()];
    for value in [
        &lead["case_id"],
        &lead["image_sha256"],
        &sighting["object_key"],
    ] {
        secrets.push(value.as_str().unwrap().to_owned());
    }
    let told = walked["told"].as_array().unwrap();
    assert!(told.len() > 30, "a walk tells something: {}", told.len());
    let told: Vec<&str> = told.iter().map(|it| it.as_str().unwrap()).collect();
    for secret in secrets {
        let encoded = secret.replace(' ', "%20");
        let has = |text: &&&str| text.contains(&secret) || text.contains(&encoded);
        assert_eq!(
            told.iter().find(has),
            None,
            "in addresses, titles, referrers"
        );
        assert!(!log.contains(&secret), "in the log");
    }
}

/// How many walks are made; `HOMEWARD_WALKS=1000` is the long form.
fn walks() -> usize {
    let walks = std::env::var("HOMEWARD_WALKS").ok();
    walks.and_then(|walks| walks.parse().ok()).unwrap_or(15)
}

#[test]
fn each_picture_that_is_delivered_has_its_entry_in_random_walks() {
    let pages = pages();
    let browser = Browser::signed_in(&pages.serve);
    let (mut delivered, mut state) = (0, 7_u64);
    let mut any = |of: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005);
        state = state.wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % of.max(1)
    };
    let is_safe = |path: &String| !path.starts_with("/assets") && !path.starts_with("/in");
    for _ in 0..walks() {
        let mut path = "/leads".to_owned();
        for _ in 0..6 {
            let page = browser.get(&path).text();
            for picture in Browser::addresses(&page, "src") {
                let answer = browser.get(&picture);
                delivered += usize::from(answer.content_type == "image/jpeg");
            }
            let mut links = Browser::addresses(&page, "href");
            links.retain(is_safe);
            path = match links.is_empty() {
                true => break,
                false => links.swap_remove(any(links.len())),
            };
        }
    }
    let shown = deeds(&pages, "picture_shown");
    assert!(delivered > walks(), "pictures were seen");
    assert_eq!(shown.len(), delivered);
    assert!(shown.iter().all(|entry| entry["by"].is_string()));
}

#[test]
fn the_command_line_checks_a_sealed_report_and_finds_one_flipped_letter() {
    let pages = pages();
    let id = pages.serve.all("unit", "/v1/leads")[0]["lead_id"].clone();
    let id = id.as_str().unwrap();
    let path = format!("{}/v1/leads/{id}/verdict", pages.serve.text("api"));
    let judged = ureq::post(path)
        .header(
            "Authorization",
            format!("Bearer {}", pages.serve.token("unit")),
        )
        .send_json(json!({ "verdict": "confirmed", "decided_by": "desk 3" }));
    assert_eq!(judged.unwrap().status().as_u16(), 200);
    let sealed = pages.serve.get("unit", &format!("/v1/leads/{id}/report"));
    let key = pages.serve.get("unit", "/v1/receipts-key");
    let key = key["public_key"].as_str().unwrap();
    let file = pages.data.path().join("report.json");
    let verify = |text: &str, key: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(checkout::program("homeward"));
        command.args(["report", "verify"]).arg(&file).args(key);
        let done = command.output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    };
    let text = sealed.to_string();
    let (code, shown) = verify(&text, &["--key", key]);
    assert_eq!(code, Some(0));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["report"]["lead"]["verdict"]["verdict"], "confirmed");
    assert!(
        shown["report"]["ad"]["image_sha256"].is_string(),
        "the ad's file is named"
    );
    assert_eq!(
        verify(&text, &[]).0,
        Some(1),
        "nothing says whose seal it is"
    );
    let flipped = text.replace("desk 3", "desk 4");
    assert_ne!(flipped, text);
    assert_eq!(verify(&flipped, &["--key", key]).0, Some(1));
    let other = format!("{}=", "A".repeat(43));
    assert_eq!(verify(&text, &["--key", &other]).0, Some(1));
}
