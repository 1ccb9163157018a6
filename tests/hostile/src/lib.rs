//! What must hold whatever bytes come from outside, as one function for each place where they
//! enter: a broken claim is a panic. `fuzz/` drives them with bytes that it learns to choose;
//! `tests/kept.rs` with the files that broke one once.
#![forbid(unsafe_code)]

mod drawn;

use std::io::{Seek, Write};

use bytes::Bytes;
use features::fingerprint::{AdFingerprint, Hash256, HashVariant};
use features::{AdFeatures, CommonFeatures, ReferenceFeatures};
use photo::{Detail, Limits, Pixels};
use records::{ImageSha256, ObjectCreated, ObjectKey, TenantId};
use segments::{Item, Manifest, SetKind};

pub use drawn::seeds;

/// A claim: it panics if it does not hold of these bytes.
pub type Claim = fn(&[u8]);

/// Every claim by the name of its fuzz target.
pub const CLAIMS: [(&str, Claim); 12] = [
    ("decoding", decoding),
    ("events", events),
    ("segments", segments),
    ("features", features),
    ("bundles", bundles),
    ("av1", av1),
    ("jxl", jxl),
    ("jp2", jp2),
    ("arithmetic", arithmetic),
    ("pdf", pdf),
    ("lzma", lzma),
    ("zstandard", zstandard),
];

/// Bytes of a file that claims look at: longer ones teach nothing new.
const FILE_BYTES_MAX: usize = 1 << 20;
const PIXELS_MAX: u64 = 1 << 20;

/// A file is a picture of at most the size that is allowed, the same each time, or has a reason.
///
/// # Panics
/// If that does not hold.
pub fn decoding(file: &[u8]) {
    let limits = Limits {
        bytes_max: FILE_BYTES_MAX,
        pixels_max: PIXELS_MAX,
        ..Limits::default()
    };
    for detail in [Detail::Luma, Detail::Colour] {
        let read = photo::decode(file, detail, &limits);
        if let Ok(photo) = &read {
            let (samples, per_pixel) = match &photo.pixels {
                Pixels::Luma(samples) => (samples, 1),
                Pixels::Rgb(samples) => (samples, 3),
            };
            let pixels = u64::from(photo.width_px) * u64::from(photo.height_px);
            assert!(pixels <= PIXELS_MAX, "{pixels} pixels");
            assert_eq!(samples.len() as u64, pixels * per_pixel);
        }
        let again = photo::decode(file, detail, &limits);
        assert!(read == again, "decoding is a function of the bytes");
    }
}

/// What is decoded in a process of its own is a picture of at most the size that is allowed, or has a reason.
///
/// # Panics
/// If that does not hold.
pub fn av1(bytes: &[u8]) {
    photo::sandbox::decode_here("av1", bytes);
}

/// What is decoded in a process of its own is a picture of at most the size that is allowed, or has a reason.
///
/// # Panics
/// If that does not hold.
pub fn jxl(bytes: &[u8]) {
    photo::sandbox::decode_here("jxl", bytes);
}

/// What is decoded in a process of its own is a picture of at most the size that is allowed, or has a reason.
///
/// # Panics
/// If that does not hold.
pub fn jp2(bytes: &[u8]) {
    photo::sandbox::decode_here("jp2", bytes);
}

/// What is decoded in a process of its own is a picture of at most the size that is allowed, or has a reason.
///
/// # Panics
/// If that does not hold.
pub fn arithmetic(bytes: &[u8]) {
    photo::sandbox::decode_here("arithmetic", bytes);
}

/// What is decoded in a process of its own is a picture of at most the size that is allowed, or has a reason.
///
/// # Panics
/// If that does not hold.
pub fn pdf(bytes: &[u8]) {
    photo::sandbox::decode_here("pdf", bytes);
}

/// What is decoded in a process of its own is a picture of at most the size that is allowed, or has a reason.
///
/// # Panics
/// If that does not hold.
pub fn lzma(bytes: &[u8]) {
    photo::sandbox::decode_here("lzma", bytes);
}

/// What is decoded in a process of its own is a picture of at most the size that is allowed, or has a reason.
///
/// # Panics
/// If that does not hold.
pub fn zstandard(bytes: &[u8]) {
    photo::sandbox::decode_here("zstandard", bytes);
}

