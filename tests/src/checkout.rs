//! Where things are: the checkout, the built programs, the peers' Python, real photos.
#![allow(clippy::disallowed_methods, reason = "a setting says where photos are")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A built program of the workspace, e.g. `homeward`, next to the running test; or, of the functions,
/// what `infra/build` made in the folder that `HOMEWARD_PROGRAMS` names.
///
/// # Panics
/// If it is not built: `cargo build --workspace` does.
pub fn program(name: &str) -> PathBuf {
    if let Ok(folder) = std::env::var("HOMEWARD_PROGRAMS") {
        let (first, rest) = name.split_at(1);
        let function = format!("{}{rest}Function/bootstrap", first.to_uppercase());
        return root().join(folder).join(function);
    }
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join(name);
    assert!(
        path.exists(),
        "{} is not built; run `cargo build --workspace`",
        path.display()
    );
    path
}

/// The Python that has the peers installed (`tests/python/venv.sh` makes it, once).
pub fn python() -> PathBuf {
    let made = Command::new(root().join("tests/python/venv.sh"))
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "venv.sh: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    PathBuf::from(
        String::from_utf8(made.stdout)
            .unwrap()
            .trim()
            .lines()
            .last()
            .unwrap(),
    )
}

/// Real photos to prove things on: `HOMEWARD_PHOTOS`, or `../shared/photos` next to the checkout,
/// sorted by name; empty where neither exists.
pub fn photos() -> Vec<PathBuf> {
    let folder = std::env::var_os("HOMEWARD_PHOTOS")
        .map_or_else(|| root().join("../shared/photos"), PathBuf::from);
    let mut photos: Vec<_> = std::fs::read_dir(folder)
        .map(|entries| entries.filter_map(|e| Some(e.ok()?.path())).collect())
        .unwrap_or_default();
    photos.retain(|path| path.extension().is_some_and(|e| e == "jpg"));
    photos.sort();
    photos
}
