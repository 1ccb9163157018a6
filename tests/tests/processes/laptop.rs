//! `homeward serve` as its owner meets it: secrets, keys, README's lines, and what its log says.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use proofs::checkout;
use proofs::process::Serve;
use proofs::receiver::Receiver;
use proofs::world::{World, upload};
use serde_json::{Value, json};

const ANY_PORT: &[&str] = &["--port", "0"];

fn homeward(arguments: &[&str], data: &Path) -> Output {
    let mut command = Command::new(checkout::program("homeward"));
    command.args(arguments).arg("--data").arg(data);
    command.output().unwrap()
}

fn json_of(output: &Output) -> Value {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn python(script: &str, arguments: &[&str]) {
    let mut command = Command::new(checkout::python());
    command.arg(checkout::root().join("tests/python").join(script));
    let output = command.args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {told}");
}

/// What the API answers to a token.
fn status(serve: &Serve, token: &str, method: &str, path: &str) -> u16 {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let url = format!("{}{path}", serve.text("api"));
    let bearer = format!("Bearer {token}");
    let answer = match method {
        "DELETE" => agent.delete(url).header("Authorization", bearer).call(),
        _ => agent.get(url).header("Authorization", bearer).call(),
    };
    answer.unwrap().status().as_u16()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Everything below a folder that others may read.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut open = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if mode(&path) & 0o077 != 0 {
            open.push(path.display().to_string());
        }
        if path.is_dir() {
            open.extend(open_to_others(&path));
        }
    }
    open
}

