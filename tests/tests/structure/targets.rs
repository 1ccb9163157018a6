//! What is built for tests: few executables, since each is linked again after every change, and no test
//! that is written and never built.

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package, Target};

/// Crates with more than one test executable, how many, and why.
const SEVERAL: &[(&str, usize, &str)] = &[
    ("photo", 3, "two count the memory of their process"),
    (
        "proofs",
        3,
        "what is there, what is simulated, what runs as processes",
    ),
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata runs")
}

fn own_targets(metadata: &Metadata) -> impl Iterator<Item = (&Package, &Target)> {
    let packages = metadata.workspace_packages().into_iter();
    packages.flat_map(|package| package.targets.iter().map(move |target| (package, target)))
}

/// The Rust files of a target: a library's folder without the programs in it, or a program's one file.
fn sources(target: &Target) -> Vec<PathBuf> {
    let root = target.src_path.as_std_path();
    if target.is_bin() {
        return vec![root.to_owned()];
    }
    let is_program = |path: &Path| path.ends_with("src/bin") || path.ends_with("src/main.rs");
    let mut found = Vec::new();
    let mut folders = vec![root.parent().expect("a file has a folder").to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("a readable folder");
        let paths = entries.map(|entry| entry.expect("a readable entry").path());
        for path in paths.filter(|path| !is_program(path)) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The lines of a target that `matters` picks, each with its file.
fn lines(target: &Target, matters: impl Fn(&str) -> bool) -> Vec<(PathBuf, String)> {
    let in_file = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a source in UTF-8");
        let lines = text.lines().map(str::trim).filter(|line| matters(line));
        let lines = lines.map(|line| (path.clone(), line.to_owned()));
        lines.collect::<Vec<_>>()
    };
    sources(target).into_iter().flat_map(in_file).collect()
}

fn starts_a_test(line: &str) -> bool {
    ["#[test]", "#[tokio::test", "proptest!"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// A line that opens an example which `cargo test --doc` would run.
fn starts_an_example(line: &str) -> bool {
    let comment = line
        .strip_prefix("///")
        .or_else(|| line.strip_prefix("//!"));
    let fence = comment.and_then(|text| text.trim_start().strip_prefix("```"));
    fence.is_some_and(|language| !["text", "sh"].contains(&language))
}

/// Whether the first of a pair of fences names no language but Rust's.
fn runs_an_example(target: &Target) -> bool {
    let fences = lines(target, |line| line.contains("```"));
    let mut opening = fences.iter().step_by(2);
    opening.any(|(_, line)| starts_an_example(line))
}

#[test]
fn a_crate_has_one_test_executable() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let tests = package.targets.iter().filter(|it| it.is_test()).count();
        let several = SEVERAL.iter().find(|(name, ..)| package.name == *name);
        let allowed = several.map_or(1, |(_, count, _)| *count);
        assert!(tests <= allowed, "{} has {tests}", package.name);
    }
}

#[test]
fn what_is_not_built_for_tests_has_no_test() {
    let metadata = metadata();
    let untested = own_targets(&metadata)
        .filter(|(_, target)| (target.is_lib() || target.is_bin()) && !target.test);
    let mut seen = 0;
    for (package, target) in untested {
        let tests = lines(target, starts_a_test);
        assert!(tests.is_empty(), "{}: never built: {tests:?}", package.name);
        seen += 1;
    }
    assert!(seen > 5, "the check would see them");
}

#[test]
fn a_library_whose_examples_do_not_run_has_none() {
    let metadata = metadata();
    let (runs, silent): (Vec<_>, Vec<_>) = own_targets(&metadata)
        .filter(|(_, target)| target.is_lib())
        .partition(|(_, target)| target.doctest);
    for (package, target) in silent {
        assert!(!runs_an_example(target), "{}: never run", package.name);
    }
    for (package, target) in runs {
        assert!(
            runs_an_example(target),
            "{}: `doctest = false` saves its build",
            package.name
        );
    }
}
