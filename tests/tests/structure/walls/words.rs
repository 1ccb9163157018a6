//! The field's language: words of the project's own that the sources do not use any more.

use std::path::{Path, PathBuf};

/// Words of the project's own that were retired, each with the term of the field to use instead. A word
/// here has no place in an identifier or a comment; CONTRIBUTING.md has the table for people.
const RETIRED: &[(&str, &str)] = &[
    ("anew", "again"),
    ("anybody", "any caller, a person"),
    ("beside", "next to"),
    ("besides", "in addition"),
    ("commonness", "stop features"),
    ("crew", "tasks"),
    ("dice", "rng"),
    ("doorbell", "wakeup"),
    ("doorbells", "wakeups"),
    ("entomb", "put a tombstone"),
    ("everybody", "all"),
    ("fate", "outcome; injection in the simulator"),
    ("fates", "outcomes; injections in the simulator"),
    ("himself", "itself"),
    ("holdings", "snapshot"),
    ("house", "system, workspace; cluster in the simulator"),
    ("lane", "shard, priority or limit"),
    ("lanes", "shards, priorities or limits"),
    ("ledger", "metadata database"),
    ("lesson", "training sample"),
    ("lessons", "training samples"),
    ("luck", "random numbers"),
    ("mailbox", "queue"),
    ("meanwhile", "concurrently"),
    ("nobody", "no caller, no reader, no program"),
    ("parcel", "upload object"),
    ("parcels", "upload objects"),
    ("scrub", "vacuum"),
    ("scrubbed", "vacuumed"),
    ("seat", "permit"),
    ("seats", "permits, a connection limit"),
    ("shelf", "bucket of the hash index, prefix of S3"),
    ("shelves", "buckets of the hash index, prefixes of S3"),
    ("sieve", "prefilter"),
    ("sift", "prefilter"),
    ("somebody", "another caller, a person"),
    ("spot", "key point"),
    ("spots", "key points"),
    ("strays", "orphans"),
    ("trouble", "failure, error"),
    ("twins", "duplicates"),
    ("whoever", "the caller, a reader, a client"),
    ("wish", "request"),
];

/// Where a retired word stays, and why.
const ALLOWED: &[(&str, &str, &str)] = &[
    (
        "shared/embedded/src/folder.rs",
        "ledger",
        "the name of the file on disk",
    ),
    (
        "shared/fingerprint/src/pdq/",
        "lane",
        "lanes of a vector register",
    ),
    (
        "shared/fingerprint/src/pdq/",
        "lanes",
        "lanes of a vector register",
    ),
    ("walls/words.rs", "", "this list"),
    (
        "shared/photo/",
        "",
        "its words follow: another change was at work there",
    ),
    (
        "review/tests/contract/main.rs",
        "lanes",
        "the name of a file of tests",
    ),
];

/// The text of a Rust source without its string and character literals: what is stored, served or
/// printed keeps its name. Line breaks stay.
fn without_literals(source: &str) -> String {
    let (mut kept, mut rest) = (String::new(), source);
    while let Some(next) = rest.chars().next() {
        let word_before = kept.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let skipped = match next {
            '/' if rest.starts_with("//") => {
                let (line, _) = rest.split_once('\n').unwrap_or((rest, ""));
                kept.push_str(line);
                rest = &rest[line.len()..];
                continue;
            }
            '"' => quoted(rest, 1),
            'r' | 'b' if !word_before => raw(rest),
            '\'' => character(rest),
            _ => 0,
        };
        let (literal, after) = rest.split_at(skipped.max(next.len_utf8()));
        match skipped {
            0 => kept.push_str(literal),
            _ => kept.extend(literal.chars().filter(|c| *c == '\n')),
        }
        rest = after;
    }
    kept
}

/// Bytes up to the end of the string that is open at `from`.
fn quoted(text: &str, from: usize) -> usize {
    let mut escaped = false;
    let end = text[from..].char_indices().find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| from + at + 1)
}

/// Bytes of the raw string that starts here; 0 if none does.
fn raw(text: &str) -> usize {
    let start = text.strip_prefix('b').unwrap_or(text);
    let Some(hashes) = start.strip_prefix('r') else {
        return 0;
    };
    let body = hashes.trim_start_matches('#');
    let fence = &hashes[..hashes.len() - body.len()];
    let Some(body) = body.strip_prefix('"') else {
        return 0;
    };
    let end = format!("\"{fence}");
    let before = text.len() - body.len();
    body.find(&end)
        .map_or(text.len(), |at| before + at + end.len())
}

/// Bytes of the character literal that starts here; 0 for a lifetime.
fn character(text: &str) -> usize {
    let inner = &text[1..];
    match inner.strip_prefix('\\') {
        Some(escape) => escape[1..].find('\'').map_or(0, |at| at + 4),
        None => {
            let Some(first) = inner.chars().next() else {
                return 0;
            };
            let after = 1 + first.len_utf8();
            match text[after..].starts_with('\'') {
                true => after + 1,
                false => 0,
            }
        }
    }
}

/// The words of a line, in lower case: `LogEntry` and `log_entry` are two words each.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in line.chars() {
        let starts = c.is_ascii_uppercase() && before.is_ascii_lowercase();
        if starts || !c.is_ascii_alphabetic() {
            words.push(String::new());
        }
        if c.is_ascii_alphabetic() {
            let word = words.last_mut().expect("there is always one");
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What is wrong with the words of one source, a sentence for each place.
fn retired_words(path: &str, source: &str) -> Vec<String> {
    let text = without_literals(source);
    let is_allowed = |word: &str| {
        let mut allowed = ALLOWED.iter();
        allowed.any(|(place, one, _)| path.contains(place) && (one.is_empty() || *one == word))
    };
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for word in words(line) {
            let retired = RETIRED.iter().find(|(one, _)| *one == word);
            if let Some((word, term)) = retired.filter(|(one, _)| !is_allowed(one)) {
                found.push(format!(
                    "{path}:{number}: \"{word}\" is retired, say: {term}"
                ));
            }
        }
    }
    found
}

/// The Rust sources below a folder, but for what was built.
pub(super) fn add_sources(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the checkout is readable") {
        let path = entry.expect("the checkout is readable").path();
        if path.is_dir() && !path.ends_with("target") {
            add_sources(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            sources.push(path);
        }
    }
}

#[test]
fn no_source_says_a_retired_word() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut sources = Vec::new();
    for folder in ["functions", "shared", "tests", "fuzz/fuzz_targets"] {
        add_sources(&Path::new(root).join(folder), &mut sources);
    }
    assert!(sources.len() > 300, "the sources are found");
    let found = sources.iter().flat_map(|path| {
        let source = std::fs::read_to_string(path).expect("sources are UTF-8");
        let path = path.strip_prefix(root).expect("below the root");
        retired_words(path.to_str().expect("our names are UTF-8"), &source)
    });
    let found: Vec<String> = found.collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_retired_word_is_found_in_names_and_comments_and_not_in_literals() {
    for (source, expected) in [
        ("fn of_the_house() {}", 1),
        ("struct HouseRules;", 1),
        ("const HOUSE: u8 = 1; // whoever asks", 2),
        ("let name = \"house\";", 0),
        ("let name = r#\"a \"house\" of his\"#;", 0),
        ("let (c, d) = ('\"', '\\''); // anew", 1),
        ("fn f<'a>(house: &'a str) {}", 1),
        ("let greenhouse = households;", 0),
    ] {
        assert_eq!(retired_words("x.rs", source).len(), expected, "{source}");
    }
}
