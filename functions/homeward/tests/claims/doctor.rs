//! `homeward doctor`, by the built program: before a deployment, and on a running system.

#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::serving::serve;

/// With nothing of this machine's own: no profiles, no region, no proxies.
fn doctor(environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_homeward"))
        .arg("doctor")
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

const SIGNED_IN: [(&str, &str); 3] = [
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "a-secret-that-nobody-may-see"),
];

#[test]
fn what_would_stop_a_deployment_is_said_before_it_with_what_to_do() {
    let check = |environment: &[(&str, &str)], arguments: &[&str], code: i32, hint: &str| {
        let output = doctor(environment, arguments);
        let talk = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {talk}");
        assert!(talk.contains(hint), "{talk}");
    };
    check(
        &SIGNED_IN,
        &["--config-env", "prod"],
        0,
        "hint: parameters: AlarmEmail",
    );
    check(&[], &[], 1, "hint: region: set AWS_REGION");
    check(
        &SIGNED_IN[..1],
        &[],
        1,
        "hint: credentials: aws configure sso",
    );
    check(
        &SIGNED_IN,
        &["--parameter-overrides", "Stage=PROD"],
        1,
        "it must fit",
    );
    check(
        &SIGNED_IN,
        &["--parameter-overrides", "Stage"],
        2,
        "Stage=prod",
    );
    check(&SIGNED_IN, &["--config-env", "staging"], 2, "dev, or prod");
    check(
        &SIGNED_IN,
        &["--bundled", "--hash-only"],
        2,
        "cannot be used with",
    );
    check(
        &SIGNED_IN,
        &["--api", "http://127.0.0.1:1"],
        2,
        "token new issues one",
    );
}

#[test]
fn the_bill_adds_up_and_no_secret_is_in_it() {
    let arguments = [
        "--json",
        "--images-per-day",
        "20000",
        "--config-env",
        "prod",
    ];
    let output = doctor(&SIGNED_IN, &arguments);
    let said = [output.stdout.clone(), output.stderr.clone()].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(
        !said.contains("AKIA") && !said.contains("a-secret"),
        "{said}"
    );
    let costs = &json(&output)["costs"];
    let number = |name: &str| costs[name].as_f64().unwrap();
    let lines = costs["per_million_images"].as_array().unwrap().iter();
    let sum: f64 = lines.map(|line| line["dollars"].as_f64().unwrap()).sum();
    assert!((sum - number("dollars_per_million_images")).abs() < 0.01);
    let images = 20_000.0 * 30.4 / 1e6 * number("dollars_per_million_images");
    let month = number("dollars_idle_per_month") + images;
    assert!((month - number("dollars_per_month")).abs() < 0.01);
    let lines = costs["month_after_a_year"].as_array().unwrap().iter();
    let sum: f64 = lines.map(|line| line["dollars"].as_f64().unwrap()).sum();
    let month = number("dollars_idle_per_month") + sum;
    assert!((month - number("dollars_in_the_month_after_a_year")).abs() < 0.01);
    let hashes = doctor(&SIGNED_IN, &[&arguments[..], &["--hash-only"]].concat());
    let hashes = json(&hashes)["costs"]["dollars_per_month"]
        .as_f64()
        .unwrap();
    assert!(hashes < number("dollars_per_month"));
}

/// AWS, as far as the doctor asks it; remembers who signed what.
struct Aws {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Aws {
    /// Has so many executions, and a stack whose API is there.
    fn start(executions: u32, api: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, api) = (asked.clone(), api.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                heard
                    .lock()
                    .unwrap()
                    .push(answer(stream.unwrap(), executions, &api));
            }
        });
        Self { url, asked }
    }

    fn doctor(&self, more: &[(&str, &str)], arguments: &[&str]) -> Output {
        let services = ["STS", "LAMBDA", "CLOUDFORMATION"];
        let names = services.map(|service| format!("AWS_ENDPOINT_URL_{service}"));
        let mut environment: Vec<(&str, &str)> = SIGNED_IN.into();
        environment.extend(names.iter().map(|name| (name.as_str(), self.url.as_str())));
        environment.extend(more);
        doctor(&environment, arguments)
    }
}

