//! The orientation is found wherever a format keeps it, and turns the picture as EXIF says.

use photo::{Detail, Format, Limits, Orientation, Photo, Pixels, decode};
use tiff::encoder::{Compression, colortype};

use crate::drawn::{self, Drawing, JpegOptions};

fn stored(orientation: Orientation) -> Photo {
    // a b c
    // d e f
    let pixels = Pixels::Luma(b"abcdef".to_vec());
    Photo {
        width_px: 3,
        height_px: 2,
        pixels,
        orientation,
        format: Format::Png,
        is_partial: false,
        shown: photo::FramesShown::default(),
    }
}

fn check_turn(orientation: Orientation, width_px: u32, upright: &[u8; 6]) {
    let photo = stored(orientation).upright();
    assert_eq!(
        (photo.width_px, photo.height_px),
        (width_px, 6 / width_px),
        "{orientation:?}"
    );
    assert!(
        photo.pixels == Pixels::Luma(upright.to_vec()),
        "{orientation:?}"
    );
    assert_eq!(photo.orientation, Orientation::Upright);
}

#[test]
fn each_orientation_is_turned_upright() {
    check_turn(Orientation::Upright, 3, b"abcdef");
    check_turn(Orientation::Mirrored, 3, b"cbafed");
    check_turn(Orientation::Turned180, 3, b"fedcba");
    check_turn(Orientation::Flipped, 3, b"defabc");
    check_turn(Orientation::Transposed, 2, b"adbecf");
    check_turn(Orientation::Turned90, 2, b"daebfc");
    check_turn(Orientation::Transversed, 2, b"fcebda");
    check_turn(Orientation::Turned270, 2, b"cfbead");
}

#[test]
fn colours_turn_as_luma_does() {
    let rgb: Vec<u8> = b"abcdef"
        .iter()
        .flat_map(|pixel| [*pixel, 0, 255 - *pixel])
        .collect();
    let photo = Photo {
        pixels: Pixels::Rgb(rgb),
        ..stored(Orientation::Turned90)
    }
    .upright();
    let turned = b"daebfc"
        .iter()
        .flat_map(|pixel| [*pixel, 0, 255 - *pixel])
        .collect();
    assert!(photo.pixels == Pixels::Rgb(turned));
}

fn check_found(name: &str, file: &[u8], orientation: Orientation) {
    let photo = decode(file, Detail::Luma, &Limits::default()).expect(name);
    assert_eq!(photo.orientation, orientation, "{name}");
}

fn files_with(exif: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    let drawing = Drawing::new(20, 16);
    let options = JpegOptions {
        exif: Some(exif.to_vec()),
        ..JpegOptions::default()
    };
    let png = drawn::png(
        20,
        16,
        png::ColorType::Rgb,
        png::BitDepth::Eight,
        &drawing.rgb,
    );
    let webp = drawn::webp_lossless(20, 16, &drawing.rgba())[12..].to_vec();
    [
        ("jpeg", drawn::jpeg(20, 16, &drawing.rgb, options)),
        (
            "png",
            drawn::png_before_data(&png, &drawn::png_chunk(b"eXIf", exif)),
        ),
        (
            "webp",
            drawn::webp(&[
                drawn::vp8x(8, 20, 16),
                webp,
                drawn::riff_chunk(b"EXIF", exif),
            ]),
        ),
    ]
}

#[test]
fn each_orientation_is_found_in_each_format_in_either_byte_order() {
    for (number, orientation) in (1..).zip(Orientation::ALL) {
        for big_endian in [false, true] {
            for (name, file) in files_with(&drawn::exif(number, big_endian)) {
                check_found(name, &file, orientation);
            }
        }
        let grey = Drawing::new(20, 16).red();
        let tags = [(0x0112, number)];
        let plain = Compression::Uncompressed;
        let file = drawn::tiff_with::<colortype::Gray8>(20, 16, &grey, plain, &tags);
        check_found("tiff", &file, orientation);
    }
}

#[test]
fn broken_metadata_never_refuses_nor_turns_a_photo() {
    let whole = drawn::exif(6, false);
    let (mut no_order, mut far_directory, mut text_type) =
        (whole.clone(), whole.clone(), whole.clone());
    no_order[0] = b'X';
    far_directory[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    text_type[10 + 12 + 2] = 2;
    let cut = whole[..28].to_vec();
    for exif in [
        drawn::exif(0, false),
        drawn::exif(9, true),
        no_order,
        far_directory,
        text_type,
        cut,
        vec![0],
    ] {
        for (name, file) in files_with(&exif) {
            check_found(name, &file, Orientation::Upright);
        }
    }
}
