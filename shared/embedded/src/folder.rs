//! The data folder: who may open it, what lies where, and the access key.
//!
//! ```text
//! lock         held while a process has the folder open
//! access-key   id and secret, one a line, readable by the owner only
//! key-pairs.json  pairs that are held to a part of S3, likewise
//! ledger.db    buckets, object versions, uploads, queues (SQLite)
//! streams.db   how far readers of the tables have come, and what they gave up (SQLite)
//! tables.db    DynamoDB (dynoxide's SQLite file)
//! uploads.db   DynamoDB: the tables that uploaders wait for (likewise)
//! blobs/ab/…   object contents by SHA-256
//! incoming/    what is being received; emptied at every start
//! ```
#![allow(clippy::disallowed_methods, reason = "an access key is drawn here")]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};

/// The key pair that clients of both services sign with. Made at the first start.
#[derive(Clone)]
pub struct AccessKey {
    /// The public half, 20 characters.
    pub id: String,
    /// The secret half, 40 characters.
    pub secret: String,
}

impl AccessKey {
    pub(crate) fn draw() -> Self {
        Self {
            id: format!("HW{}", hex::encode_upper(random::<9>())),
            secret: URL_SAFE_NO_PAD.encode(random::<30>()),
        }
    }
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessKey([redacted])")
    }
}

/// An open data folder. Dropping it lets the next process in.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    _lock: File,
}

impl Folder {
    /// Creates the folder where it is missing, and takes it for this process.
    ///
    /// # Errors
    /// [`Error::FolderTaken`] if another process, or another part of this one, has it open;
    /// [`Error::NoDataFolder`] if it holds other things.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        fs::create_dir_all(root)?;
        if !is_data_folder_or_empty(root)? {
            return Err(Error::NoDataFolder(root.to_path_buf()));
        }
        owner_only_dir(root)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::FolderTaken(root.to_path_buf())),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        Ok(Self {
            root: root.to_path_buf(),
            _lock: lock,
        })
    }

    /// Closes what lies in the folder to all but its owner, whatever the umask was as it was
    /// made: a copy of the folder keeps these modes, and not the folder's own. Into folders that are
    /// closed it does not look.
    pub(crate) fn close_to_others(&self) -> std::io::Result<()> {
        close_all_in(&self.root)
    }

    /// Makes durable which files the folder has.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        sync_dir(&self.root)
    }

    pub(crate) fn metadata(&self) -> PathBuf {
        self.root.join("ledger.db")
    }

    pub(crate) fn tables(&self) -> PathBuf {
        self.root.join("tables.db")
    }

    /// The tables that uploaders wait for.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("uploads.db")
    }

    /// Checkpoints and dead letters of the streams.
    pub(crate) fn streams(&self) -> PathBuf {
        self.root.join("streams.db")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn key_pairs(&self) -> PathBuf {
        self.root.join("key-pairs.json")
    }

    pub(crate) fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    /// The folder's key pair; made, and made durable, at the first call.
    pub(crate) fn access_key(&self) -> Result<AccessKey> {
        let path = self.root.join("access-key");
        match read_secret(&path) {
            Ok(text) => read_key(&text).ok_or(Error::Damaged("access-key holds no key pair")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = AccessKey::draw();
                write_secret(&path, &format!("{}\n{}\n", key.id, key.secret))?;
                Ok(key)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What lies in a data folder before it has its metadata database: a start may be cut off.
const FIRST_FILES: [&str; 3] = ["lock", "access-key", "access-key.new"];

/// What lies in a folder without having been put there: the root of a disk has this one, and
/// names that start with a dot are the system's.
const NOBODYS: &str = "lost+found";

/// Whether a folder is a data folder, or may become one: our files would be lost among others, and
/// the folder is made private.
fn is_data_folder_or_empty(root: &Path) -> std::io::Result<bool> {
    if root.join("ledger.db").exists() {
        return Ok(true);
    }
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let is_fine = name.starts_with('.') || name == NOBODYS || FIRST_FILES.contains(&&*name);
        if !is_fine {
            return Ok(false);
        }
    }
    Ok(true)
}

fn read_key(text: &str) -> Option<AccessKey> {
    let (id, secret) = text.trim_end().split_once('\n')?;
    let whole = !id.is_empty() && !secret.is_empty() && !secret.contains('\n');
    whole.then(|| AccessKey {
        id: id.to_owned(),
        secret: secret.to_owned(),
    })
}

/// Bytes from the operating system's generator.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has a random generator");
    bytes
}

/// Writes a file whole or not at all, readable by its owner only.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<()> {
    let half = path.with_extension("new");
    let mut options = owners_file();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .open(&half)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))?;
    Ok(())
}

