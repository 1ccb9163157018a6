use super::FramesShown;
use crate::{Orientation, Photo, Pixels};

/// White between two frames in pixels: enough for a collage's edges to be seen.
const GAP_PX: usize = 16;

/// The frames beside and below each other on white, each standing upright.
pub(crate) fn sheet(frames: Vec<Photo>, mut shown: FramesShown) -> Option<Photo> {
    let format = frames.first()?.format;
    if frames.len() == 1 {
        return frames.into_iter().next();
    }
    let frames: Vec<Photo> = frames.into_iter().map(Photo::upright).collect();
    let most = |side: fn(&Photo) -> u32| frames.iter().map(side).max().unwrap_or_default() as usize;
    let (cell_width, cell_height) = (most(|it| it.width_px), most(|it| it.height_px));
    let columns = 2;
    let rows = frames.len().div_ceil(columns);
    let width = columns * cell_width + GAP_PX;
    let height = rows * cell_height + (rows - 1) * GAP_PX;
    let is_grey = frames.iter().all(|it| matches!(it.pixels, Pixels::Luma(_)));
    let bytes = if is_grey { 1 } else { 3 };
    let mut samples = vec![255; width * height * bytes];
    for (at, frame) in frames.iter().enumerate() {
        let left = at % columns * (cell_width + GAP_PX);
        let top = at / columns * (cell_height + GAP_PX);
        if let Some(shown) = shown.frames.get_mut(at) {
            let place = [left, top].map(|it| u32::try_from(it).unwrap_or(u32::MAX));
            shown.area_px = Some([place[0], place[1], frame.width_px, frame.height_px]);
        }
        for (y, row) in rows_of(frame, bytes).enumerate() {
            let start = ((top + y) * width + left) * bytes;
            samples[start..start + row.len()].copy_from_slice(&row);
        }
    }
    Some(Photo {
        width_px: u32::try_from(width).ok()?,
        height_px: u32::try_from(height).ok()?,
        pixels: if is_grey {
            Pixels::Luma(samples)
        } else {
            Pixels::Rgb(samples)
        },
        orientation: Orientation::Upright,
        format,
        is_partial: false,
        shown,
    })
}

/// A frame's rows, of so many bytes a pixel.
fn rows_of(frame: &Photo, bytes: usize) -> impl Iterator<Item = Vec<u8>> {
    let (samples, has) = match &frame.pixels {
        Pixels::Luma(samples) => (samples, 1),
        Pixels::Rgb(samples) => (samples, 3),
    };
    let rows = samples.chunks_exact((frame.width_px as usize * has).max(1));
    rows.map(move |row| {
        if has == bytes {
            row.to_vec()
        } else {
            row.iter().flat_map(|grey| [*grey; 3]).collect()
        }
    })
}
