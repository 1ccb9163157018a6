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
    across: u32,
    down: u32,
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
        let list = |tag| page.values(tag, CHUNKS_MAX).ok_or(Reason::Truncated);
        let places: Vec<(u64, u64)> = list(tags.0)?.into_iter().zip(list(tags.1)?).collect();
        let read = places.iter().take((across * down) as usize);
        let read = read.fold(0, |sum: u64, (_, length)| sum.saturating_add(*length));
        if read > SHARED_MAX * bytes.len() as u64 {
            return Err(Reason::Corrupt);
        }
        Ok(Chunks {
            width,
            height,
            across,
            down,
            places,
            bytes,
        })
    }

    /// Each with its place on the page: left and top.
    pub(super) fn each(&self) -> impl Iterator<Item = Result<(&'a [u8], (u32, u32)), Reason>> {
        (0..self.across * self.down).map(|number| {
            let place = self.places.get(number as usize).ok_or(Reason::Corrupt)?;
            let piece = piece(self.bytes, *place).ok_or(Reason::Truncated)?;
            let left = number % self.across * self.width;
            Ok((piece, (left, number / self.across * self.height)))
        })
    }
}

fn piece(bytes: &[u8], (offset, length): (u64, u64)) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let length = usize::try_from(length).ok()?;
    bytes.get(start..start.checked_add(length)?)
}
