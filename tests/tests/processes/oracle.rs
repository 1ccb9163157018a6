//! Uploader non-interference: nothing that an uploader can see tells whether a picture shows
//! a person who is searched for, was searched for, or never was.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use proofs::browser::Browser;
use proofs::checkout;
use proofs::leads::pairs_of;
use proofs::process::Serve;
use proofs::sim::list;
use proofs::world::{World, upload};
use serde_json::Value;

/// A system of its own, its references dealt with, and what the uploader sees of it.
struct Seen {
    view: String,
    leads: Vec<Value>,
}

/// Lets an uploader upload `ads` into a new system, after `prepare` has put references there.
fn seen<T>(ads: &Path, prepare: impl FnOnce(&Serve) -> T) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let serve = Serve::start_with(&folder.path().join("data"), &["--port", "0"]);
    let _goes_on = prepare(&serve);
    serve.settled();
    let view = Command::new(checkout::python())
        .arg(checkout::root().join("tests/python/uploader_view.py"))
        .arg(serve.ready.to_string())
        .arg(ads)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&view.stderr).into_owned();
    assert!(view.status.success(), "{told}");
    serve.settled();
    Seen {
        view: String::from_utf8(view.stdout).unwrap(),
        leads: serve.all("unit", "/v1/leads"),
    }
}

/// A person who looks at every lead and every picture for as long as this lives.
struct Looking(Arc<AtomicBool>, Option<JoinHandle<usize>>);

impl Looking {
    fn at(serve: &Serve) -> Self {
        let (browser, ends) = (Browser::signed_in(serve), Arc::new(AtomicBool::new(false)));
        let ended = ends.clone();
        let looks = move || {
            let mut pictures = 0;
            while !ended.load(Ordering::SeqCst) {
                let inbox = browser.get("/leads").text();
                for path in Browser::addresses(&inbox, "href") {
                    let page = browser.get(&path);
                    for picture in Browser::addresses(&page.text(), "src") {
                        let answer = browser.get(&picture);
                        pictures += usize::from(answer.content_type == "image/jpeg");
                    }
                }
            }
            pictures
        };
        Self(ends, Some(std::thread::spawn(looks)))
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        let pictures = self.1.take().unwrap().join();
        if !std::thread::panicking() {
            assert!(pictures.unwrap() > 0, "the person saw pictures");
        }
    }
}

fn check_same(one: &str, other: &str) {
    for (one, other) in one.lines().zip(other.lines()) {
        assert_eq!(one, other, "an uploader can tell the worlds apart");
    }
    assert_eq!(one, other);
}

fn masked(text: &str) -> String {
    let mut python = Command::new(checkout::python())
        .arg(checkout::root().join("tests/python/uploader_view.py"))
        .arg("--mask")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = python.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// The same pictures once more, as a list of hashes.
fn hashes(ads: &Path) -> Vec<u8> {
    let mut members: Vec<(String, Vec<u8>)> = std::fs::read_dir(ads)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, std::fs::read(file.path()).unwrap())
        })
        .collect();
    members.sort();
    list(&members)
}

#[test]
fn an_uploader_cannot_tell_who_is_or_was_sought() {
    let world = World::draw(2, 1, 29);
    let ads = world.path("ads");
    std::fs::write(ads.join("broken.jpg"), b"\xff\xd8\xff\xe0 cut").unwrap();
    std::fs::write(ads.join("hashes.jsonl"), hashes(&ads)).unwrap();

    let unsearched = seen(&ads, |_| {});
    let sought = seen(&ads, |serve| upload(serve, &world.references()));
    let withdrawn = seen(&ads, |serve| {
        upload(serve, &world.references());
        serve.settled();
        for reference in serve.all("unit", "/v1/references") {
            serve.withdraw(reference["reference_id"].as_str().unwrap());
        }
    });

    let looked_at = seen(&ads, |serve| {
        upload(serve, &world.references());
        Looking::at(serve)
    });

    let pairs = pairs_of(&sought.leads);
    let missed: Vec<_> = world.pairs().difference(&pairs).cloned().collect();
    assert_eq!(missed, [], "the worlds do differ");
    let told = Value::Array(sought.leads).to_string();
    assert!(told.contains("ads/uploader/hashes.jsonl/"), "{told}");
    assert!(unsearched.leads.is_empty() && withdrawn.leads.is_empty());
    assert!(
        unsearched.view.contains(r#"\"state\":\"recorded\""#),
        "{}",
        unsearched.view
    );
    assert!(
        unsearched.view.contains(r#"\"state\":\"rejected\""#),
        "{}",
        unsearched.view
    );
    check_same(&unsearched.view, &sought.view);
    check_same(&unsearched.view, &withdrawn.view);
    check_same(&unsearched.view, &looked_at.view);
}

#[test]
fn another_outcome_of_one_upload_is_seen() {
    let world = World::draw(1, 0, 31);
    let ads = world.path("ads");
    let whole = seen(&ads, |_| {});
    let again = seen(&ads, |_| {});
    check_same(&whole.view, &again.view);
    let last = ads.join("ad 0 turned+180.jpg");
    let bytes = std::fs::read(&last).unwrap();
    std::fs::write(&last, &bytes[..bytes.len() / 20]).unwrap(); // too little to be taken in part
    let cut = seen(&ads, |_| {});
    assert_ne!(whole.view, cut.view);
    let states = |view: &str| {
        let listing = view.lines().find(|line| line.contains("GET /v1/uploads?"));
        let listing = listing.unwrap();
        (
            listing.matches("recorded").count(),
            listing.matches("rejected").count(),
        )
    };
    assert_eq!(states(&whole.view), (8, 0), "seven ads and a form");
    assert_eq!(states(&cut.view), (7, 1));
}

#[test]
fn masks_hide_times_and_random_names_and_nothing_else() {
    let row = |state: &str, reason: &str, name: &str, size: u64, time: &str| {
        format!(
            r#"{{"object_key":"ads/uploader/{name}","state":"{state}","reason":{reason},"size_bytes":{size},"notes":[],"uploaded_at":"{time}"}}"#
        )
    };
    let (then, later) = ("2026-01-02T03:04:05.678Z", "2027-11-12T13:14:15Z");
    let random = [
        "0123456789abcdef0123456789abcdef.jpg",
        "fedcba9876543210fedcba9876543210.jpg",
    ];
    let texts = [
        row("recorded", "null", random[0], 9, then),
        row("recorded", "null", random[1], 9, later),
        row("rejected", "\"corrupt\"", random[0], 9, then),
        row("rejected", "\"truncated\"", random[0], 9, then),
        row("pending", "null", random[0], 9, then),
        row("recorded", "null", random[0], 8, then),
        row("recorded", "null", "another name.jpg", 9, then),
        row(
            "recorded",
            "null",
            "a-long-name-that-a-person-gave.jpg",
            9,
            then,
        ),
    ];
    let shown: Vec<_> = texts.iter().map(|text| masked(text)).collect();
    assert_eq!(shown[0], shown[1], "times and made-up names are hidden");
    for (place, one) in shown.iter().enumerate().skip(1) {
        let same = shown.iter().skip(1).filter(|other| *other == one).count();
        assert_eq!(same, 1, "{}", texts[place]);
    }
}
