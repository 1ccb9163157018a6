//! Archives as ordinary tools make them.

use bundles::Reason;
use records::MemberName;

use crate::made::*;

fn named(ends: &Ends) -> Vec<(&str, &[u8])> {
    ends.iter()
        .map(|(name, end)| (name.as_deref().unwrap(), end.as_deref().unwrap()))
        .collect()
}

#[test]
fn a_tar_gives_its_files_and_not_its_folders() {
    let tar = tar_of(&[
        tar_entry(b'5', b"./", b""),
        tar_entry(b'5', b"a/", b""),
        tar_entry(b'0', b"./a/1.jpg", b"one"),
        tar_entry(0, b"a/2.jpg", &[7; 600]),
    ]);
    let ends = ends(&tar).unwrap();
    assert_eq!(
        named(&ends),
        [("a/1.jpg", &b"one"[..]), ("a/2.jpg", &[7; 600])]
    );
}

#[test]
fn a_zip_gives_its_files_stored_and_deflated() {
    let body = b"a picture that repeats, repeats, repeats itself";
    let mut folder = stored("a/", b"");
    folder.attributes = 0o040_755 << 16;
    let zip = zip_of(&[folder, stored("a/1.jpg", b"one"), deflated("a/2.jpg", body)]);
    let ends = ends(&zip).unwrap();
    assert_eq!(
        named(&ends),
        [("a/1.jpg", &b"one"[..]), ("a/2.jpg", &body[..])]
    );
}

#[test]
fn members_can_be_read_side_by_side() {
    let bodies: Vec<Vec<u8>> = (0..8).map(|n| vec![n; 3_000 + usize::from(n)]).collect();
    let entries = bodies.iter().enumerate();
    let tar = tar_of(
        &entries
            .map(|(n, body)| tar_entry(b'0', n.to_string().as_bytes(), body))
            .collect::<Vec<_>>(),
    );
    let bundle = open(&tar).unwrap();
    std::thread::scope(|scope| {
        for (place, body) in bodies.iter().enumerate() {
            let bundle = &bundle;
            scope.spawn(move || {
                for _ in 0..200 {
                    assert_eq!(bundle.read(place).unwrap(), *body);
                }
            });
        }
    });
}

#[test]
fn long_names_come_by_gnu_and_by_pax() {
    let long = format!("{}/1.jpg", "x".repeat(200));
    let gnu = tar_entry(b'L', b"././@LongLink", format!("{long}\0").as_bytes());
    for before in [gnu, pax("path", &long)] {
        let tar = tar_of(&[
            before,
            tar_entry(b'0', b"short", b"one"),
            tar_entry(b'0', b"b", b"two"),
        ]);
        let ends = ends(&tar).unwrap();
        assert_eq!(named(&ends), [(long.as_str(), &b"one"[..]), ("b", b"two")]);
    }
}

#[test]
fn names_in_old_encodings_stay_apart() {
    let tar = tar_of(&[
        tar_entry(b'0', b"caf\xe9", b"1"),
        tar_entry(b'0', b"caf\xe8", b"2"),
    ]);
    assert_eq!(
        named(&ends(&tar).unwrap()),
        [("caf%E9", &b"1"[..]), ("caf%E8", b"2")]
    );
}

#[test]
fn the_list_of_metadata_is_read_and_is_no_member() {
    let list = b"{\"path\":\"1.jpg\",\"place\":\"Springfield\"}\n{\"path\":\"2.jpg\"}\nnonsense";
    let tar = tar_of(&[
        tar_entry(b'0', b"1.jpg", b"one"),
        tar_entry(b'0', b"metadata.jsonl", list),
    ]);
    let zip = zip_of(&[deflated("metadata.jsonl", list), stored("1.jpg", b"one")]);
    for archive in [tar, zip] {
        let bundle = open(&archive).unwrap();
        assert_eq!(bundle.members().len(), 1);
        let metadata = bundle.metadata(&LIMITS).unwrap();
        let name = MemberName::parse("1.jpg").unwrap();
        assert_eq!(metadata.of(&name), [("place", "Springfield".to_owned())]);
        assert_eq!(metadata.faults([name].iter()), 2);
    }
}

#[test]
fn a_list_of_metadata_that_is_too_long_costs_no_member() {
    let list = vec![b' '; 6_000];
    let tar = tar_of(&[
        tar_entry(b'0', b"metadata.jsonl", &list),
        tar_entry(b'0', b"1", b"one"),
    ]);
    let bundle = open(&tar).unwrap();
    assert_eq!(bundle.members().len(), 1);
    assert_eq!(bundle.metadata(&LIMITS).unwrap().faults([].iter()), 1);
}

#[test]
fn an_archive_without_members_says_so() {
    let list = tar_entry(b'0', b"metadata.jsonl", b"{}");
    for archive in [
        tar_of(&[list]),
        tar_of(&[tar_entry(b'5', b"a/", b"")]),
        zip_of(&[]),
    ] {
        assert_eq!(ends(&archive), Err(Reason::BundleEmpty));
    }
}

#[test]
fn every_reason_has_a_code_of_its_own() {
    let codes: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|r| r.as_str()).collect();
    assert_eq!(codes.len(), Reason::ALL.len());
    for code in codes {
        records::ReasonCode::parse(code).unwrap();
    }
}
