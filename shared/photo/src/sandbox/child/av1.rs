use re_rav1d::{
    BitsPerComponent, Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Settings,
};

use super::Fault;
use crate::planes::Planes;

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        match error {
            Error::UnsupportedBitstream => Fault::Unsupported,
            Error::NotEnoughMemory => Fault::Failed,
            _ => Fault::Corrupt,
        }
    }
}

pub(super) fn decoded(stream: Vec<u8>, pixels_max: u32) -> Result<Planes, Fault> {
    if stream.is_empty() {
        return Err(Fault::Corrupt); // its check of that ends the process
    }
    planes(&first(stream, pixels_max)?)
}

/// The first picture of a stream.
fn first(stream: Vec<u8>, pixels_max: u32) -> Result<Picture, Error> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_apply_grain(false); // noise that the writer took out and had described
    settings.set_all_layers(false);
    settings.set_frame_size_limit(pixels_max);
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

fn planes(picture: &Picture) -> Result<Planes, Fault> {
    let depth = match picture.bits_per_component() {
        Some(BitsPerComponent(bits @ 8..=16)) => bits as u8,
        _ => return Err(Fault::Unsupported),
    };
    let (width, height) = (picture.width(), picture.height());
    let (colour_width, colour_height) = match picture.pixel_layout() {
        PixelLayout::I400 => (0, 0),
        PixelLayout::I420 => (width.div_ceil(2), height.div_ceil(2)),
        PixelLayout::I422 => (width.div_ceil(2), height),
        PixelLayout::I444 => (width, height),
    };
    let of = |component, sides: (u32, u32)| match sides.0 {
        0 => Vec::new(),
        _ => plane(picture, component, sides),
    };
    let colours = (colour_width, colour_height);
    Ok(Planes {
        width,
        height,
        colour_width,
        colour_height,
        depth,
        samples: [
            of(PlanarImageComponent::Y, (width, height)),
            of(PlanarImageComponent::U, colours),
            of(PlanarImageComponent::V, colours),
        ],
        matrix: picture.matrix_coefficients() as u16,
        full_range: picture.color_range() == re_rav1d::pixel::YUVRange::Full,
    })
}

fn plane(
    picture: &Picture,
    component: PlanarImageComponent,
    (width, height): (u32, u32),
) -> Vec<u16> {
    let stride = picture.stride(component) as usize;
    let plane = picture.plane(component);
    let mut samples = Vec::with_capacity(width as usize * height as usize);
    for row in plane.chunks(stride.max(1)).take(height as usize) {
        if picture.bit_depth() > 8 {
            let pairs = row.chunks_exact(2).take(width as usize);
            samples.extend(pairs.map(|pair| u16::from_ne_bytes([pair[0], pair[1]])));
        } else {
            samples.extend(row.iter().take(width as usize).map(|it| u16::from(*it)));
        }
    }
    samples
}
