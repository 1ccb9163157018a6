//! PDF as scanners, offices and the hostile write it, put together object by object.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use photo::{Detail, Format, Limits, Orientation, Photo, Pixels, Reason, decode, decode_sheet};

use crate::drawn::{self, Drawing, JpegOptions};

const SIDES: (u32, u32) = (64, 48);

/// A document of these objects, numbered from 1; the first is the catalogue.
pub(crate) fn document(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (object, number) in objects.iter().zip(1..) {
        places.push(file.len());
        file.extend(format!("{number} 0 obj\n").into_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).into_bytes());
    for place in &places {
        file.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    let size = places.len() + 1;
    file.extend(
        format!("trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF").into_bytes(),
    );
    file
}

pub(crate) fn stream(head: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<<{head}/Length {}>>stream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

/// A page for each picture, which it draws turned by this matrix.
fn pages(pictures: &[Vec<u8>], page: &str, matrix: &str) -> Vec<u8> {
    let first = 3;
    let kids: String = (0..pictures.len())
        .map(|at| format!("{} 0 R ", first + 3 * at))
        .collect();
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        format!("<</Type/Pages/Count {}/Kids[{kids}]>>", pictures.len()).into_bytes(),
    ];
    for (picture, at) in pictures.iter().zip(0..) {
        let (content, object) = (first + 3 * at + 1, first + 3 * at + 2);
        objects.push(
            format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 640 480]{page}/Contents {content} 0 R\
                 /Resources<</XObject<</Im0 {object} 0 R>>>>>>"
            )
            .into_bytes(),
        );
        objects.push(stream(
            "",
            format!("q {matrix} 0 0 cm /Im0 Do Q").as_bytes(),
        ));
        objects.push(picture.clone());
    }
    document(&objects)
}

fn picture(more: &str, data: &[u8]) -> Vec<u8> {
    let (width, height) = SIDES;
    stream(
        &format!("/Type/XObject/Subtype/Image/Width {width}/Height {height}{more}"),
        data,
    )
}

pub(crate) fn one(more: &str, data: &[u8]) -> Vec<u8> {
    pages(&[picture(more, data)], "", "640 0 0 480")
}

pub(crate) fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).expect("in memory");
    encoder.finish().expect("in memory")
}

fn drawing() -> Drawing {
    Drawing::new(SIDES.0, SIDES.1)
}

fn read(file: &[u8]) -> Result<Photo, Reason> {
    drawn::start_sandbox();
    decode(file, Detail::Colour, &Limits::default())
}

fn check(name: &str, file: &[u8], expected: &Pixels) {
    let photo = read(file).expect(name);
    assert_eq!(photo.format, Format::Pdf);
    assert!(photo.pixels == *expected, "{name}: other pixels");
}

pub(crate) fn jpeg() -> Vec<u8> {
    drawn::jpeg(64, 48, &drawing().rgb, JpegOptions::default())
}

#[test]
fn a_jpeg_on_a_page_gives_the_pixels_of_the_jpeg() {
    let jpeg = jpeg();
    let alone = decode(&jpeg, Detail::Colour, &Limits::default()).expect("jpeg");
    let rgb = "/ColorSpace/DeviceRGB/BitsPerComponent 8";
    let plain = one(&format!("{rgb}/Filter/DCTDecode"), &jpeg);
    check("plain", &plain, &alone.pixels);
    let outer = one(
        &format!("{rgb}/Filter[/FlateDecode/DCTDecode]"),
        &deflated(&jpeg),
    );
    check("deflated", &outer, &alone.pixels);
    let hex: String = jpeg.iter().map(|byte| format!("{byte:02x}")).collect();
    let outer = one(
        &format!("{rgb}/Filter[/ASCIIHexDecode/DCTDecode]"),
        format!("{hex}>").as_bytes(),
    );
    check("as text", &outer, &alone.pixels);
}

