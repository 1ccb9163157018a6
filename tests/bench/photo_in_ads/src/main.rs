//! Times our side of finding a photo within ads: `photo_in_ads features AD`,
//! `photo_in_ads lookup AD NUMBER PHOTO...` among so many references, or
//! `photo_in_ads past ADS REFERENCES PHOTO...`, which searches so many past ads for the first photos; ads
//! are made of the other ones. It prints one JSON object and ends.
//!
//! Else says `ready` with the seconds and bytes that the references took, then for each line on standard
//! input runs once and answers with nanoseconds.

mod past;

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::Instant;

use features::fingerprint::{Hash256, ReferenceFingerprint};
use features::{Descriptor, ReferenceFeatures};
use fingerprint::Picture;
use matching::{Policy, ReferenceSet};
use photo::{Detail, Limits, Pixels};

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
        [verb, ads, references, photos @ ..] if verb == "past" => {
            let number = |text: &String| text.parse().expect("a number");
            return search_past(number(ads), number(references), photos);
        }
        _ => panic!(
            "usage: photo_in_ads features AD | lookup AD NUMBER PHOTO... | past ADS REFERENCES PHOTO..."
        ),
    };
    for _ in std::io::stdin().lock().lines() {
        let start = Instant::now();
        run();
        println!("{}", start.elapsed().as_nanos());
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn search_past(number: usize, references: usize, photos: &[String]) -> std::io::Result<()> {
    let (own, others) = photos.split_at(references);
    let (mut read, mut alerts, mut proposed) = (Vec::new(), 0, 0);
    for photo in own {
        let photo = decoded(photo)?;
        let Some(one) = past::Own::of(with_picture(&photo, fingerprint::of_reference)) else {
            continue;
        };
        let found = past::recall(&one, &edited(&photo));
        alerts += found.0;
        proposed += found.1;
        read.push(one);
    }
    let mut base = Vec::new();
    for photo in others {
        base.push(with_picture(&decoded(photo)?, fingerprint::of_ad));
    }
    let all = past::measure(&read, &base, number);
    println!(
        r#"{{"ads":{},"references":{},"searching_s":{:.3},"exhaustive_s":{:.1},"exhaustive_of_pairs":{},"filing_s":{:.2},"proposed":{},"feature_bytes":{},"filed_bytes":{},"alerts":{alerts},"alerts_proposed":{proposed}}}"#,
        all.ads,
        read.len(),
        all.searching_s,
        all.exhaustive_s(read.len()),
        all.pairs,
        all.filing_s,
        all.proposed,
        all.feature_bytes,
        all.filed_bytes,
    );
    Ok(())
}

/// The photo as it is and some parts of it, each mirrored too.
fn edited(photo: &photo::Photo) -> Vec<features::fingerprint::AdFingerprint> {
    let (width, height) = (photo.width_px as usize, photo.height_px as usize);
    let luma: Vec<u8> = match &photo.pixels {
        Pixels::Luma(luma) => luma.clone(),
        Pixels::Rgb(rgb) => rgb.chunks_exact(3).map(|it| it[1]).collect(),
    };
    let mut ads = Vec::new();
    for (left, top, share) in [
        (0.0, 0.0, 1.0),
        (0.1, 0.15, 0.8),
        (0.3, 0.05, 0.65),
        (0.2, 0.3, 0.6),
    ] {
        let px = |share: f32, side: usize| (share * side as f32) as usize;
        let (x, y) = (px(left, width), px(top, height));
        let (w, h) = (px(share, width).max(1), px(share, height).max(1));
        for mirrored in [false, true] {
            let column = |i: usize| if mirrored { w - 1 - i } else { i };
            let at = |i: usize| luma[(y + i / w) * width + x + column(i % w)];
            let pixels: Vec<u8> = (0..w * h).map(at).collect();
            let picture = Picture::new(w, h, fingerprint::Pixels::Luma(&pixels));
            ads.push(fingerprint::of_ad(&picture.ok().expect("a full picture")));
        }
    }
    ads
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
