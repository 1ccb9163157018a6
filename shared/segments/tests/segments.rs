//! Segments and manifests: what was written is read, and nothing else ever is.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use features::fingerprint::{
    AdFingerprint, Framing, Hash256, HashVariant, ReferenceFingerprint, Turn,
};
use proptest::prelude::*;
use records::{CaseId, ImageSha256, ReferenceId, TenantId};
use segments::*;

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

prop_compose! {
    fn view()(pdq: [u8; 32], second: [u8; 32], quality in 0u8..=100) -> HashVariant {
        HashVariant { pdq: Hash256(pdq), quality, second: Hash256(second) }
    }
}

prop_compose! {
    fn framing()(mirrored: bool, turn in 0usize..4, border_removed: bool) -> Framing {
        Framing { mirrored, turn: Turn::ALL[turn], negative: false, border_removed }
    }
}

prop_compose! {
    fn posting()(name in "[a-d]", stamp in 0u64..5) -> Posting {
        Posting { bytes: name.into(), stamp }
    }
}

prop_compose! {
    fn ad()(
        owner in "[ab]", image in 0u8..30, stamp: u64, version in 1u16..3,
        whole in view(), trimmed in proptest::option::of(view()),
        features in proptest::collection::vec(any::<u8>(), 0..300),
        postings in proptest::collection::vec(posting(), 0..3),
    ) -> Item {
        let fingerprint = AdFingerprint { version, whole, trimmed, features };
        let item = Item::of_ad(tenant(&owner), ImageSha256::of(&[image]), stamp, fingerprint);
        Item { postings, ..item }
    }
}

prop_compose! {
    fn reference()(
        owner in "[ab]", case in "[0-9]{1,6}", stamp: u64, version in 1u16..3,
        framings in proptest::collection::vec((framing(), view()), 1..17),
        features in proptest::collection::vec(any::<u8>(), 0..300),
    ) -> Item {
        let (owner, case) = (tenant(&owner), CaseId::parse(&case).unwrap());
        let id = ReferenceId::of_photo(&owner, &case, &ImageSha256::of(b"photo"));
        Item::of_reference(owner, id, stamp, ReferenceFingerprint { version, framings, features })
    }
}

/// The items as a segment keeps them: by identity and owner, of several the highest stamp; of ads
/// first the newest algorithms.
fn kept(items: &[Item]) -> Vec<Item> {
    let mut kept = BTreeMap::new();
    for item in items {
        let known = kept
            .entry((item.id.clone(), item.owner.clone()))
            .or_insert(item);
        let is_later = match item.id {
            Id::Image(_) => (known.version, known.stamp) < (item.version, item.stamp),
            Id::Reference(_) => known.stamp < item.stamp,
        };
        if is_later {
            *known = item;
        }
    }
    kept.into_values().cloned().collect()
}

/// Every posting of an item and its owner, each with its latest stamp.
fn postings(items: &[Item]) -> BTreeMap<(Id, TenantId, Bytes), u64> {
    let mut latest = BTreeMap::new();
    for item in items {
        for posting in &item.postings {
            let key = (item.id.clone(), item.owner.clone(), posting.bytes.clone());
            let stamp = latest.entry(key).or_default();
            *stamp = posting.stamp.max(*stamp);
        }
    }
    latest
}

fn without_postings(item: &Item) -> Item {
    Item {
        postings: Vec::new(),
        ..item.clone()
    }
}

