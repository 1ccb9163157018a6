//! TIFF of the kinds that scanners, fax machines and archives write, put together tag by tag.

use photo::{Detail, Limits, Pixels, Reason, decode};

use crate::drawn::{self, Drawing, JpegOptions};

const WIDTH: usize = 64;
const HEIGHT: usize = 48;

/// A tag's number, kind (1 byte, 3 short, 4 long, 11 float) and values.
type Tag = (u16, u16, Vec<u32>);

/// A TIFF of one page; `big` is the kind for files of more than 4 GB.
fn tiff(tags: &[Tag], strips: &[Vec<u8>], big: bool) -> Vec<u8> {
    let (word, head) = if big { (8, 16) } else { (4, 8) };
    let put = |value: u64| value.to_le_bytes()[..word].to_vec();
    let mut file = if big {
        b"II+\0\x08\0\0\0".to_vec()
    } else {
        b"II*\0".to_vec()
    };
    let mut offsets = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for strip in strips {
        offsets.push((head + data.len()) as u32);
        data.extend(strip);
    }
    let lengths = strips.iter().map(|strip| strip.len() as u32).collect();
    let mut tags = tags.to_vec();
    tags.extend([(0x111, 4, offsets), (0x117, 4, lengths)]);
    tags.sort();
    let mut entries: Vec<u8> = Vec::new();
    for (tag, kind, values) in &tags {
        let width = match kind {
            1 => 1,
            3 => 2,
            _ => 4,
        };
        let values: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes()[..width].to_vec())
            .collect();
        entries.extend(tag.to_le_bytes());
        entries.extend(kind.to_le_bytes());
        entries.extend(put((values.len() / width) as u64));
        if values.len() > word {
            entries.extend(put((head + data.len()) as u64));
            data.extend(values);
        } else {
            entries.extend(values.iter().chain(&[0; 8]).copied().take(word));
        }
    }
    file.extend(put((head + data.len()) as u64));
    file.extend(data);
    if big {
        file.extend((tags.len() as u64).to_le_bytes());
    } else {
        file.extend((tags.len() as u16).to_le_bytes());
    }
    [file, entries, put(0)].concat()
}

fn page(photometric: u32, bits: &[u32], more: &[Tag]) -> Vec<Tag> {
    let mut tags = vec![
        (0x100, 3, vec![WIDTH as u32]),
        (0x101, 3, vec![HEIGHT as u32]),
        (0x102, 3, bits.to_vec()),
        (0x106, 3, vec![photometric]),
        (0x115, 3, vec![bits.len() as u32]),
    ];
    tags.extend_from_slice(more);
    tags
}

fn check(name: &str, file: &[u8], expected: &Pixels) {
    let photo = decode(file, Detail::Colour, &Limits::default()).expect(name);
    assert!(photo.pixels == *expected, "{name}: other pixels");
}

fn ramp() -> Drawing {
    Drawing::new(WIDTH as u32, HEIGHT as u32)
}

/// The highest bits of each sample, packed row by row.
fn packed(grey: &[u8], bits: usize) -> Vec<u8> {
    grey.chunks(WIDTH)
        .flat_map(|row| row.chunks(8 / bits))
        .map(|samples| {
            let whole = samples.iter().fold(0_u32, |byte, it| {
                byte << bits | u32::from(*it >> (8 - bits))
            });
            whole as u8
        })
        .collect()
}

#[test]
fn grey_of_few_bits_gives_the_drawn_pixels_whichever_end_is_black() {
    let grey = ramp().red();
    for bits in [1, 2, 4] {
        let top = (1_u16 << bits) - 1;
        let full = |it: &u8| (u16::from(it >> (8 - bits)) * 255 / top) as u8;
        let black: Vec<u8> = grey.iter().map(full).collect();
        let white = black.iter().map(|it| 255 - it).collect();
        let strip = [packed(&grey, bits)];
        let file = tiff(&page(1, &[bits as u32], &[]), &strip, false);
        check("black is zero", &file, &Pixels::Luma(black));
        let file = tiff(&page(0, &[bits as u32], &[]), &strip, false);
        check("white is zero", &file, &Pixels::Luma(white));
    }
}

