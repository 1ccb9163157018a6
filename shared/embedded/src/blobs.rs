//! Object contents: one file per content, named by its SHA-256.
//!
//! A content arrives in `incoming/`, is made durable there and then renamed into place, so that a
//! name in `blobs/` always stands for a whole content. It is written, synced and renamed every time
//! that it comes, be it there or not: how long that takes says nothing about who else has it, and
//! bytes that rotted on the disk are replaced by the next whole copy. Rows of the metadata database
//! refer to contents; a content without a row is garbage and may go, except while it is *guarded*: a
//! guard is taken before the content is put in place and held until the row is committed. Collecting
//! looks at guards and rows under the same lock that takes guards, so no content goes that is about to
//! get its row.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use s3s::S3ErrorCode;

use crate::blob_writer::BlobWriter;
use crate::digests::{Claims, Digested};
use crate::error::{Error, Result};
use crate::folder::{Folder, sync_dir};
use crate::refused::Refused;
use crate::replaced::Replaced;

/// The SHA-256 of a content.
pub(crate) type ContentId = [u8; 32];

/// A twentieth of a disk is kept free of what is brought ...
const KEPT_SHARE: u64 = 20;

/// ... but no more than this: withdrawals, erasures and alerts of months.
const KEPT_BYTES_MAX: u64 = 1 << 30;

/// Bytes that are copied at a time.
const COPY_BYTES: usize = 1 << 20;

type Guards = Mutex<HashMap<ContentId, usize>>;

/// The folder of contents.
pub(crate) struct Blobs {
    root: PathBuf,
    incoming: PathBuf,
    arrivals: AtomicU64,
    guards: Arc<Guards>,
    replaced: Replaced,
}

/// Keeps a content from being collected, until dropped.
pub(crate) struct BlobGuard {
    content: ContentId,
    guards: Arc<Guards>,
}

impl Drop for BlobGuard {
    fn drop(&mut self) {
        let mut guards = self.guards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holders) = guards.get_mut(&self.content) {
            *holders -= 1;
            if *holders == 0 {
                guards.remove(&self.content);
            }
        }
    }
}

/// A content in place and guarded, whose row is still to be written.
pub(crate) struct StoredBlob {
    pub(crate) content: ContentId,
    pub(crate) size_bytes: u64,
    /// To be made durable before the row is committed.
    pub(crate) folder: PathBuf,
    /// Dropped once the row is committed.
    pub(crate) guard: BlobGuard,
}

/// A content that has just been put in place.
pub(crate) struct NewBlob {
    pub(crate) blob: StoredBlob,
    pub(crate) digested: Digested,
}

impl Blobs {
    /// Makes the folders, and throws away what was being received when the process last died.
    pub(crate) fn open(folder: &Folder) -> Result<Self> {
        let (root, incoming) = (folder.blobs(), folder.incoming());
        fs::create_dir_all(&root)?;
        for first in 0..=u8::MAX {
            let prefix = root.join(hex::encode([first]));
            if !prefix.is_dir() {
                fs::create_dir(prefix)?;
            }
        }
        sync_dir(&root)?;
        fs::create_dir_all(&incoming)?;
        for left in fs::read_dir(&incoming)? {
            fs::remove_file(left?.path())?;
        }
        Ok(Self {
            root,
            incoming,
            arrivals: AtomicU64::new(0),
            guards: Arc::default(),
            replaced: Replaced::start()?,
        })
    }

    /// Whether the disk has room for what is brought: the last of it is kept for what must always be
    /// possible, withdrawals before all. A disk that cannot be asked is written to.
    pub(crate) fn has_room(&self) -> bool {
        let Ok(disk) = rustix::fs::statvfs(&self.root) else {
            return true;
        };
        let (free, whole) = (disk.f_bavail, disk.f_blocks);
        let kept = (whole / KEPT_SHARE).min(KEPT_BYTES_MAX / disk.f_frsize.max(1));
        free >= kept
    }

    fn prefix_folder(&self, content: &ContentId) -> PathBuf {
        self.root.join(hex::encode(&content[..1]))
    }

