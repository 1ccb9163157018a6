//! The deployment's template held against the code: what the code needs is there, and no more.

mod rights;
mod sources;

use std::collections::BTreeSet;
use std::path::PathBuf;

use ::sources::template::{Template, name_of, target};
use proofs::checkout::root;
use serde_json::{Value, json};

/// The functions of the program `picture`: one for each bucket.
const PICTURES: [&str; 2] = ["picture-ads", "picture-references"];

/// Every function: one for each program but the command line, and two of `picture`.
fn programs() -> BTreeSet<String> {
    let folders = std::fs::read_dir(root().join("functions")).expect("programs have a folder");
    folders
        .map(|entry| entry.expect("a readable folder").file_name())
        .map(|name| name.into_string().expect("a name in ASCII"))
        .filter(|name| name != "homeward" && name != "picture")
        .chain(PICTURES.map(str::to_owned))
        .collect()
}

/// The program of a function.
fn binary(function: &str) -> &str {
    match PICTURES.contains(&function) {
        true => "picture",
        false => function,
    }
}

/// The names of variables that a source file speaks of.
fn variables_in(file: &str) -> BTreeSet<String> {
    let path: PathBuf = root().join(file);
    let text = std::fs::read_to_string(path).expect("the source is there");
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
    text.split(|c| !is_name(c))
        .filter(|word| word.starts_with("HOMEWARD_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_program_has_one_function_of_its_own_name_and_binary() {
    let template = Template::of_this_build();
    let mut found = BTreeSet::new();
    for (id, function) in template.all("AWS::Serverless::Function") {
        let name = name_of(&function["FunctionName"]);
        let build = &template.resource(id)["Metadata"];
        assert_eq!(build["BuildMethod"], "rust-cargolambda", "{id}");
        assert_eq!(
            build["BuildProperties"]["Binary"],
            json!(binary(&name)),
            "{id}"
        );
        assert!(found.insert(name), "{id} is there twice");
    }
    assert_eq!(found, programs());
}

#[test]
fn the_tables_are_those_of_the_store() {
    let template = Template::of_this_build();
    let tables = template.all("AWS::DynamoDB::Table");
    assert_eq!(tables.len(), store::TABLES.len());
    for expected in store::TABLES {
        let suffix = expected.table.suffix();
        let named = |it: &&(&str, &Value)| name_of(&it.1["TableName"]) == suffix;
        let (_, table) = tables.iter().find(named).expect(suffix);
        let keys = json!([
            { "AttributeName": "pk", "KeyType": "HASH" },
            { "AttributeName": "sk", "KeyType": "RANGE" },
        ]);
        assert_eq!(table["KeySchema"], keys, "{suffix}");
        for key in table["AttributeDefinitions"].as_array().expect("keys") {
            assert_eq!(key["AttributeType"], "S", "{suffix}");
        }
        let stream = expected.stream.map(|view| match view {
            store::StreamView::NewImage => json!({ "StreamViewType": "NEW_IMAGE" }),
        });
        assert_eq!(
            table.get("StreamSpecification"),
            stream.as_ref(),
            "{suffix}"
        );
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{suffix}");
        let recovery = &table["PointInTimeRecoverySpecification"];
        assert_eq!(recovery["PointInTimeRecoveryEnabled"], true, "{suffix}");
        let protection = json!({ "Fn::If": ["IsProd", true, false] });
        assert_eq!(table["DeletionProtectionEnabled"], protection, "{suffix}");
    }
}

#[test]
fn a_function_is_told_what_its_program_reads_and_nothing_else() {
    let template = Template::of_this_build();
    let mut names = variables_in("shared/store/src/db/names.rs");
    names.extend(variables_in("shared/batches/src/metrics.rs"));
    for program in programs() {
        let told = template.variables(&program);
        let main = format!("functions/{}/src/main.rs", binary(&program));
        let asked = variables_in(&main);
        assert!(asked.is_subset(&told), "{program} lacks of {asked:?}");
        let known: BTreeSet<_> = asked.union(&names).cloned().collect();
        assert!(
            told.is_subset(&known),
            "{program} reads not all of {told:?}"
        );
        assert!(told.contains("HOMEWARD_TABLE_PREFIX"), "{program}");
        let main = std::fs::read_to_string(root().join(main)).expect("the source is there");
        for bucket in ["Ads", "References", "Segments"] {
            let variable = format!("HOMEWARD_{}_BUCKET", bucket.to_uppercase());
            // Of those that `picture` knows, each of its functions has one.
            let is_other =
                binary(&program) == "picture" && !program.ends_with(&bucket.to_lowercase());
            let needs = main.contains(&format!("Bucket::{bucket}")) && !is_other;
            assert_eq!(needs, told.contains(&variable), "{program}: {variable}");
        }
    }
}

#[test]
fn upkeep_is_sent_every_task_by_a_timer_and_no_unknown_one() {
    let template = Template::of_this_build();
    let sent: Vec<_> = template
        .sources("upkeep")
        .into_iter()
        .flat_map(|source| {
            assert_eq!(source["Type"], "Schedule");
            let input = source["Properties"]["Input"].as_str().expect("an input");
            let event = serde_json::from_str(input).expect("the input is JSON");
            let tasks = upkeep::Task::of_event(&event).expect("a known task");
            assert_eq!(tasks.len(), 1, "one timer, one task: {input}");
            tasks
        })
        .map(upkeep::Task::as_str)
        .collect();
    let all: BTreeSet<_> = upkeep::Task::ALL.map(upkeep::Task::as_str).into();
    assert_eq!(sent.len(), all.len(), "no task is sent twice");
    assert_eq!(BTreeSet::from_iter(sent), all);
}

#[test]
fn buckets_are_closed_versioned_encrypted_and_speak_tls_only() {
    let template = Template::of_this_build();
    let buckets = template.all("AWS::S3::Bucket");
    assert_eq!(buckets.len(), 3);
    for (id, bucket) in buckets {
        let closed = bucket["PublicAccessBlockConfiguration"].as_object();
        let closed = closed.expect("access is blocked");
        assert_eq!(closed.values().filter(|it| **it == true).count(), 4, "{id}");
        let rules = json!([{ "ObjectOwnership": "BucketOwnerEnforced" }]);
        assert_eq!(bucket["OwnershipControls"]["Rules"], rules, "{id}");
        let versions = &bucket["VersioningConfiguration"]["Status"];
        assert_eq!(versions, "Enabled", "{id}");
        let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"];
        let both = encryption[0]["Fn::If"].as_array().expect("two ways");
        assert_eq!(both[0], "HasKey", "{id}");
        assert_eq!(both[1]["BucketKeyEnabled"], true, "{id}");
        let policy = template.resource(&format!("{id}Policy"));
        let statements = &policy["Properties"]["PolicyDocument"]["Statement"];
        let denies_plain = |it: &Value| {
            it["Effect"] == "Deny" && it["Condition"]["Bool"]["aws:SecureTransport"] == "false"
        };
        let statements = statements.as_array().expect("statements");
        assert!(statements.iter().any(denies_plain), "{id}");
    }
}

#[test]
fn a_bucket_may_tell_its_queue_and_no_other_bucket_may() {
    let template = Template::of_this_build();
    for (id, bucket) in template.all("AWS::S3::Bucket") {
        let told = &bucket["NotificationConfiguration"]["QueueConfigurations"][0];
        if told.is_null() {
            assert_eq!(id, "SegmentsBucket", "photos that come are told");
            continue;
        }
        assert_eq!(told["Event"], "s3:ObjectCreated:*", "{id}");
        let (queue, _) = target(&told["Queue"]);
        // A unit takes a reference back by deleting its photo; an ad's end is no news.
        let removed = &bucket["NotificationConfiguration"]["QueueConfigurations"][1];
        assert_eq!(removed.is_null(), id != "ReferencesBucket", "{id}");
        if !removed.is_null() {
            assert_eq!(removed["Event"], "s3:ObjectRemoved:*", "{id}");
            assert_eq!(
                (&removed["Queue"], &removed["Filter"]),
                (&told["Queue"], &told["Filter"])
            );
        }
        let policy = format!("{queue}Policy");
        // S3 tries the queue while the bucket is made: the policy must be there before.
        assert_eq!(template.resource(id)["DependsOn"], json!(policy));
        let policy = template.resource(&policy);
        let allowed = &policy["Properties"]["PolicyDocument"]["Statement"][0];
        assert_eq!(allowed["Effect"], "Allow", "{id}");
        assert_eq!(allowed["Action"], "sqs:SendMessage", "{id}");
        let by = &allowed["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"];
        let name = bucket["BucketName"]["Fn::Sub"].as_str().expect("a name");
        assert_eq!(by, &json!(format!("arn:${{AWS::Partition}}:s3:::{name}")));
    }
}

/// cargo-lambda would otherwise make a panic the end of the process, and a photo that makes a decoder
/// panic would take its whole batch with it.
#[test]
fn a_release_build_says_that_a_panic_unwinds() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let (_, release) = manifest.split_once("[profile.release]").expect("a profile");
    let own = release.split("\n[").next().unwrap_or_default();
    let says = |line: &str| line.trim_start().starts_with("panic = \"unwind\"");
    assert!(own.lines().any(says), "{own}");
}
