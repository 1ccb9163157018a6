//! Reading a segment: its index, which is all before the features, features by ranges, and filed features by
//! sections.

use std::ops::Range;

use bytes::Bytes;
use features::filed::SECTION_ADS;
use features::fingerprint::{FEATURES_BYTES_MAX, Framing, Hash256, HashVariant};
use records::TenantId;

use crate::head::{Column, Head, Input, TILE_VIEWS};
use crate::{BLOCK_BYTES, Id, Item, Posting, SegmentEntry, SegmentError, SegmentName, SetKind};

/// A segment without its features, checked to the last bit.
#[derive(Clone)]
pub struct SegmentIndex {
    head: Head,
    name: SegmentName,
    bytes: Bytes,
    sources: Vec<(TenantId, u16)>,
    source_of: Vec<u32>,
    extra_items: Vec<u32>,
    /// Where each item's features begin in their column, and where the last ones end.
    features_at: Vec<u64>,
    /// Where each section of the filed features begins in their column, and where the last one ends.
    filed_at: Vec<u64>,
    /// Each item's postings.
    postings: Vec<Vec<Posting>>,
}

impl std::fmt::Debug for SegmentIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentIndex")
            .field("name", &self.name)
            .field("items", &self.head.items)
            .finish_non_exhaustive()
    }
}

/// Reads a whole segment and gives its index and all its items.
///
/// # Errors
/// [`SegmentError`], by what the caller does next.
pub fn whole(
    kind: SetKind,
    bytes: Bytes,
    entry: &SegmentEntry,
) -> Result<(SegmentIndex, Vec<Item>), SegmentError> {
    if (bytes.len() as u64) < entry.bytes {
        // A head of a newer build says so, whatever the length.
        Head::read(&bytes)?;
        return Err(SegmentError::Truncated);
    }
    let index = SegmentIndex::open(
        kind,
        bytes.slice(..bytes.len().min(index_length(entry)?)),
        entry,
    )?;
    if bytes.len() as u64 != entry.bytes {
        return Err(SegmentError::Another);
    }
    let features = index.column_place(Column::Features)?;
    let features = bytes.slice(features);
    let items = index.items_of(0..index.len(), &features)?;
    if SegmentName::of(&bytes) != entry.name {
        return Err(SegmentError::Another);
    }
    Ok((index, items))
}

/// What a manifest would say of a segment that nothing names.
///
/// # Errors
/// [`SegmentError`] if its head cannot be read.
pub fn entry_of(kind: SetKind, bytes: &[u8]) -> Result<SegmentEntry, SegmentError> {
    let head = Head::read(bytes)?;
    let entry = head.entry(SegmentName::of(bytes));
    (head.kind == kind)
        .then_some(entry)
        .ok_or(SegmentError::Another)
}

fn index_length(entry: &SegmentEntry) -> Result<usize, SegmentError> {
    usize::try_from(entry.index_bytes).map_err(|_| SegmentError::Corrupt)
}

impl SegmentIndex {
    /// Opens the first [`SegmentEntry::index_bytes`] bytes of the segment that a manifest names.
    ///
    /// # Errors
    /// [`SegmentError`], by what the caller does next.
    pub fn open(kind: SetKind, bytes: Bytes, entry: &SegmentEntry) -> Result<Self, SegmentError> {
        let head = Head::read(&bytes)?;
        if head.kind != kind || !head.is_of(entry) {
            return Err(SegmentError::Another);
        }
        match (bytes.len() as u64).cmp(&entry.index_bytes) {
            std::cmp::Ordering::Less => return Err(SegmentError::Truncated),
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => return Err(SegmentError::Corrupt),
        }
        let mut index = Self {
            head,
            name: entry.name,
            bytes,
            sources: Vec::new(),
            source_of: Vec::new(),
            extra_items: Vec::new(),
            features_at: Vec::new(),
            filed_at: Vec::new(),
            postings: Vec::new(),
        };
        index.check_columns()?;
        Ok(index)
    }

