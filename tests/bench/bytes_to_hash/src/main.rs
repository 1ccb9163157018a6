//! Times one way from a JPEG's bytes to its hash: `bytes_to_hash PEER FILE`.
//!
//! For each line on standard input it runs once and answers with nanoseconds.

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::Instant;

use fingerprint::Picture;
use photo::{Detail, Limits, Photo, Pixels};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [peer, file] = &arguments[..] else {
        panic!("usage: bytes_to_hash PEER FILE")
    };
    let bytes = std::fs::read(file)?;
    let run: &dyn Fn(&[u8]) = match peer.as_str() {
        "pdq" => &|bytes| _ = black_box(with_picture(bytes, fingerprint::pdq)),
        "of_ad" => &|bytes| _ = black_box(with_picture(bytes, fingerprint::of_ad)),
        "decode" => &|bytes| _ = black_box(decoded(bytes)),
        "image_hasher" => &|bytes| _ = black_box(image_hasher_hash(bytes)),
        _ => panic!("peers: pdq, of_ad, decode, image_hasher"),
    };
    for _ in std::io::stdin().lock().lines() {
        let start = Instant::now();
        run(black_box(&bytes));
        println!("{}", start.elapsed().as_nanos());
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn decoded(bytes: &[u8]) -> Photo {
    photo::decode(bytes, Detail::Luma, &Limits::default()).expect("a photo")
}

fn with_picture<T>(bytes: &[u8], then: impl Fn(&Picture<'_>) -> T) -> T {
    let photo = decoded(bytes);
    let Pixels::Luma(luma) = &photo.pixels else {
        panic!("luma was asked for")
    };
    let picture = Picture::luma(photo.width_px as usize, photo.height_px as usize, luma);
    then(&picture.expect("a full picture"))
}

/// A 256-bit hash in `image_hasher`'s usual way: decode, resize, compare.
fn image_hasher_hash(bytes: &[u8]) -> image_hasher::ImageHash {
    let picture = image::load_from_memory(bytes).expect("a photo");
    image_hasher::HasherConfig::new()
        .hash_size(16, 16)
        .to_hasher()
        .hash_image(&picture)
}
