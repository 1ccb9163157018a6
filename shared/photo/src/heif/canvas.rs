use heifer_isobmff::boxes::Property;

use crate::pixels::{Layout, Raster, samples_len};
use crate::planes::Planes;
use crate::{Detail, Reason};

/// A picture that is put together of pieces.
pub(super) struct Canvas {
    width_px: u32,
    height_px: u32,
    layout: Layout,
    samples: Vec<u8>,
}

impl Canvas {
    /// Takes no memory before the first piece.
    pub(super) fn new(width_px: u32, height_px: u32) -> Canvas {
        Canvas {
            width_px,
            height_px,
            layout: Layout::Luma,
            samples: Vec::new(),
        }
    }

    pub(super) fn sides(&self) -> (u32, u32) {
        (self.width_px, self.height_px)
    }

    /// Puts a piece of these sides at a place; what leaves the canvas is cut off.
    pub(super) fn place(
        &mut self,
        piece: &Planes,
        (left, top): (u32, u32),
        (width, height): (u32, u32),
        detail: Detail,
    ) -> Result<(), Reason> {
        if self.samples.is_empty() {
            self.layout = match detail {
                Detail::Colour if !piece.is_grey() => Layout::Rgb,
                _ => Layout::Luma,
            };
            self.samples = vec![0; samples_len(self.width_px, self.height_px, self.layout)?];
        }
        let width = width.min(self.width_px.saturating_sub(left));
        let height = height.min(self.height_px.saturating_sub(top));
        if width == 0 {
            return Ok(());
        }
        let stride = samples_len(self.width_px, 1, self.layout)?;
        let from = samples_len(left, 1, self.layout)?;
        let to = from + samples_len(width, 1, self.layout)?;
        let rows = self.samples.chunks_exact_mut(stride);
        for (row, y) in rows.skip(top as usize).zip(0..height) {
            let row = row.get_mut(from..to).ok_or(Reason::DecoderFailure)?;
            match self.layout {
                Layout::Rgb => {
                    for (pixel, x) in row.chunks_exact_mut(3).zip(0..) {
                        pixel.copy_from_slice(&piece.rgb_at(x, y));
                    }
                }
                _ => {
                    for (sample, x) in row.iter_mut().zip(0..) {
                        *sample = piece.luma_at(x, y);
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts the picture on white, by an alpha of the same sides.
    pub(super) fn fade(&mut self, alpha: Canvas) {
        let bytes = self.layout.bytes_per_pixel();
        for (pixel, alpha) in self.samples.chunks_exact_mut(bytes).zip(alpha.samples) {
            for sample in pixel {
                *sample = crate::pixels::over_white(*sample, alpha);
            }
        }
    }

    /// The part within an aperture.
    pub(super) fn cut(self, to: &Aperture) -> Result<Canvas, Reason> {
        if (to.width_px, to.height_px) == self.sides() {
            return Ok(self);
        }
        let stride = samples_len(self.width_px, 1, self.layout)?;
        let from = samples_len(to.left, 1, self.layout)?;
        let end = from + samples_len(to.width_px, 1, self.layout)?;
        let bytes = samples_len(to.width_px, to.height_px, self.layout)?;
        let mut samples = Vec::with_capacity(bytes);
        let rows = self.samples.chunks_exact(stride).skip(to.top as usize);
        for row in rows.take(to.height_px as usize) {
            samples.extend_from_slice(row.get(from..end).ok_or(Reason::Corrupt)?);
        }
        Ok(Canvas {
            width_px: to.width_px,
            height_px: to.height_px,
            samples,
            ..self
        })
    }

    pub(super) fn into_raster(self) -> Result<Raster, Reason> {
        Raster::new(self.width_px, self.height_px, self.layout, self.samples)
    }
}

/// The part of a coded picture that is to be shown.
pub(super) struct Aperture {
    left: u32,
    top: u32,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
}

impl Aperture {
    pub(super) fn whole(width_px: u32, height_px: u32) -> Aperture {
        Aperture {
            left: 0,
            top: 0,
            width_px,
            height_px,
        }
    }

    /// What a property leaves of it: a clean aperture says where its middle is, from the picture's middle.
    pub(super) fn cut(self, property: &Property) -> Result<Aperture, Reason> {
        let Property::CleanAperture {
            width,
            height,
            horiz_offset,
            vert_offset,
        } = property
        else {
            return Ok(self);
        };
        let (left, width_px) = span(self.width_px, *width, *horiz_offset)?;
        let (top, height_px) = span(self.height_px, *height, *vert_offset)?;
        Ok(Aperture {
            left: self.left + left,
            top: self.top + top,
            width_px,
            height_px,
        })
    }
}

/// First pixel and number of pixels of an aperture along one side.
fn span(side: u32, length: (u32, u32), offset: (i32, u32)) -> Result<(u32, u32), Reason> {
    if length.1 == 0 || offset.1 == 0 {
        return Err(Reason::Corrupt);
    }
    let length = f64::from(length.0) / f64::from(length.1);
    let middle = f64::from(offset.0) / f64::from(offset.1) + (f64::from(side) - 1.0) / 2.0;
    let first = (middle - (length - 1.0) / 2.0).round().max(0.0);
    let length = length.round().min(f64::from(side) - first);
    if length < 1.0 {
        return Err(Reason::Corrupt);
    }
    Ok((first as u32, length as u32))
}
