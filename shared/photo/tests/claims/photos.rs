//! Real photos, where their folder exists. It is named by `HOMEWARD_PHOTOS` and stands beside the
//! checkout by default; without it the claims are made of drawings alone.
#![allow(clippy::disallowed_methods, reason = "a setting says where photos are")]

use std::path::PathBuf;

use photo::{Detail, Limits, Pixels, Reason, decode};

use crate::drawn;

/// Real photos, or drawings where there are none.
fn photos() -> Vec<(String, Vec<u8>)> {
    let folder = std::env::var_os("HOMEWARD_PHOTOS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/photos"),
        PathBuf::from,
    );
    let Ok(entries) = std::fs::read_dir(folder) else {
        return drawn::one_of_each()
            .into_iter()
            .map(|(name, file)| (name.to_owned(), file))
            .collect();
    };
    let files = entries.map(|entry| entry.expect("readable").path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension != "md"));
    files
        .map(|path| {
            (
                path.display().to_string(),
                std::fs::read(&path).expect("readable"),
            )
        })
        .collect()
}

#[test]
fn real_photos_decode_and_their_luma_agrees_with_their_colours() {
    for (name, file) in photos() {
        let colour = decode(&file, Detail::Colour, &Limits::default()).expect(&name);
        let luma = decode(&file, Detail::Luma, &Limits::default()).expect(&name);
        assert_eq!(
            (luma.width_px, luma.height_px),
            (colour.width_px, colour.height_px),
            "{name}"
        );
        let Pixels::Luma(luma) = luma.pixels else {
            panic!("{name}: luma was asked for")
        };
        let of_colours: Vec<u8> = match colour.pixels {
            Pixels::Luma(luma) => luma,
            Pixels::Rgb(rgb) => rgb
                .chunks_exact(3)
                .map(|p| drawn::luma(p[0], p[1], p[2]))
                .collect(),
        };
        let distances = luma
            .iter()
            .zip(&of_colours)
            .map(|(a, b)| f64::from(a.abs_diff(*b)));
        // Colours are clipped to RGB on the way, so single pixels may be far.
        let mean = distances.sum::<f64>() / luma.len() as f64;
        assert!(mean < 1.0, "{name}: {mean:.3}");
    }
}

#[test]
fn real_photos_cut_in_half_are_truncated_or_partial() {
    let mut truncated = 0;
    let photos = photos();
    for (name, file) in &photos {
        match decode(&file[..file.len() / 2], Detail::Luma, &Limits::default()) {
            Err(Reason::Truncated) => truncated += 1,
            Ok(half) if half.is_partial => truncated += 1,
            Err(reason) => panic!("{name}: {reason}"),
            // A few cameras append a second picture, longer than the first.
            Ok(half) => {
                let whole = decode(file, Detail::Luma, &Limits::default()).expect(name);
                assert!(half == whole, "{name}: half a file made another picture");
            }
        }
    }
    assert!(truncated * 10 > photos.len() * 9);
}