#[test]
fn secrets_are_shown_once_and_a_revoked_token_stays_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut serve = Serve::start_with(&data, ANY_PORT);
    upload(&serve, &World::draw(1, 0, 5).references());
    serve.settled();
    assert_eq!(open_to_others(&data), Vec::<String>::new());
    let mut shown = serve.line.clone();
    let link = shown.as_object_mut().unwrap().remove("open"); // for a person, of use once
    assert!(link.unwrap().as_str().unwrap().contains("/in/"));
    assert_eq!(shown, serve.ready, "the first line shows all");
    let (unit, admin) = (
        serve.token("unit").to_owned(),
        serve.token("admin").to_owned(),
    );
    let (unit, admin) = (&*unit, &*admin);
    let listed = serve.get("admin", "/v1/tenants/unit/tokens");
    let listed = listed["items"].as_array().unwrap().clone();
    let roles: Vec<_> = listed
        .iter()
        .map(|it| it["role"].as_str().unwrap())
        .collect();
    assert_eq!(
        (
            roles.len(),
            roles.contains(&"unit"),
            roles.contains(&"admin")
        ),
        (2, true, true)
    );
    let others = serve.get("admin", "/v1/tenants/uploader/tokens");
    assert_eq!(others["items"].as_array().unwrap().len(), 1);
    let of_unit = listed.iter().find(|it| it["role"] == "unit").unwrap();
    let path = format!(
        "/v1/tenants/unit/tokens/{}",
        of_unit["token_id"].as_str().unwrap()
    );
    assert_eq!(status(&serve, unit, "GET", "/v1/leads"), 200);
    assert_eq!(status(&serve, admin, "DELETE", &path), 204);
    assert_eq!(status(&serve, unit, "GET", "/v1/leads"), 401);
    assert_eq!(serve.process.terminate(Duration::from_secs(60)), Some(0));

    fs::set_permissions(
        data.join("credentials.json"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let again = Serve::start_with(&data, ANY_PORT);
    let shown = again.line.to_string();
    assert!(again.line["tokens"].is_null() && again.line["secret_access_key"].is_null());
    for secret in [unit, admin, serve.text("secret_access_key")] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(
        again.text("secret_access_key"),
        serve.text("secret_access_key")
    );
    assert_eq!(mode(&data.join("credentials.json")), 0o600);
    let told = fs::read_to_string(data.with_extension("log")).unwrap();
    assert!(told.contains("had mode 644"), "{told}");
    assert_eq!(
        status(&again, unit, "GET", "/v1/leads"),
        401,
        "a restart puts nothing back"
    );
    assert_eq!(status(&again, admin, "GET", "/v1/tenants"), 200);
    assert_eq!(json_of(&homeward(&["env", "--json"], &data)), again.ready);
    let verified = homeward(&["verify"], &data);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

/// Once its administrator's token is revoked, the owner of the folder still gets in.
#[test]
fn tokens_of_an_older_version_become_revocable() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut first = Serve::start_with(&data, ANY_PORT);
    let tokens = first.ready["tokens"].clone();
    let uploader = first.token("uploader").to_owned();
    let id = first.get("admin", "/v1/tenants/uploader/tokens")["items"][0]["token_id"].clone();
    let path = format!("/v1/tenants/uploader/tokens/{}", id.as_str().unwrap());
    assert_eq!(status(&first, first.token("admin"), "DELETE", &path), 204);
    assert_eq!(first.process.terminate(Duration::from_secs(60)), Some(0));
    // As an older version left it.
    fs::remove_file(data.join("credentials.json")).unwrap();
    fs::write(data.join("tokens.json"), tokens.to_string()).unwrap();
    let serve = Serve::start_with(&data, ANY_PORT);
    assert!(serve.line["tokens"].is_null(), "they were shown before");
    assert_eq!(serve.ready["tokens"], tokens);
    assert!(!data.join("tokens.json").exists());
    assert_eq!(
        status(&serve, &uploader, "GET", "/v1/uploads"),
        401,
        "revoked before"
    );
    let admin = serve.token("admin");
    let listed = serve.get("admin", "/v1/tenants/unit/tokens");
    let listed = listed["items"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 2);
    let of_admin = listed.iter().find(|it| it["role"] == "admin").unwrap();
    let path = format!(
        "/v1/tenants/unit/tokens/{}",
        of_admin["token_id"].as_str().unwrap()
    );
    assert_eq!(status(&serve, admin, "DELETE", &path), 204);
    assert_eq!(status(&serve, admin, "GET", "/v1/verify"), 401);
    assert_eq!(homeward(&["verify"], &data).status.code(), Some(0));
}

#[test]
fn a_tenants_key_pair_reaches_its_own_objects_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = Serve::start_with(&data, ANY_PORT);
    let second = json!({"tenant": "second", "is_unit": true, "legal_basis": "consent"});
    let made = ureq::post(format!("{}/v1/tenants", serve.text("api")))
        .header("Authorization", format!("Bearer {}", serve.token("admin")))
        .send_json(second);
    assert_eq!(made.unwrap().status().as_u16(), 201);
    let pair = |tenant: &str| json_of(&homeward(&["env", "--json", "--tenant", tenant], &data));
    let pairs =
        json!({"unit": pair("unit"), "uploader": pair("uploader"), "second": pair("second")});
    assert_eq!(pair("second"), pairs["second"], "made once");
    for (_, pair) in pairs.as_object().unwrap() {
        let shown = pair.to_string();
        for secret in [
            serve.text("secret_access_key"),
            serve.token("unit"),
            serve.token("admin"),
        ] {
            assert!(!shown.contains(secret), "no other secret goes along");
        }
    }
    let ready = serve.ready.to_string();
    python("tenant_pairs.py", &[&ready, &pairs.to_string(), "held"]);
    let revoked = homeward(&["env", "--tenant", "second", "--revoke"], &data);
    assert_eq!(revoked.status.code(), Some(0), "{revoked:?}");
    python("tenant_pairs.py", &[&ready, &pairs.to_string(), "revoked"]);
    assert_ne!(pair("second"), pairs["second"], "another one");
    let unknown = homeward(&["env", "--tenant", "nobody"], &data);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("hint: make it by POST /v1/tenants"));
    let nowhere = homeward(&["env"], folder.path());
    assert_eq!(nowhere.status.code(), Some(1));
}

#[test]
fn a_reference_is_silent_before_its_photos_delete_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = Serve::start_with(&data, ANY_PORT);
    let world = World::draw(2, 0, 29);
    let pair = json_of(&homeward(&["env", "--json", "--tenant", "unit"], &data));
    let photos: Vec<_> = world.references().into_iter().map(|it| it.path).collect();
    let photos: Vec<_> = photos.iter().map(|path| path.to_str().unwrap()).collect();
    let (ready, pair) = (serve.ready.to_string(), pair.to_string());
    python("deleted_photos.py", &[&ready, &pair, photos[0], photos[1]]);
    serve.settled();
}

/// Leads of the unit that stand so.
fn leads_that_are(serve: &Serve, status: &str) -> usize {
    let leads = serve.all("unit", "/v1/leads").into_iter();
    leads.filter(|lead| lead["status"] == status).count()
}

