use ::tiff::decoder::DecodingResult;

use super::form::Form;
use super::{Reader, reason};
use crate::pixels::{Raster, samples_len};
use crate::{Limits, Reason};

/// Widest tile in pixels: twice what any writer uses.
const TILE_SIDE_PX_MAX: u32 = 16_384;

/// Pixels that are unpacked for one that a page may have: what tiles of 512 reach beyond the edge of
/// the longest page is a quarter of that.
const PADDING_MAX: u64 = 2;

/// The page to fill, strip by strip or tile by tile.
pub(super) struct Sheet<'a> {
    /// Most pixels of all its strips or tiles, padding included.
    unpacked_px_max: u64,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) form: &'a Form,
    samples: Vec<u8>,
}

/// Where a strip or a tile lies: left, top, and its width on the page.
pub(super) type Place = (u32, u32, u32);

impl<'a> Sheet<'a> {
    pub(super) fn new(
        (width, height): (u32, u32),
        form: &'a Form,
        limits: &Limits,
    ) -> Result<Sheet<'a>, Reason> {
        Ok(Sheet {
            unpacked_px_max: limits.pixels_max.saturating_mul(PADDING_MAX),
            width,
            height,
            form,
            samples: Vec::new(),
        })
    }

    pub(super) fn read(mut self, decoder: &mut Reader<'_>) -> Result<Raster, Reason> {
        let (chunk_width, chunk_height) = decoder.chunk_dimensions();
        let (across, down) = self.chunks(chunk_width, chunk_height)?;
        let planes = if self.form.is_planar {
            self.form.samples.min(self.form.layout.bytes_per_pixel())
        } else {
            1
        };
        for plane in 0..planes {
            let before = u32::try_from(plane).expect("few") * across * down;
            for number in 0..across * down {
                let chunk = decoder.read_chunk(before + number).map_err(reason)?;
                let (width, _) = decoder.chunk_data_dimensions(before + number);
                let place = (
                    number % across * chunk_width,
                    number / across * chunk_height,
                    width,
                );
                self.place(&chunk, place, plane)?;
            }
        }
        self.into_raster()
    }

    /// How many strips or tiles lie beside and below each other. Takes the page's memory.
    pub(super) fn chunks(&mut self, width: u32, height: u32) -> Result<(u32, u32), Reason> {
        if width == 0 || height == 0 || width > TILE_SIDE_PX_MAX.max(self.width) {
            return Err(Reason::Corrupt);
        }
        let across = self.width.div_ceil(width);
        self.check_padding(across, width)?;
        self.samples = vec![0; samples_len(self.width, self.height, self.form.layout)?];
        Ok((across, self.height.div_ceil(height)))
    }

    pub(super) fn into_raster(self) -> Result<Raster, Reason> {
        Raster::new(self.width, self.height, self.form.layout, self.samples)
    }

    /// Tiles are unpacked in their whole width: a thin page of wide tiles may not cost what no page
    /// would.
    fn check_padding(&self, across: u32, chunk_width: u32) -> Result<(), Reason> {
        let padded = u64::from(across) * u64::from(chunk_width);
        if padded.saturating_mul(u64::from(self.height)) > self.unpacked_px_max {
            return Err(Reason::TooManyPixels);
        }
        Ok(())
    }

    fn place(&mut self, chunk: &DecodingResult, at: Place, plane: usize) -> Result<(), Reason> {
        match chunk {
            DecodingResult::U8(chunk) if self.form.bits < 8 => self.place_packed(chunk, at, plane),
            DecodingResult::U8(chunk) => self.place_rows(chunk, at, plane, |it| it),
            // 16 bit to 8 bit by the high byte, as Pillow.
            DecodingResult::U16(chunk) => {
                self.place_rows(chunk, at, plane, |it| it.to_be_bytes()[0])
            }
            DecodingResult::U32(chunk) => {
                self.place_rows(chunk, at, plane, |it| it.to_be_bytes()[0])
            }
            // From 0 to 1, as everybody writes them.
            DecodingResult::F32(chunk) => {
                self.place_rows(chunk, at, plane, |it| (it * 255.0 + 0.5) as u8)
            }
            _ => Err(Reason::UnsupportedFormat),
        }
    }

    /// Samples in one row of a chunk.
    fn row_samples(&self, width: u32) -> usize {
        let apart = if self.form.is_planar {
            1
        } else {
            self.form.samples
        };
        width as usize * apart
    }

    fn place_rows<T: Copy>(
        &mut self,
        chunk: &[T],
        (left, top, width): Place,
        plane: usize,
        byte: impl Fn(T) -> u8,
    ) -> Result<(), Reason> {
        let count = self.row_samples(width);
        let mut row = vec![0; count];
        for (source, y) in chunk.chunks_exact(count.max(1)).zip(top..self.height) {
            for (sample, source) in row.iter_mut().zip(source) {
                *sample = byte(*source);
            }
            self.place_row(&row, (left, y, width), plane)?;
        }
        Ok(())
    }

    /// Samples of fewer than 8 bits; each row starts with a byte.
    pub(super) fn place_packed(
        &mut self,
        chunk: &[u8],
        (left, top, width): Place,
        plane: usize,
    ) -> Result<(), Reason> {
        let (count, bits) = (self.row_samples(width), usize::from(self.form.bits));
        let stride = (count * bits).div_ceil(8).max(1);
        let mask = (1_u16 << bits) - 1;
        for (source, y) in chunk.chunks_exact(stride).zip(top..self.height) {
            let row: Vec<u8> = (0..count)
                .map(|at| {
                    let shift = 8 - bits - at * bits % 8;
                    (source[at * bits / 8] >> shift) & mask as u8
                })
                .collect();
            self.place_row(&row, (left, y, width), plane)?;
        }
        Ok(())
    }

    /// Puts a row of colours, or of brightness, at its place.
    pub(super) fn place_colours(
        &mut self,
        row: &[u8],
        (left, y, width): Place,
    ) -> Result<(), Reason> {
        let bytes = self.form.layout.bytes_per_pixel();
        let start = (y as usize * self.width as usize + left as usize) * bytes;
        let width = width.min(self.width.saturating_sub(left)) as usize * bytes;
        let page = self.samples.get_mut(start..start + width);
        let row = row.get(..width).ok_or(Reason::DecoderFailure)?;
        page.ok_or(Reason::DecoderFailure)?.copy_from_slice(row);
        Ok(())
    }

    /// Puts a row's samples of 8 bits at its place, or one plane of them.
    fn place_row(
        &mut self,
        row: &[u8],
        (left, y, width): Place,
        plane: usize,
    ) -> Result<(), Reason> {
        let bytes = self.form.layout.bytes_per_pixel();
        let start = (y as usize * self.width as usize + left as usize) * bytes;
        let width = width.min(self.width.saturating_sub(left)) as usize;
        let end = start + width * bytes;
        let page = self
            .samples
            .get_mut(start..end)
            .ok_or(Reason::DecoderFailure)?;
        if self.form.is_planar {
            for (pixel, sample) in page.chunks_exact_mut(bytes).zip(row) {
                pixel[plane] = *sample;
                if plane + 1 == self.form.samples.min(bytes) {
                    let mut stored = [0; 4];
                    stored[..bytes].copy_from_slice(pixel);
                    self.form.pixel(&stored[..bytes], pixel);
                }
            }
            return Ok(());
        }
        let stored = row.chunks_exact(self.form.samples.max(1));
        for (pixel, stored) in page.chunks_exact_mut(bytes).zip(stored) {
            self.form.pixel(stored, pixel);
        }
        Ok(())
    }
}