fn check_round_trip(kind: SetKind, items: Vec<Item>) -> Result<(), TestCaseError> {
    let built = build(kind, items.clone(), 7, 9);
    let bytes = Bytes::from(built.bytes);
    prop_assert_eq!(built.entry.bytes, bytes.len() as u64);
    let (index, read) = whole(kind, bytes.clone(), &built.entry).unwrap();
    let by_identity = |items: &[Item]| -> Vec<_> {
        items
            .iter()
            .map(|it| (it.id.clone(), it.owner.clone(), it.stamp))
            .collect()
    };
    let expected = kept(&items);
    prop_assert_eq!(by_identity(&read), by_identity(&expected));
    prop_assert_eq!(postings(&read), postings(&items));
    let bare: Vec<Item> = items.iter().map(without_postings).collect();
    for item in &read {
        prop_assert!(bare.contains(&without_postings(item)));
        prop_assert!(
            index
                .find(&item.id)
                .any(|at| *index.owner(at) == item.owner)
        );
    }
    for (at, item) in read.iter().enumerate() {
        let page = index.page(at, 100);
        prop_assert!(page.start == at && page.end > at);
        let range = index.features_range(&page);
        let (from, to) = (range.start as usize, range.end as usize);
        let some = index.items_of(page, &bytes.slice(from..to)).unwrap();
        prop_assert_eq!(&some[0], item);
        prop_assert_eq!(&index.item_without_features(at).postings, &item.postings);
        prop_assert_eq!(index.postings(at), &item.postings);
    }
    let mut rows = vec![Vec::new(); read.len()];
    for row in 0..index.rows() {
        rows[index.item_of_row(row)].push(index.view(row));
    }
    let views: Vec<_> = read.into_iter().map(|item| item.views).collect();
    prop_assert_eq!(rows, views);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ads_are_read_as_they_were_written(
        items in proptest::collection::vec(ad(), 1..40),
    ) {
        check_round_trip(SetKind::Ads, items)?;
    }

    #[test]
    fn references_are_read_as_they_were_written(
        items in proptest::collection::vec(reference(), 1..20),
    ) {
        check_round_trip(SetKind::References, items)?;
    }

    #[test]
    fn fingerprints_come_back_whole(item in ad(), other in reference()) {
        let ad = item.ad_fingerprint().unwrap();
        let Id::Image(image) = item.id else { panic!("an ad has an image") };
        let made = Item::of_ad(item.owner.clone(), image, item.stamp, ad);
        prop_assert_eq!(made, without_postings(&item));
        prop_assert_eq!(other.reference_fingerprint().framings, other.views);
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_000),
        start in 0usize..80,
    ) {
        let (good, entry) = small();
        let mut mixed = good[..start.min(good.len())].to_vec();
        mixed.extend(&bytes);
        prop_assert!(whole(SetKind::Ads, Bytes::from(mixed.clone()), &entry).is_err());
        prop_assert!(Manifest::from_bytes(SetKind::Ads, &mixed).is_err());
        let mut listed = manifest().to_bytes();
        listed.truncate(start);
        listed.extend(&bytes);
        prop_assert!(Manifest::from_bytes(SetKind::Ads, &listed).is_err());
    }
}

fn made_up(n: u64, features: usize, trimmed: bool) -> Item {
    let hash = |what: &str| Hash256(*ImageSha256::of(format!("{what} {n}").as_bytes()).bytes());
    let whole = HashVariant {
        pdq: hash("pdq"),
        quality: 80,
        second: hash("second"),
    };
    let fingerprint = AdFingerprint {
        version: 1,
        whole,
        trimmed: trimmed.then_some(whole),
        features: vec![n as u8; features],
    };
    let image = ImageSha256::of(&n.to_be_bytes());
    let item = Item::of_ad(tenant("uploader"), image, n, fingerprint);
    let posting = Posting {
        bytes: format!("posting {n}").into(),
        stamp: n,
    };
    Item {
        postings: vec![posting; (n % 2) as usize],
        ..item
    }
}