#[test]
fn samples_of_every_kind_give_the_drawn_pixels() {
    let (rgb, red) = (drawing().rgb, drawing().red());
    let eight = "/BitsPerComponent 8";
    let file = one(&format!("/ColorSpace/DeviceRGB{eight}"), &rgb);
    check("not packed", &file, &Pixels::Rgb(rgb.clone()));
    let flate = format!("/Filter/FlateDecode{eight}");
    let file = one(&format!("/ColorSpace/DeviceRGB{flate}"), &deflated(&rgb));
    check("deflated", &file, &Pixels::Rgb(rgb.clone()));
    let file = one(&format!("/ColorSpace[/CalRGB<<>>]{flate}"), &deflated(&rgb));
    check("calibrated", &file, &Pixels::Rgb(rgb));
    let file = one(&format!("/ColorSpace/DeviceGray{flate}"), &deflated(&red));
    check("grey", &file, &Pixels::Luma(red.clone()));
    let turned: Vec<u8> = red.iter().map(|it| 255 - it).collect();
    let file = one(
        &format!("/ColorSpace/DeviceGray/Decode[1 0]{flate}"),
        &deflated(&turned),
    );
    check("from high to low", &file, &Pixels::Luma(red.clone()));
    let space = "/ColorSpace[/Separation/Black/DeviceGray<<>>]";
    let file = one(&format!("{space}{flate}"), &deflated(&turned));
    check("one ink", &file, &Pixels::Luma(red.clone()));
    let table: String = (0..=255)
        .map(|at| format!("{at:02x}{:02x}{:02x}", 255 - at, at / 2))
        .collect();
    let colours = red.iter().flat_map(|it| [*it, 255 - it, it / 2]).collect();
    let file = one(
        &format!("/ColorSpace[/Indexed/DeviceRGB 255<{table}>]{flate}"),
        &deflated(&red),
    );
    check("palette", &file, &Pixels::Rgb(colours));
    let inks: Vec<u8> = red.iter().flat_map(|it| [0, 0, 0, 255 - it]).collect();
    let greys = red.iter().flat_map(|it| [*it; 3]).collect();
    let file = one(&format!("/ColorSpace/DeviceCMYK{flate}"), &deflated(&inks));
    check("inks", &file, &Pixels::Rgb(greys));
    let wide: Vec<u8> = red.iter().flat_map(|it| [*it, 7]).collect();
    let file = one("/ColorSpace/DeviceGray/BitsPerComponent 16", &wide);
    check("16 bit", &file, &Pixels::Luma(red));
}

#[test]
fn samples_of_few_bits_reach_from_black_to_white() {
    let red = drawing().red();
    for bits in [1, 2, 4] {
        let rows = red.chunks(64).flat_map(|row| row.chunks(8 / bits));
        let pack = |samples: &[u8]| {
            samples.iter().fold(0_u8, |byte, it| {
                ((u16::from(byte) << bits) as u8) | it >> (8 - bits)
            })
        };
        let data: Vec<u8> = rows.map(pack).collect();
        let top = (1_u16 << bits) - 1;
        let full = |it: &u8| (u16::from(it >> (8 - bits)) * 255 / top) as u8;
        let expected = Pixels::Luma(red.iter().map(full).collect());
        let file = one(
            &format!("/ColorSpace/DeviceGray/BitsPerComponent {bits}"),
            &data,
        );
        check("few bits", &file, &expected);
        if bits == 1 {
            check("mask", &one("/ImageMask true", &data), &expected);
        }
    }
}

