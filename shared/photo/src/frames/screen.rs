use super::Frame;
use crate::pixels::{Layout, Raster, samples_len};
use crate::{Orientation, Reason};

/// What an animation draws its frames on: clear at first.
pub(crate) struct Screen {
    width_px: u32,
    height_px: u32,
    rgba: Vec<u8>,
}

/// A frame's place on the screen in pixels: left, top, width, height.
pub(crate) type Place = (u32, u32, u32, u32);

impl Screen {
    pub(crate) fn new(width_px: u32, height_px: u32) -> Result<Screen, Reason> {
        Ok(Screen {
            width_px,
            height_px,
            rgba: vec![0; samples_len(width_px, height_px, Layout::Rgba)?],
        })
    }

    /// Draws a frame, over what is there or in its place.
    pub(crate) fn draw(
        &mut self,
        raster: &Raster,
        (left, top): (u32, u32),
        blend: bool,
    ) -> Result<(), Reason> {
        let frame = raster.frame();
        let bytes = frame.layout.bytes_per_pixel();
        let stride = samples_len(frame.width_px, 1, frame.layout)?;
        for (source, y) in frame.samples.chunks_exact(stride).zip(top..) {
            for (pixel, x) in source.chunks_exact(bytes).zip(left..) {
                let pixel = rgba(frame.layout, pixel).ok_or(Reason::DecoderFailure)?;
                let at = self.at(x, y).ok_or(Reason::Corrupt)?;
                let under = self.rgba.get_mut(at..at + 4).ok_or(Reason::Corrupt)?;
                match pixel[3] {
                    0 if blend => {}
                    alpha if blend && alpha < 255 => lay_over(under, pixel),
                    _ => under.copy_from_slice(&pixel),
                }
            }
        }
        Ok(())
    }

    pub(crate) fn clear(&mut self, (left, top, width, height): Place) {
        for y in top..top.saturating_add(height).min(self.height_px) {
            for x in left..left.saturating_add(width).min(self.width_px) {
                if let Some(at) = self.at(x, y) {
                    self.rgba[at..at + 4].fill(0);
                }
            }
        }
    }

    /// Keeps the screen for [`Screen::restore`].
    pub(crate) fn kept(&self) -> Vec<u8> {
        self.rgba.clone()
    }

    pub(crate) fn restore(&mut self, kept: Vec<u8>) {
        self.rgba = kept;
    }

    pub(crate) fn frame(&self, weight: u64) -> Frame<'_> {
        Frame {
            width_px: self.width_px,
            height_px: self.height_px,
            layout: Layout::Rgba,
            samples: &self.rgba,
            orientation: Orientation::Upright,
            weight,
            page: None,
        }
    }

    fn at(&self, x: u32, y: u32) -> Option<usize> {
        let within = x < self.width_px && y < self.height_px;
        within.then(|| (y as usize * self.width_px as usize + x as usize) * 4)
    }
}

fn rgba(layout: Layout, pixel: &[u8]) -> Option<[u8; 4]> {
    Some(match (layout, pixel) {
        (Layout::Luma, [grey]) => [*grey, *grey, *grey, 255],
        (Layout::LumaAlpha, [grey, alpha]) => [*grey, *grey, *grey, *alpha],
        (Layout::Rgb, [r, g, b]) => [*r, *g, *b, 255],
        (Layout::Rgba, [r, g, b, alpha]) => [*r, *g, *b, *alpha],
        _ => return None,
    })
}

/// Lays a pixel that is clear in part over another one.
fn lay_over(under: &mut [u8], over: [u8; 4]) {
    let alpha = u32::from(over[3]);
    let below = u32::from(under[3]) * (255 - alpha) / 255;
    let whole = (alpha + below).max(1);
    for (under, over) in under.iter_mut().zip(over).take(3) {
        let mixed = (u32::from(over) * alpha + u32::from(*under) * below) / whole;
        *under = u8::try_from(mixed).unwrap_or(u8::MAX);
    }
    under[3] = u8::try_from(whole).unwrap_or(u8::MAX);
}