#[test]
fn what_an_uploader_brought_is_taken_back_as_a_whole_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let serve = Serve::start_with(&folder.path().join("data"), ANY_PORT);
    let world = World::draw(2, 1, 43);
    upload(&serve, &world.references());
    let (last, first) = world.ads().pop().map(|last| (last, world.ads())).unwrap();
    let first: Vec<_> = first.into_iter().filter(|ad| ad.key != last.key).collect();
    upload(&serve, &first);
    serve.settled();
    let found = serve.all("unit", "/v1/leads").len();
    assert!(found > 0);
    let before = serve.all("uploader", "/v1/uploads");

    let retraction = "/v1/tenants/uploader/retraction";
    serve.ask("admin", "PUT", retraction);
    upload(&serve, std::slice::from_ref(&last));
    let is_done = || serve.get("admin", retraction)["state"] == "done";
    serve.wait_until("the retraction is done", is_done);
    let sums = serve.settled();
    assert_eq!(sums["agree"], true, "{sums}");
    assert_eq!(leads_that_are(&serve, "withdrawn"), found);
    assert_eq!(serve.all("unit", "/v1/leads").len(), found, "and no more");
    assert_eq!(serve.all("unit", "/v1/alerts"), Vec::<Value>::new());
    let uploads = serve.all("uploader", "/v1/uploads");
    assert_eq!(uploads.len(), before.len() + 1);
    for upload in &before {
        assert!(uploads.contains(upload), "its uploader sees no difference");
    }
    assert!(uploads.iter().all(|it| it["state"] == "recorded"));

    serve.ask("admin", "DELETE", retraction);
    let everything = || leads_that_are(&serve, "open") == world.pairs().len();
    serve.wait_until("every lead is open, the missed one too", everything);
    let sums = serve.settled();
    assert_eq!(sums["agree"], true, "{sums}");
}

/// The shell lines of README's part about a laptop, but for those that build and start it.
fn readmes_lines() -> String {
    let readme = fs::read_to_string(checkout::root().join("README.md")).unwrap();
    let (_, part) = readme.split_once("## Use it on a laptop").unwrap();
    let (part, _) = part.split_once("\n## ").unwrap();
    let blocks = part.split("```sh\n").skip(1);
    let blocks: Vec<_> = blocks.map(|it| it.split_once("```").unwrap().0).collect();
    assert!(blocks[0].contains("homeward serve") && blocks.len() >= 3);
    blocks[1..].concat()
}

