//! An ad image becomes a fingerprint, a sighting and an upload record.
//!
//! Woken by the ads bucket through a queue. It has no right to anything about references and links
//! no matching code: nothing that an uploader can observe here depends on who is sought. A file
//! that cannot be decoded is data: it ends as a rejected upload with a reason.

mod bundle;
mod hashes;

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use intake::{Intake, NotDone, Read};
use photo::{Limits, Reason};
use records::fingerprint::AdFingerprint;
use records::{
    AdKey, AdMetadata, BundleCounts, Image, ImageSha256, MemberName, ObjectKey, ReasonCode,
    Sighting, Timestamp, Upload, UploadState,
};
use store::{Clock, Fetched, Object, ObjectFacts, Store};
use tokio::sync::Semaphore;

/// Messages of one batch worked on together: fetching one hides the waiting of another.
const MESSAGES_AT_ONCE: usize = 8;

/// The handler.
pub struct Ingest {
    intake: Intake,
    limits: Limits,
    /// Bundles on the disk at once.
    bundles: Semaphore,
    /// Memory of members on their way, in KiB.
    members_kib: Arc<Semaphore>,
}

impl Ingest {
    /// A handler that decodes at most `decoders_max` pictures at once.
    pub fn new(store: Store, limits: Limits, clock: Clock, decoders_max: usize) -> Self {
        Self {
            intake: Intake::new(store, limits, clock, decoders_max),
            limits,
            bundles: Semaphore::new(bundle::BUNDLES_AT_ONCE),
            members_kib: Arc::new(Semaphore::new(bundle::MEMBERS_KIB_MAX)),
        }
    }

    /// Takes in every object that the messages name. Repetition, lateness and disorder do no
    /// harm; an object that is gone or not ours is no error.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        let work = |key, fetched| self.object(key, fetched);
        self.intake.objects(event, MESSAGES_AT_ONCE, work).await
    }

    async fn object(&self, key: ObjectKey, fetched: Fetched) -> Result<(), NotDone> {
        match (key, fetched) {
            (ObjectKey::Ad(key), Fetched::Object(object)) => self.take_in(&key, object).await,
            (ObjectKey::Ad(key), Fetched::OverLimit(facts)) => self.large(&key, facts).await,
            _ => Ok(()), // not an ad: not ours
        }
    }

    /// More bytes than a picture may have: a bundle, or too large.
    async fn large(&self, key: &AdKey, facts: ObjectFacts) -> Result<(), NotDone> {
        let version = facts.version_id.as_deref();
        let head = self
            .intake
            .store
            .peek(&key.clone().into(), version, bundles::HEAD_BYTES)
            .await?;
        match head {
            Some(head) if bundle::is_to_be_unpacked(&head, &facts) => {
                self.unpack(key, &facts).await
            }
            Some(_) => self.reject(key, None, &facts, Reason::TooLarge).await,
            None => Ok(()), // gone meanwhile
        }
    }

    async fn take_in(&self, key: &AdKey, object: Object) -> Result<(), NotDone> {
        let Object { bytes, facts } = object;
        if bundle::is_to_be_unpacked(&bytes, &facts) {
            return self.unpack(key, &facts).await;
        }
        if records::is_hash_list(&bytes) {
            return self.hash_list(key, &facts, bytes).await;
        }
        let image = ImageSha256::of(&bytes);
        if self
            .intake
            .store
            .image(key.tenant(), &image)
            .await?
            .is_none()
        {
            match self.intake.read(bytes, fingerprint::of_ad).await? {
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
            first_seen_at: self.intake.clock.now(),
        };
        Ok(self
            .intake
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
            self.intake.clock.now(),
        );
        let sighting = Sighting::of(key, &upload.metadata);
        self.intake
            .store
            .record_sighting(&image, &sighting, facts.last_modified)
            .await?;
        self.intake.store.record_upload(&upload).await?;
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
        let mut upload = upload(
            key,
            image,
            facts,
            UploadState::Rejected,
            self.intake.clock.now(),
        );
        upload.reason = Some(intake::code(reason)?);
        self.intake.store.record_upload(&upload).await?;
        tracing::info!(size_bytes = facts.size_bytes, reason = %reason, "an upload is rejected");
        Ok(())
    }

    /// Records what became of a bundle or list as a whole.
    async fn record_whole(
        &self,
        key: &AdKey,
        facts: &ObjectFacts,
        outcome: Result<BundleCounts, ReasonCode>,
    ) -> Result<(), NotDone> {
        let now = self.intake.clock.now();
        let mut whole = upload(key, None, facts, UploadState::Recorded, now);
        match outcome {
            Ok(counts) => {
                tracing::info!(
                    members = counts.members,
                    refused = counts.refused,
                    "a bundle is done"
                );
                whole.bundle = Some(counts);
            }
            Err(reason) => {
                tracing::info!(%reason, "a bundle is rejected");
                whole.state = UploadState::Rejected;
                whole.reason = Some(reason);
            }
        }
        self.intake.store.record_upload(&whole).await?;
        Ok(())
    }

    /// Records that a member of a bundle or list is refused, under its own name or by its place.
    async fn refuse_member(
        &self,
        (bundle, place): (&AdKey, usize),
        name: Option<&MemberName>,
        size_bytes: u64,
        facts: &ObjectFacts,
        reason: ReasonCode,
    ) -> Result<(), NotDone> {
        let named = name.and_then(|name| bundle.member(name).ok());
        let key = match named {
            Some(key) => key,
            None => bundle.nameless_member(place as u64 + 1)?,
        };
        let now = self.intake.clock.now();
        let mut member = upload(&key, None, facts, UploadState::Rejected, now);
        member.reason = Some(reason);
        member.size_bytes = size_bytes;
        member.version_id = None;
        (member.metadata, member.notes) = (AdMetadata::default(), Vec::new());
        self.intake.store.record_upload(&member).await?;
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
        bundle: None,
        uploaded_at: facts.last_modified,
        updated_at: now,
    }
}
