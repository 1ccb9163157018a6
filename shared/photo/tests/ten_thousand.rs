//! More than ten thousand hostile files, made from drawings: each is a picture or has a reason, in
//! memory that is bounded. How long the slowest took is told, since that depends on the machine.
//!
//! One test, alone in its binary: the counter sees the whole process.
#![allow(missing_docs)]
#![allow(clippy::disallowed_methods, reason = "it measures")]

mod counting;
#[path = "claims/drawn.rs"]
mod drawn;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use photo::{Detail, Limits};

use counting::measure;

/// Bytes at the start of a file in which each bit is turned: headers and first tables.
const HEAD_BYTES: usize = 96;
/// Bytes elsewhere that are replaced, per file.
const REPLACED: usize = 160;
/// What hostile files say of sizes, counts and offsets.
const LIES: [[u8; 4]; 5] = [
    [0xff; 4],
    [0; 4],
    [0x7f, 0xff, 0xff, 0xff],
    [0xff, 0xff, 0xff, 0x7f],
    [0, 0, 0x40, 0],
];

/// What became of the files of one kind of hostility.
#[derive(Default)]
struct Tally {
    by_end: BTreeMap<&'static str, usize>,
    files: usize,
    most_bytes: usize,
    slowest: Duration,
}

impl Tally {
    fn decode(&mut self, file: &[u8], name: &str) {
        let limits = Limits {
            bytes_max: 1 << 20,
            pixels_max: 1 << 20,
            ..Limits::default()
        };
        let bound = usize::try_from(limits.working_bytes_max()).expect("64 bit");
        for detail in [Detail::Luma, Detail::Colour] {
            let began = Instant::now();
            let (refused, held) = measure(file, detail, &limits);
            self.slowest = self.slowest.max(began.elapsed());
            self.most_bytes = self.most_bytes.max(held);
            assert!(held <= bound, "{name}: {held} bytes held, bound {bound}");
            let end = refused.map_or("picture", |reason| reason.as_str());
            *self.by_end.entry(end).or_default() += 1;
        }
        self.files += 1;
    }
}

/// Luck that is the same each time (splitmix64).
struct Luck(u64);

impl Luck {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

type Files = Vec<(&'static str, Vec<u8>)>;
/// Makes the files of one kind of hostility.
type Kind = fn(&Files, &mut Tally);

fn cut(files: &Files, tally: &mut Tally) {
    for (name, file) in files {
        (0..file.len()).for_each(|length| tally.decode(&file[..length], name));
    }
}

fn turned_bits(files: &Files, tally: &mut Tally) {
    for (name, file) in files {
        for bit in 0..8 * HEAD_BYTES.min(file.len()) {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            tally.decode(&changed, name);
        }
    }
}

fn replaced_bytes(files: &Files, tally: &mut Tally) {
    let mut luck = Luck(1);
    for (name, file) in files {
        for _ in 0..REPLACED {
            let mut changed = file.clone();
            for _ in 0..1 + luck.below(4) {
                let at = luck.below(changed.len());
                changed[at] = luck.below(256) as u8;
            }
            tally.decode(&changed, name);
        }
    }
}

fn lies(files: &Files, tally: &mut Tally) {
    for (name, file) in files {
        for at in 0..(HEAD_BYTES / 2).min(file.len().saturating_sub(4)) {
            for lie in LIES {
                let mut changed = file.clone();
                changed[at..at + 4].copy_from_slice(&lie);
                tally.decode(&changed, name);
            }
        }
    }
}

/// One format in another, and parts of a file again and again: frames, scans, chunks, profiles.
fn grafted(files: &Files, tally: &mut Tally) {
    let mut luck = Luck(2);
    for (name, file) in files {
        for (_, other) in files {
            let at = luck.below(file.len());
            let (head, tail) = file.split_at(at);
            tally.decode(&[head, other.as_slice(), tail].concat(), name);
            tally.decode(&[head, &other[luck.below(other.len())..]].concat(), name);
        }
        for times in [2, 30, 1_000] {
            let from = luck.below(file.len());
            let to = from + 1 + luck.below(file.len() - from);
            let again = file[from..to].repeat(times.min((1 << 19) / (to - from) + 1));
            tally.decode(&[&file[..to], &again, &file[to..]].concat(), name);
        }
    }
}

#[test]
fn ten_thousand_hostile_files_are_pictures_or_have_a_reason() {
    let files = drawn::one_of_each();
    let kinds: [(&str, Kind); 5] = [
        ("cut at each byte", cut),
        ("turned bits of the head", turned_bits),
        ("replaced bytes", replaced_bytes),
        ("lies about numbers", lies),
        ("grafted and repeated", grafted),
    ];
    let mut count = 0;
    for (kind, make) in kinds {
        let mut tally = Tally::default();
        make(&files, &mut tally);
        eprintln!(
            "{kind}: {} files, at most {} kB held, the slowest {:?}: {:?}",
            tally.files,
            tally.most_bytes / 1_000,
            tally.slowest,
            tally.by_end
        );
        assert_eq!(tally.by_end.values().sum::<usize>(), 2 * tally.files);
        count += tally.files;
    }
    eprintln!("{count} files");
    assert!(count >= 10_000, "{count} files");
}
