//! Images and references that a generator makes, without pixels: fingerprints as `ingest` and
//! `enroll` would have made them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use features::fingerprint::{
    AdFingerprint, FINGERPRINT_VERSION, Framing, Hash256, HashVariant, ReferenceFingerprint,
};
use records::{
    AdKey, AdMetadata, AlertLimit, CaseId, Image, ImageSha256, Label, Reference, ReferenceId,
    ReferenceStatus, SearchProgress, Sighting, TenantId, Upload, UploadState,
};
use store::{Store, StoredAd};

use super::cluster::{Cluster, unit};
use super::rng::Rng;
use super::snapshot;

/// How long the streams keep what was dealt with, as DynamoDB does.
const STREAM_HOURS: i64 = 24;
/// A reference outlives the run.
const EXPIRES: &str = "2036-01-01T00:00:00Z";
const SIDE_PX: u32 = 640;
const SIZE_BYTES: u64 = 100_000;

/// Makes images and references, the same for the same number.
pub struct Generator {
    cluster: Arc<Cluster>,
    store: Store,
    references: u64,
    copy_one_in: u64,
}

impl Generator {
    /// One image in `copy_one_in` shows one of the references.
    pub fn new(cluster: &Arc<Cluster>, references: u64, copy_one_in: u64) -> Self {
        Self {
            cluster: cluster.clone(),
            store: cluster.store(&cluster.connection("faultless")),
            references: references.max(1),
            copy_one_in: copy_one_in.max(1),
        }
    }

    /// Submits and activates every reference.
    ///
    /// # Panics
    /// If one is not stored.
    pub async fn submit_references(&self) {
        for number in 0..self.references {
            let reference = self.reference(number);
            let id = &reference.reference_id;
            let fingerprint = ReferenceFingerprint {
                version: FINGERPRINT_VERSION,
                framings: vec![(Framing::default(), view("reference", number))],
                features: Vec::new(),
            };
            let submitted = self
                .store
                .references
                .submit(&unit(), &reference, &fingerprint)
                .await;
            submitted.expect("submitted");
            let now = self.cluster.time().now();
            let activated = self.store.references.activate(&unit(), id, now).await;
            activated.expect("activated");
        }
    }

    fn reference(&self, number: u64) -> Reference {
        let case_id = CaseId::parse(&format!("case-{number}")).expect("a case");
        let hash = view("reference", number).pdq;
        Reference {
            reference_id: ReferenceId::of_hash(&unit(), &case_id, &hash),
            case_id,
            status: ReferenceStatus::Pending,
            reason: None,
            image_sha256: None,
            object_key: None,
            width_px: None,
            height_px: None,
            quality: Some(100),
            shows: features::ReferenceKind::Photo,
            legal_basis: Label::parse("a simulation").expect("a label"),
            expires_at: EXPIRES.parse().expect("a time"),
            created_at: self.cluster.time().now(),
            activated_at: None,
            ended_at: None,
            search: SearchProgress::default(),
            is_partial: false,
            alerting: AlertLimit::default(),
        }
    }

    /// Which reference an image shows.
    fn shown(&self, number: u64) -> Option<u64> {
        let is_copy = number % self.copy_one_in == self.copy_one_in - 1;
        is_copy.then_some(number / self.copy_one_in % self.references)
    }

    /// Records images as `ingest` does with those of one batch.
    ///
    /// # Panics
    /// If they are not recorded.
    pub async fn record(&self, numbers: Range<u64>) {
        let ads = numbers.clone().map(|number| StoredAd {
            tenant: uploader(),
            image_sha256: sha256(number),
            fingerprint: AdFingerprint {
                version: FINGERPRINT_VERSION,
                whole: match self.shown(number) {
                    Some(reference) => view("reference", reference),
                    None => view("image", number),
                },
                trimmed: None,
                features: Vec::new(),
            },
            postings: Vec::new(),
        });
        let clock = self.cluster.time().clock();
        let put = self.store.ads.put_ads(ads.collect(), &clock).await;
        put.expect("in the set");
        for number in numbers {
            self.record_one(number).await;
        }
    }

