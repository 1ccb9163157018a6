//! A small world: two units, two uploaders, an administrator, and one lead of the first unit.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use embedded::Embedded;
use features::fingerprint::{AdFingerprint, FINGERPRINT_VERSION, Hash256, HashVariant};
use http::{HeaderMap, Request, StatusCode, header};
use records::{
    AdKey, AdMetadata, AuditCheck, AuditEntry, AuditKey, Evidence, FoundLead, Image, ImageSha256,
    Label, LeadId, Level, Method, PictureAnswer, Principal, ReferenceId, Role, Sighting, TenantId,
    TenantSettings, Timestamp, Token,
};
use review::{Pages, Pictures, Random, Review};
use serde_json::{Value, json};
use store::{Clock, Jitter, Names, Store, StoredAd};
use tower::ServiceExt;

/// The start of every test's time.
const START: &str = "2026-11-24T12:00:00Z";

pub struct World {
    pub store: Store,
    pub embedded: Embedded,
    pub router: Router,
    now_millis: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

/// An answer, read whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// The field of this name, as a text.
    pub fn text(&self, name: &str) -> String {
        self.json()[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {}", self.json()))
            .to_owned()
    }

    /// Checks the status, and for errors that they are problem details; gives the JSON.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{text}");
        if status >= 400 {
            self.expect_problem();
        }
        if self.body.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    #[track_caller]
    fn expect_problem(&self) {
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        for name in ["type", "title", "detail"] {
            assert!(
                problem[name].as_str().is_some_and(|text| !text.is_empty()),
                "{problem}"
            );
        }
    }

    /// Where the first fault is: a pointer, parameter or part.
    pub fn place(&self) -> Value {
        let error = &self.json()["errors"][0];
        ["pointer", "parameter", "part"]
            .iter()
            .map(|name| error[*name].clone())
            .find(|place| !place.is_null())
            .unwrap_or(Value::Null)
    }
}

/// The token of a role: `unit` and `rival` are units, `agency` and `other` uploaders.
pub fn token(name: &str) -> String {
    let mut seed = [7; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    Token::from_random(&seed).reveal().to_owned()
}

pub fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

const TENANTS: [(&str, Role); 5] = [
    ("unit", Role::Unit),
    ("rival", Role::Unit),
    ("agency", Role::Uploader),
    ("other", Role::Uploader),
    ("house", Role::Admin),
];

impl World {
    /// A tenant's audit log, which must be whole.
    pub async fn audit_log(&self, name: &str) -> Vec<AuditEntry> {
        let seed = self.store.erasures.known_receipts_key().await.unwrap();
        let (key, head) = (
            seed.as_ref().map(AuditKey::of),
            self.store.audit.audit_head(&tenant(name)).await.unwrap(),
        );
        let log = self
            .store
            .audit
            .audit_entries(&tenant(name), None, 100)
            .await;
        let log = log.unwrap().items;
        let mut check = AuditCheck::new(key.as_ref(), head.as_ref());
        check.see(&log).unwrap();
        check.end().unwrap();
        log
    }

    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let embedded = Embedded::open(folder.path()).unwrap();
        let names = Names {
            table_prefix: "t-".into(),
            ads_bucket: "ads-bucket".into(),
            references_bucket: "references-bucket".into(),
            segments_bucket: "segments-bucket".into(),
        };
        let buckets = [
            &names.ads_bucket,
            &names.references_bucket,
            &names.segments_bucket,
        ];
        for bucket in buckets {
            embedded.create_bucket(bucket).await.unwrap();
        }
        let store = Store::with_sdk_config(&embedded.sdk_config(), names, Jitter::new(|| 1));
        store.db.create_tables().await.unwrap();
        let start = Timestamp::parse(START).unwrap().millis();
        let now_millis = Arc::new(AtomicI64::new(start));
        let router = review::router(review(&store, &now_millis));
        let world = Self {
            store,
            embedded,
            router,
            now_millis,
            _folder: folder,
        };
        for (name, role) in TENANTS {
            world.admit(name, role).await;
        }
        world
    }

    /// The same with pages for people, whose pictures are four bytes.
    pub async fn with_pages() -> Self {
        let world = Self::new().await;
        let four = || PictureAnswer::Jpeg(vec![0xff, 0xd8, 0xff, 0xd9]);
        let pages = Pages {
            pictures: Pictures::new(move |_| Box::pin(async move { four() })),
            address: Some("http://127.0.0.1:8750".into()),
            is_https: false,
            is_local: true,
        };
        let router = review::router(Review {
            pages: Some(pages),
            ..review(&world.store, &world.now_millis)
        });
        Self { router, ..world }
    }

    async fn admit(&self, name: &str, role: Role) {
        let settings = TenantSettings {
            tenant: tenant(name),
            is_unit: role == Role::Unit,
            is_uploader: role == Role::Uploader,
            legal_basis: Some(Label::parse("police act, section 12").unwrap()),
            expiry_days: 30,
            tell_withdrawals: false,
            second_opinion: false,
            created_at: self.now(),
        };
        self.store.tenants.put_tenant(&settings).await.unwrap();
        let principal = Principal::of(tenant(name), role);
        let token = Token::parse(&token(name)).unwrap();
        self.store
            .tenants
            .put_token(&token, &principal)
            .await
            .unwrap();
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_millis.load(Ordering::SeqCst))
    }

