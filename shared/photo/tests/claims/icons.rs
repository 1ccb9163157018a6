//! Icons and cursors.

use photo::{Detail, Format, Limits, Pixels, Reason, decode};

use crate::drawn::{self, Drawing};

/// An icon of these pictures, each with its side in pixels.
fn icon(kind: u8, pictures: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut file = vec![0, 0, kind, 0, pictures.len() as u8, 0];
    let mut at = 6 + 16 * pictures.len();
    for (side, data) in pictures {
        file.extend([*side as u8, *side as u8, 0, 0, 1, 0, 32, 0]);
        file.extend((data.len() as u32).to_le_bytes());
        file.extend((at as u32).to_le_bytes());
        at += data.len();
    }
    let data = pictures.iter().flat_map(|(_, data)| data.clone());
    file.into_iter().chain(data).collect()
}

/// A bitmap without its head, of 32 bit colours over a mask.
fn bitmap(side: u32, rgb: &[u8]) -> Vec<u8> {
    let mut data = [40_u32, side, 2 * side].map(u32::to_le_bytes).concat();
    data.extend([1, 0, 32, 0]);
    data.extend([0; 24]);
    for row in rgb.chunks((side * 3) as usize).rev() {
        data.extend(row.chunks(3).flat_map(|it| [it[2], it[1], it[0], 255]));
    }
    data.extend(vec![0; (side.div_ceil(32) * 4 * side) as usize]);
    data
}

fn png(side: u32, rgb: &[u8]) -> Vec<u8> {
    drawn::png(side, side, png::ColorType::Rgb, png::BitDepth::Eight, rgb)
}

#[test]
fn the_largest_picture_of_an_icon_is_taken_be_it_a_bitmap_or_a_png() {
    let (small, large) = (Drawing::new(16, 16).rgb, Drawing::new(48, 48).rgb);
    for (first, second) in [
        (bitmap(16, &small), bitmap(48, &large)),
        (bitmap(16, &small), png(48, &large)),
        (png(16, &small), bitmap(48, &large)),
    ] {
        for kind in [1, 2] {
            let file = icon(kind, &[(16, first.clone()), (48, second.clone())]);
            let photo = decode(&file, Detail::Colour, &Limits::default()).expect("an icon");
            assert_eq!(photo.format, Format::Ico);
            assert!(photo.pixels == Pixels::Rgb(large.clone()));
        }
    }
}

#[test]
fn an_icon_that_lies_or_ends_too_early_is_refused() {
    let file = icon(1, &[(48, bitmap(48, &Drawing::new(48, 48).rgb))]);
    let read = |file: &[u8]| decode(file, Detail::Luma, &Limits::default()).err();
    assert_eq!(read(&file[..file.len() / 2]), Some(Reason::Truncated));
    let mut lie = file.clone();
    lie[26..34].copy_from_slice(&[0xff, 0xff, 0, 0, 0xfe, 0xff, 0, 0]);
    assert_eq!(read(&lie), Some(Reason::TooManyPixels));
}
