//! Animations and documents of several pages: a photo behind a blank frame is seen.

use photo::{Detail, FrameUnit, Limits, Photo, Pixels, Reason, decode, decode_sheet};
use tiff::encoder::{TiffEncoder, colortype};

use crate::drawn::{self, Drawing};

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;

/// Two pictures that differ, and a white one.
fn ramp() -> Vec<u8> {
    Drawing::new(WIDTH, HEIGHT).red()
}

fn checks() -> Vec<u8> {
    let at = |x: u32, y: u32| {
        if (x / 16 + y / 16).is_multiple_of(2) {
            30
        } else {
            220
        }
    };
    (0..HEIGHT)
        .flat_map(|y| (0..WIDTH).map(move |x| at(x, y)))
        .collect()
}

fn white() -> Vec<u8> {
    vec![255; (WIDTH * HEIGHT) as usize]
}

type Frames = Vec<(Vec<u8>, u16)>;

/// An animation of grey frames, each shown for so many hundredths of a second.
fn gif(frames: &Frames) -> Vec<u8> {
    let frames = frames.iter().map(|(grey, delay)| gif::Frame {
        delay: *delay,
        ..drawn::gif_frame(WIDTH as u16, HEIGHT as u16, grey.clone())
    });
    let frames: Vec<_> = frames.collect();
    drawn::gif(
        (WIDTH as u16, HEIGHT as u16),
        &drawn::grey_palette(),
        &frames,
    )
}

/// The first of them is the default picture, and in the animation if `shown`.
fn apng(frames: &Frames, shown: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Grayscale);
    let count = frames.len() - usize::from(!shown);
    encoder.set_animated(count as u32, 0).expect("animated");
    encoder.set_sep_def_img(!shown).expect("before the header");
    let mut writer = encoder.write_header().expect("header");
    for (at, (grey, delay)) in frames.iter().enumerate() {
        if shown || at > 0 {
            writer.set_frame_delay(*delay, 100).expect("delay");
        }
        writer.write_image_data(grey).expect("frame");
    }
    writer.finish().expect("end");
    file
}

fn webp(frames: &Frames) -> Vec<u8> {
    let frames = frames.iter().map(|(grey, delay)| {
        let rgba: Vec<u8> = grey.iter().flat_map(|it| [*it, *it, *it, 255]).collect();
        let still = drawn::webp_lossless(WIDTH, HEIGHT, &rgba);
        let mut frame = drawn::anmf(0, 0, WIDTH, HEIGHT, &still[12..]);
        frame[8 + 12..8 + 15].copy_from_slice(&(u32::from(*delay) * 10).to_le_bytes()[..3]);
        frame
    });
    let header = [
        drawn::vp8x(2, WIDTH, HEIGHT),
        drawn::riff_chunk(b"ANIM", &[0; 6]),
    ];
    drawn::webp(&header.into_iter().chain(frames).collect::<Vec<_>>())
}

fn tiff(pages: &[(Vec<u8>, u32)]) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).expect("header");
    for (grey, width) in pages {
        let height = grey.len() as u32 / width;
        encoder
            .write_image::<colortype::Gray8>(*width, height, grey)
            .expect("page");
    }
    file.into_inner()
}

fn still(file: &[u8]) -> Photo {
    decode(file, Detail::Luma, &Limits::default()).expect("drawn")
}

fn is(photo: &Photo, grey: &[u8]) -> bool {
    matches!(&photo.pixels, Pixels::Luma(luma) if luma == grey)
}

#[test]
fn a_blank_first_frame_hides_nothing() {
    let frames = vec![(white(), 30), (ramp(), 10)];
    for (name, file) in [
        ("gif", gif(&frames)),
        ("apng", apng(&frames, true)),
        ("webp", webp(&frames)),
        ("tiff", tiff(&[(white(), WIDTH), (ramp(), WIDTH)])),
    ] {
        assert!(is(&still(&file), &ramp()), "{name}");
        let sheet = decode_sheet(&file, Detail::Luma, &Limits::default()).expect("drawn");
        assert!(is(&sheet, &ramp()), "{name}: one frame needs no sheet");
    }
}

#[test]
fn a_transparent_first_frame_hides_nothing() {
    let clear = gif::Frame {
        transparent: Some(0),
        ..drawn::gif_frame(WIDTH as u16, HEIGHT as u16, vec![0; white().len()])
    };
    let photo = drawn::gif_frame(WIDTH as u16, HEIGHT as u16, ramp());
    let sides = (WIDTH as u16, HEIGHT as u16);
    let file = drawn::gif(sides, &drawn::grey_palette(), &[clear, photo]);
    assert!(is(&still(&file), &ramp()));
}

#[test]
fn a_default_picture_that_browsers_never_show_is_not_looked_at() {
    let file = apng(&vec![(checks(), 0), (ramp(), 10)], false);
    assert!(is(&still(&file), &ramp()));
}

