//! What the timers do, on the embedded servers.
#![allow(clippy::unwrap_used, missing_docs)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests of real servers meet the real clock"
)]

mod clocks;
mod fingerprints;
mod mending;
mod receipts;
mod retractions;
mod rounds;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use embedded::Embedded;
use features::fingerprint::{AdFingerprint, Framing, Hash256, HashVariant, ReferenceFingerprint};
use features::{
    AdFeatures, CommonFeatures, Descriptor, Feature, Grey, Grid, PictureDigest, Sketch,
};
use fingerprints::Enqueued;
use records::*;
use store::{Clock, CompactionRule, Jitter, Names, NewObject, ObjectKind, Store, StoredAd};
use upkeep::{Done, Task, Upkeep};

const HOUR: Duration = Duration::from_secs(3_600);

struct System {
    embedded: Embedded,
    store: Store,
    upkeep: Upkeep,
    told: Arc<Enqueued>,
    now_ms: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

/// A system without any queue: the event of everything that is put into it is lost.
async fn system(ads_kept: Option<Duration>) -> System {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(folder.path()).unwrap();
    let names = Names {
        table_prefix: "t-".into(),
        ads_bucket: "ads".into(),
        references_bucket: "references".into(),
        segments_bucket: "segments".into(),
    };
    let store = Store::with_sdk_config(&embedded.sdk_config(), names, Jitter::new(|| 7));
    store.db.create_tables().await.unwrap();
    for bucket in ["ads", "references", "segments"] {
        embedded.create_bucket(bucket).await.unwrap();
    }
    let now_ms = Arc::new(AtomicI64::new(jiff::Timestamp::now().as_millisecond()));
    let shared = now_ms.clone();
    let clock = Clock::new(move || Timestamp::from_millis(shared.load(Ordering::SeqCst)));
    let settings = TenantSettings {
        tenant: unit(),
        is_unit: true,
        is_uploader: true,
        legal_basis: None,
        expiry_days: 1,
        tell_withdrawals: false,
        second_opinion: false,
        created_at: clock.now(),
    };
    store.tenants.put_tenant(&settings).await.unwrap();
    let told = Arc::new(Enqueued::default());
    let upkeep = Upkeep {
        store: store.clone(),
        clock,
        pending_max: HOUR,
        objects_every: Duration::ZERO,
        ads_kept,
        looks_apart_max: None,
        compaction: CompactionRule::default(),
        queues: told.clone(),
        noted: Default::default(),
    };
    System {
        embedded,
        store,
        upkeep,
        told,
        now_ms,
        folder,
    }
}

impl System {
    fn wait(&self, time: Duration) {
        self.now_ms
            .fetch_add(time.as_millis() as i64, Ordering::SeqCst);
    }

    fn now(&self) -> Timestamp {
        self.upkeep.clock.now()
    }

    async fn put(&self, key: &str) -> ObjectKey {
        let key = ObjectKey::parse(key).unwrap();
        let metadata = HashMap::from([("ad-id".to_owned(), "7".to_owned())]);
        let object = NewObject {
            bytes: "bytes".into(),
            content_type: "image/jpeg".into(),
            metadata,
        };
        self.store.objects.put_object(&key, object).await.unwrap();
        key
    }

    async fn run(&self, task: Task) -> Done {
        self.upkeep.run(&[task]).await.unwrap()
    }

    /// An ad of the set, with a posting under the key of all ads here.
    async fn put_ad(&self, content: &[u8], uploaded_at: Timestamp) {
        let image_sha256 = ImageSha256::of(content);
        let whole = HashVariant {
            pdq: Hash256(*image_sha256.bytes()),
            quality: 100,
            second: Hash256([0; 32]),
        };
        let fingerprint = AdFingerprint {
            version: 1,
            whole,
            trimmed: None,
            features: Vec::new(),
        };
        let ad = StoredAd {
            tenant: unit(),
            image_sha256,
            fingerprint,
            postings: Vec::new(),
        };
        let clock = Clock::new(move || uploaded_at);
        self.store.ads.put_ads(vec![ad], &clock).await.unwrap();
        let image = Image {
            image_sha256,
            width_px: 9,
            height_px: 9,
            is_partial: false,
            frames: Default::default(),
            fingerprint_version: 1,
            first_seen_at: uploaded_at,
        };
        let sighting = Sighting::of(&ad_key(), &AdMetadata::default());
        let uploads = &self.store.uploads;
        let recorded = uploads.record_sighting(&image, &sighting, uploaded_at);
        recorded.await.unwrap();
    }

