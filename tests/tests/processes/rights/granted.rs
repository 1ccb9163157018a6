//! What the template allows, as rights that can be held against those that were used.

use std::collections::BTreeSet;

use proofs::wire::rights::Right;
use serde_json::Value;
use sources::template::{Template, list, target};

/// Every right of a program's role.
pub fn granted(template: &Template, program: &str) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for statement in template.rights(program) {
        assert_eq!(statement["Effect"], "Allow", "{program}");
        for action in list(&statement["Action"]) {
            let action = action.as_str().expect("an action is text");
            for resource in resources(&statement) {
                rights.insert(Right::new(action, resource));
            }
        }
    }
    rights
}

fn resources(statement: &Value) -> Vec<String> {
    let named = list(&statement["Resource"])
        .into_iter()
        .map(|it| named(&it));
    let named: Vec<_> = named.collect();
    let uses = &statement["Condition"]["StringLike"]["kms:EncryptionContext:aws:s3:arn"];
    if named != ["PhotoKey"] {
        return named;
    }
    // A key is used for a bucket, by the context that S3 gives.
    let buckets: BTreeSet<_> = list(uses)
        .iter()
        .map(self::named)
        .map(|bucket| bucket.trim_end_matches("/*").to_owned())
        .collect();
    let bound = buckets.iter();
    bound
        .map(|bucket| format!("PhotoKey for {bucket}"))
        .collect()
}

/// `AdsTable`, `AdsTable stream`, `AdsBucket/ads/*`.
fn named(resource: &Value) -> String {
    if resource == "*" {
        return "*".to_owned();
    }
    if let Some(text) = resource["Fn::Sub"].as_str() {
        return text.replace("${", "").replace(".Arn}", "");
    }
    match target(resource) {
        (id, attribute) if attribute == "StreamArn" => stream(&id),
        (id, _) => id,
    }
}

fn stream(table: &str) -> String {
    format!("{table} stream")
}

/// What Lambda asks for in the name of a program's role, before and in addition to the program itself: to
/// read what wakes it, to set aside what failed, to log.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>,
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html>
pub fn asked_by_lambda(template: &Template, program: &str) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    let mut take = |actions: &[&str], resource: &str| {
        rights.extend(actions.iter().map(|action| Right::new(*action, resource)));
    };
    let log = &template.function(program)["LoggingConfig"]["LogGroup"];
    let log = log["Ref"].as_str().expect("a log group of the template");
    take(&["logs:CreateLogStream", "logs:PutLogEvents"], log);
    // Where a deployment chooses traces; these know no resource.
    take(&["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*");
    for source in template.sources(program) {
        let properties = &source["Properties"];
        match source["Type"].as_str().unwrap_or_default() {
            "SQS" => take(QUEUE, &target(&properties["Queue"]).0),
            "DynamoDB" => take(STREAM, &stream(&target(&properties["Stream"]).0)),
            _ => {} // timers and HTTP are let in by the function's own policy
        }
        let aside = &properties["DestinationConfig"]["OnFailure"]["Destination"];
        if aside.is_object() {
            take(&["sqs:SendMessage"], &target(aside).0);
        }
    }
    rights
}

const QUEUE: &[&str] = &[
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
];
const STREAM: &[&str] = &[
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
];
