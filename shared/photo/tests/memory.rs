//! The memory that `Limits::working_bytes_max` states is never exceeded, by measurement.
//!
//! One test, alone in its binary: the counter sees the whole process.
#![allow(missing_docs)]

#[path = "claims/boxes.rs"]
mod boxes;
mod counting;
#[path = "claims/drawn.rs"]
mod drawn;

use photo::{Detail, Limits, Reason};

use counting::measure;

/// The stated bound, and without what only the codes of a lossless WebP may take.
fn bounds(limits: &Limits) -> (usize, usize) {
    let stated = usize::try_from(limits.working_bytes_max()).expect("64 bit");
    (stated, stated - (64 << 20))
}

fn check(name: &str, file: &[u8], limits: &Limits) {
    for detail in [Detail::Luma, Detail::Colour] {
        let (refused, most) = measure(file, detail, limits);
        let (stated, tight) = bounds(limits);
        let bound = if name.contains("code groups") {
            stated
        } else {
            tight
        };
        eprintln!(
            "{name} {detail:?}: {} kB file, {} kB held, {:.1} % of the bound, {refused:?}",
            file.len() / 1000,
            most / 1000,
            most as f64 * 100.0 / bound as f64
        );
        assert!(
            most <= bound,
            "{name} {detail:?}: {most} bytes, bound {bound}"
        );
    }
}

/// A bit writer, lowest bit first, as lossless WebP reads.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) -> &mut Bits {
        for bit in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> bit & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
        self
    }

    /// A code whose only symbol is this.
    fn single(&mut self, symbol: u32) -> &mut Bits {
        self.put(0b101, 3).put(symbol, 8)
    }

    /// A code of 2048 symbols of 11 bits each, in 130 bytes.
    fn wide(&mut self) -> &mut Bits {
        self.put(0, 1).put(15 - 4, 4);
        for symbol in [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11] {
            self.put(u32::from(symbol == 16 || symbol == 11), 3);
        }
        self.put(1, 1).put(4, 3).put(343 - 2, 10); // that many lengths follow
        self.put(0, 1); // 11
        for _ in 0..341 {
            self.put(1, 1).put(3, 2); // the same again six times
        }
        self.put(0, 1)
    }
}

/// A lossless WebP of 64×64 with so many groups of the heaviest codes.
fn code_bomb(groups: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0x2f, 8).put(63, 14).put(63, 14).put(0, 4);
    bits.put(0, 1); // no transforms
    bits.put(1, 1).put(11, 4); // cache
    bits.put(1, 1).put(0, 3); // groups, for blocks of 4×4
    bits.put(0, 1); // their image: no cache, the last group everywhere
    bits.single((groups - 1) & 0xff)
        .single((groups - 1) >> 8)
        .single(0)
        .single(0)
        .single(0);
    for _ in 0..groups {
        bits.wide().single(0).single(0).single(0).single(0);
    }
    bits.bytes.extend([0; 8192]); // every pixel has its first symbol
    drawn::webp(&[drawn::riff_chunk(b"VP8L", &bits.bytes)])
}

/// Limits that the picture just meets, so that the bound is tight.
fn just(file: &[u8], pixels: u64) -> Limits {
    Limits {
        bytes_max: file.len(),
        pixels_max: pixels,
        side_px_min: 1,
        ..Limits::default()
    }
}

