//! An ad image becomes a fingerprint, a sighting and an upload record.
//!
//! Woken by the ads bucket through a queue. It has no right to anything about references and links
//! no matching code: nothing that an uploader can observe here depends on who is sought. A file
//! that cannot be decoded is data: it ends as a rejected upload with a reason.
#![forbid(unsafe_code)]

mod bundle;
mod hashes;
mod quotas;
mod small;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use bytes::Bytes;
use features::fingerprint::{AdFingerprint, FINGERPRINT_VERSION};
use intake::{Intake, IntakeError};
use photo::{Limits, Reason};
use reading::Read;
use records::{
    AdKey, AdMetadata, BundleCounts, Image, ImageSha256, LineFaults, MemberName, MetadataNote,
    ObjectKey, ReasonCode, Sighting, TenantId, Timestamp, Upload, UploadState,
};
use small::Small;
use store::{
    AdsSet, Clock, Fetched, Object, ObjectFacts, Objects, Store, StoredAd, Tenants, Uploads,
};
use tokio::sync::Semaphore;

/// Messages of one batch worked on together: fetching one hides the waiting of another.
const MESSAGES_AT_ONCE: usize = 8;

/// From this attempt on, messages are taken one by one: a queue gives up after five.
const ATTEMPT_ONE_BY_ONE: u32 = 3;

/// So long before its end a posting is not relied on any more: what is known by it is put into the set again.
const END_MARGIN_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Which attempt at a message this is, from 1, if its queue says so.
fn attempt(message: &SqsMessage) -> Option<u32> {
    message
        .attributes
        .get("ApproximateReceiveCount")?
        .parse()
        .ok()
}

/// What a first look at an object gave.
enum Inspected {
    /// A picture.
    Ad(Box<IncomingAd>),
    /// A bundle whose pictures are looked at.
    Small(Small),
    /// A bundle to be taken apart, once the pictures of its batch are done.
    Bundle(AdKey, ObjectFacts),
    /// A list of hashes, likewise.
    List(AdKey, ObjectFacts, Bytes, Known),
    /// Nothing more to be done.
    Done,
}

/// A picture that was looked at.
struct IncomingAd {
    key: AdKey,
    facts: ObjectFacts,
    /// The bundle that it lies in.
    stored_in: Option<AdKey>,
    image: Image,
    /// Its features, if the searchable set has none of these algorithms.
    new: Option<Box<StoredAd>>,
    /// Whether it has some of older ones.
    is_renewed: bool,
    /// From when on it is kept, if the set had it before.
    kept_since: Option<Timestamp>,
}

/// How what is in one message is taken in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chunks {
    /// The pictures of a small bundle go together.
    Together,
    /// Something in it may have killed its function before: none goes together with another.
    Apart,
}

/// What is done with a picture or list that the searchable set has by all that is recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It is there.
    IsThere,
    /// It is put there once more: the set is being made again.
    ComesAgain,
}

/// What it may touch: photos and records of ads. No reference, lead or search can be named through it.
///
/// ```
/// fn has(it: &ingest::Access) -> &store::Uploads { &it.uploads }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &ingest::Access) -> &store::References { &it.references }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &ingest::Access) -> &store::Leads { &it.leads }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &ingest::Access) -> &store::Searches { &it.searches }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &ingest::Access) -> &store::Deliveries { &it.deliveries }
/// ```
#[derive(Clone, Debug)]
pub struct Access {
    /// Photos.
    pub objects: Objects,
    /// Uploads, images and sightings.
    pub uploads: Uploads,
    /// The searchable set of ads.
    pub ads: AdsSet,
    /// Tenants.
    pub tenants: Tenants,
}

impl From<Store> for Access {
    fn from(all: Store) -> Self {
        Self {
            objects: all.objects,
            uploads: all.uploads,
            ads: all.ads,
            tenants: all.tenants,
        }
    }
}

/// The handler.
pub struct Ingest {
    store: Access,
    intake: Intake,
    limits: Limits,
    quotas: quotas::Quotas,
    /// How long ads are kept after they were uploaded; none for ever.
    pub ads_kept: Option<Duration>,
    /// Bundles on the disk at once.
    bundles: Semaphore,
    /// Memory of members on their way, in KiB.
    members_kib: Arc<Semaphore>,
}

