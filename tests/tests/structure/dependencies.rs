//! Every dependency is used: one that is not costs each build, and widens what a program may touch.

use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Packages whose library has a name of its own.
const LIBRARIES: &[(&str, &str)] = &[("dynoxide-rs", "dynoxide")];

/// All Rust files below a folder.
pub(crate) fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return; // not every crate has benches
    };
    for path in entries.map(|entry| entry.expect("a readable entry").path()) {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

/// The lines of code of a crate that `kind` of dependency is for.
fn code(package: &Package, kind: DependencyKind) -> Vec<String> {
    let root = package.manifest_path.parent().expect("a folder");
    let folders: &[&str] = match kind {
        DependencyKind::Normal => &["src"],
        _ => &["src", "tests", "benches", "bench"],
    };
    let mut files = Vec::new();
    for folder in folders {
        rust_files(root.join(folder).as_std_path(), &mut files);
    }
    let text = |path: PathBuf| std::fs::read_to_string(path).expect("a source in UTF-8");
    let lines = files.into_iter().map(text).collect::<String>();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    lines.lines().filter(is_code).map(str::to_owned).collect()
}

/// Whether a line names a crate: as the start of a path, or to give it another name.
fn names(line: &str, library: &str) -> bool {
    line.match_indices(library).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + library.len()..];
        let starts = !before.is_some_and(|c| c.is_alphanumeric() || "_:\"".contains(c));
        let goes_on = ["::", ";", " as "].iter().any(|it| after.starts_with(it));
        starts && goes_on
    })
}

fn library_of(dependency: &str) -> String {
    let own = LIBRARIES.iter().find(|(package, _)| *package == dependency);
    own.map_or(dependency, |(_, library)| library)
        .replace('-', "_")
}

#[test]
fn a_crate_is_named_by_a_path_and_not_by_a_word() {
    assert!(names("use store::Table;", "store"));
    assert!(names("    let n: store::Names = names();", "store"));
    assert!(!names("use crate::store::Table;", "store"));
    assert!(!names("    \"store::leads\",", "store"));
    assert!(!names("fn restore::<T>()", "store"));
    assert!(!names("let store = 1 + 1", "store"));
}

#[test]
fn every_dependency_is_used() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo metadata runs");
    let mut unused = Vec::new();
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            let library = library_of(&dependency.name);
            let code = code(package, dependency.kind);
            if !code.iter().any(|line| names(line, &library)) {
                unused.push(format!("{} by {}", dependency.name, package.name));
            }
        }
    }
    assert_eq!(unused, Vec::<String>::new());
}