    fn path(&self, content: &ContentId) -> PathBuf {
        self.prefix_folder(content).join(hex::encode(&content[1..]))
    }

    /// Starts to receive a content.
    pub(crate) fn receive(&self, claims: &Claims) -> BlobWriter {
        let name = self.arrivals.fetch_add(1, Ordering::Relaxed).to_string();
        BlobWriter::start(self.incoming.join(name), claims)
    }

    /// Takes a received content in: checks its digests, makes it durable, puts it in place, also of
    /// the same one if that is there.
    ///
    /// # Errors
    /// [`Refused::Client`] with `BadDigest` or `InvalidDigest`; then nothing of it is kept.
    pub(crate) fn accept(
        &self,
        mut incoming: BlobWriter,
        claims: &Claims,
    ) -> Result<NewBlob, Refused> {
        let digested = incoming.digest().ok_or(S3ErrorCode::InternalError)?;
        digested.check(claims)?;
        let (content, size_bytes) = (digested.sha256, incoming.size_bytes());
        let (guard, place) = (self.guard(content), self.path(&content));
        // Kept open, so that what is replaced goes after the answer and not before it.
        let replaced = File::open(&place).ok();
        incoming.put_in_place(&place)?;
        replaced
            .into_iter()
            .for_each(|file| self.replaced.let_go(file));
        let folder = self.prefix_folder(&content);
        let blob = StoredBlob {
            content,
            size_bytes,
            folder,
            guard,
        };
        Ok(NewBlob { blob, digested })
    }

