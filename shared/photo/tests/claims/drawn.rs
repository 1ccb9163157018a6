//! Pictures that the tests draw and encode themselves. No photo of anybody is needed.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::io::Cursor;

use tiff::encoder::{Compression, TiffEncoder, colortype};

/// A drawing: a ramp of at most two steps a pixel, so that lossy formats stay close to it.
pub struct Drawing {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

impl Drawing {
    pub fn new(width: u32, height: u32) -> Drawing {
        let rgb = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| ramp(x, y, width, height)))
            .collect();
        Drawing { width, height, rgb }
    }

    pub fn rgba(&self) -> Vec<u8> {
        let pixels = self.rgb.chunks_exact(3).enumerate();
        pixels
            .flat_map(|(at, rgb)| [rgb[0], rgb[1], rgb[2], (at * 7 % 256) as u8])
            .collect()
    }

    pub fn red(&self) -> Vec<u8> {
        self.rgb.iter().copied().step_by(3).collect()
    }

    /// What `Detail::Luma` promises for the drawing's colours.
    pub fn luma(&self) -> Vec<u8> {
        self.rgb
            .chunks_exact(3)
            .map(|rgb| luma(rgb[0], rgb[1], rgb[2]))
            .collect()
    }
}

fn ramp(x: u32, y: u32, width: u32, height: u32) -> [u8; 3] {
    let across = (x * 200 / width.max(100)) as u8;
    let down = (y * 200 / height.max(100)) as u8;
    [40 + across, 20 + down, 128]
}

/// Rounded in floating point: another way than the code under test.
pub fn luma(r: u8, g: u8, b: u8) -> u8 {
    (0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)).round() as u8
}

/// Whether each luma is the rounding of its colour's, but for the fixed point's last digits.
pub fn check_luma(name: &str, luma: &[u8], rgb: &[u8]) {
    assert_eq!(luma.len() * 3, rgb.len(), "{name}");
    for (luma, rgb) in luma.iter().zip(rgb.chunks_exact(3)) {
        let [r, g, b] = [rgb[0], rgb[1], rgb[2]].map(f64::from);
        let exact = 0.299 * r + 0.587 * g + 0.114 * b;
        assert!(
            (f64::from(*luma) - exact).abs() < 0.51,
            "{name}: {luma} for {exact}"
        );
    }
}

pub fn over_white(sample: u8, alpha: u8) -> u8 {
    let alpha = f64::from(alpha) / 255.0;
    (f64::from(sample) * alpha + 255.0 * (1.0 - alpha)).round() as u8
}

pub struct JpegOptions {
    pub kind: jpeg_encoder::ColorType,
    pub sampling: jpeg_encoder::SamplingFactor,
    pub progressive: bool,
    pub restart: u16,
    pub exif: Option<Vec<u8>>,
}

impl Default for JpegOptions {
    fn default() -> JpegOptions {
        JpegOptions {
            kind: jpeg_encoder::ColorType::Rgb,
            sampling: jpeg_encoder::SamplingFactor::F_2_2,
            progressive: false,
            restart: 0,
            exif: None,
        }
    }
}

pub fn jpeg(width: u32, height: u32, samples: &[u8], options: JpegOptions) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 95);
    encoder.set_sampling_factor(options.sampling);
    encoder.set_progressive(options.progressive);
    if options.restart > 0 {
        encoder.set_restart_interval(options.restart);
    }
    if let Some(exif) = options.exif {
        encoder.add_exif_metadata(&exif).expect("short");
    }
    encoder
        .encode(samples, width as u16, height as u16, options.kind)
        .expect("drawn");
    file
}

pub fn png(
    width: u32,
    height: u32,
    colour: png::ColorType,
    depth: png::BitDepth,
    samples: &[u8],
) -> Vec<u8> {
    png_with(width, height, colour, depth, samples, |_| {})
}

pub fn png_with(
    width: u32,
    height: u32,
    colour: png::ColorType,
    depth: png::BitDepth,
    samples: &[u8],
    options: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    options(&mut encoder);
    encoder
        .write_header()
        .expect("header")
        .write_image_data(samples)
        .expect("samples");
    file
}

/// A PNG chunk with its checksum.
pub fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind.as_slice(), data].concat();
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend_from_slice(&body);
    chunk.extend_from_slice(&crc32(&body).to_be_bytes());
    chunk
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// The PNG with a chunk put before its first image data.
pub fn png_before_data(file: &[u8], chunk: &[u8]) -> Vec<u8> {
    let at = file
        .windows(4)
        .position(|kind| kind == b"IDAT")
        .expect("a PNG")
        - 4;
    [&file[..at], chunk, &file[at..]].concat()
}

pub fn gif(screen: (u16, u16), palette: &[u8], frames: &[gif::Frame<'_>]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, screen.0, screen.1, palette).expect("header");
    for frame in frames {
        encoder.write_frame(frame).expect("frame");
    }
    drop(encoder);
    file
}

pub fn gif_frame(width: u16, height: u16, indices: Vec<u8>) -> gif::Frame<'static> {
    gif::Frame {
        width,
        height,
        buffer: indices.into(),
        ..gif::Frame::default()
    }
}