/// An uploader may post one ad as often as it likes.
#[test]
fn an_ad_posted_very_often_is_several_items_that_lose_no_posting() {
    let bytes = POSTINGS_BYTES_MAX / 10;
    let times = 25;
    let posted = |n: u64| {
        let posting = Posting {
            bytes: vec![n as u8; bytes].into(),
            stamp: n,
        };
        Item {
            postings: vec![posting],
            stamp: n,
            ..made_up(1, 40, false)
        }
    };
    let items: Vec<Item> = (0..times).map(posted).collect();
    let built = build(SetKind::Ads, items.clone(), 1, 2);
    let (index, read) = whole(SetKind::Ads, built.bytes.into(), &built.entry).unwrap();
    assert_eq!(index.find(&items[0].id), 0..3);
    assert_eq!(postings(&read), postings(&items));
    let again = build(SetKind::Ads, read, 1, 2);
    assert_eq!(again.entry.items, 3, "they stay so");
    let largest = (0..3).map(|item| index.postings(item).len()).max();
    assert_eq!(largest, Some(9));
}

#[test]
fn a_posting_is_as_private_as_what_it_tells() {
    let printed = format!(
        "{:?} {:?}",
        made_up(1, 4, false),
        made_up(1, 4, false).postings
    );
    assert!(
        !printed.contains("posting 1") && !printed.contains("112"),
        "{printed}"
    );
}

fn small() -> (Vec<u8>, SegmentEntry) {
    let items = (0..4).map(|n| made_up(n, 40, n % 2 == 0)).collect();
    let built = build(SetKind::Ads, items, 1, 2);
    (built.bytes, built.entry)
}

fn manifest() -> Manifest {
    let (_, entry) = small();
    let name = |n: u8| SegmentName([n; 32]);
    let live = (0..3).map(|n| SegmentEntry {
        name: name(n),
        ..entry
    });
    let mut manifest = Manifest::empty(SetKind::Ads).next(&BTreeSet::new(), 0, live.collect());
    manifest.retired.push(Retired {
        name: name(9),
        due_at_ms: 5,
    });
    manifest.position[3] = 77;
    manifest
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (good, entry) = small();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let bytes = Bytes::from(bytes);
        let fault = whole(SetKind::Ads, bytes.clone(), &entry).unwrap_err();
        if bit / 8 < entry.index_bytes as usize {
            let index = bytes.slice(..entry.index_bytes as usize);
            assert_eq!(
                SegmentIndex::open(SetKind::Ads, index, &entry).unwrap_err(),
                fault
            );
        }
    }
    let good = manifest().to_bytes();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(
            Manifest::from_bytes(SetKind::Ads, &bytes).is_err(),
            "bit {bit}"
        );
    }
}

#[test]
fn every_truncation_is_noticed() {
    let (good, entry) = small();
    let good = Bytes::from(good);
    for length in 0..good.len() {
        let fault = whole(SetKind::Ads, good.slice(..length), &entry).unwrap_err();
        assert_eq!(fault, SegmentError::Truncated, "{length} bytes");
    }
    let good = manifest().to_bytes();
    for length in 0..good.len() {
        let fault = Manifest::from_bytes(SetKind::Ads, &good[..length]).unwrap_err();
        assert_eq!(fault, SegmentError::Truncated, "{length} bytes");
    }
}

#[test]
fn what_follows_a_segment_is_noticed() {
    let (mut bytes, entry) = small();
    bytes.push(0);
    let fault = whole(SetKind::Ads, Bytes::from(bytes), &entry).unwrap_err();
    assert_eq!(fault, SegmentError::Another);
    let mut bytes = manifest().to_bytes();
    bytes.push(0);
    assert_eq!(
        Manifest::from_bytes(SetKind::Ads, &bytes),
        Err(SegmentError::Corrupt)
    );
}

#[test]
fn a_newer_format_says_so() {
    let (mut bytes, entry) = small();
    bytes[8..10].copy_from_slice(&(FORMAT + 1).to_le_bytes());
    let newer = SegmentError::NewerFormat { found: FORMAT + 1 };
    let bytes = Bytes::from(bytes);
    assert_eq!(
        whole(SetKind::Ads, bytes.clone(), &entry).unwrap_err(),
        newer
    );
    let shorter = bytes.slice(..50);
    assert_eq!(whole(SetKind::Ads, shorter, &entry).unwrap_err(), newer);
    let mut bytes = manifest().to_bytes();
    bytes[8..10].copy_from_slice(&9u16.to_le_bytes());
    let newer = SegmentError::NewerFormat { found: 9 };
    assert_eq!(Manifest::from_bytes(SetKind::Ads, &bytes), Err(newer));
}