#[test]
fn palettes_of_every_depth_give_their_colours() {
    let grey = ramp().red();
    for bits in [1, 2, 4, 8] {
        let count = 1_u32 << bits;
        let entry = |at: u32, step: u32| (at * step % 256) << 8;
        let map = [7, 31, 90].map(|step| (0..count).map(|at| entry(at, step)).collect::<Vec<_>>());
        let indices: Vec<u8> = grey.iter().map(|it| it >> (8 - bits)).collect();
        let rgb = indices
            .iter()
            .flat_map(|it| [7, 31, 90].map(|step| (u32::from(*it) * step % 256) as u8))
            .collect();
        let strip = if bits == 8 {
            grey.clone()
        } else {
            packed(&grey, bits)
        };
        let tags = page(3, &[bits as u32], &[(0x140, 3, map.concat())]);
        check("palette", &tiff(&tags, &[strip], false), &Pixels::Rgb(rgb));
    }
}

#[test]
fn planes_that_lie_apart_give_the_drawn_pixels() {
    let rgb = ramp().rgb;
    let planes: Vec<Vec<u8>> = (0..3)
        .map(|plane| rgb.iter().copied().skip(plane).step_by(3).collect())
        .collect();
    let tags = page(2, &[8; 3], &[(0x11c, 3, vec![2])]);
    check("planes", &tiff(&tags, &planes, false), &Pixels::Rgb(rgb));
}

#[test]
fn the_kind_for_large_files_gives_the_drawn_pixels() {
    let rgb = ramp().rgb;
    let file = tiff(&page(2, &[8; 3], &[]), std::slice::from_ref(&rgb), true);
    check("large", &file, &Pixels::Rgb(rgb));
}

#[test]
fn luma_and_chroma_become_colours() {
    let stored: Vec<u8> = ramp().red().iter().flat_map(|y| [*y, 128, 128]).collect();
    let grey = ramp().red().iter().flat_map(|y| [*y; 3]).collect();
    let tags = page(6, &[8; 3], &[(0x212, 3, vec![1, 1])]);
    check("luma", &tiff(&tags, &[stored], false), &Pixels::Rgb(grey));
}

#[test]
fn floats_from_0_to_1_give_the_drawn_pixels() {
    let grey = ramp().red();
    let strip: Vec<u8> = grey
        .iter()
        .flat_map(|it| (f32::from(*it) / 255.0).to_le_bytes())
        .collect();
    let tags = page(1, &[32], &[(0x153, 3, vec![3])]);
    check("floats", &tiff(&tags, &[strip], false), &Pixels::Luma(grey));
}

#[test]
fn jpegs_inside_are_read_with_the_tables_that_stand_for_all() {
    let drawing = ramp();
    let file = drawn::jpeg(
        WIDTH as u32,
        HEIGHT as u32,
        &drawing.rgb,
        JpegOptions::default(),
    );
    let expected = decode(&file, Detail::Colour, &Limits::default()).expect("drawn");
    let alone = tiff(
        &page(6, &[8; 3], &[(0x103, 3, vec![7])]),
        std::slice::from_ref(&file),
        false,
    );
    check("alone", &alone, &expected.pixels);
    // Everything before the frame is tables.
    let frame = file
        .windows(2)
        .position(|it| it == [0xff, 0xc0])
        .expect("a frame");
    let tables = [&file[..frame], &[0xff, 0xd9]].concat();
    let tables: Vec<u32> = tables.into_iter().map(u32::from).collect();
    let piece = [&[0xff, 0xd8], &file[frame..]].concat();
    let tags = page(6, &[8; 3], &[(0x103, 3, vec![7]), (0x15b, 1, tables)]);
    check(
        "tables apart",
        &tiff(&tags, &[piece], false),
        &expected.pixels,
    );
}

