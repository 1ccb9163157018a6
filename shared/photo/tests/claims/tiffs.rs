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
