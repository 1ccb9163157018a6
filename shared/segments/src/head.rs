//! A segment's head: what it holds, where each column lies, and the checksums of its blocks.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use features::filed::SECTION_ADS;
use sha2::{Digest, Sha256};

use crate::{
    BLOCK_BYTES, FORMAT, FORMAT_UNFILED, ITEMS_MAX, SEGMENT_BYTES_MAX, SegmentError, SetKind,
};

pub(crate) const MAGIC: &[u8; 8] = b"HOMEWSEG";
/// Bytes before the columns' directory.
const PREAMBLE_BYTES: usize = 40;
/// Bytes of one column in the directory.
const COLUMN_BYTES: usize = 20;
const SUM_BYTES: usize = 4;
/// Most views of all items of a segment: a reference has 16 framings, few have more.
const VIEWS_MAX: usize = ITEMS_MAX * 8;

/// Views of which the first bytes of PDQ stand together in a tile.
pub(crate) const TILE_VIEWS: usize = 64;

/// The columns in their order in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Column {
    PdqFirst = 1,
    PdqSecond = 2,
    PdqRest = 3,
    Quality = 4,
    Second = 5,
    Framing = 6,
    ExtraItem = 7,
    Source = 8,
    Sources = 9,
    Id = 10,
    Stamp = 11,
    FeaturesLength = 12,
    PostingsLength = 13,
    Postings = 14,
    Features = 15,
    FiledLength = 16,
    Filed = 17,
}

const COLUMNS: [Column; 17] = [
    Column::PdqFirst,
    Column::PdqSecond,
    Column::PdqRest,
    Column::Quality,
    Column::Second,
    Column::Framing,
    Column::ExtraItem,
    Column::Source,
    Column::Sources,
    Column::Id,
    Column::Stamp,
    Column::FeaturesLength,
    Column::PostingsLength,
    Column::Postings,
    Column::FiledLength,
    Column::Features,
    Column::Filed,
];

/// The columns of a segment whose features are not filed, in their order in the file.
const COLUMNS_UNFILED: [Column; 15] = [
    Column::PdqFirst,
    Column::PdqSecond,
    Column::PdqRest,
    Column::Quality,
    Column::Second,
    Column::Framing,
    Column::ExtraItem,
    Column::Source,
    Column::Sources,
    Column::Id,
    Column::Stamp,
    Column::FeaturesLength,
    Column::PostingsLength,
    Column::Postings,
    Column::Features,
];

/// The columns of a format that this build reads.
pub(crate) fn columns(format: u16) -> &'static [Column] {
    match format {
        FORMAT_UNFILED => &COLUMNS_UNFILED,
        _ => &COLUMNS,
    }
}

impl Column {
    /// The length that the numbers of items and views give; none where other things decide.
    pub(crate) fn length(self, kind: SetKind, items: usize, views: usize) -> Option<u64> {
        let length = match self {
            Self::PdqFirst => 12 * TILE_VIEWS * views.div_ceil(TILE_VIEWS),
            Self::PdqSecond => 4 * TILE_VIEWS * views.div_ceil(TILE_VIEWS),
            Self::PdqRest => 16 * views,
            Self::Second => 32 * views,
            Self::Quality | Self::Framing => views,
            Self::ExtraItem => 4 * views.saturating_sub(items),
            Self::Source | Self::FeaturesLength | Self::PostingsLength => 4 * items,
            Self::Id => kind.id_bytes() * items,
            Self::Stamp => 8 * items,
            Self::FiledLength => 4 * items.div_ceil(SECTION_ADS),
            Self::Sources | Self::Postings | Self::Features | Self::Filed => return None,
        };
        Some(length as u64)
    }
}

/// The SHA-256 of a segment's bytes: its name. 64 lower-case hex digits as text; says nothing to
/// who does not have the segment, and may be logged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName(pub [u8; 32]);

impl SegmentName {
    /// The name of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 lower-case hex digits; none for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        (!text.bytes().any(|b| b.is_ascii_uppercase())).then_some(Self(bytes))
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A segment as its manifest knows it: what its bytes are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// The SHA-256 of all its bytes.
    pub name: SegmentName,
    /// The SHA-256 of its head, which holds the checksums of all the rest: so that a part of it
    /// can be known to be of this segment.
    pub head_sha256: [u8; 32],
    /// All its bytes.
    pub bytes: u64,
    /// Its bytes before the features.
    pub index_bytes: u64,
    /// Its items.
    pub items: u32,
    /// Rows of hashes.
    pub views: u32,
    /// Its format.
    pub format: u16,
    /// Of ads, the day of the oldest stamp of an item or posting, in days since 1970; 0 if that is not known.
    pub oldest_day: u16,
}