#[test]
fn a_fax_of_group_4_is_read() {
    // All white: each row is one vertical code of no difference, and the end is two ends of line.
    let rows = vec![0xff; HEIGHT / 8];
    let end = [0, 0x10, 0x01];
    let tags = page(0, &[1], &[(0x103, 3, vec![4])]);
    let file = tiff(&tags, &[[rows, end.to_vec()].concat()], false);
    check("fax", &file, &Pixels::Luma(vec![255; WIDTH * HEIGHT]));
}

#[test]
fn strips_that_name_the_same_bytes_again_and_again_are_refused() {
    let (first, others) = (vec![0xff; 200_000], vec![vec![0]; HEIGHT - 1]);
    let (length, strips) = (first.len() as u32, [vec![first], others].concat());
    for compression in [3, 4] {
        let more = [
            (0x103, 3, vec![compression]),
            (0x10a, 3, vec![2]),
            (0x116, 3, vec![1]),
        ];
        let file = tiff(&page(0, &[1], &more), &strips, false);
        let own = |number: usize| {
            if number == 0 {
                8
            } else {
                7 + length + number as u32
            }
        };
        let offsets: Vec<_> = (0..HEIGHT).map(own).collect();
        let lengths: Vec<_> = strips.iter().map(|strip| strip.len() as u32).collect();
        let file = replaced(file, &offsets, &[8; HEIGHT]);
        let file = replaced(file, &lengths, &[length; HEIGHT]);
        let refused = decode(&file, Detail::Colour, &Limits::default()).err();
        assert_eq!(refused, Some(Reason::Corrupt), "{compression}");
    }
}