#[test]
fn a_picture_stands_as_its_page_shows_it() {
    let file = |page: &str, matrix: &str| {
        let data = deflated(&drawing().rgb);
        let more = "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode";
        pages(&[picture(more, &data)], page, matrix)
    };
    for (page, matrix, orientation) in [
        ("", "640 0 0 480", Orientation::Upright),
        ("/Rotate 90", "640 0 0 480", Orientation::Turned90),
        ("/Rotate 270", "640 0 0 480", Orientation::Turned270),
        ("/Rotate 180", "640 0 0 480", Orientation::Turned180),
        ("", "-640 0 0 480", Orientation::Mirrored),
        ("", "640 0 0 -480", Orientation::Flipped),
        ("", "0 640 -480 0", Orientation::Turned270),
        ("", "0 -640 480 0", Orientation::Turned90),
        ("/Rotate 90", "0 640 -480 0", Orientation::Upright),
        ("/Rotate -90", "0 -640 480 0", Orientation::Upright),
        ("", "0 640 480 0", Orientation::Transversed),
        ("", "0 -640 -480 0", Orientation::Transposed),
    ] {
        let photo = read(&file(page, matrix)).expect("a picture");
        assert_eq!(photo.orientation, orientation, "{page} {matrix}");
    }
}

#[test]
fn pictures_of_several_pages_are_looked_at_together_and_blank_ones_are_not() {
    drawn::start_sandbox();
    let more = "/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode";
    let grey = |shade: fn(usize) -> u8| {
        let data: Vec<u8> = (0..64 * 48).map(shade).collect();
        picture(more, &deflated(&data))
    };
    let ramp = || grey(|at| (at % 64 * 4) as u8);
    let checks = || grey(|at| if at / 8 % 2 == 0 { 20 } else { 230 });
    let white = || grey(|_| 255);
    let limits = Limits::default();
    let file = pages(&[white(), ramp(), white(), checks()], "", "1 0 0 1");
    let sheet = decode_sheet(&file, Detail::Luma, &limits).expect("a sheet");
    assert_eq!((sheet.width_px, sheet.height_px), (2 * 64 + 16, 48));
    let file = pages(&[white(), ramp()], "", "1 0 0 1");
    let photo = decode(&file, Detail::Luma, &limits).expect("a picture");
    let expected: Vec<u8> = (0..64 * 48).map(|at| (at % 64 * 4) as u8).collect();
    assert!(photo.pixels == Pixels::Luma(expected));
}

#[test]
fn a_picture_within_a_form_is_found_and_a_circle_of_forms_ends() {
    let form = |object: u32| {
        let head = format!("/Type/XObject/Subtype/Form/Resources<</XObject<</F {object} 0 R>>>>");
        stream(&head, b"/F Do /F Do")
    };
    let page =
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</F 5 0 R>>>>>>".to_vec();
    let objects = |form: Vec<u8>, last: Vec<u8>| {
        document(&[
            b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>".to_vec(),
            page.clone(),
            stream("", b"/F Do"),
            form,
            last,
        ])
    };
    let rgb = drawing().rgb;
    let within = picture("/ColorSpace/DeviceRGB/BitsPerComponent 8", &rgb);
    check("within", &objects(form(6), within), &Pixels::Rgb(rgb));
    assert_eq!(
        read(&objects(form(5), b"null".to_vec())).err(),
        Some(Reason::NoPicture)
    );
}

#[test]
fn a_document_without_pictures_says_so_and_so_does_one_that_is_locked() {
    assert_eq!(read(&pages(&[], "", "")).err(), Some(Reason::NoPicture));
    let text = document(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>".to_vec(),
        stream("", b"BT (no picture) Tj ET"),
    ]);
    assert_eq!(read(&text).err(), Some(Reason::NoPicture));
    let mut locked = one("/ColorSpace/DeviceRGB/BitsPerComponent 8", &drawing().rgb);
    let at = locked
        .windows(7)
        .position(|it| it == b"trailer")
        .expect("it has one")
        + 9;
    let zeros = "00".repeat(32);
    let lock = format!(
        "/ID[<00><00>]/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P -4/O<{zeros}>/U<{zeros}>>>"
    );
    locked.splice(at..at, lock.into_bytes());
    assert_eq!(read(&locked).err(), Some(Reason::Encrypted));
    assert_eq!(
        read(b"%PDF-1.7 and nothing else").err(),
        Some(Reason::Corrupt)
    );
}