/// Sound bytes under a name, a length, counts or a format that are not theirs: an older object, or
/// one that was mixed up.
#[test]
fn a_sound_segment_that_is_not_the_named_one_is_noticed() {
    let (bytes, entry) = small();
    let bytes = Bytes::from(bytes);
    let other = build(SetKind::Ads, vec![made_up(1, 40, true)], 1, 2);
    let same_items_later = build(
        SetKind::Ads,
        (0..4).map(|n| made_up(n, 40, n % 2 == 0)).collect(),
        1,
        3,
    );
    let changed = [
        SegmentEntry {
            name: other.entry.name,
            ..entry
        },
        SegmentEntry {
            head_sha256: [0; 32],
            ..entry
        },
        SegmentEntry {
            items: entry.items - 1,
            ..entry
        },
        SegmentEntry {
            views: entry.views + 1,
            ..entry
        },
        SegmentEntry {
            index_bytes: entry.index_bytes - 1,
            ..entry
        },
        SegmentEntry { format: 0, ..entry },
        other.entry,
        same_items_later.entry,
    ];
    for expected in changed {
        let fault = whole(SetKind::Ads, bytes.clone(), &expected).unwrap_err();
        assert_eq!(fault, SegmentError::Another, "{expected:?}");
    }
    let fault = whole(SetKind::References, bytes, &entry).unwrap_err();
    assert_eq!(fault, SegmentError::Another);
    let listed = manifest().to_bytes();
    assert_eq!(
        Manifest::from_bytes(SetKind::References, &listed),
        Err(SegmentError::Another)
    );
}

/// A head that is sound by its checksum and lies about what follows.
fn lying(change: impl Fn(&mut Vec<u8>)) -> SegmentError {
    let (mut bytes, entry) = small();
    change(&mut bytes);
    let head = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    if (4..=bytes.len()).contains(&head) {
        let sum = simd_adler32::adler32(&&bytes[..head - 4]).to_le_bytes();
        bytes[head - 4..head].copy_from_slice(&sum);
    }
    whole(SetKind::Ads, Bytes::from(bytes), &entry).unwrap_err()
}

#[test]
fn a_lying_head_is_refused_before_anything_is_allocated() {
    let u32_at = |at: usize, value: u32| {
        move |bytes: &mut Vec<u8>| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes())
    };
    let u64_at = |at: usize, value: u64| {
        move |bytes: &mut Vec<u8>| bytes[at..at + 8].copy_from_slice(&value.to_le_bytes())
    };
    for value in [0, 3, 5, 1 << 20, u32::MAX] {
        assert_eq!(
            lying(u32_at(16, value)),
            SegmentError::Corrupt,
            "{value} items"
        );
        if value != 5 {
            assert_eq!(
                lying(u32_at(20, value)),
                SegmentError::Corrupt,
                "{value} views"
            );
        }
    }
    for value in [0, 40, 303, u32::MAX] {
        assert_eq!(
            lying(u32_at(12, value)),
            SegmentError::Corrupt,
            "a head of {value}"
        );
    }
    assert_eq!(lying(u32_at(12, 5_000)), SegmentError::Truncated);
    for column in 0..13 {
        let place = 40 + column * 20;
        for value in [0, 1, 1 << 40, u64::MAX - 1, u64::MAX] {
            assert_eq!(
                lying(u64_at(place + 4, value)),
                SegmentError::Corrupt,
                "begin {value}"
            );
            if value > 1 {
                assert_eq!(
                    lying(u64_at(place + 12, value)),
                    SegmentError::Corrupt,
                    "length {value}"
                );
            }
        }
        assert_eq!(
            lying(u32_at(place, 99)),
            SegmentError::Corrupt,
            "column {column} is unknown"
        );
    }
    assert_eq!(lying(|bytes| bytes[10] = b'X'), SegmentError::Corrupt);
    assert_eq!(lying(|bytes| bytes[11] = 14), SegmentError::Corrupt);
}

