//! A picture that comes in rows or tiles and is kept at a part of its size: what is kept of a pixel is the mean
//! of a square of them.

use crate::Reason;
use crate::pixels::{Layout, Raster, samples_len};

/// Widest square in pixels: its sums stay within 16 bits.
const STEP_MAX: u32 = 16;

/// The side of the least square by which a picture has at most so many pixels; none if the widest is too little.
pub(crate) fn step(width_px: u32, height_px: u32, pixels_max: u64) -> Option<u32> {
    let pixels =
        |step: u32| u64::from(width_px.div_ceil(step)) * u64::from(height_px.div_ceil(step));
    (1..=STEP_MAX).find(|step| pixels(*step) <= pixels_max)
}

/// The picture while it comes in.
pub(crate) struct Reduced {
    width_px: u32,
    height_px: u32,
    layout: Layout,
    step: u32,
    /// Of each sample that is kept.
    sums: Vec<u16>,
}

impl Reduced {
    /// `step` is the side of a square, of 1 to 16 pixels.
    pub(crate) fn new(
        (width_px, height_px): (u32, u32),
        layout: Layout,
        step: u32,
    ) -> Result<Reduced, Reason> {
        let step = step.clamp(1, STEP_MAX);
        let length = samples_len(width_px.div_ceil(step), height_px.div_ceil(step), layout)?;
        Ok(Reduced {
            width_px,
            height_px,
            layout,
            step,
            sums: vec![0; length],
        })
    }

    /// Takes samples of a row from its pixel `left` on; what lies beyond the picture is left out.
    pub(crate) fn add(&mut self, row: &[u8], (left, y): (u32, u32)) {
        if y >= self.height_px {
            return;
        }
        let (bytes, step) = (self.layout.bytes_per_pixel(), self.step as usize);
        let stride = self.width_px.div_ceil(self.step) as usize * bytes;
        let start = (y / self.step) as usize * stride;
        let Some(sums) = self.sums.get_mut(start..start + stride) else {
            return;
        };
        let pixels = row
            .chunks_exact(bytes)
            .zip(left as usize..self.width_px as usize);
        for (pixel, x) in pixels {
            let kept = &mut sums[x / step * bytes..][..bytes];
            for (sum, sample) in kept.iter_mut().zip(pixel) {
                *sum = sum.saturating_add(u16::from(*sample));
            }
        }
    }

    /// The means; squares at the right and lower edge have fewer pixels.
    pub(crate) fn into_raster(self) -> Result<Raster, Reason> {
        let (bytes, step) = (self.layout.bytes_per_pixel(), self.step);
        let (width, height) = (self.width_px.div_ceil(step), self.height_px.div_ceil(step));
        let mut samples = Vec::with_capacity(self.sums.len());
        for (row, y) in self
            .sums
            .chunks_exact((width as usize * bytes).max(1))
            .zip(0..)
        {
            let rows = (self.height_px - y * step).min(step);
            for (kept, x) in row.chunks_exact(bytes).zip(0..) {
                let count = rows * (self.width_px - x * step).min(step);
                let mean = |sum: &u16| (u32::from(*sum) + count / 2) / count;
                samples.extend(kept.iter().map(|sum| mean(sum).min(255) as u8));
            }
        }
        Raster::new(width, height, self.layout, samples)
    }
}

impl Raster {
    /// The same at a part of its size, so that it has at most so many pixels; in place.
    pub(crate) fn within(self, pixels_max: u64) -> Result<Raster, Reason> {
        let frame = self.frame();
        let (width, height, layout) = (frame.width_px, frame.height_px, frame.layout);
        let step = step(width, height, pixels_max).ok_or(Reason::TooManyPixels)?;
        if step == 1 {
            return Ok(self);
        }
        let (stride, bytes) = (samples_len(width, 1, layout)?, layout.bytes_per_pixel());
        let kept_stride = samples_len(width.div_ceil(step), 1, layout)?;
        let is_partial = self.is_partial();
        let mut samples = self.into_samples();
        let mut sums = vec![0_u32; kept_stride];
        let side = step as usize;
        for (top, y) in (0..height).step_by(side).zip(0..) {
            sums.fill(0);
            let rows = (height - top).min(step);
            for row in samples
                .chunks_exact(stride)
                .skip(top as usize)
                .take(rows as usize)
            {
                for (pixel, x) in row.chunks_exact(bytes).zip(0..) {
                    let kept = &mut sums[x / side * bytes..][..bytes];
                    for (sum, sample) in kept.iter_mut().zip(pixel) {
                        *sum += u32::from(*sample);
                    }
                }
            }
            // What is kept lies before what is still to be read.
            let kept = samples.get_mut(y * kept_stride..(y + 1) * kept_stride);
            let kept = kept.ok_or(Reason::DecoderFailure)?;
            for ((kept, sums), x) in kept
                .chunks_exact_mut(bytes)
                .zip(sums.chunks_exact(bytes))
                .zip(0..)
            {
                let count = rows * (width - x * step).min(step);
                for (kept, sum) in kept.iter_mut().zip(sums) {
                    *kept = ((sum + count / 2) / count).min(255) as u8;
                }
            }
        }
        samples.truncate(kept_stride * height.div_ceil(step) as usize);
        samples.shrink_to_fit();
        let raster = Raster::new(width.div_ceil(step), height.div_ceil(step), layout, samples)?;
        Ok(raster.partial_if(is_partial))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_pixel_is_the_mean_of_a_square_and_at_the_edge_of_what_is_there() {
        let samples = vec![0, 10, 100, 20, 30, 101, 7, 9, 50];
        let raster = Raster::new(3, 3, Layout::Luma, samples).expect("it fits");
        let reduced = raster.within(4).expect("by two");
        assert_eq!(reduced.frame().samples, [15, 101, 8, 50]);
    }

    #[test]
    fn the_least_square_that_is_enough_is_taken() {
        assert_eq!(step(100, 100, 10_000), Some(1));
        assert_eq!(step(100, 100, 9_999), Some(2));
        assert_eq!(step(16_000, 12_500, 16 << 20), Some(4));
        assert_eq!(step(u32::MAX, u32::MAX, 1), None);
    }
}