/// A head, read and checked, or about to be written.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) format: u16,
    pub(crate) kind: SetKind,
    pub(crate) items: usize,
    pub(crate) views: usize,
    pub(crate) made_at_ms: u64,
    pub(crate) generation: u64,
    /// Where each column lies in the file, in the order of its format's [`columns`].
    pub(crate) places: Vec<Range<u64>>,
    /// The checksums of each column's blocks.
    pub(crate) sums: Vec<Vec<u32>>,
    /// Bytes of the head itself.
    pub(crate) bytes: usize,
}

fn blocks(length: u64) -> u64 {
    length.div_ceil(BLOCK_BYTES as u64)
}

/// The checksums of a column's blocks.
fn sums(column: &[u8]) -> impl Iterator<Item = u32> + '_ {
    column
        .chunks(BLOCK_BYTES)
        .map(|block| simd_adler32::adler32(&block))
}

impl Head {
    /// The head before columns of these lengths, whose checksums are yet to be [set](Self::seal).
    pub(crate) fn before(
        format: u16,
        (kind, items, views): (SetKind, usize, usize),
        (made_at_ms, generation): (u64, u64),
        lengths: &[u64],
    ) -> Self {
        let count: u64 = lengths.iter().map(|length| blocks(*length)).sum();
        let count = usize::try_from(count).expect("as many blocks as memory holds");
        let bytes = PREAMBLE_BYTES + lengths.len() * COLUMN_BYTES + (count + 1) * SUM_BYTES;
        let mut at = bytes as u64;
        let places = lengths.iter().map(|length| {
            let from = at;
            at += length;
            from..at
        });
        Self {
            format,
            kind,
            items,
            views,
            made_at_ms,
            generation,
            places: places.collect(),
            sums: Vec::new(),
            bytes,
        }
    }

    /// Computes the checksums of the columns in a whole segment, and writes the head before them.
    pub(crate) fn seal(&mut self, segment: &mut [u8]) {
        let columns = self.places.iter().map(|place| {
            let index = |at: u64| usize::try_from(at).expect("an index into these bytes");
            sums(&segment[index(place.start)..index(place.end)]).collect()
        });
        self.sums = columns.collect();
        segment[..self.bytes].copy_from_slice(&self.to_bytes());
    }

    pub(crate) fn columns(&self) -> &'static [Column] {
        columns(self.format)
    }

    fn number(&self, column: Column) -> Option<usize> {
        self.columns().iter().position(|it| *it == column)
    }

    /// Where a column lies; nowhere if this format has none such.
    pub(crate) fn place(&self, column: Column) -> Range<u64> {
        self.number(column)
            .map_or(0..0, |at| self.places[at].clone())
    }

    /// Bytes of the whole segment.
    pub(crate) fn whole_bytes(&self) -> u64 {
        self.places.last().map_or(0, |last| last.end)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let number = |count: usize| {
            u32::try_from(count)
                .expect("counts are bounded")
                .to_le_bytes()
        };
        let mut out = Vec::with_capacity(self.bytes);
        out.extend(MAGIC);
        out.extend(self.format.to_le_bytes());
        out.extend([self.kind.tag(), self.places.len() as u8]);
        out.extend(number(self.bytes));
        out.extend(number(self.items));
        out.extend(number(self.views));
        out.extend(self.made_at_ms.to_le_bytes());
        out.extend(self.generation.to_le_bytes());
        for (column, place) in self.columns().iter().zip(&self.places) {
            out.extend([*column as u8, 0, 0, 0]);
            out.extend(place.start.to_le_bytes());
            out.extend((place.end - place.start).to_le_bytes());
        }
        out.extend(self.sums.iter().flatten().flat_map(|sum| sum.to_le_bytes()));
        out.extend(simd_adler32::adler32(&out.as_slice()).to_le_bytes());
        out
    }

    /// Reads the head at the start of these bytes.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, SegmentError> {
        let mut input = Input(bytes);
        let (_, _, head_bytes) = input.preamble()?;
        let head = bytes.get(..head_bytes).ok_or(SegmentError::Truncated)?;
        let (told, sum) = head
            .split_at_checked(head_bytes - SUM_BYTES)
            .ok_or(SegmentError::Corrupt)?;
        if sum != simd_adler32::adler32(&told).to_le_bytes() {
            return Err(SegmentError::Corrupt);
        }
        let mut input = Input(told);
        let (format, kind, _) = input.preamble()?;
        let read = input.directory((format, kind), head_bytes)?;
        read.check()?;
        Ok(read)
    }

    /// Whether the columns are as long as the items and views need, and stand back to back.
    fn check(&self) -> Result<(), SegmentError> {
        if self.views < self.items
            || self.items > ITEMS_MAX
            || self.views > VIEWS_MAX
            || self.whole_bytes() > SEGMENT_BYTES_MAX
        {
            return Err(SegmentError::Corrupt);
        }
        let mut at = self.bytes as u64;
        for (column, place) in self.columns().iter().zip(&self.places) {
            let length = place.end - place.start;
            let expected = column.length(self.kind, self.items, self.views);
            if place.start != at || expected.is_some_and(|expected| expected != length) {
                return Err(SegmentError::Corrupt);
            }
            at = place.end;
        }
        Ok(())
    }

    /// Checks a column's blocks against their checksums. `bytes` start with block number `first`,
    /// and end with the column or with a block.
    pub(crate) fn check_blocks(
        &self,
        column: Column,
        first: usize,
        bytes: &[u8],
    ) -> Result<(), SegmentError> {
        let known = self.number(column).map_or(&[][..], |at| &self.sums[at]);
        let known = known.iter().skip(first);
        let count = bytes.len().div_ceil(BLOCK_BYTES);
        let sound = known.take(count).copied().eq(sums(bytes));
        sound.then_some(()).ok_or(SegmentError::Corrupt)
    }

    /// What a manifest says of a segment with this head.
    pub(crate) fn entry(&self, name: SegmentName) -> SegmentEntry {
        let count = |count: usize| u32::try_from(count).expect("counts are bounded");
        SegmentEntry {
            name,
            head_sha256: Sha256::digest(self.to_bytes()).into(),
            bytes: self.whole_bytes(),
            index_bytes: self.place(Column::Features).start,
            items: count(self.items),
            views: count(self.views),
            format: self.format,
            oldest_day: 0,
        }
    }

    /// Whether this is the head of the segment that a manifest names.
    pub(crate) fn is_of(&self, entry: &SegmentEntry) -> bool {
        let oldest_day = entry.oldest_day; // of which a head knows nothing
        let own = self.entry(entry.name);
        SegmentEntry { oldest_day, ..own } == *entry
    }
}

