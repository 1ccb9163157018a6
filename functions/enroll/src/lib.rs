//! A reference photo becomes a fingerprint in the log of references.
//!
//! Woken by the references bucket through a queue. The photo is a *photo* to find again, never a
//! face: no biometric template is made. What cannot be used ends as a rejected reference that
//! tells its unit why.

mod picture;
mod terms;

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use photo::{Limits, Reason};
use records::{
    ImageSha256, ObjectCreated, ObjectKey, ReasonCode, Reference, ReferenceId, ReferenceKey,
    ReferenceStatus, SearchProgress, Timestamp,
};
use store::{Activated, Clock, Fetched, Object, ObjectFacts, Store};
use tokio::sync::Semaphore;

use crate::terms::Terms;

/// Messages of one batch worked on together.
const MESSAGES_AT_ONCE: usize = 4;

/// What the function works with.
pub struct Enroll {
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

impl Enroll {
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

    /// Enrolls every photo that the messages name. Repetition, lateness and disorder do no harm;
    /// a late event never revives a withdrawn reference.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        batches::messages(event, MESSAGES_AT_ONCE, |body| self.message(body)).await
    }

    async fn message(&self, body: String) -> Result<(), NotDone> {
        for created in ObjectCreated::parse(&body)? {
            match self.store.locate(&created.bucket, &created.encoded_key) {
                Some(ObjectKey::Reference(key)) => self.object(&key, &created).await?,
                _ => tracing::info!("an event for an object that is not ours was passed over"),
            }
        }
        Ok(())
    }

    async fn object(&self, key: &ReferenceKey, created: &ObjectCreated) -> Result<(), NotDone> {
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
            Fetched::OverLimit(facts) => {
                self.over_limit(key, &facts).await?;
                Ok(self.store.note_enrolled(key, facts.last_modified).await?)
            }
            Fetched::Object(object) => {
                let last_modified = object.facts.last_modified;
                self.enroll(key, object).await?;
                Ok(self.store.note_enrolled(key, last_modified).await?)
            }
        }
    }

    /// Never read, so it has no content to be named by: its key stands in for that.
    async fn over_limit(&self, key: &ReferenceKey, facts: &ObjectFacts) -> Result<(), NotDone> {
        let name = ImageSha256::of(key.as_str().as_bytes());
        let terms = Terms::unknown(self.clock.now());
        let reference = self.reference(key, None, &name, facts, terms);
        self.reject(reference, code(Reason::TooLarge)?).await
    }

    async fn enroll(&self, key: &ReferenceKey, object: Object) -> Result<(), NotDone> {
        let Object { bytes, facts } = object;
        let image = ImageSha256::of(&bytes);
        let now = self.clock.now();
        let settings = self.store.tenant(key.tenant()).await?;
        let (terms, refused) = match terms::of(settings.as_ref(), &facts, now) {
            Ok(terms) => (terms, None),
            Err(reason) => (Terms::unknown(now), Some(reason)),
        };
        let mut reference = self.reference(key, Some(image), &image, &facts, terms);
        if let Some(reason) = refused {
            return self.reject(reference, reason).await;
        }
        let slot = self.decoders.clone().acquire_owned().await;
        let limits = self.limits;
        let read = tokio::task::spawn_blocking(move || {
            let _slot = slot; // held until the pixels are freed
            picture::read(&bytes, &limits)
        })
        .await?;
        match read {
            Err(reason) => self.reject(reference, code(reason)?).await,
            Ok(read) => {
                reference.width_px = Some(read.width_px);
                reference.height_px = Some(read.height_px);
                reference.quality = read.quality();
                if read.is_featureless() {
                    return self.reject(reference, ReasonCode::LOW_QUALITY).await;
                }
                self.activate(key, reference, read).await
            }
        }
    }

    async fn activate(
        &self,
        key: &ReferenceKey,
        reference: Reference,
        read: picture::Read,
    ) -> Result<(), NotDone> {
        self.store
            .submit(key.tenant(), &reference, &read.fingerprint)
            .await?;
        let id = &reference.reference_id;
        let found = self.store.reference(key.tenant(), id).await?;
        // Held by a person or ended: no event changes that.
        if found.is_none_or(|found| found.status != ReferenceStatus::Pending) {
            return Ok(());
        }
        let activated = self
            .store
            .activate(key.tenant(), id, self.clock.now())
            .await?;
        if activated == Activated::Now {
            tracing::info!(reference_id = %id, "a reference is active");
        }
        Ok(())
    }

    fn reference(
        &self,
        key: &ReferenceKey,
        image_sha256: Option<ImageSha256>,
        name: &ImageSha256,
        facts: &ObjectFacts,
        terms: Terms,
    ) -> Reference {
        Reference {
            reference_id: ReferenceId::of_photo(key.tenant(), key.case_id(), name),
            case_id: key.case_id().clone(),
            status: ReferenceStatus::Pending,
            reason: None,
            image_sha256,
            object_key: Some(key.clone()),
            width_px: None,
            height_px: None,
            quality: None,
            legal_basis: terms.legal_basis,
            expires_at: terms.expires_at,
            created_at: facts.uploaded_at(),
            activated_at: None,
            ended_at: None,
            search: SearchProgress::default(),
        }
    }

    async fn reject(&self, mut reference: Reference, reason: ReasonCode) -> Result<(), NotDone> {
        tracing::info!(reference_id = %reference.reference_id, %reason, "a reference is rejected");
        let tenant = reference
            .object_key
            .as_ref()
            .map(|key| key.tenant().clone());
        reference.status = ReferenceStatus::Rejected;
        reference.reason = Some(reason);
        reference.ended_at = Some(later(self.clock.now(), reference.created_at));
        if let Some(unit) = tenant {
            self.store.reject_reference(&unit, &reference).await?;
        }
        Ok(())
    }
}

/// Clocks of two machines may differ: nothing ends before it was made.
fn later(now: Timestamp, created_at: Timestamp) -> Timestamp {
    now.max(created_at)
}

fn code(reason: Reason) -> Result<ReasonCode, NotDone> {
    Ok(ReasonCode::parse(reason.as_str())?)
}
