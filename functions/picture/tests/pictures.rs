//! What comes out, whatever goes in: a JPEG of our own, or a reason.
#![cfg_attr(test, allow(clippy::unwrap_used, missing_docs))]

use std::collections::HashSet;

use bundles::{Metadata, pack};
use embedded::Embedded;
use photo::Limits;
use picture::{PictureProgram, made};
use records::{
    AdKey, ImageSha256, MemberName, NoPicture, ObjectKey, Outline, PictureAnswer, PictureKind,
    PictureRequest,
};
use store::{Jitter, Names, NewObject, Store};

const OUTLINE: Outline = [(0.1, 0.1), (0.9, 0.2), (0.8, 0.9), (0.1, 0.8)];
const KEY: &str = "ads/agency/ad.jpg";

fn request(bytes: &[u8], kind: PictureKind) -> PictureRequest {
    PictureRequest {
        object_key: KEY.to_owned(),
        version_id: None,
        stored_in: None,
        image_sha256: ImageSha256::of(bytes),
        kind,
        outline: Some(OUTLINE),
        frame_px: Some((640, 480)),
    }
}

const KINDS: [PictureKind; 4] = [
    PictureKind::Whole,
    PictureKind::Small,
    PictureKind::Part,
    PictureKind::Placed,
];

/// Bytes in a row that would be a copy.
const RUN: usize = 16;

/// A run of the file that is in the picture too, other than a pattern of three values.
fn copied<'a>(file: &[u8], jpeg: &'a [u8]) -> Option<&'a [u8]> {
    let known: HashSet<&[u8]> = file.windows(RUN).collect();
    let is_telling = |run: &[u8]| run.iter().collect::<HashSet<_>>().len() > 3;
    let mut runs = scan(jpeg).windows(RUN);
    runs.find(|run| known.contains(run) && is_telling(run))
}

/// What follows the tables of a JPEG: they count up in any file.
fn scan(jpeg: &[u8]) -> &[u8] {
    let at = jpeg.windows(2).position(|it| it == [0xff, 0xda]);
    &jpeg[at.unwrap() + 14..]
}

/// Files made of each seed: `HOMEWARD_ROUNDS=2500` makes 20,000 in all.
#[allow(clippy::disallowed_methods, reason = "how long a test is made")]
fn rounds() -> usize {
    let rounds = std::env::var("HOMEWARD_ROUNDS").ok();
    rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(24)
}

#[test]
fn whatever_comes_in_our_jpeg_or_a_reason_comes_out_and_no_byte_of_the_file() {
    let limits = Limits {
        pixels_max: 1 << 20,
        ..Limits::default()
    };
    let mut state = 7_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize
    };
    let (mut shown, mut refused) = (0, 0);
    for seed in hostile::seeds("decoding") {
        for round in 0..rounds() {
            let mut file = seed.clone();
            for _ in 0..round % 6 {
                let at = next() % file.len();
                file[at] = next() as u8;
            }
            file.extend_from_slice(b"GPSLatitude 48.2082, GPSLongitude 16.3738");
            match made(&file, &request(&file, KINDS[round % 4]), &limits) {
                Ok(jpeg) => {
                    assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
                    assert_eq!(copied(&file, &jpeg), None, "of the file");
                    shown += 1;
                }
                Err(why) => {
                    assert_eq!(why, NoPicture::Unreadable);
                    refused += 1;
                }
            }
        }
    }
    assert!(
        shown > 60 && refused > 10,
        "{shown} shown, {refused} refused"
    );
}

