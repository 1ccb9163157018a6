//! A bundle becomes its members: each an object of its own below the bundle's key, with the metadata
//! that the bundle's list gives. Their events bring them here again, one by one, so that a member is
//! decoded, retried, reviewed, kept and counted as any other upload, and one that is poison holds up
//! nobody. The bundle itself is done when each member is an object or refused with its reason.

use std::collections::HashMap;
use std::sync::Arc;

use bundles::{Bundle, Error, Limits, Metadata, Reason};
use futures::{StreamExt, TryStreamExt, stream};
use intake::NotDone;
use records::{AdKey, BundleCounts, MemberName, ReasonCode};
use store::{NewObject, ObjectFacts, Unpacked};

use crate::Ingest;

/// Bundles taken apart by one process at the same time: one fills most of a function's disk.
pub(crate) const BUNDLES_AT_ONCE: usize = 1;

/// Memory of all members on their way, in KiB: two of the largest.
pub(crate) const MEMBERS_KIB_MAX: usize = 64 * 1024;

/// Members on their way at once, if memory allows: writing one hides the waiting of another.
const MEMBERS_AT_ONCE: usize = 16;

/// Members between two notes of progress: a crash repeats no more than these.
const MEMBERS_PER_NOTE: usize = 256;

/// The longest key of a bundle, in bytes: its members' keys go on from it.
const KEY_BYTES_MAX: usize = 900;

/// Marks a member, so that nothing that came out of a bundle is taken for one.
const MEMBER_MARK: &str = "homeward-member";

/// Whether an object that starts so is a bundle.
pub(crate) fn is_to_be_unpacked(head: &[u8], facts: &ObjectFacts) -> bool {
    bundles::is_bundle(head) && !facts.metadata.contains_key(MEMBER_MARK)
}

/// What tells this upload of a bundle from others under its key.
fn version_of(facts: &ObjectFacts) -> String {
    let version = facts.version_id.clone();
    version.unwrap_or_else(|| facts.last_modified.to_string())
}

/// What is read of a bundle before any of it is taken in.
struct Opened {
    bundle: Bundle,
    metadata: Metadata,
}

impl Ingest {
    /// Takes a bundle apart, from where the last attempt stopped. Can be repeated.
    pub(crate) async fn unpack(&self, key: &AdKey, facts: &ObjectFacts) -> Result<(), NotDone> {
        let limits = Limits::default();
        if key.as_str().len() > KEY_BYTES_MAX {
            return self
                .record_whole(key, facts, Err(code(Reason::UnsafeName)?))
                .await;
        }
        if facts.size_bytes > limits.bytes_max {
            return self
                .record_whole(key, facts, Err(code(Reason::TooLarge)?))
                .await;
        }
        let _place = self.bundles.acquire().await;
        let Some(file) = self.on_disk(key, facts).await? else {
            return Ok(()); // gone meanwhile
        };
        let opened = match blocking(move || open(file, &limits)).await? {
            Ok(opened) => Arc::new(opened),
            Err(reason) => return self.record_whole(key, facts, Err(code(reason)?)).await,
        };
        let counts = self.take_apart(key, facts, &opened).await?;
        self.record_whole(key, facts, Ok(counts)).await
    }

    /// The bundle in a file without a name, which goes when it is closed.
    async fn on_disk(
        &self,
        key: &AdKey,
        facts: &ObjectFacts,
    ) -> Result<Option<std::fs::File>, NotDone> {
        let file = blocking(|| {
            tempfile::tempfile()
                .map_err(Error::from)
                .map_err(Trouble::from)
        });
        let mut file = tokio::fs::File::from_std(file.await?);
        let version = facts.version_id.as_deref();
        let there = self
            .intake
            .store
            .download(&key.clone().into(), version, &mut file)
            .await?;
        Ok(match there {
            true => Some(file.into_std().await),
            false => None,
        })
    }

