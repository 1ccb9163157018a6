//! A picture of no person: random discs, another each time, so that no test meets an earlier one.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage, imageops};

/// A drawn photo and its mirrored copy.
pub struct Drawn {
    /// What no other drawn photo is called.
    pub name: String,
    /// The photo.
    pub jpeg: Vec<u8>,
    /// The copy.
    pub mirrored: Vec<u8>,
}

/// A disc: centre, radius, brightness.
type Disc = (u32, u32, u32, u8);

const WIDTH_PX: u32 = 480;
const HEIGHT_PX: u32 = 360;
/// Enough that every part of the picture has structure.
const DISCS: usize = 60;

impl Drawn {
    /// Draws one.
    ///
    /// # Errors
    /// A machine without randomness.
    pub fn new() -> anyhow::Result<Self> {
        let mut chance = [0_u8; 8 + DISCS * 4];
        getrandom::fill(&mut chance).map_err(|error| anyhow::anyhow!("{error}"))?;
        let (name, chance) = chance.split_at(8);
        let discs: Vec<Disc> = chance.chunks_exact(4).map(disc).collect();
        let picture = RgbImage::from_fn(WIDTH_PX, HEIGHT_PX, |x, y| colour(&discs, x, y));
        Ok(Self {
            name: hex::encode(name),
            jpeg: jpeg(&picture)?,
            mirrored: jpeg(&imageops::flip_horizontal(&picture))?,
        })
    }
}

fn disc(chance: &[u8]) -> Disc {
    let share = |place: usize, px: u32| {
        let byte = chance.get(place).copied().unwrap_or_default();
        u32::from(byte) * px / 255
    };
    let radius = 8 + share(2, 70);
    (
        share(0, WIDTH_PX),
        share(1, HEIGHT_PX),
        radius,
        share(3, 255) as u8,
    )
}

fn colour(discs: &[Disc], x: u32, y: u32) -> Rgb<u8> {
    let covers = |(left, top, radius, _): &&Disc| {
        left.abs_diff(x).pow(2) + top.abs_diff(y).pow(2) < radius.pow(2)
    };
    let brightness = discs.iter().rev().find(covers).map_or(96, |disc| disc.3);
    Rgb([brightness, brightness / 2 + 60, 255 - brightness])
}

fn jpeg(picture: &RgbImage) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Jpeg)?;
    Ok(bytes.into_inner())
}
