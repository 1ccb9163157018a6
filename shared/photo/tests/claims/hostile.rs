//! Whatever the bytes, the answer is pixels or a reason.

use photo::{Detail, Limits, Photo, Pixels, Reason, decode};
use proptest::prelude::*;

use crate::drawn;

fn read(file: &[u8], detail: Detail) -> Result<Photo, Reason> {
    decode(
        file,
        detail,
        &Limits {
            pixels_max: 1 << 16,
            ..Limits::default()
        },
    )
}

#[test]
fn a_file_cut_anywhere_is_truncated_or_partial_or_still_whole() {
    for (name, file) in drawn::one_of_each() {
        for detail in [Detail::Luma, Detail::Colour] {
            let whole = read(&file, detail).expect(name);
            for length in 0..file.len() {
                match read(&file[..length], detail) {
                    Ok(photo) if photo.is_partial => {
                        assert_eq!(photo.width_px, whole.width_px, "{name} cut at {length}");
                        assert!(
                            photo.height_px * 4 >= whole.height_px,
                            "{name} cut at {length}"
                        );
                    }
                    Ok(photo) => assert!(
                        photo == whole,
                        "{name} cut at {length} of {} is another picture",
                        file.len()
                    ),
                    Err(Reason::Truncated) => {}
                    Err(Reason::NotAnImage) => assert!(length < 18, "{name} cut at {length}"),
                    Err(reason) => panic!("{name} cut at {length} of {}: {reason}", file.len()),
                }
            }
        }
    }
}

#[test]
fn trailing_garbage_changes_nothing() {
    let tail = [
        b"\xff\xd8\xff<script>PK\x03\x04%PDF-".as_slice(),
        &[0xaa; 500],
    ]
    .concat();
    for (name, file) in drawn::one_of_each() {
        let whole = read(&file, Detail::Colour).expect(name);
        let longer = [file.as_slice(), &tail].concat();
        assert!(
            read(&longer, Detail::Colour).as_ref() == Ok(&whole),
            "{name}"
        );
    }
}

#[test]
fn the_first_bytes_decide_what_a_polyglot_is() {
    for (name, first) in drawn::one_of_each() {
        let whole = read(&first, Detail::Luma).expect(name);
        for (_, second) in drawn::one_of_each() {
            let both = [first.as_slice(), &second].concat();
            assert!(read(&both, Detail::Luma).as_ref() == Ok(&whole), "{name}");
        }
    }
}

#[test]
fn a_lie_about_the_dimensions_is_refused() {
    let files = drawn::one_of_each();
    let of = |name: &str| &files.iter().find(|file| file.0 == name).expect("drawn").1;
    let lie = |file: &[u8], at: usize, bytes: &[u8]| {
        let mut file = file.to_vec();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        decode(&file, Detail::Luma, &Limits::default()).err()
    };
    let jpeg = of("jpeg");
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .expect("baseline");
    assert_eq!(
        lie(jpeg, frame + 5, &[0xff; 4]),
        Some(Reason::TooManyPixels)
    );
    assert_eq!(
        lie(jpeg, frame + 5, &[0, 0xf0, 0, 0xf0]),
        Some(Reason::Corrupt)
    );
    assert_eq!(lie(of("png"), 16, &[0x7f; 8]), Some(Reason::TooManyPixels));
    assert_eq!(lie(of("gif"), 6, &[0xff; 4]), Some(Reason::TooManyPixels));
    assert_eq!(
        lie(of("bmp"), 18, &[0, 0, 0xff, 0, 0, 0, 0xff, 0]),
        Some(Reason::TooManyPixels)
    );
    assert_eq!(
        lie(of("webp lossless"), 21, &[0xff, 0xff, 0xff, 0x0f]),
        Some(Reason::TooManyPixels)
    );
    // The canvas is small; the frame inside it is not.
    let inner = drawn::webp(&[
        drawn::vp8x(2, 20, 20),
        drawn::anmf(
            0,
            0,
            20,
            20,
            &drawn::riff_chunk(b"VP8L", &[0x2f, 0xff, 0xff, 0xff, 0x0f]),
        ),
    ]);
    assert_eq!(lie(&inner, 0, b"R"), Some(Reason::TooManyPixels));
}

#[test]
fn metadata_bombs_are_not_even_looked_at() {
    let files = drawn::one_of_each();
    let png = &files.iter().find(|file| file.0 == "png").expect("drawn").1;
    let whole = read(png, Detail::Luma).expect("png");
    for kind in [
        b"iCCP", b"zTXt", b"iTXt", b"tEXt", b"sPLT", b"eXIf", b"acTL", b"fcTL", b"PLTA",
    ] {
        for data in [vec![0; 0], vec![0xff; 100_000], b"name\0\0garbage".to_vec()] {
            let file = drawn::png_before_data(png, &drawn::png_chunk(kind, &data));
            assert!(read(&file, Detail::Luma).as_ref() == Ok(&whole));
        }
    }
}

