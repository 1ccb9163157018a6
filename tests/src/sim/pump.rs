//! A whole cluster, one step after the other: for runs in which the one thing that goes wrong is
//! chosen.

use std::sync::Arc;
use std::time::Duration;

use alert::AlertProgram;
use aws_lambda_events::sqs::SqsBatchResponse;
use aws_lambda_events::streams::DynamoDbEventResponse;
use enroll::Enroll;
use features::fingerprint::{
    AdFingerprint, FINGERPRINT_VERSION, Framing, Hash256, HashVariant, ReferenceFingerprint,
};
use ingest::Ingest;
use lookup::Lookup;
use records::{
    AdKey, AdMetadata, AlertLimit as Alerted, Image, ImageSha256, Label, LeadId, LeadStatus,
    ObjectKey, Reference, ReferenceId, ReferenceKey, ReferenceStatus, RetractionState,
    SearchProgress, Sighting, TenantId,
};
use store::{NewObject, Store, StoredAd};
use upkeep::{Task, Upkeep};

use super::cluster::{ADS, Cluster, REFERENCES, unit};
use super::connection::{Connection, Crash};
use super::feed::{Changes, EventQueue, Message, batch, changes, done};
use super::snapshot::has_pending_deliveries;

/// Rounds after which all must be done: one fault needs three, and a day's compaction deletes thousands
/// of items, of which the stream tells.
const STEPS_MAX: usize = 1_000;
/// After a round that left something: longer than a lease lasts and than first retries wait.
const REST: Duration = Duration::from_secs(400);
const MESSAGES_MAX: usize = 10;
const RECORDS_MAX: usize = 100;
/// Hashes that no picture of a scenario is near to, of a quality too low to be compared.
const BLANK: HashVariant = HashVariant {
    pdq: Hash256([0x5a; 32]),
    quality: 0,
    second: Hash256([0xa5; 32]),
};

/// Everything at work in one process.
pub struct Pump {
    cluster: Arc<Cluster>,
    programs: Programs,
    ads: EventQueue,
    references: EventQueue,
    ads_tail: Changes,
    ads_table: Changes,
    references_tail: Changes,
    searches: Changes,
    leads: Changes,
    faultless: Store,
}

struct Programs {
    connection: Connection,
    crash: Arc<Crash>,
    store: Store,
    ingest: Ingest,
    enroll: Enroll,
    lookup: Lookup,
    alert: AlertProgram,
    upkeep: Upkeep,
}

impl Programs {
    fn start(cluster: &Cluster) -> Self {
        let connection = cluster.connection("programs");
        Self {
            connection: connection.clone(),
            crash: connection.crash.clone(),
            store: cluster.store(&connection),
            ingest: cluster.ingest(&connection),
            enroll: cluster.enroll(&connection),
            lookup: cluster.lookup(&connection),
            alert: cluster.alert(&connection),
            upkeep: cluster.upkeep(&connection),
        }
    }
}

impl Pump {
    /// The programs of a cluster.
    pub fn new(cluster: &Arc<Cluster>) -> Self {
        Self {
            cluster: cluster.clone(),
            programs: Programs::start(cluster),
            ads: EventQueue::default(),
            references: EventQueue::default(),
            ads_tail: Changes::of("homeward-ads-tail", 1),
            ads_table: Changes::of("homeward-ads", 1),
            references_tail: Changes::of("homeward-references-tail", 1),
            searches: Changes::of("homeward-searches", 1),
            leads: Changes::of("homeward-leads", 1),
            faultless: cluster.store(&cluster.connection("faultless")),
        }
    }

