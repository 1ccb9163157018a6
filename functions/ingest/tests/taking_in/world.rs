//! The ads bucket with its queue, and the program that reads from it.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use embedded::Embedded;
use image::{ImageFormat, Luma};
use ingest::Ingest;
use photo::Limits;
use records::{AdKey, AdMetadata, Image, ImageSha256, ObjectKey, Sighting, TenantId, Upload};
use store::{AdsPosition, Clock, Jitter, Names, NewObject, Store, StoredAd};

pub struct World {
    pub store: Store,
    pub ingest: Ingest,
    pub embedded: Embedded,
    _folder: tempfile::TempDir,
}

pub fn ngo() -> TenantId {
    TenantId::parse("ngo").unwrap()
}

pub fn key(name: &str) -> AdKey {
    AdKey::parse(&format!("ads/ngo/{name}")).unwrap()
}

/// A picture with structure; another seed is another picture.
pub fn picture(seed: u32) -> Vec<u8> {
    let luma = |x: u32, y: u32| {
        let mixed = (x / 8 + y / 8 * 31 + seed * 977).wrapping_mul(0x9e37_79b9);
        Luma([(mixed >> 24) as u8])
    };
    let mut png = Vec::new();
    image::GrayImage::from_fn(96, 80, luma)
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .unwrap();
    png
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let embedded = Embedded::open(folder.path()).unwrap();
        let names = Names {
            table_prefix: "t-".into(),
            ads_bucket: "ads".into(),
            references_bucket: "references".into(),
            segments_bucket: "segments".into(),
        };
        embedded.create_bucket("ads").await.unwrap();
        embedded.create_bucket("segments").await.unwrap();
        embedded.notify("ads", "ads/", "ingest").await.unwrap();
        let store = Store::with_sdk_config(&embedded.sdk_config(), names, Jitter::new(|| 7));
        store.db.create_tables().await.unwrap();
        let clock = Clock::from_system();
        let ingest = Ingest::new(store.clone(), Limits::default(), clock, 2);
        Self {
            store,
            ingest,
            embedded,
            _folder: folder,
        }
    }

    pub async fn put(&self, name: &str, bytes: Vec<u8>, metadata: &[(&str, &str)]) {
        let pairs = metadata
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let object = NewObject {
            bytes: bytes.into(),
            content_type: "application/octet-stream".into(),
            metadata: HashMap::from_iter(pairs),
        };
        self.store
            .objects
            .put_object(&key(name).into(), object)
            .await
            .unwrap();
    }

    /// The messages that wait, as the program gets them.
    pub async fn waiting(&self) -> Option<SqsEvent> {
        let queue = self.embedded.queue("ingest");
        let now = jiff::Timestamp::now();
        let messages = queue
            .receive(10, Duration::from_secs(600), now)
            .await
            .unwrap();
        let records: Vec<_> = messages
            .iter()
            .map(|m| serde_json::json!({"messageId": m.id, "body": m.body}))
            .collect();
        let event = serde_json::json!({ "Records": records });
        (!messages.is_empty()).then(|| serde_json::from_value(event).unwrap())
    }

    /// Works until nothing waits.
    pub async fn settle(&self) {
        while let Some(event) = self.waiting().await {
            let response = self.ingest.handle(event).await;
            assert_eq!(response.batch_item_failures.len(), 0);
        }
    }

    pub async fn uploads(&self) -> BTreeMap<String, Upload> {
        let named = |upload: Upload| (upload.object_key.as_str()[8..].to_owned(), upload);
        let (mut uploads, mut cursor) = (BTreeMap::new(), None);
        loop {
            let page = self
                .store
                .uploads
                .uploads(&ngo(), cursor.as_ref(), 100)
                .await
                .unwrap();
            uploads.extend(page.items.into_iter().map(named));
            cursor = page.next;
            if cursor.is_none() {
                return uploads;
            }
        }
    }

    /// Each upload's state, or why it was rejected.
    pub async fn states(&self) -> Vec<(String, String)> {
        let told = |upload: &Upload| match &upload.reason {
            Some(reason) => reason.to_string(),
            None => format!("{:?}", upload.state),
        };
        let uploads = self.uploads().await;
        uploads
            .iter()
            .map(|(name, upload)| (name.clone(), told(upload)))
            .collect()
    }

    /// The version of an object that is there.
    pub async fn version(&self, name: &str) -> String {
        let fetched = self
            .store
            .objects
            .fetch(&key(name).into(), None, 1 << 24)
            .await;
        let store::Fetched::Object(object) = fetched.unwrap() else {
            panic!("{name} is there")
        };
        object.facts.version_id.unwrap()
    }

    pub async fn has_object(&self, name: &str) -> bool {
        let key: ObjectKey = key(name).into();
        self.store
            .objects
            .peek(&key, None, 1)
            .await
            .unwrap()
            .is_some()
    }

    /// Records an ad as a program before this one would have, without its object.
    pub async fn put_older(&self, name: &str, ad: &StoredAd) {
        let clock = Clock::from_system();
        self.store
            .ads
            .put_ads(vec![ad.clone()], &clock)
            .await
            .unwrap();
        let image = Image {
            image_sha256: ad.image_sha256,
            width_px: 96,
            height_px: 80,
            is_partial: false,
            frames: None,
            fingerprint_version: ad.fingerprint.version,
            first_seen_at: clock.now(),
        };
        let sighting = Sighting::of(&key(name), &AdMetadata::default());
        let recorded = self
            .store
            .uploads
            .record_sighting(&image, &sighting, clock.now());
        assert!(recorded.await.unwrap());
    }

    /// What is known of an image.
    pub async fn image(&self, image: &ImageSha256) -> Image {
        self.store
            .uploads
            .image(&ngo(), image)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn ads(&self) -> Vec<StoredAd> {
        let mut ads = Vec::new();
        for start in AdsPosition::starts() {
            ads.extend(self.store.ads.ads_page(&start).await.unwrap().items);
        }
        ads
    }
}

/// The same messages as a queue hands them out at this attempt.
pub fn at_attempt(mut event: SqsEvent, attempt: &str) -> SqsEvent {
    for message in &mut event.records {
        let count = ("ApproximateReceiveCount".into(), attempt.into());
        message.attributes.extend([count]);
    }
    event
}

pub fn rows(states: &[(&str, &str)]) -> Vec<(String, String)> {
    states
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}