    fn check_columns(&mut self) -> Result<(), SegmentError> {
        for column in self.head.columns() {
            if !matches!(column, Column::Features | Column::Filed) {
                self.head.check_blocks(*column, 0, self.column(*column))?;
            }
        }
        self.sources = sources(self.column(Column::Sources))?;
        self.source_of = numbers(self.column(Column::Source));
        self.extra_items = numbers(self.column(Column::ExtraItem));
        let lengths = |column| numbers(self.column(column));
        let (features, postings, filed) = (
            lengths(Column::FeaturesLength),
            lengths(Column::PostingsLength),
            lengths(Column::FiledLength),
        );
        if features.iter().any(|it| *it as usize > FEATURES_BYTES_MAX) {
            return Err(SegmentError::Corrupt);
        }
        self.features_at = ends(&features);
        self.filed_at = ends(&filed);
        let postings_at = ends(&postings);
        let is_sound = self
            .source_of
            .iter()
            .all(|it| (*it as usize) < self.sources.len())
            && self
                .extra_items
                .iter()
                .all(|it| (*it as usize) < self.len())
            && self.extra_items.is_sorted()
            && self.qualities().iter().all(|quality| *quality <= 100)
            && self
                .column(Column::Framing)
                .iter()
                .all(|it| Framing::from_byte(*it).is_some())
            && self.features_at.last() == Some(&self.length(Column::Features))
            && self.filed_at.last() == Some(&self.length(Column::Filed))
            && postings_at.last() == Some(&self.length(Column::Postings));
        if !is_sound {
            return Err(SegmentError::Corrupt);
        }
        let column = self.head.place(Column::Postings).start;
        let places = postings_at
            .windows(2)
            .map(|it| column + it[0]..column + it[1]);
        let framed = places.map(|place| self.bytes.slice_ref(self.within(place)));
        let read = framed.map(|framed| Posting::all(&framed).map_err(|_| SegmentError::Corrupt));
        self.postings = read.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn length(&self, column: Column) -> u64 {
        let place = self.head.place(column);
        place.end - place.start
    }

    fn column_place(&self, column: Column) -> Result<Range<usize>, SegmentError> {
        let place = self.head.place(column);
        let index = |at: u64| usize::try_from(at).map_err(|_| SegmentError::Corrupt);
        Ok(index(place.start)?..index(place.end)?)
    }

    fn column(&self, column: Column) -> &[u8] {
        self.within(self.head.place(column))
    }

    fn within(&self, place: Range<u64>) -> &[u8] {
        let index = |at: u64| usize::try_from(at).expect("a place within these bytes");
        &self.bytes[index(place.start)..index(place.end)]
    }

    /// The segment's name.
    pub fn name(&self) -> SegmentName {
        self.name
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.head.items
    }

    /// Whether there are no items. There are some in every segment that [`crate::build`] wrote.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of views. Row `n` is the first view of item `n`; rows beyond the number of items
    /// are further views, see [`Self::item_of_row`].
    pub fn rows(&self) -> usize {
        self.head.views
    }

    /// Every view's PDQ hash, in the layout of `matching::scan::Columns`: tiles of bytes 0 to 11 of
    /// 64 hashes, tiles of bytes 12 to 15, then bytes 16 to 31 of each hash.
    pub fn pdq_columns(&self) -> &[u8] {
        let (first, rest) = (
            self.head.place(Column::PdqFirst),
            self.head.place(Column::PdqRest),
        );
        self.within(first.start..rest.end)
    }

    fn pdq(&self, row: usize) -> Hash256 {
        let (tile, place) = (row / TILE_VIEWS, row % TILE_VIEWS);
        let tiled = |column, bytes: usize, byte: usize| {
            self.column(column)[(tile * bytes + byte) * TILE_VIEWS + place]
        };
        let rests: &[[u8; 16]] = self.column(Column::PdqRest).as_chunks().0;
        Hash256(std::array::from_fn(|byte| match byte {
            0..12 => tiled(Column::PdqFirst, 12, byte),
            12..16 => tiled(Column::PdqSecond, 4, byte - 12),
            _ => rests[row][byte - 16],
        }))
    }

    /// The quality of every view.
    pub fn qualities(&self) -> &[u8] {
        self.column(Column::Quality)
    }

    /// The item that a row of hashes is of.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn item_of_row(&self, row: usize) -> usize {
        match row.checked_sub(self.len()) {
            None => row,
            Some(extra) => self.extra_items[extra] as usize,
        }
    }