#[test]
fn a_manifest_that_promises_much_is_refused_before_anything_is_allocated() {
    let good = manifest().to_bytes();
    for at in [148, 152] {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(
            Manifest::from_bytes(SetKind::Ads, &bytes),
            Err(SegmentError::Truncated)
        );
    }
}

#[test]
fn a_manifest_is_read_as_it_was_written() {
    let written = manifest();
    assert_eq!(
        Manifest::from_bytes(SetKind::Ads, &written.to_bytes()),
        Ok(written.clone())
    );
    assert_eq!(written.items(), 12);
    let without = BTreeSet::from([written.live[0].name]);
    let next = written.next(&without, 44, Vec::new());
    assert_eq!(
        (next.generation, next.live.len()),
        (written.generation + 1, 2)
    );
    assert!(
        next.names(&written.live[0].name),
        "retired, and named still"
    );
    assert_eq!(next.retired.last().unwrap().due_at_ms, 44);
}

#[test]
fn a_manifest_of_which_an_invariant_does_not_hold_is_refused() {
    let good = manifest();
    assert_eq!(good.broken_invariant(), None);
    let check = |change: fn(&mut Manifest), broken: &str| {
        let mut manifest = good.clone();
        change(&mut manifest);
        assert_eq!(manifest.broken_invariant(), Some(broken));
        let read = Manifest::from_bytes(SetKind::Ads, &manifest.to_bytes());
        assert_eq!(read, Err(SegmentError::Corrupt), "{broken}");
    };
    check(|it| it.live.push(it.live[0]), "a segment is live once");
    check(
        |it| it.retired[0].name = it.live[1].name,
        "no live segment is retired",
    );
    check(
        |it| {
            let pack = Absorbed {
                name: SegmentName([7; 32]),
                due_at_ms: None,
            };
            it.absorbed = vec![pack, pack];
        },
        "a pack is absorbed once",
    );
    let next = good.next(&BTreeSet::new(), 0, Vec::new());
    assert!(next.succeeds(&good) && !good.succeeds(&next) && !good.succeeds(&good));
}

/// The promise of at most 96 bytes an ad for stage 1, and what the rest costs.
#[test]
fn stage_1_takes_70_bytes_an_ad_and_70_more_for_a_border() {
    let index = |trimmed: u64| {
        let items = (0..10_000)
            .map(|n| without_postings(&made_up(n, 0, n % 100 < trimmed)))
            .collect();
        build(SetKind::Ads, items, 1, 2).entry.index_bytes as f64 / 10_000.0
    };
    let (none, third) = (index(0), index(33));
    println!(
        "bytes an ad, identity included: {none} without borders, {third} with a third of them"
    );
    let identity = 32.0 + 8.0 + 4.0 + 4.0;
    assert!((69.0..70.0 + 0.2).contains(&(none - identity)), "{none}");
    assert!(third - identity < 96.0, "{third}");
}

/// So many ads, each with features of its own, as a build writes them.
fn with_features(ads: usize) -> Vec<Item> {
    let luma = (0..32 * 32).map(|i| (i * 7 % 256) as u8).collect();
    let picture = features::Grey {
        width_px: 32,
        height_px: 32,
        luma,
    };
    let drawn = features::AdFeatures {
        digest: features::PictureDigest([7; 8]),
        width_px: 32,
        height_px: 32,
        features: Vec::new(),
        coarse: features::Grid::of(&[1.0; 1_024], &[true; 1_024], 32),
        sketch: features::Sketch::of(&picture),
    };
    let features = |n: usize| {
        let word = |i: usize| (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 + i as u64);
        let feature = |i: usize| features::Feature {
            x: i as u16,
            y: n as u16 % 4_096,
            size: 50,
            turn: n as u8,
            descriptor: features::Descriptor([word(i), word(2 * i), word(3 * i)]),
        };
        features::AdFeatures {
            features: (0..12).map(feature).collect(),
            ..drawn.clone()
        }
    };
    let ad = |n: usize| Item {
        features: features(n).to_bytes().into(),
        ..made_up(n as u64, 0, false)
    };
    (0..ads).map(ad).collect()
}

