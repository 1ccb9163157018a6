//! boto3 against both ports: presigned requests, forms and their policies, unusual keys, pages.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;

use crate::services::{serve_dynamodb, serve_s3, start};

fn python() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/venv.sh");
    let made = Command::new(script)
        .stderr(Stdio::inherit())
        .output()
        .expect("it runs");
    assert!(made.status.success(), "the Python environment was not made");
    String::from_utf8(made.stdout)
        .expect("a path")
        .trim()
        .to_owned()
}

fn run_script(plan: &serde_json::Value) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/boto3_client.py");
    let mut run = Command::new(python());
    let mut run = run
        .arg(script)
        .stdin(Stdio::piped())
        .spawn()
        .expect("started");
    let mut stdin = run.stdin.take().expect("piped");
    stdin
        .write_all(plan.to_string().as_bytes())
        .expect("written");
    drop(stdin);
    assert!(
        run.wait().expect("ended").success(),
        "boto3 met something else than S3"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_finds_s3_and_dynamodb() {
    let services = start();
    let embedded = services.embedded.clone();
    embedded.create_bucket("ads").await.expect("made");
    embedded.notify("ads", "form/", "forms").await.expect("set");
    let (s3, tables) = (serve_s3(&embedded).await, serve_dynamodb(&embedded).await);
    let key = embedded.access_key();
    let plan = serde_json::json!({
        "s3": s3.url(),
        "dynamodb": tables.url(),
        "region": embedded::REGION,
        "access_key_id": key.id,
        "secret_access_key": key.secret,
    });
    tokio::task::spawn_blocking(move || run_script(&plan))
        .await
        .expect("as S3 does");
    let queue = embedded.queue("forms");
    let now = Timestamp::now();
    let messages = queue
        .receive(10, Duration::from_secs(60), now)
        .await
        .expect("received");
    assert_eq!(messages.len(), 3, "refused forms make no events");
    assert!(
        messages
            .iter()
            .all(|message| message.body.contains("ObjectCreated:Post"))
    );
    assert!(embedded.checks(true, now).await.expect("checked").agree());
    s3.stop().await;
    tables.stop().await;
}
