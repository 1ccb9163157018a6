//! An ad image becomes a fingerprint, a sighting and an upload record.
//!
//! Woken by the ads bucket through a queue. It has no right to anything about references and links
//! no matching code: nothing that an uploader can observe here depends on who is sought. A file
//! that cannot be decoded is data: it ends as a rejected upload with a reason.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use intake::{Intake, NotDone, Read};
use photo::{Limits, Reason};
use records::fingerprint::AdFingerprint;
use records::{AdKey, Image, ImageSha256, ObjectKey, Sighting, Timestamp, Upload, UploadState};
use store::{Clock, Fetched, Object, ObjectFacts, Store};

/// Messages of one batch worked on together: fetching one hides the waiting of another.
const MESSAGES_AT_ONCE: usize = 8;

/// The handler.
pub struct Ingest(Intake);

impl Ingest {
    /// A handler that decodes at most `decoders_max` pictures at once.
    pub fn new(store: Store, limits: Limits, clock: Clock, decoders_max: usize) -> Self {
        Self(Intake::new(store, limits, clock, decoders_max))
    }

    /// Takes in every object that the messages name. Repetition, lateness and disorder do no
    /// harm; an object that is gone or not ours is no error.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        let work = |key, fetched| self.object(key, fetched);
        self.0.objects(event, MESSAGES_AT_ONCE, work).await
    }

    async fn object(&self, key: ObjectKey, fetched: Fetched) -> Result<(), NotDone> {
        match (key, fetched) {
            (ObjectKey::Ad(key), Fetched::Object(object)) => self.take_in(&key, object).await,
            (ObjectKey::Ad(key), Fetched::OverLimit(facts)) => {
                self.reject(&key, None, &facts, Reason::TooLarge).await
            }
            _ => Ok(()), // not an ad: not ours
        }
    }

    async fn take_in(&self, key: &AdKey, object: Object) -> Result<(), NotDone> {
        let Object { bytes, facts } = object;
        let image = ImageSha256::of(&bytes);
        if self.0.store.image(key.tenant(), &image).await?.is_none() {
            match self.0.read(bytes, fingerprint::of_ad).await? {
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
        read: Read<AdFingerprint>,
    ) -> Result<(), NotDone> {
        let record = Image {
            image_sha256: *image,
            width_px: read.width_px,
            height_px: read.height_px,
            fingerprint_version: read.fingerprint.version,
            first_seen_at: self.0.clock.now(),
        };
        Ok(self
            .0
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
            self.0.clock.now(),
        );
        let sighting = Sighting::of(key, &upload.metadata);
        self.0
            .store
            .record_sighting(&image, &sighting, facts.last_modified)
            .await?;
        self.0.store.record_upload(&upload).await?;
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
        let mut upload = upload(key, image, facts, UploadState::Rejected, self.0.clock.now());
        upload.reason = Some(intake::code(reason)?);
        self.0.store.record_upload(&upload).await?;
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
