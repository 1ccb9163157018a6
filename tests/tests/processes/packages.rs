//! What Homeward is handed out as: made by `infra/package`, installed by the tools that people have.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use proofs::checkout::{program, root};
use serde_json::Value;

/// What a command prints, if it succeeds.
fn said(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {errors}");
    String::from_utf8(done.stdout).unwrap()
}

fn files(out: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(out).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

fn file(out: &Path, extension: &str) -> PathBuf {
    let of_kind = |path: &PathBuf| path.extension().is_some_and(|it| it == extension);
    files(out).into_iter().find(of_kind).unwrap()
}

/// One test, since packing takes half a minute.
#[test]
fn every_package_installs_and_finds_a_photo() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut make = Command::new(root().join("infra/package"));
    make.arg("--binary").arg(program("homeward"));
    said(make.arg("--out").arg(&out));
    pip_installs_the_wheel(&out);
    dpkg_unpacks_the_package_and_its_units_start_what_there_is(&out);
    the_archive_holds_what_the_recipe_of_the_image_wants(&out);
    checksums_licences_and_the_bill_of_materials_cover_everything(&out);
}

/// Finds a photo again with an installed program.
fn finds(homeward: &Path) {
    let version = said(Command::new(homeward).arg("--version"));
    assert!(version.starts_with("homeward 0.1.0 ("), "{version}");
    let world = tempfile::tempdir().unwrap();
    for folder in ["missing", "scraped"] {
        std::fs::create_dir(world.path().join(folder)).unwrap();
    }
    let photo = proofs::sim::bmp(7, 0);
    std::fs::write(world.path().join("missing/a.bmp"), &photo).unwrap();
    std::fs::write(world.path().join("scraped/b.bmp"), &photo).unwrap();
    let mut compare = Command::new(homeward);
    compare.args([
        "compare",
        "--references",
        "missing",
        "--ads",
        "scraped",
        "--out",
        "found.csv",
    ]);
    said(compare.current_dir(world.path()));
    let found = std::fs::read_to_string(world.path().join("found.csv")).unwrap();
    assert!(
        found.contains("a.bmp") && found.contains("b.bmp"),
        "{found}"
    );
}

fn pip_installs_the_wheel(out: &Path) {
    let venv = tempfile::tempdir().unwrap();
    said(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(venv.path()),
    );
    let mut pip = Command::new(venv.path().join("bin/pip"));
    said(
        pip.args(["install", "--quiet", "--no-index"])
            .arg(file(out, "whl")),
    );
    finds(&venv.path().join("bin/homeward"));
}

fn dpkg_unpacks_the_package_and_its_units_start_what_there_is(out: &Path) {
    let system = tempfile::tempdir().unwrap();
    said(
        Command::new("dpkg-deb")
            .arg("-x")
            .arg(file(out, "deb"))
            .arg(system.path()),
    );
    let homeward = system.path().join("usr/bin/homeward");
    finds(&homeward);
    let doc = system.path().join("usr/share/doc/homeward");
    let units = [
        system
            .path()
            .join("usr/lib/systemd/system/homeward.service"),
        doc.join("examples/homeward-upload.service"),
    ];
    for unit in units {
        let text = std::fs::read_to_string(&unit).unwrap();
        let start = text
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart="))
            .unwrap();
        let mut words = start.split_whitespace();
        assert_eq!(words.next(), Some("/usr/bin/homeward"));
        // It reads all of its arguments before it helps.
        said(Command::new(&homeward).args(words).arg("--help"));
    }
    assert!(doc.join("copyright").exists());
}

fn the_archive_holds_what_the_recipe_of_the_image_wants(out: &Path) {
    let recipe = out.join("Containerfile");
    let recipe = std::fs::read_to_string(recipe).unwrap();
    let archive = file(out, "gz");
    let name = archive.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("homeward-0.1.0-linux-"), "{name}");
    assert!(recipe.contains("ADD homeward-*-linux-*.tar.gz /opt/"));
    let opt = tempfile::tempdir().unwrap();
    said(
        Command::new("tar")
            .arg("-xzf")
            .arg(&archive)
            .arg("-C")
            .arg(opt.path()),
    );
    let folder = opt.path().join(name.strip_suffix(".tar.gz").unwrap());
    finds(&folder.join("homeward"));
    assert!(folder.join("completions/homeward.bash").exists());
}

fn checksums_licences_and_the_bill_of_materials_cover_everything(out: &Path) {
    said(
        Command::new("sha256sum")
            .args(["--strict", "--check", "SHA256SUMS"])
            .current_dir(out),
    );
    let sums = std::fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count() + 1, files(out).len());
    let bill: Value =
        serde_json::from_slice(&std::fs::read(out.join("homeward.cdx.json")).unwrap()).unwrap();
    let components = bill["components"].as_array().unwrap();
    let names: BTreeSet<&str> = components
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    for name in ["zune-jpeg", "rusqlite", "aws-sdk-s3", "askama", "photo"] {
        assert!(names.contains(name), "{name}");
    }
    // What only tests need, and what only the cloud's programs do.
    for name in ["insta", "proptest", "aws-sdk-lambda"] {
        assert!(!names.contains(name), "{name}");
    }
    let licences = said(
        Command::new("tar")
            .arg("-xzOf")
            .arg(file(out, "gz"))
            .args(["--wildcards", "*/THIRD-PARTY-LICENSES"]),
    );
    let foreign = components.iter().filter(|it| it["purl"].is_string());
    for component in foreign {
        let text = |name: &str| component[name].as_str().unwrap();
        let entry = format!("{} {} (", text("name"), text("version"));
        assert!(licences.contains(&entry), "{entry}");
    }
}

#[test]
fn what_cannot_be_packed_is_said() {
    for (arguments, told) in [
        (vec!["--binary", "/nowhere"], "/nowhere is no program"),
        (vec!["--wheel"], "--wheel is not known"),
    ] {
        let done = Command::new(root().join("infra/package"))
            .args(arguments)
            .output()
            .unwrap();
        let errors = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(2), "{errors}");
        assert!(errors.contains(told), "{errors}");
    }
}
