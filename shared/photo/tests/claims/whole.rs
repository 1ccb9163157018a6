//! JPEG XL and JPEG 2000 give what was drawn.

use photo::{Detail, Format, Limits, Pixels, Reason, decode};

use crate::drawn::{self, Drawing};
use crate::heif::{check_as, read};

fn rgb(file: &[u8], format: Format) -> Vec<u8> {
    drawn::start_sandbox();
    let photo = read(file, Detail::Colour);
    assert_eq!(photo.format, format);
    match photo.pixels {
        Pixels::Rgb(rgb) => rgb,
        Pixels::Luma(_) => panic!("colours were asked for"),
    }
}

#[test]
fn what_is_kept_without_loss_is_exactly_what_was_drawn() {
    let drawn = Drawing::new(33, 18).rgb;
    assert!(rgb(include_bytes!("../samples/small.jxl"), Format::Jxl) == drawn);
    assert!(rgb(include_bytes!("../samples/small.jp2"), Format::Jp2) == drawn);
}

#[test]
fn grey_stays_grey() {
    drawn::start_sandbox();
    let red = Drawing::new(96, 64).red();
    for file in [
        &include_bytes!("../samples/grey.jxl")[..],
        include_bytes!("../samples/grey.jp2"),
    ] {
        let photo = read(file, Detail::Colour);
        assert!(photo.pixels == Pixels::Luma(red.clone()));
    }
}

#[test]
fn a_lossy_jpeg_xl_is_near_and_what_is_clear_is_white() {
    drawn::start_sandbox();
    let mut rgb = Drawing::new(96, 64).rgb;
    check_as(
        Format::Jxl,
        "lossy",
        include_bytes!("../samples/lossy.jxl"),
        &rgb,
    );
    for row in rgb.chunks_exact_mut(96 * 3) {
        row[..48 * 3].fill(255);
    }
    let clear = include_bytes!("../samples/half_clear.jxl");
    check_as(Format::Jxl, "clear", clear, &rgb);
}

#[test]
fn what_breaks_its_rules_is_corrupt() {
    drawn::start_sandbox();
    let mut file = include_bytes!("../samples/small.jp2").to_vec();
    let at = file.windows(4).position(|it| it == b"\xff\x4f\xff\x51");
    let at = at.expect("a stream") + 4;
    file[at..at + 20].fill(0);
    let refused = decode(&file, Detail::Luma, &Limits::default()).err();
    assert_eq!(refused, Some(Reason::Corrupt));
}