    /// Puts an object, without a fault.
    ///
    /// # Panics
    /// If it is not stored.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) {
        let object = NewObject {
            bytes: bytes.into(),
            content_type: "image/bmp".to_owned(),
            metadata: Default::default(),
        };
        let key = ObjectKey::parse(key).expect("an object key");
        let stored = self.faultless.objects.put_object(&key, object).await;
        stored.expect("an object is stored");
        self.cluster.time().skip(Duration::from_secs(2));
    }

    /// Records an ad as a build with older algorithms would have: by a fingerprint that resembles
    /// nothing. Its object is not put.
    ///
    /// # Panics
    /// If it is not recorded.
    pub async fn record_older_ad(&self, key: &str, bytes: &[u8]) {
        let (store, clock) = (&self.faultless, self.cluster.time().clock());
        let (key, image_sha256) = (AdKey::parse(key), ImageSha256::of(bytes));
        let key = key.expect("an ad's key");
        let fingerprint = AdFingerprint {
            version: FINGERPRINT_VERSION - 1,
            whole: BLANK,
            trimmed: None,
            features: Vec::new(),
        };
        let image = Image {
            image_sha256,
            width_px: 96,
            height_px: 96,
            frames: None,
            is_partial: false,
            fingerprint_version: fingerprint.version,
            first_seen_at: clock.now(),
        };
        let ad = StoredAd {
            tenant: key.tenant().clone(),
            image_sha256,
            fingerprint,
            postings: Vec::new(),
        };
        let put = store.ads.put_ads(vec![ad], &clock).await;
        put.expect("an ad is put into the set");
        let sighting = Sighting::of(&key, &AdMetadata::default());
        let recorded = store
            .uploads
            .record_sighting(&image, &sighting, clock.now())
            .await;
        recorded.expect("a sighting is recorded");
    }

    /// The same of the reference of a photo.
    ///
    /// # Panics
    /// If it is not recorded.
    pub async fn record_older_reference(&self, key: &str, bytes: &[u8]) {
        let (store, now) = (&self.faultless, self.cluster.time().now());
        let key = ReferenceKey::parse(key).expect("a reference's key");
        let (unit, image) = (key.tenant().clone(), ImageSha256::of(bytes));
        let reference = Reference {
            reference_id: ReferenceId::of_photo(&unit, key.case_id(), &image),
            case_id: key.case_id().clone(),
            status: ReferenceStatus::Pending,
            reason: None,
            image_sha256: Some(image),
            object_key: Some(key),
            width_px: Some(96),
            height_px: Some(96),
            quality: Some(BLANK.quality),
            shows: features::ReferenceKind::Photo,
            legal_basis: Label::parse("a simulation").expect("a label"),
            expires_at: now.plus(Duration::from_secs(86_400 * 365)),
            created_at: now,
            activated_at: None,
            ended_at: None,
            search: SearchProgress::default(),
            is_partial: false,
            alerting: Alerted::default(),
        };
        let fingerprint = ReferenceFingerprint {
            version: FINGERPRINT_VERSION - 1,
            framings: vec![(Framing::default(), BLANK)],
            features: Vec::new(),
        };
        let submitted = store
            .references
            .submit(&unit, &reference, &fingerprint)
            .await;
        submitted.expect("a reference is submitted");
        let active = store
            .references
            .activate(&unit, &reference.reference_id, now)
            .await;
        active.expect("a reference is active");
    }

    /// Works until nothing is left.
    ///
    /// # Panics
    /// If something never gets done.
    pub async fn until_done(&mut self) {
        for _ in 0..STEPS_MAX {
            let went_well = self.step().await;
            self.collect();
            let all = [
                &self.ads_tail,
                &self.ads_table,
                &self.references_tail,
                &self.searches,
                &self.leads,
            ];
            let all_seen = all.iter().all(|changes| changes.is_empty());
            let is_done = all_seen
                && self.ads.is_empty()
                && self.references.is_empty()
                && !has_pending_deliveries(&self.faultless).await;
            if went_well && is_done {
                return;
            }
            if !went_well || all_seen {
                self.cluster.time().skip(REST);
            }
        }
        panic!("not done after {STEPS_MAX} rounds");
    }

    /// Withdraws a reference as the API does, again and again until it is acknowledged.
    ///
    /// # Panics
    /// If it never is.
    pub async fn withdraw(&mut self, id: &ReferenceId) {
        for _ in 0..STEPS_MAX {
            let programs = &self.programs;
            let withdrawn = super::unit::withdraw(&self.cluster, &programs.connection, id);
            match unless_crashed(&programs.crash, withdrawn).await {
                Some(true) => return,
                Some(false) => {}
                None => self.restart(),
            }
            self.cluster.time().skip(REST);
        }
        panic!("not withdrawn after {STEPS_MAX} attempts");
    }

    /// Retracts what an uploader contributed, again and again until that is done.
    ///
    /// # Panics
    /// If it never is.
    pub async fn retract(&mut self, uploader: &str) {
        let uploader = TenantId::parse(uploader).expect("a tenant's name");
        for _ in 0..STEPS_MAX {
            let (programs, now) = (&self.programs, self.cluster.time().now());
            let retracted = async {
                programs.store.leads.retract(&uploader, now).await?;
                programs.upkeep.retractions().await?;
                programs.store.leads.retraction(&uploader).await
            };
            match unless_crashed(&programs.crash, retracted).await {
                Some(Ok(Some(it))) if it.state == RetractionState::Done => return,
                Some(_) => {}
                None => self.restart(),
            }
            self.cluster.time().skip(REST);
        }
        panic!("not retracted after {STEPS_MAX} attempts");
    }

    /// That the lead of a pair is open, by what this uploader brought.
    ///
    /// # Panics
    /// If it is not.
    pub async fn assert_open_by(&self, by: &str, of: &ReferenceId, image: &ImageSha256) {
        let id = LeadId::of(of, image);
        let lead = self.faultless.leads.lead(&unit(), &id).await;
        let lead = lead.expect("readable").expect("a lead").summary;
        assert_eq!(lead.status, LeadStatus::Open);
        assert_eq!(lead.evidence_by.expect("an uploader").as_str(), by);
    }

    /// One run of all timers.
    pub async fn timers(&mut self) {
        for _ in 0..STEPS_MAX {
            let programs = &self.programs;
            let ran = programs.upkeep.run(&Task::ALL);
            match unless_crashed(&programs.crash, ran).await {
                Some(Ok(_)) => return,
                Some(Err(_)) => {}
                None => self.restart(),
            }
        }
        panic!("upkeep never ends");
    }

    fn restart(&mut self) {
        self.programs = Programs::start(&self.cluster);
    }

    fn collect(&self) {
        let servers = &self.cluster.network.servers;
        let now_us = self.cluster.time().now_us();
        self.ads.collect(servers, ADS.0, |_| Some(now_us));
        self.references
            .collect(servers, REFERENCES.0, |_| Some(now_us));
        for changes in [
            &self.ads_tail,
            &self.ads_table,
            &self.references_tail,
            &self.searches,
            &self.leads,
        ] {
            changes.collect(servers);
        }
    }

    /// Whether everything that was begun was done.
    async fn step(&mut self) -> bool {
        let mut went_well = true;
        self.collect();
        let messages = self.take(&self.ads);
        if !messages.is_empty() {
            let handled = self.programs.ingest.handle(batch(&messages));
            let answer = unless_crashed(&self.programs.crash, handled).await;
            went_well &= self.settle(&self.ads, messages, answer.as_ref());
            self.restart_unless(answer.is_some());
        }
        let messages = self.take(&self.references);
        if !messages.is_empty() {
            let handled = self.programs.enroll.handle(batch(&messages));
            let answer = unless_crashed(&self.programs.crash, handled).await;
            went_well &= self.settle(&self.references, messages, answer.as_ref());
            self.restart_unless(answer.is_some());
        }
        self.collect();
        for at in 0..5 {
            went_well &= self.act_on_changes(at).await;
        }
        let timer = self.programs.alert.on_timer();
        let answer = unless_crashed(&self.programs.crash, timer).await;
        went_well &= matches!(answer, Some(Ok(_)));
        self.restart_unless(answer.is_some());
        went_well
    }

    fn restart_unless(&mut self, lives: bool) {
        if !lives {
            self.restart();
        }
    }

    fn take(&self, queue: &EventQueue) -> Vec<Message> {
        queue.take(self.cluster.time().now_us(), MESSAGES_MAX)
    }

    fn settle(
        &self,
        queue: &EventQueue,
        messages: Vec<Message>,
        answer: Option<&SqsBatchResponse>,
    ) -> bool {
        queue.release(messages.len());
        let has_failed = |message: &Message| {
            answer.is_none_or(|answer| {
                let mut failures = answer.batch_item_failures.iter();
                failures.any(|failure| failure.item_identifier == message.id)
            })
        };
        let failed: Vec<Message> = messages.into_iter().filter(has_failed).collect();
        let went_well = failed.is_empty();
        failed.into_iter().for_each(|message| queue.put(message));
        went_well
    }

    async fn act_on_changes(&mut self, at: usize) -> bool {
        let changed = match at {
            0 => &self.ads_tail,
            1 => &self.ads_table,
            2 => &self.references_tail,
            3 => &self.searches,
            _ => &self.leads,
        };
        let Some(records) = changed.take(0, RECORDS_MAX, 0) else {
            return true;
        };
        let (programs, event) = (&self.programs, changes(&records));
        let answer: Option<DynamoDbEventResponse> = if at < 4 {
            unless_crashed(&programs.crash, programs.lookup.handle(event)).await
        } else {
            unless_crashed(&programs.crash, programs.alert.on_leads(&event)).await
        };
        let count = answer.as_ref().map_or(0, |answer| {
            let failures = answer.batch_item_failures.iter();
            let failed: Vec<_> = failures.map(|f| f.item_identifier.clone()).collect();
            done(&records, &failed)
        });
        changed.deal_with(0, count);
        let went_well = count == records.len();
        self.restart_unless(answer.is_some());
        went_well
    }
}

/// What a program gives, or nothing if a call ended its process.
pub async fn unless_crashed<T>(crash: &Crash, work: impl Future<Output = T>) -> Option<T> {
    let work = std::pin::pin!(work);
    let crashed = std::pin::pin!(crash.wait());
    match futures::future::select(work, crashed).await {
        futures::future::Either::Left((done, _)) => Some(done),
        futures::future::Either::Right(_) => None,
    }
}