#[test]
fn readmes_lines_run_word_for_word() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let serve = Serve::start_with(&at("homeward-data"), ANY_PORT);
    let world = World::draw(1, 0, 37);
    let ads = world.ads();
    fs::copy(&world.references()[0].path, at("photo.jpg")).unwrap();
    let showing = world.truth.iter().find(|(_, shown)| !shown.is_empty());
    let showing = world.path("ads").join(showing.unwrap().0);
    fs::copy(showing, at("ad.jpg")).unwrap();
    fs::create_dir(at("scraped")).unwrap();
    fs::copy(&ads[1].path, at("scraped/1.jpg")).unwrap();
    fs::write(
        at("ads.csv"),
        "path,source_url\n1.jpg,https://ads.example/1\n",
    )
    .unwrap();
    let made = Command::new(checkout::root().join("tests/python/venv.sh"))
        .arg(checkout::root().join("tests/python/aws.txt"))
        .arg("venv-aws")
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let aws = String::from_utf8(made.stdout).unwrap();
    let programs = [Path::new(aws.trim()), &checkout::program("homeward")]
        .map(|it| it.parent().unwrap().to_owned());
    let before = std::env::var_os("PATH").unwrap();
    let path = programs
        .iter()
        .cloned()
        .chain(std::env::split_paths(&before));
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &readmes_lines()])
        .current_dir(folder.path())
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("AWS_SESSION_TOKEN", "of another account")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("\"items\""),
        "curl shows leads"
    );
    serve.settled();
    let uploads = serve.all("uploader", "/v1/uploads");
    let keys: Vec<_> = uploads
        .iter()
        .map(|it| it["object_key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["ads/uploader/1.jpg", "ads/uploader/ad.jpg"]);
    let leads = serve.all("unit", "/v1/leads").into_iter();
    let mut seen = leads.flat_map(|lead| lead["sightings"].as_array().unwrap().clone());
    let ours = seen.find(|it| it["object_key"] == "ads/uploader/ad.jpg");
    assert_eq!(ours.unwrap()["place"], "Springfield");
    assert_eq!(serve.all("unit", "/v1/references")[0]["status"], "active");
}

#[test]
fn a_log_at_trace_holds_no_case_key_hash_secret_or_address() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let asked = "trace,aws_smithy_runtime=trace,hyper_util=trace,s3s=trace,dynoxide=trace";
    let serve = Serve::start_as(&data, ANY_PORT, &[("RUST_LOG", asked)]);
    let receiver = Receiver::start();
    let webhook = format!("{}/hook-4711", receiver.url());
    let secret = serve.put_webhook(&webhook);
    let world = World::draw(2, 1, 41);
    upload(&serve, &world.references());
    upload(&serve, &world.ads());
    let photo = world.references()[0].path.clone();
    let printed = Command::new(checkout::program("homeward"))
        .arg("fingerprint")
        .arg(&photo)
        .output()
        .unwrap();
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    serve.settled();
    let leads = serve.all("unit", "/v1/leads");
    assert!(!leads.is_empty());
    serve.withdraw(leads[0]["reference_id"].as_str().unwrap());
    serve.settled();
    let log = fs::read_to_string(data.with_extension("log")).unwrap();
    assert!(
        log.contains("TRACE") || log.contains("INFO"),
        "it logs: {log}"
    );
    let case = leads[0]["case_id"].as_str().unwrap();
    let uploaded = world.ads()[0].key.clone();
    for (what, personal) in [
        ("case number", case),
        ("object key", &uploaded),
        ("object's name", uploaded.rsplit('/').next().unwrap()),
        ("hash", printed["pdq"].as_str().unwrap()),
        ("webhook's secret", &secret),
        ("webhook's address", "hook-4711"),
        ("unit's token", serve.token("unit")),
        ("uploader's token", serve.token("uploader")),
        ("administrator's token", serve.token("admin")),
        ("key", serve.text("secret_access_key")),
    ] {
        assert!(!log.contains(personal), "the log holds a {what}");
    }
    let urls = log
        .lines()
        .filter(|line| line.contains("x-amz-") || line.contains("authorization"));
    assert_eq!(urls.count(), 0, "the log holds requests");
}

/// Writes a certificate for this machine's own name, with its key.
fn certificate(folder: &Path) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    (
        write("cert.pem", made.cert.pem()),
        write("key.pem", made.signing_key.serialize_pem()),
    )
}

#[test]
fn other_machines_come_in_by_tls_alone_and_under_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(folder.path());
    let tls = ["--tls-certificate", &certificate, "--tls-key", &key];
    let listen = ["--listen", "127.0.0.1:0", "--name", "localhost"];
    let arguments = [ANY_PORT, &listen, &tls].concat();
    let serve = Serve::start_with(&folder.path().join("data"), &arguments);
    let open = serve.line["open"].as_str().unwrap();
    assert!(open.starts_with("https://localhost:"), "{open}");
    let script = checkout::root().join("tests/python/over_tls.py");
    let mut command = Command::new(checkout::python());
    let mut ready = serve.ready.clone();
    ready["open"] = json!(open);
    command.arg(script).arg(ready.to_string());
    let told = json_of(&command.arg(&certificate).output().unwrap());
    let expected = json!({
        "health": 200, "another name": 403, "another page": 403, "administrator of the machine": 404,
        "unknown certificate": "refused by the client", "in the clear": false, "TLS": "TLSv1.2",
        "sign-in page": [200, "https"], "object": 10, "form": true,
    });
    assert_eq!(told, expected);
}

#[test]
fn a_port_for_other_machines_wants_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (certificate, key) = certificate(folder.path());
    let listen = ["serve", "--listen", "127.0.0.1:0", "--name", "localhost"];
    let bare = homeward(&listen, &data);
    assert_eq!(bare.status.code(), Some(2), "{bare:?}");
    let swapped = ["--tls-certificate", &key, "--tls-key", &certificate];
    let swapped = homeward(&[&listen[..], &swapped].concat(), &data);
    let told = String::from_utf8_lossy(&swapped.stderr);
    assert_eq!(swapped.status.code(), Some(1), "{told}");
    assert!(
        told.contains("holds no certificate") && told.contains("hint: "),
        "{told}"
    );
}