#[test]
fn frames_that_differ_stand_on_one_sheet_and_those_alike_once() {
    let frames = vec![(ramp(), 10), (checks(), 10), (ramp(), 10), (white(), 90)];
    for (name, file) in [
        ("gif", gif(&frames)),
        ("apng", apng(&frames, true)),
        ("webp", webp(&frames)),
        ("tiff", tiff(&[(ramp(), WIDTH), (checks(), WIDTH)])),
    ] {
        let sheet = decode_sheet(&file, Detail::Luma, &Limits::default()).expect("drawn");
        let (width, height) = (WIDTH as usize, HEIGHT as usize);
        assert_eq!(sheet.width_px as usize, 2 * width + 16, "{name}");
        assert_eq!(sheet.height_px as usize, height, "{name}");
        let Pixels::Luma(luma) = &sheet.pixels else {
            panic!("luma was asked for")
        };
        for y in 0..height {
            let row = &luma[y * (2 * width + 16)..][..2 * width + 16];
            assert_eq!(row[..width], ramp()[y * width..][..width], "{name}");
            assert_eq!(row[width..width + 16], [255; 16], "{name}");
            assert_eq!(row[width + 16..], checks()[y * width..][..width], "{name}");
        }
        assert!(is(&still(&file), &ramp()), "{name}: the first one alone");
    }
}

#[test]
fn of_many_frames_those_shown_longest_are_taken() {
    let shade = |at: u8| (0..white().len()).map(move |it| if it % 64 < 32 { at } else { 255 - at });
    let mut frames: Frames = (0..8).map(|at| (shade(at * 15).collect(), 2)).collect();
    frames.push((ramp(), 500));
    let sheet = decode_sheet(&gif(&frames), Detail::Luma, &Limits::default()).expect("drawn");
    assert_eq!(
        (sheet.width_px, sheet.height_px),
        (2 * WIDTH + 16, 2 * HEIGHT + 16)
    );
    let Pixels::Luma(luma) = &sheet.pixels else {
        panic!("luma was asked for")
    };
    let last = &luma[((HEIGHT + 16) * (2 * WIDTH + 16) + WIDTH + 16) as usize..][..WIDTH as usize];
    assert_eq!(last, &ramp()[..WIDTH as usize]);
}

#[test]
fn a_frame_that_is_a_part_is_drawn_on_what_was_before() {
    let whole = drawn::gif_frame(WIDTH as u16, HEIGHT as u16, white());
    let mut part = drawn::gif_frame(32, HEIGHT as u16, vec![0; 32 * HEIGHT as usize]);
    part.left = 32;
    let sides = (WIDTH as u16, HEIGHT as u16);
    let file = drawn::gif(sides, &drawn::grey_palette(), &[whole, part]);
    let half: Vec<u8> = (0..white().len())
        .map(|it| if it % 64 < 32 { 255 } else { 0 })
        .collect();
    assert!(is(&still(&file), &half));
}

#[test]
fn the_largest_page_is_the_picture() {
    let small = ramp()[..32 * 24].to_vec();
    let file = tiff(&[(small, 32), (checks(), WIDTH)]);
    assert!(is(&still(&file), &checks()));
}

#[test]
fn an_animation_that_breaks_off_has_the_frames_before() {
    let file = gif(&vec![(white(), 10), (ramp(), 10), (checks(), 10)]);
    assert!(is(&still(&file[..file.len() - 40]), &ramp()));
}

/// The sheet of a file, and whether it says that something is missing.
fn is_partial(file: &[u8], limits: &Limits) -> bool {
    let sheet = decode_sheet(file, Detail::Luma, limits).expect("something can be read");
    sheet.is_partial
}

#[test]
fn a_file_whose_frames_can_all_be_read_is_whole() {
    let frames = vec![(ramp(), 10), (checks(), 10), (white(), 10)];
    let pages = [(ramp(), WIDTH), (white(), WIDTH), (vec![9; 64], 8)];
    for (name, file) in [
        ("gif", gif(&frames)),
        ("gif of one frame", gif(&vec![(ramp(), 0)])),
        ("apng", apng(&frames, true)),
        ("apng and another picture", apng(&frames, false)),
        ("webp", webp(&frames)),
        ("tiff and a mark", tiff(&pages)),
        ("tiff of one page", tiff(&pages[..1])),
    ] {
        assert!(!is_partial(&file, &Limits::default()), "{name}");
    }
}

#[test]
fn a_file_of_one_frame_that_is_too_large_for_two_is_whole() {
    let limits = Limits {
        pixels_max: u64::from(WIDTH * HEIGHT),
        ..Limits::default()
    };
    let (one, two) = (vec![(ramp(), 10)], vec![(ramp(), 10), (checks(), 10)]);
    let page = |grey| (grey, WIDTH);
    for (name, one, two) in [
        ("gif", gif(&one), gif(&two)),
        ("apng", apng(&one, true), apng(&two, true)),
        ("webp", webp(&one), webp(&two)),
        (
            "tiff",
            tiff(&[page(ramp())]),
            tiff(&[page(ramp()), page(checks())]),
        ),
    ] {
        assert!(!is_partial(&one, &limits), "{name}");
        assert!(is_partial(&two, &limits), "{name}: the second is missed");
    }
}

