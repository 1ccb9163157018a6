//! Every format but JPEG gives exactly the pixels that were drawn.

use photo::{Detail, Format, Limits, Photo, Pixels, decode};
use tiff::encoder::{Compression, colortype};
use tiff::tags::ExtraSamples;

use crate::drawn::{self, Drawing};

fn read(file: &[u8], detail: Detail) -> Photo {
    decode(
        file,
        detail,
        &Limits {
            side_px_min: 1,
            ..Limits::default()
        },
    )
    .expect("drawn")
}

/// Both details of a file must be exactly these colours.
fn check_rgb(name: &str, file: &[u8], format: Format, drawing: &Drawing, rgb: &[u8]) {
    let photo = read(file, Detail::Colour);
    assert_eq!(photo.format, format, "{name}");
    assert_eq!(
        (photo.width_px, photo.height_px),
        (drawing.width, drawing.height),
        "{name}"
    );
    assert!(
        photo.pixels == Pixels::Rgb(rgb.to_vec()),
        "{name}: other colours"
    );
    let Pixels::Luma(luma) = read(file, Detail::Luma).pixels else {
        panic!("{name}: luma was asked for")
    };
    drawn::check_luma(name, &luma, rgb);
}

fn check_luma(name: &str, file: &[u8], luma: &[u8]) {
    for detail in [Detail::Luma, Detail::Colour] {
        let photo = read(file, detail);
        assert!(
            photo.pixels == Pixels::Luma(luma.to_vec()),
            "{name}: other luma"
        );
    }
}

fn over_white(rgba: &[u8]) -> Vec<u8> {
    let pixels = rgba.chunks_exact(4);
    pixels
        .flat_map(|p| [p[0], p[1], p[2]].map(|sample| drawn::over_white(sample, p[3])))
        .collect()
}

fn sixteen_bit(samples: &[u8]) -> Vec<u8> {
    samples.iter().flat_map(|sample| [*sample, 0xa5]).collect()
}

/// Packs samples below `1 << bits` the way PNG stores them.
fn packed(samples: &[u8], width: usize, bits: usize) -> Vec<u8> {
    let pack = |pixels: &[u8]| {
        let whole = pixels
            .iter()
            .fold(0, |byte, sample| (byte << bits) | u32::from(*sample));
        (whole << (bits * (8 / bits - pixels.len()))) as u8
    };
    samples
        .chunks(width)
        .flat_map(|row| row.chunks(8 / bits).map(pack))
        .collect()
}

#[test]
fn png_of_every_kind_gives_the_drawn_pixels() {
    use png::BitDepth::{Eight, Four, One, Sixteen, Two};
    use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
    let drawing = Drawing::new(21, 17);
    let (w, h) = (drawing.width, drawing.height);
    let (rgb, rgba, grey) = (&drawing.rgb, drawing.rgba(), drawing.red());

    check_rgb(
        "rgb 8",
        &drawn::png(w, h, Rgb, Eight, rgb),
        Format::Png,
        &drawing,
        rgb,
    );
    let file = drawn::png(w, h, Rgb, Sixteen, &sixteen_bit(rgb));
    check_rgb("rgb 16", &file, Format::Png, &drawing, rgb);
    let white = over_white(&rgba);
    check_rgb(
        "rgba 8",
        &drawn::png(w, h, Rgba, Eight, &rgba),
        Format::Png,
        &drawing,
        &white,
    );
    let file = drawn::png(w, h, Rgba, Sixteen, &sixteen_bit(&rgba));
    check_rgb("rgba 16", &file, Format::Png, &drawing, &white);

    check_luma("grey 8", &drawn::png(w, h, Grayscale, Eight, &grey), &grey);
    check_luma(
        "grey 16",
        &drawn::png(w, h, Grayscale, Sixteen, &sixteen_bit(&grey)),
        &grey,
    );
    let half: Vec<u8> = grey.iter().flat_map(|grey| [*grey, 128]).collect();
    let faded: Vec<u8> = grey
        .iter()
        .map(|grey| drawn::over_white(*grey, 128))
        .collect();
    check_luma(
        "grey alpha",
        &drawn::png(w, h, GrayscaleAlpha, Eight, &half),
        &faded,
    );
    for (bits, depth) in [(1, One), (2, Two), (4, Four)] {
        let top = (1u8 << bits) - 1;
        let low: Vec<u8> = grey.iter().map(|grey| grey >> (8 - bits)).collect();
        let full: Vec<u8> = low.iter().map(|sample| sample * (255 / top)).collect();
        let file = drawn::png(w, h, Grayscale, depth, &packed(&low, w as usize, bits));
        check_luma("grey of few bits", &file, &full);
    }
}

