//! The walls between crates: who may link what, read from `cargo metadata`.
//!
//! A wall is a security promise (ARCHITECTURE.md): hostile files and the identities of missing persons
//! never meet in one program, and pure crates stay pure.

#[path = "walls/words.rs"]
mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Crates that turn bytes from outside into pixels.
const DECODERS: &[&str] = &[
    "photo",
    "image",
    "zune-jpeg",
    "jpeg-decoder",
    "zune-core",
    "png",
    "gif",
    "tiff",
    "image-webp",
    "kamadak-exif",
    "image_hasher",
];
/// Crates of async, I/O, clocks and logging, which a pure crate must not link. (`log`, a facade that
/// does nothing by itself, comes with `image_hasher`.)
const IMPURE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "futures",
    "hyper",
    "reqwest",
    "tracing",
    "axum",
    "rusqlite",
    "aws-config",
    "aws-sdk-s3",
    "aws-sdk-dynamodb",
    "lambda_runtime",
    "mio",
    "socket2",
];
const PURE: &[&str] = &[
    "features",
    "photo",
    "fingerprint",
    "matching",
    "records",
    "segments",
    "evidence",
    "pages",
];
const PROGRAMS: &[&str] = &["ingest", "enroll", "lookup", "alert", "review", "upkeep"];
/// What makes pictures for people: two functions of one program.
const PICTURE: &str = "picture";

/// All crates that `name` links in a normal build, itself left out.
fn linked(metadata: &Metadata, name: &str) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().expect("cargo metadata resolves");
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|n| (&n.id, n)).collect();
    let names: BTreeMap<&PackageId, &str> = metadata
        .packages
        .iter()
        .map(|p| (&p.id, p.name.as_str()))
        .collect();
    let start = metadata
        .workspace_packages()
        .into_iter()
        .find(|p| p.name.as_str() == name)
        .unwrap_or_else(|| panic!("no crate named {name} in the workspace"));
    let mut queue = VecDeque::from([&start.id]);
    let mut seen = BTreeSet::new();
    while let Some(id) = queue.pop_front() {
        let normal = nodes[id].deps.iter().filter(|dep| {
            dep.dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal)
        });
        for dep in normal {
            if seen.insert(names[&dep.pkg].to_owned()) {
                queue.push_back(&dep.pkg);
            }
        }
    }
    seen
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .exec()
        .expect("cargo metadata runs")
}

/// The decoder of JPEG XL brings `tracing`. It runs in the child process of `photo::sandbox` alone, where
/// no subscriber listens to it and nothing could be written.
fn is_allowed(name: &str, forbidden: &str) -> bool {
    name == "photo" && forbidden == "tracing"
}

fn links_none_of(name: &str, forbidden: &[&str]) {
    let linked = linked(&metadata(), name);
    let broken: Vec<_> = forbidden
        .iter()
        .filter(|f| linked.contains(**f) && !is_allowed(name, f))
        .collect();
    assert!(
        broken.is_empty(),
        "{name} links {broken:?}: a wall of the house is broken"
    );
}

#[test]
fn ingest_links_no_matching_code() {
    links_none_of("ingest", &["matching"]);
}

#[test]
fn enroll_links_no_matching_code() {
    links_none_of("enroll", &["matching"]);
}

#[test]
fn lookup_links_no_decoder_and_no_pixel_code() {
    links_none_of("lookup", DECODERS);
    links_none_of("lookup", &["fingerprint"]);
}

#[test]
fn review_alert_and_upkeep_link_no_decoder() {
    for name in ["review", "alert", "upkeep"] {
        links_none_of(name, DECODERS);
    }
}

#[test]
fn pages_know_no_store_and_no_decoder() {
    links_none_of("pages", DECODERS);
    links_none_of("pages", &["store", "matching", "fingerprint"]);
}

#[test]
fn picture_links_no_matching_code_and_no_other_program() {
    links_none_of(PICTURE, &["matching", "fingerprint", "pages", "reqwest"]);
    links_none_of(PICTURE, PROGRAMS);
}

#[test]
fn only_alert_links_an_http_client_of_its_own() {
    let metadata = metadata();
    for name in PROGRAMS.iter().filter(|name| **name != "alert") {
        assert!(
            !linked(&metadata, name).contains("reqwest"),
            "{name} has a way out"
        );
    }
    assert!(
        linked(&metadata, "alert").contains("reqwest"),
        "the check would see reqwest"
    );
}

#[test]
fn pure_crates_link_no_async_io_or_logging() {
    for name in PURE {
        links_none_of(name, IMPURE);
    }
}

