//! Every reason has a file that earns it.

use photo::{Detail, Limits, Reason, decode};

use crate::drawn::{self, Drawing, JpegOptions};

fn check(name: &str, file: &[u8], limits: &Limits, reason: Reason) {
    for detail in [Detail::Luma, Detail::Colour] {
        let refused = decode(file, detail, limits).err();
        assert_eq!(refused, Some(reason), "{name}");
    }
}

fn small_jpeg() -> Vec<u8> {
    drawn::jpeg(48, 32, &Drawing::new(48, 32).rgb, JpegOptions::default())
}

#[test]
fn what_is_no_picture_is_not_an_image() {
    let limits = Limits::default();
    for bytes in [
        &b""[..],
        b"B",
        b"BM",
        b"BMW is a car",
        b"hello",
        b"\xff\xd8",
        b"\x7fELF",
        b"PK\x03\x04",
        b"<html><body></body></html>",
        b"{}",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"\0\0\0\x18ftypisom\0\0\0\0mp41",
        b"P8 x",
        b"GIF90a",
        &[0; 64],
    ] {
        check("no picture", bytes, &limits, Reason::NotAnImage);
    }
}

#[test]
fn other_pictures_are_an_unsupported_format() {
    let limits = Limits::default();
    for bytes in [
        &b"\0\0\0\x14ftypcrx \0\0\0\0crx "[..],
        b"8BPS\0\x01",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- x -->\n<svg/>",
        b"P6\n2 2\n255\n",
        b"qoif",
        b"II\xbc\x01",
    ] {
        check("other picture", bytes, &limits, Reason::UnsupportedFormat);
    }
}

#[test]
fn kinds_of_jpeg_that_are_not_decoded_are_an_unsupported_format() {
    let limits = Limits::default();
    let jpeg = small_jpeg();
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .expect("baseline");
    let with = |at: usize, value: u8| {
        let mut file = jpeg.clone();
        file[frame + at] = value;
        file
    };
    check(
        "lossless",
        &with(1, 0xc3),
        &limits,
        Reason::UnsupportedFormat,
    );
    check(
        "lossless by arithmetic",
        &with(1, 0xcb),
        &limits,
        Reason::UnsupportedFormat,
    );
    check("12 bit", &with(4, 12), &limits, Reason::UnsupportedFormat);
    let mut later_height = with(5, 0);
    later_height[frame + 6] = 0;
    check(
        "height comes later",
        &later_height,
        &limits,
        Reason::UnsupportedFormat,
    );
}

#[test]
fn half_a_file_is_truncated() {
    for (name, file) in drawn::one_of_each() {
        check(
            name,
            &file[..file.len() / 2],
            &Limits::default(),
            Reason::Truncated,
        );
    }
}

#[test]
fn a_file_that_breaks_its_rules_is_corrupt() {
    let limits = Limits::default();
    let drawing = Drawing::new(20, 16);
    let (w, h) = (drawing.width, drawing.height);
    let mut png = drawn::png(
        w,
        h,
        png::ColorType::Rgb,
        png::BitDepth::Eight,
        &drawing.rgb,
    );
    let data = png
        .windows(4)
        .position(|kind| kind == b"IDAT")
        .expect("data");
    png[data + 4] ^= 0xff;
    check("png", &png, &limits, Reason::Corrupt);

    let mut jpeg = small_jpeg();
    let tables = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xc4])
        .expect("tables");
    jpeg[tables + 5..tables + 21].fill(0xff);
    check("jpeg", &jpeg, &limits, Reason::Corrupt);

    let mut webp = drawn::webp_lossless(w, h, &drawing.rgba());
    webp[20] = 0;
    check("webp", &webp, &limits, Reason::Corrupt);
    check("no frame", b"\xff\xd8\xff\xd9", &limits, Reason::Corrupt);
}

#[test]
fn a_long_file_is_too_large_before_it_is_read() {
    let limits = Limits {
        bytes_max: 1000,
        ..Limits::default()
    };
    check("not even a picture", &[0; 1001], &limits, Reason::TooLarge);
    check("shorter", &[0; 1000], &limits, Reason::NotAnImage);
}

#[test]
fn more_pixels_than_allowed_are_too_many() {
    for (name, file) in drawn::one_of_each() {
        let limits = Limits {
            pixels_max: 24 * 18 - 1,
            ..Limits::default()
        };
        check(name, &file, &limits, Reason::TooManyPixels);
    }
}

#[test]
fn a_side_below_the_least_is_too_small() {
    for (name, file) in drawn::one_of_each() {
        let limits = Limits {
            side_px_min: 19,
            ..Limits::default()
        };
        check(name, &file, &limits, Reason::TooSmall);
        let limits = Limits {
            side_px_min: 18,
            ..Limits::default()
        };
        decode(&file, Detail::Luma, &limits).expect(name);
    }
}

#[test]
fn a_side_above_the_longest_is_too_long() {
    for (name, file) in drawn::one_of_each() {
        let limits = |side_px_max| Limits {
            side_px_max,
            ..Limits::default()
        };
        check(name, &file, &limits(23), Reason::TooLong);
        decode(&file, Detail::Luma, &limits(33)).expect(name);
    }
}

#[test]
fn every_reason_has_its_own_code() {
    let codes = Reason::ALL.map(Reason::as_str);
    assert_eq!(
        codes,
        [
            "not_an_image",
            "unsupported_format",
            "truncated",
            "corrupt",
            "too_large",
            "too_many_pixels",
            "too_small",
            "too_long",
            "no_picture",
            "encrypted",
            "decoder_failure"
        ]
    );
    assert_eq!(Reason::TooSmall.to_string(), "too_small");
}
