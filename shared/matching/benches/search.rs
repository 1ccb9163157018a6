//! One ad against sets of references: the indexed set next to the naive oracle.
//!
//! `cargo bench -p matching`. Hashes are random: real ones crowd a little more in their bands.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use features::fingerprint::{
    AdFingerprint, Framing, Hash256, HashVariant, ReferenceFingerprint, Turn,
};
use matching::{Policy, ReferenceSet, compare};

/// Framings of a reference: eight dihedral forms, with and without its border.
const FRAMINGS: usize = 16;

/// Ads that take turns.
const ADS: usize = 1_000;

/// A stream of hashes that is the same in every run.
fn hashes(seed: u64) -> impl FnMut() -> Hash256 {
    let mut random = fastrand::Rng::with_seed(seed);
    move || Hash256(std::array::from_fn(|_| random.u8(..)))
}

fn view(pdq: Hash256) -> HashVariant {
    HashVariant {
        pdq,
        quality: 100,
        second: pdq,
    }
}

fn references(count: usize) -> Vec<ReferenceFingerprint> {
    let mut next = hashes(1);
    let framing = |i: usize| Framing {
        mirrored: i & 1 != 0,
        turn: Turn::ALL[i / 2 % 4],
        negative: false,
        border_removed: i >= 8,
    };
    let reference = |_| ReferenceFingerprint {
        version: 1,
        framings: (0..FRAMINGS).map(|i| (framing(i), view(next()))).collect(),
        features: Vec::new(),
    };
    (0..count).map(reference).collect()
}

fn search(c: &mut Criterion) {
    let policy = Policy::default();
    let mut next = hashes(2);
    let mut ad = || AdFingerprint {
        version: 1,
        whole: view(next()),
        trimmed: Some(view(next())),
        features: Vec::new(),
    };
    // Many ads in turn: one alone would find its bands in the processor's cache.
    let ads: Vec<_> = (0..ADS).map(|_| ad()).collect();
    let mut group = c.benchmark_group("one ad against references");
    for count in [100, 1_000, 10_000, 100_000] {
        let references = references(count);
        let mut set = ReferenceSet::new();
        references
            .iter()
            .enumerate()
            .for_each(|(key, r)| set.insert(key, r.clone()));
        group.bench_function(BenchmarkId::new("indexed", count), |b| {
            let mut ads = ads.iter().cycle();
            b.iter(|| {
                set.find(black_box(ads.next().expect("endless")), &policy)
                    .len()
            });
        });
        let scanning = Policy {
            whole: matching::WholeRule {
                distance_bits_max: 32,
                ..policy.whole.clone()
            },
            ..policy.clone()
        };
        group.bench_function(BenchmarkId::new("scanned", count), |b| {
            let mut ads = ads.iter().cycle();
            b.iter(|| {
                set.find(black_box(ads.next().expect("endless")), &scanning)
                    .len()
            });
        });
        group
            .sample_size(10)
            .bench_function(BenchmarkId::new("naive", count), |b| {
                let mut ads = ads.iter().cycle();
                b.iter(|| {
                    let ad = black_box(ads.next().expect("endless"));
                    references
                        .iter()
                        .filter_map(|r| compare(r, ad, &policy))
                        .count()
                });
            });
    }
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);
