//! Where the strips or tiles of a page lie.

use super::CHUNKS_MAX;
use super::strips::Sheet;
use crate::Reason;
use crate::exif::Directory;

const ROWS_PER_STRIP: u16 = 0x116;
const TILE_WIDTH: u16 = 0x142;
const TILE_HEIGHT: u16 = 0x143;
/// Offsets and lengths.
const STRIPS: (u16, u16) = (0x111, 0x117);
const TILES: (u16, u16) = (0x144, 0x145);

/// The strips or tiles of a page, as they are stored.
pub(super) struct Chunks<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    page_height: u32,
    across: u32,
    down: u32,
    is_tiled: bool,
    places: Vec<(u64, u64)>,
    bytes: &'a [u8],
}

/// Pieces may share their bytes, as blank tiles do; so often together they may read a file and no more, or a
/// small file would take hours.
const SHARED_MAX: u64 = 4;

impl<'a> Chunks<'a> {
    /// Takes the page's memory, too.
    pub(super) fn of(
        bytes: &'a [u8],
        page: &Directory<'_>,
        sheet: &mut Sheet<'_>,
    ) -> Result<Chunks<'a>, Reason> {
        let (width, height, tags) = match page.number(TILE_WIDTH) {
            Some(width) => (
                width,
                page.number(TILE_HEIGHT).ok_or(Reason::Corrupt)?,
                TILES,
            ),
            None => {
                let rows = page.number(ROWS_PER_STRIP).unwrap_or(sheet.height);
                (sheet.width, rows.min(sheet.height), STRIPS)
            }
        };
        let (across, down) = sheet.chunks(width, height)?;
        let starts = page.values(tags.0, CHUNKS_MAX).ok_or(Reason::Truncated)?;
        // Old writers of one strip leave out its length.
        let lengths = page.values(tags.1, CHUNKS_MAX);
        let lengths = lengths.or_else(|| Some(vec![to_the_end(bytes, &starts)?]));
        let lengths = lengths.ok_or(Reason::Truncated)?;
        let places: Vec<(u64, u64)> = starts.into_iter().zip(lengths).collect();
        let read = places
            .iter()
            .take((across * down) as usize * sheet.planes());
        let read = read.fold(0, |sum: u64, (_, length)| sum.saturating_add(*length));
        if read > SHARED_MAX * bytes.len() as u64 {
            return Err(Reason::Corrupt);
        }
        Ok(Chunks {
            width,
            height,
            page_height: sheet.height,
            across,
            down,
            is_tiled: tags == TILES,
            places,
            bytes,
        })
    }

    /// Rows that are stored of the one that starts at this row: a tile has all, the last strip what is left.
    pub(super) fn rows(&self, top: u32) -> u32 {
        if self.is_tiled {
            self.height
        } else {
            self.height.min(self.page_height.saturating_sub(top))
        }
    }

    /// Each of a plane, with its place on the page: left and top.
    pub(super) fn each(
        &self,
        plane: usize,
    ) -> impl Iterator<Item = Result<(&'a [u8], (u32, u32)), Reason>> {
        let before = plane * (self.across * self.down) as usize;
        (0..self.across * self.down).map(move |number| {
            let place = self.places.get(before + number as usize);
            let place = place.ok_or(Reason::Corrupt)?;
            let piece = piece(self.bytes, *place).ok_or(Reason::Truncated)?;
            let left = number % self.across * self.width;
            Ok((piece, (left, number / self.across * self.height)))
        })
    }
}

/// What a file has from its only strip on.
fn to_the_end(bytes: &[u8], starts: &[u64]) -> Option<u64> {
    match starts {
        [start] => (bytes.len() as u64).checked_sub(*start),
        _ => None,
    }
}

fn piece(bytes: &[u8], (offset, length): (u64, u64)) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let length = usize::try_from(length).ok()?;
    bytes.get(start..start.checked_add(length)?)
}
