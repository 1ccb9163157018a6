//! Pictures of one batch.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use features::fingerprint::{AdFingerprint, FINGERPRINT_VERSION, Hash256, HashVariant};
use records::{ImageSha256, MetadataNote, ObjectKey};
use store::{CompactionRule, StoredAd};

use crate::world::{World, at_attempt, key, ngo, picture, rows};

const ENDS: [(&str, &str); 4] = [
    ("0.png", "Recorded"),
    ("1.png", "Recorded"),
    ("2.png", "Recorded"),
    ("text.txt", "not_an_image"),
];

/// Three pictures, one twice, what is none, and a message that cannot be read, at this attempt.
async fn batch(world: &World, attempt: &str) -> SqsEvent {
    for seed in 0..3 {
        world.put(&format!("{seed}.png"), picture(seed), &[]).await;
    }
    world.put("2.png", picture(2), &[]).await;
    world.put("text.txt", b"no picture".to_vec(), &[]).await;
    let mut event = world.waiting().await.unwrap();
    let mut poison = event.records[0].clone();
    poison.message_id = Some("poison".into());
    poison.body = Some("not what S3 sends".into());
    event.records.insert(1, poison);
    at_attempt(event, attempt)
}

/// How many packs hold the pictures of a batch that comes at this attempt.
async fn packs(attempt: &str) -> u64 {
    let world = World::new().await;
    let event = batch(&world, attempt).await;
    let response = world.ingest.handle(event).await;
    let failed = response.batch_item_failures.iter();
    let failed: Vec<_> = failed.map(|it| it.item_identifier.as_str()).collect();
    assert_eq!(failed, ["poison"], "attempt {attempt}");
    assert_eq!(world.states().await, rows(&ENDS), "attempt {attempt}");
    assert_eq!(world.ads().await.len(), 3, "attempt {attempt}");
    let at_once = CompactionRule {
        tail_ads_min: 1,
        ..CompactionRule::default()
    };
    let now = records::Timestamp::from(std::time::SystemTime::now());
    let done = world.store.ads.compact_ads(&at_once, now).await.unwrap();
    assert_eq!(done.items, 3);
    done.cleared
}

#[tokio::test]
async fn pictures_of_one_batch_share_a_pack() {
    assert_eq!(packs("1").await, 1);
    assert_eq!(packs("2").await, 1);
}

#[tokio::test]
async fn what_was_compressed_for_the_way_is_told_so() {
    let world = World::new().await;
    for (name, magic) in [
        ("a.jpg", &b"\x1f\x8b\x08"[..]),
        ("b.jpg", b"\x28\xb5\x2f\xfd"),
    ] {
        let bytes = [magic, &picture(1)[..]].concat();
        world.put(name, bytes, &[]).await;
    }
    world.settle().await;
    let ends = [("a.jpg", "content_encoded"), ("b.jpg", "content_encoded")];
    assert_eq!(world.states().await, rows(&ends));
}

/// A second upload is noted again, though it is not decoded again.
#[tokio::test]
async fn a_hurt_picture_is_taken_in_and_said_to_be_partial() {
    let world = World::new().await;
    let whole = picture(1);
    let cut = whole[..whole.len() * 7 / 10].to_vec();
    for name in ["first.png", "again.png"] {
        world.put(name, cut.clone(), &[]).await;
        world.settle().await;
    }
    world.put("whole.png", whole, &[]).await;
    world.settle().await;
    let uploads = world.uploads().await;
    let notes = |name: &str| uploads[name].notes.clone();
    assert_eq!(notes("first.png"), [MetadataNote::Partial]);
    assert_eq!(notes("again.png"), [MetadataNote::Partial]);
    assert_eq!(notes("whole.png"), []);
    assert_eq!(uploads["first.png"].reason, None);
}

/// An animation of 96 by 80 pixels; a frame without a seed is white.
fn animation(seeds: &[Option<u32>]) -> Vec<u8> {
    let frame = |seed: &Option<u32>| {
        let picture = match seed {
            Some(seed) => image::load_from_memory(&picture(*seed)).unwrap(),
            None => image::GrayImage::from_pixel(96, 80, image::Luma([255])).into(),
        };
        let delay = image::Delay::from_numer_denom_ms(100, 1);
        image::Frame::from_parts(picture.to_rgba8(), 0, 0, delay)
    };
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    encoder.encode_frames(seeds.iter().map(frame)).unwrap();
    drop(encoder);
    gif
}

/// A second upload tells it again, though it is not decoded again.
#[tokio::test]
async fn an_upload_of_several_frames_tells_which_were_compared() {
    let world = World::new().await;
    let gif = animation(&[None, Some(1), None, Some(2)]);
    for name in ["first.gif", "again.gif"] {
        world.put(name, gif.clone(), &[]).await;
        world.settle().await;
    }
    world
        .put("cut.gif", gif[..gif.len() - 100].to_vec(), &[])
        .await;
    world.put("one.png", picture(3), &[]).await;
    world.settle().await;
    let uploads = world.uploads().await;
    for name in ["first.gif", "again.gif"] {
        let frames = uploads[name].frames.as_ref().unwrap();
        let numbers: Vec<u32> = frames.frames.iter().map(|it| it.number).collect();
        assert_eq!((frames.count, &numbers[..]), (Some(4), &[2, 4][..]));
        assert!(uploads[name].notes.is_empty());
    }
    assert_eq!(uploads["cut.gif"].notes, [MetadataNote::Partial]);
    assert_eq!(uploads["one.png"].frames, None);
}