    /// From here on events are heard.
    async fn listen(&self, bucket: &str) {
        self.embedded.notify(bucket, "", "heard").await.unwrap();
    }

    async fn heard(&self) -> Vec<String> {
        let queue = self.embedded.queue("heard");
        let now = jiff::Timestamp::now();
        let messages = queue
            .receive(10, Duration::from_secs(60), now)
            .await
            .unwrap();
        messages.into_iter().map(|message| message.body).collect()
    }

    async fn reference(&self, key: &ReferenceKey) -> ReferenceId {
        self.reference_of(key, b"bytes").await
    }

    async fn reference_of(&self, key: &ReferenceKey, content: &[u8]) -> ReferenceId {
        let image = ImageSha256::of(content);
        let reference = Reference {
            reference_id: ReferenceId::of_photo(&unit(), key.case_id(), &image),
            case_id: key.case_id().clone(),
            status: ReferenceStatus::Pending,
            reason: None,
            image_sha256: Some(image),
            object_key: Some(key.clone()),
            width_px: None,
            height_px: None,
            quality: None,
            shows: features::ReferenceKind::Photo,
            legal_basis: Label::parse("consent").unwrap(),
            expires_at: self.now().plus(HOUR * 3 / 2),
            created_at: self.now(),
            activated_at: None,
            ended_at: None,
            search: SearchProgress::default(),
            is_partial: false,
            alerting: AlertLimit::default(),
        };
        let view = HashVariant {
            pdq: Hash256([3; 32]),
            quality: 100,
            second: Hash256([0; 32]),
        };
        let framings = vec![(Framing::default(), view)];
        let fingerprint = ReferenceFingerprint {
            version: 1,
            framings,
            features: Vec::new(),
        };
        self.store
            .references
            .submit(&unit(), &reference, &fingerprint)
            .await
            .unwrap();
        self.store
            .references
            .activate(&unit(), &reference.reference_id, self.now())
            .await
            .unwrap();
        reference.reference_id
    }
}

fn unit() -> TenantId {
    TenantId::parse("unit").unwrap()
}

fn ad_key() -> AdKey {
    AdKey::parse("ads/unit/a b+ü%2F.jpg").unwrap()
}

#[tokio::test]
async fn an_upload_whose_event_was_lost_is_driven_again_with_its_metadata() {
    let system = system(None).await;
    let key = system.put(ad_key().as_str()).await;
    system.listen("ads").await;
    assert_eq!(
        system.run(Task::Objects).await.redriven,
        0,
        "it may be merely slow"
    );
    system.wait(HOUR * 2);
    assert_eq!(system.run(Task::Objects).await.redriven, 1);
    let [event] = &system.heard().await[..] else {
        panic!("one event")
    };
    let [created] = &ObjectCreated::parse(event).unwrap()[..] else {
        panic!("one object")
    };
    assert_eq!(
        system
            .store
            .objects
            .locate(&created.bucket, &created.encoded_key),
        Some(key.clone())
    );
    let fetched = system.store.objects.fetch(&key, None, 100).await.unwrap();
    let store::Fetched::Object(object) = fetched else {
        panic!("the object is there")
    };
    assert_eq!(object.facts.metadata["ad-id"], "7");
    assert!(object.facts.uploaded_at() <= object.facts.last_modified);
}

/// A system with one upload that is done.
async fn system_with_upload(ads_kept: Duration, bundle: Option<BundleCounts>) -> System {
    let system = system(Some(ads_kept)).await;
    system.put(ad_key().as_str()).await;
    let listed = system
        .store
        .objects
        .objects_page(ObjectKind::Ad, "ads/", None, 10)
        .await
        .unwrap()
        .items
        .remove(0);
    let upload = Upload {
        object_key: ad_key(),
        state: UploadState::Rejected,
        reason: Some(ReasonCode::NOT_AN_IMAGE),
        image_sha256: None,
        size_bytes: 5,
        version_id: None,
        metadata: AdMetadata::default(),
        notes: Vec::new(),
        stored_in: None,
        bundle,
        faults: None,
        frames: None,
        uploaded_at: listed.last_modified,
        updated_at: listed.last_modified,
    };
    system.store.uploads.record_upload(&upload).await.unwrap();
    system
}

#[tokio::test]
async fn a_recorded_upload_is_left_alone_and_removed_after_its_retention() {
    let system = system_with_upload(HOUR * 24, None).await;
    system.wait(HOUR * 2);
    assert_eq!(system.run(Task::Objects).await, Done::default());
    system.wait(HOUR * 24);
    assert_eq!(system.run(Task::Objects).await.removed, 1);
    assert_eq!(
        system
            .store
            .objects
            .fetch(&ad_key().into(), None, 100)
            .await
            .unwrap(),
        store::Fetched::Gone
    );
    assert_eq!(system.run(Task::Objects).await, Done::default());
    let record = system.store.uploads.upload(&ad_key()).await.unwrap();
    assert_eq!(record, None, "nor does anything tell of it");
}

#[tokio::test]
async fn an_end_that_a_crash_cut_off_is_gone_on_with() {
    let system = system_with_upload(HOUR * 24, None).await;
    let uploads = &system.store.uploads;
    let record = uploads.upload(&ad_key()).await.unwrap().unwrap();
    system.wait(HOUR * 25);
    uploads.begin_end(&record).await.unwrap();
    let key = ad_key().into();
    system
        .store
        .objects
        .delete_object(&key, None)
        .await
        .unwrap();
    assert_eq!(system.run(Task::Objects).await, Done::default());
    assert_eq!(uploads.upload(&ad_key()).await.unwrap(), None);
    assert_eq!(uploads.ends_begun().await.unwrap(), []);
}

#[tokio::test]
async fn an_ad_ends_with_its_photo_and_is_found_no_more() {
    let system = system_with_upload(HOUR * 48, None).await;
    let uploads = &system.store.uploads;
    let before = uploads.upload(&ad_key()).await.unwrap().unwrap();
    let uploaded_at = before.uploaded_at;
    let recorded = Upload {
        state: UploadState::Recorded,
        reason: None,
        image_sha256: Some(ImageSha256::of(b"bytes")),
        ..before
    };
    uploads.record_upload(&recorded).await.unwrap();
    system.put_ad(b"bytes", uploaded_at).await;
    system.wait(HOUR * 47);
    system.run(Task::Objects).await;
    let done = system.run(Task::Compact).await;
    assert_eq!((done.compacted, done.ended), (1, 0));
    system.wait(HOUR * 2);
    assert_eq!(
        system.run(Task::Compact).await.ended,
        0,
        "its photo is there yet"
    );
    assert_eq!(system.run(Task::Objects).await.removed, 1);
    assert_eq!(system.run(Task::Compact).await.ended, 1);
    let image = ImageSha256::of(b"bytes");
    assert_eq!(uploads.sightings(&image).await.unwrap(), []);
    assert_eq!(uploads.upload(&ad_key()).await.unwrap(), None);
    let segments = system.store.ads.ads_segments().await.unwrap();
    assert!(segments.is_empty());
    assert_eq!(system.run(Task::Objects).await, Done::default());
}

#[tokio::test]
async fn nothing_is_asked_about_ads_that_were_settled_until_they_end() {
    let system = system_with_upload(HOUR * 24 * 30, None).await;
    system.wait(HOUR * 72);
    assert_eq!(system.run(Task::Objects).await, Done::default());
    let uploads = &system.store.uploads;
    let record = uploads.upload(&ad_key()).await.unwrap().unwrap();
    let uploaded_at = record.uploaded_at;
    uploads.end_upload(&ad_key(), uploaded_at).await.unwrap(); // who asks would drive it again
    assert_eq!(system.run(Task::Objects).await, Done::default());
    uploads.record_upload(&record).await.unwrap();
    system.wait(HOUR * 24 * 30);
    assert_eq!(system.run(Task::Objects).await.removed, 1);
}

#[tokio::test]
async fn what_is_driven_again_is_asked_about_until_it_is_settled() {
    let system = system(None).await;
    system.put(ad_key().as_str()).await;
    system.wait(HOUR * 72);
    assert_eq!(system.run(Task::Objects).await.redriven, 1);
    system.wait(HOUR * 72);
    assert_eq!(system.run(Task::Objects).await.redriven, 1);
}

#[tokio::test]
async fn a_bundle_is_kept_as_long_as_its_pictures_lie_in_it() {
    for (holds_members, removed_after_a_day) in [(false, 1), (true, 0)] {
        let counts = BundleCounts {
            holds_members,
            ..BundleCounts::default()
        };
        let system = system_with_upload(HOUR * 72, Some(counts)).await;
        system.wait(HOUR * 23);
        assert_eq!(system.run(Task::Objects).await.removed, 0);
        system.wait(HOUR * 3);
        let removed = system.run(Task::Objects).await.removed;
        assert_eq!(removed, removed_after_a_day, "{holds_members}");
        system.wait(HOUR * 48);
        let removed = system.run(Task::Objects).await.removed;
        assert_eq!(removed, 1 - removed_after_a_day, "{holds_members}");
    }
}

#[tokio::test]
async fn a_pending_upload_outlives_its_retention() {
    let system = system(Some(HOUR)).await;
    let key = system.put(ad_key().as_str()).await;
    system.wait(HOUR * 48);
    let done = system.run(Task::Objects).await;
    assert_eq!((done.removed, done.redriven), (0, 1));
    assert_ne!(
        system.store.objects.fetch(&key, None, 100).await.unwrap(),
        store::Fetched::Gone
    );
}

#[tokio::test]
async fn a_reference_photo_whose_event_was_lost_is_driven_again_once() {
    let system = system(None).await;
    let key = ReferenceKey::parse("references/unit/case 7/photo.jpg").unwrap();
    system.put(key.as_str()).await;
    system.listen("references").await;
    system.wait(HOUR * 2);
    assert_eq!(system.run(Task::Objects).await.redriven, 1);
    assert_eq!(system.heard().await.len(), 1);
    let page = system
        .store
        .objects
        .objects_page(ObjectKind::Reference, "references/", None, 10)
        .await;
    let accepted_at = page.unwrap().items[0].last_modified;
    system
        .store
        .references
        .save_enrolled(&key, accepted_at)
        .await
        .unwrap();
    system.wait(HOUR * 2);
    assert_eq!(system.run(Task::Objects).await.redriven, 0);
}

#[tokio::test]
async fn a_reference_ends_on_its_date_and_its_photo_goes() {
    let system = system(None).await;
    let key = ReferenceKey::parse("references/unit/case 7/photo.jpg").unwrap();
    let object = system.put(key.as_str()).await;
    let id = system.reference(&key).await;
    assert_eq!(system.run(Task::References).await, Done::default());
    system.wait(HOUR * 2);
    let done = system.run(Task::References).await;
    assert_eq!((done.expired, done.erased), (1, 1));
    let ended = system
        .store
        .references
        .reference(&unit(), &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.status, ReferenceStatus::Expired);
    assert_eq!(
        system
            .store
            .objects
            .fetch(&object, None, 100)
            .await
            .unwrap(),
        store::Fetched::Gone
    );
    assert_eq!(system.run(Task::References).await, Done::default());
}

#[tokio::test]
async fn a_photo_that_was_submitted_again_after_the_end_stays() {
    let system = system(None).await;
    let key = ReferenceKey::parse("references/unit/case 7/photo.jpg").unwrap();
    let id = system.reference(&key).await;
    let long_ago = system.now().minus(HOUR * 24);
    system
        .store
        .references
        .withdraw(&unit(), &id, long_ago)
        .await
        .unwrap();
    let object = system.put(key.as_str()).await;
    assert_eq!(system.run(Task::References).await.erased, 0);
    assert_ne!(
        system
            .store
            .objects
            .fetch(&object, None, 100)
            .await
            .unwrap(),
        store::Fetched::Gone
    );
}

#[tokio::test]
async fn a_system_without_a_store_says_so_and_can_be_run_again() {
    let system = system(None).await;
    let names = Names {
        table_prefix: "none-".into(),
        ..system.store.names().clone()
    };
    let store = Store::with_sdk_config(&system.embedded.sdk_config(), names, Jitter::new(|| 7));
    let clock = system.upkeep.clock.clone();
    let broken = Upkeep {
        store,
        clock,
        pending_max: HOUR,
        objects_every: Duration::ZERO,
        ads_kept: None,
        looks_apart_max: None,
        compaction: CompactionRule::default(),
        queues: system.told.clone(),
        noted: Default::default(),
    };
    assert!(broken.run(&Task::ALL).await.is_err());
    assert_eq!(system.upkeep.run(&Task::ALL).await, Ok(Done::default()));
}

/// An erasure that a unit asked for now.
fn erasure(system: &System, reference_ids: Vec<ReferenceId>, case_id: Option<CaseId>) -> Erasure {
    Erasure {
        erasure_id: ErasureId::from_random(&[5; 16]),
        state: ErasureState::Pending,
        reference_ids,
        case_id,
        requested_at: system.now(),
        receipt: None,
    }
}

async fn ask(system: &System, erasure: &Erasure) {
    let drawn = Secret::from_bytes(&[9; 32]).unwrap();
    system.store.erasures.receipts_key(&drawn).await.unwrap();
    system
        .store
        .erasures
        .request_erasure(&unit(), erasure)
        .await
        .unwrap();
}

async fn stands(system: &System, asked: &Erasure) -> Erasure {
    let found = system
        .store
        .erasures
        .erasure(&unit(), &asked.erasure_id)
        .await;
    found.unwrap().unwrap()
}

#[tokio::test]
async fn a_case_is_erased_with_every_version_of_its_photos_and_its_number() {
    let system = system(None).await;
    let keys = ["references/unit/case-1/a", "references/unit/case-1/b"];
    let mut ids = Vec::new();
    for key in keys {
        system.put(key).await;
        let ObjectKey::Reference(key) = system.put(key).await else {
            panic!("a reference")
        };
        ids.push(system.reference(&key).await);
    }
    system.put("references/unit/case-2/a").await;
    ids.dedup();
    let case = CaseId::parse("case-1").unwrap();
    system.wait(Duration::from_secs(300)); // S3 has a clock of its own: the photos came before this
    let asked = erasure(&system, ids.clone(), Some(case.clone()));
    ask(&system, &asked).await;
    assert_eq!(
        system.run(Task::Erasures).await.erasures,
        0,
        "a program may be at work yet"
    );
    assert_eq!(stands(&system, &asked).await.state, ErasureState::Pending);
    let versions = system
        .store
        .references
        .photo_versions(&unit(), &case)
        .await
        .unwrap();
    assert_eq!(versions.len(), 0, "the photos are gone at once");

    system.wait(Duration::from_secs(120));
    assert_eq!(system.run(Task::Erasures).await.erasures, 1);
    let done = stands(&system, &asked).await;
    assert_eq!((done.state, &done.case_id), (ErasureState::Done, &None));
    let receipt = done.receipt.unwrap().opened().unwrap();
    assert_eq!(receipts::removed(&receipt, "reference_photos"), 4);
    assert_eq!(receipts::removed(&receipt, "references"), 1);
    assert_eq!((receipt.unit, receipt.reference_ids), (unit(), ids.clone()));
    for id in &ids {
        let left = system
            .store
            .references
            .reference(&unit(), id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(left.reason, Some(ReasonCode::ERASED));
        assert_eq!((left.case_id.as_str(), left.image_sha256), ("erased", None));
    }
    let other = CaseId::parse("case-2").unwrap();
    assert_eq!(
        system
            .store
            .references
            .photo_versions(&unit(), &other)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(system.run(Task::Erasures).await.erasures, 0, "done is done");
}

#[tokio::test]
async fn what_was_erased_does_not_come_back_by_a_late_event_but_by_a_new_submission() {
    let system = system(None).await;
    let ObjectKey::Reference(key) = system.put("references/unit/case-1/a").await else {
        panic!("a reference")
    };
    let id = system.reference(&key).await;
    let before = system
        .store
        .references
        .reference(&unit(), &id)
        .await
        .unwrap()
        .unwrap();
    system.wait(Duration::from_secs(300));
    let asked = erasure(&system, vec![id.clone()], None);
    ask(&system, &asked).await;
    assert_eq!(system.run(Task::Erasures).await.erasures, 1);
    let status = |submitted| match submitted {
        store::Submitted::New => None,
        store::Submitted::Known(status) => Some(status),
    };
    let late = Reference {
        status: ReferenceStatus::Pending,
        activated_at: None,
        ..before
    };
    let submitted = system
        .store
        .references
        .announce(&unit(), &late)
        .await
        .unwrap();
    assert_eq!(status(submitted), Some(ReferenceStatus::Withdrawn));
    system.wait(Duration::from_secs(5));
    let new = Reference {
        created_at: system.now(),
        ..late
    };
    let submitted = system
        .store
        .references
        .announce(&unit(), &new)
        .await
        .unwrap();
    assert_eq!(status(submitted), None);
}

/// Features of an ad: some of its own, and those of a logo that every ad has.
fn features(n: u64) -> Vec<u8> {
    let word = |of: u64| of.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ of << 17;
    let feature = |of: u64| Feature {
        x: (of % 4_000) as u16,
        y: (of % 3_000) as u16,
        size: 20,
        turn: 0,
        descriptor: Descriptor([word(of), word(of + 1), word(of + 2)]),
    };
    let own = (0..30).map(|i| feature(1_000 * (n + 1) + 10 * i));
    let logo = (0..12).map(|i| feature(10 * i));
    let coarse = Grid::of(&[0.0; 32 * 32], &[true; 32 * 32], 32);
    let grey = Grey {
        width_px: 1,
        height_px: 1,
        luma: vec![9],
    };
    let features = AdFeatures {
        digest: PictureDigest(n.to_be_bytes()),
        width_px: 400,
        height_px: 300,
        features: own.chain(logo).collect(),
        coarse,
        sketch: Sketch::of(&grey),
    };
    features.to_bytes()
}

impl System {
    /// Records ads, compacts them, and says what was learned of their features.
    async fn learn_from(&self, ads: std::ops::Range<u64>) -> (Done, CommonFeatures) {
        let uploader = unit();
        for n in ads {
            let image_sha256 = ImageSha256::of(&n.to_be_bytes());
            let whole = HashVariant {
                pdq: Hash256(*image_sha256.bytes()),
                quality: 100,
                second: Hash256([0; 32]),
            };
            let fingerprint = AdFingerprint {
                version: 1,
                whole,
                trimmed: None,
                features: features(n),
            };
            let ad = StoredAd {
                tenant: uploader.clone(),
                image_sha256,
                fingerprint,
                postings: Vec::new(),
            };
            let now = self.now();
            let clock = Clock::new(move || now);
            let put = self.store.ads.put_ads(vec![ad], &clock);
            put.await.unwrap();
        }
        self.wait(HOUR * 25);
        let done = self.run(Task::Compact).await;
        (done, self.store.ads.common_features().await.unwrap())
    }
}

#[tokio::test]
async fn what_many_ads_have_is_learned_once_from_each_segment() {
    let system = system(None).await;
    let (done, known) = system.learn_from(0..20).await;
    assert_eq!(
        (done.compacted, done.common),
        (20, 0),
        "too few to learn from"
    );
    assert_eq!(known.samples, 0);

    let (done, known) = system.learn_from(100..180).await;
    assert_eq!((done.compacted, done.common), (80, 12));
    assert!(known.features.iter().all(|it| it.share == 1.0));
    assert_eq!(known.samples, 1);

    let again = system.run(Task::Compact).await;
    assert_eq!(again.common, 0, "that segment taught already");
    assert_eq!(system.store.ads.common_features().await.unwrap(), known);
}

#[tokio::test]
async fn damaged_knowledge_of_what_is_common_is_trained_again() {
    let system = system(None).await;
    let (_, known) = system.learn_from(0..80).await;
    let config = aws_sdk_s3::config::Builder::from(&system.embedded.sdk_config());
    let s3 = aws_sdk_s3::Client::from_conf(config.force_path_style(true).build());
    let damaged = known.to_bytes()[..99].to_vec();
    let put = s3
        .put_object()
        .bucket("segments")
        .key("ads/common-features");
    put.body(damaged.into()).send().await.unwrap();
    let read = system.store.ads.common_features().await;
    assert!(matches!(read, Err(store::Error::Damaged(_))), "{read:?}");
    assert_eq!(system.run(Task::Compact).await.common, 12);
    assert_eq!(system.store.ads.common_features().await.unwrap(), known);
}

#[tokio::test]
async fn a_search_that_stands_still_is_driven_again_and_any_search_when_it_is_asked_for() {
    let system = system(None).await;
    let key = ReferenceKey::parse("references/unit/case 7/photo.jpg").unwrap();
    system.reference(&key).await;
    assert_eq!(
        system.run(Task::References).await.searches,
        0,
        "it is young"
    );
    system.wait(HOUR + HOUR / 60);
    assert_eq!(system.run(Task::References).await.searches, 1);
    assert_eq!(
        system.run(Task::References).await.searches,
        0,
        "not at every turn"
    );
    assert_eq!(system.run(Task::Search).await.searches, 1);
    system.wait(HOUR);
    assert_eq!(system.run(Task::References).await.expired, 1);
    for task in [Task::References, Task::Search] {
        assert_eq!(system.run(task).await.searches, 0, "it has ended");
    }
}

#[tokio::test]
async fn runs_and_what_they_saw_are_noted_and_an_idle_one_leaves_the_disk_alone() {
    let system = system(None).await;
    let status = async || system.store.checkpoints.status(system.now()).await.unwrap();
    assert!(status().await.gauges.is_none());
    let first = system.now();
    system.run(Task::References).await;
    let seen = status().await;
    assert_eq!(
        seen.gauges
            .as_ref()
            .map(|it| (it.taken_at, it.searches_open)),
        Some((first, 0))
    );
    let gauges = seen.gauges.unwrap();
    let given_up = (
        gauges.ads.given_up,
        gauges.references.given_up,
        gauges.changes_given_up,
    );
    assert_eq!(given_up, (Some(2), Some(1), Some(3)));
    assert_eq!(gauges.searches_open_since, None);
    assert_eq!(
        seen.tasks["references"],
        TaskRun {
            ended_at: first,
            is_done: true
        }
    );
    system.wait(Duration::from_secs(5));
    system.run(Task::References).await;
    assert_eq!(status().await.tasks["references"].ended_at, first);
    system.wait(HOUR);
    system.run(Task::References).await;
    let later = status().await;
    assert_eq!(later.tasks["references"].ended_at, system.now());
    assert_eq!(later.gauges.map(|it| it.taken_at), Some(system.now()));
}
