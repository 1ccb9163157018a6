//! AVIF, and the process that decodes it.

use std::process::Command;

use photo::{Detail, Format, Limits, Orientation, Pixels, Reason, decode};

use crate::boxes::{self, Item};
use crate::drawn::{self, Drawing};
use crate::heif::{SIDES, check_as, mean_difference, read};

const RAMP: &[u8] = include_bytes!("../samples/ramp.avif");

fn check(name: &str, file: &[u8], rgb: &[u8]) {
    drawn::start_sandbox();
    check_as(Format::Avif, name, file, rgb);
}

fn ramp() -> Item {
    boxes::coded(RAMP, b"av01", b"av1C", SIDES)
}

#[test]
fn avif_of_every_kind_is_near_what_was_drawn() {
    let rgb = Drawing::new(SIDES.0, SIDES.1).rgb;
    check("4:2:0", RAMP, &rgb);
    check("4:4:4", include_bytes!("../samples/ramp_444.avif"), &rgb);
    check("10 bit", include_bytes!("../samples/ramp_10bit.avif"), &rgb);
    let red = Drawing::new(SIDES.0, SIDES.1).red();
    let grey = include_bytes!("../samples/grey.avif");
    let Pixels::Luma(grey) = read(grey, Detail::Luma).pixels else {
        panic!("luma was asked for")
    };
    assert!(mean_difference(&grey, &red) < 1.5);
}

#[test]
fn what_is_clear_in_an_avif_is_white() {
    let mut rgb = Drawing::new(SIDES.0, SIDES.1).rgb;
    for row in rgb.chunks_exact_mut(96 * 3) {
        row[..48 * 3].fill(255);
    }
    check("clear", include_bytes!("../samples/half_clear.avif"), &rgb);
}

#[test]
fn a_grid_of_avif_tiles_is_one_picture_and_is_turned() {
    drawn::start_sandbox();
    let mut grid = boxes::grid(2, 2, (180, 120), vec![1, 2, 3, 4]);
    grid.properties.push(boxes::irot(1));
    let file = boxes::file(b"avif", 5, &[ramp(), ramp(), ramp(), ramp(), grid]);
    let photo = read(&file, Detail::Colour);
    assert_eq!(photo.orientation, Orientation::Turned270);
    assert_eq!((photo.width_px, photo.height_px), (180, 120));
    let tile = Drawing::new(SIDES.0, SIDES.1).rgb;
    let Pixels::Rgb(pixels) = photo.pixels else {
        panic!("colours were asked for")
    };
    for (x, y) in [(0, 0), (95, 63), (96, 64), (179, 119)] {
        let drawn = &tile[((y % 64) * 96 + x % 96) * 3..][..3];
        let read = &pixels[(y * 180 + x) * 3..][..3];
        assert!(mean_difference(read, drawn) < 6.0, "at {x}, {y}");
    }
}

#[test]
fn an_avif_that_lies_about_its_sides_is_refused() {
    drawn::start_sandbox();
    let lie = |width, height| {
        let item = boxes::coded(RAMP, b"av01", b"av1C", (width, height));
        decode(
            &boxes::file(b"avif", 1, &[item]),
            Detail::Luma,
            &Limits::default(),
        )
        .err()
    };
    assert_eq!(lie(60_000, 60_000), Some(Reason::TooManyPixels));
    assert_eq!(lie(97, 64), Some(Reason::Corrupt));
    assert_eq!(lie(40, 20), Some(Reason::Corrupt), "the stream is larger");
}

#[test]
fn a_stream_that_av1_does_not_know_is_corrupt() {
    drawn::start_sandbox();
    let mut item = ramp();
    item.data = vec![0x5a; 400];
    let file = boxes::file(b"avif", 1, &[item]);
    let refused = decode(&file, Detail::Luma, &Limits::default()).err();
    assert_eq!(refused, Some(Reason::Corrupt));
}

/// What a decoder that was taken over would try first.
#[test]
#[cfg(target_os = "linux")]
fn the_process_that_decodes_opens_no_file_and_no_connection_and_starts_nothing() {
    use std::os::unix::process::ExitStatusExt;

    const BAD_SYSTEM_CALL: i32 = 31;
    let tried = |what: &str| {
        let mut program = Command::new(drawn::SANDBOX);
        program
            .arg(what)
            .env("RUST_BACKTRACE", "0")
            .status()
            .expect("started")
    };
    for what in ["open", "connect", "start", "write"] {
        assert_eq!(tried(what).signal(), Some(BAD_SYSTEM_CALL), "{what}");
    }
    assert_eq!(tried("memory").code(), Some(2));
}
