//! Least privilege, recorded: the real binaries live through everything they are for, a wire writes
//! down every call to AWS, and the template is held against it, function by function: no right that
//! is used is missing, and none is there that nothing uses.
#![allow(clippy::unwrap_used)]

mod granted;
mod life;

use std::collections::BTreeSet;

use granted::{asked_by_lambda, granted};
use proofs::cloud::{PICTURES, PROGRAMS};
use proofs::wire::rights::Right;
use sources::template::Template;

/// Rights that no test makes a function use, each with its reason. One that is used after all, or
/// that the template does not give, makes the test fail: the list cannot go stale.
const NOT_RECORDED: &[(&str, &str, &str, &str)] = &[
    (
        "alert",
        "dynamodb:UpdateItem",
        "LeadsTable",
        "notes what is queued a quarter of an hour after it was written; see alert's own tests",
    ),
    (
        "upkeep",
        "s3:DeleteObjectVersion",
        "SegmentsBucket/packs/*",
        "sweeps packs an hour after they left the tail; see the store's own tests",
    ),
    ("picture-ads", "s3:ListBucket", "AdsBucket", GONE),
    (
        "picture-references",
        "s3:ListBucket",
        "ReferencesBucket",
        GONE,
    ),
    (
        "upkeep",
        "s3:DeleteObjectVersion",
        "SegmentsBucket/ads/*",
        "takes away the mark of a segment that is to come back; see the store's own tests",
    ),
    (
        "upkeep",
        "s3:DeleteObject",
        "SegmentsBucket/packs/*",
        SWEEPS,
    ),
    ("upkeep", "s3:DeleteObject", "SegmentsBucket/ads/*", SWEEPS),
    (
        "upkeep",
        "s3:GetObjectVersion",
        "SegmentsBucket/ads/*",
        "brings back a manifest that is gone; see the store's own tests",
    ),
    ("ingest", "s3:PutObject", "AdsBucket/ads/*", BUNDLES),
    (
        "ingest",
        "kms:GenerateDataKey",
        "PhotoKey for AdsBucket",
        BUNDLES,
    ),
    (
        "upkeep",
        "s3:GetObjectVersion",
        "ReferencesBucket/references/*",
        ERASURES,
    ),
    (
        "upkeep",
        "s3:ListBucketVersions",
        "ReferencesBucket",
        ERASURES,
    ),
    ("upkeep", "dynamodb:PutItem", "ReferencesTable", ERASURES),
    ("upkeep", "dynamodb:BatchWriteItem", "LeadsTable", ERASURES),
    ("upkeep", "dynamodb:Query", "DeliveriesTable", ERASURES),
    ("upkeep", "dynamodb:DeleteItem", "DeliveriesTable", ERASURES),
    (
        "upkeep",
        "dynamodb:BatchWriteItem",
        "DeliveriesTable",
        ERASURES,
    ),
    ("upkeep", "dynamodb:Query", "TenantsTable", ERASURES),
    ("upkeep", "sqs:SendMessage", "AdsQueue", RENEWAL),
    ("upkeep", "sqs:GetQueueAttributes", "AdsQueue", RENEWAL),
    ("upkeep", "sqs:SendMessage", "ReferencesQueue", RENEWAL),
    (
        "upkeep",
        "sqs:GetQueueAttributes",
        "ReferencesQueue",
        RENEWAL,
    ),
    (
        "upkeep",
        "sqs:GetQueueAttributes",
        "AdsDeadLetters",
        GIVEN_UP,
    ),
    (
        "upkeep",
        "sqs:GetQueueAttributes",
        "ReferencesDeadLetters",
        GIVEN_UP,
    ),
    (
        "upkeep",
        "sqs:GetQueueAttributes",
        "StreamFailures",
        GIVEN_UP,
    ),
    (
        "enroll",
        "dynamodb:ConditionCheckItem",
        "ReferencesTable",
        RENEWAL,
    ),
];

const GIVEN_UP: &str =
    "counts dead letters; there are no queues in this life, but in that of `deployed`";

const SWEEPS: &str = "marks what was not needed for an hour as deleted; see the store's own tests";

const RENEWAL: &str = "this build's fingerprints are the first; see upkeep's and the store's own \
                       tests, and those of the simulator";

const ERASURES: &str =
    "carries out erasures, of which this life asks for none; see upkeep's own tests";

const GONE: &str = "no photo of this life is gone when a person looks: S3 would answer 403 and not 404 without it; \
                    see picture's own tests";

const BUNDLES: &str = "takes bundles apart, of which this life has none; see ingest's own tests";

fn not_recorded(program: &str) -> BTreeSet<Right> {
    let of_it = NOT_RECORDED.iter().filter(|row| row.0 == program);
    of_it
        .map(|(_, action, resource, why)| {
            assert!(why.len() > 20, "a reason for {action} on {resource}");
            Right::new(*action, *resource)
        })
        .collect()
}

/// Calls of other functions, which go by no wire: that both were called is asserted by the life itself.
fn asked_of_functions(program: &str) -> BTreeSet<Right> {
    let functions = ["PictureAdsFunction", "PictureReferencesFunction"];
    let asked = functions.map(|it| Right::new("lambda:InvokeFunction", it));
    asked.into_iter().filter(|_| program == "review").collect()
}

fn listed(rights: &BTreeSet<Right>) -> Vec<String> {
    rights.iter().map(ToString::to_string).collect()
}

#[test]
fn every_role_allows_what_its_function_does_and_nothing_else() {
    let template = Template::of_this_build();
    let calls = life::lived();
    let mut faults = Vec::new();
    for program in PROGRAMS.into_iter().chain(PICTURES) {
        let used = calls[program].iter().flat_map(|call| call.rights.clone());
        let used: BTreeSet<Right> = used.collect();
        assert!(!used.is_empty(), "{program} did nothing");
        let granted = granted(template, program);
        let reasoned = not_recorded(program);
        let by_lambda = asked_by_lambda(template, program);
        let asks = asked_of_functions(program);
        let needed: BTreeSet<_> = used
            .union(&by_lambda)
            .chain(&reasoned)
            .chain(&asks)
            .cloned()
            .collect();
        let rows = [
            ("lacks", needed.difference(&granted).cloned().collect()),
            (
                "does not use",
                granted.difference(&needed).cloned().collect(),
            ),
            (
                "uses after all",
                reasoned.intersection(&used).cloned().collect(),
            ),
        ];
        let rows = rows
            .into_iter()
            .filter(|row: &(_, BTreeSet<Right>)| !row.1.is_empty());
        faults.extend(rows.map(|(how, rights)| (program, how, listed(&rights))));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
