//! Archives as an enemy makes them.

use bundles::Reason;
use proptest::prelude::*;

use crate::made::*;

#[test]
fn a_name_that_leads_out_costs_its_member_alone() {
    for name in [
        "../../etc/passwd",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        "a\\..\\b",
        "a\nb",
        "..",
    ] {
        let tar = tar_of(&[
            tar_entry(b'0', name.as_bytes(), b"x"),
            tar_entry(b'0', b"b", b"y"),
        ]);
        let zip = zip_of(&[stored(name, b"x"), stored("b", b"y")]);
        for archive in [tar, zip] {
            let ends = ends(&archive).unwrap();
            assert_eq!(ends[0], (None, Err(Reason::UnsafeName)), "{name}");
            assert_eq!(ends[1], (Some("b".to_owned()), Ok(b"y".to_vec())), "{name}");
        }
    }
}

#[test]
fn of_two_members_with_one_name_the_first_counts() {
    let tar = tar_of(&[tar_entry(b'0', b"a", b"1"), tar_entry(b'0', b"./a", b"2")]);
    let zip = zip_of(&[stored("a", b"1"), stored("a", b"2")]);
    for archive in [tar, zip] {
        let ends = ends(&archive).unwrap();
        assert_eq!(ends[0].1, Ok(b"1".to_vec()));
        assert_eq!(ends[1], (None, Err(Reason::DuplicateName)));
    }
}

#[test]
fn links_devices_and_sparse_files_are_no_files() {
    for kind in [b'1', b'2', b'3', b'4', b'6', b'S', b'Z'] {
        let tar = tar_of(&[tar_entry(kind, b"a", b"")]);
        assert_eq!(end(&tar), Err(Reason::NotAFile), "{}", kind as char);
    }
    let sparse = tar_of(&[pax("GNU.sparse.major", "1"), tar_entry(b'0', b"a", b"x")]);
    assert_eq!(end(&sparse), Err(Reason::NotAFile));
    let mut link = stored("a", b"/etc/passwd");
    link.attributes = 0o120_777 << 16;
    assert_eq!(end(&zip_of(&[link])), Err(Reason::NotAFile));
}

#[test]
fn what_is_encrypted_or_packed_otherwise_is_refused() {
    let mut secret = stored("a", b"x");
    secret.flags = 1;
    assert_eq!(end(&zip_of(&[secret])), Err(Reason::Encrypted));
    let mut other = stored("a", b"x");
    other.method = 12;
    assert_eq!(end(&zip_of(&[other])), Err(Reason::UnsupportedCompression));
}

#[test]
fn an_archive_in_an_archive_is_refused() {
    let inner_tar = tar_of(&[tar_entry(b'0', b"a", b"x")]);
    let inner_zip = zip_of(&[stored("a", b"x")]);
    for inner in [
        &inner_tar[..],
        &inner_zip,
        b"\x1f\x8b\x08rest",
        b"7z\xbc\xaf\x27\x1crest",
    ] {
        assert_eq!(
            end(&tar_of(&[tar_entry(b'0', b"a", inner)])),
            Err(Reason::NestedArchive)
        );
        assert_eq!(
            end(&zip_of(&[deflated("a", inner)])),
            Err(Reason::NestedArchive)
        );
    }
}

#[test]
fn a_bomb_that_says_what_it_is_is_refused_whole() {
    let bombs: Vec<_> = (0..4)
        .map(|n| deflated(&n.to_string(), &[0; 9_000]))
        .collect();
    assert_eq!(ends(&zip_of(&bombs)), Err(Reason::BundleTooLargeUnpacked));
    assert_eq!(
        end(&zip_of(&[deflated("a", &[0; 10_001])])),
        Err(Reason::TooLarge)
    );
}

#[test]
fn a_bomb_that_lies_costs_a_byte_more_than_it_says() {
    let mut bomb = deflated("a", &[0; 1_000_000]);
    bomb.bytes = 100;
    assert_eq!(end(&zip_of(&[bomb])), Err(Reason::Corrupt));
    let mut less = deflated("a", b"abc");
    less.bytes = 9_999;
    assert_eq!(end(&zip_of(&[less])), Err(Reason::Corrupt));
}

#[test]
fn members_that_share_their_bytes_are_refused_whole() {
    let first = deflated("a", &[0; 5_000]);
    let twin = Zipped {
        name: b"b".to_vec(),
        offset: Some(0),
        ..first.clone()
    };
    assert_eq!(
        ends(&zip_of(&[first.clone(), twin])),
        Err(Reason::BundleCorrupt)
    );
    let beyond = Zipped {
        offset: Some(1_000_000),
        ..first
    };
    assert!(ends(&zip_of(&[beyond])).is_err());
}

