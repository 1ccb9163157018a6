//! Sound files to begin with: a fuzzer gets further by changing one than from nothing.

use std::io::Cursor;

use features::{CommonFeature, CommonFeatures, Descriptor};
use image::{DynamicImage, ImageFormat, RgbImage};
use segments::{Manifest, SetKind};

const SIDE_PX: u32 = 48;
const FORMATS: [ImageFormat; 6] = [
    ImageFormat::Jpeg,
    ImageFormat::Png,
    ImageFormat::Gif,
    ImageFormat::WebP,
    ImageFormat::Bmp,
    ImageFormat::Tiff,
];

/// Of formats that no crate here encodes.
const SAMPLES: [&[u8]; 2] = [
    include_bytes!("../../../shared/photo/tests/samples/small.heic"),
    include_bytes!("../../../shared/photo/tests/samples/half_clear.heic"),
];

/// Files to begin with for a claim of this name; none if there is no such claim.
///
/// # Panics
/// If a drawing cannot be encoded.
pub fn seeds(claim: &str) -> Vec<Vec<u8>> {
    match claim {
        "decoding" => pictures(),
        "events" => vec![EVENT.as_bytes().to_vec()],
        "segments" => vec![manifest(), vec![0, 9, 1], vec![0; 3]],
        "features" => vec![common()],
        "bundles" => vec![tar(), LIST.as_bytes().to_vec()],
        "av1" => vec![from(AVIF, b"mdat")[4..].to_vec()],
        "jxl" => vec![JXL.to_vec()],
        "jp2" => vec![JP2.to_vec()],
        "arithmetic" => vec![ARITHMETIC.to_vec()],
        "pdf" => vec![PDF.as_bytes().to_vec()],
        "lzma" => vec![from(LZMA, b"\xfd7zXZ").to_vec()],
        "zstandard" => vec![from(ZSTANDARD, b"\x28\xb5\x2f\xfd").to_vec()],
        _ => Vec::new(),
    }
}

const AVIF: &[u8] = include_bytes!("../../../shared/photo/tests/samples/small.avif");
const JXL: &[u8] = include_bytes!("../../../shared/photo/tests/samples/small.jxl");
const JP2: &[u8] = include_bytes!("../../../shared/photo/tests/samples/small.jp2");
const LZMA: &[u8] = include_bytes!("../../../shared/photo/tests/samples/lzma.tif");
const ZSTANDARD: &[u8] = include_bytes!("../../../shared/photo/tests/samples/zstandard.tif");
/// The head of a grey picture of 16 pixels in each direction, and the start of its scan.
const ARITHMETIC: &[u8] = b"\xff\xd8\xff\xc9\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0\x12\x34\xff\xd9";
const PDF: &str = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n\
    3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>endobj\n\
    4 0 obj<</Length 53>>stream\nq 9 0 0 9 0 0 cm /I Do BI /W 1 /H 1 /CS /G ID a EI Q \nendstream\nendobj\n\
    5 0 obj<</Subtype/Image/Width 4/Height 4/ColorSpace/DeviceGray/BitsPerComponent 8/Length 16>>stream\n\
    0123456789abcdef\nendstream\nendobj\ntrailer<</Root 1 0 R>>";

/// A file from this mark on.
fn from<'a>(file: &'a [u8], mark: &[u8]) -> &'a [u8] {
    let at = file.windows(mark.len()).position(|it| it == mark);
    &file[at.expect("the sample has it")..]
}

const EVENT: &str = r#"{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"ads"},"object":{"key":"ads/agency/a+b%2F%C3%BC.jpg","size":7,"versionId":"v1","sequencer":"00"}}}]}"#;
const LIST: &str = r#"{"file":"a.jpg","ad_id":"7","source":"site","place":"Z\u00fcrich","posted_at":"2026-01-01T00:00:00Z"}"#;

fn pictures() -> Vec<Vec<u8>> {
    let drawn = RgbImage::from_fn(SIDE_PX, SIDE_PX, |x, y| {
        image::Rgb([(x * 5) as u8, (y * 5) as u8, (x * y) as u8])
    });
    let drawn = DynamicImage::ImageRgb8(drawn);
    let encode = |format| {
        let mut file = Cursor::new(Vec::new());
        drawn.write_to(&mut file, format).expect("encoded");
        file.into_inner()
    };
    let samples = SAMPLES.into_iter().map(<[u8]>::to_vec);
    FORMATS.into_iter().map(encode).chain(samples).collect()
}

fn manifest() -> Vec<u8> {
    let entry = crate::sound_segment().entry;
    let first = Manifest::empty(SetKind::Ads).next(&Default::default(), 0, vec![entry]);
    let retired = [entry.name].into_iter().collect();
    first.next(&retired, 7, Vec::new()).to_bytes()
}

fn common() -> Vec<u8> {
    let feature = |n: u64| CommonFeature {
        descriptor: Descriptor([n; 3]),
        share: 0.5,
    };
    CommonFeatures {
        last_segment: [3; 32],
        samples: 1,
        features: (0..3).map(feature).collect(),
    }
    .to_bytes()
}

fn tar() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in [
        ("a.jpg", &b"not a picture"[..]),
        ("metadata.jsonl", LIST.as_bytes()),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes)
            .expect("in memory");
    }
    tar.into_inner().expect("in memory")
}
