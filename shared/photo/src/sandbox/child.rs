#[cfg(feature = "arithmetic")]
mod arithmetic;
#[cfg(feature = "avif")]
mod av1;
#[cfg(feature = "jp2")]
mod jp2;
#[cfg(feature = "jxl")]
mod jxl;
#[cfg(feature = "packers")]
mod packers;
#[cfg(feature = "pdf")]
mod pdf;

use std::io::{self, Read, Write};
use std::panic::catch_unwind;

use super::{CORRUPT, CUT, Codec, DECODED, FAILED, LARGE, PIXELS_MAX, UNSUPPORTED, rules};
use crate::planes::Planes;

/// Why a child has no picture.
#[derive(Debug)]
enum Fault {
    Corrupt,
    Unsupported,
    Failed,
    /// It has more pixels than were allowed.
    Large,
    Truncated,
}

/// Decodes what comes by the standard input until it ends; gives the exit code.
pub(super) fn serve(processor_s: u64) -> i32 {
    if rules::take(processor_s).is_err() {
        return 1;
    }
    let (mut from, mut to) = (io::stdin().lock(), io::stdout().lock());
    loop {
        match answer(&mut from, &mut to) {
            Ok(true) => {}
            Ok(false) => return 0,
            Err(_) => return 1,
        }
    }
}

/// Decodes for a fuzzer: a panic is a refusal, as it is in a child.
pub(super) fn decode_here(codec: &str, bytes: Vec<u8>) {
    const PIXELS: u32 = 1 << 20;
    let codec = match codec {
        #[cfg(feature = "avif")]
        "av1" => Codec::Av1,
        #[cfg(feature = "jxl")]
        "jxl" => Codec::Jxl,
        #[cfg(feature = "jp2")]
        "jp2" => Codec::Jp2,
        #[cfg(feature = "arithmetic")]
        "arithmetic" => Codec::ArithmeticJpeg,
        #[cfg(feature = "packers")]
        "lzma" => Codec::Lzma,
        #[cfg(feature = "packers")]
        "zstandard" => Codec::Zstandard,
        #[cfg(feature = "pdf")]
        "pdf" => {
            let numbers: Vec<u8> = (0..16_u16).flat_map(u16::to_le_bytes).collect();
            let served = pdf::serve(bytes, &mut numbers.as_slice(), &mut io::sink());
            return served.expect("nothing fails in memory");
        }
        _ => return,
    };
    if let Ok(Ok(planes)) = catch_unwind(|| decoded(codec as u8, bytes, PIXELS)) {
        let pixels = u64::from(planes.width) * u64::from(planes.height);
        assert!(pixels <= PIXELS.into(), "{pixels} pixels");
    }
}

/// Takes one piece and answers; false at the end.
fn answer(from: &mut impl Read, to: &mut impl Write) -> io::Result<bool> {
    let mut head = [0; 9];
    if from.read_exact(&mut head).is_err() {
        return Ok(false);
    }
    let [codec, a, b, c, d, rest @ ..] = head;
    let (length, pixels_max) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(rest));
    let pixels_max = pixels_max.min(u32::try_from(PIXELS_MAX).expect("25 bits"));
    let mut stream = Vec::new();
    from.take(length.into()).read_to_end(&mut stream)?;
    #[cfg(feature = "pdf")]
    if codec == Codec::Pdf as u8 {
        pdf::serve(stream, from, to)?;
        return Ok(false);
    }
    match catch_unwind(|| decoded(codec, stream, pixels_max)) {
        Ok(Ok(planes)) => write(&planes, to)?,
        Ok(Err(fault)) => write_fault(&fault, to)?,
        Err(_) => write_fault(&Fault::Failed, to)?,
    }
    to.flush()?;
    Ok(true)
}

fn write_fault(fault: &Fault, to: &mut impl Write) -> io::Result<()> {
    to.write_all(&[match fault {
        Fault::Corrupt => CORRUPT,
        Fault::Unsupported => UNSUPPORTED,
        Fault::Failed => FAILED,
        Fault::Large => LARGE,
        Fault::Truncated => CUT,
    }])
}

fn decoded(codec: u8, stream: Vec<u8>, pixels_max: u32) -> Result<Planes, Fault> {
    match codec {
        #[cfg(feature = "avif")]
        codec if codec == Codec::Av1 as u8 => av1::decoded(stream, pixels_max),
        #[cfg(feature = "jxl")]
        codec if codec == Codec::Jxl as u8 => jxl::decoded(&stream, pixels_max),
        #[cfg(feature = "jp2")]
        codec if codec == Codec::Jp2 as u8 => jp2::decoded(&stream, pixels_max),
        #[cfg(feature = "arithmetic")]
        codec if codec == Codec::ArithmeticJpeg as u8 => arithmetic::decoded(&stream, pixels_max),
        #[cfg(feature = "packers")]
        codec if codec == Codec::Lzma as u8 => packers::lzma(&stream, pixels_max),
        #[cfg(feature = "packers")]
        codec if codec == Codec::Zstandard as u8 => packers::zstandard(&stream, pixels_max),
        _ => Err(Fault::Failed),
    }
}

/// Colours as they are, of 8 bits and in their own planes: one sample, or red, green and blue, and then
/// maybe alpha, of each pixel.
#[cfg(any(feature = "jxl", feature = "jp2"))]
fn of_pixels(
    (width, height): (u32, u32),
    channels: usize,
    samples: &[u8],
) -> Result<Planes, Fault> {
    let pixels = samples.chunks_exact(channels.max(1));
    let white = |sample: u8, alpha: u8| u16::from(crate::pixels::over_white(sample, alpha));
    let plane = |at: usize| {
        let alpha = channels.is_multiple_of(2).then_some(channels - 1);
        let pixels = pixels.clone();
        pixels
            .map(|pixel| white(pixel[at], alpha.map_or(255, |alpha| pixel[alpha])))
            .collect::<Vec<u16>>()
    };
    let (planes, colour) = match channels {
        1 | 2 => ([plane(0), Vec::new(), Vec::new()], (0, 0)),
        3 | 4 => ([plane(1), plane(2), plane(0)], (width, height)),
        _ => return Err(Fault::Unsupported),
    };
    Ok(Planes {
        width,
        height,
        colour_width: colour.0,
        colour_height: colour.1,
        depth: 8,
        samples: planes,
        matrix: 0, // green, blue and red as they are
        full_range: true,
    })
}

/// Sides, bits, colours; then the planes, of 16 bits a sample, lowest byte first.
fn write(planes: &Planes, to: &mut impl Write) -> io::Result<()> {
    let matrix = u8::try_from(planes.matrix).unwrap_or(u8::MAX);
    to.write_all(&[DECODED, planes.depth, matrix, u8::from(planes.full_range)])?;
    for side in [
        planes.width,
        planes.height,
        planes.colour_width,
        planes.colour_height,
    ] {
        to.write_all(&side.to_le_bytes())?;
    }
    for plane in &planes.samples {
        for row in plane.chunks((planes.width as usize).max(1)) {
            let bytes: Vec<u8> = row.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            to.write_all(&bytes)?;
        }
    }
    Ok(())
}