impl Ingest {
    /// A handler that decodes at most `decoders_max` pictures at once.
    pub fn new(
        store: impl Into<Access>,
        limits: Limits,
        clock: Clock,
        decoders_max: usize,
    ) -> Self {
        let store = store.into();
        Self {
            intake: Intake::new(store.objects.clone(), limits, clock, decoders_max),
            store,
            limits,
            quotas: quotas::Quotas::default(),
            ads_kept: None,
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
            _ => self.batch(event, Chunks::Together).await,
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
            let failures = self.batch(alone, Chunks::Apart).await.batch_item_failures;
            response.batch_item_failures.extend(failures);
        }
        response
    }

    async fn batch(&self, event: SqsEvent, pieces: Chunks) -> SqsBatchResponse {
        let look = |key, fetched, is_rebuild| {
            let known = match is_rebuild {
                true => Known::ComesAgain,
                false => Known::IsThere,
            };
            self.inspect(key, fetched, (pieces, known))
        };
        let steps = batches::messages_in_steps(
            event,
            MESSAGES_AT_ONCE,
            |body| self.intake.message(body, &look),
            async |looked| self.record_new(looked).await,
            |looked| self.finish_all(looked),
        );
        Box::pin(steps).await // on the heap: it is very deep
    }

    async fn inspect(
        &self,
        key: ObjectKey,
        fetched: Fetched,
        how: (Chunks, Known),
    ) -> Result<Inspected, IntakeError> {
        if self.has_ended(&key, &fetched).await? {
            tracing::info!("an event came after the end of its ad: passed over");
            return Ok(Inspected::Done);
        }
        match (key, fetched) {
            (ObjectKey::Ad(key), Fetched::Object(object)) => self.object(key, object, how).await,
            (ObjectKey::Ad(key), Fetched::OverLimit(facts)) => self.large(key, facts).await,
            _ => Ok(Inspected::Done), // not an ad: not ours
        }
    }

    /// Whether a photo is past its retention and was removed for that: its event came late. One that still
    /// lies there has waited to be looked at, and is.
    async fn has_ended(&self, key: &ObjectKey, fetched: &Fetched) -> Result<bool, IntakeError> {
        let facts = match fetched {
            Fetched::Object(object) => &object.facts,
            Fetched::OverLimit(facts) => facts,
            Fetched::Gone => return Ok(false),
        };
        let age = self.intake.clock.now().since(facts.last_modified);
        match self.ads_kept {
            Some(kept) if age > kept => {
                let version = facts.version_id.as_deref();
                Ok(!self.store.objects.is_current(key, version).await?)
            }
            _ => Ok(false),
        }
    }

    /// Whether a posting of this time is far from its end: what is known by it alone is in the set, and will be
    /// for as long as any batch takes.
    fn is_far_from_its_end(&self, uploaded_at: Timestamp) -> bool {
        self.ads_kept.is_none_or(|kept| {
            let margin = END_MARGIN_MAX.min(kept / 4);
            self.intake.clock.now().since(uploaded_at) + margin < kept
        })
    }

    /// More bytes than a picture may have: a bundle, or too large.
    async fn large(&self, key: AdKey, facts: ObjectFacts) -> Result<Inspected, IntakeError> {
        let version = facts.version_id.as_deref();
        let head = self
            .store
            .objects
            .peek(&key.clone().into(), version, bundles::HEAD_BYTES)
            .await?;
        match head {
            Some(head) if bundle::is_to_be_unpacked(&head, &facts) => {
                return Ok(Inspected::Bundle(key, facts));
            }
            Some(_) => {
                let upload = self.rejected(&key, &facts, intake::code(Reason::TooLarge)?);
                self.record_rejected(upload).await?;
            }
            None => {} // gone concurrently
        }
        Ok(Inspected::Done)
    }

    async fn object(
        &self,
        key: AdKey,
        object: Object,
        how: (Chunks, Known),
    ) -> Result<Inspected, IntakeError> {
        let Object { bytes, facts } = object;
        if bundle::is_to_be_unpacked(&bytes, &facts) {
            return self.inspect_members(key, facts, bytes, how).await;
        }
        if records::is_hash_list(&bytes) {
            return Ok(Inspected::List(key, facts, bytes, how.1));
        }
        let ad = self.picture(key, facts, None, (bytes, how.1)).await?;
        Ok(ad.map_or(Inspected::Done, |ad| Inspected::Ad(Box::new(ad))))
    }