    /// Sets the time to the system's, by which the embedded servers judge signatures.
    pub fn be_present(&self) {
        let now = Timestamp::from(std::time::SystemTime::now());
        self.now_millis.store(now.millis(), Ordering::SeqCst);
    }

    pub fn pass(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap();
        self.now_millis.fetch_add(millis, Ordering::SeqCst);
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// A request without a body.
    pub async fn call(&self, method: &str, path: &str, who: &str) -> Answer {
        self.send(request(method, path, who).body(Body::empty()).unwrap())
            .await
    }

    pub async fn get(&self, path: &str, who: &str) -> Answer {
        self.call("GET", path, who).await
    }

    /// A request with a JSON body.
    pub async fn json(&self, method: &str, path: &str, who: &str, body: &Value) -> Answer {
        self.raw(method, path, who, "application/json", body.to_string())
            .await
    }

    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        who: &str,
        media_type: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let request = request(method, path, who).header(header::CONTENT_TYPE, media_type);
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Every item of a list, page by page.
    pub async fn all(&self, path: &str, who: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut after = String::new();
        for _ in 0..1_000 {
            let separator = if path.contains('?') { '&' } else { '?' };
            let page = self
                .get(&format!("{path}{separator}after={after}"), who)
                .await
                .expect(200);
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) if next != after => after = next.to_owned(),
                _ => return items, // a feed goes on from its end
            }
        }
        panic!("{path} has no end");
    }

    /// An active reference of a unit, by its hash; gives its id.
    pub async fn reference(&self, who: &str, case_id: &str, pdq: &str) -> String {
        let body = json!({ "case_id": case_id, "pdq": pdq, "quality": 100 });
        let answer = self.json("POST", "/v1/references", who, &body).await;
        answer.expect(202);
        answer.text("reference_id")
    }

    /// A lead of a unit's active reference and an ad image of `agency`; gives its id.
    pub async fn lead(&self, who: &str, reference_id: &str, ad: &str) -> String {
        let image_sha256 = ImageSha256::of(ad.as_bytes());
        let agency = tenant("agency");
        let key = AdKey::parse(&format!("ads/agency/{ad}")).unwrap();
        let metadata = AdMetadata {
            ad_id: Label::parse(ad).ok(),
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
        let ad = StoredAd {
            tenant: agency,
            image_sha256,
            fingerprint: ad_fingerprint(),
            postings: Vec::new(),
        };
        let now = self.now();
        let clock = Clock::new(move || now);
        let put = self.store.ads.put_ads(vec![ad], &clock);
        put.await.unwrap();
        let sighting = Sighting::of(&key, &metadata);
        self.store
            .uploads
            .record_sighting(&image, &sighting, self.now())
            .await
            .unwrap();
        let reference_id = ReferenceId::parse(reference_id).unwrap();
        let lead_id = LeadId::of(&reference_id, &image_sha256);
        let found = FoundLead {
            unit: tenant(who),
            reference_id,
            image_sha256,
            uploaded_by: tenant("agency"),
            evidence: Evidence::Computed,
            level: Level::Alert,
            method: Method::Whole,
            distance: 4,
            edit: Label::parse("as is").unwrap(),
            policy_version: 1,
            outline: None,
        };
        self.store
            .leads
            .record_lead(&found, &[], self.now())
            .await
            .unwrap();
        lead_id.to_string()
    }
}

fn review(store: &Store, now_millis: &Arc<AtomicI64>) -> Review {
    let now_millis = now_millis.clone();
    let drawn = AtomicU8::new(0);
    Review {
        store: store.clone().into(),
        clock: Clock::new(move || Timestamp::from_millis(now_millis.load(Ordering::SeqCst))),
        random: Random::new(move |bytes| bytes.fill(drawn.fetch_add(1, Ordering::SeqCst))),
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        uploads_at: Some("http://127.0.0.1:9000".into()),
        pages: None,
    }
}

fn ad_fingerprint() -> AdFingerprint {
    let view = HashVariant {
        pdq: Hash256([1; 32]),
        quality: 100,
        second: Hash256([1; 32]),
    };
    AdFingerprint {
        version: FINGERPRINT_VERSION,
        whole: view,
        trimmed: None,
        features: Vec::new(),
    }
}

/// A request of a caller; without a token if `who` is empty.
pub fn request(method: &str, path: &str, who: &str) -> http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    match who {
        "" => request,
        _ => request.header(header::AUTHORIZATION, format!("Bearer {}", token(who))),
    }
}
