//! A reference photo becomes a fingerprint in the log of references.
//!
//! Woken by the references bucket through a queue. The photo is a *photo* to find again, never a
//! face: no biometric template is made. What cannot be used ends as a rejected reference that
//! tells its unit why.
#![forbid(unsafe_code)]

mod terms;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use features::fingerprint::ReferenceFingerprint;
use features::{ReferenceFeatures, ReferenceKind};
use intake::{Intake, IntakeError};
use photo::{Limits, Reason};
use reading::Read;
use records::{
    AlertLimit, ImageSha256, ObjectKey, ObjectRemoved, ReasonCode, Reference, ReferenceId,
    ReferenceKey, ReferenceStatus, SearchProgress,
};
use store::{
    Activated, Clock, Fetched, Object, ObjectFacts, References, Renewed, Store, Submitted, Tenants,
};

use crate::terms::Terms;

/// Messages of one batch worked on together.
const MESSAGES_AT_ONCE: usize = 4;

/// PDQ's authors discard hashes of a lower quality: such a picture resembles too many others.
const QUALITY_MIN: u8 = 50;

/// Features without which nothing aligns a photo with a part of an ad: a place, a size, a turn and a
/// lean each have to be told (`matching` asks for as many that fit).
const FEATURES_MIN: usize = 4;

/// What it may touch: references and the settings of their units; `Intake` has the photos that it reads.
///
/// ```
/// fn has(it: &enroll::Access) -> &store::References { &it.references }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &enroll::Access) -> &store::AdsSet { &it.ads }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &enroll::Access) -> &store::Leads { &it.leads }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &enroll::Access) -> &store::Uploads { &it.uploads }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &enroll::Access) -> &store::Deliveries { &it.deliveries }
/// ```
#[derive(Clone, Debug)]
pub struct Access {
    /// References.
    pub references: References,
    /// Tenants.
    pub tenants: Tenants,
}

impl From<Store> for Access {
    fn from(all: Store) -> Self {
        Self {
            references: all.references,
            tenants: all.tenants,
        }
    }
}

/// The handler.
pub struct Enroll {
    store: Access,
    intake: Intake,
}

impl Enroll {
    /// A handler that decodes at most `decoders_max` pictures at once.
    pub fn new(store: Store, limits: Limits, clock: Clock, decoders_max: usize) -> Self {
        let objects = store.objects.clone();
        Self {
            store: store.into(),
            intake: Intake::new(objects, limits, clock, decoders_max),
        }
    }