/// Options for files that only their owner may read, if they are made.
pub(crate) fn owners_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Reads a file of secrets. One that others could read is closed to them, and that is told.
pub(crate) fn read_secret(path: &Path) -> std::io::Result<String> {
    let text = fs::read_to_string(path)?;
    if close(path)? {
        let file = path.file_name().map(|name| name.to_string_lossy());
        let file = file.unwrap_or_default();
        tracing::warn!(%file, "others could read the secrets of the data folder; they cannot any more");
    }
    Ok(text)
}

/// Makes the names in a folder durable, as `fsync` of a file does not.
pub(crate) fn sync_dir(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(unix)]
fn owner_only_dir(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

fn close_all_in(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let was_open = !kind.is_symlink() && close(&entry.path())?;
        if was_open && kind.is_dir() {
            close_all_in(&entry.path())?;
        }
    }
    Ok(())
}

/// Takes a file or folder from all but its owner; says whether that changed anything.
#[cfg(unix)]
fn close(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    let mode = match fs::metadata(path) {
        Ok(there) => there.permissions().mode(),
        Err(gone) if gone.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if mode & 0o077 == 0 {
        return Ok(false);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))?;
    Ok(true)
}

#[cfg(not(unix))]
fn close(_path: &Path) -> std::io::Result<bool> {
    Ok(false) // as below
}

#[cfg(not(unix))]
fn owner_only_dir(_folder: &Path) -> std::io::Result<()> {
    Ok(()) // the user's profile folder is private by inheritance there
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let first = Folder::open(dir.path()).expect("the first opens");
        let second = Folder::open(dir.path()).expect_err("the second is refused");
        assert!(matches!(second, Error::FolderTaken(_)), "{second}");
        drop(first);
        Folder::open(dir.path()).expect("free again");
    }

    #[cfg(unix)]
    #[test]
    fn what_lies_in_the_folder_is_closed_to_others_once_it_is_opened() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| dir.path().join(name);
        let mode = |name: &str| fs::metadata(at(name)).expect("there").permissions().mode() & 0o777;
        fs::create_dir_all(at("blobs/ab")).expect("made");
        for (name, open) in [
            ("ledger.db", 0o644),
            ("access-key", 0o640),
            ("blobs/ab/c", 0o666),
            ("blobs/ab", 0o777),
            ("blobs", 0o755),
        ] {
            if name.contains('.') || name.len() > 8 {
                fs::write(at(name), "id\nsecret\n").expect("written");
            }
            fs::set_permissions(at(name), fs::Permissions::from_mode(open)).expect("set");
        }
        let folder = Folder::open(dir.path()).expect("opens");
        assert_eq!(folder.access_key().expect("read").id, "id");
        assert_eq!(mode("access-key"), 0o600);
        folder.close_to_others().expect("closed");
        for (name, closed) in [
            ("ledger.db", 0o600),
            ("blobs", 0o700),
            ("blobs/ab", 0o700),
            ("blobs/ab/c", 0o600),
            ("lock", 0o600),
        ] {
            assert_eq!(mode(name), closed, "{name}");
        }
    }

    #[test]
    fn a_folder_with_other_things_in_it_is_refused_and_left_as_it_is() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("set");
        fs::write(dir.path().join("thesis.txt"), b"words").expect("written");
        let refused = Folder::open(dir.path()).expect_err("refused");
        assert!(matches!(refused, Error::NoDataFolder(_)), "{refused}");
        let names = fs::read_dir(dir.path()).expect("read").count();
        let mode = fs::metadata(dir.path())
            .expect("there")
            .permissions()
            .mode();
        assert_eq!((names, mode & 0o777), (1, 0o755));
        fs::write(dir.path().join("ledger.db"), b"").expect("written");
        Folder::open(dir.path()).expect("a data folder may hold a note");
    }

    #[test]
    fn a_first_start_that_was_cut_off_goes_on() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for name in ["lock", "access-key", ".DS_Store", "lost+found"] {
            fs::write(dir.path().join(name), b"").expect("written");
        }
        Folder::open(dir.path()).expect("opens");
    }

    #[test]
    fn the_access_key_stays_and_is_private() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = Folder::open(dir.path()).expect("opens");
        let key = folder.access_key().expect("made");
        assert_eq!((key.id.len(), key.secret.len()), (20, 40));
        assert_eq!(folder.access_key().expect("kept").secret, key.secret);
        assert_eq!(format!("{key:?}"), "AccessKey([redacted])");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(dir.path().join("access-key"))
                .expect("there")
                .permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
        }
    }
}
