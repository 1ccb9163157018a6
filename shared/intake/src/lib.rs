//! What the programs of both buckets share: from a queue's messages to the objects they name, and
//! from an object's bytes to what its picture gives.
#![forbid(unsafe_code)]

use std::sync::Arc;

use bytes::Bytes;
use features::fingerprint::{AdFingerprint, ReferenceFingerprint};
use photo::{Limits, Reason};
use reading::{Read, read, read_sheet};
use records::{ObjectCreated, ObjectKey, ReasonCode};
use store::{Clock, Fetched, Objects};
use tokio::sync::Semaphore;

/// What both programs work with.
pub struct Intake {
    /// Photos.
    pub objects: Objects,
    /// The time.
    pub clock: Clock,
    limits: Limits,
    decoders: Arc<Semaphore>,
}

/// Why a message is not done yet.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The store's fault.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The message is not one that S3 sends: it ends in the dead letters.
    #[error("{0}")]
    Message(#[from] records::Malformed),
    /// A bundle could not be kept on the disk, or read from it.
    #[error("the disk failed")]
    Disk,
    /// The decoding thread was lost.
    #[error("decoding was cut off")]
    CutOff(#[from] tokio::task::JoinError),
}

impl Intake {
    /// Decodes at most `decoders_max` pictures at once: each may need as much memory as
    /// [`Limits::working_bytes_max`] says.
    pub fn new(objects: Objects, limits: Limits, clock: Clock, decoders_max: usize) -> Self {
        let decoders = Arc::new(Semaphore::new(decoders_max.max(1)));
        Self {
            objects,
            clock,
            limits,
            decoders,
        }
    }

    /// The most bytes that a photo may have.
    pub fn photo_bytes_max(&self) -> u64 {
        self.limits.bytes_max as u64
    }

    /// Fetches every object that a message names and hands it to `work`, with whether its set is
    /// [being made again](ObjectCreated::is_rebuild); gives what came of each. An
    /// object that is gone or not ours is no error.
    ///
    /// # Errors
    /// [`IntakeError`] if the message is none of S3's, and as `work` and every verb.
    pub async fn message<T, F>(
        &self,
        body: String,
        work: &impl Fn(ObjectKey, Fetched, bool) -> F,
    ) -> Result<Vec<T>, IntakeError>
    where
        F: Future<Output = Result<T, IntakeError>>,
    {
        let mut done = Vec::new();
        for created in ObjectCreated::parse(&body)? {
            let size = created.size_bytes.and_then(|it| i64::try_from(it).ok());
            if size.is_some_and(|size| store::is_folder_marker(&created.encoded_key, size)) {
                continue; // a slash stays one in an event
            }
            let Some(key) = self.objects.locate(&created.bucket, &created.encoded_key) else {
                batches::orphans(1);
                tracing::warn!(
                    reason = "stray_object",
                    "an object lies under a key outside the layout: nobody looks at it"
                );
                continue;
            };
            let version = created.version_id.as_deref();
            match self
                .objects
                .fetch(&key, version, self.photo_bytes_max())
                .await?
            {
                Fetched::Gone => tracing::info!("an object was gone before it was read"),
                fetched => done.push(work(key, fetched, created.is_rebuild).await?),
            }
        }
        Ok(done)
    }

    /// Reads an ad ([`read_sheet`]) off the async threads.
    ///
    /// # Errors
    /// [`IntakeError::CutOff`]; a picture that cannot be used is an answer, not an error.
    pub async fn read_ad(
        &self,
        bytes: Bytes,
    ) -> Result<Result<Read<AdFingerprint>, Reason>, IntakeError> {
        self.apart(bytes, |bytes, limits| {
            read_sheet(bytes, limits, fingerprint::of_ad)
        })
        .await
    }

    /// Reads a reference ([`read`]) off the async threads.
    ///
    /// # Errors
    /// As [`Intake::read_ad`].
    pub async fn read_reference(
        &self,
        bytes: Bytes,
    ) -> Result<Result<Read<ReferenceFingerprint>, Reason>, IntakeError> {
        self.apart(bytes, |bytes, limits| {
            read(bytes, limits, fingerprint::of_reference)
        })
        .await
    }

    async fn apart<T: Send + 'static>(
        &self,
        bytes: Bytes,
        read: fn(&[u8], &Limits) -> Result<Read<T>, Reason>,
    ) -> Result<Result<Read<T>, Reason>, IntakeError> {
        let slot = self.decoders.clone().acquire_owned().await;
        let limits = self.limits;
        let read = tokio::task::spawn_blocking(move || {
            let _slot = slot; // held until the pixels are freed
            read(&bytes, &limits)
        });
        Ok(read.await?)
    }
}

/// What gzip and zstd begin with.
const COMPRESSED: [&[u8]; 2] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd"];

/// Why these bytes gave no picture. Those that were compressed for the way, as
/// `Content-Encoding: gzip` says, have a code of their own, since they may well hold one. They are not
/// unpacked: what was uploaded is what is hashed, kept and shown, and the sender can send them
/// as they are.
///
/// # Errors
/// None for the reasons that there are.
pub fn why_not(reason: Reason, bytes: &[u8]) -> Result<ReasonCode, IntakeError> {
    let is_compressed = COMPRESSED.iter().any(|magic| bytes.starts_with(magic));
    match reason {
        Reason::NotAnImage if is_compressed => Ok(ReasonCode::CONTENT_ENCODED),
        reason => code(reason),
    }
}

/// A decoder's reason as the records' code.
///
/// # Errors
/// None for the reasons that there are.
pub fn code(reason: Reason) -> Result<ReasonCode, IntakeError> {
    Ok(ReasonCode::parse(reason.as_str())?)
}
