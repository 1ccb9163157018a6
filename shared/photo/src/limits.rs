use crate::Reason;

/// How much of the picture the caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detail {
    /// Brightness only. Of a JPEG in YCbCr this is its luma plane, as libjpeg gives it in
    /// greyscale mode, and the chroma is never reconstructed; of anything else it is
    /// `(19595 R + 38470 G + 7471 B + 32768) >> 16`, as Pillow's `convert("L")`.
    Luma,
    /// RGB. Pictures stored in greyscale still come as [`Pixels::Luma`](crate::Pixels::Luma).
    Colour,
}

/// What a picture may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest file in bytes.
    pub bytes_max: usize,
    /// Largest picture in pixels (width × height), by its header.
    pub pixels_max: u64,
    /// Largest picture in pixels that is read at a part of its size, so that what is kept is within `pixels_max`:
    /// JPEG, and what comes by rows of PNG and TIFF. 0 if none is.
    pub reduced_px_max: u64,
    /// Shortest side in pixels.
    pub side_px_min: u32,
    /// Longest side in pixels.
    pub side_px_max: u32,
}

impl Default for Limits {
    /// 32 MiB (a 12 megapixel photo at full quality has 5 to 10), 64 Mipx (phones reach 50), and
    /// sides of at least 16 px: the exchange hash samples a 64×64 grid, so that a smaller
    /// picture is blown up more than four times and hashes of unrelated icons meet.
    ///
    /// Sides of at most 65,535 px, the longest that a JPEG or a GIF can have. The work of a hash
    /// grows with the pixels and, by its filter's weights, with the square of a side: at this
    /// side that square is a quarter of what 64 Mipx cost. No browser draws a longer page.
    fn default() -> Limits {
        Limits {
            bytes_max: 32 << 20,
            pixels_max: 64 << 20,
            reduced_px_max: 0,
            side_px_min: 16,
            side_px_max: u32::from(u16::MAX),
        }
    }
}

/// A file of this length takes no more memory than is counted for its pixels: 32 MiB.
const SHORT_FILE_BYTES: usize = 32 << 20;

/// A file, a copy without metadata, and what is read ahead of it.
const COPIES: u64 = 3;

/// Worst case over all formats and stages, in bytes a pixel. The heaviest are a 16 bit CMYK TIFF
/// in one strip (8 decoded, 4 kept) and a four-ink JPEG, which may have half the pixels.
const WORKING_BYTES_PER_PIXEL_MAX: u64 = 12;

/// What decoders take besides pixels: tables, palettes, rows, and most of all the prefix codes of
/// a lossless WebP.
const WORKING_BYTES_FIXED: u64 = (4 << 20) + crate::webp::CODES_BYTES_MAX as u64;

impl Limits {
    /// What a reference photo may cost: files of 128 MiB (a page of A4 in colours at 600 dpi has 100, not packed)
    /// and 256 Mipx (phones reach 200), in the memory that an ad may take: the longer a file, the fewer pixels are
    /// kept of it.
    pub fn of_references() -> Limits {
        Limits {
            bytes_max: 128 << 20,
            reduced_px_max: 256 << 20,
            ..Limits::default()
        }
    }

    /// These for a file of so many bytes: what is longer than usual leaves less memory to pixels.
    pub(crate) fn of_file(&self, bytes: usize) -> Limits {
        let more = bytes.saturating_sub(SHORT_FILE_BYTES) as u64 * COPIES;
        let pixels = more / WORKING_BYTES_PER_PIXEL_MAX;
        Limits {
            pixels_max: self.pixels_max.saturating_sub(pixels),
            ..*self
        }
    }

    /// Judges dimensions as [`Limits::admit`], of a picture that can be read at a part of its size if a pixel takes
    /// so many bytes of memory until then.
    pub(crate) fn admit_reduced(
        &self,
        width_px: u32,
        height_px: u32,
        bytes_per_pixel: u64,
    ) -> Result<(), Reason> {
        let in_memory = self.pixels_max.saturating_mul(WORKING_BYTES_PER_PIXEL_MAX);
        let pixels = (in_memory / bytes_per_pixel.max(1)).min(self.reduced_px_max);
        Limits {
            pixels_max: pixels.max(self.pixels_max),
            ..*self
        }
        .admit(width_px, height_px)
    }

    /// Upper bound of the memory in bytes that one [`decode`](crate::decode) holds at any time,
    /// the result included and the caller's input excluded. A test measures it. The child process of
    /// [`sandbox`](crate::sandbox) has a limit of its own, 1 GiB.
    pub fn working_bytes_max(&self) -> u64 {
        let pixels = self.pixels_max.saturating_mul(WORKING_BYTES_PER_PIXEL_MAX);
        let bytes = u64::try_from(self.bytes_max.min(SHORT_FILE_BYTES))
            .unwrap_or(u64::MAX)
            .saturating_mul(2);
        pixels
            .saturating_add(bytes)
            .saturating_add(WORKING_BYTES_FIXED)
    }

    /// Judges the pixels of a part for a decoder that takes `weight` times the usual memory a pixel.
    pub(crate) fn admit_pixels(
        &self,
        width_px: u32,
        height_px: u32,
        weight: u64,
    ) -> Result<(), Reason> {
        if u64::from(width_px) * u64::from(height_px) > self.pixels_max / weight {
            return Err(Reason::TooManyPixels);
        }
        Ok(())
    }

    /// Judges dimensions by the header, before anything is allocated for them.
    pub(crate) fn admit(&self, width_px: u32, height_px: u32) -> Result<(), Reason> {
        if width_px == 0 || height_px == 0 {
            return Err(Reason::Corrupt);
        }
        self.admit_part(width_px, height_px)?;
        if width_px.min(height_px) < self.side_px_min {
            return Err(Reason::TooSmall);
        }
        Ok(())
    }

    /// Judges the dimensions of a part of a picture: it may be small, but not large or long.
    pub(crate) fn admit_part(&self, width_px: u32, height_px: u32) -> Result<(), Reason> {
        self.admit_pixels(width_px, height_px, 1)?;
        if width_px.max(height_px) > self.side_px_max {
            return Err(Reason::TooLong);
        }
        Ok(())
    }
}