    /// The view in a row, and how it was framed.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn view(&self, row: usize) -> (Framing, HashVariant) {
        let framing = Framing::from_byte(self.column(Column::Framing)[row]);
        let view = HashVariant {
            pdq: self.pdq(row),
            quality: self.qualities()[row],
            second: Hash256(self.column(Column::Second).as_chunks().0[row]),
        };
        (framing.expect("checked when it was opened"), view)
    }

    /// The identity of an item.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn id(&self, item: usize) -> Id {
        let width = self.head.kind.id_bytes();
        let ids = self.column(Column::Id);
        Id::of_bytes(self.head.kind, &ids[item * width..(item + 1) * width])
    }

    /// Whose an item is.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn owner(&self, item: usize) -> &TenantId {
        &self.sources[self.source_of[item] as usize].0
    }

    /// An item's stamp.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn stamp(&self, item: usize) -> u64 {
        u64::from_le_bytes(self.column(Column::Stamp).as_chunks().0[item])
    }

    /// Those of an item's postings that stand nowhere else.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn postings(&self, item: usize) -> &[Posting] {
        &self.postings[item]
    }

    /// The items under an identity, of all owners.
    pub fn find(&self, id: &Id) -> Range<usize> {
        let width = self.head.kind.id_bytes();
        let wanted = id.to_bytes();
        let ids = self.column(Column::Id);
        let at = |item: usize| &ids[item * width..(item + 1) * width];
        let first = partition_point(self.len(), |item| at(item) < wanted.as_slice());
        let behind = partition_point(self.len(), |item| at(item) <= wanted.as_slice());
        first..behind
    }

    /// As many items from this one on as have about this many bytes of features together, at least
    /// one where there is one.
    pub fn page(&self, from: usize, bytes: u64) -> Range<usize> {
        let Some(start) = self.features_at.get(from) else {
            return self.len()..self.len();
        };
        let end = self
            .features_at
            .partition_point(|at| *at <= start.saturating_add(bytes));
        from..end
            .saturating_sub(1)
            .clamp((from + 1).min(self.len()), self.len())
    }

    /// Where the blocks lie in the segment that hold the features of these items; empty if there
    /// are none.
    ///
    /// # Panics
    /// If there are no such items.
    pub fn features_range(&self, items: &Range<usize>) -> Range<u64> {
        let (start, end) = (self.features_at[items.start], self.features_at[items.end]);
        self.blocks_range(Column::Features, start..end)
    }

    /// Where the blocks lie in the segment that hold this part of a column; empty if the part is.
    fn blocks_range(&self, column: Column, part: Range<u64>) -> Range<u64> {
        let column = self.head.place(column);
        if part.is_empty() {
            return column.start..column.start;
        }
        let block = BLOCK_BYTES as u64;
        let from = column.start + part.start / block * block;
        from..(column.start + part.end.div_ceil(block) * block).min(column.end)
    }

    /// Sections of the filed features, each of [`SECTION_ADS`] items, the last one of what is left; none
    /// if the features of this segment are not filed.
    pub fn sections(&self) -> usize {
        self.filed_at.len() - 1
    }

    /// The items of a section.
    pub fn section_items(&self, section: usize) -> Range<usize> {
        let first = (section * SECTION_ADS).min(self.len());
        first..(first + SECTION_ADS).min(self.len())
    }

    /// Where the blocks lie in the segment that hold a section.
    ///
    /// # Panics
    /// If there is no such section.
    pub fn section_range(&self, section: usize) -> Range<u64> {
        self.blocks_range(Column::Filed, self.section_place(section))
    }

    fn section_place(&self, section: usize) -> Range<u64> {
        self.filed_at[section]..self.filed_at[section + 1]
    }

    /// A section for [`features::filed::Section::read`], from the bytes at [`Self::section_range`].
    ///
    /// # Errors
    /// [`SegmentError`], by what the caller does next.
    ///
    /// # Panics
    /// If there is no such section.
    pub fn section_of(&self, section: usize, blocks: &Bytes) -> Result<Bytes, SegmentError> {
        let (place, range) = (self.section_place(section), self.section_range(section));
        if (blocks.len() as u64) != range.end - range.start {
            return Err(SegmentError::Truncated);
        }
        let skipped = range.start - self.head.place(Column::Filed).start;
        let index = |at: u64| usize::try_from(at - skipped).map_err(|_| SegmentError::Corrupt);
        let first = usize::try_from(skipped / BLOCK_BYTES as u64);
        let first = first.map_err(|_| SegmentError::Corrupt)?;
        self.head.check_blocks(Column::Filed, first, blocks)?;
        Ok(blocks.slice(index(place.start)?..index(place.end)?))
    }

    /// These items, with their features from the bytes at [`Self::features_range`].
    ///
    /// # Errors
    /// [`SegmentError`], by what the caller does next.
    ///
    /// # Panics
    /// If there are no such items.
    pub fn items_of(
        &self,
        items: Range<usize>,
        features: &Bytes,
    ) -> Result<Vec<Item>, SegmentError> {
        let range = self.features_range(&items);
        if (features.len() as u64) < range.end - range.start {
            return Err(SegmentError::Truncated);
        }
        let skipped = range.start - self.head.place(Column::Features).start;
        let first = usize::try_from(skipped).map_err(|_| SegmentError::Corrupt)? / BLOCK_BYTES;
        self.head.check_blocks(Column::Features, first, features)?;
        let index = |at: u64| usize::try_from(at.saturating_sub(skipped));
        items
            .map(|item| {
                let (from, to) = (self.features_at[item], self.features_at[item + 1]);
                let from = index(from).map_err(|_| SegmentError::Corrupt)?;
                let to = index(to).map_err(|_| SegmentError::Corrupt)?;
                let of_item = if from == to { 0..0 } else { from..to };
                Ok(self.item(item, features.slice(of_item)))
            })
            .collect()
    }

    /// An item without its features, of which nothing has to be read.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn item_without_features(&self, item: usize) -> Item {
        self.item(item, Bytes::new())
    }

    fn item(&self, item: usize, features: Bytes) -> Item {
        let number = u32::try_from(item).expect("items are bounded");
        let first = self.extra_items.partition_point(|of| *of < number);
        let behind = self.extra_items.partition_point(|of| *of <= number);
        let extras = (first..behind).map(|extra| self.len() + extra);
        let (owner, version) = &self.sources[self.source_of[item] as usize];
        Item {
            owner: owner.clone(),
            id: self.id(item),
            stamp: self.stamp(item),
            version: *version,
            views: std::iter::once(item)
                .chain(extras)
                .map(|row| self.view(row))
                .collect(),
            features,
            postings: self.postings(item).to_vec(),
        }
    }
}

/// The first of `0..count` for which `before` does not hold any more.
fn partition_point(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn numbers(column: &[u8]) -> Vec<u32> {
    let (numbers, _) = column.as_chunks();
    numbers.iter().copied().map(u32::from_le_bytes).collect()
}

/// Where each of these begins, and where the last one ends.
fn ends(lengths: &[u32]) -> Vec<u64> {
    let mut end = 0;
    let each = lengths.iter().map(|length| {
        end += u64::from(*length);
        end
    });
    std::iter::once(0).chain(each).collect()
}

fn sources(column: &[u8]) -> Result<Vec<(TenantId, u16)>, SegmentError> {
    let (mut sources, mut input) = (Vec::new(), Input(column));
    while !input.0.is_empty() {
        let [length] = input.array()?;
        let name = input.take(usize::from(length))?;
        let name = std::str::from_utf8(name).map_err(|_| SegmentError::Corrupt)?;
        let tenant = TenantId::parse(name).map_err(|_| SegmentError::Corrupt)?;
        sources.push((tenant, input.u16()?));
    }
    Ok(sources)
}