/// 256 greys.
pub fn grey_palette() -> Vec<u8> {
    (0..=255).flat_map(|grey| [grey, grey, grey]).collect()
}

pub fn webp_lossless(width: u32, height: u32, rgba: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    image_webp::WebPEncoder::new(&mut file)
        .encode(rgba, width, height, image_webp::ColorType::Rgba8)
        .expect("drawn");
    file
}

/// A lossy picture of 24×18 pixels by libwebp: red grows by 10 a column, green by 14 a row. No
/// Rust encoder writes VP8.
pub const VP8: &[u8] = &[
    0x70, 0x04, 0x00, 0x9d, 0x01, 0x2a, 0x18, 0x00, 0x12, 0x00, 0x3e, 0xbd, 0x50, 0x9e, 0x4b, 0xb3,
    0xa8, 0xa2, 0xa1, 0xb7, 0xfa, 0xa8, 0x02, 0x70, 0x17, 0x89, 0x68, 0x00, 0x9d, 0x32, 0x84, 0x74,
    0xd0, 0x29, 0x3b, 0xdf, 0xc4, 0x19, 0x1b, 0x74, 0x7b, 0xf4, 0xf0, 0x00, 0x00, 0xfe, 0xf4, 0x53,
    0x7b, 0xe1, 0x9d, 0x08, 0x38, 0x6b, 0x81, 0xc1, 0x5b, 0xe7, 0xe2, 0xd6, 0xee, 0xbb, 0x3c, 0x32,
    0xcb, 0x59, 0xef, 0x00, 0x99, 0xc7, 0x4a, 0xdf, 0x84, 0xf2, 0x22, 0x54, 0x07, 0x6e, 0x10, 0x95,
    0xda, 0xa8, 0xdd, 0x72, 0x41, 0x0b, 0xb4, 0x50, 0x38, 0x33, 0xad, 0xaf, 0xd8, 0xe4, 0xe4, 0xdd,
    0x3a, 0xfa, 0x02, 0xd9, 0xdb, 0xfe, 0x8c, 0xce, 0x5e, 0x8f, 0x5f, 0x00, 0x00, 0x00,
];
pub const VP8_SIDES: (u32, u32) = (24, 18);

pub fn riff_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = kind.to_vec();
    chunk.extend_from_slice(&(data.len() as u32).to_le_bytes());
    chunk.extend_from_slice(data);
    chunk.resize(chunk.len() + data.len() % 2, 0);
    chunk
}

pub fn webp(chunks: &[Vec<u8>]) -> Vec<u8> {
    riff_chunk(b"RIFF", &[b"WEBP".to_vec(), chunks.concat()].concat())
}

/// Extended header: flags and canvas.
pub fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let sides = [
        &(width - 1).to_le_bytes()[..3],
        &(height - 1).to_le_bytes()[..3],
    ]
    .concat();
    riff_chunk(b"VP8X", &[vec![flags, 0, 0, 0], sides].concat())
}

/// One frame of an animation, at an even place of its canvas.
pub fn anmf(left: u32, top: u32, width: u32, height: u32, chunk: &[u8]) -> Vec<u8> {
    let fields = [left / 2, top / 2, width - 1, height - 1, 100];
    let fields = fields
        .iter()
        .flat_map(|field| field.to_le_bytes()[..3].to_vec());
    riff_chunk(
        b"ANMF",
        &[fields.collect(), vec![0], chunk.to_vec()].concat(),
    )
}

pub fn bmp(width: u32, height: u32, samples: &[u8], colour: image::ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    image::codecs::bmp::BmpEncoder::new(&mut file)
        .encode(samples, width, height, colour)
        .expect("drawn");
    file
}

pub fn tiff<C: colortype::ColorType>(
    width: u32,
    height: u32,
    samples: &[C::Inner],
    compression: Compression,
) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    tiff_with::<C>(width, height, samples, compression, &[])
}

/// With short tags beside the usual ones.
pub fn tiff_with<C: colortype::ColorType>(
    width: u32,
    height: u32,
    samples: &[C::Inner],
    compression: Compression,
    tags: &[(u16, u16)],
) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file)
        .expect("header")
        .with_compression(compression);
    let mut page = encoder.new_image::<C>(width, height).expect("page");
    // Small pages get several strips; large ones a single one, which is the heaviest case.
    let rows = if height < 100 { 7 } else { height };
    page.rows_per_strip(rows).expect("before the data");
    for (tag, value) in tags {
        page.encoder()
            .write_tag(tiff::tags::Tag::Unknown(*tag), *value)
            .expect("tag");
    }
    page.write_data(samples).expect("samples");
    file.into_inner()
}

