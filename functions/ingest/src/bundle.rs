//! A large bundle is cut into parts: small bundles below its key, which [`crate::small`] takes in when
//! their events come. So its pictures are worked on side by side and retried apart, and sixty of them
//! cost one object and not sixty. A member that no part can hold becomes an object of its own.
//!
//! A small bundle that comes again and again is cut too, each member an object of its own: one that is
//! poison then holds up no other. The bundle itself is done when each member is in an object or refused
//! with its reason.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use bundles::{Bundle, Error, Limits, Metadata, Reason};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use intake::IntakeError;
use photo::Format;
use records::{AdKey, BundleCounts, LineFaults, MemberName, ReasonCode};
use store::{NewObject, ObjectFacts, Unpacked};

use crate::Ingest;

/// Bundles taken apart by one process at the same time: one fills most of a function's disk.
pub(crate) const BUNDLES_AT_ONCE: usize = 1;

/// Memory of all members on their way, in KiB: two of the largest.
pub(crate) const MEMBERS_KIB_MAX: usize = 64 * 1024;

/// Pieces on their way at once, if memory allows: writing one hides the waiting of another.
const CHUNKS_AT_ONCE: usize = 16;

/// Pieces between two notes of progress: a crash repeats no more than these.
const CHUNKS_PER_CHECKPOINT: usize = 64;

/// Most members of a small bundle: pictures that one run of the function can work on together with nine
/// other bundles.
const SMALL_MEMBERS_MAX: usize = 64;

/// Most bytes of a small bundle, and of its members unpacked: a second's work, about.
pub(crate) const SMALL_BYTES_MAX: u64 = 8 << 20;

/// Most bytes of a part's members. Their headers take 64 KiB at most, and what is said about them
/// less than half a MiB.
const PART_BYTES_MAX: u64 = 7 << 20;

/// The longest key of a bundle, in bytes: its members' keys go on from it.
pub(crate) const KEY_BYTES_MAX: usize = 900;

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
pub(crate) struct Opened {
    pub(crate) bundle: Bundle,
    pub(crate) metadata: Metadata,
}

impl Opened {
    /// Whether it can be taken in as it stands.
    pub(crate) fn is_small(&self) -> bool {
        let members = self.bundle.members();
        let bytes = members.iter().map(|member| member.size_bytes());
        members.len() <= SMALL_MEMBERS_MAX
            && bytes.fold(0_u64, u64::saturating_add) <= SMALL_BYTES_MAX
    }

    /// What its list says about a member, as an object's metadata.
    pub(crate) fn metadata_of(&self, name: &MemberName) -> HashMap<String, String> {
        let said = self.metadata.of(name).iter();
        said.map(|(name, text)| ((*name).to_owned(), text.clone()))
            .collect()
    }

    /// Lines of its list that are at fault.
    pub(crate) fn metadata_faults(&self) -> u64 {
        let members = self.bundle.members().iter();
        self.metadata
            .faults(members.filter_map(|member| member.name.as_ref().ok()))
    }

    /// The members that become one object each time, in order: as many as a part may have. A small
    /// bundle was tried as it stands, so that its members go apart.
    fn chunks(&self) -> Vec<Range<usize>> {
        let members = self.bundle.members();
        if self.is_small() {
            return (0..members.len()).map(|at| at..at + 1).collect();
        }
        let (mut pieces, mut start, mut bytes) = (Vec::new(), 0, 0_u64);
        for (at, member) in members.iter().enumerate() {
            let with_it = bytes.saturating_add(member.size_bytes());
            let is_full = with_it > PART_BYTES_MAX || at - start == SMALL_MEMBERS_MAX;
            if is_full && at > start {
                pieces.push(start..at);
                start = at;
            }
            bytes = if start == at {
                member.size_bytes()
            } else {
                with_it
            };
        }
        pieces.push(start..members.len());
        pieces
    }
}

/// A member that was read.
type ReadMember = (MemberName, Vec<u8>);

