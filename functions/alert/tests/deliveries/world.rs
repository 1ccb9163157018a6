//! A unit with references and webhooks on the embedded servers, under a clock that tests move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use alert::AlertProgram;
use alert::resolver::system;
use alert::send::Sender;
use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use embedded::Embedded;
use features::fingerprint::{
    AdFingerprint, FINGERPRINT_VERSION, Framing, Hash256, HashVariant, ReferenceFingerprint,
};
use records::{
    AdKey, AdMetadata, Delivery, Evidence, FoundLead, Image, ImageSha256, Level, Method, Reference,
    ReferenceId, ReferenceStatus, SearchProgress, Secret, Sighting, TenantId, TenantSettings,
    Timestamp, Webhook, WebhookName, WebhookState,
};
use store::{Clock, Jitter, Names, Recorded, Store, StoredAd, Table};

use crate::sending::exit;

pub const SHARED: [u8; 32] = [7; 32];
pub const SEED: [u8; 32] = [9; 32];

const VIEW: HashVariant = HashVariant {
    pdq: Hash256([0xab; 32]),
    quality: 90,
    second: Hash256([0xcd; 32]),
};

pub struct World {
    pub program: Arc<AlertProgram>,
    pub store: Store,
    pub unit: TenantId,
    now_ms: Arc<AtomicI64>,
    embedded: Embedded,
    _folder: tempfile::TempDir,
}

pub fn name(text: &str) -> WebhookName {
    WebhookName::parse(text).expect("a name")
}

fn names() -> Names {
    Names {
        table_prefix: "homeward-".into(),
        ads_bucket: "ads".into(),
        references_bucket: "references".into(),
        segments_bucket: "segments".into(),
    }
}

impl World {
    /// Two units, `unit` and `other`; loopback is permitted.
    pub async fn new() -> Self {
        Self::with(Sender::new(&exit("127.0.0.0/8", system())).expect("a sender")).await
    }

