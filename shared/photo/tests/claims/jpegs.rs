//! JPEGs of every kind are near what was drawn.

use jpeg_encoder::{ColorType, SamplingFactor};
use photo::{Detail, Limits, Pixels, decode};

use crate::drawn::{self, Drawing, JpegOptions};

const SAMPLINGS: [SamplingFactor; 8] = [
    SamplingFactor::F_1_1,
    SamplingFactor::F_2_1,
    SamplingFactor::F_1_2,
    SamplingFactor::F_2_2,
    SamplingFactor::F_4_1,
    SamplingFactor::F_4_2,
    SamplingFactor::F_1_4,
    SamplingFactor::F_2_4,
];

/// Farthest and mean distance of samples.
fn distance(a: &[u8], b: &[u8]) -> (u8, f64) {
    assert_eq!(a.len(), b.len());
    let distances = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    let sum: f64 = distances.clone().map(f64::from).sum();
    (distances.max().unwrap_or(0), sum / a.len() as f64)
}

fn check(name: &str, file: &[u8], detail: Detail, drawn: &[u8]) {
    let photo = decode(file, detail, &Limits::default())
        .unwrap_or_else(|reason| panic!("{name}: {reason}"));
    let (Pixels::Luma(samples) | Pixels::Rgb(samples)) = photo.pixels;
    let (farthest, mean) = distance(&samples, drawn);
    assert!(
        farthest <= 12 && mean < 3.0,
        "{name}: {farthest} at most, {mean:.2} on average"
    );
}

/// In all samplings, baseline and progressive, with and without restarts, at odd sizes.
fn check_matrix(kind: ColorType, samples: fn(&Drawing) -> Vec<u8>, rgb: fn(&Drawing) -> Vec<u8>) {
    for (width, height) in [(133, 97), (64, 64), (17, 50), (16, 16), (50, 17)] {
        let drawing = Drawing::new(width, height);
        let rgb = rgb(&drawing);
        let luma: Vec<u8> = rgb
            .chunks_exact(3)
            .map(|p| drawn::luma(p[0], p[1], p[2]))
            .collect();
        for sampling in SAMPLINGS {
            for (progressive, restart) in [(false, 0), (false, 5), (true, 0), (true, 5)] {
                let options = JpegOptions {
                    kind,
                    sampling,
                    progressive,
                    restart,
                    exif: None,
                };
                let file = drawn::jpeg(width, height, &samples(&drawing), options);
                let name = format!(
                    "{width}x{height} {sampling:?} progressive {progressive} restart {restart}"
                );
                check(&name, &file, Detail::Luma, &luma);
                check(&name, &file, Detail::Colour, &rgb);
            }
        }
    }
}

#[test]
fn luma_and_chroma_in_every_sampling() {
    check_matrix(ColorType::Rgb, |d| d.rgb.clone(), |d| d.rgb.clone());
}

/// The encoder inverts, as Adobe does: it takes ink.
fn inks(drawing: &Drawing) -> Vec<u8> {
    drawing
        .rgb
        .chunks_exact(3)
        .flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 30])
        .collect()
}

fn inked(drawing: &Drawing) -> Vec<u8> {
    let light = f64::from(255 - 30u8) / 255.0;
    drawing
        .rgb
        .iter()
        .map(|ink| (f64::from(255 - ink) * light).round() as u8)
        .collect()
}

#[test]
fn four_inks_in_every_sampling() {
    check_matrix(ColorType::Cmyk, inks, inked);
}

#[test]
fn four_inks_as_luma_and_chroma_in_every_sampling() {
    check_matrix(ColorType::CmykAsYcck, inks, inked);
}

#[test]
fn greyscale_stays_grey_in_both_details() {
    let drawing = Drawing::new(61, 45);
    for progressive in [false, true] {
        let options = JpegOptions {
            kind: ColorType::Luma,
            progressive,
            ..JpegOptions::default()
        };
        let file = drawn::jpeg(61, 45, &drawing.red(), options);
        check("grey", &file, Detail::Luma, &drawing.red());
        check("grey", &file, Detail::Colour, &drawing.red());
    }
}

#[test]
fn components_named_r_g_b_without_jfif_are_colours() {
    let drawing = Drawing::new(40, 24);
    let options = JpegOptions {
        kind: ColorType::Ycbcr,
        sampling: SamplingFactor::F_1_1,
        ..JpegOptions::default()
    };
    let file = drawn::jpeg(40, 24, &drawing.rgb, options); // raw samples, taken as they are
    let mut file = without_segment(&file, 0xe0);
    for (at, name) in component_ids(&file) {
        file[at] = name;
    }
    check("rgb", &file, Detail::Colour, &drawing.rgb);
    check("rgb", &file, Detail::Luma, &drawing.luma());
}