    /// Enrolls every photo that the messages name, and withdraws those that they say were deleted.
    /// Repetition, lateness and disorder do no harm; a late event never revives a withdrawn
    /// reference.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        let work = |body| self.message(body);
        batches::messages(event, MESSAGES_AT_ONCE, work).await
    }

    async fn message(&self, body: String) -> Result<(), IntakeError> {
        let removed = ObjectRemoved::parse(&body)?;
        let work = |key, fetched, _| self.object(key, fetched); // the log has every reference
        self.intake.message(body, &work).await.map(drop)?;
        for removed in removed {
            let located = self
                .intake
                .objects
                .locate(&removed.bucket, &removed.encoded_key);
            if let Some(ObjectKey::Reference(key)) = located {
                self.removed(&key).await?;
                self.put_again(&key).await?;
            }
        }
        Ok(())
    }

    /// A unit takes a reference back by deleting its photo. Tells whether any is withdrawn.
    async fn removed(&self, key: &ReferenceKey) -> Result<bool, IntakeError> {
        let (store, now) = (&self.store, self.intake.clock.now());
        let bytes_max = self.intake.photo_bytes_max();
        let withdrawn = store.references.withdraw_removed(key, bytes_max, now);
        let withdrawn = withdrawn.await?;
        for id in &withdrawn {
            tracing::info!(reference_id = %id, "a reference whose photo was deleted is withdrawn");
        }
        Ok(!withdrawn.is_empty())
    }

    /// A photo that was put while the deletion of the one before was handled may have been taken for
    /// that: [`References::withdraw_removed`] has forgotten it then.
    async fn put_again(&self, key: &ReferenceKey) -> Result<(), IntakeError> {
        if !self.store.references.awaits_enrolling(key).await? {
            return Ok(());
        }
        let (photo, bytes_max) = (ObjectKey::from(key.clone()), self.intake.photo_bytes_max());
        let fetched = self.intake.objects.fetch(&photo, None, bytes_max).await?;
        self.object(photo, fetched).await
    }

    async fn object(&self, key: ObjectKey, fetched: Fetched) -> Result<(), IntakeError> {
        let ObjectKey::Reference(key) = key else {
            return Ok(()); // not a reference: not ours
        };
        let (sought, facts) = match fetched {
            Fetched::Gone => return Ok(()),
            Fetched::OverLimit(facts) => {
                self.over_limit(&key, &facts).await?;
                (None, facts)
            }
            Fetched::Object(object) => (self.enroll(&key, &object).await?, object.facts),
        };
        let (references, version_id) = (&self.store.references, facts.version_id.as_deref());
        references.save_enrolled(&key, facts.last_modified).await?;
        // Deleted since it was read: the removal event found no reference to withdraw.
        if self.removed(&key).await? {
            return Box::pin(self.put_again(&key)).await;
        }
        // Withdrawn since it was read, for a photo before it: the message comes again.
        let photo = (&key, version_id);
        if let Some(id) = sought
            && references.is_returned(key.tenant(), &id, photo).await?
        {
            return Err(store::Error::Conflict("a photo was taken for the deleted one").into());
        }
        Ok(())
    }

    /// Never read, so it has no content to be named by: its key stands in for that.
    async fn over_limit(&self, key: &ReferenceKey, facts: &ObjectFacts) -> Result<(), IntakeError> {
        let name = ImageSha256::of(key.as_str().as_bytes());
        let terms = Terms::unknown(self.intake.clock.now());
        let reference = self.reference(key, None, &name, facts, terms);
        self.reject(reference, intake::code(Reason::TooLarge)?)
            .await
    }

    /// The reference that the photo is; none if it is rejected.
    async fn enroll(
        &self,
        key: &ReferenceKey,
        Object { bytes, facts }: &Object,
    ) -> Result<Option<ReferenceId>, IntakeError> {
        let image = ImageSha256::of(bytes);
        let now = self.intake.clock.now();
        let settings = self.store.tenants.tenant(key.tenant()).await?;
        let (terms, refused) = match terms::of(settings.as_ref(), facts, now) {
            Ok(terms) => (terms, None),
            Err(reason) => (Terms::unknown(now), Some(reason)),
        };
        let mut reference = self.reference(key, Some(image), &image, facts, terms);
        if let Some(reason) = refused {
            return self.reject(reference, reason).await.map(|()| None);
        }
        let read = match self.intake.read_reference(bytes.clone()).await? {
            Ok(read) => read,
            Err(reason) => {
                let reason = intake::why_not(reason, bytes)?;
                return self.reject(reference, reason).await.map(|()| None);
            }
        };
        reference.width_px = Some(read.width_px);
        reference.height_px = Some(read.height_px);
        reference.quality = quality(&read.fingerprint);
        reference.shows = read.fingerprint.shows();
        reference.is_partial = read.is_partial;
        if is_featureless(&read.fingerprint) {
            let reason = ReasonCode::LOW_QUALITY;
            return self.reject(reference, reason).await.map(|()| None);
        }
        let (id, photo) = (
            reference.reference_id.clone(),
            (key, facts.version_id.as_deref()),
        );
        self.activate(photo, reference, read)
            .await
            .map(|()| Some(id))
    }

    async fn activate(
        &self,
        (key, version_id): (&ReferenceKey, Option<&str>),
        reference: Reference,
        read: Read<ReferenceFingerprint>,
    ) -> Result<(), IntakeError> {
        let (store, id) = (&self.store, &reference.reference_id);
        let (unit, fingerprint) = (key.tenant(), &read.fingerprint);
        let mut submitted = store
            .references
            .submit(unit, &reference, fingerprint)
            .await?;
        if submitted == Submitted::Known(ReferenceStatus::Withdrawn) {
            let photo = (key, version_id);
            let returned = store
                .references
                .submit_returned(unit, &reference, fingerprint, photo);
            submitted = returned.await?;
        }
        if let Submitted::Known(_) = submitted {
            let now = self.intake.clock.now();
            let renewed =
                store
                    .references
                    .renew_reference(key.tenant(), id, &read.fingerprint, now);
            if renewed.await? == Renewed::Now {
                tracing::info!(reference_id = %id, "a reference has a fingerprint of new algorithms");
            }
        }
        let found = store.references.reference(key.tenant(), id).await?;
        // Held by a person or ended: no event changes that.
        if found.is_none_or(|found| found.status != ReferenceStatus::Pending) {
            return Ok(());
        }
        let activated = self
            .store
            .references
            .activate(key.tenant(), id, self.intake.clock.now())
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
            shows: ReferenceKind::Photo,
            legal_basis: terms.legal_basis,
            expires_at: terms.expires_at,
            created_at: facts.uploaded_at(),
            activated_at: None,
            ended_at: None,
            search: SearchProgress::default(),
            is_partial: false,
            alerting: AlertLimit::default(),
        }
    }

    async fn reject(
        &self,
        mut reference: Reference,
        reason: ReasonCode,
    ) -> Result<(), IntakeError> {
        tracing::info!(reference_id = %reference.reference_id, %reason, "a reference is rejected");
        let tenant = reference
            .object_key
            .as_ref()
            .map(|key| key.tenant().clone());
        reference.status = ReferenceStatus::Rejected;
        reference.reason = Some(reason);
        // As of its photo: one that is put again with better metadata before this is handled comes after it.
        reference.ended_at = Some(reference.created_at);
        if let Some(unit) = tenant {
            self.store
                .references
                .reject_reference(&unit, &reference)
                .await?;
        }
        Ok(())
    }
}

/// The best quality of its whole-picture hashes, 0 to 100.
fn quality(fingerprint: &ReferenceFingerprint) -> Option<u8> {
    fingerprint
        .framings
        .iter()
        .map(|(_, view)| view.quality)
        .max()
}

/// Whether neither stage could find it: searches for it would have no result, or only false ones.
fn is_featureless(fingerprint: &ReferenceFingerprint) -> bool {
    let features = ReferenceFeatures::from_bytes(&fingerprint.features);
    let has_parts = features.is_ok_and(|read| read.features.len() >= FEATURES_MIN);
    !has_parts && quality(fingerprint).is_none_or(|q| q < QUALITY_MIN)
}