#[test]
fn png_palettes_of_every_depth_give_their_colours_and_alpha() {
    use png::BitDepth::{Eight, Four, One, Two};
    let drawing = Drawing::new(21, 17);
    let (w, h) = (drawing.width, drawing.height);
    for (bits, depth) in [(1, One), (2, Two), (4, Four), (8, Eight)] {
        let indices: Vec<u8> = drawing.red().iter().map(|red| red >> (8 - bits)).collect();
        let palette: Vec<u8> = (0..1u16 << bits)
            .flat_map(|i| [i as u8, 200, 255 - i as u8])
            .collect();
        let colours: Vec<u8> = indices.iter().flat_map(|i| [*i, 200, 255 - *i]).collect();
        let samples = packed(&indices, w as usize, bits);
        let file = drawn::png_with(w, h, png::ColorType::Indexed, depth, &samples, |encoder| {
            encoder.set_palette(palette.clone());
        });
        check_rgb("palette", &file, Format::Png, &drawing, &colours);

        // The first entry, half transparent.
        let file = drawn::png_with(w, h, png::ColorType::Indexed, depth, &samples, |encoder| {
            encoder.set_palette(palette);
            encoder.set_trns(vec![128]);
        });
        let faded: Vec<u8> = colours
            .chunks_exact(3)
            .flat_map(|rgb| {
                let alpha = if rgb[0] == 0 { 128 } else { 255 };
                [rgb[0], rgb[1], rgb[2]].map(|sample| drawn::over_white(sample, alpha))
            })
            .collect();
        check_rgb("palette with alpha", &file, Format::Png, &drawing, &faded);
    }
}

#[test]
fn an_interlaced_png_gives_the_drawn_pixels() {
    // 8×8 of grey, its seven passes written out by hand, stored without compression.
    let passes: [(usize, usize, usize, usize); 7] = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    let pixel = |x: usize, y: usize| (x * 8 + y * 20) as u8;
    let mut rows = Vec::new();
    for (left, top, step_x, step_y) in passes {
        for y in (top..8).step_by(step_y) {
            rows.push(0); // no filter
            rows.extend((left..8).step_by(step_x).map(|x| pixel(x, y)));
        }
    }
    let length = rows.len() as u16;
    let mut zlib = vec![0x78, 0x01, 1];
    zlib.extend(length.to_le_bytes());
    zlib.extend((!length).to_le_bytes());
    zlib.extend(&rows);
    let (a, b) = rows.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    zlib.extend((b << 16 | a).to_be_bytes());
    let file = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        drawn::png_chunk(b"IHDR", &[0, 0, 0, 8, 0, 0, 0, 8, 8, 0, 0, 0, 1]),
        drawn::png_chunk(b"IDAT", &zlib),
        drawn::png_chunk(b"IEND", &[]),
    ]
    .concat();
    let drawn: Vec<u8> = (0..8)
        .flat_map(|y| (0..8).map(move |x| pixel(x, y)))
        .collect();
    check_luma("interlaced", &file, &drawn);
}