#[test]
fn an_animation_that_breaks_off_is_partial() {
    let frames = vec![(ramp(), 10), (checks(), 10), (white(), 10)];
    for (name, file) in [
        ("gif", gif(&frames)),
        ("apng", apng(&frames, true)),
        ("webp", webp(&frames)),
    ] {
        let cut = &file[..file.len() - 40];
        assert!(is_partial(cut, &Limits::default()), "{name}");
    }
}

/// The same file, with this page packed in a way that nobody knows.
fn with_hurt_page(mut file: Vec<u8>, page: usize) -> Vec<u8> {
    let plain = [0x03, 0x01, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0];
    let mut places = file.windows(plain.len()).enumerate();
    let place = places.by_ref().filter(|(_, it)| *it == plain).nth(page);
    let at = place.expect("it has that many pages").0;
    file[at + 8] = 99;
    file
}

#[test]
fn a_page_that_cannot_be_read_is_said_to_be_missing_and_hides_no_other() {
    let small = ramp()[..32 * 24].to_vec();
    let pages = [(small.clone(), 32), (checks(), WIDTH), (ramp(), WIDTH)];
    for (hurt, shown) in [(0, checks()), (1, ramp()), (2, checks())] {
        let file = with_hurt_page(tiff(&pages), hurt);
        assert!(is(&still(&file), &shown), "{hurt}");
        assert!(is_partial(&file, &Limits::default()), "{hurt}");
    }
    let file = with_hurt_page(tiff(&pages[1..]), 0);
    let photo = still(&file);
    assert!(is(&photo, &ramp()) && photo.is_partial, "the next largest");
    let file = with_hurt_page(tiff(&pages[1..2]), 0);
    let refused = decode(&file, Detail::Luma, &Limits::default()).err();
    assert_eq!(
        refused,
        Some(Reason::UnsupportedFormat),
        "there is no other"
    );
}

#[test]
fn no_thumbnail_passes_for_a_photo_that_is_too_large() {
    let small = ramp()[..32 * 24].to_vec();
    let file = tiff(&[(checks(), WIDTH), (small, 32)]);
    let limits = Limits {
        pixels_max: u64::from(WIDTH * HEIGHT) - 1,
        ..Limits::default()
    };
    for decode in [decode, decode_sheet] {
        let refused = decode(&file, Detail::Luma, &limits).err();
        assert_eq!(refused, Some(Reason::TooManyPixels));
    }
}

#[test]
fn of_more_pages_than_are_looked_at_some_are_missing() {
    let shade = |at: u32| -> Vec<u8> {
        let shade = |it: u32| if it % 64 < 32 { at * 15 } else { 255 - at * 15 };
        (0..WIDTH * HEIGHT).map(|it| shade(it) as u8).collect()
    };
    let pages = |count| -> Vec<_> { (0..count).map(|at| (shade(at), WIDTH)).collect() };
    assert!(!is_partial(&tiff(&pages(4)), &Limits::default()));
    assert!(is_partial(&tiff(&pages(5)), &Limits::default()));
    let frames = (0..5).map(|at| (shade(at), 10)).collect();
    assert!(
        !is_partial(&gif(&frames), &Limits::default()),
        "moments of one"
    );
    let blank = vec![(white(), WIDTH); 80];
    assert!(
        is_partial(&tiff(&blank), &Limits::default()),
        "nobody saw them"
    );
}

#[test]
fn a_picture_tells_which_frames_or_pages_it_shows() {
    let sheet = |file: &[u8]| decode_sheet(file, Detail::Luma, &Limits::default()).expect("drawn");
    let frames = vec![(white(), 10), (ramp(), 10), (white(), 10), (checks(), 10)];
    for (name, file) in [
        ("gif", gif(&frames)),
        ("apng", apng(&frames, true)),
        ("webp", webp(&frames)),
    ] {
        let shown = sheet(&file).shown;
        assert_eq!((shown.unit, shown.count), (FrameUnit::Frame, 4), "{name}");
        let frames: Vec<_> = shown
            .frames
            .iter()
            .map(|it| (it.number, it.area_px))
            .collect();
        let expected = [
            (2, Some([0, 0, WIDTH, HEIGHT])),
            (4, Some([WIDTH + 16, 0, WIDTH, HEIGHT])),
        ];
        assert_eq!(frames, expected, "{name}");
    }
    let one = sheet(&gif(&frames[..2].to_vec())).shown;
    assert_eq!((one.count, one.frames.len()), (2, 1));
    assert_eq!((one.frames[0].number, one.frames[0].area_px), (2, None));
    let pages = [(white(), WIDTH), (ramp(), WIDTH)];
    let shown = sheet(&tiff(&pages)).shown;
    assert_eq!((shown.unit, shown.frames[0].number), (FrameUnit::Page, 2));
    for file in [gif(&vec![(ramp(), 0)]), tiff(&pages[1..])] {
        assert!(sheet(&file).shown.frames.is_empty(), "the only one");
    }
}
