//! Whether the programs that deploy are there.

use std::path::PathBuf;

use super::Check;

const ABOUT: &str = "tools";

/// What `sam build` and `sam deploy` need.
const NEEDED: &[&str] = &["sam", "cargo", "cargo-lambda"];

/// Looks through the folders of a `PATH`.
pub fn check(path: &str) -> Check {
    let folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    let is_there = |tool: &str| folders.iter().any(|folder| folder.join(tool).is_file());
    let missing: Vec<_> = NEEDED
        .iter()
        .filter(|tool| !is_there(tool))
        .copied()
        .collect();
    if missing.is_empty() {
        return Check::good(ABOUT, NEEDED.join(", "));
    }
    let hint =
        "infra/build installs them below target/; or pip install aws-sam-cli cargo-lambda ziglang";
    Check::doubtful(
        ABOUT,
        format!("not on the path: {}", missing.join(", ")),
        hint,
    )
}