#[test]
fn an_animated_png_gives_its_default_image() {
    let drawing = Drawing::new(20, 16);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, drawing.width, drawing.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(3, 0).expect("three frames");
    let mut writer = encoder.write_header().expect("header");
    for shade in [None, Some(0), Some(255)] {
        let frame = shade.map_or(drawing.rgb.clone(), |shade| vec![shade; drawing.rgb.len()]);
        writer.write_image_data(&frame).expect("frame");
    }
    writer.finish().expect("end");
    check_rgb("apng", &file, Format::Png, &drawing, &drawing.rgb);
}

#[test]
fn a_gif_gives_its_first_frame_on_white() {
    let palette = [[10, 20, 30], [200, 100, 50]].concat();
    let transparent = gif::Frame {
        left: 2,
        top: 1,
        transparent: Some(0),
        ..drawn::gif_frame(2, 2, vec![0, 1, 1, 0])
    };
    let second = drawn::gif_frame(4, 4, vec![0; 16]);
    let file = drawn::gif((4, 4), &palette, &[transparent, second]);
    let mut rgb = vec![255; 48];
    for (x, y) in [(3, 1), (2, 2)] {
        rgb[(y * 4 + x) * 3..][..3].copy_from_slice(&[200, 100, 50]);
    }
    check_rgb("gif", &file, Format::Gif, &Drawing::new(4, 4), &rgb);
}

#[test]
fn a_gif_frame_that_leaves_the_screen_widens_it() {
    let frame = gif::Frame {
        left: 3,
        ..drawn::gif_frame(4, 2, vec![77; 8])
    };
    let photo = read(
        &drawn::gif((4, 4), &drawn::grey_palette(), &[frame]),
        Detail::Luma,
    );
    assert_eq!((photo.width_px, photo.height_px), (7, 4));
}

#[test]
fn a_lossless_webp_gives_the_drawn_pixels_over_white() {
    let drawing = Drawing::new(37, 19);
    let file = drawn::webp_lossless(drawing.width, drawing.height, &drawing.rgba());
    check_rgb(
        "webp",
        &file,
        Format::Webp,
        &drawing,
        &over_white(&drawing.rgba()),
    );
}

fn check_lossy(name: &str, rgb: &[u8], row_px: usize, left: usize, top: usize) {
    let (width, height) = (drawn::VP8_SIDES.0 as usize, drawn::VP8_SIDES.1 as usize);
    let difference: u32 = (0..width * height)
        .map(|at| {
            let (x, y) = (at % width, at / width);
            let pixel = &rgb[((top + y) * row_px + left + x) * 3..][..3];
            let drawn = [x as u8 * 10, y as u8 * 14, 128];
            pixel
                .iter()
                .zip(drawn)
                .map(|(a, b)| u32::from(a.abs_diff(b)))
                .sum::<u32>()
        })
        .sum();
    assert!(
        difference < 4 * (width * height * 3) as u32,
        "{name}: far from what was drawn"
    );
}

#[test]
fn a_lossy_webp_is_near_what_was_drawn() {
    let photo = read(
        &drawn::webp(&[drawn::riff_chunk(b"VP8 ", drawn::VP8)]),
        Detail::Colour,
    );
    assert_eq!((photo.width_px, photo.height_px), drawn::VP8_SIDES);
    let Pixels::Rgb(rgb) = photo.pixels else {
        panic!("colour was asked for")
    };
    check_lossy("lossy", &rgb, 24, 0, 0);
}

#[test]
fn a_lossy_webp_with_clear_alpha_is_white() {
    let (width, height) = drawn::VP8_SIDES;
    let alpha = [vec![0], vec![0; (width * height) as usize]].concat(); // stored as it is
    let file = drawn::webp(&[
        drawn::vp8x(0x10, width, height),
        drawn::riff_chunk(b"ALPH", &alpha),
        drawn::riff_chunk(b"VP8 ", drawn::VP8),
    ]);
    let white = vec![255; (width * height) as usize];
    assert!(read(&file, Detail::Luma).pixels == Pixels::Luma(white));
}