/// What is still to be read.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], SegmentError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(SegmentError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], SegmentError> {
        Ok(self.take(N)?.try_into().expect("as many as were taken"))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, SegmentError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, SegmentError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, SegmentError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Magic and format; the rest of the bytes is of one of these formats, which this build reads.
    pub(crate) fn known(
        &mut self,
        magic: &[u8; 8],
        formats: RangeInclusive<u16>,
    ) -> Result<u16, SegmentError> {
        if self.take(magic.len())? != magic {
            return Err(SegmentError::Corrupt);
        }
        match self.u16()? {
            found if formats.contains(&found) => Ok(found),
            found if found > *formats.end() => Err(SegmentError::NewerFormat { found }),
            _ => Err(SegmentError::Corrupt),
        }
    }

    /// The format, the kind, and the bytes of the whole head.
    fn preamble(&mut self) -> Result<(u16, SetKind, usize), SegmentError> {
        let format = self.known(MAGIC, FORMAT_UNFILED..=FORMAT)?;
        let expected = columns(format).len();
        let [tag, columns] = self.array()?;
        let kind = SetKind::of_tag(tag)?;
        let bytes = self.u32()? as usize;
        let least = PREAMBLE_BYTES + expected * COLUMN_BYTES + SUM_BYTES;
        let most = least + (blocks(SEGMENT_BYTES_MAX) as usize + expected) * SUM_BYTES;
        let is_sound = usize::from(columns) == expected && (least..=most).contains(&bytes);
        is_sound
            .then_some((format, kind, bytes))
            .ok_or(SegmentError::Corrupt)
    }

    fn directory(
        &mut self,
        (format, kind): (u16, SetKind),
        bytes: usize,
    ) -> Result<Head, SegmentError> {
        let (items, views) = (self.u32()? as usize, self.u32()? as usize);
        let (made_at_ms, generation) = (self.u64()?, self.u64()?);
        let places = columns(format)
            .iter()
            .map(|column| self.place(*column))
            .collect::<Result<Vec<_>, SegmentError>>()?;
        let count: u64 = places.iter().map(|p| blocks(p.end - p.start)).sum();
        if self.0.len() as u64 != count * SUM_BYTES as u64 {
            return Err(SegmentError::Corrupt);
        }
        let sums = places
            .iter()
            .map(|p| (0..blocks(p.end - p.start)).map(|_| self.u32()).collect())
            .collect::<Result<_, SegmentError>>()?;
        Ok(Head {
            format,
            kind,
            items,
            views,
            made_at_ms,
            generation,
            places,
            sums,
            bytes,
        })
    }

    fn place(&mut self, column: Column) -> Result<Range<u64>, SegmentError> {
        let number: [u8; 4] = self.array()?;
        let (start, length) = (self.u64()?, self.u64()?);
        let end = start.checked_add(length).ok_or(SegmentError::Corrupt)?;
        let is_sound = number == [column as u8, 0, 0, 0] && end <= SEGMENT_BYTES_MAX;
        is_sound.then_some(start..end).ok_or(SegmentError::Corrupt)
    }
}
