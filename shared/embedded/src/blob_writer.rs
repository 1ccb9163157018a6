//! A content on its way in: hashed as it comes, on the disk only if it is large.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::digests::{Claims, Digested, Digests};
use crate::folder::owners_file;

/// Bytes that are held in memory before they go to the disk and the hashes. Most photos fit, and
/// are written, hashed and synced in one blocking step.
const BUFFER_BYTES_MAX: usize = 4 << 20;

/// A content on its way in. Dropped before it is put in place, it leaves nothing behind.
pub(crate) struct BlobWriter {
    digests: Option<Digests>,
    path: PathBuf,
    file: Option<File>,
    /// What is neither hashed nor written yet.
    buffer: Vec<u8>,
    size_bytes: u64,
}

impl BlobWriter {
    /// Starts with nothing; what does not fit into memory goes to a new file at `path`.
    pub(crate) fn start(path: PathBuf, claims: &Claims) -> Self {
        let digests = Some(Digests::for_claims(claims));
        Self {
            digests,
            path,
            file: None,
            buffer: Vec::new(),
            size_bytes: 0,
        }
    }

    /// Takes a piece. Says whether [`Self::spill`] is due.
    pub(crate) fn take(&mut self, piece: &[u8]) -> bool {
        self.buffer.extend_from_slice(piece);
        self.size_bytes += piece.len() as u64;
        self.buffer.len() >= BUFFER_BYTES_MAX
    }

    /// Moves what is in memory to the hashes and the disk. Blocks.
    pub(crate) fn spill(&mut self) -> io::Result<()> {
        if let Some(digests) = &mut self.digests {
            digests.update(&self.buffer);
        }
        self.write_out()?;
        Ok(())
    }

    /// The bytes taken so far.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The digests of all that was taken; none the second time.
    pub(crate) fn digest(&mut self) -> Option<Digested> {
        let mut digests = self.digests.take()?;
        digests.update(&self.buffer);
        Some(digests.finish())
    }

    /// Makes the content durable and gives it its place. Blocks.
    pub(crate) fn put_in_place(mut self, place: &Path) -> io::Result<()> {
        self.write_out()?.sync_all()?;
        fs::rename(&self.path, place)?;
        self.file = None; // so that dropping removes nothing
        Ok(())
    }

    fn write_out(&mut self) -> io::Result<&mut File> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(
                owners_file()
                    .create_new(true)
                    .write(true)
                    .open(&self.path)?,
            ),
        };
        file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(file)
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.path); // else the next start does it
        }
    }
}