fn honest_pictures_stay_below_the_bound() {
    use jpeg_encoder::{ColorType, SamplingFactor};
    use tiff::encoder::{Compression, colortype};
    let drawing = drawn::Drawing::new(1000, 800);
    let (w, h, pixels, rgb, rgba) = (1000, 800, 800_000, &drawing.rgb, drawing.rgba());
    let sampling = SamplingFactor::F_1_1;
    for progressive in [false, true] {
        for (kind, samples, weight) in [
            (ColorType::Rgb, rgb, 1),
            (ColorType::Cmyk, &rgba, 2),
            (ColorType::CmykAsYcck, &rgba, 2),
        ] {
            let options = drawn::JpegOptions {
                kind,
                progressive,
                sampling,
                ..Default::default()
            };
            let file = drawn::jpeg(w, h, samples, options);
            check(
                &format!("jpeg {kind:?} progressive {progressive}"),
                &file,
                &just(&file, pixels * weight),
            );
        }
    }
    let sixteen = rgba
        .iter()
        .map(|sample| u16::from(*sample) << 8)
        .collect::<Vec<_>>();
    let bytes: Vec<u8> = sixteen
        .iter()
        .flat_map(|sample| sample.to_be_bytes())
        .collect();
    let frame = || drawn::gif_frame(1000, 800, drawing.red());
    let lossless = drawn::webp_lossless(w, h, &rgba);
    let animated = drawn::webp(&[
        drawn::vp8x(2, w, h),
        drawn::anmf(0, 0, w, h, &lossless[12..]),
    ]);
    for (name, file) in [
        (
            "png 16 bit",
            drawn::png(w, h, png::ColorType::Rgba, png::BitDepth::Sixteen, &bytes),
        ),
        (
            "gif",
            drawn::gif((1000, 800), &drawn::grey_palette(), &[frame(), frame()]),
        ),
        ("webp", lossless),
        ("webp animated", animated),
        (
            "bmp",
            drawn::bmp(w, h, &rgba, image::ExtendedColorType::Rgba8),
        ),
        (
            "tiff",
            drawn::tiff::<colortype::RGBA16>(w, h, &sixteen, Compression::Lzw),
        ),
        (
            "tiff cmyk",
            drawn::tiff::<colortype::CMYK16>(w, h, &sixteen, Compression::Packbits),
        ),
        #[cfg(feature = "heic")]
        ("heic in tiles", tiles()),
    ] {
        check(name, &file, &just(&file, pixels));
    }
    large_pictures_stay_below_the_bound_of_small_ones();
    let checks = |at: usize| if (at / 50).is_multiple_of(2) { 20 } else { 230 };
    let other = drawn::gif_frame(1000, 800, (0..800_000).map(checks).collect());
    let frames = [frame(), other.clone(), frame(), other];
    let file = drawn::gif((1000, 800), &drawn::grey_palette(), &frames);
    check("gif of frames that differ", &file, &just(&file, pixels * 4));
    #[cfg(feature = "heic")]
    check("heic of one piece", ONE_PIECE, &just(ONE_PIECE, pixels * 2));
}

/// Files of four times the pixels that are kept.
fn large_pictures_stay_below_the_bound_of_small_ones() {
    use tiff::encoder::{Compression, colortype};
    let drawing = drawn::Drawing::new(2000, 1600);
    let (w, h, rgb) = (2000, 1600, &drawing.rgb);
    let progressive = drawn::JpegOptions {
        progressive: true,
        ..Default::default()
    };
    let sixteen: Vec<u16> = drawing
        .rgba()
        .iter()
        .map(|it| u16::from(*it) << 8)
        .collect();
    let eight = png::BitDepth::Eight;
    for (name, file) in [
        (
            "large jpeg",
            drawn::jpeg(w, h, rgb, drawn::JpegOptions::default()),
        ),
        (
            "large progressive jpeg",
            drawn::jpeg(w, h, rgb, progressive),
        ),
        (
            "large png",
            drawn::png(w, h, png::ColorType::Rgba, eight, &drawing.rgba()),
        ),
        (
            "large tiff",
            drawn::tiff::<colortype::RGBA16>(w, h, &sixteen, Compression::Lzw),
        ),
    ] {
        let limits = Limits {
            reduced_px_max: 3_200_000,
            ..just(&file, 800_000)
        };
        check(name, &file, &limits);
    }
}

/// A HEIC of one piece, with as much colour as brightness.
#[cfg(feature = "heic")]
const ONE_PIECE: &[u8] = include_bytes!("samples/large_444.heic");

/// A hundred tiles, as phones write their photos.
#[cfg(feature = "heic")]
fn tiles() -> Vec<u8> {
    let ramp = include_bytes!("samples/ramp.heic");
    let mut items = vec![boxes::coded(ramp, b"hvc1", b"hvcC", (96, 64)); 100];
    items.push(boxes::grid(10, 10, (950, 640), (1..=100).collect()));
    boxes::file(b"heic", 101, &items)
}

