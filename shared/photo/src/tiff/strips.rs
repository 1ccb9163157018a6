use ::tiff::decoder::DecodingResult;

use super::chunks::Chunks;
use super::form::{Form, Kind};
use super::unpacked::Packing;
use crate::exif::Directory;
use crate::pixels::{Raster, samples_len};
use crate::reduced::{self, Reduced};
use crate::{Limits, Reason};

/// Widest tile in pixels: twice what any writer uses.
const TILE_SIDE_PX_MAX: u32 = 16_384;

/// Pixels that are unpacked for one that a page may have: what tiles of 512 reach beyond the edge of
/// the longest page is a quarter of that.
const PADDING_MAX: u64 = 2;

/// The page to fill, strip by strip or tile by tile.
pub(super) struct Sheet<'a> {
    pub(super) limits: Limits,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) form: &'a Form,
    samples: Vec<u8>,
    /// What is kept of a page that is too large, and a row of it.
    reduced: Option<(Reduced, Vec<u8>)>,
}

/// A strip or tile of a page that is too large may have this part of the pixels of one that is not.
const PART_OF_PIXELS: u64 = 4;

/// Where a strip or a tile lies: left, top, and its width on the page.
pub(super) type Place = (u32, u32, u32);

impl<'a> Sheet<'a> {
    pub(super) fn new(
        (width, height): (u32, u32),
        form: &'a Form,
        limits: &Limits,
    ) -> Result<Sheet<'a>, Reason> {
        Ok(Sheet {
            limits: *limits,
            width,
            height,
            form,
            samples: Vec::new(),
            reduced: None,
        })
    }

    /// Fills the page with strips or tiles of plain samples.
    pub(super) fn read(
        mut self,
        bytes: &[u8],
        page: &Directory<'_>,
        compression: u32,
    ) -> Result<Raster, Reason> {
        let chunks = Chunks::of(bytes, page, &mut self)?;
        let together = if self.form.is_planar {
            1
        } else {
            self.form.samples
        };
        let mut packing = Packing::of(page, self.form, compression, together)?;
        for plane in 0..self.planes() {
            for chunk in chunks.each(plane) {
                let (piece, (left, top)) = chunk?;
                let rows = chunks.rows(top);
                let sides = self.unpacked_sides(chunks.width, rows);
                let samples = packing.unpack(piece, sides)?;
                self.place(&samples, (left, top, chunks.width), plane)?;
            }
        }
        self.into_raster()
    }

    /// Planes that are looked at: extra samples behind the last colour are not.
    pub(super) fn planes(&self) -> usize {
        if self.form.is_planar {
            self.form.samples.min(self.form.layout.bytes_per_pixel())
        } else {
            1
        }
    }

    /// Sides of what is unpacked of a strip or tile: in samples, or in bytes.
    fn unpacked_sides(&self, width: u32, rows: u32) -> (u32, u32) {
        if self.form.is_halved() {
            let (across, down) = self.form.halves;
            let block = across * down + 2;
            return (width.div_ceil(across) * block, rows.div_ceil(down));
        }
        if self.form.comes_in_bytes() {
            let bits = self.row_samples(width) * usize::from(self.form.bits);
            // A row is of at most 65,535 pixels of 8 samples of 16 bits, and a tile is narrower.
            return (u32::try_from(bits.div_ceil(8)).unwrap_or(u32::MAX), rows);
        }
        (width, rows)
    }

    /// How many strips or tiles lie beside and below each other. Takes the page's memory.
    pub(super) fn chunks(&mut self, width: u32, height: u32) -> Result<(u32, u32), Reason> {
        if width == 0 || height == 0 || width > TILE_SIDE_PX_MAX.max(self.width) {
            return Err(Reason::Corrupt);
        }
        let across = self.width.div_ceil(width);
        self.check_padding(across, width)?;
        let (sides, layout) = ((self.width, self.height), self.form.layout);
        let step = reduced::step(sides.0, sides.1, self.limits.pixels_max);
        let step = step.ok_or(Reason::TooManyPixels)?;
        if step > 1 {
            self.limits
                .admit_pixels(width, height.min(self.height), PART_OF_PIXELS)?;
            if self.form.is_planar {
                return Err(Reason::TooManyPixels);
            }
            let row = vec![0; samples_len(self.width, 1, layout)?];
            self.reduced = Some((Reduced::new(sides, layout, step)?, row));
        } else {
            self.samples = vec![0; samples_len(self.width, self.height, layout)?];
        }
        Ok((across, self.height.div_ceil(height)))
    }

    pub(super) fn into_raster(self) -> Result<Raster, Reason> {
        if let Some((reduced, _)) = self.reduced {
            return reduced.into_raster();
        }
        Raster::new(self.width, self.height, self.form.layout, self.samples)
    }

    /// Tiles are unpacked in their whole width: a thin page of wide tiles may not cost what no page
    /// would.
    fn check_padding(&self, across: u32, chunk_width: u32) -> Result<(), Reason> {
        let padded = u64::from(across) * u64::from(chunk_width);
        let largest = self.limits.pixels_max.max(self.limits.reduced_px_max);
        let unpacked_px_max = largest.saturating_mul(PADDING_MAX);
        if padded.saturating_mul(u64::from(self.height)) > unpacked_px_max {
            return Err(Reason::TooManyPixels);
        }
        Ok(())
    }

    fn place(&mut self, chunk: &DecodingResult, at: Place, plane: usize) -> Result<(), Reason> {
        let is_signed = self.form.kind == Kind::Signed;
        // What is below 0 is darker than what is not.
        let above = if is_signed { 0x80 } else { 0 };
        match chunk {
            DecodingResult::U8(chunk) if self.form.is_halved() => self.place_halved(chunk, at),
            DecodingResult::U8(chunk) if self.form.comes_in_bytes() => {
                self.place_packed(chunk, at, plane)
            }
            DecodingResult::U8(chunk) => {
                let form = self.form;
                self.place_rows(chunk, at, plane, |it| form.byte(it.into()))
            }
            // 16 bit to 8 bit by the high byte, as Pillow.
            DecodingResult::U16(chunk) => {
                let form = self.form;
                self.place_rows(chunk, at, plane, |it| form.byte(it.into()))
            }
            DecodingResult::U32(chunk) => {
                self.place_rows(chunk, at, plane, |it| it.to_be_bytes()[0] ^ above)
            }
            // From 0 to 1, as everybody writes them.
            DecodingResult::F16(chunk) => {
                self.place_rows(chunk, at, plane, |it| (it.to_f32() * 255.0 + 0.5) as u8)
            }
            DecodingResult::F32(chunk) => {
                self.place_rows(chunk, at, plane, |it| (it * 255.0 + 0.5) as u8)
            }
            DecodingResult::F64(chunk) => {
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

    /// Samples that do not end with a byte, the highest bit first; each row starts with a byte.
    pub(super) fn place_packed(
        &mut self,
        chunk: &[u8],
        (left, top, width): Place,
        plane: usize,
    ) -> Result<(), Reason> {
        let (count, bits) = (self.row_samples(width), usize::from(self.form.bits));
        let stride = (count * bits).div_ceil(8).max(1);
        let mut row = vec![0; count];
        for (source, y) in chunk.chunks_exact(stride).zip(top..self.height) {
            for (sample, at) in row.iter_mut().zip(0..) {
                *sample = self.form.byte(sample_at(source, at, bits));
            }
            self.place_row(&row, (left, y, width), plane)?;
        }
        Ok(())
    }

    /// Blocks of brightness, each with its two samples of colour.
    fn place_halved(&mut self, chunk: &[u8], (left, top, width): Place) -> Result<(), Reason> {
        let (across, down) = self.form.halves;
        let block_bytes = (across * down + 2) as usize;
        let stride = width.div_ceil(across) as usize * block_bytes;
        let wide = width.div_ceil(across) as usize * across as usize;
        for (blocks, y) in chunk
            .chunks_exact(stride)
            .zip((top..).step_by(down as usize))
        {
            for line in 0..down.min(self.height.saturating_sub(y)) {
                let mut row = Vec::with_capacity(wide * 3);
                for block in blocks.chunks_exact(block_bytes) {
                    let (brightness, colour) = block.split_at(block_bytes - 2);
                    let start = (line * across) as usize;
                    for y in &brightness[start..start + across as usize] {
                        row.extend(crate::jpeg::ycc_to_rgb([*y, colour[0], colour[1]]));
                    }
                }
                self.place_colours(&row, (left, y + line, width))?;
            }
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
        if let Some((reduced, _)) = &mut self.reduced {
            reduced.add(row.get(..width).unwrap_or(row), (left, y));
            return Ok(());
        }
        let page = self.samples.get_mut(start..start + width);
        let row = row.get(..width).ok_or(Reason::DecoderFailure)?;
        page.ok_or(Reason::DecoderFailure)?.copy_from_slice(row);
        Ok(())
    }

    /// Puts a row's samples of 8 bits at its place, or one plane of them.
    pub(super) fn place_row(
        &mut self,
        row: &[u8],
        (left, y, width): Place,
        plane: usize,
    ) -> Result<(), Reason> {
        let bytes = self.form.layout.bytes_per_pixel();
        let start = (y as usize * self.width as usize + left as usize) * bytes;
        let width = width.min(self.width.saturating_sub(left)) as usize;
        let end = start + width * bytes;
        if let Some((reduced, kept)) = &mut self.reduced {
            let kept = kept.get_mut(..width * bytes);
            let kept = kept.ok_or(Reason::DecoderFailure)?;
            let stored = row.chunks_exact(self.form.samples.max(1));
            for (pixel, stored) in kept.chunks_exact_mut(bytes).zip(stored) {
                self.form.pixel(stored, pixel);
            }
            reduced.add(kept, (left, y));
            return Ok(());
        }
        let page = self
            .samples
            .get_mut(start..end)
            .ok_or(Reason::DecoderFailure)?;
        if self.form.is_planar {
            let last = self.form.samples.min(bytes) - 1;
            for (pixel, sample) in page.chunks_exact_mut(bytes).zip(row) {
                pixel[plane] = *sample;
                if plane == last {
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

/// The sample of a row at this number, of at most 16 bits: its first bit lies within three bytes of its last.
fn sample_at(row: &[u8], number: usize, bits: usize) -> u32 {
    let (byte, bit) = (number * bits / 8, number * bits % 8);
    let near = (byte..byte + 3).fold(0, |near, at| {
        near << 8 | u32::from(row.get(at).copied().unwrap_or_default())
    });
    near >> (24 - bit - bits) & ((1 << bits) - 1)
}
