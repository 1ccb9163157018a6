//! `infra/deploy`, word for word as infra/README.md has it, with SAM and an AWS that we did not write:
//! what it deploys, and what it refuses.

#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const X86_64: u16 = 62;
const ARM64: u16 = 183;

/// What `infra/build` leaves, as far as a deployment looks at it.
const BUILT: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: dev }
  Architecture: { Type: String, Default: arm64 }
  Small: { Type: String, Default: "false" }
Resources:
  IngestFunction:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: IngestFunction
      Architectures: [!Ref Architecture]
"#;

/// SAM's own stack, which has the bucket for artefacts: the AWS of this test would make it without tags.
const BUCKET: &str = r#"
import boto3
boto3.client("cloudformation").create_stack(
    StackName="aws-sam-cli-managed-default", Tags=[{"Key": "ManagedStackSource", "Value": "AwsSamCli"}],
    TemplateBody='{"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "artefacts"}}}, "Outputs": {"SourceBucket": {"Value": {"Ref": "B"}}}}')
"#;

/// A stack that stands, as far as a deployment looks at it.
const STANDING: &str = r#"
import boto3
boto3.client("cloudformation").create_stack(
    StackName="homeward-prod", Parameters=[{"ParameterKey": "Small", "ParameterValue": "false"}],
    TemplateBody='{"Parameters": {"Small": {"Type": "String"}}, "Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}')
"#;

/// Whom it takes for signed in, and where.
const SIGNED_IN: [(&str, &str); 3] = [
    ("AWS_DEFAULT_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "nobody"),
    ("AWS_SECRET_ACCESS_KEY", "nothing"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The Python that has the peers, and the folder of builds that has SAM.
fn python() -> String {
    output_of(&mut Command::new(root().join("tests/python/venv.sh")))
}

fn sam_environment() -> PathBuf {
    let install = ". infra/environment.sh; environment infra-venv infra/requirements.txt; cd \"$target\"; pwd";
    let mut command = Command::new("bash");
    let target = output_of(command.args(["-c", install]).current_dir(root()));
    Path::new(&target).join("infra-venv")
}

/// An AWS that we did not write; it ends with its test.
struct Aws(Child, String);

impl Aws {
    /// One in which this Python has run.
    fn with(script: &str) -> Self {
        let aws = Self::start();
        let mut command = Command::new(python());
        command.args(["-c", script]).env("AWS_ENDPOINT_URL", &aws.1);
        output_of(command.envs(SIGNED_IN));
        aws
    }

    fn start() -> Self {
        let mut child = Command::new(python())
            .arg(root().join("tests/python/moto_server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut port).unwrap();
        // By this name it finds buckets in the path of an address.
        Self(child, format!("http://localhost:{}", port.trim()))
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A folder of builds with SAM, and artefacts for these machines.
fn built(machines: &[u16]) -> tempfile::TempDir {
    let target = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(sam_environment(), target.path().join("infra-venv")).unwrap();
    let sam = target.path().join("sam");
    std::fs::create_dir(&sam).unwrap();
    std::fs::write(sam.join("template.yaml"), BUILT).unwrap();
    for (machine, name) in machines.iter().zip(["IngestFunction", "AlertFunction"]) {
        let folder = sam.join(name);
        std::fs::create_dir(&folder).unwrap();
        let mut program = vec![0; 64];
        program[..4].copy_from_slice(b"\x7fELF");
        program[18..20].copy_from_slice(&machine.to_le_bytes());
        std::fs::write(folder.join("bootstrap"), program).unwrap();
    }
    target
}

/// The line of infra/README.md that deploys.
fn documented() -> String {
    let readme = std::fs::read_to_string(root().join("infra/README.md")).unwrap();
    let line = readme.lines().find(|line| line.starts_with("infra/deploy"));
    line.unwrap().to_owned()
}

/// A shell's line in the checkout, on this AWS. A question whether to go on is answered no.
fn run(line: &str, target: &Path, aws: &str) -> (Output, String) {
    let mut child = Command::new("bash")
        .args(["-c", line])
        .current_dir(root())
        .env("CARGO_TARGET_DIR", target)
        .env("AWS_ENDPOINT_URL", aws)
        .envs(SIGNED_IN)
        .env("HOME", target)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who refused before asking has closed the pipe.
    drop(child.stdin.take().unwrap().write_all(b"n\n"));
    let output = child.wait_with_output().unwrap();
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output, String::from_utf8_lossy(&both).into_owned())
}

#[test]
fn the_documented_command_deploys_what_was_built_for_its_processor() {
    let (aws, target) = (Aws::with(BUCKET), built(&[X86_64]));
    let (_, talk) = run(&documented(), target.path(), &aws.1);
    let parameters = r#"{"Stage": "prod", "Architecture": "x86_64"}"#;
    for told in [
        "homeward-prod",
        parameters,
        "+ Add",
        "Deploy this changeset?",
    ] {
        assert!(talk.contains(told), "{talk}");
    }
}

#[test]
fn what_no_function_could_start_is_not_deployed() {
    let check = |line: &str, machines: &[u16], cause: &str| {
        let target = built(machines);
        // Nothing listens there: each is refused before any service is asked.
        let (output, talk) = run(line, target.path(), "http://127.0.0.1:1");
        assert!(!output.status.success(), "{talk}");
        assert!(talk.contains(cause) && talk.contains("hint:"), "{talk}");
    };
    check("infra/deploy prod", &[], "nothing is built");
    check("infra/deploy prod", &[X86_64, ARM64], "arm64 and x86_64");
    check("infra/deploy prod", &[40], "machine 40");
    let other = "infra/deploy prod Architecture=arm64";
    check(other, &[X86_64], "no function would start");
    check("infra/deploy staging", &[ARM64], "no stage staging");
    check("infra/deploy prod Small", &[ARM64], "Small is no parameter");
    check("infra/deploy", &[ARM64], "which stage?");
}

#[test]
fn a_stack_with_a_key_of_its_own_is_not_made_small() {
    let (aws, target) = (Aws::with(STANDING), built(&[ARM64]));
    let (output, talk) = run("infra/deploy prod Small=true", target.path(), &aws.1);
    assert!(!output.status.success(), "{talk}");
    assert!(talk.contains("under a key of its own"), "{talk}");
}

#[test]
fn the_runbook_speaks_of_every_table_and_every_bucket() {
    let readme = std::fs::read_to_string(root().join("infra/README.md")).unwrap();
    let words = ["eight", "nine", "ten", "eleven", "twelve"];
    let word = words[store::TABLES.len() - 8];
    assert_eq!(readme.matches(&format!("the {word} tables")).count(), 2);
    for bucket in ["ADS", "REFERENCES", "SEGMENTS"] {
        assert!(readme.contains(&format!("`HOMEWARD_{bucket}_BUCKET`")));
    }
}