impl Ingest {
    /// Takes a bundle apart, from where the last attempt stopped. Can be repeated.
    pub(crate) async fn unpack(&self, key: &AdKey, facts: &ObjectFacts) -> Result<(), IntakeError> {
        let limits = Limits::default();
        if key.as_str().len() > KEY_BYTES_MAX {
            return self.refuse_whole(key, facts, Reason::UnsafeName).await;
        }
        if facts.size_bytes > limits.bytes_max {
            return self.refuse_whole(key, facts, Reason::TooLarge).await;
        }
        let _place = self.bundles.acquire().await;
        let Some(file) = self.on_disk(key, facts).await? else {
            return Ok(()); // gone concurrently
        };
        let opened = match blocking(move || open(file, &limits)).await? {
            Ok(opened) => Arc::new(opened),
            Err(reason) => return self.refuse_whole(key, facts, reason).await,
        };
        let counts = self.split(key, facts, &opened).await?;
        self.record_whole(key, facts, Ok((counts, LineFaults::default())))
            .await
    }

    pub(crate) async fn refuse_whole(
        &self,
        key: &AdKey,
        facts: &ObjectFacts,
        reason: Reason,
    ) -> Result<(), IntakeError> {
        self.record_whole(key, facts, Err(code(reason)?)).await
    }

    /// The bundle in a file without a name, which goes when it is closed.
    async fn on_disk(&self, key: &AdKey, facts: &ObjectFacts) -> Result<Option<File>, IntakeError> {
        let mut file = tokio::fs::File::from_std(blocking(nameless_file).await?);
        let version = facts.version_id.as_deref();
        let there = self
            .store
            .objects
            .download(&key.clone().into(), version, &mut file)
            .await?;
        Ok(match there {
            true => Some(file.into_std().await),
            false => None,
        })
    }

    async fn split(
        &self,
        key: &AdKey,
        facts: &ObjectFacts,
        opened: &Arc<Opened>,
    ) -> Result<BundleCounts, IntakeError> {
        let store = &self.store;
        let members = opened.bundle.members().len() as u64;
        let version = version_of(facts);
        let mut done = store.uploads.unpacked(key, &version).await?;
        let mut pieces = opened.chunks();
        pieces.retain(|piece| piece.start as u64 >= done.next);
        for some in pieces.chunks(CHUNKS_PER_CHECKPOINT) {
            let refused: Vec<u64> = stream::iter(some.iter().cloned())
                .map(|piece| self.chunk(key, facts, opened, piece))
                .buffer_unordered(CHUNKS_AT_ONCE)
                .try_collect()
                .await?;
            done = Unpacked {
                next: some.last().map_or(members, |piece| piece.end as u64),
                refused: done.refused + refused.iter().sum::<u64>(),
            };
            store.uploads.save_unpacked(key, &version, done).await?;
        }
        Ok(BundleCounts {
            members,
            taken_in: members.saturating_sub(done.refused),
            refused: done.refused,
            metadata_faults: opened.metadata_faults(),
            holds_members: false,
            is_list: false,
        })
    }

    /// Brings some members into one object; says how many were refused instead.
    async fn chunk(
        &self,
        bundle: &AdKey,
        facts: &ObjectFacts,
        opened: &Arc<Opened>,
        piece: Range<usize>,
    ) -> Result<u64, IntakeError> {
        let sizes = opened.bundle.members()[piece.clone()].iter();
        let bytes: u64 = sizes.map(|member| member.size_bytes()).sum();
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        let _memory = self
            .members_kib
            .acquire_many(kib.min(MEMBERS_KIB_MAX as u32))
            .await;
        let (whole, mut read, mut refused) = (bundle.whole(), Vec::new(), 0);
        for place in piece.clone() {
            match self.read_member(&whole, facts, opened, place).await? {
                Some(member) => read.push(member),
                None => refused += 1,
            }
        }
        if piece.len() > 1 {
            self.put_part(bundle, opened, piece.start, read).await?;
        } else if let Some((name, bytes)) = read.pop() {
            self.put_member(bundle, opened, &name, bytes).await?;
        }
        Ok(refused)
    }

