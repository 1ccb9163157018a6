//! Pictures that are larger than what is kept of them.

use std::io::Cursor;

use photo::{Detail, Limits, Photo, Pixels, Reason, decode};
use tiff::encoder::{Compression, TiffEncoder, colortype};

use crate::drawn::{self, Drawing, JpegOptions};

const SIDES: (u32, u32) = (640, 480);

/// A quarter of the drawing's pixels is kept, all are read.
fn limits() -> Limits {
    Limits {
        pixels_max: u64::from(SIDES.0 * SIDES.1 / 4),
        reduced_px_max: u64::from(SIDES.0 * SIDES.1),
        ..Limits::default()
    }
}

fn drawing() -> Drawing {
    Drawing::new(SIDES.0, SIDES.1)
}

fn jpeg(progressive: bool) -> Vec<u8> {
    let options = JpegOptions {
        progressive,
        ..JpegOptions::default()
    };
    drawn::jpeg(SIDES.0, SIDES.1, &drawing().rgb, options)
}

fn png() -> Vec<u8> {
    let eight = png::BitDepth::Eight;
    drawn::png(SIDES.0, SIDES.1, png::ColorType::Rgb, eight, &drawing().rgb)
}

fn tiff(compression: Compression) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let encoder = TiffEncoder::new(&mut file).expect("in memory");
    let mut encoder = encoder.with_compression(compression);
    let page = encoder.new_image::<colortype::RGB8>(SIDES.0, SIDES.1);
    let mut page = page.expect("in memory");
    page.rows_per_strip(16).expect("before any is written");
    page.write_data(&drawing().rgb).expect("in memory");
    file.into_inner()
}

/// It has half of each side, and its pixels are near the means of the drawing's.
fn check(name: &str, photo: &Photo) {
    assert_eq!((photo.width_px, photo.height_px), (320, 240), "{name}");
    let Pixels::Rgb(read) = &photo.pixels else {
        panic!("{name}: colours were asked for")
    };
    let drawn = drawing().rgb;
    for (pixel, at) in read.chunks(3).zip(0_usize..) {
        let (x, y) = (at % 320 * 2, at / 320 * 2);
        let drawn = &drawn[(y * 640 + x) * 3..][..3];
        for (read, drawn) in pixel.iter().zip(drawn) {
            assert!(
                read.abs_diff(*drawn) < 8,
                "{name}: {read} for {drawn} at {x}, {y}"
            );
        }
    }
}

#[test]
fn what_comes_by_rows_is_read_at_a_part_of_its_size() {
    for (name, file) in [
        ("jpeg", jpeg(false)),
        ("jpeg progressive", jpeg(true)),
        ("png", png()),
        ("tiff", tiff(Compression::Uncompressed)),
        ("tiff lzw", tiff(Compression::Lzw)),
    ] {
        // All coefficients of a progressive one are held, so that fewer pixels are read.
        let pixels_max = match name {
            "jpeg progressive" => limits().pixels_max * 2,
            _ => limits().pixels_max,
        };
        let larger = Limits {
            pixels_max,
            ..limits()
        };
        let photo = decode(&file, Detail::Colour, &larger).expect(name);
        check(name, &photo);
        assert!(!photo.is_partial);
        let kept = Limits {
            reduced_px_max: 0,
            ..limits()
        };
        let refused = decode(&file, Detail::Colour, &kept).err();
        assert_eq!(refused, Some(Reason::TooManyPixels), "{name}");
    }
}

#[test]
fn what_cannot_be_read_at_a_part_of_its_size_has_too_many_pixels() {
    let sixteen: Vec<u16> = drawing().rgb.iter().map(|it| u16::from(*it) << 8).collect();
    let rgba = drawing().rgba();
    let four = drawn::tiff::<colortype::RGB16>(SIDES.0, SIDES.1, &sixteen, Compression::Lzw);
    let one_less = Limits {
        reduced_px_max: limits().reduced_px_max - 1,
        ..limits()
    };
    for file in [jpeg(false), png(), four] {
        let read = decode(&file, Detail::Luma, &one_less).err();
        assert_eq!(read, Some(Reason::TooManyPixels));
    }
    let webp = drawn::webp_lossless(SIDES.0, SIDES.1, &rgba);
    let read = decode(&webp, Detail::Luma, &limits()).err();
    assert_eq!(read, Some(Reason::TooManyPixels));
}

#[test]
fn a_cut_jpeg_is_partial_at_a_part_of_its_size_too() {
    let file = jpeg(false);
    let photo = decode(&file[..file.len() * 3 / 4], Detail::Luma, &limits()).expect("rows");
    assert!(photo.is_partial);
    assert_eq!(photo.width_px, 320);
}
