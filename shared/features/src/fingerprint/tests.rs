use proptest::prelude::*;

use super::*;

fn view() -> impl Strategy<Value = HashVariant> {
    (any::<[u8; 32]>(), 0..=100_u8, any::<[u8; 32]>()).prop_map(|(pdq, quality, second)| {
        HashVariant {
            pdq: Hash256(pdq),
            quality,
            second: Hash256(second),
        }
    })
}

fn framing() -> impl Strategy<Value = Framing> {
    (any::<[bool; 3]>(), 0..4_usize).prop_map(|([mirrored, negative, border_removed], turn)| {
        Framing {
            mirrored,
            turn: Turn::ALL[turn],
            negative,
            border_removed,
        }
    })
}

fn features() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..200)
}

prop_compose! {
    fn ad()(
        version: u16, whole in view(), trimmed in proptest::option::of(view()), features in features()
    ) -> AdFingerprint {
        AdFingerprint { version, whole, trimmed, features }
    }
}

prop_compose! {
    fn reference()(
        version: u16,
        framings in proptest::collection::vec((framing(), view()), 1..20),
        features in features(),
    ) -> ReferenceFingerprint {
        ReferenceFingerprint { version, framings, features }
    }
}

fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    body.extend(crc32fast::hash(&body).to_le_bytes());
    body
}

proptest! {
    #[test]
    fn an_ad_survives_its_bytes(ad in ad()) {
        prop_assert!(AdFingerprint::from_bytes(&ad.to_bytes()) == Ok(ad));
    }

    #[test]
    fn a_reference_survives_its_bytes(reference in reference()) {
        prop_assert!(ReferenceFingerprint::from_bytes(&reference.to_bytes()) == Ok(reference));
    }

    #[test]
    fn bytes_cut_off_anywhere_are_truncated(ad in ad(), reference in reference(), at: prop::sample::Index) {
        let (ad, reference) = (ad.to_bytes(), reference.to_bytes());
        let cut = &ad[..at.index(ad.len())];
        prop_assert!(AdFingerprint::from_bytes(cut) == Err(FingerprintBytesError::Truncated));
        let cut = &reference[..at.index(reference.len())];
        prop_assert!(ReferenceFingerprint::from_bytes(cut) == Err(FingerprintBytesError::Truncated));
    }

    #[test]
    fn a_changed_byte_never_passes(ad in ad(), at: prop::sample::Index, flip in 1..=255_u8) {
        let mut bytes = ad.to_bytes();
        bytes[at.index(ad.to_bytes().len())] ^= flip;
        prop_assert!(AdFingerprint::from_bytes(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = AdFingerprint::from_bytes(&bytes);
        let _ = ReferenceFingerprint::from_bytes(&bytes);
        let mut disguised = bytes.clone();
        disguised.splice(0..2.min(bytes.len()), [b'R', 1]);
        let _ = ReferenceFingerprint::from_bytes(&sealed(disguised));
    }
}

fn blank(quality: u8) -> HashVariant {
    HashVariant {
        pdq: Hash256([0; 32]),
        quality,
        second: Hash256([0; 32]),
    }
}

fn blank_ad() -> AdFingerprint {
    AdFingerprint {
        version: 1,
        whole: blank(0),
        trimmed: None,
        features: Vec::new(),
    }
}

#[test]
fn the_bytes_are_as_documented() {
    assert_eq!(blank_ad().to_bytes().len(), 78);
    let two = AdFingerprint {
        trimmed: Some(blank(1)),
        ..blank_ad()
    };
    assert_eq!(two.to_bytes().len(), 143);
    let framings = vec![(Framing::default(), blank(0)); 8];
    let reference = ReferenceFingerprint {
        version: 1,
        framings,
        features: vec![1, 2, 3],
    };
    assert_eq!(reference.to_bytes().len(), 13 + 8 * 66 + 3);
    assert_eq!(&reference.to_bytes()[..5], [b'R', 1, 1, 0, 8]);
}

#[test]
fn a_newer_format_is_left_to_a_newer_build() {
    let mut bytes = blank_ad().to_bytes();
    bytes[1] = 2;
    let found = AdFingerprint::from_bytes(&bytes);
    assert!(found == Err(FingerprintBytesError::NewerFormat { found: 2 }));
}

#[test]
fn what_is_out_of_range_is_corrupt_though_its_checksum_holds() {
    let corrupt = |at: usize, value: u8, bytes: Vec<u8>| {
        let mut body = bytes[..bytes.len() - 4].to_vec();
        body[at] = value;
        sealed(body)
    };
    let ad = |at, value| AdFingerprint::from_bytes(&corrupt(at, value, blank_ad().to_bytes()));
    assert!(
        ad(0, b'R') == Err(FingerprintBytesError::Corrupt),
        "of another kind"
    );
    assert!(ad(1, 0) == Err(FingerprintBytesError::Corrupt), "format 0");
    assert!(
        ad(4, 3) == Err(FingerprintBytesError::Corrupt),
        "three views"
    );
    assert!(
        ad(69, 101) == Err(FingerprintBytesError::Corrupt),
        "quality 101"
    );
    assert!(
        ad(73, 255) == Err(FingerprintBytesError::Corrupt),
        "4 GB of features"
    );
    let framings = vec![(Framing::default(), blank(0))];
    let reference = ReferenceFingerprint {
        version: 1,
        framings,
        features: Vec::new(),
    }
    .to_bytes();
    let reference =
        |at, value| ReferenceFingerprint::from_bytes(&corrupt(at, value, reference.clone()));
    assert!(
        reference(4, 0) == Err(FingerprintBytesError::Corrupt),
        "no framing"
    );
    assert!(
        reference(5, 0b10_0000) == Err(FingerprintBytesError::Corrupt),
        "unknown framing bit"
    );
}