#[test]
fn an_animated_webp_gives_its_first_frame_at_its_place() {
    let (width, height) = drawn::VP8_SIDES;
    let still = drawn::riff_chunk(b"VP8 ", drawn::VP8);
    let other = drawn::webp_lossless(8, 8, &[0; 256])[12..].to_vec();
    let file = drawn::webp(&[
        drawn::vp8x(2, 40, 30),
        drawn::riff_chunk(b"ANIM", &[0, 0, 0, 0, 0, 0]),
        drawn::anmf(10, 6, width, height, &still),
        drawn::anmf(0, 0, 8, 8, &other),
    ]);
    let photo = read(&file, Detail::Colour);
    assert_eq!((photo.width_px, photo.height_px), (40, 30));
    let Pixels::Rgb(rgb) = photo.pixels else {
        panic!("colour was asked for")
    };
    check_lossy("animated", &rgb, 40, 10, 6);
    assert!(
        rgb[..40 * 6 * 3].iter().all(|sample| *sample == 255),
        "white above the frame"
    );
}

#[test]
fn bmp_of_every_kind_gives_the_drawn_pixels() {
    use image::ExtendedColorType::{L8, Rgb8, Rgba8};
    let drawing = Drawing::new(21, 17);
    let (w, h) = (drawing.width, drawing.height);
    check_rgb(
        "24 bit",
        &drawn::bmp(w, h, &drawing.rgb, Rgb8),
        Format::Bmp,
        &drawing,
        &drawing.rgb,
    );
    let file = drawn::bmp(w, h, &drawing.rgba(), Rgba8);
    check_rgb(
        "32 bit",
        &file,
        Format::Bmp,
        &drawing,
        &over_white(&drawing.rgba()),
    );
    let greys: Vec<u8> = drawing.red().iter().flat_map(|grey| [*grey; 3]).collect();
    check_rgb(
        "palette",
        &drawn::bmp(w, h, &drawing.red(), L8),
        Format::Bmp,
        &drawing,
        &greys,
    );
}

#[test]
fn a_run_length_bmp_gives_the_drawn_pixels() {
    // 4×2, two colours: a run of four, then two runs of two; bottom row first.
    let runs = [4, 1, 0, 0, 2, 0, 2, 1, 0, 0, 0, 1];
    let mut file = b"BM".to_vec();
    let u32s = [62 + runs.len() as u32, 0, 62, 40, 4, 2];
    file.extend(u32s.iter().flat_map(|field| field.to_le_bytes()));
    file.extend([1, 0, 8, 0]); // planes, bits
    let u32s = [1, runs.len() as u32, 0, 0, 2, 0]; // RLE8, …, two colours
    file.extend(u32s.iter().flat_map(|field: &u32| field.to_le_bytes()));
    file.extend([0, 0, 0, 0, 255, 0, 0, 0]); // black, blue
    file.extend(runs);
    let (black, blue) = ([0, 0, 0], [0, 0, 255]);
    let rgb = [black, black, blue, blue, blue, blue, blue, blue].concat();
    check_rgb("rle", &file, Format::Bmp, &Drawing::new(4, 2), &rgb);
}

#[test]
fn tiff_of_every_kind_gives_the_drawn_pixels() {
    let drawing = Drawing::new(21, 17);
    let (w, h, rgb, grey) = (drawing.width, drawing.height, &drawing.rgb, drawing.red());
    let wide = |samples: &[u8]| {
        samples
            .iter()
            .map(|sample| u16::from(*sample) << 8 | 0xa5)
            .collect::<Vec<u16>>()
    };
    for compression in [
        Compression::Uncompressed,
        Compression::Lzw,
        Compression::Packbits,
        Compression::Deflate(Default::default()),
    ] {
        let file = drawn::tiff::<colortype::RGB8>(w, h, rgb, compression);
        check_rgb("rgb 8", &file, Format::Tiff, &drawing, rgb);
        let file = drawn::tiff::<colortype::RGB16>(w, h, &wide(rgb), compression);
        check_rgb("rgb 16", &file, Format::Tiff, &drawing, rgb);
        let file = drawn::tiff::<colortype::RGBA8>(w, h, &drawing.rgba(), compression);
        check_rgb(
            "rgba 8",
            &file,
            Format::Tiff,
            &drawing,
            &over_white(&drawing.rgba()),
        );
        check_luma(
            "grey 8",
            &drawn::tiff::<colortype::Gray8>(w, h, &grey, compression),
            &grey,
        );
        let file = drawn::tiff::<colortype::Gray16>(w, h, &wide(&grey), compression);
        check_luma("grey 16", &file, &grey);
    }
}

