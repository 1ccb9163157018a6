//! `homeward upload` against a real `homeward serve`: a folder that was cut off goes on where it
//! stopped; bundles and lists of hashes find the same leads as the pictures themselves; what was
//! given up is sent again.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use proofs::checkout;
use proofs::leads::{ids_of, pairs_of};
use proofs::process::{Process, Serve};
use proofs::world::{World, upload};
use serde_json::Value;

struct System {
    serve: Serve,
    folder: tempfile::TempDir,
}

impl System {
    /// A system that has the world's references.
    fn with(world: &World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let serve = Serve::start_with(&folder.path().join("data"), &["--port", "0"]);
        upload(&serve, &world.references());
        Self { serve, folder }
    }

    fn command(&self, ads: &Path, more: &[&str]) -> Command {
        let mut command = Command::new(checkout::program("homeward"));
        command
            .arg("upload")
            .arg(ads)
            .args(["--to", self.serve.text("api")]);
        command
            .arg("--state")
            .arg(self.state())
            .args(["--json"])
            .args(more);
        command.env("HOMEWARD_TOKEN", self.serve.token("uploader"));
        command
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state.jsonl")
    }

    fn noted(&self) -> usize {
        let text = std::fs::read_to_string(self.state()).unwrap_or_default();
        text.lines().count().saturating_sub(1)
    }

