//! The file that keeps the secrets of a data folder, so that they need to be shown only once.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use console::terminal::print;

/// The file in the data folder: the JSON of the ready line, secrets included.
const FILE: &str = "credentials.json";

/// What only a file's owner may do with it.
const OWNER_ONLY: u32 = 0o600;

/// Where the credentials of a data folder are kept.
pub fn path(data: &Path) -> PathBuf {
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_path_buf());
    data.join(FILE)
}

/// The credentials of a data folder; none before its first start has got that far.
///
/// # Errors
/// A file that cannot be read, or holds something else.
pub fn kept(data: &Path) -> anyhow::Result<Option<Value>> {
    let path = path(data);
    if !path.exists() {
        return Ok(None);
    }
    close_to_others(&path)?;
    let text = fs::read_to_string(&path).context("reading the folder's credentials")?;
    let kept = serde_json::from_str(&text).context("credentials.json is damaged")?;
    Ok(Some(kept))
}

/// Keeps them, durably.
pub(super) fn keep(data: &Path, credentials: &Value) -> anyhow::Result<()> {
    write_private(&path(data), &credentials.to_string())
}

/// Writes a file whole or not at all, readable by its owner only whatever the umask.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(OWNER_ONLY)
        .open(&written)?;
    file.set_permissions(fs::Permissions::from_mode(OWNER_ONLY))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&written, path)?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Mends the mode of a file that others could read, and says so.
fn close_to_others(path: &Path) -> std::io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    if mode & !OWNER_ONLY == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(OWNER_ONLY))?;
    print(format_args!(
        "{} had mode {mode:o}; it is {OWNER_ONLY:o} now. hint: if others use this machine, revoke its \
         tokens and key pairs",
        path.display()
    ));
    Ok(())
}