#[test]
fn tiff_inks_become_colours() {
    let inks = [
        [0, 0, 0, 0],
        [255, 0, 0, 0],
        [0, 255, 255, 0],
        [0, 0, 0, 255],
        [0, 0, 0, 128],
    ];
    let rgb = [
        [255, 255, 255],
        [0, 255, 255],
        [255, 0, 0],
        [0, 0, 0],
        [127, 127, 127],
    ]
    .concat();
    let file = drawn::tiff::<colortype::CMYK8>(5, 1, &inks.concat(), Compression::Uncompressed);
    check_rgb("cmyk", &file, Format::Tiff, &Drawing::new(5, 1), &rgb);
}

/// A page of colours with one extra sample of a kind.
fn with_extra<C: colortype::ColorType>(samples: &[C::Inner], kind: ExtraSamples) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut file = std::io::Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut file).expect("header");
    let mut page = encoder.new_image::<C>(40, 20).expect("page");
    page.extra_samples(&[kind]).expect("before the data");
    page.write_data(samples).expect("samples");
    file.into_inner()
}

fn luma_of(file: &[u8]) -> Vec<u8> {
    match read(file, Detail::Luma).pixels {
        Pixels::Luma(luma) => luma,
        Pixels::Rgb(_) => panic!("luma was asked for"),
    }
}

/// As its alpha says, by which the colours may be multiplied already, and to any depth.
#[test]
fn tiff_that_is_multiplied_by_its_alpha_gives_the_plain_pixels() {
    let straight = Drawing::new(40, 20).rgba();
    let grey: Vec<u8> = straight
        .chunks_exact(4)
        .flat_map(|it| [it[0], it[3]])
        .collect();
    let times = |c: u8, alpha: u8| ((u32::from(c) * u32::from(alpha) + 127) / 255) as u8;
    let multiplied = |pixels: &[u8], samples: usize| -> Vec<u8> {
        let pixels = pixels.chunks_exact(samples);
        pixels
            .flat_map(|pixel| {
                let alpha = pixel[samples - 1];
                let colours = pixel[..samples - 1].iter().map(move |c| times(*c, alpha));
                colours.chain([alpha])
            })
            .collect()
    };
    let deep =
        |samples: &[u8]| -> Vec<u16> { samples.iter().map(|it| u16::from(*it) * 257).collect() };
    let (plain, done) = (
        ExtraSamples::UnassociatedAlpha,
        ExtraSamples::AssociatedAlpha,
    );
    let (rgba, ga) = (multiplied(&straight, 4), multiplied(&grey, 2));
    for (name, file, expected) in [
        (
            "rgb",
            with_extra::<colortype::RGB8>(&rgba, done),
            with_extra::<colortype::RGB8>(&straight, plain),
        ),
        (
            "deep",
            with_extra::<colortype::RGB16>(&deep(&rgba), done),
            with_extra::<colortype::RGB8>(&straight, plain),
        ),
        (
            "grey",
            with_extra::<colortype::Gray8>(&ga, done),
            with_extra::<colortype::Gray8>(&grey, plain),
        ),
    ] {
        let (read, expected) = (luma_of(&file), luma_of(&expected));
        assert_eq!(read.len(), expected.len());
        let off = read
            .iter()
            .zip(&expected)
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(off <= Some(1), "{name}: {off:?}");
    }
    let no_alpha = with_extra::<colortype::Gray8>(&grey, ExtraSamples::Unspecified);
    let red: Vec<u8> = grey.iter().copied().step_by(2).collect();
    assert_eq!(luma_of(&no_alpha), red);
}
