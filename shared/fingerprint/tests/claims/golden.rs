//! Hashes of drawn pictures as PyPI `pdqhash` 0.2.8 gave them, for where it cannot be installed.
#![allow(missing_docs)]

use crate::drawn;

use fingerprint::pdq;

/// `NAME WIDTHxHEIGHT HASH QUALITY` a line, written by `conformance.rs` from the peer's answers.
const GOLDEN: &str = include_str!("../golden.txt");

#[test]
fn drawn_pictures_have_the_hashes_that_were_committed() {
    let lines: Vec<String> = drawn::all()
        .iter()
        .map(|drawn| {
            let (hash, quality) = pdq(&drawn.picture());
            let hash: String = hash.0.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{} {hash} {quality}", drawn.name)
        })
        .collect();
    assert_eq!(lines, GOLDEN.lines().collect::<Vec<_>>());
}