    async fn record_one(&self, number: u64) {
        let key = AdKey::parse(&format!("ads/{}/{number:09}.jpg", uploader())).expect("a key");
        let (sha256, now) = (sha256(number), self.cluster.time().now());
        let image = Image {
            image_sha256: sha256,
            width_px: SIDE_PX,
            height_px: SIDE_PX,
            frames: None,
            is_partial: false,
            fingerprint_version: FINGERPRINT_VERSION,
            first_seen_at: now,
        };
        let store = &self.store;
        let metadata = AdMetadata::default();
        let sighting = Sighting::of(&key, &metadata);
        let recorded = store.uploads.record_sighting(&image, &sighting, now).await;
        recorded.expect("recorded");
        let upload = Upload {
            object_key: key,
            state: UploadState::Recorded,
            reason: None,
            image_sha256: Some(sha256),
            size_bytes: SIZE_BYTES,
            version_id: None,
            metadata,
            notes: Vec::new(),
            stored_in: None,
            bundle: None,
            faults: None,
            frames: None,
            uploaded_at: now,
            updated_at: now,
        };
        let recorded = store.uploads.record_upload(&upload).await;
        recorded.expect("recorded");
    }

    /// Drops what the streams need not keep.
    #[allow(
        clippy::disallowed_methods,
        reason = "streams are trimmed by the machine's clock"
    )]
    pub fn trim(&self) {
        let servers = &self.cluster.network.servers;
        let streams = servers.embedded.streams();
        servers.ask(move |runtime| {
            let before = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(STREAM_HOURS);
            for table in ["ads", "ads-tail", "references-tail", "searches", "leads"] {
                let name = format!("homeward-{table}");
                let trimmed = runtime.block_on(streams.trim(&name, before));
                trimmed.expect("the streams are trimmed");
            }
        });
    }

    /// Where the sums disagree after so many images.
    ///
    /// # Panics
    /// If something cannot be read.
    pub async fn disagreements(&self, images: u64) -> Vec<String> {
        let mut found = Vec::new();
        let uploader = TenantId::parse("uploader").expect("a tenant");
        let counts = self
            .store
            .uploads
            .upload_counts(&uploader)
            .await
            .expect("readable");
        if counts.recorded != images {
            found.push(format!(
                "{} of {images} uploads are recorded",
                counts.recorded
            ));
        }
        let expected: BTreeSet<String> = (0..images)
            .filter(|number| self.shown(*number).is_some())
            .map(|number| sha256(number).to_string())
            .collect();
        let leads = snapshot::leads(&self.store).await;
        let known: BTreeSet<String> = leads
            .iter()
            .map(|lead| lead.summary.image_sha256.to_string())
            .collect();
        if known != expected || leads.len() != expected.len() {
            found.push(format!("{} leads of {} pairs", leads.len(), expected.len()));
        }
        let alerts = self
            .store
            .leads
            .alert_counts(&[unit()])
            .await
            .expect("readable");
        let alerted = snapshot::alerted_leads(&self.cluster.case_system.arrived());
        if alerts[&unit()] != expected.len() as u64 || alerted != expected.len() {
            found.push(format!(
                "{} alerts, {alerted} alerted leads",
                alerts[&unit()]
            ));
        }
        found
    }
}

fn sha256(number: u64) -> ImageSha256 {
    ImageSha256::of(&number.to_le_bytes())
}

fn uploader() -> TenantId {
    TenantId::parse("uploader").expect("a tenant")
}

fn view(kind: &str, number: u64) -> HashVariant {
    let mut rng = Rng::new(7).of(kind, number);
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&rng.next().to_le_bytes());
    }
    HashVariant {
        pdq: Hash256(bytes),
        quality: 100,
        second: Hash256([0; 32]),
    }
}

/// Has glibc keep as little of freed memory as it can, from now on. Left alone each thread's arena
/// keeps the most that it ever held, which says nothing about what a program holds. Elsewhere it does
/// nothing.
#[allow(unsafe_code, reason = "glibc's settings are in C")]
pub fn keep_no_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (what, value) in [
        (libc::M_ARENA_MAX, 1),
        (libc::M_TRIM_THRESHOLD, 128 << 10),
        (libc::M_MMAP_THRESHOLD, 128 << 10),
    ] {
        // SAFETY: it may be called at any time; these are settings that it has.
        let is_set = unsafe { libc::mallopt(what, value) } == 1;
        assert!(is_set, "glibc takes the setting {what}");
    }
}

/// Memory that this process holds now, in KiB, without what was freed; 0 where the system does not
/// say.
#[allow(unsafe_code, reason = "glibc's trim is in C")]
pub fn memory_kib() -> u64 {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|text| text.parse().ok()).unwrap_or(0)
}
