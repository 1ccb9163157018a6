//! `cargo run --locked --workspace --example mutations -- [COUNT]`: so many files (2,000) of each of the newer formats,
//! hurt at random from a fixed seed, with all their frames. Tells of each format what became of them, the
//! slowest, and the most memory that this process held. Exit code 1 if one took 2 s. A decoder that aborts in a
//! process of its own is a `decoder_failure`; one that aborts here ends this program.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures and tells"
)]

#[path = "../tests/counting/mod.rs"]
mod counting;
#[path = "../tests/claims/drawn.rs"]
mod drawn;
#[allow(dead_code, unused_imports, reason = "tests make the documents")]
#[path = "../tests/claims/pdfs.rs"]
mod pdfs;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use photo::{Detail, Limits};

const SLOW: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    photo::sandbox::init();
    let count = std::env::args().nth(1).and_then(|it| it.parse().ok());
    let mut slowest = Duration::ZERO;
    for (name, files) in seeds() {
        slowest = slowest.max(tried(name, &files, count.unwrap_or(2_000)));
    }
    if slowest < SLOW {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn seeds() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let samples: [(&str, &[&[u8]]); 4] = [
        (
            "heic",
            &[
                include_bytes!("../tests/samples/small.heic"),
                include_bytes!("../tests/samples/half_clear.heic"),
                include_bytes!("../tests/samples/ramp_10bit.heic"),
            ],
        ),
        (
            "avif",
            &[
                include_bytes!("../tests/samples/small.avif"),
                include_bytes!("../tests/samples/half_clear.avif"),
                include_bytes!("../tests/samples/ramp_10bit.avif"),
            ],
        ),
        (
            "jxl",
            &[
                include_bytes!("../tests/samples/small.jxl"),
                include_bytes!("../tests/samples/lossy.jxl"),
            ],
        ),
        (
            "jp2",
            &[
                include_bytes!("../tests/samples/small.jp2"),
                include_bytes!("../tests/samples/grey.jp2"),
            ],
        ),
    ];
    let mut seeds: Vec<(&str, Vec<Vec<u8>>)> = Vec::new();
    for (name, files) in samples {
        seeds.push((name, files.iter().map(|it| it.to_vec()).collect()));
    }
    let drawn = drawn::one_of_each();
    let tiffs = drawn.into_iter().filter(|it| it.0.starts_with("tiff"));
    let mut tiffs: Vec<Vec<u8>> = tiffs.map(|it| it.1).collect();
    tiffs.push(include_bytes!("../tests/samples/zstandard.tif").to_vec());
    tiffs.push(include_bytes!("../tests/samples/lzma.tif").to_vec());
    seeds.push(("tiff", tiffs));
    seeds.push(("pdf", pdfs::samples()));
    seeds
}

/// The slowest.
fn tried(name: &str, seeds: &[Vec<u8>], count: usize) -> Duration {
    let limits = Limits {
        bytes_max: 1 << 20,
        pixels_max: 1 << 20,
        ..Limits::default()
    };
    let mut random = fastrand(0x2545_f491_4f6c_dd1d);
    let (mut slowest, mut most, mut ends) = (Duration::ZERO, 0, BTreeMap::<&str, usize>::new());
    for seed in seeds.iter().cycle().take(count) {
        let file = hurt(seed, &mut random);
        let began = Instant::now();
        let (refused, held) = counting::measure(&file, Detail::Luma, &limits);
        slowest = slowest.max(began.elapsed());
        most = most.max(held);
        *ends
            .entry(refused.map_or("picture", |it| it.as_str()))
            .or_default() += 1;
    }
    println!(
        "{name}: {count} files, the slowest {slowest:.0?}, at most {} kB held: {ends:?}",
        most / 1000
    );
    slowest
}

/// Some bytes are others, or the file is cut, or a part of it comes twice.
fn hurt(seed: &[u8], random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut file = seed.to_vec();
    for _ in 0..=random(6) {
        let at = random(file.len());
        match random(8) {
            0 => file.truncate(at.max(16)),
            1 => {
                let part = file[at..(at + 64).min(file.len())].to_vec();
                file.splice(at..at, part);
            }
            2 => file[at] ^= 1 << random(8),
            _ => file[at] = [0, 0xff, 0x7f, random(256) as u8][random(4)],
        }
    }
    file
}

/// Numbers below a given one, the same each time.
fn fastrand(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    }
}
