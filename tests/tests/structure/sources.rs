//! Sources can be read by people and by text tools: no NUL byte, which makes git call a file binary and
//! show no differences of it, and no comment that is wider than a window.

use std::path::{Path, PathBuf};

use proofs::checkout::root;

/// Kinds of files that are text.
const TEXT: &[&str] = &[
    "rs", "toml", "md", "py", "sh", "json", "yaml", "txt", "snap",
];
/// Characters of a line of Rust. `cargo fmt` keeps code within 100; it does not break comments.
const LINE_MAX: usize = 120;
/// Folders that are no source of ours.
const NOT_OURS: &[&str] = &["target", ".git", "corpus"];

/// Every file of text in the checkout.
fn files() -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("a readable folder");
        for path in entries.map(|entry| entry.expect("a readable entry").path()) {
            let is_ours = !NOT_OURS.iter().any(|name| path.ends_with(name));
            if path.is_dir() && !path.is_symlink() && is_ours {
                folders.push(path);
            } else if has_end(&path, TEXT) {
                found.push(path);
            }
        }
    }
    found
}

fn has_end(path: &Path, ends: &[&str]) -> bool {
    let end = path.extension().and_then(|end| end.to_str());
    end.is_some_and(|end| ends.contains(&end)) && path.is_file()
}

/// Addresses, rows of tables and texts are not broken.
fn cannot_be_broken(line: &str) -> bool {
    let is_row = line.trim_start().starts_with("//! |");
    is_row || ["https://", "\""].iter().any(|it| line.contains(it))
}

#[test]
fn no_text_has_a_nul_byte() {
    let files = files();
    assert!(files.len() > 500, "the check sees the sources");
    let holds_nul = |path: &&PathBuf| std::fs::read(path).expect("readable").contains(&0);
    let broken: Vec<_> = files.iter().filter(holds_nul).collect();
    assert!(broken.is_empty(), "write \\0 instead: {broken:?}");
}

#[test]
fn no_line_of_rust_is_wider_than_a_window() {
    let mut wide = Vec::new();
    for path in files().into_iter().filter(|path| has_end(path, &["rs"])) {
        let text = std::fs::read_to_string(&path).expect("a source in UTF-8");
        let too_wide =
            |(_, line): &(usize, &str)| line.chars().count() > LINE_MAX && !cannot_be_broken(line);
        let here = (1..).zip(text.lines()).filter(too_wide);
        wide.extend(here.map(|(number, _)| format!("{}:{number}", path.display())));
    }
    assert_eq!(wide, Vec::<String>::new(), "over {LINE_MAX} characters");
}
