//! Fax: rows of black and white by their changes, of group 3 (T.4) and group 4 (T.6).

pub(crate) use hayro_ccitt::EncodingMode as Coding;
use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, decode};

use crate::Reason;

/// How a fax was coded.
pub(crate) struct Fax {
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) coding: Coding,
    /// Each row starts with a byte.
    pub(crate) is_aligned: bool,
}

/// Rows of one bit a pixel, black 1, each starting with a byte.
struct Rows {
    width_px: u32,
    height_px: u32,
    rows: u32,
    bits: Vec<u8>,
}

impl Decoder for Rows {
    fn push_row(&mut self, changes: &[u32]) {
        if self.rows == self.height_px {
            return;
        }
        self.rows += 1;
        let start = self.bits.len();
        self.bits
            .resize(start + self.width_px.div_ceil(8) as usize, 0);
        let row = &mut self.bits[start..];
        for run in changes.chunks(2) {
            let to = run.get(1).copied().unwrap_or(self.width_px);
            for x in run[0]..to.min(self.width_px) {
                row[x as usize / 8] |= 0x80 >> (x % 8);
            }
        }
    }
}

impl Fax {
    /// Rows of one bit a pixel, black 1, each starting with a byte; those that are not coded are white, if at
    /// least half are.
    pub(crate) fn read(&self, data: &[u8]) -> Result<Vec<u8>, Reason> {
        let mut rows = Rows {
            width_px: self.width_px,
            height_px: self.height_px,
            rows: 0,
            bits: Vec::new(),
        };
        let settings = DecodeSettings {
            columns: self.width_px,
            rows: self.height_px,
            end_of_block: true,
            end_of_line: false, // it looks for them anyway
            rows_are_byte_aligned: self.is_aligned,
            encoding: self.coding,
            strict: false,
        };
        let end = decode(data, &mut rows, &mut DecoderContext::new(settings));
        if rows.rows < self.height_px.div_ceil(2) {
            return Err(end.map_or(Reason::Corrupt, |_| Reason::Truncated));
        }
        let length = self.width_px.div_ceil(8) as usize * self.height_px as usize;
        rows.bits.resize(length, 0);
        Ok(rows.bits)
    }
}