#[test]
fn adobe_without_a_transform_is_colours() {
    let drawing = Drawing::new(40, 24);
    let options = JpegOptions {
        kind: ColorType::Ycbcr,
        sampling: SamplingFactor::F_1_1,
        ..JpegOptions::default()
    };
    let file = without_segment(&drawn::jpeg(40, 24, &drawing.rgb, options), 0xe0);
    let adobe = [&[0xff, 0xee, 0, 14][..], b"Adobe", &[0, 100, 0, 0, 0, 0, 0]].concat();
    let file = [&file[..2], &adobe, &file[2..]].concat();
    check("adobe rgb", &file, Detail::Colour, &drawing.rgb);
}

#[test]
fn a_file_without_its_end_marker_but_with_all_its_data_is_whole() {
    let drawing = Drawing::new(50, 34);
    let file = drawn::jpeg(50, 34, &drawing.rgb, JpegOptions::default());
    check(
        "no end marker",
        &file[..file.len() - 2],
        Detail::Luma,
        &drawing.luma(),
    );
}

#[test]
fn a_file_cut_short_and_closed_with_an_end_marker_is_never_whole() {
    let drawing = Drawing::new(64, 48);
    let options = JpegOptions {
        restart: 4,
        ..JpegOptions::default()
    };
    for options in [JpegOptions::default(), options] {
        let file = drawn::jpeg(64, 48, &drawing.rgb, options);
        let data = file
            .windows(2)
            .position(|pair| pair == [0xff, 0xda])
            .expect("a scan")
            + 14;
        for length in data..file.len() - 3 {
            let closed = [&file[..length], &[0xff, 0xd9]].concat();
            let read = decode(&closed, Detail::Luma, &Limits::default());
            assert!(
                read.map_or(true, |photo| photo.is_partial),
                "cut at {length} of {}",
                file.len()
            );
        }
    }
}

fn without_segment(file: &[u8], marker: u8) -> Vec<u8> {
    let at = file
        .windows(2)
        .position(|pair| pair == [0xff, marker])
        .expect("it is there");
    let length = usize::from(file[at + 2]) << 8 | usize::from(file[at + 3]);
    [&file[..at], &file[at + 2 + length..]].concat()
}

/// Places of the component names in the frame and scan headers, and what to put there.
fn component_ids(file: &[u8]) -> Vec<(usize, u8)> {
    let segment = |marker| {
        file.windows(2)
            .position(|pair| pair == [0xff, marker])
            .expect("there")
    };
    let (frame, scan) = (segment(0xc0), segment(0xda));
    let names = b"RGB".iter().enumerate();
    names
        .flat_map(|(i, name)| [(frame + 10 + i * 3, *name), (scan + 5 + i * 2, *name)])
        .collect()
}

/// A file without some of its tables.
fn without_tables(file: &[u8], left_out: impl Fn(usize) -> bool) -> Vec<u8> {
    let (mut rest, mut tables, mut out) = (&file[2..], 0, file[..2].to_vec());
    while rest[1] != 0xda {
        let length = usize::from(u16::from_be_bytes([rest[2], rest[3]])) + 2;
        let is_table = rest[1] == 0xc4;
        if !(is_table && left_out(tables)) {
            out.extend_from_slice(&rest[..length]);
        }
        tables += usize::from(is_table);
        rest = &rest[length..];
    }
    out.extend_from_slice(rest);
    out
}

/// As single pictures of a film by a webcam.
#[test]
fn tables_that_are_left_out_are_the_standard_ones() {
    let drawing = Drawing::new(48, 40);
    let file = drawn::jpeg(48, 40, &drawing.rgb, JpegOptions::default());
    let tables = file.windows(2).filter(|pair| *pair == [0xff, 0xc4]).count();
    assert_eq!(tables, 4, "each in a segment of its own");
    let limits = Limits::default();
    for detail in [Detail::Luma, Detail::Colour] {
        let whole = decode(&file, detail, &limits).expect("whole");
        for bits in 1..16_usize {
            let cut = without_tables(&file, |table| bits >> table & 1 == 1);
            assert!(cut.len() < file.len());
            let read = decode(&cut, detail, &limits).expect("the tables are known");
            assert!(read == whole, "without {bits:04b}");
        }
    }
}