/// Every section, each as [`features::filed::section`] writes it for the items that it is of.
fn check_filed(built: &Built) {
    let bytes = Bytes::from(built.bytes.clone());
    let (index, items) = whole(SetKind::Ads, bytes.clone(), &built.entry).unwrap();
    assert_eq!(index.sections(), items.len().div_ceil(8_192));
    let mut filed = 0;
    for section in 0..index.sections() {
        let range = index.section_range(section);
        let blocks = bytes.slice(range.start as usize..range.end as usize);
        let read = index.section_of(section, &blocks).unwrap();
        let ads = &items[index.section_items(section)];
        let expected = features::filed::section(ads.iter().map(|it| &it.features[..]));
        assert_eq!(read, expected);
        filed += ads.len();
    }
    assert_eq!(filed, items.len());
}

#[test]
fn features_of_many_ads_are_filed_and_stay_so_when_segments_are_merged() {
    let all = with_features(9_000);
    let (some, others) = all.split_at(5_000);
    let parts = [some, others].map(|items| build(SetKind::Ads, items.to_vec(), 1, 2));
    let mut merged = Vec::new();
    for part in &parts {
        check_filed(part);
        let bytes = Bytes::from(part.bytes.clone());
        merged.extend(whole(SetKind::Ads, bytes, &part.entry).unwrap().1);
    }
    let merged = build(SetKind::Ads, merged, 1, 2);
    check_filed(&merged);
    assert_eq!(merged.bytes, build(SetKind::Ads, all, 1, 2).bytes);
}

#[test]
fn few_ads_and_ads_without_features_are_not_filed_and_are_of_the_format_before() {
    let few = build(SetKind::Ads, with_features(FILED_ADS_MIN - 1), 1, 2);
    let bare = (0..1_000).map(|n| made_up(n, 0, false)).collect();
    let bare = build(SetKind::Ads, bare, 1, 2);
    for built in [few, bare] {
        assert_eq!(built.entry.format, FORMAT_UNFILED);
        let (index, _) = whole(SetKind::Ads, built.bytes.into(), &built.entry).unwrap();
        assert_eq!(index.sections(), 0);
    }
    let enough = build(SetKind::Ads, with_features(FILED_ADS_MIN), 1, 2);
    assert_eq!(enough.entry.format, FORMAT);
}

#[test]
fn damage_to_filed_features_is_noticed_and_spares_the_rest() {
    let built = build(SetKind::Ads, with_features(FILED_ADS_MIN), 1, 2);
    let good = Bytes::from(built.bytes.clone());
    let front = good.slice(..built.entry.index_bytes as usize);
    let index = SegmentIndex::open(SetKind::Ads, front, &built.entry).unwrap();
    let range = index.section_range(0);
    let place = range.start as usize..range.end as usize;
    for at in [place.start, place.start + 70_000, place.end - 1] {
        let mut bytes = built.bytes.clone();
        bytes[at] ^= 4;
        let bytes = Bytes::from(bytes);
        let read = index.section_of(0, &bytes.slice(place.clone()));
        assert_eq!(read, Err(SegmentError::Corrupt));
        let features = index.features_range(&(0..index.len()));
        let features = bytes.slice(features.start as usize..features.end as usize);
        assert!(index.items_of(0..index.len(), &features).is_ok());
        assert!(whole(SetKind::Ads, bytes, &built.entry).is_err());
    }
    let cut = index.section_of(0, &good.slice(place.start..place.end - 1));
    assert_eq!(cut, Err(SegmentError::Truncated));
}