    /// The same with another way out.
    pub async fn with(sender: Sender) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let embedded = Embedded::open(folder.path()).expect("it opens");
        let store = Store::with_sdk_config(&embedded.sdk_config(), names(), Jitter::new(|| 7));
        store.db.create_tables().await.expect("tables");
        let packs = embedded.create_bucket("segments").await;
        packs.expect("a bucket");
        let now_ms = Arc::new(AtomicI64::new(jiff::Timestamp::now().as_millisecond()));
        let source = now_ms.clone();
        let program = AlertProgram::new(
            store.clone(),
            sender,
            Clock::new(move || Timestamp::from_millis(source.load(Ordering::SeqCst))),
        );
        let world = Self {
            program: Arc::new(program),
            store,
            unit: TenantId::parse("unit").expect("a tenant"),
            now_ms,
            embedded,
            _folder: folder,
        };
        world.tenant("unit").await;
        world.tenant("other").await;
        world
    }

    pub async fn tenant(&self, tenant: &str) {
        let settings = TenantSettings {
            tenant: TenantId::parse(tenant).expect("a tenant"),
            is_unit: true,
            is_uploader: false,
            legal_basis: None,
            expiry_days: 365,
            tell_withdrawals: false,
            second_opinion: false,
            created_at: self.now(),
        };
        self.store
            .tenants
            .put_tenant(&settings)
            .await
            .expect("stored");
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_ms.load(Ordering::SeqCst))
    }

    pub fn wait(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).expect("a test's time");
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn wait_until(&self, time: Timestamp) {
        self.now_ms.store(time.millis(), Ordering::SeqCst);
    }

    pub async fn webhook(&self, unit: &str, hook: &str, url: &str) {
        let webhook = Webhook {
            name: name(hook),
            url: url.parse().expect("a url"),
            content_type: Default::default(),
            hmac_secret: Secret::from_bytes(&SHARED).expect("a secret"),
            ed25519_seed: Secret::from_bytes(&SEED).expect("a seed"),
            retired: None,
            state: WebhookState::Enabled,
            reason: None,
            updated_at: self.now(),
        };
        let unit = TenantId::parse(unit).expect("a tenant");
        self.store
            .deliveries
            .put_webhook(&unit, &webhook)
            .await
            .expect("stored");
    }

    /// An active reference of `unit`.
    pub async fn reference(&self, case: &str) -> ReferenceId {
        self.reference_of(&self.unit, case).await
    }

    /// An active reference of a unit.
    pub async fn reference_of(&self, unit: &TenantId, case: &str) -> ReferenceId {
        let case_id = case.parse().expect("a case");
        let image = ImageSha256::of(case.as_bytes());
        let reference = Reference {
            reference_id: ReferenceId::of_photo(unit, &case_id, &image),
            case_id,
            status: ReferenceStatus::Pending,
            reason: None,
            image_sha256: Some(image),
            object_key: None,
            width_px: None,
            height_px: None,
            quality: Some(90),
            shows: features::ReferenceKind::Photo,
            legal_basis: "order 17".parse().expect("a label"),
            expires_at: self.now().plus(Duration::from_secs(365 * 86_400)),
            created_at: self.now(),
            activated_at: None,
            ended_at: None,
            search: SearchProgress::default(),
            is_partial: false,
            alerting: records::AlertLimit::default(),
        };
        let fingerprint = ReferenceFingerprint {
            version: FINGERPRINT_VERSION,
            framings: vec![(Framing::default(), VIEW)],
            features: Vec::new(),
        };
        let id = reference.reference_id.clone();
        self.store
            .references
            .submit(unit, &reference, &fingerprint)
            .await
            .expect("stored");
        self.store
            .references
            .activate(unit, &id, self.now())
            .await
            .expect("active");
        id
    }

    /// A lead of a reference of `unit` with one sighting, and the number of its alert.
    pub async fn lead(&self, reference: &ReferenceId, ad: &str) -> u64 {
        self.lead_of(&self.unit, reference, ad).await
    }

    /// A lead of a unit's reference with one sighting, and the number of its alert.
    pub async fn lead_of(&self, unit: &TenantId, reference: &ReferenceId, ad: &str) -> u64 {
        let image_sha256 = ImageSha256::of(ad.as_bytes());
        let key = AdKey::parse(&format!("ads/ngo/{ad}.jpg")).expect("a key");
        let metadata = AdMetadata {
            place: Some("Zürich – 東京".parse().expect("a label")),
            ..AdMetadata::default()
        };
        let image = Image {
            image_sha256,
            width_px: 640,
            height_px: 480,
            is_partial: false,
            frames: None,
            fingerprint_version: FINGERPRINT_VERSION,
            first_seen_at: self.now(),
        };
        let fingerprint = AdFingerprint {
            version: FINGERPRINT_VERSION,
            whole: VIEW,
            trimmed: None,
            features: Vec::new(),
        };
        let sighting = Sighting::of(&key, &metadata);
        let store = &self.store;
        let ad = StoredAd {
            tenant: key.tenant().clone(),
            image_sha256,
            fingerprint,
            postings: Vec::new(),
        };
        let now = self.now();
        let clock = Clock::new(move || now);
        let put = store.ads.put_ads(vec![ad], &clock);
        put.await.expect("stored");
        store
            .uploads
            .record_sighting(&image, &sighting, self.now())
            .await
            .expect("stored");
        let found = FoundLead {
            unit: unit.clone(),
            reference_id: reference.clone(),
            image_sha256,
            uploaded_by: TenantId::parse("uploader").expect("a tenant"),
            evidence: Evidence::Computed,
            level: Level::Alert,
            method: Method::Whole,
            distance: 12,
            edit: "mirrored".parse().expect("a label"),
            policy_version: 1,
            outline: None,
        };
        match self
            .store
            .leads
            .record_lead(&found, &[], self.now())
            .await
            .expect("recorded")
        {
            Recorded::New {
                alert_seq: Some(seq),
                ..
            } => seq,
            other => panic!("a new lead with its alert, and not {other:?}"),
        }
    }

    /// What the leads' stream has that no batch had yet.
    pub async fn batch(&self) -> Event {
        let streams = self.embedded.streams();
        let table = names().table(Table::Leads);
        let batch = streams
            .read("alert", &table, 1_000)
            .await
            .expect("a stream");
        let batch = batch.expect("news");
        streams.commit(&batch).await.expect("committed");
        serde_json::from_value(batch.event).expect("an event as Lambda gets it")
    }

    /// One turn of the stream.
    pub async fn stream(&self) -> DynamoDbEventResponse {
        self.program.on_leads(&self.batch().await).await
    }

    /// One turn of the timer: how many deliveries were taken up.
    pub async fn timer(&self) -> usize {
        self.program.on_timer().await.expect("the store answers")
    }

    pub async fn delivery(&self, hook: &str, seq: u64) -> Delivery {
        let found = self
            .store
            .deliveries
            .delivery(&self.unit, &name(hook), seq)
            .await;
        found.expect("the store answers").expect("a delivery")
    }
}