    /// Uploads to the end; the summary.
    fn upload(&self, ads: &Path, more: &[&str], code: i32) -> Value {
        let output = self.command(ads, more).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(!told.contains(self.serve.token("uploader")), "{told}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn leads(&self) -> Vec<Value> {
        self.serve.settled();
        self.serve.all("unit", "/v1/leads")
    }

    /// Every upload's key, which must be recorded.
    fn recorded(&self) -> BTreeSet<String> {
        let uploads = self.serve.all("uploader", "/v1/uploads");
        let key = |upload: &Value| {
            assert_eq!(upload["state"], "recorded", "{upload}");
            upload["object_key"].as_str().unwrap().to_owned()
        };
        uploads.iter().map(key).collect()
    }
}

/// What is known of every ad, as a CSV next to the state.
fn metadata(world: &World, system: &System) -> String {
    let mut csv = "path,ad_id,place\n".to_owned();
    for put in world.ads() {
        let name = put.path.file_name().unwrap().to_str().unwrap().to_owned();
        csv += &format!("\"{name}\",id-of-{},Springfield\n", name.replace(' ', "-"));
    }
    let path = system.folder.path().join("metadata.csv");
    std::fs::write(&path, csv).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_folder_that_was_cut_off_goes_on_where_it_stopped() {
    let world = World::draw(4, 4, 7);
    let (ads, files) = (world.path("ads"), world.ads().len());
    let system = System::with(&world);
    let metadata = metadata(&world, &system);
    let more = ["--metadata", &metadata, "--jobs", "1", "--prefix", "2026/"];

    let mut first = system.command(&ads, &more);
    let mut first = Process::start(first.stdout(Stdio::null()).stderr(Stdio::null()));
    let deadline = Instant::now() + Duration::from_secs(60);
    while system.noted() < 3 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    first.kill();
    let noted = system.noted();
    assert!(
        (3..files).contains(&noted),
        "cut off after {noted} of {files}"
    );

    let summary = system.upload(&ads, &[&more[..], &["--wait"]].concat(), 0);
    assert_eq!(summary["already_sent"], noted, "{summary}");
    assert_eq!(summary["sent"], files - noted, "{summary}");
    assert_eq!(summary["uploads"]["recorded"], files, "{summary}");
    assert_eq!(system.recorded().len(), files);

    let leads = system.leads();
    assert_eq!(pairs_of(&leads), world.pairs());
    let sighting = &leads[0]["sightings"][0];
    assert_eq!(sighting["place"], "Springfield");
    assert!(sighting["ad_id"].as_str().unwrap().starts_with("id-of-"));
    assert!(
        sighting["object_key"]
            .as_str()
            .unwrap()
            .starts_with("ads/uploader/2026/")
    );

    let again = system.upload(&ads, &more, 0);
    assert_eq!(
        (&again["sent"], &again["already_sent"]),
        (&0.into(), &files.into())
    );
}

#[test]
fn a_watched_folder_sends_what_comes_to_lie_there_once_and_nothing_that_is_excluded() {
    let world = World::draw(2, 2, 23);
    let system = System::with(&world);
    let ads = system.folder.path().join("incoming");
    std::fs::create_dir_all(ads.join("thumbs")).unwrap();
    let printed = system.folder.path().join("printed");
    let more = ["--watch", "1", "--exclude", "thumbs/**"];
    let mut watching = system.command(&ads, &more);
    let out = std::fs::File::create(&printed).unwrap();
    let mut watching = Process::start(watching.stdout(out).stderr(Stdio::null()));
    let files = world.ads();
    for (place, put) in files.iter().enumerate() {
        let name = put.path.file_name().unwrap();
        std::fs::copy(&put.path, ads.join(name)).unwrap();
        std::fs::copy(&put.path, ads.join("thumbs").join(name)).unwrap();
        if place == 0 {
            until(|| system.noted() == 1);
        }
    }
    until(|| system.noted() == files.len());
    std::thread::sleep(Duration::from_secs(3)); // two rounds that find nothing
    watching.kill();
    let rounds: Vec<Value> = std::fs::read_to_string(&printed)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sent: u64 = rounds.iter().map(|it| it["sent"].as_u64().unwrap()).sum();
    assert_eq!(sent, files.len() as u64, "{rounds:?}");
    assert!(
        rounds.iter().all(|it| it["already_sent"] == 0),
        "{rounds:?}"
    );
    let keys = system.recorded();
    assert_eq!(keys.len(), files.len());
    assert!(keys.iter().all(|key| !key.contains("thumbs")), "{keys:?}");
    let none = system
        .command(&ads, &["--include", "*.none"])
        .output()
        .unwrap();
    assert_eq!(none.status.code(), Some(1));
    let said = String::from_utf8_lossy(&none.stderr);
    assert!(
        said.contains("is selected") && said.contains("hint:"),
        "{said}"
    );
    let wrong = system.command(&ads, &["--exclude", "[a"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

/// Waits for what comes within two minutes.
fn until(comes: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !comes() {
        assert!(Instant::now() < deadline, "it never comes");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn bundles_archives_and_hashes_find_the_same_leads_as_pictures() {
    let world = World::draw(3, 2, 11);
    let (ads, files) = (world.path("ads"), world.ads().len());
    let singly = System::with(&world);
    singly.upload(&ads, &[], 0);
    let leads = singly.leads();
    assert_eq!(pairs_of(&leads), world.pairs());

    let bundled = System::with(&world);
    let metadata = metadata(&world, &bundled);
    let more = ["--bundle", "9", "--metadata", &metadata, "--wait"];
    let summary = bundled.upload(&ads, &more, 0);
    assert_eq!(summary["objects_sent"], files.div_ceil(9), "{summary}");
    assert_eq!(summary["uploads"]["recorded"], files, "{summary}");
    let found = bundled.leads();
    assert_eq!(ids_of(&found), ids_of(&leads));
    assert_eq!(pairs_of(&found), world.pairs());
    assert_eq!(found[0]["sightings"][0]["place"], "Springfield");
    assert_eq!(bundled.recorded().len(), files + files.div_ceil(9));

    let hashed = System::with(&world);
    let more = ["--hashes-only", "--metadata", &metadata, "--wait"];
    let summary = hashed.upload(&ads, &more, 0);
    assert_eq!(summary["objects_sent"], 1, "{summary}");
    assert_eq!(summary["uploads"]["recorded"], files, "{summary}");
    let found = hashed.leads();
    assert_eq!(ids_of(&found), ids_of(&leads));
    assert_eq!(pairs_of(&found), world.pairs());
    assert_eq!(found[0]["sightings"][0]["place"], "Springfield");
    assert_eq!(hashed.recorded().len(), 1, "the list alone");
}

/// Archives by a peer: Python's own.
const ARCHIVES: &str = "
import pathlib, sys, tarfile, zipfile
ads, out = map(pathlib.Path, sys.argv[1:])
names = sorted(ads.iterdir())
with zipfile.ZipFile(out / 'half.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
    for name in names[0::2]: archive.write(name, 'photos/' + name.name)
    archive.writestr('photos/notes.txt', 'no picture')
with tarfile.open(out / 'rest.tar', 'w', format=tarfile.PAX_FORMAT) as archive:
    for name in names[1::2]: archive.add(name, name.name)
";

#[test]
fn archives_of_other_tools_are_taken_apart() {
    let world = World::draw(2, 2, 5);
    let system = System::with(&world);
    let out = system.folder.path().join("archives");
    std::fs::create_dir(&out).unwrap();
    let made = Command::new(checkout::python())
        .args(["-c", ARCHIVES])
        .args([&world.path("ads"), &out])
        .status();
    assert!(made.unwrap().success());
    let summary = system.upload(&out, &["--wait"], 1);
    assert_eq!(summary["sent"], 2, "{summary}");
    let uploads = &summary["uploads"];
    assert_eq!(uploads["recorded"], world.ads().len() + 2, "{summary}");
    let notes = &uploads["rejected"][0];
    assert_eq!(
        notes["object_key"],
        "ads/uploader/half.zip/photos/notes.txt"
    );
    assert_eq!(
        (&notes["reason"], &notes["new"]),
        (&"not_an_image".into(), &true.into())
    );
    let again = system.upload(&out, &["--wait"], 0);
    let notes = &again["uploads"]["rejected"][0];
    assert_eq!(notes["new"], false, "an old reject is no new failure");
    assert_eq!(pairs_of(&system.leads()), world.pairs());
}

fn dead_letters(data: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(checkout::program("homeward"));
    command
        .arg("dead-letters")
        .args(more)
        .arg("--data")
        .arg(data)
        .arg("--json");
    command.output().unwrap()
}

/// A message that is none of S3's is given up after its attempts.
async fn poison(data: &Path) {
    let embedded = embedded::Embedded::open(data).unwrap();
    let queue = embedded.queue("ingest");
    queue
        .send("no event", std::time::SystemTime::now().try_into().unwrap())
        .await
        .unwrap();
}

fn listed(data: &Path) -> Vec<Value> {
    let output = dead_letters(data, &[]);
    assert_eq!(output.status.code(), Some(0));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_was_given_up_is_listed_by_its_id_and_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let start = || Serve::start_with(&data, &["--port", "0"]);
    let stop = |mut serve: Serve| serve.process.terminate(Duration::from_secs(60));
    stop(start());
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(poison(&data));

    let serve = start();
    let deadline = Instant::now() + Duration::from_secs(90);
    while listed(&data).is_empty() {
        assert!(Instant::now() < deadline, "it is not given up");
        std::thread::sleep(Duration::from_millis(200));
    }
    let letters = listed(&data);
    assert_eq!(
        (letters.len(), &letters[0]["source"]),
        (1, &"ingest".into())
    );
    assert!(
        !letters[0].to_string().contains("no event"),
        "what it carries is not shown"
    );
    let reason = letters[0]["reason"].as_str().unwrap();
    assert!(reason.contains("S3 event"), "the program's own: {reason}");
    let id = letters[0]["id"].as_str().unwrap().to_owned();

    let replayed = dead_letters(&data, &["replay", &id]);
    assert_eq!(replayed.stdout, b"{\"replayed\":1}\n", "beside the system");
    let again = dead_letters(&data, &["replay", &id]);
    assert_eq!(again.status.code(), Some(1), "it is not there any more");
    assert_eq!(stop(serve), Some(0));
    dead_letters(&data, &["replay", "--all"]);
    assert!(listed(&data).is_empty(), "with the system stopped");
}
