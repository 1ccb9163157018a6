//! What becomes of a photo in the references bucket. One that shows nothing is rejected, and its unit told
//! why: it could never be found, and no person would know. One that lies there is sought, whatever was
//! deleted before.
#![allow(clippy::unwrap_used, missing_docs)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests of real servers meet the real clock"
)]

use std::collections::HashMap;
use std::io::Cursor;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use embedded::Embedded;
use enroll::Enroll;
use image::codecs::gif::GifEncoder;
use image::{Delay, Frame, GrayImage, ImageFormat, Luma, Rgba, RgbaImage};
use photo::Limits;
use records::{
    CaseId, ImageSha256, Label, ObjectKey, Reference, ReferenceId, ReferenceStatus, TenantId,
    TenantSettings, Timestamp,
};
use store::{Clock, Jitter, Names, NewObject, Store};

const SIDE_PX: u32 = 256;

struct World {
    store: Store,
    enroll: Enroll,
    embedded: Embedded,
    _folder: tempfile::TempDir,
}

fn unit() -> TenantId {
    TenantId::parse("unit").unwrap()
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let embedded = Embedded::open(folder.path()).unwrap();
        let names = Names {
            table_prefix: "t-".into(),
            ads_bucket: "ads".into(),
            references_bucket: "references".into(),
            segments_bucket: "segments".into(),
        };
        embedded.create_bucket("references").await.unwrap();
        embedded.create_bucket("segments").await.unwrap();
        let notified = embedded.notify("references", "references/", "enroll");
        notified.await.unwrap();
        let notified = embedded.notify_removals("references", "references/", "removals");
        notified.await.unwrap();
        let store = Store::with_sdk_config(&embedded.sdk_config(), names, Jitter::new(|| 7));
        store.db.create_tables().await.unwrap();
        let settings = TenantSettings {
            tenant: unit(),
            is_unit: true,
            is_uploader: false,
            legal_basis: Some(Label::parse("police act 7").unwrap()),
            expiry_days: 10,
            tell_withdrawals: false,
            second_opinion: false,
            created_at: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        };
        store.tenants.put_tenant(&settings).await.unwrap();
        let enroll = Enroll::new(store.clone(), Limits::default(), Clock::from_system(), 2);
        Self {
            store,
            enroll,
            embedded,
            _folder: folder,
        }
    }

    async fn put(&self, name: &str, photo: Vec<u8>) {
        let object = NewObject {
            bytes: photo.into(),
            content_type: "image/png".into(),
            metadata: HashMap::new(),
        };
        let key = key(name);
        self.store.objects.put_object(&key, object).await.unwrap();
    }

    /// What waits for the function, as one batch.
    async fn waiting(&self, queue: &str) -> SqsEvent {
        let queue = self.embedded.queue(queue);
        let now = jiff::Timestamp::now();
        let waiting = queue.receive(10, Duration::from_secs(600), now);
        let messages = waiting.await.unwrap();
        let records: Vec<_> = messages
            .iter()
            .map(|it| serde_json::json!({"messageId": it.id, "body": it.body}))
            .collect();
        serde_json::from_value(serde_json::json!({ "Records": records })).unwrap()
    }

    /// Handles a batch, again as often as it asks for that.
    async fn handle(&self, event: SqsEvent) {
        for _ in 0..10 {
            let response = self.enroll.handle(event.clone()).await;
            if response.batch_item_failures.is_empty() {
                return;
            }
        }
        panic!("never done");
    }

    async fn status(&self, photo: &[u8]) -> ReferenceStatus {
        self.reference(photo).await.status
    }

    async fn reference(&self, photo: &[u8]) -> Reference {
        let case = CaseId::parse("case-1").unwrap();
        let id = ReferenceId::of_photo(&unit(), &case, &ImageSha256::of(photo));
        let found = self.store.references.reference(&unit(), &id).await;
        found.unwrap().unwrap()
    }

    /// The reference that a photo becomes.
    async fn enrolled(&self, name: &str, photo: Vec<u8>) -> Reference {
        self.put(name, photo.clone()).await;
        let response = self.enroll.handle(self.waiting("enroll").await).await;
        assert_eq!(response.batch_item_failures.len(), 0, "{name}");
        self.reference(&photo).await
    }
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::parse(&format!("references/unit/case-1/{name}")).unwrap()
}

