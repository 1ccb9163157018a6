//! An ad image becomes a fingerprint, a sighting and an upload record.
//!
//! Woken by the ads bucket through a queue. It has no right to anything about references and links
//! no matching code: nothing that an uploader can observe here depends on who is sought. A file
//! that cannot be decoded is data: it ends as a rejected upload with a reason.

mod picture;

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use photo::{Limits, Reason};
use records::{
    AdKey, Image, ImageSha256, ObjectCreated, ObjectKey, ReasonCode, Sighting, Timestamp, Upload,
    UploadState,
};
use store::{Clock, Fetched, Object, ObjectFacts, Store};
use tokio::sync::Semaphore;

/// Messages of one batch worked on together: fetching one hides the waiting of another.
const MESSAGES_AT_ONCE: usize = 8;

/// What the function works with.
pub struct Ingest {
    store: Store,
    limits: Limits,
    clock: Clock,
    decoders: Arc<Semaphore>,
}

/// Why a message is not done yet.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// The store's fault.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The message is not one that S3 sends: it ends in the dead letters.
    #[error("{0}")]
    Message(#[from] records::Malformed),
    /// The decoding thread was lost.
    #[error("decoding was cut off")]
    CutOff(#[from] tokio::task::JoinError),
}

impl Ingest {
    /// A handler that decodes at most `decoders_max` pictures at once: each may need as much
    /// memory as [`Limits::working_bytes_max`] says.
    pub fn new(store: Store, limits: Limits, clock: Clock, decoders_max: usize) -> Self {
        Self {
            store,
            limits,
            clock,
            decoders: Arc::new(Semaphore::new(decoders_max.max(1))),
        }
    }

    /// Takes in every object that the messages name. Repetition, lateness and disorder do no
    /// harm; an object that is gone or not ours is no error.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        batches::messages(event, MESSAGES_AT_ONCE, |body| self.message(body)).await
    }

    async fn message(&self, body: String) -> Result<(), NotDone> {
        for created in ObjectCreated::parse(&body)? {
            match self.store.locate(&created.bucket, &created.encoded_key) {
                Some(ObjectKey::Ad(key)) => self.object(&key, &created).await?,
                _ => tracing::info!("an event for an object that is not ours was passed over"),
            }
        }
        Ok(())
    }

    async fn object(&self, key: &AdKey, created: &ObjectCreated) -> Result<(), NotDone> {
        let version = created.version_id.as_deref();
        let bytes_max = self.limits.bytes_max as u64;
        match self
            .store
            .fetch(&key.clone().into(), version, bytes_max)
            .await?
        {
            Fetched::Gone => {
                tracing::info!("an object was gone before it was read");
                Ok(())
            }
            Fetched::OverLimit(facts) => self.reject(key, None, &facts, Reason::TooLarge).await,
            Fetched::Object(object) => self.take_in(key, object).await,
        }
    }

    async fn take_in(&self, key: &AdKey, object: Object) -> Result<(), NotDone> {
        let Object { bytes, facts } = object;
        let image = ImageSha256::of(&bytes);
        if self.store.image(key.tenant(), &image).await?.is_none() {
            let slot = self.decoders.clone().acquire_owned().await;
            let limits = self.limits;
            let read = tokio::task::spawn_blocking(move || {
                let _slot = slot; // held until the pixels are freed
                picture::read(&bytes, &limits)
            })
            .await?;
            match read {
                Ok(read) => self.record_image(key, &image, read).await?,
                Err(reason) => return self.reject(key, Some(image), &facts, reason).await,
            }
        }
        self.record(key, image, &facts).await
    }

    async fn record_image(
        &self,
        key: &AdKey,
        image: &ImageSha256,
        read: picture::Read,
    ) -> Result<(), NotDone> {
        let record = Image {
            image_sha256: *image,
            width_px: read.width_px,
            height_px: read.height_px,
            fingerprint_version: read.fingerprint.version,
            first_seen_at: self.clock.now(),
        };
        Ok(self
            .store
            .record_image(key.tenant(), &record, &read.fingerprint)
            .await?)
    }

    async fn record(
        &self,
        key: &AdKey,
        image: ImageSha256,
        facts: &ObjectFacts,
    ) -> Result<(), NotDone> {
        let upload = upload(
            key,
            Some(image),
            facts,
            UploadState::Recorded,
            self.clock.now(),
        );
        let sighting = Sighting::of(key, &upload.metadata);
        self.store
            .record_sighting(&image, &sighting, facts.last_modified)
            .await?;
        self.store.record_upload(&upload).await?;
        tracing::info!(size_bytes = facts.size_bytes, "an ad image is recorded");
        Ok(())
    }

    async fn reject(
        &self,
        key: &AdKey,
        image: Option<ImageSha256>,
        facts: &ObjectFacts,
        reason: Reason,
    ) -> Result<(), NotDone> {
        let mut upload = upload(key, image, facts, UploadState::Rejected, self.clock.now());
        upload.reason = Some(ReasonCode::parse(reason.as_str())?);
        self.store.record_upload(&upload).await?;
        tracing::info!(size_bytes = facts.size_bytes, reason = %reason, "an upload is rejected");
        Ok(())
    }
}

fn upload(
    key: &AdKey,
    image_sha256: Option<ImageSha256>,
    facts: &ObjectFacts,
    state: UploadState,
    now: Timestamp,
) -> Upload {
    let (metadata, notes) = facts.ad_metadata();
    Upload {
        object_key: key.clone(),
        state,
        reason: None,
        image_sha256,
        size_bytes: facts.size_bytes,
        version_id: facts.version_id.clone(),
        metadata,
        notes,
        uploaded_at: facts.last_modified,
        updated_at: now,
    }
}