#[test]
fn a_picture_that_cannot_be_read_leaves_the_others() {
    let good = picture("/ColorSpace/DeviceRGB/BitsPerComponent 8", &drawing().rgb);
    let bad = stream(
        "/Type/XObject/Subtype/Image/Width 640/Height 480/ColorSpace/DeviceGray/Filter/JBIG2Decode",
        b"what",
    );
    let photo = read(&pages(&[bad.clone(), good], "", "1 0 0 1")).expect("the other one");
    assert!(photo.pixels == Pixels::Rgb(drawing().rgb));
    assert_eq!(
        read(&pages(&[bad], "", "1 0 0 1")).err(),
        Some(Reason::Corrupt)
    );
}

/// What unpacks to more than there is memory or time for ends the child, and not this process.
#[test]
fn bombs_are_refused() {
    let eight = "/ColorSpace/DeviceGray/BitsPerComponent 8";
    let zeros = deflated(&vec![0; 256 << 20]);
    let twice = deflated(&zeros);
    let filters = "/FlateDecode".repeat(2);
    let sides = "/Type/XObject/Subtype/Image/Width 100/Height 100";
    let bomb = stream(&format!("{sides}{eight}/Filter[{filters}]"), &twice);
    // All of it is zeros: a picture is there, and the memory was enough; or a reason.
    let _ = read(&pages(&[bomb], "", "1 0 0 1"));
    let deep = stream(
        &format!("{sides}{eight}/Filter[{}]", "/FlateDecode".repeat(100)),
        &twice,
    );
    assert_eq!(
        read(&pages(&[deep], "", "1 0 0 1")).err(),
        Some(Reason::UnsupportedFormat)
    );
    let huge = stream(
        &format!("/Subtype/Image/Width 60000/Height 60000{eight}/Filter/FlateDecode"),
        &zeros,
    );
    assert_eq!(
        read(&pages(&[huge], "", "1 0 0 1")).err(),
        Some(Reason::TooManyPixels)
    );
    let content = stream("/Filter/FlateDecode", &zeros);
    let page =
        b"<</Type/Page/Parent 2 0 R/Contents[4 0 R 4 0 R 4 0 R 4 0 R 4 0 R 4 0 R]>>".to_vec();
    let many = document(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>".to_vec(),
        page,
        content,
    ]);
    assert!(read(&many).is_err());
}

#[test]
fn circles_and_depths_of_objects_end() {
    let nested = "[".repeat(100_000);
    for (name, objects) in [
        (
            "pages",
            vec![
                "<</Type/Catalog/Pages 2 0 R>>",
                "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>",
            ],
        ),
        (
            "an object that is itself",
            vec!["<</Type/Catalog/Pages 2 0 R>>", "2 0 R"],
        ),
        ("arrays", vec!["<</Type/Catalog/Pages 2 0 R>>", &nested]),
    ] {
        let objects: Vec<Vec<u8>> = objects.iter().map(|it| it.as_bytes().to_vec()).collect();
        assert!(read(&document(&objects)).is_err(), "{name}");
    }
}

#[test]
fn a_picture_that_cannot_be_read_is_said_to_be_missing() {
    drawn::start_sandbox();
    let good = || picture("/ColorSpace/DeviceRGB/BitsPerComponent 8", &drawing().rgb);
    let named = |sides: &str, filter: &str, data: &[u8]| {
        let head =
            format!("/Type/XObject/Subtype/Image{sides}/ColorSpace/DeviceGray/Filter/{filter}");
        stream(&head, data)
    };
    let sides = |side: u32| format!("/Width {side}/Height {side}");
    let is_partial = |pictures: &[Vec<u8>]| {
        let file = pages(pictures, "", "1 0 0 1");
        let sheet = decode_sheet(&file, Detail::Luma, &Limits::default()).expect("one is good");
        sheet.is_partial
    };
    assert!(!is_partial(&[good()]));
    assert!(is_partial(&[
        good(),
        named(&sides(640), "DCTDecode", b"what")
    ]));
    assert!(is_partial(&[
        good(),
        named(&sides(60_000), "FlateDecode", b"what")
    ]));
    // A rule on the page.
    assert!(!is_partial(&[
        good(),
        named(&sides(8), "DCTDecode", b"what")
    ]));
    assert!(is_partial(&vec![good(); 65]));
}