#[test]
fn no_picture_is_heavier_than_its_kind_may_be_however_much_noise_is_in_it() {
    let mut drawn = fastrand::Rng::with_seed(22);
    let noise = image::RgbImage::from_fn(1400, 1000, |_, _| {
        image::Rgb(drawn.u32(..).to_le_bytes()[..3].try_into().unwrap())
    });
    let mut file = std::io::Cursor::new(Vec::new());
    noise.write_to(&mut file, image::ImageFormat::Png).unwrap();
    let file = file.into_inner();
    for kind in KINDS {
        let jpeg = made(&file, &request(&file, kind), &Limits::default()).unwrap();
        let bytes_max = kind.bytes_max();
        assert!(
            (1_000..=bytes_max).contains(&jpeg.len()),
            "{kind:?}: {}",
            jpeg.len()
        );
    }
    let first_view = [PictureKind::Whole, PictureKind::Part, PictureKind::Placed];
    assert!(first_view.map(PictureKind::bytes_max).iter().sum::<usize>() <= 80_000);
}

#[test]
fn without_an_outline_there_is_no_part_and_the_whole_is_there() {
    let file = &hostile::seeds("decoding")[1];
    for kind in KINDS {
        let asked = PictureRequest {
            outline: None,
            ..request(file, kind)
        };
        let made = made(file, &asked, &Limits::default());
        let is_part = matches!(kind, PictureKind::Part | PictureKind::Placed);
        assert_eq!(
            made.err(),
            is_part.then_some(NoPicture::NoPlace),
            "{kind:?}"
        );
    }
}

struct World {
    program: PictureProgram,
    store: Store,
    _folder: tempfile::TempDir,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(folder.path()).unwrap();
    let names = Names {
        table_prefix: "t-".into(),
        ads_bucket: "ads-bucket".into(),
        references_bucket: "references-bucket".into(),
        segments_bucket: "segments-bucket".into(),
    };
    for bucket in [&names.ads_bucket, &names.references_bucket] {
        embedded.create_bucket(bucket).await.unwrap();
    }
    let store = Store::with_sdk_config(&embedded.sdk_config(), names, Jitter::new(|| 1));
    World {
        program: PictureProgram::new(store.objects.clone(), Limits::default(), None),
        store,
        _folder: folder,
    }
}

async fn put(world: &World, key: &str, bytes: Vec<u8>) {
    let object = NewObject {
        bytes: bytes.into(),
        content_type: "application/octet-stream".to_owned(),
        metadata: Default::default(),
    };
    let key = ObjectKey::parse(key).unwrap();
    world.store.objects.put_object(&key, object).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_gone_or_another_one_by_now_is_said_to_be() {
    let world = world().await;
    let file = hostile::seeds("decoding").remove(1);
    let asked = request(&file, PictureKind::Part);
    let gone = world.program.answer(asked.clone()).await;
    assert_eq!(gone, PictureAnswer::None(NoPicture::Gone));
    put(&world, KEY, file.clone()).await;
    let shown = world.program.answer(asked.clone()).await;
    assert!(matches!(shown, PictureAnswer::Jpeg(_)));
    put(&world, KEY, hostile::seeds("decoding").remove(0)).await;
    let changed = world.program.answer(asked).await;
    assert_eq!(changed, PictureAnswer::None(NoPicture::Changed));
}

#[tokio::test]
async fn a_picture_in_a_bundle_is_found_by_what_it_is() {
    let world = world().await;
    let files = hostile::seeds("decoding");
    let name = |n: usize| MemberName::parse(&format!("{n}.jpg")).unwrap();
    let members: Vec<_> = (0..2).map(|n| (name(n), files[n].clone())).collect();
    put(
        &world,
        "ads/agency/some.tar",
        pack(&members, &Metadata::default()).unwrap(),
    )
    .await;
    let asked = PictureRequest {
        object_key: "ads/agency/some.tar/1.jpg".to_owned(),
        stored_in: AdKey::parse("ads/agency/some.tar").ok(),
        ..request(&files[1], PictureKind::Part)
    };
    let shown = world.program.answer(asked.clone()).await;
    assert!(matches!(shown, PictureAnswer::Jpeg(_)));
    let other = PictureRequest {
        image_sha256: ImageSha256::of(b"another"),
        ..asked
    };
    let changed = world.program.answer(other).await;
    assert_eq!(changed, PictureAnswer::None(NoPicture::Changed));
}