    /// A member's name and bytes; none if it is refused, which is recorded.
    pub(crate) async fn read_member(
        &self,
        bundle: &AdKey,
        facts: &ObjectFacts,
        opened: &Arc<Opened>,
        place: usize,
    ) -> Result<Option<ReadMember>, IntakeError> {
        let member = &opened.bundle.members()[place];
        let (name, reason) = match &member.name {
            Ok(name) if bundle.member(name).is_err() => (Some(name), Reason::UnsafeName), // too long
            Ok(name) => {
                let reading = opened.clone();
                match blocking(move || refusable(reading.bundle.read(place))).await? {
                    Ok(bytes) => return Ok(Some((name.clone(), bytes))),
                    Err(reason) => (Some(name), reason),
                }
            }
            Err((name, reason)) => (name.as_ref(), *reason),
        };
        let size_bytes = member.size_bytes();
        self.refuse_member((bundle, place), name, size_bytes, facts, code(reason)?)
            .await?;
        Ok(None)
    }

    async fn put_part(
        &self,
        bundle: &AdKey,
        opened: &Arc<Opened>,
        start: usize,
        members: Vec<ReadMember>,
    ) -> Result<(), IntakeError> {
        if members.is_empty() {
            return Ok(());
        }
        let packing = opened.clone();
        let packed = blocking(move || Ok(bundles::pack(&members, &packing.metadata)?)).await?;
        let object = NewObject {
            content_type: "application/x-tar".to_owned(),
            bytes: packed.into(),
            metadata: HashMap::new(),
        };
        let key = bundle.part(start as u64 + 1)?;
        self.store.objects.put_object(&key.into(), object).await?;
        Ok(())
    }

    async fn put_member(
        &self,
        bundle: &AdKey,
        opened: &Opened,
        name: &MemberName,
        bytes: Vec<u8>,
    ) -> Result<(), IntakeError> {
        let mut metadata = opened.metadata_of(name);
        metadata.insert(MEMBER_MARK.to_owned(), "1".to_owned());
        let object = NewObject {
            content_type: content_type(&bytes).to_owned(),
            bytes: bytes.into(),
            metadata,
        };
        let key = bundle.whole().member(name)?;
        self.store.objects.put_object(&key.into(), object).await?;
        Ok(())
    }
}

/// Opens a bundle whose bytes are at hand.
pub(crate) async fn open_bytes(bytes: Bytes) -> Result<Result<Opened, Reason>, IntakeError> {
    blocking(move || {
        let mut file = nameless_file()?;
        file.write_all(&bytes)?;
        open(file, &Limits::default())
    })
    .await
}

fn nameless_file() -> Result<File, ReadFailure> {
    Ok(tempfile::tempfile()?)
}

fn open(file: File, limits: &Limits) -> Result<Result<Opened, Reason>, ReadFailure> {
    match refusable(bundles::open(file, limits))? {
        Ok(bundle) => {
            let metadata = bundle.metadata(limits)?;
            Ok(Ok(Opened { bundle, metadata }))
        }
        Err(reason) => Ok(Err(reason)),
    }
}

/// A fault of the disk: the message comes again.
#[derive(Debug, thiserror::Error)]
#[error("a bundle could not be read from the disk")]
struct ReadFailure;

impl From<Error> for ReadFailure {
    fn from(_: Error) -> Self {
        Self
    }
}

impl From<std::io::Error> for ReadFailure {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

/// What the bundle is at fault for, apart from what the disk is.
fn refusable<T>(read: Result<T, Error>) -> Result<Result<T, Reason>, ReadFailure> {
    match read {
        Ok(read) => Ok(Ok(read)),
        Err(Error::Refused(reason)) => Ok(Err(reason)),
        Err(Error::Io(_)) => Err(ReadFailure),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadFailure> + Send + 'static,
) -> Result<T, IntakeError> {
    let done = tokio::task::spawn_blocking(work).await?;
    done.map_err(|ReadFailure| IntakeError::Disk)
}

/// A bundle's reason as the records' code.
fn code(reason: Reason) -> Result<ReasonCode, IntakeError> {
    Ok(ReasonCode::parse(reason.as_str())?)
}

/// For browsers that show the object later; decoders look at the bytes.
fn content_type(bytes: &[u8]) -> &'static str {
    Format::of(bytes).map_or("application/octet-stream", Format::media_type)
}