#[test]
fn pictures_that_state_a_size_and_cannot_be_read_hide_none() {
    let good = picture("/ColorSpace/DeviceRGB/BitsPerComponent 8", &drawing().rgb);
    let eight = "/Type/XObject/Subtype/Image/ColorSpace/DeviceGray/BitsPerComponent 8";
    let head = format!("{eight}/Width 8000/Height 8000/Filter");
    let jpeg = jpeg();
    for broken in [
        stream(&format!("{head}/DCTDecode"), &jpeg[..jpeg.len() / 8]),
        stream(&format!("{head}/FlateDecode"), b"what"),
        stream(&format!("{head}/JPXDecode"), b"what"),
    ] {
        let mut pictures = vec![broken; 20];
        pictures.push(good.clone());
        let photo = read(&pages(&pictures, "", "1 0 0 1")).expect("the last one");
        assert!(photo.pixels == Pixels::Rgb(drawing().rgb));
        assert!(photo.is_partial);
    }
}

/// Its process is ended for it, and another one reads the rest.
#[test]
fn a_picture_that_ends_the_process_hides_none() {
    let good = picture("/ColorSpace/DeviceRGB/BitsPerComponent 8", &drawing().rgb);
    let sides = "/Type/XObject/Subtype/Image/Width 100/Height 100";
    // Runs of 128: more than the process may have of memory.
    let runs = [129, 0].repeat(10 << 20);
    let filters = "/Filter[/FlateDecode/RunLengthDecode]";
    let bomb = stream(
        &format!("{sides}/ColorSpace/DeviceGray/BitsPerComponent 8{filters}"),
        &deflated(&runs),
    );
    let photo = read(&pages(&[bomb, good], "", "1 0 0 1")).expect("the other one");
    assert!(photo.pixels == Pixels::Rgb(drawing().rgb));
    assert!(photo.is_partial);
}

/// A page with this content, which draws these objects: `Im0` is the first.
fn drawn_by(content: &str, objects: &[Vec<u8>]) -> Vec<u8> {
    let first = 5;
    let names = (0..objects.len()).map(|at| format!("/Im{at} {} 0 R", first + at));
    let names: String = names.collect();
    let page = format!(
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 640 480]/Contents 4 0 R/Resources<</XObject<<{names}>>>>>>"
    );
    let mut all = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>".to_vec(),
        page.into_bytes(),
        stream("", content.as_bytes()),
    ];
    all.extend_from_slice(objects);
    document(&all)
}

/// Bits as they are written, in whole bytes.
fn bits(text: &str) -> Vec<u8> {
    let bits: Vec<u8> = text
        .bytes()
        .filter(|it| *it != b' ')
        .map(|it| it - b'0')
        .collect();
    let byte = |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | bit) << (8 - bits.len());
    bits.chunks(8).map(byte).collect()
}

/// A page of JBIG2 that is white on the left and black on the right, by the codes of a fax.
fn jbig2() -> Vec<u8> {
    let sides = [SIDES.0.to_be_bytes(), SIDES.1.to_be_bytes()].concat();
    let segment = |number: u32, kind: u8, data: &[u8]| {
        let length = (data.len() as u32).to_be_bytes();
        [&number.to_be_bytes(), &[kind, 0, 1][..], &length, data].concat()
    };
    // 32 white, 32 black; then rows that change where the one before does; the end.
    let rows = format!(
        "001 00011011 000001101010 {} 000000000001 000000000001",
        "11".repeat(47)
    );
    let page = [&sides[..], &[0; 8], &[0, 0, 0]].concat();
    let region = [&sides[..], &[0; 8], &[0, 1], &bits(&rows)].concat();
    [segment(0, 48, &page), segment(1, 38, &region)].concat()
}

