//! Who may do what.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::programs;
use sources::template::{Template, list, target};

/// The logical ids that a resource of a right names.
fn named(resource: &Value) -> String {
    if resource == "*" {
        return "*".to_owned();
    }
    if let Some(text) = resource["Fn::Sub"].as_str() {
        let inner = text
            .strip_prefix("${")
            .and_then(|rest| rest.split_once('}'));
        let (reference, _) = inner.expect("an ARN by reference");
        return reference.trim_end_matches(".Arn").to_owned();
    }
    target(resource).0
}

/// Every resource that a program's role names, conditions included.
fn reach(template: &Template, program: &str) -> BTreeSet<String> {
    let resources = |right: &Value| list(&right["Resource"]);
    let rights = template.rights(program);
    rights
        .iter()
        .flat_map(resources)
        .map(|r| named(&r))
        .collect()
}

/// What X-Ray asks for, if a deployment chooses it: AWS knows no resource for these.
const TRACES: [&str; 2] = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];

#[test]
fn no_right_is_wider_than_an_action_on_a_resource() {
    let template = Template::of_this_build();
    for program in programs() {
        for right in template.rights(&program) {
            assert_eq!(right["Effect"], "Allow", "{program}");
            for action in list(&right["Action"]) {
                let action = action.as_str().expect("an action is text").to_owned();
                assert!(!action.contains('*'), "{program}: {action}");
            }
            for resource in list(&right["Resource"]) {
                if resource == "*" {
                    assert_eq!(
                        right["Sid"], "Traces",
                        "{program}: only a choice may be so wide"
                    );
                    assert_eq!(right["Action"], json!(TRACES), "{program}");
                    continue;
                }
                // A resource of this template; below a bucket, one folder.
                assert!(!named(&resource).contains('*'), "{program}: {resource}");
                let below = resource["Fn::Sub"].as_str().unwrap_or_default();
                let folder = below.split_once('}').map_or("", |(_, folder)| folder);
                let allowed = ["", "/ads/*", "/packs/*", "/references/*"];
                assert!(allowed.contains(&folder), "{program}: {resource}");
            }
        }
    }
}

#[test]
fn every_function_has_a_role_of_its_own_and_only_that_one() {
    let template = Template::of_this_build();
    let roles: BTreeSet<_> = programs()
        .iter()
        .map(|program| target(&template.function(program)["Role"]).0)
        .collect();
    assert_eq!(roles.len(), programs().len());
    let all = template.all("AWS::IAM::Role");
    assert_eq!(all.len(), roles.len(), "a role without a function");
    for (id, role) in all {
        assert!(role.get("ManagedPolicyArns").is_none(), "{id}");
        let trusted = &role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"];
        assert_eq!(trusted["Service"], "lambda.amazonaws.com", "{id}");
    }
    for program in programs() {
        let function = template.function(&program);
        assert!(function.get("Policies").is_none(), "{program}");
    }
}

#[test]
fn ingest_is_told_and_allowed_nothing_about_references() {
    let template = Template::of_this_build();
    let function = template.function("ingest").to_string();
    let rights = Value::Array(template.rights("ingest")).to_string();
    for text in [function, rights] {
        for word in ["reference", "lead", "deliver", "tenant", "enroll"] {
            assert!(!text.to_lowercase().contains(word), "{word} in {text}");
        }
    }
}

/// As the map in ARCHITECTURE.md says it.
#[test]
fn a_function_reaches_what_the_map_allows() {
    let template = Template::of_this_build();
    let check = |program: &str, tables: &[&str], buckets: &[&str]| {
        let reach = reach(template, program);
        let of = |kind: &str| -> BTreeSet<String> {
            let short = |id: &String| id.strip_suffix(kind).map(str::to_owned);
            reach.iter().filter_map(short).collect()
        };
        let expected = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
        assert_eq!(of("Table"), expected(tables), "{program}");
        assert_eq!(of("Bucket"), expected(buckets), "{program}");
        assert!(reach.contains(&format!("{}Log", title(program))));
    };
    check("ingest", &["Ads", "AdsTail"], &["Ads", "Segments"]);
    check(
        "enroll",
        &["References", "ReferencesTail", "Tenants"],
        &["References"],
    );
    let both_sets = [
        "Ads",
        "AdsTail",
        "References",
        "ReferencesTail",
        "Searches",
        "Leads",
    ];
    check("lookup", &both_sets, &["Segments"]);
    check(
        "alert",
        &["Leads", "References", "Deliveries", "Tenants"],
        &[],
    );
    let tables = store::TABLES.iter();
    let all_but_what_is_searched: Vec<String> = tables
        .map(|it| it.table.suffix().split('-').map(title).collect())
        .filter(|id| id != "AdsTail" && id != "Searches")
        .collect();
    let for_review: Vec<&str> = all_but_what_is_searched
        .iter()
        .map(String::as_str)
        .collect();
    check("review", &for_review, &["Ads", "References"]);
    check(
        "upkeep",
        &[
            "Ads",
            "AdsTail",
            "References",
            "ReferencesTail",
            "Searches",
            "Leads",
            "Deliveries",
            "Tenants",
        ],
        &["Ads", "References", "Segments"],
    );
}

fn title(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

#[test]
fn a_right_to_a_bucket_comes_with_its_name() {
    let template = Template::of_this_build();
    for program in programs() {
        let told = template.variables(&program);
        for (bucket, variable) in [
            ("AdsBucket", "HOMEWARD_ADS_BUCKET"),
            ("ReferencesBucket", "HOMEWARD_REFERENCES_BUCKET"),
            ("SegmentsBucket", "HOMEWARD_SEGMENTS_BUCKET"),
        ] {
            let allowed = reach(template, &program).contains(bucket);
            assert!(!allowed || told.contains(variable), "{program}: {variable}");
        }
    }
}

#[test]
fn no_role_may_update_or_delete_an_entry_of_the_audit_log() {
    let template = Template::of_this_build();
    for program in programs() {
        for right in template.rights(&program) {
            let resources = list(&right["Resource"]);
            let is_audit = resources.iter().any(|it| named(it) == "AuditTable");
            let changes = ["dynamodb:UpdateItem", "dynamodb:DeleteItem"];
            let may_change = changes
                .iter()
                .any(|it| list(&right["Action"]).contains(&Value::from(*it)));
            assert!(
                !(is_audit && may_change),
                "{program} may change the audit log"
            );
        }
    }
}
