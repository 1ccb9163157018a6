//! Borrowed pixels, checked once, and rectangles of them.

use thiserror::Error;

/// Eight-bit pixels, row-major, without padding.
#[derive(Clone, Copy)]
pub enum Pixels<'a> {
    /// One byte a pixel: luma, 0 (black) to 255.
    Luma(&'a [u8]),
    /// Three bytes a pixel: red, green, blue.
    Rgb(&'a [u8]),
}

impl<'a> Pixels<'a> {
    /// The bytes of all rows, and how many of them make a pixel.
    fn parts(self) -> (&'a [u8], usize) {
        match self {
            Self::Luma(bytes) => (bytes, 1),
            Self::Rgb(bytes) => (bytes, 3),
        }
    }
}

/// The pixels do not fill the picture that they are said to be.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{found} bytes of pixels for a picture of {width_px}x{height_px} that needs {needed:?}")]
pub struct WrongSize {
    /// Claimed width in pixels.
    pub width_px: usize,
    /// Claimed height in pixels.
    pub height_px: usize,
    /// Bytes that such a picture has; `None` if it has no pixel or more than fit in memory.
    pub needed: Option<usize>,
    /// Bytes that were given.
    pub found: usize,
}

/// A picture whose pixels are known to fill it. It has at least one pixel.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    width_px: usize,
    height_px: usize,
    pixels: Pixels<'a>,
}

impl<'a> Picture<'a> {
    /// A picture of luma bytes, one a pixel.
    ///
    /// # Errors
    /// [`WrongSize`] unless `luma` holds exactly `width_px * height_px` bytes, and at least one.
    pub fn luma(width_px: usize, height_px: usize, luma: &'a [u8]) -> Result<Self, WrongSize> {
        Self::new(width_px, height_px, Pixels::Luma(luma))
    }

    /// A picture of red, green and blue bytes, three a pixel.
    ///
    /// # Errors
    /// [`WrongSize`] unless `rgb` holds exactly `3 * width_px * height_px` bytes, and at least
    /// one pixel.
    pub fn rgb(width_px: usize, height_px: usize, rgb: &'a [u8]) -> Result<Self, WrongSize> {
        Self::new(width_px, height_px, Pixels::Rgb(rgb))
    }

    /// A picture of either kind of pixels.
    ///
    /// # Errors
    /// [`WrongSize`] unless `pixels` fill the picture exactly, and it has at least one.
    pub fn new(width_px: usize, height_px: usize, pixels: Pixels<'a>) -> Result<Self, WrongSize> {
        let (bytes, channels) = pixels.parts();
        let needed = width_px
            .checked_mul(height_px)
            .and_then(|area| area.checked_mul(channels))
            .filter(|&needed| needed > 0);
        if needed == Some(bytes.len()) {
            Ok(Self {
                width_px,
                height_px,
                pixels,
            })
        } else {
            Err(WrongSize {
                width_px,
                height_px,
                needed,
                found: bytes.len(),
            })
        }
    }

    /// Width in pixels, at least 1.
    pub fn width_px(&self) -> usize {
        self.width_px
    }

    /// Height in pixels, at least 1.
    pub fn height_px(&self) -> usize {
        self.height_px
    }

    /// The pixels, row-major.
    pub fn pixels(&self) -> Pixels<'a> {
        self.pixels
    }

    /// The whole picture as a region.
    pub(crate) fn whole(&self) -> Region<'a> {
        let (bytes, channels) = self.pixels.parts();
        Region::whole(bytes, channels, self.width_px, self.height_px)
    }
}

/// A rectangle of a picture. Cutting one out copies nothing.
#[derive(Clone, Copy)]
pub(crate) struct Region<'a> {
    bytes: &'a [u8],
    channels: usize,
    stride: usize,
    left_px: usize,
    top_px: usize,
    width_px: usize,
    height_px: usize,
}

impl<'a> Region<'a> {
    /// All of a picture whose bytes are known to fill it.
    pub fn whole(bytes: &'a [u8], channels: usize, width_px: usize, height_px: usize) -> Self {
        let stride = width_px * channels;
        Self {
            bytes,
            channels,
            stride,
            left_px: 0,
            top_px: 0,
            width_px,
            height_px,
        }
    }

    pub fn width_px(&self) -> usize {
        self.width_px
    }

    pub fn height_px(&self) -> usize {
        self.height_px
    }

    /// Bytes a pixel: 1 (luma) or 3 (red, green, blue).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The part between the given columns and rows, counted within this region.
    pub fn cut(&self, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> Self {
        assert!(
            columns.start < columns.end && columns.end <= self.width_px,
            "within the region"
        );
        assert!(
            rows.start < rows.end && rows.end <= self.height_px,
            "within the region"
        );
        Self {
            left_px: self.left_px + columns.start,
            top_px: self.top_px + rows.start,
            width_px: columns.len(),
            height_px: rows.len(),
            ..*self
        }
    }

    /// The bytes of row `y`, counted from the region's top.
    pub fn row(&self, y: usize) -> &'a [u8] {
        let start = (self.top_px + y) * self.stride + self.left_px * self.channels;
        &self.bytes[start..start + self.width_px * self.channels]
    }

    /// The bytes of one pixel.
    pub fn pixel(&self, x: usize, y: usize) -> &'a [u8] {
        &self.row(y)[x * self.channels..(x + 1) * self.channels]
    }
}

/// The luma of a pixel in thousandths, 0 to 255,000: an exact integer, since the reference's
/// weights 0.299, 0.587 and 0.114 have three decimals.
pub(crate) fn milliluma(pixel: &[u8]) -> u32 {
    match *pixel {
        [red, green, blue] => 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue),
        [luma] => 1000 * u32::from(luma),
        _ => unreachable!("a pixel has one or three bytes"),
    }
}

/// The luma of a row as the reference feeds it to its filter.
///
/// `pdqhash` sums the weighted channels in `f64` and rounds to `f32`. No multiple of a thousandth
/// lies within the error of that sum of a midpoint of two `f32`, so the correctly rounded
/// quotient is the same number.
pub(crate) fn luma_row(row: &[u8], channels: usize, luma: &mut Vec<f32>) {
    luma.clear();
    if channels == 1 {
        luma.extend(row.iter().map(|&value| f32::from(value)));
    } else {
        luma.extend(
            row.chunks_exact(channels)
                .map(|pixel| milliluma(pixel) as f32 / 1000.0),
        );
    }
}