#[test]
fn a_changed_byte_is_seen() {
    let mut wrong = stored("a", b"one");
    wrong.stored = b"two".to_vec();
    assert_eq!(end(&zip_of(&[wrong])), Err(Reason::Corrupt));
}

#[test]
fn a_directory_of_another_length_than_it_says_is_refused() {
    let entries = [stored("a", b"1"), stored("b", b"2")];
    for count in [0, 1, 3] {
        assert!(ends(&zip_saying(&entries, count)).is_err(), "{count}");
    }
}

#[test]
fn more_entries_than_allowed_are_refused_whole() {
    let many: Vec<_> = (0..21)
        .map(|n| tar_entry(b'0', n.to_string().as_bytes(), b"x"))
        .collect();
    assert_eq!(ends(&tar_of(&many)), Err(Reason::BundleTooManyMembers));
    let folders: Vec<_> = (0..41).map(|_| tar_entry(b'5', b"a/", b"")).collect();
    assert_eq!(ends(&tar_of(&folders)), Err(Reason::BundleTooManyMembers));
    let many: Vec<_> = (0..21).map(|n| stored(&n.to_string(), b"x")).collect();
    assert_eq!(ends(&zip_of(&many)), Err(Reason::BundleTooManyMembers));
    assert_eq!(
        ends(&zip_saying(&[], 65_534)),
        Err(Reason::BundleTooManyMembers)
    );
}

#[test]
fn a_long_name_that_is_too_long_is_not_held() {
    let huge = tar_entry(b'L', b"././@LongLink", &vec![b'x'; 70_000]);
    let tar = tar_of(&[huge, tar_entry(b'0', b"a", b"x")]);
    assert_eq!(ends(&tar), Err(Reason::BundleCorrupt));
    let endless: Vec<_> = (0..9).map(|_| pax("comment", "x")).collect();
    assert_eq!(ends(&tar_of(&endless)), Err(Reason::BundleCorrupt));
}

#[test]
fn a_size_that_another_reader_would_see_otherwise_is_refused() {
    let tar = tar_of(&[pax("size", "1"), tar_entry(b'0', b"a", &[b'x'; 600])]);
    assert_eq!(ends(&tar), Err(Reason::BundleCorrupt));
}

#[test]
fn a_size_beyond_the_file_is_a_truncation() {
    for size in [4_096, 1 << 32] {
        let tar = tar_of(&[tar_entry_saying(b'0', b"a", b"x", size)]);
        assert_eq!(ends(&tar), Err(Reason::BundleTruncated), "{size}");
    }
}

fn small_tar() -> Vec<u8> {
    let list = b"{\"path\":\"a\",\"place\":\"x\"}";
    let entries = [
        tar_entry(b'0', b"metadata.jsonl", list),
        pax("path", "a/b"),
        tar_entry(b'0', b"a", b"one"),
        tar_entry(b'0', b"b", b"two"),
    ];
    let mut tar = entries.concat();
    tar.extend([0; 512]); // one block of zeros ends it
    tar
}

fn small_zip() -> Vec<u8> {
    zip_of(&[stored("a", b"one"), deflated("b", b"two two two two")])
}

#[test]
fn a_cut_at_any_byte_refuses_the_whole() {
    for archive in [small_tar(), small_zip()] {
        assert!(ends(&archive).is_ok());
        for cut in 0..archive.len() {
            assert!(ends(&archive[..cut]).is_err(), "{cut} of {}", archive.len());
        }
    }
}

#[test]
fn any_changed_bit_leaves_each_member_with_an_end() {
    for archive in [small_tar(), small_zip()] {
        for bit in 0..archive.len() * 8 {
            let mut changed = archive.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let Ok(ends) = ends(&changed) else { continue };
            for (_, end) in ends {
                assert!(end.is_err() || end.is_ok_and(|bytes| bytes.len() <= 10_000));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_end_in_members_or_a_reason(start in 0usize..3, bytes: Vec<u8>, places: [u16; 4]) {
        let mut archive = match start {
            0 => bytes.clone(),
            1 => small_tar(),
            _ => small_zip(),
        };
        for (place, byte) in places.iter().zip(&bytes) {
            let place = usize::from(*place) % archive.len().max(1);
            if let Some(target) = archive.get_mut(place) {
                *target = *byte;
            }
        }
        let _ = ends(&archive);
    }
}
