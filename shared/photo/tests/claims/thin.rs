//! The longest and thinnest pictures of every format are read, and longer ones refused by their
//! headers: a hash's work grows with the square of a side, so that 12 KB once took eleven seconds.

use photo::{Detail, Limits, Reason, decode};
use png::{BitDepth, ColorType};
use tiff::encoder::{Compression, colortype};

use crate::drawn;

const THIN_PX: u32 = 16;
const LONGEST_PX: u32 = 65_535;

/// Thin and wide: white, since only the shape counts.
fn shapes(longer: u32) -> [(u32, u32); 2] {
    [(THIN_PX, longer), (longer, THIN_PX)]
}

fn white(width: u32, height: u32, bytes_per_pixel: u32) -> Vec<u8> {
    vec![255; (width * height * bytes_per_pixel) as usize]
}

/// Files of one shape in the formats whose headers can say so.
fn of_shape(width: u32, height: u32) -> Vec<(&'static str, Vec<u8>)> {
    let one_bit = vec![255; (width.div_ceil(8) * height) as usize];
    let deep = white(width, height, 8);
    let (grey, rgb) = (white(width, height, 1), white(width, height, 3));
    let sixteen = vec![u16::MAX; (width * height * 4) as usize];
    let png = |colour, depth, samples: &[u8]| drawn::png(width, height, colour, depth, samples);
    let lzw = Compression::Lzw;
    vec![
        (
            "png of one bit",
            png(ColorType::Grayscale, BitDepth::One, &one_bit),
        ),
        (
            "png of 64 bits",
            png(ColorType::Rgba, BitDepth::Sixteen, &deep),
        ),
        (
            "bmp",
            drawn::bmp(width, height, &rgb, image::ExtendedColorType::Rgb8),
        ),
        (
            "tiff",
            drawn::tiff::<colortype::Gray8>(width, height, &grey, lzw),
        ),
        (
            "tiff of 64 bits",
            drawn::tiff::<colortype::RGBA16>(width, height, &sixteen, Compression::Packbits),
        ),
    ]
}

/// Files of the formats whose headers can say no more than 16 bits, or 14.
fn short_headed(width: u32, height: u32) -> Vec<(&'static str, Vec<u8>)> {
    let (w, h) = (width as u16, height as u16);
    let grey = white(width, height, 1);
    let frame = drawn::gif_frame(w, h, grey.clone());
    let kind = jpeg_encoder::ColorType::Luma;
    let jpeg = |progressive| drawn::JpegOptions {
        kind,
        progressive,
        ..Default::default()
    };
    vec![
        ("gif", drawn::gif((w, h), &drawn::grey_palette(), &[frame])),
        ("jpeg", drawn::jpeg(width, height, &grey, jpeg(false))),
        (
            "jpeg in scans",
            drawn::jpeg(width, height, &grey, jpeg(true)),
        ),
    ]
}

fn check(name: &str, file: &[u8], (width, height): (u32, u32)) {
    let read = decode(file, Detail::Luma, &Limits::default()).expect(name);
    assert_eq!((read.width_px, read.height_px), (width, height), "{name}");
}

#[test]
fn the_longest_pictures_are_read() {
    for (width, height) in shapes(LONGEST_PX) {
        let files = of_shape(width, height);
        for (name, file) in files.into_iter().chain(short_headed(width, height)) {
            check(name, &file, (width, height));
        }
    }
    for (width, height) in shapes(16_383) {
        let rgba = white(width, height, 4);
        let file = drawn::webp_lossless(width, height, &rgba);
        check("webp", &file, (width, height));
    }
}

#[test]
fn a_page_and_a_panorama_are_read() {
    for (width, height) in [(1_000, 20_000), (30_000, 1_500)] {
        let samples = white(width, height, 1);
        let file = drawn::png(
            width,
            height,
            ColorType::Grayscale,
            BitDepth::Eight,
            &samples,
        );
        check("png", &file, (width, height));
    }
}

#[test]
fn longer_ones_are_refused() {
    for (width, height) in shapes(LONGEST_PX + 1) {
        for (name, file) in of_shape(width, height) {
            for detail in [Detail::Luma, Detail::Colour] {
                let refused = decode(&file, detail, &Limits::default()).err();
                assert_eq!(refused, Some(Reason::TooLong), "{name} {width}x{height}");
            }
        }
    }
}

/// A page of one tile that is a thousand times as wide.
#[test]
fn tiles_may_not_cost_what_no_page_may() {
    let entries: [(u16, u32); 10] = [
        (0x100, THIN_PX),
        (0x101, LONGEST_PX),
        (0x102, 8),
        (0x103, 32_773), // packed: a few bytes unpack to all of it
        (0x106, 1),
        (0x115, 1),
        (0x142, 16_384),
        (0x143, LONGEST_PX + 1),
        (0x144, 8),
        (0x145, 100),
    ];
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        let long = 4_u16;
        file.extend([tag.to_le_bytes(), long.to_le_bytes()].concat());
        file.extend([1_u32.to_le_bytes(), value.to_le_bytes()].concat());
    }
    file.extend([0; 4]);
    let refused = decode(&file, Detail::Luma, &Limits::default()).err();
    assert_eq!(refused, Some(Reason::TooManyPixels));
}
