//! Hurt files that browsers show: what is there is taken, and said to be a part.

use photo::{Detail, Limits, Photo, Pixels, Reason, decode};

use crate::drawn::{self, JpegOptions};

const WIDTH: u32 = 128;
const HEIGHT: u32 = 160;

/// No row of it is flat, unlike what a decoder paints.
fn waves() -> Vec<u8> {
    let wave = |x: u32, y: u32| {
        let at = (x as f32 / 9.0).sin() + (y as f32 / 11.0 + x as f32 / 40.0).cos();
        (128.0 + at * 55.0) as u8
    };
    let pixel = |x, y| [wave(x, y), wave(y, x), 90];
    (0..HEIGHT)
        .flat_map(|y| (0..WIDTH).flat_map(move |x| pixel(x, y)))
        .collect()
}

fn jpeg(options: JpegOptions) -> Vec<u8> {
    drawn::jpeg(WIDTH, HEIGHT, &waves(), options)
}

fn read(file: &[u8]) -> Result<Photo, Reason> {
    decode(file, Detail::Luma, &Limits::default())
}

fn luma(photo: &Photo) -> &[u8] {
    let (Pixels::Luma(samples) | Pixels::Rgb(samples)) = &photo.pixels;
    samples
}

/// Mean difference of the first rows.
fn difference(photo: &Photo, whole: &Photo, rows: usize) -> f64 {
    let count = rows * WIDTH as usize;
    let pairs = luma(photo)[..count].iter().zip(&luma(whole)[..count]);
    let sum: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    f64::from(sum) / count as f64
}

/// Where the first scan's data starts, and how long it is.
fn data(file: &[u8]) -> (usize, usize) {
    let start = file
        .windows(2)
        .position(|it| it == [0xff, 0xda])
        .expect("a scan")
        + 14;
    (start, file.len() - start)
}

#[test]
fn a_cut_jpeg_shows_the_rows_that_are_there() {
    let file = jpeg(JpegOptions::default());
    let whole = read(&file).expect("drawn");
    let (start, length) = data(&file);
    for (share, closed) in [(60, false), (60, true), (97, false)] {
        let mut cut = file[..start + length * share / 100].to_vec();
        cut.extend(if closed { vec![0xff, 0xd9] } else { Vec::new() });
        let photo = read(&cut).expect("enough is there");
        assert!(photo.is_partial, "{share} %");
        let rows = photo.height_px as usize;
        let share_of_rows = rows * 100 / HEIGHT as usize;
        assert!(
            (share - 20..=100).contains(&share_of_rows),
            "{share} %: {rows} rows"
        );
        let far = difference(&photo, &whole, rows.saturating_sub(32));
        assert!(far < 0.1, "{share} %: {far}");
    }
}

#[test]
fn a_jpeg_whose_tail_is_zeros_shows_the_rows_before() {
    let file = jpeg(JpegOptions::default());
    let whole = read(&file).expect("drawn");
    let (start, length) = data(&file);
    let mut hurt = file.clone();
    hurt[start + length * 7 / 10..].fill(0);
    let photo = read(&hurt).expect("enough is there");
    assert!(photo.is_partial);
    assert!(difference(&photo, &whole, HEIGHT as usize * 5 / 10) < 0.1);
}

#[test]
fn a_cut_progressive_jpeg_is_the_blurred_picture() {
    let options = JpegOptions {
        progressive: true,
        ..JpegOptions::default()
    };
    let file = jpeg(options);
    let whole = read(&file).expect("drawn");
    let photo = read(&file[..file.len() * 7 / 10]).expect("enough is there");
    assert!(photo.is_partial);
    let rows = photo.height_px.min(HEIGHT) as usize;
    assert!(rows * 10 > HEIGHT as usize * 9);
    assert!(difference(&photo, &whole, rows) < 12.0);
}

