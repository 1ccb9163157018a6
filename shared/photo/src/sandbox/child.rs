use std::io::{self, Read, Write};
use std::panic::catch_unwind;

use re_rav1d::{
    BitsPerComponent, Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Settings,
};

use super::{CORRUPT, DECODED, FAILED, PIXELS_MAX, UNSUPPORTED, rules};

/// Decodes what comes by the standard input until it ends; gives the exit code.
pub(super) fn serve() -> i32 {
    if rules::take().is_err() {
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

/// Takes one piece and answers; false at the end.
fn answer(from: &mut impl Read, to: &mut impl Write) -> io::Result<bool> {
    let mut head = [0; 8];
    if from.read_exact(&mut head).is_err() {
        return Ok(false);
    }
    let [a, b, c, d, rest @ ..] = head;
    let (length, pixels_max) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(rest));
    let mut stream = Vec::new();
    from.take(length.into()).read_to_end(&mut stream)?;
    match catch_unwind(|| decoded(stream, pixels_max)) {
        Ok(Ok(picture)) => write(&picture, to)?,
        Ok(Err(Error::UnsupportedBitstream)) => to.write_all(&[UNSUPPORTED])?,
        Ok(Err(Error::NotEnoughMemory)) | Err(_) => to.write_all(&[FAILED])?,
        Ok(Err(_)) => to.write_all(&[CORRUPT])?,
    }
    to.flush()?;
    Ok(true)
}

/// The first picture of a stream.
fn decoded(stream: Vec<u8>, pixels_max: u32) -> Result<Picture, Error> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_apply_grain(false); // noise that the writer took out and had described
    settings.set_all_layers(false);
    settings.set_frame_size_limit(pixels_max.min(u32::try_from(PIXELS_MAX).expect("25 bits")));
    let mut decoder = Decoder::with_settings(&settings)?;
    let mut sent = decoder.send_data(stream, None, None, None);
    loop {
        match decoder.get_picture() {
            Err(Error::Again) if sent == Err(Error::Again) => sent = decoder.send_pending_data(),
            Err(Error::Again) => {
                sent?;
                return Err(Error::InvalidArgument); // no picture in it
            }
            picture => return picture,
        }
    }
}

/// Sides, bits, colours; then the planes, of 16 bits a sample, lowest byte first.
fn write(picture: &Picture, to: &mut impl Write) -> io::Result<()> {
    let depth = match picture.bits_per_component() {
        Some(BitsPerComponent(bits @ 8..=16)) => bits as u8,
        _ => return to.write_all(&[UNSUPPORTED]),
    };
    let (width, height) = (picture.width(), picture.height());
    let (colour_width, colour_height) = match picture.pixel_layout() {
        PixelLayout::I400 => (0, 0),
        PixelLayout::I420 => (width.div_ceil(2), height.div_ceil(2)),
        PixelLayout::I422 => (width.div_ceil(2), height),
        PixelLayout::I444 => (width, height),
    };
    to.write_all(&[DECODED, depth])?;
    let range = u8::from(picture.color_range() == re_rav1d::pixel::YUVRange::Full);
    to.write_all(&[picture.matrix_coefficients() as u8, range])?;
    for side in [width, height, colour_width, colour_height] {
        to.write_all(&side.to_le_bytes())?;
    }
    let wide = picture.bit_depth() > 8;
    let planes = [
        (PlanarImageComponent::Y, width, height),
        (PlanarImageComponent::U, colour_width, colour_height),
        (PlanarImageComponent::V, colour_width, colour_height),
    ];
    for (component, width, height) in planes {
        if width > 0 {
            write_plane(picture, component, (width, height), wide, to)?;
        }
    }
    Ok(())
}

fn write_plane(
    picture: &Picture,
    component: PlanarImageComponent,
    (width, height): (u32, u32),
    wide: bool,
    to: &mut impl Write,
) -> io::Result<()> {
    let stride = picture.stride(component) as usize;
    let plane = picture.plane(component);
    for row in plane.chunks(stride).take(height as usize) {
        let samples: Vec<u8> = if wide {
            let pairs = row.chunks_exact(2).take(width as usize);
            pairs
                .flat_map(|pair| u16::from_ne_bytes([pair[0], pair[1]]).to_le_bytes())
                .collect()
        } else {
            row.iter()
                .take(width as usize)
                .flat_map(|sample| [*sample, 0])
                .collect()
        };
        to.write_all(&samples)?;
    }
    Ok(())
}
