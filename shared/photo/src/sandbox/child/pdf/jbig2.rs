//! JBIG2: what scanners write of black and white.

use hayro_jbig2::{DecodeSettings, Decoder, Globals, Page};
use hayro_syntax::object::{Dict, Stream};

use super::super::Fault;
use super::piece::Asked;

/// By the book; and then as far as it goes.
const SETTINGS: [DecodeSettings; 2] = [
    DecodeSettings { strict: true },
    DecodeSettings { strict: false },
];

/// Rows of one bit a pixel, black 0, each starting with a byte.
struct Rows {
    stride: usize,
    width: usize,
    x: usize,
    bits: Vec<u8>,
}

impl Decoder for Rows {
    fn push_pixel(&mut self, black: bool) {
        let row = self.bits.len().saturating_sub(self.stride);
        if black && self.x < self.width {
            self.bits[row + self.x / 8] &= !(0x80 >> (self.x % 8));
        }
        self.x += 1;
    }

    fn push_pixel_chunk(&mut self, black: bool, chunk_count: u32) {
        for _ in 0..u64::from(chunk_count) * 8 {
            self.push_pixel(black);
        }
    }

    fn next_line(&mut self) {
        self.bits.resize(self.bits.len() + self.stride, 0xff);
        self.x = 0;
    }
}

/// Rows of one bit a pixel, black 0, each starting with a byte.
pub(super) fn read(data: &[u8], settings: &Dict<'_>, asked: &Asked) -> Result<Vec<u8>, Fault> {
    let shared = settings.get::<Stream<'_>>("JBIG2Globals");
    let shared = shared.map(|it| it.decoded_data()).transpose();
    let shared = shared.map_err(|_| Fault::Corrupt)?;
    let [strict, lenient] = SETTINGS;
    let by_the_book = rows(data, shared.as_deref(), &strict, asked);
    by_the_book.or_else(|_| {
        let rows = rows(data, shared.as_deref(), &lenient, asked)?;
        // Of a damaged page without anything on it nothing was read.
        let is_blank = rows.iter().all(|byte| *byte == 0xff);
        (!is_blank).then_some(rows).ok_or(Fault::Corrupt)
    })
}

fn rows(
    data: &[u8],
    shared: Option<&[u8]>,
    settings: &DecodeSettings,
    asked: &Asked,
) -> Result<Vec<u8>, Fault> {
    let globals = shared.map(|it| Globals::new(it, settings)).transpose();
    let globals = globals.map_err(|_| Fault::Corrupt)?;
    let page = Page::new_embedded(data, globals.as_ref(), settings);
    let page = page.map_err(|_| Fault::Corrupt)?;
    // The sides that were judged are those of the dictionary.
    if (page.width(), page.height()) != (asked.width_px, asked.height_px) {
        return Err(Fault::Corrupt);
    }
    let width = asked.width_px as usize;
    let stride = width.div_ceil(8);
    let mut rows = Rows {
        stride,
        width,
        x: 0,
        bits: vec![0xff; stride],
    };
    page.decode(&mut rows).map_err(|_| Fault::Corrupt)?;
    rows.bits.truncate(stride * asked.height_px as usize);
    Ok(rows.bits)
}
