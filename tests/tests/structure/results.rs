//! Each measured number once: what the documents say is what `docs/results.json` has, with date and command.

use std::collections::BTreeSet;

use proofs::checkout::root;
use serde_json::Value;

/// How far a number may be from the one that it rounds.
const ROUNDING_MAX: f64 = 0.015;

/// The chapters of README that state measures.
const MEASURED: [&str; 2] = ["## What it finds", "## How fast, and what it costs"];

/// Numbers there that are sizes of what is asked about, not measures.
const NOT_MEASURED: [&str; 4] = ["10^5", "10^4", "1,000", "5,000"];

fn document(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).expect("a document of the project")
}

fn results() -> Vec<Value> {
    let file: Value = serde_json::from_str(&document("docs/results.json")).expect("JSON");
    file["results"].as_array().expect("a list").clone()
}

/// Where a result is said: the document and the words.
fn said(result: &Value) -> Vec<(String, String)> {
    let places = result["said"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    places
        .map(|place| (text(&place[0]), text(&place[1])))
        .collect()
}

/// The first number in some words; commas part thousands.
fn number(words: &str) -> f64 {
    let from = words.trim_start_matches(|c: char| !c.is_ascii_digit());
    let digits = |c: &char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let digits: String = from
        .chars()
        .take_while(digits)
        .filter(|c| *c != ',')
        .collect();
    digits.parse().expect("a number")
}

/// All numbers of a text, as written.
fn numbers(text: &str) -> BTreeSet<String> {
    let apart = |c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '^'));
    let words = text.split(apart).map(|word| word.trim_matches(['.', ',']));
    words
        .filter(|word| word.contains(|c: char| c.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_a_document_says_is_what_was_measured() {
    for result in results() {
        let measured = result["value"].as_f64().expect("a number");
        for (name, words) in said(&result) {
            assert!(
                document(&name).contains(&words),
                "{name} does not say {words}"
            );
            let off = (number(&words) - measured).abs() / measured;
            assert!(off <= ROUNDING_MAX, "{name}: {words} is not {measured}");
        }
        let is_dated = result["date"]
            .as_str()
            .is_some_and(|date| date.starts_with("20"));
        let is_repeatable = result["command"].as_str().is_some_and(|it| !it.is_empty());
        assert!(is_dated && is_repeatable, "{result}");
    }
}

#[test]
fn readme_states_no_measure_of_its_own() {
    let readme = document("README.md");
    let in_readme = results().into_iter().flat_map(|result| said(&result));
    let known: BTreeSet<String> = in_readme
        .filter(|(name, _)| name == "README.md")
        .map(|(_, words)| words)
        .collect();
    for chapter in MEASURED {
        let (_, rest) = readme.split_once(chapter).expect("a chapter of README");
        let text = rest.split("\n## ").next().expect("its text");
        let own = numbers(text)
            .into_iter()
            .filter(|number| !known.contains(number) && !NOT_MEASURED.contains(&number.as_str()));
        assert_eq!(own.collect::<Vec<_>>(), Vec::<String>::new(), "{chapter}");
    }
    assert_eq!(
        numbers("0.989 of 13,880, in 10^5."),
        ["0.989", "10^5", "13,880"].map(str::to_owned).into()
    );
}