/// Refused by the header alone: no more than a copy of the file and a few tables are held.
fn lies_about_the_dimensions_cost_nothing() {
    let files = drawn::one_of_each();
    let lie = |name: &str, at: usize, bytes: &[u8]| {
        let mut file = files
            .iter()
            .find(|file| file.0 == name)
            .expect("drawn")
            .1
            .clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        (name.to_owned(), file)
    };
    let frame = |name: &str, marker| {
        let file = &files.iter().find(|file| file.0 == name).expect("drawn").1;
        file.windows(2)
            .position(|pair| pair == [0xff, marker])
            .expect("a frame")
            + 5
    };
    #[cfg(feature = "heic")]
    let lie_in_box = |name: &str, kind: &[u8; 4], at: usize, bytes: &[u8]| {
        let file = &files.iter().find(|file| file.0 == name).expect("drawn").1;
        let place = file.windows(4).position(|it| it == kind).expect("a box") - 4;
        lie(name, place + at, bytes)
    };
    let mut gif = drawn::gif(
        (20, 20),
        &drawn::grey_palette(),
        &[drawn::gif_frame(1, 1, vec![0])],
    );
    let descriptor = gif.iter().rposition(|byte| *byte == b',').expect("a frame");
    gif[descriptor + 5..descriptor + 9].copy_from_slice(&[0xff; 4]);
    let big = drawn::riff_chunk(b"VP8L", &[0x2f, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0]);
    let frame_in_canvas = drawn::webp(&[drawn::vp8x(2, 20, 20), drawn::anmf(0, 0, 20, 20, &big)]);
    let canvas = drawn::webp(&[drawn::vp8x(0, 1 << 24, 1 << 24), big]);
    for (name, file) in [
        lie("jpeg", frame("jpeg", 0xc0), &[0xff; 4]),
        lie(
            "jpeg ycck progressive",
            frame("jpeg ycck progressive", 0xc2),
            &[0xff; 4],
        ),
        lie("png", 16, &[0x7f; 8]),
        lie("gif", 6, &[0xff; 4]),
        lie("bmp", 18, &[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]),
        lie("webp lossless", 21, &[0xff, 0xff, 0xff, 0x0f]),
        ("gif frame".to_owned(), gif),
        ("webp frame".to_owned(), frame_in_canvas),
        ("webp canvas".to_owned(), canvas),
        (
            "tiff".to_owned(),
            tiff_of(&[(0x100, 4, 1, u32::MAX), (0x101, 4, 1, u32::MAX)]),
        ),
        #[cfg(feature = "heic")]
        lie_in_box("heic", b"ispe", 12, &[0xff; 8]),
    ] {
        let (refused, most) = measure(&file, Detail::Colour, &Limits::default());
        assert_eq!(refused, Some(Reason::TooManyPixels), "{name}");
        assert!(most < 2 * file.len() + (64 << 10), "{name}: {most} bytes");
    }
}

/// A TIFF of one directory with these entries: tag, type, count, value or offset.
fn tiff_of(entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        file.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    file.extend([0; 4]);
    file
}

fn tiff_bombs_stay_below_the_bound() {
    let sides = [(0x100, 4, 1, 40), (0x101, 4, 1, 40)];
    let grey = [(0x102, 3, 1, 8), (0x103, 3, 1, 1), (0x106, 3, 1, 1)];
    let strip = [(0x111, 4, 1, 8), (0x117, 4, 1, 1 << 30)];
    let tail = vec![1; 3_000_000];
    for (name, more) in [
        (
            "many strips",
            vec![(0x111, 4, u32::MAX, 200), (0x117, 4, u32::MAX, 200)],
        ),
        (
            "a million strips",
            vec![
                (0x111, 4, 700_000, 200),
                (0x117, 4, 700_000, 200),
                (0x116, 4, 1, 1),
            ],
        ),
        (
            "as many strips as allowed",
            vec![
                (0x111, 4, 65_536, 200),
                (0x117, 4, 65_536, 200),
                (0x116, 4, 1, 1),
            ],
        ),
        (
            "wide tiles",
            vec![
                (0x142, 4, 1, 1 << 30),
                (0x143, 4, 1, 1 << 30),
                (0x144, 4, 1, 8),
                (0x145, 4, 1, 1 << 30),
            ],
        ),
        (
            "high tiles",
            vec![
                (0x142, 4, 1, 16),
                (0x143, 4, 1, 1 << 30),
                (0x144, 4, 1, 8),
                (0x145, 4, 1, 1 << 30),
            ],
        ),
        (
            "many samples",
            [&strip[..], &[(0x115, 3, 1, 65_535)]].concat(),
        ),
        (
            "a long text",
            [&strip[..], &[(0x10e, 2, 2_900_000, 200)]].concat(),
        ),
        (
            "long colours",
            [&strip[..], &[(0x140, 3, 1_400_000, 200)]].concat(),
        ),
        (
            "long bits",
            [&strip[..], &[(0x102, 3, 1_400_000, 200)]].concat(),
        ),
    ] {
        let mut entries = [&sides[..], &grey[..], &more[..]].concat();
        entries.sort_unstable();
        for compression in [1, 5, 8, 32_773] {
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| {
                    if entry.0 == 0x103 {
                        (0x103, 3, 1, compression)
                    } else {
                        *entry
                    }
                })
                .collect();
            let file = [tiff_of(&entries), tail.clone()].concat();
            check(
                name,
                &file,
                &Limits {
                    bytes_max: file.len(),
                    pixels_max: 1600,
                    side_px_min: 1,
                    ..Limits::default()
                },
            );
        }
    }
}

