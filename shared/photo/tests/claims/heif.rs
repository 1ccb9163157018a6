//! HEIC and AVIF: what peers of our decoders wrote, and what a container may do with it.

use photo::{Detail, Format, Limits, Orientation, Photo, Pixels, Reason, decode};

use crate::boxes::{self, Item};
use crate::drawn::{self, Drawing};

pub const SIDES: (u32, u32) = (96, 64);
const RAMP: &[u8] = include_bytes!("../samples/ramp.heic");
const GREY: &[u8] = include_bytes!("../samples/grey.heic");

pub fn read(file: &[u8], detail: Detail) -> Photo {
    decode(file, detail, &Limits::default()).expect("a sample")
}

pub fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let sum: u32 = a
        .iter()
        .zip(b)
        .map(|(a, b)| u32::from(a.abs_diff(*b)))
        .sum();
    f64::from(sum) / a.len() as f64
}

fn check(name: &str, file: &[u8], rgb: &[u8]) {
    check_as(Format::Heic, name, file, rgb);
}

/// Both details are near these colours.
pub fn check_as(format: Format, name: &str, file: &[u8], rgb: &[u8]) {
    let colour = read(file, Detail::Colour);
    assert_eq!(colour.format, format, "{name}");
    let Pixels::Rgb(pixels) = colour.upright().pixels else {
        panic!("{name}: colours were asked for")
    };
    let far = mean_difference(&pixels, rgb);
    assert!(far < 2.0, "{name}: {far:.2} from what was drawn");
    let Pixels::Luma(luma) = read(file, Detail::Luma).upright().pixels else {
        panic!("{name}: luma was asked for")
    };
    let expected: Vec<u8> = rgb
        .chunks_exact(3)
        .map(|p| drawn::luma(p[0], p[1], p[2]))
        .collect();
    let far = mean_difference(&luma, &expected);
    assert!(
        far < 1.5,
        "{name}: {far:.2} from the luma of what was drawn"
    );
}

fn ramp() -> Item {
    boxes::coded(RAMP, b"hvc1", b"hvcC", SIDES)
}

fn ramp_with(properties: &[Vec<u8>]) -> Vec<u8> {
    let mut item = ramp();
    item.properties.extend_from_slice(properties);
    boxes::file(b"heic", 1, &[item])
}

#[test]
fn heic_of_every_kind_is_near_what_was_drawn() {
    let rgb = Drawing::new(SIDES.0, SIDES.1).rgb;
    check("4:2:0", RAMP, &rgb);
    check("4:4:4", include_bytes!("../samples/ramp_444.heic"), &rgb);
    check(
        "matrix of television",
        include_bytes!("../samples/ramp_709.heic"),
        &rgb,
    );
    check("10 bit", include_bytes!("../samples/ramp_10bit.heic"), &rgb);
    let red = Drawing::new(SIDES.0, SIDES.1).red();
    for detail in [Detail::Luma, Detail::Colour] {
        let Pixels::Luma(grey) = read(GREY, detail).pixels else {
            panic!("grey stays grey")
        };
        assert!(mean_difference(&grey, &red) < 1.5);
    }
}

#[test]
fn what_is_clear_in_a_heic_is_white() {
    let mut rgb = Drawing::new(SIDES.0, SIDES.1).rgb;
    for row in rgb.chunks_exact_mut(96 * 3) {
        row[..48 * 3].fill(255);
    }
    check(
        "half clear",
        include_bytes!("../samples/half_clear.heic"),
        &rgb,
    );
}

#[test]
fn a_heic_is_turned_by_its_properties_or_by_its_exif_and_never_by_both() {
    // Its properties and its EXIF say the same.
    let turned = read(include_bytes!("../samples/turned.heic"), Detail::Luma);
    assert_eq!(turned.orientation, Orientation::Turned90);
    let exif = Item {
        kind: *b"Exif",
        data: [&[0; 4], drawn::exif(6, true).as_slice()].concat(),
        refers: vec![(*b"cdsc", vec![1])],
        ..Item::default()
    };
    let file = boxes::file(b"heic", 1, &[ramp(), exif]);
    assert_eq!(read(&file, Detail::Luma).orientation, Orientation::Turned90);
}

#[test]
fn turns_and_mirrors_of_a_heic_are_done_one_after_the_other() {
    for (properties, orientation) in [
        (vec![boxes::irot(1)], Orientation::Turned270),
        (vec![boxes::irot(2)], Orientation::Turned180),
        (vec![boxes::irot(3)], Orientation::Turned90),
        (vec![boxes::imir(0)], Orientation::Flipped),
        (vec![boxes::imir(1)], Orientation::Mirrored),
        // Left, then mirrored: as one mirror along the diagonal from the top right.
        (
            vec![boxes::irot(1), boxes::imir(1)],
            Orientation::Transversed,
        ),
        (
            vec![boxes::irot(3), boxes::imir(1)],
            Orientation::Transposed,
        ),
    ] {
        let photo = read(&ramp_with(&properties), Detail::Luma);
        assert_eq!(photo.orientation, orientation, "{properties:?}");
    }
}