fn png(level: impl Fn(u32, u32) -> u8) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    GrayImage::from_fn(SIDE_PX, SIDE_PX, |x, y| Luma([level(x, y)]))
        .write_to(&mut file, ImageFormat::Png)
        .unwrap();
    file.into_inner()
}

fn dots(x: u32, y: u32) -> u8 {
    let within = |px: u32| (28..36).contains(&(px % 64));
    if within(x) && within(y) { 40 } else { 220 }
}

/// A white or transparent frame, and then a picture.
fn animation(first: [u8; 4], level: impl Fn(u32, u32) -> u8) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new(&mut file);
    let shown = RgbaImage::from_fn(SIDE_PX, SIDE_PX, |x, y| {
        Rgba([level(x, y), level(x, y), level(x, y), 255])
    });
    for picture in [RgbaImage::from_pixel(SIDE_PX, SIDE_PX, Rgba(first)), shown] {
        let delay = Delay::from_numer_denom_ms(300, 1);
        encoder
            .encode_frame(Frame::from_parts(picture, 0, 0, delay))
            .unwrap();
    }
    drop(encoder);
    file
}

#[tokio::test]
async fn what_shows_nothing_is_rejected_and_says_why() {
    let world = World::start().await;
    for (name, photo) in [
        ("white", png(|_, _| 255)),
        ("black", png(|_, _| 0)),
        ("slope", png(|x, _| 200 + (x / 32) as u8)),
        ("white throughout", animation([255; 4], |_, _| 255)),
        ("nothing and then white", animation([0; 4], |_, _| 255)),
    ] {
        let reference = world.enrolled(name, photo).await;
        assert_eq!(reference.status, ReferenceStatus::Rejected, "{name}");
        let reason = reference.reason.unwrap();
        assert_eq!(reason.as_str(), "low_quality", "{name}");
    }
}

#[tokio::test]
async fn a_blank_first_frame_hides_no_picture() {
    let world = World::start().await;
    for (name, first) in [("white first", [255; 4]), ("nothing first", [0; 4])] {
        let reference = world.enrolled(name, animation(first, dots)).await;
        assert_eq!(reference.status, ReferenceStatus::Active, "{name}");
        assert!(reference.quality.unwrap() > 0, "{name}");
    }
}

#[tokio::test]
async fn a_photo_that_either_stage_can_find_is_active() {
    let world = World::start().await;
    let blocks = |x: u32, y: u32| {
        let mixed = (x / 16 * 31 + y / 16 * 977).wrapping_mul(0x9e37_79b9);
        (mixed >> 24) as u8
    };
    for (name, photo) in [("blocks", png(blocks)), ("spots on a wall", png(dots))] {
        let reference = world.enrolled(name, photo).await;
        assert_eq!(reference.status, ReferenceStatus::Active, "{name}");
    }
}

/// The deletion's event and the event of the photo that came after it are handled concurrently.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_photo_that_is_put_again_at_once_is_sought() {
    let world = World::start().await;
    let photo = png(dots);
    let key = key("a.png");
    world.enrolled("a.png", photo.clone()).await;
    for round in 0..60 {
        let deleted = world.store.objects.delete_object(&key, None).await;
        deleted.unwrap();
        let (deletion, wait) = (
            world.waiting("removals").await,
            Duration::from_micros(round * 500),
        );
        assert_eq!(deletion.records.len(), 1);
        tokio::join!(world.handle(deletion), async {
            tokio::time::sleep(wait).await;
            world.put("a.png", photo.clone()).await;
            world.handle(world.waiting("enroll").await).await;
        });
        let status = world.status(&photo).await;
        assert_eq!(status, ReferenceStatus::Active, "round {round}");
    }
}