/// Values of the domain stay out of the code of pixels and of matching.
#[test]
fn pixels_and_matching_know_no_record() {
    for name in ["photo", "fingerprint", "matching", "features", "evidence"] {
        links_none_of(name, &["records"]);
    }
}

#[test]
fn only_records_derives_serde() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let derives = package
            .dependencies
            .iter()
            .any(|d| d.kind == DependencyKind::Normal && d.name == "serde");
        let allowed = ["records", "embedded"].contains(&package.name.as_str());
        assert!(
            allowed || !derives,
            "{} depends on serde; shapes belong to records",
            package.name
        );
    }
}

#[test]
fn programs_never_import_each_other() {
    let metadata = metadata();
    for name in PROGRAMS {
        let linked = linked(&metadata, name);
        let others: Vec<_> = PROGRAMS.iter().filter(|p| linked.contains(**p)).collect();
        assert!(others.is_empty(), "{name} imports {others:?}");
    }
    let host = linked(&metadata, "laptop");
    assert!(
        PROGRAMS.iter().all(|p| host.contains(*p)),
        "the laptop hosts every program"
    );
}

/// What a server, or the AWS SDK, is made of.
fn is_of_a_server(name: &str) -> bool {
    let servers = [
        "axum",
        "embedded",
        "store",
        "rusqlite",
        "s3s",
        "lambda_runtime",
    ];
    servers.contains(&name) || name.starts_with("aws-") || PROGRAMS.contains(&name)
}

#[test]
fn what_an_uploader_runs_links_no_server_and_no_aws_sdk() {
    let metadata = metadata();
    let servers = |name: &str| -> Vec<_> {
        let linked = linked(&metadata, name).into_iter();
        linked.filter(|name| is_of_a_server(name)).collect()
    };
    for name in ["uploader", "console", "lab"] {
        assert_eq!(servers(name), Vec::<String>::new(), "{name}");
    }
    assert!(servers("laptop").len() > 10, "the check would see them");
}

/// Standard library and crates that are there on Unix alone.
const UNIX_ALONE: [&str; 4] = ["os::unix", "signal::unix", "rustix::", "libc::"];

/// Lines of a file that need Unix where no `cfg` says so, in the forty lines before, or for all of its tests.
fn unguarded(text: &str) -> Vec<&str> {
    let lines: Vec<_> = text.lines().collect();
    let guards =
        |line: &str| line.contains("cfg(") && (line.contains("unix") || line.contains("linux"));
    let tests = lines
        .iter()
        .position(|line| line.contains("all(test, unix)"));
    let needs = |line: &str| UNIX_ALONE.iter().any(|it| line.contains(it));
    let is_open = |at: &usize| {
        let before = lines.get(at.saturating_sub(40)..*at).unwrap_or_default();
        tests.is_none_or(|tests| *at < tests) && !before.iter().any(|line| guards(line))
    };
    let found = (0..lines.len()).filter(|at| needs(lines[*at]));
    found.filter(is_open).map(|at| lines[at]).collect()
}

/// Uploaders have Windows and macOS.
#[test]
fn what_an_uploader_runs_imports_nothing_that_is_on_unix_alone() {
    let metadata = metadata();
    let linked = linked(&metadata, "uploader");
    let ours = metadata.workspace_packages().into_iter();
    let ours = ours.filter(|it| it.name == "uploader" || linked.contains(it.name.as_str()));
    let mut files = 0;
    for package in ours {
        let folder = package
            .manifest_path
            .parent()
            .expect("a manifest has a folder");
        let mut sources = Vec::new();
        words::add_sources(folder.join("src").as_std_path(), &mut sources);
        for path in sources {
            let text = std::fs::read_to_string(&path).expect("a source in UTF-8");
            assert_eq!(unguarded(&text), Vec::<&str>::new(), "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 50, "{files}");
    let bare = "fn f() {\n    rustix::process::getpid();\n}\n";
    assert_eq!(unguarded(bare).len(), 1, "the check would see it");
}

#[test]
fn every_lambda_main_is_at_most_60_lines() {
    for name in PROGRAMS.iter().chain([&PICTURE]) {
        let path = format!(
            "{}/../functions/{name}/src/main.rs",
            env!("CARGO_MANIFEST_DIR")
        );
        let lines = std::fs::read_to_string(&path)
            .expect("main.rs is there")
            .lines()
            .count();
        assert!(lines <= 60, "{path} has {lines} lines");
    }
}

#[test]
fn decoders_may_panic_so_panics_unwind() {
    let manifest = include_str!("../../../Cargo.toml");
    assert!(!manifest.contains("panic = \"abort\""));
}