    /// Copies a part of a content that is in place into one that is received.
    pub(crate) fn copy(
        &self,
        content: &ContentId,
        range: &Range<u64>,
        incoming: &mut BlobWriter,
    ) -> io::Result<()> {
        let mut file = self.open_content(content)?;
        file.seek(SeekFrom::Start(range.start))?;
        let mut left = file.take(range.end.saturating_sub(range.start));
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            let read = left.read(&mut buffer)?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
                return Ok(());
            };
            if incoming.take(piece) {
                incoming.spill()?;
            }
        }
    }

    /// Pins a content that is in place, for another row; none if it is gone.
    pub(crate) fn again(&self, content: ContentId) -> io::Result<Option<StoredBlob>> {
        let guard = self.guard(content);
        let size = self.size(&content)?;
        let folder = self.prefix_folder(&content);
        Ok(size.map(|size_bytes| StoredBlob {
            content,
            size_bytes,
            folder,
            guard,
        }))
    }

    fn guard(&self, content: ContentId) -> BlobGuard {
        let mut guards = self.guards.lock().unwrap_or_else(PoisonError::into_inner);
        *guards.entry(content).or_default() += 1;
        BlobGuard {
            content,
            guards: self.guards.clone(),
        }
    }

    /// Opens a content for reading. It stays readable while open, collected or not.
    pub(crate) fn open_content(&self, content: &ContentId) -> io::Result<File> {
        File::open(self.path(content))
    }

    /// The size in bytes of a content in place; none if it is not there.
    pub(crate) fn size(&self, content: &ContentId) -> io::Result<Option<u64>> {
        match fs::metadata(self.path(content)) {
            Ok(facts) => Ok(Some(facts.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a content that no row refers to and no guard holds. Says whether it went.
    pub(crate) fn collect(
        &self,
        content: &ContentId,
        referred_to: impl FnOnce() -> Result<bool>,
    ) -> Result<bool> {
        let guards = self.guards.lock().unwrap_or_else(PoisonError::into_inner);
        if guards.contains_key(content) || referred_to()? {
            return Ok(false);
        }
        match fs::remove_file(self.path(content)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// All contents in place.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a file there is not named by a SHA-256.
    pub(crate) fn contents(&self) -> Result<Vec<ContentId>> {
        let mut found = Vec::new();
        for prefix in fs::read_dir(&self.root)? {
            let prefix = prefix?.path();
            for file in fs::read_dir(&prefix)? {
                found.push(content_id(&prefix, &file?.path())?);
            }
        }
        Ok(found)
    }
}

fn content_id(prefix: &Path, file: &Path) -> Result<ContentId> {
    let name = |path: &Path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .map(str::to_owned)
    };
    let mut content = ContentId::default();
    name(prefix)
        .zip(name(file))
        .and_then(|(first, rest)| hex::decode_to_slice(first + &rest, &mut content).ok())
        .ok_or(Error::Damaged(
            "a file in blobs is not named by its content",
        ))?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs() -> (tempfile::TempDir, Blobs) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let blobs = Blobs::open(&Folder::open(dir.path()).expect("opens")).expect("opens");
        (dir, blobs)
    }

    fn store(blobs: &Blobs, body: &[u8]) -> NewBlob {
        let claims = Claims::default();
        let mut incoming = blobs.receive(&claims);
        for piece in body.chunks(1 << 16) {
            if incoming.take(piece) {
                incoming.spill().expect("spills");
            }
        }
        blobs
            .accept(incoming, &claims)
            .unwrap_or_else(|_| panic!("accepted"))
    }

    #[test]
    fn a_pinned_content_is_not_collected() {
        let (_dir, blobs) = blobs();
        let arrived = store(&blobs, b"photo");
        let content = arrived.digested.sha256;
        assert!(!blobs.collect(&content, || Ok(false)).expect("looked"));
        drop(arrived);
        assert!(!blobs.collect(&content, || Ok(true)).expect("looked"));
        assert!(blobs.collect(&content, || Ok(false)).expect("looked"));
        assert_eq!(blobs.contents().expect("listed"), Vec::<ContentId>::new());
    }

    #[test]
    fn a_large_content_is_stored_whole_and_once() {
        let (dir, blobs) = blobs();
        let body: Vec<u8> = (0..9_000_001_u32).map(|n| (n % 251) as u8).collect();
        let first = store(&blobs, &body);
        let second = store(&blobs, &body);
        assert_eq!(first.blob.size_bytes, body.len() as u64);
        assert_eq!(first.digested.sha256, second.digested.sha256);
        assert_eq!(blobs.contents().expect("listed").len(), 1);
        let path = blobs.path(&first.digested.sha256);
        assert!(fs::read(path).expect("reads") == body);
        assert_eq!(
            fs::read_dir(dir.path().join("incoming"))
                .expect("reads")
                .count(),
            0
        );
    }

    #[test]
    fn a_content_that_rotted_is_replaced_when_it_comes_again() {
        let (_dir, blobs) = blobs();
        let first = store(&blobs, b"photo");
        let path = blobs.path(&first.digested.sha256);
        fs::write(&path, b"phot0").expect("writes");
        store(&blobs, b"photo");
        assert_eq!(fs::read(path).expect("reads"), b"photo");
    }

    #[test]
    fn a_content_that_is_there_is_written_and_synced_like_one_that_is_not() {
        use std::os::unix::fs::MetadataExt;
        let (_dir, blobs) = blobs();
        let first = store(&blobs, b"photo");
        let path = blobs.path(&first.digested.sha256);
        let before = fs::metadata(&path).expect("there").ino();
        store(&blobs, b"photo");
        assert_ne!(fs::metadata(&path).expect("there").ino(), before);
    }

    #[test]
    fn a_refused_or_abandoned_content_leaves_nothing() {
        let (dir, blobs) = blobs();
        let claims = Claims {
            md5: Some("AAAAAAAAAAAAAAAAAAAAAA==".into()),
            ..Default::default()
        };
        let mut incoming = blobs.receive(&claims);
        incoming.take(&[7; 100]);
        incoming.spill().expect("spills");
        assert!(matches!(
            blobs.accept(incoming, &claims),
            Err(Refused::Client(S3ErrorCode::BadDigest))
        ));
        let mut abandoned = blobs.receive(&Claims::default());
        abandoned.take(&[7; 100]);
        abandoned.spill().expect("spills");
        drop(abandoned);
        assert_eq!(
            fs::read_dir(dir.path().join("incoming"))
                .expect("reads")
                .count(),
            0
        );
        assert_eq!(blobs.contents().expect("listed").len(), 0);
    }
}