fn bombs_stay_below_the_bound() {
    for groups in [500, 65_536] {
        let file = code_bomb(groups);
        check(
            &format!("webp with {groups} code groups"),
            &file,
            &just(&file, 64 * 64),
        );
    }
    assert_eq!(
        measure(&code_bomb(500), Detail::Luma, &Limits::default()).0,
        None
    );
    let refused = measure(&code_bomb(65_536), Detail::Luma, &Limits::default()).0;
    assert_eq!(refused, Some(Reason::UnsupportedFormat));

    // Metadata: a thousandfold inflating profile and text, and a megabyte of everything in JPEG.
    let drawing = drawn::Drawing::new(20, 16);
    let png = drawn::png(
        20,
        16,
        png::ColorType::Rgb,
        png::BitDepth::Eight,
        &drawing.rgb,
    );
    let zeros = drawn::png(
        30_000,
        30_000,
        png::ColorType::Grayscale,
        png::BitDepth::One,
        &vec![0; 112_500_000],
    );
    let data = zeros
        .windows(4)
        .position(|kind| kind == b"IDAT")
        .expect("data")
        + 4;
    for kind in [b"iCCP", b"zTXt"] {
        let chunk = drawn::png_chunk(
            kind,
            &[b"name\0\0", &zeros[data..zeros.len() - 16]].concat(),
        );
        let file = drawn::png_before_data(&png, &chunk);
        check("png with an inflating chunk", &file, &just(&file, 320));
    }
    let jpeg = drawn::jpeg(20, 16, &drawing.rgb, drawn::JpegOptions::default());
    let segments: Vec<u8> = [
        &b"ICC_PROFILE\0\x01\xff"[..],
        b"Exif\0\0",
        b"http://ns.adobe.com/xmp/extension/\0",
        b"MPF\0",
    ]
    .iter()
    .flat_map(|start| {
        [
            &[0xff, 0xe1, 0xff, 0xff],
            *start,
            &vec![7; 65_533 - start.len()],
        ]
        .concat()
    })
    .collect();
    let file = [&jpeg[..2], &segments.repeat(20), &jpeg[2..]].concat();
    check("jpeg with much metadata", &file, &just(&file, 320));
}

/// Mutations of every kind of file, from a fixed seed.
fn mutations_stay_below_the_bound() {
    let limits = Limits {
        bytes_max: 1 << 16,
        pixels_max: 1 << 14,
        side_px_min: 1,
        ..Limits::default()
    };
    let (bound, tight) = bounds(&limits);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let files = drawn::one_of_each();
    for round in 0..20_000 {
        let (name, file) = &files[round % files.len()];
        let mut file = file.clone();
        for _ in 0..=random(4) {
            // Headers decide about memory, so they are hit more often.
            let at = if random(2) == 0 {
                random(file.len().min(80))
            } else {
                random(file.len())
            };
            file[at] = [0, 0xff, 0x7f, random(256) as u8][random(4)];
        }
        let (_, most) = measure(&file, Detail::Colour, &limits);
        let bound = if name.starts_with("webp") {
            bound
        } else {
            tight
        };
        assert!(
            most <= bound,
            "{name} in round {round}: {most} bytes, bound {bound}"
        );
    }
}

/// Decoders may panic by the hundred; only this file's panics are news.
fn silence_decoders() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic
            .location()
            .is_some_and(|location| location.file().ends_with("memory.rs"))
        {
            usual(panic);
        }
    }));
}

#[test]
fn the_working_memory_stays_below_what_the_limits_state() {
    silence_decoders();
    honest_pictures_stay_below_the_bound();
    lies_about_the_dimensions_cost_nothing();
    tiff_bombs_stay_below_the_bound();
    bombs_stay_below_the_bound();
    mutations_stay_below_the_bound();
}