#[test]
fn what_follows_the_last_row_of_a_png_is_not_even_inflated() {
    use png::{BitDepth, ColorType};
    let drawing = drawn::Drawing::new(20, 600);
    let long = drawn::png(20, 600, ColorType::Rgb, BitDepth::Eight, &drawing.rgb);
    let mut short = long.clone();
    short[16..24].copy_from_slice(&[0, 0, 0, 20, 0, 0, 0, 16]);
    let header = drawn::png_chunk(b"IHDR", &short[16..29]);
    short.splice(8..33, header);
    let photo = read(&short, Detail::Colour).expect("the first rows are there");
    assert!(photo.pixels == photo::Pixels::Rgb(drawing.rgb[..20 * 16 * 3].to_vec()));
}

#[test]
fn a_thousand_scans_are_refused() {
    let options = drawn::JpegOptions {
        progressive: true,
        ..Default::default()
    };
    let file = drawn::jpeg(32, 32, &drawn::Drawing::new(32, 32).rgb, options);
    let starts: Vec<usize> = (0..file.len() - 1)
        .filter(|at| file[*at..at + 2] == [0xff, 0xda])
        .collect();
    let (from, to) = (starts[starts.len() - 2], starts[starts.len() - 1]);
    let many = [&file[..from], &file[from..to].repeat(1000), &file[to..]].concat();
    assert_eq!(read(&many, Detail::Luma).err(), Some(Reason::Corrupt));
}

/// The cost of all scans together is bounded, and not their number alone.
#[test]
fn a_large_picture_may_have_fewer_scans_than_a_small_one() {
    let options = drawn::JpegOptions {
        progressive: true,
        ..Default::default()
    };
    let file = drawn::jpeg(32, 32, &drawn::Drawing::new(32, 32).rgb, options);
    let scans = file.windows(2).filter(|pair| *pair == [0xff, 0xda]).count() as u64;
    let limits = |pixels_max| Limits {
        pixels_max,
        ..Limits::default()
    };
    let least = (32 * 32 * scans).div_ceil(24).max(32 * 32);
    assert!(decode(&file, Detail::Luma, &limits(least)).is_ok());
    let last = file
        .windows(2)
        .rposition(|pair| pair == [0xff, 0xda])
        .expect("scans");
    let many = [
        &file[..last],
        &file[last..file.len() - 2].repeat(20),
        &file[last..],
    ]
    .concat();
    let refused = decode(&many, Detail::Luma, &limits(32 * 32));
    assert_eq!(refused.err(), Some(Reason::Corrupt));
}

/// Bytes of formats with coders of their own, changed from a fixed seed: `cargo run --workspace --example mutations`
/// tries 2,000 of each.
#[test]
fn hurt_files_of_the_newer_formats_are_pixels_or_a_reason() {
    const ROUNDS: usize = 200;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut files = drawn::one_of_each();
    files.retain(|(name, _)| NEWER.contains(name));
    #[cfg(feature = "pdf")]
    files.extend(crate::pdfs::samples().into_iter().map(|file| ("pdf", file)));
    let newer = files.iter();
    for (name, whole) in newer {
        for _ in 0..ROUNDS {
            let mut file = whole.clone();
            for _ in 0..=random(4) {
                let at = random(file.len());
                file[at] = [0, 0xff, 0x7f, random(256) as u8][random(4)];
            }
            if let Ok(photo) = read(&file, Detail::Luma) {
                let Pixels::Luma(luma) = &photo.pixels else {
                    panic!("luma was asked for")
                };
                let pixels = photo.width_px as usize * photo.height_px as usize;
                assert_eq!(luma.len(), pixels, "{name}");
            }
        }
    }
}

/// Formats that came after the first six.
const NEWER: [&str; 5] = ["heic", "avif", "jxl", "jp2", "tiff lzw"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes_are_pixels_or_a_reason(
        kind: prop::sample::Index,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        luma: bool,
    ) {
        thread_local!(static FILES: Vec<(&'static str, Vec<u8>)> = drawn::one_of_each());
        let mut file = FILES.with(|files| kind.get(files).1.clone());
        for (at, value) in flips {
            let at = at.index(file.len());
            file[at] = value;
        }
        let detail = if luma { Detail::Luma } else { Detail::Colour };
        if let Ok(photo) = read(&file, detail) {
            let (photo::Pixels::Luma(samples) | photo::Pixels::Rgb(samples)) = &photo.pixels;
            let pixels = u64::from(photo.width_px) * u64::from(photo.height_px);
            prop_assert_eq!(samples.len() as u64 % pixels, 0);
            prop_assert!(samples.len() as u64 <= pixels * 3);
        }
    }

    #[test]
    fn bytes_after_a_magic_are_pixels_or_a_reason(
        magic in prop::sample::select(vec![
            b"\xff\xd8\xff".to_vec(), b"\x89PNG\r\n\x1a\n".to_vec(), b"GIF89a".to_vec(),
            b"RIFF\0\x01\0\0WEBPVP8L".to_vec(), b"RIFF\0\x01\0\0WEBPVP8X".to_vec(),
            b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec(), b"II*\0\x08\0\0\0".to_vec(),
            b"MM\0*\0\0\0\x08".to_vec(), b"II+\0\x08\0\0\0".to_vec(), vec![],
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = read(&[magic, rest].concat(), Detail::Colour);
    }
}