#[test]
fn a_clean_aperture_cuts_a_heic() {
    let photo = read(&ramp_with(&[boxes::clap(40, 32, -28, 16)]), Detail::Colour);
    assert_eq!((photo.width_px, photo.height_px), (40, 32));
    let whole = Drawing::new(SIDES.0, SIDES.1).rgb;
    // Its middle is 14 px left of the picture's and 8 px below: it starts at 14 and 24.
    let part = whole.chunks_exact(96 * 3).skip(24).take(32);
    let part: Vec<u8> = part.flat_map(|row| row[14 * 3..54 * 3].to_vec()).collect();
    let Pixels::Rgb(pixels) = photo.pixels else {
        panic!("colours were asked for")
    };
    assert!(mean_difference(&pixels, &part) < 2.0);
}

/// Two by two of the ramp, cut on the right and below, as phones write their photos.
fn tiles() -> Vec<u8> {
    let mut items = vec![ramp(); 4];
    items.push(boxes::grid(2, 2, (180, 120), vec![1, 2, 3, 4]));
    boxes::file(b"heic", 5, &items)
}

#[test]
fn a_grid_of_tiles_is_one_picture() {
    let tile = Drawing::new(SIDES.0, SIDES.1).rgb;
    let rgb: Vec<u8> = (0..120)
        .flat_map(|y| {
            (0..180)
                .flat_map(move |x| [x % 96, y % 64])
                .collect::<Vec<usize>>()
        })
        .collect::<Vec<_>>()
        .chunks_exact(2)
        .flat_map(|at| tile[(at[1] * 96 + at[0]) * 3..][..3].to_vec())
        .collect();
    check("grid", &tiles(), &rgb);
}

#[test]
fn a_derived_heic_and_one_with_a_gain_map_are_their_plain_picture() {
    let rgb = Drawing::new(SIDES.0, SIDES.1).rgb;
    for kind in [b"iden", b"tmap"] {
        let derived = Item {
            kind: *kind,
            properties: vec![boxes::ispe(96, 64)],
            refers: vec![(*b"dimg", vec![1, 2])],
            ..Item::default()
        };
        let file = boxes::file(b"heic", 3, &[ramp(), ramp(), derived]);
        check("derived", &file, &rgb);
    }
}

#[test]
fn a_heic_by_any_brand_is_read_by_what_is_inside() {
    let rgb = Drawing::new(SIDES.0, SIDES.1).rgb;
    check("generic brand", &boxes::file(b"mif1", 1, &[ramp()]), &rgb);
    let film = [
        boxes::boxed(b"ftyp", b"msf1\0\0\0\0hevc"),
        boxes::boxed(b"moov", &[]),
    ]
    .concat();
    let refused = decode(&film, Detail::Luma, &Limits::default()).err();
    assert_eq!(refused, Some(Reason::UnsupportedFormat));
}

#[test]
fn a_heic_that_lies_about_its_sides_is_refused() {
    let lie = |width, height, limits: &Limits| {
        let item = boxes::coded(RAMP, b"hvc1", b"hvcC", (width, height));
        decode(&boxes::file(b"heic", 1, &[item]), Detail::Luma, limits).err()
    };
    let limits = Limits::default();
    assert_eq!(lie(60_000, 60_000, &limits), Some(Reason::TooManyPixels));
    assert_eq!(lie(70_000, 20, &limits), Some(Reason::TooLong));
    assert_eq!(lie(8, 64, &limits), Some(Reason::TooSmall));
    assert_eq!(lie(97, 64, &limits), Some(Reason::Corrupt));
    // The stream is larger than the container says: it is cut, unless it is much larger.
    assert_eq!(lie(95, 63, &limits), None);
}

#[test]
fn tiles_that_share_their_bytes_or_come_to_too_much_are_refused() {
    let grid = |columns: u8, limits: &Limits| {
        let numbers = vec![1; usize::from(columns) * 200];
        let grid = boxes::grid(200, columns, (180, 120), numbers);
        decode(
            &boxes::file(b"heic", 2, &[ramp(), grid]),
            Detail::Luma,
            limits,
        )
        .err()
    };
    assert_eq!(grid(2, &Limits::default()), Some(Reason::Corrupt));
    let limits = Limits {
        pixels_max: 180 * 120,
        ..Limits::default()
    };
    assert_eq!(grid(2, &limits), Some(Reason::TooManyPixels));
}