#[test]
fn black_and_white_of_jbig2_is_read() {
    let expected = (0..SIDES.0 * SIDES.1).map(|at| if at % 64 < 32 { 255 } else { 0 });
    let one_bit = "/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/JBIG2Decode";
    let file = one(one_bit, &jbig2());
    check("jbig2", &file, &Pixels::Luma(expected.collect()));
    let cut = &jbig2()[..40];
    assert!(read(&one(one_bit, cut)).is_err());
}

#[test]
fn what_a_soft_mask_hides_is_white() {
    let head = |more: &str| format!("/Type/XObject/Subtype/Image/BitsPerComponent 8{more}");
    let mask = head("/Width 2/Height 1/ColorSpace/DeviceGray");
    let sides = format!("/Width {}/Height {}", SIDES.0, SIDES.1);
    let more = format!("{sides}/ColorSpace/DeviceRGB/SMask 6 0 R");
    let objects = [
        stream(&head(&more), &drawing().rgb),
        stream(&mask, &[0, 255]),
    ];
    let file = drawn_by("q 640 0 0 480 0 0 cm /Im0 Do Q", &objects);
    let pixels = drawing().rgb.into_iter().zip(0..);
    let expected = pixels.map(|(it, at)| if at / 3 % 64 < 32 { 255 } else { it });
    check("half of it", &file, &Pixels::Rgb(expected.collect()));
    assert!(!read(&file).expect("a picture").is_partial);
}

#[test]
fn a_picture_within_the_content_of_a_page_is_read() {
    let hex: String = drawing()
        .red()
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    let head = format!("/W {} /H {} /CS /G /BPC 8 /F /AHx", SIDES.0, SIDES.1);
    let content = format!("q 640 0 0 480 0 0 cm BI {head} ID {hex}> EI Q");
    check(
        "inline",
        &drawn_by(&content, &[]),
        &Pixels::Luma(drawing().red()),
    );
}

#[test]
fn a_page_that_was_cut_into_strips_is_one_picture() {
    let strip = |at: usize| {
        let rows = &drawing().rgb[at * 64 * 16 * 3..][..64 * 16 * 3];
        let head = "/Type/XObject/Subtype/Image/BitsPerComponent 8/ColorSpace/DeviceRGB";
        stream(&format!("{head}/Width 64/Height 16"), rows)
    };
    let strips = [strip(0), strip(1), strip(2)];
    let place = |at: i32| format!("q 640 0 0 160 0 {} cm /Im{at} Do Q ", 320 - 160 * at);
    let down: String = (0..3).map(place).collect();
    let up: String = (0..3).rev().map(place).collect();
    for content in [down, up] {
        let file = drawn_by(&content, &strips);
        check("strips", &file, &Pixels::Rgb(drawing().rgb));
        let sheet = decode_sheet(&file, Detail::Luma, &Limits::default()).expect("one");
        assert_eq!((sheet.width_px, sheet.is_partial), (SIDES.0, false));
    }
    // With a gap between them they are pictures of their own.
    let apart: String = (0..3)
        .map(|at| place(at).replace("160 0", "150 0"))
        .collect();
    let photo = read(&drawn_by(&apart, &strips)).expect("a strip");
    assert_eq!(photo.height_px, 16);
}

/// One document of each kind, to be hurt.
pub(crate) fn samples() -> Vec<Vec<u8>> {
    let rgb = "/ColorSpace/DeviceRGB/BitsPerComponent 8";
    let one_bit = "/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/JBIG2Decode";
    vec![
        one(&format!("{rgb}/Filter/DCTDecode"), &jpeg()),
        one(
            &format!("{rgb}/Filter/FlateDecode"),
            &deflated(&drawing().rgb),
        ),
        one(one_bit, &jbig2()),
        drawn_by(
            "q 9 0 0 9 0 0 cm BI /W 2 /H 2 /CS /G /BPC 8 ID abcd EI Q",
            &[],
        ),
    ]
}
