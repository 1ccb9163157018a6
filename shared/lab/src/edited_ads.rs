//! Edited ads made from photos, the way advertisers re-use them. The same photos and seed give
//! the same bytes.

use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};

use crate::drawing::{captioned, collage, framed, scaled, share, warmed};
use crate::rng::Rng;

/// Side of a collage's cell in pixels: what marketplaces show.
const CELL_PX: u32 = 320;

/// A photo of the demonstration.
pub struct Source {
    /// Its file name. No two are the same.
    pub name: String,
    /// The file as it is, for the upload of the reference.
    pub bytes: Vec<u8>,
    /// Its pixels, upright.
    pub pixels: RgbImage,
}

/// An ad made from one photo or more.
pub struct EditedAd {
    /// File name: the photo's name and the edit's.
    pub name: String,
    /// What was done, in words.
    pub edit: &'static str,
    /// Which photos it shows, by their place among the sources.
    pub shows: Vec<usize>,
    /// The picture as a JPEG file.
    pub jpeg: Vec<u8>,
}

/// What can be done to one photo.
struct Edit {
    name: &'static str,
    words: &'static str,
    quality: u8,
    make: fn(&RgbImage, &mut Rng) -> RgbImage,
}

const EDITS: [Edit; 9] = [
    Edit {
        name: "recompressed",
        words: "saved again at low quality",
        quality: 25,
        make: |p, _| p.clone(),
    },
    Edit {
        name: "resized",
        words: "shrunk to 40 %",
        quality: 80,
        make: |p, _| scaled(p, 40),
    },
    Edit {
        name: "colours",
        words: "colours shifted",
        quality: 80,
        make: |p, _| warmed(p),
    },
    Edit {
        name: "mirrored",
        words: "mirrored",
        quality: 80,
        make: |p, _| imageops::flip_horizontal(p),
    },
    Edit {
        name: "turned",
        words: "turned 90",
        quality: 80,
        make: |p, _| imageops::rotate90(p),
    },
    Edit {
        name: "border",
        words: "border added",
        quality: 80,
        make: bordered,
    },
    Edit {
        name: "caption",
        words: "caption band over the lowest 14 %",
        quality: 80,
        make: |p, d| captioned(p, 14, d),
    },
    Edit {
        name: "mirrored-border",
        words: "mirrored, border added",
        quality: 60,
        make: |p, d| bordered(&imageops::flip_horizontal(p), d),
    },
    Edit {
        name: "cropped",
        words: "cropped to 70 % of each side",
        quality: 80,
        make: cropped,
    },
];

/// Every edit of every photo, and collages of two and of four neighbours.
///
/// # Errors
/// When a picture cannot be encoded, as one with a side over 65,535 px cannot.
pub fn edited_ads(photos: &[Source], seed: u64) -> image::ImageResult<Vec<EditedAd>> {
    let mut ads = Vec::new();
    for (place, photo) in photos.iter().enumerate() {
        for edit in &EDITS {
            let mut rng = Rng::new(seed, &format!("{} {}", photo.name, edit.name));
            ads.push(EditedAd {
                name: format!("{}--{}.jpg", photo.name, edit.name),
                edit: edit.words,
                shows: vec![place],
                jpeg: jpeg(&(edit.make)(&photo.pixels, &mut rng), edit.quality)?,
            });
        }
    }
    for (count, name, words) in [
        (2, "collage-2", "collage of two"),
        (4, "collage-4", "collage of four"),
    ] {
        for first in (0..photos.len()).step_by(count) {
            if let Some(shown) = photos.get(first..first + count) {
                ads.push(collage_of(shown, first, name, words)?);
            }
        }
    }
    Ok(ads)
}

fn collage_of(
    shown: &[Source],
    first: usize,
    name: &str,
    words: &'static str,
) -> image::ImageResult<EditedAd> {
    let pixels: Vec<_> = shown.iter().map(|photo| &photo.pixels).collect();
    Ok(EditedAd {
        name: format!("{}--{name}.jpg", shown[0].name),
        edit: words,
        shows: (first..first + shown.len()).collect(),
        jpeg: jpeg(&collage(&pixels, CELL_PX), 80)?,
    })
}

