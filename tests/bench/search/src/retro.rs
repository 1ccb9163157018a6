//! New references against all past ads, as `lookup` does it: generated records of stage 1, 96 bytes
//! each, scanned for every framing of every reference on two threads.

use std::hint::black_box;
use std::ops::Range;
use std::time::Instant;

use matching::Policy;
use matching::scan::{self, Columns, TILE_ITEMS};
use features::fingerprint::Hash256;
use serde_json::{Value, json};

use crate::seconds;

/// Framings of a reference: eight forms, with and without its border.
const FRAMINGS: usize = 16;
const THREADS: usize = 2;
/// Every so many ads, one is a copy of a reference's framing.
const COPY_EVERY: usize = 9_973;
/// Most references that are searched for at once.
const REFERENCES_MAX: usize = 100;

/// Of each ad the hashes of the picture, of the picture without its border, and of the second
/// family.
pub struct Ads {
    whole: Vec<u8>,
    trimmed: Vec<u8>,
    second: Vec<Hash256>,
    framings: Vec<Hash256>,
    copies: usize,
}

impl Ads {
    pub fn generated(len: usize) -> Self {
        let mut next = hashes(1);
        let framings: Vec<_> = (0..REFERENCES_MAX * FRAMINGS).map(|_| next()).collect();
        let (mut whole, mut trimmed) = (Vec::with_capacity(len), Vec::with_capacity(len));
        for ad in 0..len {
            whole.push(next());
            trimmed.push(if ad % COPY_EVERY == 0 {
                changed(
                    framings[ad / COPY_EVERY % framings.len()],
                    ad / COPY_EVERY % 32,
                )
            } else {
                next()
            });
        }
        Self {
            whole: scan::to_columns(&whole),
            trimmed: scan::to_columns(&trimmed),
            second: (0..len).map(|_| next()).collect(),
            framings,
            copies: len.div_ceil(COPY_EVERY),
        }
    }

    /// `references N`: what N references took, and how many of their copies were found. Of the
    /// threads' processor times the greater one is what an idle machine would take.
    pub fn search(&self, job: &[&str]) -> Value {
        let ["references", count] = job else {
            panic!("no such job: {job:?}")
        };
        let queries = &self.framings[..count.parse::<usize>().expect("a number") * FRAMINGS];
        let start = Instant::now();
        let shares: Vec<(usize, f64)> = std::thread::scope(|scope| {
            let threads = self.shares().map(|share| {
                scope.spawn(|| {
                    let mut found = 0;
                    let seconds = seconds::of_thread(|| found = self.found(share, queries));
                    (found, seconds)
                })
            });
            let threads: Vec<_> = threads.collect();
            let shares = threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"));
            shares.collect()
        });
        let wall_s = start.elapsed().as_secs_f64();
        let planted = |copy: &usize| copy % self.framings.len() < queries.len();
        json!({
            "wall_s": wall_s,
            "thread_s": shares.iter().map(|(_, seconds)| *seconds).fold(0.0, f64::max),
            "found": shares.iter().map(|(found, _)| found).sum::<usize>(),
            "planted": (0..self.copies).filter(planted).count(),
        })
    }

    /// Equal shares of all ads, one for each thread.
    fn shares(&self) -> impl Iterator<Item = Range<usize>> {
        let len = self.second.len();
        let share = len.div_ceil(THREADS).next_multiple_of(TILE_ITEMS);
        (0..THREADS).map(move |i| len.min(i * share)..len.min((i + 1) * share))
    }

    /// How many ads of a share match one of the queries. What the second family says of each is
    /// asked as well, as the judge does.
    fn found(&self, share: Range<usize>, queries: &[Hash256]) -> usize {
        let mut found = 0;
        for columns in [&self.whole, &self.trimmed] {
            let columns = Columns::read(columns).expect("written by to_columns");
            let distance_bits_max = Policy::default().whole.distance_bits_max;
            scan::neighbours(
                columns.slice(share.clone()),
                queries,
                distance_bits_max,
                |near| {
                    let second = &self.second[share.start + near.item];
                    black_box(second.distance_bits(&queries[near.query]));
                    found += 1;
                },
            );
        }
        found
    }
}

/// A stream of hashes that is the same in every run (SplitMix64).
fn hashes(mut state: u64) -> impl FnMut() -> Hash256 {
    let mut word = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    move || {
        let words = [word(), word(), word(), word()].map(u64::to_le_bytes);
        Hash256(std::array::from_fn(|byte| words[byte / 8][byte % 8]))
    }
}

/// With so many bits changed.
fn changed(mut hash: Hash256, bits: usize) -> Hash256 {
    for bit in 0..bits {
        hash.0[bit * 5 % 32] ^= 1 << (bit % 8);
    }
    hash
}