/// The file with other numbers where these stand.
fn replaced(mut file: Vec<u8>, from: &[u32], to: &[u32]) -> Vec<u8> {
    let bytes = |numbers: &[u32]| {
        numbers
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let (from, to) = (bytes(from), bytes(to));
    let at = file.windows(from.len()).position(|it| it == from);
    let at = at.expect("they stand there");
    file[at..at + to.len()].copy_from_slice(&to);
    file
}

/// Of every depth up to 16 bits a value, by its highest bits, the first bit first.
fn packed_any(values: &[u32], bits: usize) -> Vec<u8> {
    values
        .chunks(WIDTH)
        .flat_map(|row| {
            let each = row.iter();
            let all: Vec<bool> = each
                .flat_map(|value| (0..bits).rev().map(move |bit| value >> bit & 1 == 1))
                .collect();
            let byte = |bits: &[bool]| {
                let bits = bits.iter().zip(0..);
                bits.fold(0_u8, |byte, (bit, at)| byte | u8::from(*bit) << (7 - at))
            };
            all.chunks(8).map(byte).collect::<Vec<u8>>()
        })
        .collect()
}

#[test]
fn bytes_whose_lowest_bit_is_the_first_give_the_drawn_pixels() {
    let grey = ramp().red();
    let turned = |it: Vec<u8>| -> Vec<u8> { it.into_iter().map(u8::reverse_bits).collect() };
    for bits in [1, 2, 4, 8, 12, 16] {
        let tags = |order| page(1, &[bits as u32], &[(0x10a, 3, vec![order])]);
        let values: Vec<u32> = grey.iter().map(|it| u32::from(*it) << 8 | 0x77).collect();
        let values: Vec<u32> = values.iter().map(|it| it >> (16 - bits)).collect();
        let data = if bits == 16 {
            values
                .iter()
                .flat_map(|it| (*it as u16).to_le_bytes())
                .collect()
        } else {
            packed_any(&values, bits)
        };
        let plain = tiff(&tags(1), std::slice::from_ref(&data), false);
        let expected = decode(&plain, Detail::Colour, &Limits::default()).expect("plain");
        if bits >= 8 {
            assert!(expected.pixels == Pixels::Luma(grey.clone()), "{bits} bits");
        }
        let file = tiff(&tags(2), &[turned(data)], false);
        check(&format!("{bits} bits"), &file, &expected.pixels);
    }
}

#[test]
fn samples_of_odd_depths_give_the_drawn_pixels() {
    let grey = ramp().red();
    for bits in [3, 5, 6, 7, 9, 10, 12, 14] {
        let top = (1_u32 << bits) - 1;
        let values: Vec<u32> = grey.iter().map(|it| u32::from(*it) * top / 255).collect();
        let byte = |it: &u32| {
            if bits > 8 {
                (it >> (bits - 8)) as u8
            } else {
                (it * 255 / top) as u8
            }
        };
        let expected = Pixels::Luma(values.iter().map(byte).collect());
        let strip = [packed_any(&values, bits)];
        let file = tiff(&page(1, &[bits as u32], &[]), &strip, false);
        check(&format!("{bits} bits"), &file, &expected);
    }
}

#[test]
fn of_signed_samples_the_lowest_is_black() {
    let grey = ramp().red();
    let lower = |it: &u8| it ^ 0x80;
    let signed = |bits| page(1, &[bits], &[(0x153, 3, vec![2])]);
    let eight: Vec<u8> = grey.iter().map(lower).collect();
    let file = tiff(&signed(8), &[eight], false);
    check("8 bits", &file, &Pixels::Luma(grey.clone()));
    let sixteen = grey.iter().flat_map(|it| [0x33, lower(it)]).collect();
    let file = tiff(&signed(16), &[sixteen], false);
    check("16 bits", &file, &Pixels::Luma(grey.clone()));
    let wide = grey.iter().flat_map(|it| [0x33, 0, 0, lower(it)]).collect();
    let file = tiff(&signed(32), &[wide], false);
    check("32 bits", &file, &Pixels::Luma(grey));
}

#[test]
fn floats_of_64_bits_give_the_drawn_pixels() {
    let grey = ramp().red();
    let strip = grey
        .iter()
        .flat_map(|it| (f64::from(*it) / 255.0).to_le_bytes());
    let tags = page(1, &[64], &[(0x153, 3, vec![3])]);
    let file = tiff(&tags, &[strip.collect()], false);
    check("floats", &file, &Pixels::Luma(grey));
}

#[test]
fn planes_behind_the_colours_change_nothing() {
    let rgb = ramp().rgb;
    let mut planes: Vec<Vec<u8>> = (0..3)
        .map(|plane| rgb.iter().copied().skip(plane).step_by(3).collect())
        .collect();
    planes.push(vec![9; WIDTH * HEIGHT]);
    let more = [(0x11c, 3, vec![2]), (0x152, 3, vec![0])];
    let file = tiff(&page(2, &[8; 4], &more), &planes, false);
    check("one more", &file, &Pixels::Rgb(rgb.clone()));
    planes.push(vec![200; WIDTH * HEIGHT]);
    let more = [(0x11c, 3, vec![2]), (0x152, 3, vec![0, 0])];
    let file = tiff(&page(2, &[8; 5], &more), &planes, false);
    check("two more", &file, &Pixels::Rgb(rgb));
    let grey = ramp().red();
    let planes = [grey.clone(), vec![9; WIDTH * HEIGHT]];
    let more = [(0x11c, 3, vec![2]), (0x152, 3, vec![0])];
    let file = tiff(&page(1, &[8; 2], &more), &planes, false);
    check("grey", &file, &Pixels::Luma(grey));
}

/// Each block of brightness has one colour; the last ones reach beyond the page.
#[test]
fn colour_at_a_part_of_the_resolution_gives_the_drawn_brightness() {
    let grey = ramp().red();
    let at = |x: usize, y: usize| grey[y.min(HEIGHT - 1) * WIDTH + x.min(WIDTH - 1)];
    for (across, down) in [(2, 1), (2, 2), (4, 1), (4, 2), (4, 4), (1, 2)] {
        // An even part of the rows in each strip.
        let strips: Vec<Vec<u8>> = (0..HEIGHT)
            .step_by(16)
            .map(|top| {
                let tops = (top..top + 16).step_by(down);
                let block = |left: usize, top: usize| {
                    let lines = (0..down).flat_map(move |y| (0..across).map(move |x| (x, y)));
                    let block = lines.map(move |(x, y)| at(left + x, top + y));
                    block.chain([128, 128]).collect::<Vec<u8>>()
                };
                let row = |top| (0..WIDTH).step_by(across).flat_map(move |x| block(x, top));
                tops.flat_map(row).collect()
            })
            .collect();
        let rgb = grey.iter().flat_map(|y| [*y; 3]).collect();
        let parts = vec![across as u32, down as u32];
        let more = [(0x212, 3, parts), (0x116, 3, vec![16])];
        let file = tiff(&page(6, &[8; 3], &more), &strips, false);
        check(&format!("{across} {down}"), &file, &Pixels::Rgb(rgb));
    }
}

#[test]
fn greys_of_lab_are_those_of_the_screen() {
    // L* of 50 is a grey of 119 in sRGB.
    for (photometric, middle) in [(8, 0_u8), (9, 128)] {
        let stored = [128, middle, middle].repeat(WIDTH * HEIGHT);
        let file = tiff(&page(photometric, &[8; 3], &[]), &[stored], false);
        let photo = decode(&file, Detail::Colour, &Limits::default()).expect("Lab");
        let Pixels::Rgb(rgb) = photo.pixels else {
            panic!("colours")
        };
        assert!(
            rgb.iter().all(|it| it.abs_diff(119) <= 1),
            "{:?}",
            &rgb[..3]
        );
    }
    // Red by a of 80 and b of 67 at L* of 53: the red of screens, but for what 8 bits lose.
    let stored = [136, 80, 70].repeat(WIDTH * HEIGHT);
    let file = tiff(&page(8, &[8; 3], &[]), &[stored], false);
    let photo = decode(&file, Detail::Colour, &Limits::default()).expect("Lab");
    let Pixels::Rgb(rgb) = photo.pixels else {
        panic!("colours")
    };
    assert!(
        rgb[0] > 245 && rgb[1] < 30 && rgb[2] < 30,
        "{:?}",
        &rgb[..3]
    );
}

#[test]
fn four_inks_in_a_jpeg_are_read_as_they_are_stored() {
    let grey = ramp().red();
    // The encoder inverts, as Adobe does: stored are no colour and as much black as the drawing lacks of white.
    let given: Vec<u8> = grey.iter().flat_map(|it| [255, 255, 255, *it]).collect();
    let options = JpegOptions {
        kind: jpeg_encoder::ColorType::Cmyk,
        sampling: jpeg_encoder::SamplingFactor::F_1_1,
        ..JpegOptions::default()
    };
    let file = drawn::jpeg(WIDTH as u32, HEIGHT as u32, &given, options);
    let file = tiff(&page(5, &[8; 4], &[(0x103, 3, vec![7])]), &[file], false);
    let photo = decode(&file, Detail::Luma, &Limits::default()).expect("inks");
    let Pixels::Luma(luma) = photo.pixels else {
        panic!("luma was asked for")
    };
    for (luma, grey) in luma.iter().zip(&grey) {
        assert!(luma.abs_diff(*grey) < 8, "{luma} for {grey}");
    }
}

#[test]
fn a_jpeg_of_each_plane_gives_the_drawn_pixels() {
    let rgb = ramp().rgb;
    let options = || JpegOptions {
        kind: jpeg_encoder::ColorType::Luma,
        ..JpegOptions::default()
    };
    let plane = |at: usize| -> Vec<u8> { rgb.iter().copied().skip(at).step_by(3).collect() };
    let files: Vec<Vec<u8>> = (0..3)
        .map(|at| drawn::jpeg(WIDTH as u32, HEIGHT as u32, &plane(at), options()))
        .collect();
    let read = |file: &Vec<u8>| match decode(file, Detail::Luma, &Limits::default()) {
        Ok(photo) => match photo.pixels {
            Pixels::Luma(luma) => luma,
            Pixels::Rgb(_) => panic!("luma was asked for"),
        },
        Err(reason) => panic!("{reason}"),
    };
    let planes: Vec<Vec<u8>> = files.iter().map(read).collect();
    let expected = (0..WIDTH * HEIGHT).flat_map(|at| [0, 1, 2].map(|it| planes[it][at]));
    let more = [(0x103, 3, vec![7]), (0x11c, 3, vec![2])];
    let file = tiff(&page(2, &[8; 3], &more), &files, false);
    check("planes", &file, &Pixels::Rgb(expected.collect()));
}

#[test]
fn a_jpeg_of_the_old_kind_that_is_a_file_of_its_own_is_read() {
    let drawing = ramp();
    let options = JpegOptions::default();
    let jpeg = drawn::jpeg(WIDTH as u32, HEIGHT as u32, &drawing.rgb, options);
    let expected = decode(&jpeg, Detail::Colour, &Limits::default()).expect("drawn");
    let more = [
        (0x103, 3, vec![6]),
        (0x201, 4, vec![8]),
        (0x202, 4, vec![jpeg.len() as u32]),
    ];
    let file = tiff(&page(6, &[8; 3], &more), std::slice::from_ref(&jpeg), false);
    check("old", &file, &expected.pixels);
    let tags: Vec<Tag> = page(6, &[8], &more);
    let tags: Vec<Tag> = tags.into_iter().filter(|tag| tag.0 != 0x115).collect();
    let file = tiff(&tags, std::slice::from_ref(&jpeg), false);
    check("without a number of samples", &file, &expected.pixels);
}

#[test]
fn a_strip_without_a_length_reaches_to_the_end() {
    let grey = ramp().red();
    let mut file = tiff(&page(1, &[8], &[]), std::slice::from_ref(&grey), false);
    let tag = [0x17, 0x01, 4, 0, 1, 0, 0, 0];
    let at = file.windows(tag.len()).position(|it| it == tag);
    let at = at.expect("the length of the strip");
    file[at] = 0x1f; // another tag, which means nothing
    file[at + 1] = 0x01;
    check("no length", &file, &Pixels::Luma(grey));
}

#[test]
fn an_alpha_with_other_samples_behind_it_is_an_alpha() {
    let grey = ramp().red();
    let pixel = |it: &u8| [*it, 9, *it, 255, 1, 2];
    let stored = grey.iter().flat_map(pixel).collect();
    let rgb = grey.iter().flat_map(|it| [*it, 9, *it]).collect();
    let tags = page(2, &[8; 6], &[(0x152, 3, vec![2, 0, 0])]);
    check("alpha", &tiff(&tags, &[stored], false), &Pixels::Rgb(rgb));
}

#[test]
fn of_a_grey_jpeg_inside_black_is_at_the_end_that_the_page_says() {
    let grey = ramp().red();
    let options = JpegOptions {
        kind: jpeg_encoder::ColorType::Luma,
        ..JpegOptions::default()
    };
    let jpeg = drawn::jpeg(WIDTH as u32, HEIGHT as u32, &grey, options);
    let read = decode(&jpeg, Detail::Luma, &Limits::default()).expect("drawn");
    let Pixels::Luma(black) = read.pixels else {
        panic!("it is grey")
    };
    let white = black.iter().map(|it| 255 - it).collect();
    for (photometric, expected) in [(1, black), (0, white)] {
        let tags = page(photometric, &[8], &[(0x103, 3, vec![7])]);
        let file = tiff(&tags, std::slice::from_ref(&jpeg), false);
        check("jpeg", &file, &Pixels::Luma(expected));
    }
}

#[test]
fn a_last_strip_of_few_rows_is_read_whatever_is_inside() {
    let rows = |from: usize, to: usize| ramp().rgb[from * WIDTH * 3..to * WIDTH * 3].to_vec();
    let inks = |rgb: &[u8]| {
        rgb.chunks(3)
            .flat_map(|it| [it[0], it[1], it[2], 255])
            .collect()
    };
    let strips: [(u32, Vec<u8>); 2] = [(45, rows(0, 45)), (3, rows(45, 48))];
    let sampling = jpeg_encoder::SamplingFactor::F_1_1;
    let jpegs = strips.map(|(height, rgb)| {
        let inks: Vec<u8> = inks(&rgb);
        let kind = jpeg_encoder::ColorType::Cmyk;
        let options = JpegOptions {
            kind,
            sampling,
            ..JpegOptions::default()
        };
        drawn::jpeg(WIDTH as u32, height, &inks, options)
    });
    let tags = page(5, &[8; 4], &[(0x103, 3, vec![7]), (0x116, 3, vec![45])]);
    let photo = decode(
        &tiff(&tags, &jpegs, false),
        Detail::Luma,
        &Limits::default(),
    );
    assert!(!photo.expect("inks").is_partial);
    let strips = [(45, rows(0, 45)), (3, rows(45, 48))];
    let jpegs =
        strips.map(|(height, rgb)| drawn::jpeg(WIDTH as u32, height, &rgb, JpegOptions::default()));
    let tags = page(6, &[8; 3], &[(0x103, 3, vec![7]), (0x116, 3, vec![45])]);
    let file = tiff(&tags, &jpegs, false);
    let photo = decode(&file, Detail::Luma, &Limits::default());
    assert!(!photo.expect("colours").is_partial);
}

#[test]
fn a_palette_may_have_an_alpha() {
    let colours: Vec<u32> = (0..3 * 256).map(|at| at % 256 * 257).collect();
    let stored = ramp().red().iter().flat_map(|it| [*it, 0]).collect();
    let tags = page(3, &[8; 2], &[(0x140, 3, colours), (0x152, 3, vec![2])]);
    let white = Pixels::Rgb(vec![255; WIDTH * HEIGHT * 3]);
    check("clear", &tiff(&tags, &[stored], false), &white);
}

#[test]
fn brightness_without_colour_is_grey() {
    let grey = ramp().red();
    let file = tiff(&page(6, &[8], &[]), std::slice::from_ref(&grey), false);
    check("brightness", &file, &Pixels::Luma(grey));
}

#[test]
fn webps_inside_give_the_drawn_pixels() {
    let rgb = ramp().rgb;
    let rgba: Vec<u8> = rgb
        .chunks(3)
        .flat_map(|it| [it[0], it[1], it[2], 255])
        .collect();
    let strips: Vec<Vec<u8>> = rgba
        .chunks(WIDTH * 4 * 20)
        .map(|rows| drawn::webp_lossless(WIDTH as u32, (rows.len() / WIDTH / 4) as u32, rows))
        .collect();
    let more = [
        (0x103, 3, vec![50_001]),
        (0x116, 3, vec![20]),
        (0x152, 3, vec![2]),
    ];
    let file = tiff(&page(2, &[8; 4], &more), &strips, false);
    check("webp", &file, &Pixels::Rgb(rgb));
}

#[cfg(feature = "packers")]
#[test]
fn what_programs_pack_files_by_is_unpacked() {
    drawn::start_sandbox();
    let expected = Pixels::Rgb(ramp().rgb);
    let zstandard = include_bytes!("../samples/zstandard.tif");
    check("zstandard", zstandard, &expected);
    let differences = include_bytes!("../samples/zstandard_differences.tif");
    check("differences", differences, &expected);
    let lzma = include_bytes!("../samples/lzma.tif");
    check("lzma", lzma, &expected);
    for file in [&zstandard[..], lzma] {
        let hurt = replaced_at(file, file.len() / 4);
        let read = decode(&hurt, Detail::Colour, &Limits::default());
        assert!(read.is_err() || read.is_ok_and(|it| it.pixels != expected));
    }
}

#[cfg(feature = "packers")]
fn replaced_at(file: &[u8], at: usize) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at..at + 64].fill(0x5a);
    file
}