/// A queue's message is a notification with keys, or malformed; no key leaves its tenant's folder.
///
/// # Panics
/// If that does not hold.
pub fn events(message: &[u8]) {
    let Ok(body) = std::str::from_utf8(message) else {
        return;
    };
    for created in ObjectCreated::parse(body).unwrap_or_default() {
        if let Ok(key) = ObjectKey::from_event(&created.encoded_key) {
            let text = key.as_str();
            assert!(text.starts_with("ads/") || text.starts_with("references/"));
            let parts: Vec<&str> = text.split('/').collect();
            assert!(parts.len() >= 3 && TenantId::parse(parts[1]).is_ok());
            assert_eq!(
                ObjectKey::parse(text).as_ref(),
                Ok(&key),
                "its text is itself"
            );
        }
    }
}

/// A manifest is read as what it says to the last byte or refused, and so is a segment: if any
/// byte of it is another one it has a fault. The first bytes say what is changed in a sound one.
///
/// # Panics
/// If that does not hold.
pub fn segments(changes: &[u8]) {
    for kind in [SetKind::Ads, SetKind::References] {
        let mut manifest = changes.to_vec();
        if let Some((told, sum)) = manifest.split_last_chunk_mut::<4>() {
            *sum = simd_adler32::adler32(&&*told).to_le_bytes();
        }
        if let Ok(read) = Manifest::from_bytes(kind, &manifest) {
            assert!(read.to_bytes() == manifest, "a manifest says all its bytes");
        }
    }
    let sound = sound_segment();
    let mut bytes = sound.bytes.clone();
    for change in changes.chunks_exact(3) {
        let at = usize::from(change[0]) << 8 | usize::from(change[1]);
        let at = at % bytes.len();
        bytes[at] ^= change[2];
    }
    bytes.truncate(bytes.len() - changes.len() % 3);
    let is_sound = bytes == sound.bytes;
    let read = segments::whole(SetKind::Ads, Bytes::from(bytes), &sound.entry);
    assert_eq!(read.is_ok(), is_sound, "what was changed is not used");
}

fn sound_segment() -> segments::Built {
    let items = (0_u8..5).map(|n| {
        let view = HashVariant {
            pdq: Hash256([n; 32]),
            quality: 100,
            second: Hash256([!n; 32]),
        };
        let fingerprint = AdFingerprint {
            version: 1,
            whole: view,
            trimmed: None,
            features: vec![n; 40],
        };
        let owner = TenantId::parse("agency").expect("a tenant");
        Item::of_ad(owner, ImageSha256::of(&[n]), u64::from(n), fingerprint)
    });
    segments::build(SetKind::Ads, items.collect(), 7, 9)
}

/// Features are read as what they say to the last byte, or refused.
///
/// # Panics
/// If that does not hold.
pub fn features(bytes: &[u8]) {
    if let Ok(read) = AdFeatures::from_bytes(bytes) {
        assert!(read.to_bytes() == bytes);
        let grey = read.sketch.unpacked();
        let pixels = grey.width_px * grey.height_px;
        assert_eq!(grey.luma.len(), pixels);
    }
    if let Ok(read) = ReferenceFeatures::from_bytes(bytes) {
        assert!(read.to_bytes() == bytes);
    }
    let mut common = bytes.to_vec();
    if let Some((told, sum)) = common.split_last_chunk_mut::<4>() {
        *sum = crc32fast::hash(told).to_le_bytes();
    }
    if let Ok(read) = CommonFeatures::from_bytes(&common) {
        assert!(
            read.features
                .iter()
                .all(|it| (0.0..=1.0).contains(&it.share))
        );
    }
}

/// An archive is refused whole, or each of its members is had within the limits or refused; so is
/// the list of metadata.
///
/// # Panics
/// If that does not hold, or the disk fails.
pub fn bundles(archive: &[u8]) {
    let limits = bundles::Limits {
        bytes_max: FILE_BYTES_MAX as u64,
        entries_max: 100,
        member_bytes_max: 1 << 16,
        unpacked_bytes_max: 1 << 18,
        metadata_bytes_max: 1 << 14,
    };
    let _ = bundles::Metadata::parse(&archive[..archive.len().min(1 << 14)]);
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(archive).expect("written");
    file.rewind().expect("rewound");
    let bundle = match bundles::open(file, &limits) {
        Ok(bundle) => bundle,
        Err(bundles::Error::Refused(_)) => return,
        Err(bundles::Error::Io(error)) => panic!("the disk fails: {error}"),
    };
    assert!(bundle.members().len() as u64 <= limits.entries_max);
    let mut unpacked = 0;
    for member in 0..bundle.members().len() {
        match bundle.read(member) {
            Ok(bytes) => unpacked += bytes.len() as u64,
            Err(bundles::Error::Refused(_)) => {}
            Err(bundles::Error::Io(error)) => panic!("the disk fails: {error}"),
        }
    }
    assert!(unpacked <= limits.unpacked_bytes_max, "{unpacked} bytes");
    bundle.metadata(&limits).expect("the disk does not fail");
}
