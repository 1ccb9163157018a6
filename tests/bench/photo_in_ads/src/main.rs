//! Times our side of finding a photo within ads: `photo_in_ads features AD`, or
//! `photo_in_ads lookup AD NUMBER PHOTO...` among so many references.
//!
//! Says `ready` with the seconds and bytes that the references took, then for each line on standard
//! input runs once and answers with nanoseconds.

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::Instant;

use fingerprint::Picture;
use matching::{Policy, ReferenceSet};
use photo::{Detail, Limits, Pixels};
use features::{Descriptor, ReferenceFeatures};
use features::fingerprint::{Hash256, ReferenceFingerprint};

/// How often a bit of a made-up reference's descriptor is another than the photo's: made-up ones
/// then have the statistics of photos, and are as far from each other as photos are.
const FLIPPED_OF_256: u64 = 90;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let run: Box<dyn Fn()> = match &arguments[..] {
        [verb, ad] if verb == "features" => {
            let photo = decoded(ad)?;
            ready(0.0, 0)?;
            Box::new(move || {
                with_picture(&photo, |picture| {
                    drop(black_box(fingerprint::of_ad(picture)))
                })
            })
        }
        [verb, ad, number, photos @ ..] if verb == "lookup" => {
            let number = number.parse().expect("a number of references");
            let ad = with_picture(&decoded(ad)?, fingerprint::of_ad);
            let (set, policy) = (references(photos, number)?, Policy::default());
            Box::new(move || drop(black_box(set.find(&ad, &policy))))
        }
        _ => panic!("usage: photo_in_ads features AD | photo_in_ads lookup AD NUMBER PHOTO..."),
    };
    for _ in std::io::stdin().lock().lines() {
        let start = Instant::now();
        run();
        println!("{}", start.elapsed().as_nanos());
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// The photos' references, and made-up ones until there are so many.
fn references(photos: &[String], number: usize) -> std::io::Result<ReferenceSet<usize>> {
    let mut own = Vec::new();
    for photo in photos {
        own.push(with_picture(&decoded(photo)?, fingerprint::of_reference));
    }
    let mut rng = Rng(1);
    let all: Vec<_> = (0..number)
        .map(|i| (i, altered(&own[i % own.len()], i >= own.len(), &mut rng)))
        .collect();
    let bytes: usize = all
        .iter()
        .map(|(_, reference)| reference.to_bytes().len())
        .sum();
    let started = Instant::now();
    let mut set = ReferenceSet::new();
    set.extend(all);
    ready(started.elapsed().as_secs_f64(), bytes / number.max(1))?;
    Ok(set)
}

fn ready(seconds: f64, bytes: usize) -> std::io::Result<()> {
    println!("ready {seconds} {bytes}");
    std::io::stdout().flush()
}

/// Another reference with the statistics of this one.
fn altered(own: &ReferenceFingerprint, alter: bool, rng: &mut Rng) -> ReferenceFingerprint {
    let mut other = own.clone();
    if !alter {
        return other;
    }
    for (_, view) in &mut other.framings {
        view.pdq = Hash256(std::array::from_fn(|_| rng.word() as u8));
    }
    let mut features = ReferenceFeatures::from_bytes(&own.features).expect("our own features");
    for feature in &mut features.features {
        feature.descriptor = Descriptor(feature.descriptor.0.map(|word| word ^ rng.flips()));
    }
    other.features = features.to_bytes();
    other
}

/// Numbers by chance, always the same: SplitMix64 (Steele, Lea and Flood, 2014).
struct Rng(u64);

impl Rng {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A word in which [`FLIPPED_OF_256`] of 256 bits are set: the binary fraction, bit by bit.
    fn flips(&mut self) -> u64 {
        (0..8).fold(0, |word, bit| match FLIPPED_OF_256 >> bit & 1 {
            1 => word | self.word(),
            _ => word & self.word(),
        })
    }
}

fn decoded(file: &str) -> std::io::Result<photo::Photo> {
    let bytes = std::fs::read(file)?;
    let photo = photo::decode(&bytes, Detail::Luma, &Limits::default());
    Ok(photo
        .map_err(|reason| std::io::Error::other(reason.as_str()))?
        .upright())
}

fn with_picture<T>(photo: &photo::Photo, then: impl Fn(&Picture<'_>) -> T) -> T {
    let pixels = match &photo.pixels {
        Pixels::Luma(luma) => fingerprint::Pixels::Luma(luma),
        Pixels::Rgb(rgb) => fingerprint::Pixels::Rgb(rgb),
    };
    let picture = Picture::new(photo.width_px as usize, photo.height_px as usize, pixels);
    then(&picture.ok().expect("a full picture"))
}