#[test]
fn a_jpeg_that_lost_one_restart_interval_shows_the_rest() {
    let file = jpeg(JpegOptions {
        restart: 8,
        ..JpegOptions::default()
    });
    let whole = read(&file).expect("drawn");
    let marks: Vec<usize> = (0..file.len() - 1)
        .filter(|at| file[*at] == 0xff && (0xd0..=0xd7).contains(&file[at + 1]))
        .collect();
    let middle = marks.len() / 2;
    let hurt = [&file[..marks[middle]], &file[marks[middle + 1]..]].concat();
    let photo = read(&hurt).expect("enough is there");
    assert!(photo.is_partial);
    assert_eq!(photo.height_px, HEIGHT);
    // What follows the lost stripe lies where it belongs.
    let far = difference(&photo, &whole, HEIGHT as usize);
    assert!(far < 8.0, "{far}");
    let last = HEIGHT as usize * WIDTH as usize - 32 * WIDTH as usize;
    assert!(luma(&photo)[last..] == luma(&whole)[last..]);
}

#[test]
fn a_cut_png_shows_the_rows_that_are_there() {
    let rgb = waves();
    let file = drawn::png(
        WIDTH,
        HEIGHT,
        png::ColorType::Rgb,
        png::BitDepth::Eight,
        &rgb,
    );
    let whole = read(&file).expect("drawn");
    let photo = read(&file[..file.len() * 6 / 10]).expect("enough is there");
    assert!(photo.is_partial);
    let rows = photo.height_px as usize;
    assert!(rows > HEIGHT as usize / 3, "{rows}");
    assert_eq!(difference(&photo, &whole, rows), 0.0);
}

/// Its seven passes, unfiltered.
fn interlaced() -> Vec<u8> {
    use std::io::Write;
    let (rgb, mut rows) = (waves(), Vec::new());
    let steps = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)];
    let more = [(0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
    for (left, top, across, down) in steps.into_iter().chain(more) {
        for y in (top..HEIGHT as usize).step_by(down) {
            rows.push(0);
            for x in (left..WIDTH as usize).step_by(across) {
                rows.extend_from_slice(&rgb[(y * WIDTH as usize + x) * 3..][..3]);
            }
        }
    }
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
    packed.write_all(&rows).expect("in memory");
    let packed = packed.finish().expect("in memory");
    let sides = [WIDTH.to_be_bytes(), HEIGHT.to_be_bytes()].concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        drawn::png_chunk(b"IHDR", &[&sides[..], &[8, 2, 0, 0, 1]].concat()),
        drawn::png_chunk(b"IDAT", &packed),
        drawn::png_chunk(b"IEND", &[]),
    ]
    .concat()
}

#[test]
fn a_cut_interlaced_png_is_the_whole_picture_at_a_part_of_its_size() {
    let file = interlaced();
    let whole = read(&file).expect("drawn");
    assert!(!whole.is_partial);
    for (share, step) in [(90, 2), (40, 2), (15, 4)] {
        let photo = read(&file[..file.len() * share / 100]).expect("enough is there");
        assert!(photo.is_partial, "{share} %");
        assert_eq!(photo.width_px, WIDTH / step, "{share} %");
        let place = |at: u32| at / photo.width_px * step * WIDTH + at % photo.width_px * step;
        for (sample, at) in luma(&photo).iter().zip(0..) {
            assert_eq!(*sample, luma(&whole)[place(at) as usize], "{share} %");
        }
    }
    let refused = read(&file[..file.len() / 20]).err();
    assert_eq!(refused, Some(Reason::Truncated));
}

#[test]
fn a_cut_gif_shows_the_rows_that_are_there() {
    let red: Vec<u8> = waves().iter().copied().step_by(3).collect();
    let sides = (WIDTH as u16, HEIGHT as u16);
    let frame = drawn::gif_frame(sides.0, sides.1, red);
    let file = drawn::gif(sides, &drawn::grey_palette(), &[frame]);
    let whole = read(&file).expect("drawn");
    let photo = read(&file[..file.len() * 7 / 10]).expect("enough is there");
    assert!(photo.is_partial);
    let rows = photo.height_px as usize;
    assert!(rows > HEIGHT as usize / 3, "{rows}");
    assert_eq!(difference(&photo, &whole, rows), 0.0);
}

#[test]
fn too_little_is_truncated() {
    let file = jpeg(JpegOptions::default());
    let (start, length) = data(&file);
    let refused = read(&file[..start + length / 10]).err();
    assert_eq!(refused, Some(Reason::Truncated));
}

#[test]
fn a_whole_file_is_no_part() {
    for (name, file) in drawn::one_of_each() {
        assert!(!read(&file).expect(name).is_partial, "{name}");
    }
}