    async fn take_apart(
        &self,
        key: &AdKey,
        facts: &ObjectFacts,
        opened: &Arc<Opened>,
    ) -> Result<BundleCounts, NotDone> {
        let store = &self.intake.store;
        let members = opened.bundle.members();
        let version = version_of(facts);
        let mut done = store.unpacked(key, &version).await?;
        while (done.next as usize) < members.len() {
            let first = done.next as usize;
            let end = members.len().min(first + MEMBERS_PER_NOTE);
            let refused: Vec<bool> = stream::iter(first..end)
                .map(|member| self.member(key, facts, opened, member))
                .buffer_unordered(MEMBERS_AT_ONCE)
                .try_collect()
                .await?;
            let refused = refused.into_iter().filter(|refused| *refused).count() as u64;
            done = Unpacked {
                next: end as u64,
                refused: done.refused + refused,
            };
            store.note_unpacked(key, &version, done).await?;
        }
        let names = members
            .iter()
            .filter_map(|member| member.name.as_ref().ok());
        Ok(BundleCounts {
            members: members.len() as u64,
            taken_in: (members.len() as u64).saturating_sub(done.refused),
            refused: done.refused,
            metadata_faults: opened.metadata.faults(names),
        })
    }

    /// Takes in one member; says whether it was refused instead.
    async fn member(
        &self,
        bundle: &AdKey,
        facts: &ObjectFacts,
        opened: &Arc<Opened>,
        place: usize,
    ) -> Result<bool, NotDone> {
        let member = &opened.bundle.members()[place];
        let size_bytes = member.size_bytes();
        let (name, reason) = match &member.name {
            Ok(name) => match self.put_member(bundle, name, opened, place).await? {
                Ok(()) => return Ok(false),
                Err(reason) => (Some(name), reason),
            },
            Err((name, reason)) => (name.as_ref(), *reason),
        };
        let at = (bundle, place);
        self.refuse_member(at, name, size_bytes, facts, code(reason)?)
            .await?;
        Ok(true)
    }

    async fn put_member(
        &self,
        bundle: &AdKey,
        name: &MemberName,
        opened: &Arc<Opened>,
        place: usize,
    ) -> Result<Result<(), Reason>, NotDone> {
        let Ok(key) = bundle.member(name) else {
            return Ok(Err(Reason::UnsafeName)); // longer than a key may be
        };
        let size_bytes = opened.bundle.members()[place].size_bytes();
        let kib = u32::try_from(size_bytes / 1024 + 1).unwrap_or(u32::MAX);
        let _memory = self
            .members_kib
            .acquire_many(kib.min(MEMBERS_KIB_MAX as u32))
            .await;
        let reading = opened.clone();
        let read = blocking(move || refusable(reading.bundle.read(place))).await?;
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Err(reason)),
        };
        let said = opened.metadata.of(name).iter();
        let mut metadata: HashMap<String, String> = said
            .map(|(name, text)| ((*name).to_owned(), text.clone()))
            .collect();
        metadata.insert(MEMBER_MARK.to_owned(), "1".to_owned());
        let object = NewObject {
            content_type: content_type(&bytes).to_owned(),
            bytes: bytes.into(),
            metadata,
        };
        self.intake.store.put_object(&key.into(), object).await?;
        Ok(Ok(()))
    }
}

fn open(file: std::fs::File, limits: &Limits) -> Result<Result<Opened, Reason>, Trouble> {
    match refusable(bundles::open(file, limits))? {
        Ok(bundle) => {
            let metadata = bundle.metadata(limits).map_err(Error::from)?;
            Ok(Ok(Opened { bundle, metadata }))
        }
        Err(reason) => Ok(Err(reason)),
    }
}

/// A fault of the disk: the message comes again.
#[derive(Debug, thiserror::Error)]
#[error("a bundle could not be read from the disk")]
struct Trouble;

impl From<Error> for Trouble {
    fn from(_: Error) -> Self {
        Self
    }
}

/// What the bundle is at fault for, apart from what the disk is.
fn refusable<T>(read: Result<T, Error>) -> Result<Result<T, Reason>, Trouble> {
    match read {
        Ok(read) => Ok(Ok(read)),
        Err(Error::Refused(reason)) => Ok(Err(reason)),
        Err(Error::Io(_)) => Err(Trouble),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, NotDone> {
    let done = tokio::task::spawn_blocking(work).await?;
    done.map_err(|Trouble| NotDone::Disk)
}

/// A bundle's reason as the records' code.
fn code(reason: Reason) -> Result<ReasonCode, NotDone> {
    Ok(ReasonCode::parse(reason.as_str())?)
}

/// For browsers that show the object later; decoders look at the bytes.
fn content_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', ..] => "image/webp",
        [0xff, 0xd8, ..] => "image/jpeg",
        _ => "application/octet-stream",
    }
}