    /// Looks at a picture, an object of its own or in a bundle; none if it is rejected, which is
    /// recorded. One that is known by a fingerprint of older algorithms gets a new one next to it; if
    /// it cannot be read any more, it keeps the old one.
    async fn picture(
        &self,
        key: AdKey,
        facts: ObjectFacts,
        stored_in: Option<AdKey>,
        (bytes, to_do): (Bytes, Known),
    ) -> Result<Option<IncomingAd>, IntakeError> {
        let image_sha256 = ImageSha256::of(&bytes);
        let known = self
            .store
            .uploads
            .image_since(key.tenant(), &image_sha256)
            .await?;
        let is_known = known.is_some();
        let is_kept = known
            .as_ref()
            .is_some_and(|(_, uploaded_at)| self.is_far_from_its_end(*uploaded_at));
        let known = known.map(|(image, _)| image);
        let ends_soon = !self.is_far_from_its_end(facts.last_modified);
        let is_current =
            |image: &Image| image.fingerprint_version >= FINGERPRINT_VERSION && is_kept;
        if is_known
            && ends_soon
            && to_do == Known::IsThere
            && self.is_recorded(&key, &facts).await?
        {
            return Ok(None); // to be found once more it would have to be kept for longer
        }
        let (image, new) = match known {
            Some(image) if is_current(&image) && to_do == Known::IsThere => (image, None),
            known => match (self.intake.read_ad(bytes.clone()).await?, known) {
                (Ok(read), _) => {
                    let (image, new) = self.new_ad(key.tenant(), image_sha256, read);
                    (image, Some(Box::new(new)))
                }
                (Err(_), Some(image)) => (image, None),
                (Err(reason), None) => {
                    let reason = intake::why_not(reason, &bytes)?;
                    let mut upload = self.rejected(&key, &facts, reason);
                    (upload.image_sha256, upload.stored_in) = (Some(image_sha256), stored_in);
                    self.record_rejected(upload).await?;
                    return Ok(None);
                }
            },
        };
        let is_again = is_known && new.is_some() && !ends_soon;
        Ok(Some(IncomingAd {
            key,
            kept_since: is_again.then_some(facts.last_modified),
            facts,
            stored_in,
            image,
            is_renewed: is_known && new.is_some(),
            new,
        }))
    }

    /// Whether this object was recorded before, and none since.
    async fn is_recorded(&self, key: &AdKey, facts: &ObjectFacts) -> Result<bool, IntakeError> {
        let upload = self.store.uploads.upload(key).await?;
        Ok(upload.is_some_and(|it| {
            it.state == UploadState::Recorded && it.uploaded_at == facts.last_modified
        }))
    }

    fn new_ad(
        &self,
        tenant: &TenantId,
        image_sha256: ImageSha256,
        read: Read<AdFingerprint>,
    ) -> (Image, StoredAd) {
        let image = Image {
            image_sha256,
            width_px: read.width_px,
            height_px: read.height_px,
            is_partial: read.is_partial,
            frames: read.frames,
            fingerprint_version: read.fingerprint.version,
            first_seen_at: self.intake.clock.now(),
        };
        let ad = StoredAd {
            tenant: tenant.clone(),
            image_sha256,
            fingerprint: read.fingerprint,
            postings: Vec::new(),
        };
        (image, ad)
    }

    /// Puts all new pictures of a batch into the searchable set, each once, but for those that are
    /// over their tenant's quota.
    async fn record_new(
        &self,
        mut batch: Vec<Vec<Inspected>>,
    ) -> Result<Vec<Vec<Inspected>>, IntakeError> {
        self.hold_to_quotas(&mut batch).await?;
        let mut seen = HashSet::new();
        let ads = batch.iter_mut().flatten().flat_map(|looked| match looked {
            Inspected::Ad(ad) => std::slice::from_mut(&mut **ad),
            Inspected::Small(small) => &mut small.ads,
            Inspected::Bundle(..) | Inspected::List(..) | Inspected::Done => &mut [],
        });
        let new = ads.filter_map(|ad| ad.new.take().map(|new| (*new, ad.kept_since)));
        let new = new.filter(|(ad, _)| seen.insert((ad.tenant.clone(), ad.image_sha256)));
        let (store, clock) = (&self.store, &self.intake.clock);
        store.ads.put_ads_again(new.collect(), clock).await?;
        Ok(batch)
    }