/// Answers one request and gives it back.
fn answer(mut stream: TcpStream, executions: u32, api: &str) -> String {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let length = head.lines().find_map(|line| {
        let line = line.to_lowercase();
        line.strip_prefix("content-length:")?.trim().parse().ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let asked = head + &String::from_utf8(body).unwrap();
    let said = if asked.contains("account-settings") {
        format!(
            r#"{{"AccountLimit":{{"ConcurrentExecutions":{executions},"UnreservedConcurrentExecutions":{executions}}}}}"#
        )
    } else {
        format!("<member><OutputKey>ApiUrl</OutputKey><OutputValue>{api}</OutputValue></member>")
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}",
        said.len()
    );
    write!(stream, "{head}\r\n\r\n{said}").unwrap();
    asked
}

#[test]
fn an_account_is_asked_by_signed_requests_for_what_only_it_can_tell() {
    let check = |executions: u32, parameters: &str, code: i32, hint: &str| {
        let aws = Aws::start(executions, "");
        let arguments = ["--online", "--parameter-overrides", parameters];
        let output = aws.doctor(&[], &arguments);
        let talk = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{talk}");
        assert!(talk.contains(hint), "{talk}");
        let asked = aws.asked.lock().unwrap().clone();
        assert_eq!(asked.len(), 2, "{asked:?}");
        for (request, service) in asked.iter().zip(["sts", "lambda"]) {
            let scope = format!("eu-central-1/{service}/aws4_request");
            assert!(request.contains("Credential=AKIAEXAMPLE/"), "{request}");
            assert!(
                request.contains(&scope) && request.contains("Signature="),
                "{request}"
            );
            assert!(!request.contains("a-secret"), "{request}");
        }
    };
    check(1_000, "Stage=prod", 0, "AlarmEmail");
    check(10, "Stage=prod", 0, "quota of executions: ask for more");
    check(10, "ReserveConcurrency=true", 1, "ReserveConcurrency=false");
}

#[test]
fn a_deployed_stack_is_found_by_its_name() {
    let aws = Aws::start(1_000, "http://127.0.0.1:1");
    let tokens = [
        ("HOMEWARD_UNIT_TOKEN", "hw_unit"),
        ("HOMEWARD_UPLOADER_TOKEN", "hw_uploader"),
    ];
    let output = aws.doctor(&tokens, &["--after", "homeward-prod"]);
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(
        talk.contains("asking whether it is there"),
        "nothing listens there: {talk}"
    );
    assert!(aws.asked.lock().unwrap()[0].contains("StackName=homeward-prod"));
    let output = aws.doctor(&tokens, &["--after", "no name&Action=DeleteStack"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        aws.asked.lock().unwrap().len(),
        1,
        "what is no name is not asked for"
    );
}

#[test]
fn a_running_system_is_tried_with_a_drawn_photo_that_is_withdrawn_again() {
    let folder = tempfile::tempdir().unwrap();
    let (_serve, ready) = serve(&folder.path().join("data"));
    let text = |pointer: &str| ready.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let (api, unit, uploader) = (text("/api"), text("/tokens/unit"), text("/tokens/uploader"));
    let tokens = [
        ("HOMEWARD_UNIT_TOKEN", unit.as_str()),
        ("HOMEWARD_UPLOADER_TOKEN", uploader.as_str()),
    ];
    let output = doctor(&tokens, &["--json", "--api", &api]);
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{talk}");
    let checks = json(&output);
    assert_eq!(checks["checks"][0]["verdict"], "good", "{checks}");
    let seen = checks["checks"][0]["seen"].as_str().unwrap();
    assert!(seen.contains("mirrored"), "{seen}");

    for listing in ["references", "leads"] {
        let items = listed(&api, &unit, listing);
        assert_eq!(items.len(), 1, "{listing}");
        assert_eq!(items[0]["status"], "withdrawn", "{listing}");
        let case = items[0]["case_id"].as_str().unwrap();
        assert!(case.starts_with("homeward-test-"), "{case}");
    }

    let wrong = [("HOMEWARD_UNIT_TOKEN", "hw_wrong"), tokens[1]];
    let output = doctor(&wrong, &["--api", &api]);
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(
        talk.contains("submitting a drawn photo") && talk.contains("hint:"),
        "{talk}"
    );
}

/// The items of one of a unit's listings.
fn listed(api: &str, token: &str, listing: &str) -> Vec<Value> {
    let asked = async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(format!("{api}/v1/{listing}")).bearer_auth(token);
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let page = tokio::runtime::Runtime::new().unwrap().block_on(asked);
    page["items"].as_array().unwrap().clone()
}

#[test]
fn a_trial_that_is_interrupted_withdraws_its_photo() {
    let folder = tempfile::tempdir().unwrap();
    let (_serve, ready) = serve(&folder.path().join("data"));
    let text = |pointer: &str| ready.pointer(pointer).unwrap().as_str().unwrap();
    let (api, unit) = (text("/api"), text("/tokens/unit"));
    let mut trial = Command::new(env!("CARGO_BIN_EXE_homeward"))
        .args(["doctor", "--api", api])
        .env("HOMEWARD_UNIT_TOKEN", unit)
        .env("HOMEWARD_UPLOADER_TOKEN", text("/tokens/uploader"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while listed(api, unit, "references").is_empty() {
        assert_eq!(trial.try_wait().unwrap(), None, "it ended before it began");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let interrupt = format!("kill -INT {}", trial.id());
    let told = Command::new("sh").args(["-c", &interrupt]).status();
    assert!(told.unwrap().success());
    // An interrupted one ends with an error of its own, and not by the signal.
    assert!(trial.wait().unwrap().code().is_some());
    for listing in ["references", "leads"] {
        let open = |it: &Value| it["status"] != "withdrawn";
        assert!(!listed(api, unit, listing).iter().any(open), "{listing}");
    }
}
