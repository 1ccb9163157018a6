//! What infra/README.md says, carried out against a stage that CloudFormation made in `moto`, with the programs that
//! are built here in the place of the artefacts. Every call of a function is held against the role as it was
//! deployed (`tests/python/cloud.py` says what is bent).
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proofs::checkout;
use proofs::world::World;
use serde_json::{Value, json};

/// The Python that the cloud is made of, in an environment of its own.
fn python() -> PathBuf {
    environment("cloud.txt", "venv-cloud")
}

fn environment(requirements: &str, name: &str) -> PathBuf {
    let folder = checkout::root().join("tests/python");
    let mut made = Command::new(folder.join("venv.sh"));
    let made = made.arg(folder.join(requirements)).arg(name).output();
    let made = made.unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "venv.sh: {said}");
    PathBuf::from(String::from_utf8(made.stdout).unwrap().trim())
}

/// What `infra/deploy`, `infra/restore` and `infra/move` run in; made once, as they make it.
fn tools() {
    let script = ". infra/environment.sh && environment infra-venv infra/requirements.txt";
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).current_dir(checkout::root());
    assert!(bash.status().unwrap().success());
}

fn programs() -> PathBuf {
    checkout::program("homeward").parent().unwrap().to_owned()
}

/// The last line of a script of the cloud, which is JSON; what it says to a person goes to ours.
fn carried_out(script: &str, arguments: &[&Path]) -> Value {
    tools();
    let mut command = Command::new(python());
    command.arg(checkout::root().join("tests/python").join(script));
    let done = command.args(arguments).stderr(Stdio::inherit()).output();
    let done = done.unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}");
    serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap()
}

fn drill(name: &str, seed: u64) -> Value {
    let world = World::draw(4, 2, seed);
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    let arguments = [Path::new(name), &programs(), &world.path(""), &logs];
    carried_out("drills.py", &arguments)
}

/// Every lead that the photos hold, none twice, and no call that a role does not allow.
fn ends_with_every_lead(name: &str, seed: u64) -> Value {
    let ended = drill(name, seed);
    assert!(!ended["true"].as_array().unwrap().is_empty());
    assert_eq!(ended["pairs"], ended["true"], "each pair once: {ended:#}");
    assert_eq!(ended["told_twice"], 0, "{ended:#}");
    assert_eq!(ended["denied"], json!([]), "{ended:#}");
    ended
}

/// What the first command said: it stopped, and named the next.
fn stops_with_the_next_step(ended: &Value) {
    let said = ended["said"][0]["said"].as_str().unwrap();
    assert!(said.contains("stopped: "), "{said}");
    let next = "next: infra/restore prod --rebuild";
    assert!(said.contains(next), "{said}");
}

#[test]
fn tables_put_back_to_before_a_snapshot_of_references_and_what_ended_since_stays_ended() {
    let ended = ends_with_every_lead("snapshot", 81);
    let said = ended["said"][1]["said"].as_str().unwrap();
    let again = "ended again: 2 references; erased again: 1";
    assert!(said.contains(again), "{said}");
}

#[test]
fn tables_put_back_to_before_a_compaction_whose_packs_are_gone() {
    ends_with_every_lead("compaction", 82);
}

#[test]
fn a_manifest_that_is_lost_stops_the_restore_until_a_rebuild_is_asked_for() {
    stops_with_the_next_step(&ends_with_every_lead("manifest", 83));
}

#[test]
fn a_segments_bucket_that_is_lost_whole() {
    stops_with_the_next_step(&ends_with_every_lead("segments", 84));
}

#[test]
fn a_stage_that_is_moved_into_another() {
    ends_with_every_lead("move", 85);
}

#[test]
fn of_twelve_kinds_of_wrong_keys_none_vanishes() {
    let ended = drill("keys", 86);
    for refused in 0..2 {
        let said = ended["said"][refused]["said"].as_str().unwrap();
        assert!(
            said.contains("stopped: ") && said.contains("next: "),
            "{said}"
        );
    }
    let said = &ended["said"][2];
    let count = |name: &str| said[name].as_array().unwrap().len();
    assert_eq!((count("refused"), count("taken")), (9, 3), "{said:#}");
    assert_eq!(said["counted"], 3, "{said:#}");
}

#[test]
fn the_words_of_the_page_from_the_first_command_to_the_receipt_of_an_erasure() {
    let aws = environment("aws.txt", "venv-aws");
    let world = World::draw(2, 2, 87);
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().to_owned();
    let arguments = [&programs(), &world.path(""), &work, aws.parent().unwrap()];
    let ended = carried_out("trial.py", &arguments);
    assert_eq!(ended["status"], 0, "{}", ended["talk"]);
    assert_eq!(ended["rights"]["denied"], json!([]));
    let said = ended["said"].as_array().unwrap();
    let has = |block: usize, parts: &[&str]| {
        let said = said[said.len() - block].as_str().unwrap();
        for part in parts {
            assert!(said.contains(part), "{part}: {said}");
        }
    };
    has(4, &["26-0417", "org.homeward.lead.created", "removed"]);
    let counted = ["ads      1\n", "changes  1\n"];
    let sent = [
        "ads      1 sent again, 0 failed",
        "changes  1 sent again, 0 failed",
        "\"mended\":0",
    ];
    has(2, &counted);
    has(2, &sent);
}