    async fn finish_all(&self, all: Vec<Inspected>) -> Result<(), IntakeError> {
        for looked in all {
            match looked {
                Inspected::Ad(ad) => {
                    self.record(&ad).await?;
                    let size_bytes = ad.facts.size_bytes;
                    tracing::info!(size_bytes, "an ad image is recorded");
                }
                Inspected::Small(small) => self.finish_small(small).await?,
                Inspected::Bundle(key, facts) => self.unpack(&key, &facts).await?,
                Inspected::List(key, facts, bytes, known) => {
                    self.hash_list(&key, &facts, (bytes, known)).await?;
                }
                Inspected::Done => {}
            }
        }
        Ok(())
    }

    async fn record(&self, ad: &IncomingAd) -> Result<(), IntakeError> {
        let mut upload = upload(
            &ad.key,
            Some(ad.image.image_sha256),
            &ad.facts,
            UploadState::Recorded,
            self.intake.clock.now(),
        );
        upload.stored_in = ad.stored_in.clone();
        upload.frames.clone_from(&ad.image.frames);
        if ad.image.is_partial {
            upload.notes.push(MetadataNote::Partial);
        }
        let sighting = Sighting::of(&ad.key, &upload.metadata);
        if ad.is_renewed {
            self.store
                .uploads
                .renew_image(ad.key.tenant(), &ad.image)
                .await?;
        }
        self.store
            .uploads
            .record_sighting(&ad.image, &sighting, ad.facts.last_modified)
            .await?;
        self.store.uploads.record_upload(&upload).await?;
        Ok(())
    }

    fn rejected(&self, key: &AdKey, facts: &ObjectFacts, reason: ReasonCode) -> Upload {
        let now = self.intake.clock.now();
        let mut upload = upload(key, None, facts, UploadState::Rejected, now);
        upload.reason = Some(reason);
        upload
    }

    async fn record_rejected(&self, upload: Upload) -> Result<(), IntakeError> {
        self.store.uploads.record_upload(&upload).await?;
        let reason = upload.reason.as_ref().map(tracing::field::display);
        tracing::info!(
            size_bytes = upload.size_bytes,
            reason,
            "an upload is rejected"
        );
        Ok(())
    }

    /// Records what became of a bundle or list as a whole.
    async fn record_whole(
        &self,
        key: &AdKey,
        facts: &ObjectFacts,
        outcome: Result<(BundleCounts, LineFaults), ReasonCode>,
    ) -> Result<(), IntakeError> {
        let now = self.intake.clock.now();
        let mut whole = upload(key, None, facts, UploadState::Recorded, now);
        match outcome {
            Ok((counts, faults)) => {
                tracing::info!(
                    members = counts.members,
                    refused = counts.refused,
                    "a bundle is done"
                );
                whole.bundle = Some(counts);
                whole.faults = Some(faults).filter(|faults| !faults.is_empty());
            }
            Err(reason) => {
                tracing::info!(%reason, "a bundle is rejected");
                whole.state = UploadState::Rejected;
                whole.reason = Some(reason);
            }
        }
        self.store.uploads.record_upload(&whole).await?;
        Ok(())
    }

    /// Records that a member of a bundle is refused, under its own name or by its place.
    async fn refuse_member(
        &self,
        (bundle, place): (&AdKey, usize),
        name: Option<&MemberName>,
        size_bytes: u64,
        facts: &ObjectFacts,
        reason: ReasonCode,
    ) -> Result<(), IntakeError> {
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
        self.store.uploads.record_upload(&member).await?;
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
        stored_in: None,
        metadata,
        notes,
        bundle: None,
        faults: None,
        frames: None,
        uploaded_at: facts.last_modified,
        updated_at: now,
    }
}