/// Something in it may have killed its function: what is taken alone is done before or after it.
#[tokio::test]
async fn a_batch_that_keeps_coming_is_taken_one_by_one() {
    assert_eq!(packs("3").await, 3);
    assert_eq!(packs("4").await, 3);
}

/// Their times are equal, since S3 tells whole seconds; their events come in any order.
#[tokio::test]
async fn of_two_pictures_under_one_key_within_a_second_the_later_one_is_told_of() {
    for late_first in [true, false] {
        let world = World::new().await;
        for seed in 0..2 {
            world.put("a.png", picture(seed), &[]).await;
        }
        let mut event = world.waiting().await.unwrap();
        assert_eq!(event.records.len(), 2);
        if late_first {
            event.records.reverse();
        }
        for message in event.records {
            let mut alone = SqsEvent::default();
            alone.records = vec![message];
            let response = world.ingest.handle(alone).await;
            assert_eq!(response.batch_item_failures.len(), 0);
        }
        let version = Some(world.version("a.png").await);
        assert_eq!(world.uploads().await["a.png"].version_id, version);
        assert_eq!(world.ads().await.len(), 2, "both were advertised");
    }
}

/// It is known by a fingerprint of older algorithms: from a tenant's other upload, too.
#[tokio::test]
async fn a_picture_of_older_algorithms_gets_a_newer_fingerprint_next_to_it() {
    let world = World::new().await;
    world.put("a.png", picture(1), &[]).await;
    world.settle().await;
    let [mut older] = <[_; 1]>::try_from(world.ads().await).unwrap();
    let current = older.fingerprint.clone();
    let old_world = World::new().await;
    older.fingerprint.version = current.version - 1;
    older.fingerprint.features.clear();
    old_world.put_older("gone.png", &older).await;

    for _ in 0..2 {
        old_world.put("a.png", picture(1), &[]).await;
        old_world.settle().await;
        let known = old_world.image(&older.image_sha256).await;
        assert_eq!(known.fingerprint_version, current.version);
        let ads = old_world.ads().await;
        let found = ads.iter().map(|ad| ad.fingerprint.version);
        let mut found: Vec<_> = found.collect();
        found.sort_unstable();
        assert_eq!(found, [current.version - 1, current.version], "once");
        assert!(ads.iter().any(|ad| ad.fingerprint == current));
    }
    assert_eq!(old_world.states().await, rows(&[("a.png", "Recorded")]));
}

/// What was a picture to older decoders is none any more: it stays what it was.
#[tokio::test]
async fn a_picture_that_cannot_be_read_any_more_keeps_its_older_fingerprint() {
    let world = World::new().await;
    let bytes = b"a picture of old".to_vec();
    let older = StoredAd {
        tenant: ngo(),
        image_sha256: ImageSha256::of(&bytes),
        fingerprint: AdFingerprint {
            version: FINGERPRINT_VERSION - 1,
            whole: HashVariant {
                pdq: Hash256([0x5a; 32]),
                quality: 90,
                second: Hash256([1; 32]),
            },
            trimmed: None,
            features: Vec::new(),
        },
        postings: Vec::new(),
    };
    world.put_older("a.old", &older).await;
    world.put("a.old", bytes, &[]).await;
    world.settle().await;
    assert_eq!(world.states().await, rows(&[("a.old", "Recorded")]));
    assert_eq!(world.ads().await, [older]);
}

#[tokio::test]
async fn an_event_that_comes_after_the_end_of_its_ad_brings_nothing_back() {
    let mut world = World::new().await;
    world.ingest.ads_kept = Some(Duration::from_millis(1));
    world.put("a.png", picture(1), &[]).await;
    world.put("waits.png", picture(2), &[]).await;
    let ended: ObjectKey = key("a.png").into();
    let removed = world.store.objects.delete_object(&ended, None);
    removed.await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await; // S3 tells whole seconds
    world.settle().await;
    let waited = rows(&[("waits.png", "Recorded")]);
    assert_eq!(
        world.states().await,
        waited,
        "what was not looked at yet has not ended"
    );
    assert_eq!(world.ads().await.len(), 1);
}

#[tokio::test]
async fn a_posting_that_ends_soon_is_not_relied_on() {
    let mut world = World::new().await;
    for (kept, ads) in [
        (None, 1),
        (Some(Duration::from_secs(3_600)), 1),
        (Some(Duration::ZERO), 2),
    ] {
        world.ingest.ads_kept = kept;
        world.put(&format!("{kept:?}.png"), picture(1), &[]).await;
        world.settle().await;
        assert_eq!(world.ads().await.len(), ads, "{kept:?}");
    }
}

#[tokio::test]
async fn a_late_event_of_what_is_recorded_does_not_keep_it_for_longer() {
    let mut world = World::new().await;
    world.put("a.png", picture(1), &[]).await;
    let event = world.waiting().await.unwrap();
    for kept in [None, Some(Duration::ZERO)] {
        world.ingest.ads_kept = kept;
        let answer = world.ingest.handle(event.clone()).await;
        assert_eq!(answer.batch_item_failures.len(), 0);
        assert_eq!(world.ads().await.len(), 1, "{kept:?}");
    }
    assert_eq!(world.states().await, rows(&[("a.png", "Recorded")]));
}
