//! What wakes the functions.

use crate::dependencies::rust_files;
use std::collections::{BTreeSet, HashMap};

use proofs::checkout::root;
use serde_json::{Value, json};

use super::programs;
use sources::template::{Template, target};

/// The properties of every event source of a type, with its function.
fn sources<'a>(template: &'a Template, kind: &str) -> Vec<(String, &'a Value)> {
    let all = programs();
    let each = all.iter().flat_map(|program| {
        let sources = template.sources(program).into_iter();
        sources.map(|source| (program.clone(), source))
    });
    each.filter(|(_, source)| source["Type"] == kind)
        .map(|(program, source)| (program, &source["Properties"]))
        .collect()
}

#[test]
fn every_queue_and_stream_learns_what_failed() {
    let template = Template::of_this_build();
    let (queues, streams) = (sources(template, "SQS"), sources(template, "DynamoDB"));
    assert_eq!((queues.len(), streams.len()), (2, 5));
    for (program, source) in queues.iter().chain(&streams) {
        let responses = json!(["ReportBatchItemFailures"]);
        assert_eq!(source["FunctionResponseTypes"], responses, "{program}");
    }
}

#[test]
fn a_queue_hides_a_message_for_six_times_its_functions_time() {
    let template = Template::of_this_build();
    for (program, source) in sources(template, "SQS") {
        let queue = &template.resource(&target(&source["Queue"]).0)["Properties"];
        let hidden_s = queue["VisibilityTimeout"].as_u64().expect("a number");
        let function = template.function(&program);
        let time_s = function["Timeout"].as_u64().expect("a number");
        assert!(hidden_s >= 6 * time_s, "{program}: {hidden_s} for {time_s}");
        let redrive = &queue["RedrivePolicy"];
        assert!(redrive["maxReceiveCount"].as_u64() >= Some(2), "{program}");
        let letters = target(&redrive["deadLetterTargetArn"]).0;
        let letters = &template.resource(&letters)["Properties"];
        let kept = |queue: &Value| queue["MessageRetentionPeriod"].as_u64();
        assert!(kept(letters) > kept(queue), "{program}");
    }
}

#[test]
fn a_change_that_cannot_be_worked_on_is_set_aside_before_the_stream_forgets_it() {
    let template = Template::of_this_build();
    for (program, source) in sources(template, "DynamoDB") {
        assert_eq!(source["StartingPosition"], "TRIM_HORIZON", "{program}");
        assert_eq!(source["BisectBatchOnFunctionError"], true, "{program}");
        let attempts = source["MaximumRetryAttempts"].as_u64();
        assert!(attempts.is_some_and(|it| (1..=10_000).contains(&it)));
        let age_s = source["MaximumRecordAgeInSeconds"].as_u64();
        assert!(age_s.is_some_and(|it| it < 86_400), "{program}");
        let aside = &source["DestinationConfig"]["OnFailure"]["Destination"];
        assert_eq!(target(aside).0, "StreamFailures", "{program}");
    }
}

/// Items by one word of theirs, as a stream's filter tells them apart: attribute and value.
type Word = (String, String);

fn words_let_through(template: &Template) -> BTreeSet<Word> {
    let mut words = BTreeSet::new();
    for (program, source) in sources(template, "DynamoDB") {
        let filters = source["FilterCriteria"]["Filters"].as_array();
        for filter in filters.expect("a filter, or every change is paid for") {
            let pattern = filter["Pattern"].as_str().expect("a pattern is text");
            let pattern: Value = serde_json::from_str(pattern).expect("a pattern is JSON");
            assert_eq!(pattern["eventName"], json!(["INSERT"]), "{program}");
            let image = pattern["dynamodb"]["NewImage"].as_object();
            for (attribute, values) in image.expect("a new image") {
                let values = values["S"].as_array().expect("texts");
                let text = |value: &Value| value.as_str().expect("a text").to_owned();
                words.extend(values.iter().map(|value| (attribute.clone(), text(value))));
            }
        }
    }
    words
}

/// Whether the code acts on a new item with this word: it asks for the rest of such an item, and
/// passes over any other.
fn is_news((attribute, value): &Word) -> bool {
    let value = serde_dynamo::AttributeValue::S(value.clone());
    let item = HashMap::from([(attribute.clone(), value)]);
    !matches!(store::inserted(item.into()), Ok(None))
}

/// Every text between two quotes in the store's source: the words of its items are among them.
fn texts_of_the_store() -> BTreeSet<String> {
    let mut sources = Vec::new();
    rust_files(&root().join("shared/store/src"), &mut sources);
    sources
        .into_iter()
        .map(|path| std::fs::read_to_string(path).expect("readable source"))
        .flat_map(|text| text.split('"').map(str::to_owned).collect::<Vec<_>>())
        .filter(|text| text.len() < 40)
        .collect()
}

#[test]
fn a_streams_filter_lets_through_what_the_code_acts_upon_and_nothing_else() {
    let let_through = words_let_through(Template::of_this_build());
    let texts = texts_of_the_store();
    let acted_upon: BTreeSet<Word> = ["kind", "outbox"]
        .into_iter()
        .flat_map(|attribute| {
            texts
                .iter()
                .map(move |text| (attribute.to_owned(), text.clone()))
        })
        .filter(is_news)
        .collect();
    assert_eq!(let_through, acted_upon);
}
