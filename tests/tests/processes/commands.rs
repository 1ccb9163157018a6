//! What a unit and an administrator do on the command line, against a running system.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use proofs::checkout::program;
use proofs::process::Serve;
use proofs::receiver::Receiver;
use proofs::world::{World, upload};
use serde_json::Value;

struct Shell {
    serve: Serve,
    world: World,
    folder: tempfile::TempDir,
}

impl Shell {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self {
            serve: Serve::start_with(&data, &["--port", "0"]),
            world: World::draw(2, 1, 17),
            folder,
        }
    }

    /// Runs `homeward` with the token of this role.
    fn run(&self, role: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program("homeward"));
        command
            .args(arguments)
            .args(["--to", self.serve.text("api")])
            .env("HOMEWARD_TOKEN", self.serve.token(role))
            .current_dir(self.folder.path());
        command.output().unwrap()
    }

    /// What it prints, if it succeeds.
    fn ok(&self, role: &str, arguments: &[&str]) -> String {
        let done = self.run(role, arguments);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{arguments:?}: {said}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// The JSON lines that it prints.
    fn json(&self, role: &str, arguments: &[&str]) -> Vec<Value> {
        let text = self.ok(role, &[arguments, &["--json"]].concat());
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What it says as it fails with this exit code.
    fn fails(&self, role: &str, arguments: &[&str], code: i32) -> String {
        let done = self.run(role, arguments);
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.contains(self.serve.token(role)), "{said}");
        said
    }

    fn photos(&self) -> String {
        self.world.path("references").display().to_string()
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[test]
fn a_unit_does_its_daily_work_without_a_programmer() {
    let shell = Shell::new();
    let photos = shell.photos();
    let add = ["references", "add", &photos, "--case", "26-0417", "--wait"];
    let added = shell.json("unit", &add);
    assert_eq!(added.len(), 2);
    assert!(added.iter().all(|it| it["status"] == "active"), "{added:?}");
    let again = shell.json("unit", &add);
    let ids = |all: &[Value]| {
        let ids = all.iter().map(|it| text(it, "reference_id").to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(
        ids(&again),
        ids(&added),
        "the same photos are the same references"
    );
    upload(&shell.serve, &shell.world.ads());
    shell.serve.settled();
    let leads = shell.json("unit", &["leads", "--case", "26-0417"]);
    assert!(!leads.is_empty());
    let lead = text(&leads[0], "lead_id");
    let note = "=HYPERLINK(\"https://evil.example\")";
    let judge = [
        "judge",
        lead,
        "dismissed",
        "--note",
        note,
        "--decided-by",
        "R. Amari",
    ];
    shell.ok("unit", &judge);
    let judged = shell.json("unit", &["leads", "--status", "dismissed"]);
    assert_eq!(text(&judged[0], "lead_id"), lead);
    assert_eq!(judged[0]["verdict"]["decided_by"], "R. Amari");
    let table = shell.ok("unit", &["leads"]);
    assert!(
        table.starts_with("lead") && table.contains("26-0417"),
        "{table}"
    );
    shell.ok("unit", &["withdraw", &ids(&added)[0]]);
    let withdrawn = shell.json("unit", &["references", "list", "--status", "withdrawn"]);
    assert_eq!(ids(&withdrawn), [ids(&added)[0].clone()]);
    erased(&shell);
    let csv = shell.ok("unit", &["audit", "--csv"]);
    assert!(
        csv.starts_with("number,at,role,action,subject,person\n1,"),
        "{csv}"
    );
    assert!(
        csv.contains(",lead_judged,") && csv.contains(",reference_erased,"),
        "{csv}"
    );
}

/// A case is erased on an explicit word, and its receipt is good.
fn erased(shell: &Shell) {
    let erase = ["erase", "--case", "26-0417", "--receipt", "receipt.json"];
    let said = shell.fails("unit", &erase, 2);
    assert!(said.contains("--yes"), "{said}");
    let erase = [&erase[..], &["--yes"]].concat();
    shell.ok("unit", &erase);
    let said = shell.fails("unit", &erase, 1);
    assert!(said.contains("is there already"), "{said}");
    let key = shell.serve.get("unit", "/v1/receipts-key");
    let verify = Command::new(program("homeward"))
        .args([
            "receipt",
            "verify",
            "receipt.json",
            "--key",
            text(&key, "public_key"),
        ])
        .current_dir(shell.folder.path())
        .output()
        .unwrap();
    assert!(verify.status.success(), "{verify:?}");
    let left = shell.json("unit", &["references", "list", "--case", "26-0417"]);
    assert!(left.iter().all(|it| it["status"] != "active"), "{left:?}");
}

#[test]
fn a_manifest_says_which_photo_belongs_to_which_case() {
    let shell = Shell::new();
    let photos = shell.photos();
    let names = names(Path::new(&photos));
    let manifest = shell.folder.path().join("cases.csv");
    let rows = format!(
        "path,case_id,legal_basis\n{},26-1,\"police act, 12\"\n{},26-2,\n",
        names[0], names[1]
    );
    std::fs::write(&manifest, rows).unwrap();
    let add = [
        "references",
        "add",
        &photos,
        "--manifest",
        "cases.csv",
        "--legal-basis",
        "consent",
    ];
    let added = shell.json("unit", &add);
    let cases: Vec<_> = added.iter().map(|it| text(it, "case_id")).collect();
    assert_eq!(cases, ["26-1", "26-2"]);
    let listed = shell.json("unit", &["references", "list", "--case", "26-1"]);
    assert_eq!(listed[0]["legal_basis"], "police act, 12");
    let listed = shell.json("unit", &["references", "list", "--case", "26-2"]);
    assert_eq!(listed[0]["legal_basis"], "consent");
    std::fs::write(&manifest, "path,case_id\nmissing.jpg,26-3\n").unwrap();
    let said = shell.fails("unit", &add, 1);
    assert!(
        said.contains("missing.jpg") && said.contains("nothing was submitted"),
        "{said}"
    );
    std::fs::write(&manifest, format!("path\n{0}\n{0}\n", names[0])).unwrap();
    let said = shell.fails("unit", &add, 1);
    assert!(said.contains("line 3 names a path again"), "{said}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn what_cannot_be_used_is_named_and_the_rest_submitted() {
    let shell = Shell::new();
    let folder = shell.folder.path().join("photos");
    std::fs::create_dir(&folder).unwrap();
    let photos = shell.photos();
    let good = names(Path::new(&photos)).remove(0);
    std::fs::copy(Path::new(&photos).join(&good), folder.join("good.jpg")).unwrap();
    std::fs::write(folder.join("notes.txt"), "no picture").unwrap();
    std::fs::write(folder.join("cut.jpg"), b"\xff\xd8\xff\xe0").unwrap();
    let add = [
        "references",
        "add",
        "photos",
        "--case",
        "26-1",
        "--wait",
        "--json",
    ];
    let done = shell.run("unit", &add);
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("notes.txt: not_an_image"), "{said}");
    assert!(said.contains("2 of 3 photos cannot be used"), "{said}");
    let printed = String::from_utf8(done.stdout).unwrap();
    let lines: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |name: &str| lines.iter().find(|it| it["photo"] == name).unwrap();
    assert_eq!(of("good.jpg")["status"], "active");
    assert_eq!(of("cut.jpg")["status"], "rejected");
}

#[test]
fn an_administrator_makes_tenants_and_tokens() {
    let shell = Shell::new();
    shell.ok(
        "admin",
        &[
            "tenant",
            "new",
            "north",
            "--unit",
            "--legal-basis",
            "consent",
        ],
    );
    let said = shell.fails("admin", &["tenant", "new", "north", "--unit"], 1);
    assert!(said.contains("(409)"), "{said}");
    let tenants = shell.json("admin", &["tenant", "list"]);
    assert!(tenants.iter().any(|it| it["tenant"] == "north"));
    let token = shell.ok("admin", &["token", "new", "north", "unit"]);
    std::fs::write(shell.folder.path().join("north.token"), &token).unwrap();
    let with_it = ["leads", "--token-file", "north.token"];
    assert!(shell.ok("uploader", &with_it).starts_with("lead "));
    let listed = shell.json("admin", &["token", "list", "north"]);
    let id = text(&listed[0], "token_id").to_owned();
    shell.ok("admin", &["token", "revoke", "north", &id]);
    let said = shell.fails("uploader", &with_it, 1);
    assert!(said.contains("(401)") && said.contains("hint:"), "{said}");
    shell.ok("admin", &["tenant", "quota", "uploader", "--per-day", "5"]);
    shell.ok("admin", &["tenant", "retract", "uploader"]);
    shell.ok("admin", &["tenant", "retract", "uploader", "--lift"]);
    assert!(
        shell
            .ok("admin", &["audit", "--tenant", "north"])
            .contains("audit_seen")
    );
}

#[test]
fn a_refusal_names_its_cause_and_the_next_step() {
    let shell = Shell::new();
    let said = shell.fails("uploader", &["leads"], 1);
    assert!(
        said.contains("(403)") && said.contains("another role"),
        "{said}"
    );
    let said = shell.fails("unit", &["judge", "../references", "unsure"], 1);
    assert!(said.contains("that is no id"), "{said}");
    let said = shell.fails("unit", &["leads", "--status", "new"], 1);
    assert!(said.contains("(400)") && said.contains("status"), "{said}");
    let said = shell.fails("unit", &["withdraw", "--case", "26-0"], 1);
    assert!(said.contains("no reference that stands"), "{said}");
    let elsewhere = Command::new(program("homeward"))
        .args(["leads", "--to", "http://homeward.example"])
        .env("HOMEWARD_TOKEN", shell.serve.token("unit"))
        .output()
        .unwrap();
    assert_eq!(elsewhere.status.code(), Some(2), "{elsewhere:?}");
}

#[test]
fn an_administrator_is_told_how_the_system_is_doing() {
    let shell = Shell::new();
    upload(&shell.serve, &shell.world.references());
    shell.serve.settled();
    let refused = shell.fails("unit", &["status"], 1);
    assert!(refused.contains("403"), "{refused}");
    let status = (0..120).find_map(|_| {
        let status = shell.json("admin", &["status"]).remove(0);
        if status["gauges"]["searches_open"] == 0 {
            return Some(status);
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
        None
    });
    let status = status.expect("the timers look within a minute");
    assert_eq!(status["gauges"]["ads"]["fault"], Value::Null);
    assert_eq!(status["gauges"]["references"]["waiting"], 0);
    assert_eq!(status["tasks"]["references"]["is_done"], true, "{status}");
    let told = shell.ok("admin", &["status"]);
    assert!(told.contains("timer references"), "{told}");
}

#[test]
fn a_webhook_is_set_tried_and_repeated_on_the_command_line() {
    let shell = Shell::new();
    let said = shell.ok("unit", &["webhook", "test"]);
    assert_eq!(said, "", "there is no webhook to tell of");
    let (works, fails) = (Receiver::start(), Receiver::answering(500));
    let (url, broken) = (works.url(), fails.url());
    let set = shell.ok(
        "unit",
        &["webhook", "set", "cases", &url, "--content-type", "json"],
    );
    let set: Value = serde_json::from_str(&set).unwrap();
    assert!(text(&set, "secret").starts_with("whsec_"));
    let tested = shell.json("unit", &["webhook", "test"]);
    assert_eq!(
        (text(&tested[0], "webhook"), text(&tested[0], "state")),
        ("cases", "delivered")
    );
    let message = works.received().pop().unwrap();
    let id = message.header("webhook-id").unwrap().to_owned();
    assert_eq!(message.json()["type"], "org.homeward.test");
    let content_type = message.header("content-type").unwrap();
    assert!(
        content_type.starts_with("application/json"),
        "{content_type}"
    );
    shell.ok("unit", &["webhook", "repeat", "cases", &id]);
    let again = || {
        works
            .received()
            .iter()
            .filter(|it| it.header("webhook-id") == Some(&id))
            .count()
    };
    let deadline = Instant::now() + Duration::from_secs(150); // the timer's minute, on a busy machine
    while again() < 2 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(again(), 2, "the same message, once more");
    shell.ok("unit", &["webhook", "set", "broken", &broken]);
    let said = shell.fails("unit", &["webhook", "test"], 1);
    assert!(said.contains("not every webhook took"), "{said}");
    let csv = shell.ok("unit", &["webhook", "deliveries", "broken", "--csv"]);
    assert!(
        csv.starts_with("alert,type,lead,state,attempts,answer,reason,next attempt\n"),
        "{csv}"
    );
    assert!(
        csv.contains(",org.homeward.test,") && csv.contains(",500,"),
        "{csv}"
    );
    shell.ok("unit", &["webhook", "remove", "broken"]);
    let names = shell.json("unit", &["webhook", "list"]);
    assert_eq!(
        names.iter().map(|it| text(it, "name")).collect::<Vec<_>>(),
        ["cases"]
    );
    let said = shell.fails(
        "unit",
        &["webhook", "repeat", "cases", "unit-999999999999"],
        1,
    );
    assert!(said.contains("no such delivery"), "{said}");
    let said = shell.fails("uploader", &["webhook", "test"], 1);
    assert!(said.contains("role") || said.contains("403"), "{said}");
}