/// An EXIF block that holds one orientation.
pub fn exif(orientation: u16, big_endian: bool) -> Vec<u8> {
    let u16s = |value: u16| {
        if big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let u32s = |value: u32| {
        if big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let mut block = if big_endian {
        b"MM".to_vec()
    } else {
        b"II".to_vec()
    };
    block.extend(u16s(42));
    block.extend(u32s(8));
    block.extend(u16s(2)); // entries
    for (tag, value) in [(0x0100, 1), (0x0112, orientation)] {
        block.extend(u16s(tag));
        block.extend(u16s(3));
        block.extend(u32s(1));
        block.extend(u16s(value));
        block.extend([0, 0]);
    }
    block.extend(u32s(0));
    block
}

/// The program that decodes apart; an example has none but itself.
#[cfg(feature = "sandbox")]
pub const SANDBOX: &str = match option_env!("CARGO_BIN_EXE_photo_decoder") {
    Some(program) => program,
    None => "",
};

/// Lets this test decode what is decoded apart.
#[cfg(feature = "sandbox")]
pub fn start_sandbox() {
    photo::sandbox::init_with(SANDBOX.into());
}

/// One small file of every kind that is decoded, with a name for messages.
pub fn one_of_each() -> Vec<(&'static str, Vec<u8>)> {
    #[cfg(feature = "sandbox")]
    start_sandbox();
    use jpeg_encoder::{ColorType, SamplingFactor};
    use png::{BitDepth, ColorType as Png};
    let drawing = Drawing::new(33, 18);
    let (w, h, rgb, grey, rgba) = (
        drawing.width,
        drawing.height,
        &drawing.rgb,
        drawing.red(),
        drawing.rgba(),
    );
    let jpeg_of = |options| jpeg(w, h, rgb, options);
    let frame = || gif_frame(33, 18, grey.clone());
    let lossless = webp_lossless(w, h, &rgba);
    let vp8l = lossless[12..].to_vec();
    let sixteen: Vec<u16> = rgb.iter().map(|sample| u16::from(*sample) * 257).collect();
    vec![
        ("jpeg", jpeg_of(JpegOptions::default())),
        (
            "jpeg progressive",
            jpeg_of(JpegOptions {
                progressive: true,
                ..Default::default()
            }),
        ),
        (
            "jpeg restarts",
            jpeg_of(JpegOptions {
                restart: 1,
                ..Default::default()
            }),
        ),
        (
            "jpeg 4:1:1",
            jpeg_of(JpegOptions {
                sampling: SamplingFactor::F_4_1,
                ..Default::default()
            }),
        ),
        (
            "jpeg grey",
            jpeg(
                w,
                h,
                &grey,
                JpegOptions {
                    kind: ColorType::Luma,
                    ..Default::default()
                },
            ),
        ),
        (
            "jpeg cmyk",
            jpeg(
                w,
                h,
                &rgba,
                JpegOptions {
                    kind: ColorType::Cmyk,
                    ..Default::default()
                },
            ),
        ),
        (
            "jpeg ycck progressive",
            jpeg(
                w,
                h,
                &rgba,
                JpegOptions {
                    kind: ColorType::CmykAsYcck,
                    progressive: true,
                    ..Default::default()
                },
            ),
        ),
        ("png", png(w, h, Png::Rgb, BitDepth::Eight, rgb)),
        ("png alpha", png(w, h, Png::Rgba, BitDepth::Eight, &rgba)),
        ("gif", gif((33, 18), &grey_palette(), &[frame(), frame()])),
        ("webp lossless", lossless),
        ("webp lossy", webp(&[riff_chunk(b"VP8 ", VP8)])),
        (
            "webp animated",
            webp(&[
                vp8x(2, w, h),
                riff_chunk(b"ANIM", &[0; 6]),
                anmf(0, 0, w, h, &vp8l),
            ]),
        ),
        ("bmp", bmp(w, h, rgb, image::ExtendedColorType::Rgb8)),
        ("bmp grey", bmp(w, h, &grey, image::ExtendedColorType::L8)),
        (
            "tiff",
            tiff::<colortype::RGB8>(w, h, rgb, Compression::Uncompressed),
        ),
        (
            "tiff lzw",
            tiff::<colortype::Gray8>(w, h, &grey, Compression::Lzw),
        ),
        (
            "tiff deflate 16",
            tiff::<colortype::RGB16>(w, h, &sixteen, Compression::Deflate(Default::default())),
        ),
        (
            "tiff packbits cmyk",
            tiff::<colortype::CMYK8>(w, h, &rgba, Compression::Packbits),
        ),
        #[cfg(feature = "avif")]
        ("avif", include_bytes!("../samples/small.avif").to_vec()),
        #[cfg(feature = "jxl")]
        ("jxl", include_bytes!("../samples/small.jxl").to_vec()),
        #[cfg(feature = "jp2")]
        ("jp2", include_bytes!("../samples/small.jp2").to_vec()),
        #[cfg(feature = "heic")]
        ("heic", include_bytes!("../samples/small.heic").to_vec()),
    ]
}
