//! An ad image becomes a fingerprint, a sighting and an upload record.
//!
//! Woken by the ads bucket through a queue. It has no right to anything about references and links
//! no matching code: nothing that an uploader can observe here depends on who is sought. A file
//! that cannot be decoded is data: it ends as a rejected upload with a reason.

mod bundle;
mod hashes;

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use bytes::Bytes;
use intake::{Intake, NotDone, Read};
use photo::{Limits, Reason};
use records::fingerprint::AdFingerprint;
use records::{
    AdKey, AdMetadata, BundleCounts, Image, ImageSha256, MemberName, ObjectKey, ReasonCode,
    Sighting, Timestamp, Upload, UploadState,
};
use store::{Clock, Fetched, Object, ObjectFacts, Store, StoredAd};
use tokio::sync::Semaphore;

/// Messages of one batch worked on together: fetching one hides the waiting of another.
const MESSAGES_AT_ONCE: usize = 8;

/// From this attempt on, messages are taken one by one: a queue gives up after five.
const ATTEMPT_ONE_BY_ONE: u32 = 3;

/// Which attempt at a message this is, from 1, if its queue says so.
fn attempt(message: &SqsMessage) -> Option<u32> {
    message
        .attributes
        .get("ApproximateReceiveCount")?
        .parse()
        .ok()
}

/// What a first look at an object gave.
enum Looked {
    /// A picture; new if no upload of its tenant brought it before.
    Ad {
        key: AdKey,
        facts: ObjectFacts,
        image: Image,
        new: Option<Box<StoredAd>>,
    },
    /// A bundle or a list, which takes its time once the pictures beside it are done.
    Whole(AdKey, ObjectFacts, Whole),
    /// Nothing more to be done.
    Done,
}

/// What holds many pictures.
enum Whole {
    Bundle,
    List(Bytes),
}

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
    /// harm; an object that is gone or not ours is no error. Pictures of one batch become part of
    /// the searchable set together; but a batch that has come before and was not answered is taken
    /// one by one, since something in it may have killed its function.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        let attempts = event.records.iter().filter_map(attempt).max();
        match attempts {
            Some(attempt) if attempt >= ATTEMPT_ONE_BY_ONE => self.one_by_one(event, attempt).await,
            _ => self.together(event).await,
        }
    }

    /// Each message on its own: what stands before the one that kills is done by then. The next
    /// attempt begins at the other end.
    async fn one_by_one(&self, mut event: SqsEvent, attempt: u32) -> SqsBatchResponse {
        let mut messages = std::mem::take(&mut event.records);
        if attempt.is_multiple_of(2) {
            messages.reverse();
        }
        let mut response = SqsBatchResponse::default();
        for message in messages {
            let mut alone = SqsEvent::default();
            alone.records = vec![message];
            let failures = self.together(alone).await.batch_item_failures;
            response.batch_item_failures.extend(failures);
        }
        response
    }

    async fn together(&self, event: SqsEvent) -> SqsBatchResponse {
        let look = |key, fetched| self.look_at(key, fetched);
        let steps = batches::messages_in_steps(
            event,
            MESSAGES_AT_ONCE,
            |body| self.intake.message(body, &look),
            async |looked| self.record_new(looked).await,
            |looked| self.finish_all(looked),
        );
        Box::pin(steps).await // on the heap: it is very deep
    }

    async fn look_at(&self, key: ObjectKey, fetched: Fetched) -> Result<Looked, NotDone> {
        match (key, fetched) {
            (ObjectKey::Ad(key), Fetched::Object(object)) => self.picture(key, object).await,
            (ObjectKey::Ad(key), Fetched::OverLimit(facts)) => self.large(key, facts).await,
            _ => Ok(Looked::Done), // not an ad: not ours
        }
    }

    /// More bytes than a picture may have: a bundle, or too large.
    async fn large(&self, key: AdKey, facts: ObjectFacts) -> Result<Looked, NotDone> {
        let version = facts.version_id.as_deref();
        let head = self
            .intake
            .store
            .peek(&key.clone().into(), version, bundles::HEAD_BYTES)
            .await?;
        match head {
            Some(head) if bundle::is_to_be_unpacked(&head, &facts) => {
                return Ok(Looked::Whole(key, facts, Whole::Bundle));
            }
            Some(_) => self.reject(&key, None, &facts, Reason::TooLarge).await?,
            None => {} // gone meanwhile
        }
        Ok(Looked::Done)
    }

    async fn picture(&self, key: AdKey, object: Object) -> Result<Looked, NotDone> {
        let Object { bytes, facts } = object;
        if bundle::is_to_be_unpacked(&bytes, &facts) {
            return Ok(Looked::Whole(key, facts, Whole::Bundle));
        }
        if records::is_hash_list(&bytes) {
            return Ok(Looked::Whole(key, facts, Whole::List(bytes)));
        }
        let image = ImageSha256::of(&bytes);
        if let Some(image) = self.intake.store.image(key.tenant(), &image).await? {
            let new = None;
            return Ok(Looked::Ad {
                key,
                facts,
                image,
                new,
            });
        }
        match self.intake.read(bytes, fingerprint::of_ad).await? {
            Ok(read) => Ok(self.new_ad(key, facts, image, read)),
            Err(reason) => {
                self.reject(&key, Some(image), &facts, reason).await?;
                Ok(Looked::Done)
            }
        }
    }

    fn new_ad(
        &self,
        key: AdKey,
        facts: ObjectFacts,
        image_sha256: ImageSha256,
        read: Read<AdFingerprint>,
    ) -> Looked {
        let image = Image {
            image_sha256,
            width_px: read.width_px,
            height_px: read.height_px,
            fingerprint_version: read.fingerprint.version,
            first_seen_at: self.intake.clock.now(),
        };
        let new = StoredAd {
            tenant: key.tenant().clone(),
            image_sha256,
            fingerprint: read.fingerprint,
        };
        Looked::Ad {
            key,
            facts,
            image,
            new: Some(Box::new(new)),
        }
    }

    /// Puts all new pictures of a batch into the searchable set.
    async fn record_new(&self, mut batch: Vec<Vec<Looked>>) -> Result<Vec<Vec<Looked>>, NotDone> {
        let new = batch
            .iter_mut()
            .flatten()
            .filter_map(|looked| match looked {
                Looked::Ad { new, .. } => new.take().map(|new| *new),
                Looked::Whole(..) | Looked::Done => None,
            });
        let (store, clock) = (&self.intake.store, &self.intake.clock);
        store.put_ads(new.collect(), clock).await?;
        Ok(batch)
    }

    async fn finish_all(&self, all: Vec<Looked>) -> Result<(), NotDone> {
        for looked in all {
            match looked {
                Looked::Ad {
                    key, facts, image, ..
                } => self.record(&key, &image, &facts).await?,
                Looked::Whole(key, facts, Whole::Bundle) => self.unpack(&key, &facts).await?,
                Looked::Whole(key, facts, Whole::List(bytes)) => {
                    self.hash_list(&key, &facts, bytes).await?;
                }
                Looked::Done => {}
            }
        }
        Ok(())
    }

    async fn record(&self, key: &AdKey, image: &Image, facts: &ObjectFacts) -> Result<(), NotDone> {
        let upload = upload(
            key,
            Some(image.image_sha256),
            facts,
            UploadState::Recorded,
            self.intake.clock.now(),
        );
        let sighting = Sighting::of(key, &upload.metadata);
        self.intake
            .store
            .record_sighting(image, &sighting, facts.last_modified)
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