fn bordered(photo: &RgbImage, rng: &mut Rng) -> RgbImage {
    framed(
        photo,
        share(photo.width().min(photo.height()), 8),
        rng.colour(),
    )
}

fn cropped(photo: &RgbImage, rng: &mut Rng) -> RgbImage {
    let (width, height) = (share(photo.width(), 70), share(photo.height(), 70));
    let left = rng.below(photo.width() - width + 1);
    let top = rng.below(photo.height() - height + 1);
    imageops::crop_imm(photo, left, top, width, height).to_image()
}

/// The picture as a JPEG file; `quality` from 1 to 100.
///
/// # Errors
/// If it cannot be encoded.
pub fn jpeg(picture: &RgbImage, quality: u8) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;
    use matching::Policy;
    use photo::Limits;

    /// A picture with structure at many sizes and no symmetry, drawn from a seed.
    fn drawn(seed: u64, width: u32, height: u32) -> RgbImage {
        let mut rng = Rng::new(seed, "drawn");
        let places: Vec<_> = (0..24)
            .map(|_| [width, height, 1 + width / 3, 256].map(|bound| i64::from(rng.below(bound))))
            .collect();
        RgbImage::from_fn(width, height, |x, y| {
            let (x, y) = (i64::from(x), i64::from(y));
            let covering = places
                .iter()
                .rfind(|[left, top, r, _]| (x - left).pow(2) + (y - top).pow(2) < r.pow(2));
            let base = covering.map_or(96, |[_, _, _, brightness]| *brightness);
            Rgb([base, base * 3 / 4, 255 - base]
                .map(|v| (v + (x * 7 + y * 3) % 17).clamp(0, 255) as u8))
        })
    }

    fn sources() -> Vec<Source> {
        (0..4)
            .map(|i| Source {
                name: format!("drawn{i}"),
                bytes: Vec::new(),
                pixels: drawn(i, 360, 300),
            })
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() -> image::ImageResult<()> {
        let bytes = |seed| {
            Ok::<_, image::ImageError>(
                edited_ads(&sources(), seed)?
                    .into_iter()
                    .map(|ad| ad.jpeg)
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(bytes(1)?, bytes(1)?);
        assert_ne!(bytes(1)?, bytes(2)?);
        Ok(())
    }

    #[test]
    fn ads_have_names_of_their_own_and_say_what_they_show() -> image::ImageResult<()> {
        let ads = edited_ads(&sources(), 1)?;
        let names: std::collections::BTreeSet<_> = ads.iter().map(|ad| &ad.name).collect();
        assert_eq!(names.len(), ads.len());
        assert_eq!(ads.len(), 4 * EDITS.len() + 2 + 1);
        assert!(
            ads.iter()
                .all(|ad| !ad.shows.is_empty() && ad.shows.iter().all(|place| *place < 4))
        );
        Ok(())
    }

    #[test]
    fn whole_picture_edits_are_found_and_named() -> image::ImageResult<()> {
        let sources = sources();
        let limits = Limits::default();
        let of_reference = |source: &Source| {
            let jpeg = jpeg(&source.pixels, 90).expect("encodes");
            console::image_file::of_reference(&jpeg, &limits).expect("decodes")
        };
        let references: Vec<_> = sources.iter().map(of_reference).collect();
        for ad in edited_ads(&sources, 1)? {
            let expected = match ad.edit {
                "saved again at low quality" | "shrunk to 40 %" | "colours shifted" => "as is",
                "mirrored" => "mirrored",
                "turned 90" => "turned 90",
                "border added" => "framed",
                "mirrored, border added" => "mirrored, framed",
                _ => continue, // no whole picture any more: may be found or not
            };
            let fingerprint = console::image_file::of_ad(&ad.jpeg, &limits).expect("decodes");
            let found =
                matching::compare(&references[ad.shows[0]], &fingerprint, &Policy::default());
            let edit = found.map(|found| found.edit.to_string());
            assert_eq!(edit.as_deref(), Some(expected), "{}", ad.name);
        }
        Ok(())
    }
}
