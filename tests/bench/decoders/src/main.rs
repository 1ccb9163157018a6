//! Decodes each file that a line on standard input names, and answers with a line: milliseconds, and then the
//! format, sides and hash, or the reason why not.

use std::io::{BufRead, Write};
use std::time::Instant;

use photo::{Detail, Limits, Photo, Pixels};

fn main() -> std::io::Result<()> {
    photo::sandbox::init();
    let limits = Limits::of_references();
    for line in std::io::stdin().lock().lines() {
        let bytes = std::fs::read(line?)?;
        let start = Instant::now();
        let photo = photo::decode(&bytes, Detail::Luma, &limits);
        let time = start.elapsed().as_secs_f64() * 1e3;
        match photo {
            Ok(photo) => {
                let name = photo.format.as_str();
                let photo = photo.upright();
                println!(
                    "{time:.1} {name} {} {} {}",
                    photo.width_px,
                    photo.height_px,
                    hash(&photo)
                );
            }
            Err(reason) => println!("{time:.1} {reason}"),
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn hash(photo: &Photo) -> String {
    let Pixels::Luma(luma) = &photo.pixels else {
        panic!("luma was asked for")
    };
    let picture =
        fingerprint::Picture::luma(photo.width_px as usize, photo.height_px as usize, luma);
    let (hash, quality) = fingerprint::pdq(&picture.expect("a full picture"));
    let hex: String = hash.0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex} {quality}")
}
