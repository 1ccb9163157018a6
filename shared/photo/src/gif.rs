mod frames;

use ::gif::{DecodeOptions, DecodingError, MemoryLimit};

use crate::bytes::le16;
use crate::pixels::{Layout, Raster, samples_len};
use crate::{Detail, Limits, Orientation, Reason};

pub(crate) fn decode(
    bytes: &[u8],
    _: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let screen = Screen {
        width: le16(bytes, 6).ok_or(Reason::Truncated)?,
        height: le16(bytes, 8).ok_or(Reason::Truncated)?,
    };
    limits.admit_part(screen.width.into(), screen.height.into())?;
    let mut options = DecodeOptions::new();
    options.allow_unknown_blocks(true);
    options.set_memory_limit(MemoryLimit::Unlimited); // we bring the buffer
    let mut decoder = options.read_info(bytes).map_err(reason)?;
    let frame = decoder
        .next_frame_info()
        .map_err(reason)?
        .ok_or(Reason::Truncated)?
        .clone();
    let canvas = screen.grown_to(&frame)?;
    limits.admit(canvas.width.into(), canvas.height.into())?;

    let mut indices = vec![0; usize::from(frame.width) * usize::from(frame.height)];
    let hurt = decoder.read_into_buffer(&mut indices).map_err(reason).err();
    let palette = decoder.palette().map_err(reason)?;
    let raster = canvas.paint(&frame, &indices, palette)?;
    let Some(reason) = hurt else {
        return Ok((raster, Orientation::Upright));
    };
    // What browsers show of a cut file: the rows that are there. Those of an interlaced one are not in their order.
    let last = indices.iter().rposition(|index| *index != 0);
    let rows = last.map_or(0, |last| last / usize::from(frame.width));
    let rows = u32::try_from(rows).unwrap_or_default() + u32::from(frame.top);
    let there = raster.first_rows(rows, limits);
    let there = there.filter(|_| reason == Reason::Truncated && !frame.interlaced);
    Ok((there.ok_or(reason)?, Orientation::Upright))
}

pub(crate) use frames::walk;

/// The canvas of an animation, in pixels.
struct Screen {
    width: u16,
    height: u16,
}

impl Screen {
    /// A frame that leaves the screen widens it, as in Pillow.
    fn grown_to(&self, frame: &::gif::Frame<'_>) -> Result<Screen, Reason> {
        let right = frame.left.checked_add(frame.width).ok_or(Reason::Corrupt)?;
        let bottom = frame.top.checked_add(frame.height).ok_or(Reason::Corrupt)?;
        if frame.width == 0 || frame.height == 0 {
            return Err(Reason::Corrupt);
        }
        Ok(Screen {
            width: self.width.max(right),
            height: self.height.max(bottom),
        })
    }

    /// The frame on white. An index beyond the palette is black, as in browsers.
    fn paint(
        &self,
        frame: &::gif::Frame<'_>,
        indices: &[u8],
        palette: &[u8],
    ) -> Result<Raster, Reason> {
        let (width_px, height_px) = (self.width.into(), self.height.into());
        let mut samples = vec![255; samples_len(width_px, height_px, Layout::Rgb)?];
        let rows = samples.chunks_exact_mut(usize::from(self.width) * 3);
        let rows = rows.skip(usize::from(frame.top));
        for (row, indices) in rows.zip(indices.chunks_exact(usize::from(frame.width))) {
            let pixels = row.chunks_exact_mut(3).skip(usize::from(frame.left));
            for (pixel, index) in pixels.zip(indices) {
                if frame.transparent != Some(*index) {
                    let at = usize::from(*index) * 3;
                    pixel.copy_from_slice(palette.get(at..at + 3).unwrap_or(&[0; 3]));
                }
            }
        }
        Raster::new(width_px, height_px, Layout::Rgb, samples)
    }
}

fn reason(error: DecodingError) -> Reason {
    match error {
        DecodingError::UnexpectedEof | DecodingError::Io(_) => Reason::Truncated,
        DecodingError::OutOfMemory | DecodingError::MemoryLimit => Reason::DecoderFailure,
        _ => Reason::Corrupt,
    }
}
