//! Writing a segment.

use std::collections::BTreeMap;
use std::ops::Range;

use features::filed::{SECTION_ADS, section};
use features::fingerprint::{Framing, HashVariant};
use records::TenantId;

use crate::head::{Column, Head, TILE_VIEWS, columns};
use crate::{
    FILED_ADS_MIN, FORMAT, FORMAT_UNFILED, ITEMS_MAX, Item, POSTINGS_BYTES_MAX, Posting,
    SEGMENT_BYTES_MAX, SegmentEntry, SegmentName, SetKind,
};

/// A segment as bytes, and what a manifest says of it.
pub struct Built {
    /// All of it.
    pub bytes: Vec<u8>,
    /// What a manifest says of it.
    pub entry: SegmentEntry,
}

impl std::fmt::Debug for Built {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Built").field(&self.entry).finish()
    }
}

/// Writes a segment of these items, in the order of their identities; of several under one
/// identity and owner, the one with the highest stamp; of an ad's, first the one of the newest
/// algorithms. It takes over the postings of the others; where they are more than
/// [`POSTINGS_BYTES_MAX`], several items share them. `made_at_ms` and `generation` (of the
/// manifest that it is meant to enter) make the names of two attempts differ.
///
/// # Panics
/// If there are no items or more than [`ITEMS_MAX`], if one is of another kind or has no view, or
/// if they take more than [`SEGMENT_BYTES_MAX`].
pub fn build(kind: SetKind, items: Vec<Item>, made_at_ms: u64, generation: u64) -> Built {
    assert!(items.iter().all(|item| item.id.kind() == kind), "one kind");
    let items = merged(items);
    assert!((1..=ITEMS_MAX).contains(&items.len()), "a bounded number");
    let parts = Parts {
        views: Views::of(&items),
        sources: Sources::of(&items),
        filed: filed(kind, &items),
        items: &items,
    };
    let format = match parts.filed.is_empty() {
        true => FORMAT_UNFILED,
        false => FORMAT,
    };
    let count = (kind, items.len(), parts.views.rows.len());
    let lengths = parts.lengths(format, count);
    let mut head = Head::before(format, count, (made_at_ms, generation), &lengths);
    assert!(head.whole_bytes() <= SEGMENT_BYTES_MAX, "a bounded length");
    let capacity = usize::try_from(head.whole_bytes()).expect("it fits in memory");
    let mut bytes = Vec::with_capacity(capacity);
    bytes.resize(head.bytes, 0);
    for column in columns(format) {
        parts.put(&mut bytes, *column);
    }
    head.seal(&mut bytes);
    let oldest_day = oldest_day(kind, parts.items);
    let own = head.entry(SegmentName::of(&bytes));
    let entry = SegmentEntry { oldest_day, ..own };
    Built { bytes, entry }
}

const DAY_MS: u64 = 86_400_000;

/// The day of the oldest stamp of ads and their postings. The first day stands for all before, the last one
/// for all after it.
fn oldest_day(kind: SetKind, items: &[Item]) -> u16 {
    let stamps = items.iter().flat_map(|item| {
        let postings = item.postings.iter().map(|posting| posting.stamp);
        postings.chain([item.stamp])
    });
    match (kind, stamps.min()) {
        (SetKind::Ads, Some(oldest)) => day_of(oldest),
        _ => 0,
    }
}

/// The day of a stamp of an ad, in days since 1970, from 1 on.
pub fn day_of(stamp_ms: u64) -> u16 {
    u16::try_from(stamp_ms / DAY_MS).unwrap_or(u16::MAX).max(1)
}

/// One item for those of one identity and owner.
fn merged(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by_cached_key(|item| (item.id.clone(), item.owner.clone(), age(item)));
    let mut kept: Vec<Item> = Vec::with_capacity(items.len());
    for item in items {
        match kept.last_mut() {
            Some(older) if (&older.id, &older.owner) == (&item.id, &item.owner) => {
                let postings = united(&older.postings, &item.postings);
                if bytes_of(&postings) <= POSTINGS_BYTES_MAX {
                    *older = Item { postings, ..item };
                } else {
                    kept.push(item);
                }
            }
            _ => kept.push(item),
        }
    }
    kept
}

/// These postings, each once: the stamp of one that came twice is the later one, whose change is told
/// too.
fn united(some: &[Posting], others: &[Posting]) -> Vec<Posting> {
    let mut all = [some, others].concat();
    all.sort_by(|a, b| (&a.bytes, b.stamp).cmp(&(&b.bytes, a.stamp)));
    all.dedup_by(|a, b| a.bytes == b.bytes);
    all
}

fn bytes_of(postings: &[Posting]) -> usize {
    postings.iter().map(Posting::framed_bytes).sum()
}

/// Which of several items under one identity counts: the greatest. A reference's log says what came
/// last, an ad's stamp only when some program wrote it.
fn age(item: &Item) -> (u16, u64) {
    match item.id.kind() {
        SetKind::Ads => (item.version, item.stamp),
        SetKind::References => (0, item.stamp),
    }
}

impl Item {
    /// Bytes that the item takes in a segment, about.
    pub fn bytes(&self) -> u64 {
        let fixed = self.id.kind().id_bytes() + 20;
        let (views, features) = (self.views.len() * 70, self.features.len());
        (fixed + views + features + self.postings_bytes()) as u64
    }

    fn postings_bytes(&self) -> usize {
        bytes_of(&self.postings)
    }
}

/// The features of ads by what they look like, in sections; none where there are few ads or none has
/// features.
fn filed(kind: SetKind, items: &[Item]) -> Vec<Vec<u8>> {
    let have_features = || items.iter().any(|item| !item.features.is_empty());
    if kind != SetKind::Ads || items.len() < FILED_ADS_MIN || !have_features() {
        return Vec::new();
    }
    let some = items.chunks(SECTION_ADS);
    some.map(|ads| section(ads.iter().map(|ad| &ad.features[..])))
        .collect()
}

/// What the columns are made of.
struct Parts<'a> {
    items: &'a [Item],
    views: Views<'a>,
    sources: Sources,
    filed: Vec<Vec<u8>>,
}

/// Tenants and versions, each named once.
struct Sources {
    number_of: BTreeMap<(TenantId, u16), u32>,
    bytes: Vec<u8>,
}

impl Sources {
    fn of(items: &[Item]) -> Self {
        let source = |item: &Item| (item.owner.clone(), item.version);
        let mut number_of: BTreeMap<_, u32> = items.iter().map(|it| (source(it), 0)).collect();
        let mut bytes = Vec::new();
        for (number, ((owner, version), of)) in (0..).zip(&mut number_of) {
            *of = number;
            let name = owner.as_str().as_bytes();
            bytes.push(u8::try_from(name.len()).expect("a tenant's name has 63 bytes at most"));
            bytes.extend(name);
            bytes.extend(version.to_le_bytes());
        }
        Self { number_of, bytes }
    }

    fn number(&self, item: &Item) -> u32 {
        self.number_of[&(item.owner.clone(), item.version)]
    }
}

/// Rows of hashes: every item's first view, then all further ones, each with its item.
struct Views<'a> {
    rows: Vec<&'a (Framing, HashVariant)>,
    extra_items: Vec<u32>,
}

impl<'a> Views<'a> {
    fn of(items: &'a [Item]) -> Self {
        let first = items.iter().map(|item| {
            let first = item.views.first();
            first.expect("an item has a view")
        });
        let mut rows: Vec<_> = first.collect();
        let mut extra_items = Vec::new();
        for (number, item) in (0..).zip(items) {
            rows.extend(&item.views[1..]);
            extra_items.resize(rows.len() - items.len(), number);
        }
        Self { rows, extra_items }
    }
}

impl Parts<'_> {
    fn lengths(&self, format: u16, (kind, items, views): (SetKind, usize, usize)) -> Vec<u64> {
        let sum = |length: fn(&Item) -> usize| self.items.iter().map(length).sum::<usize>();
        let told = |column: &Column| match column {
            Column::Sources => self.sources.bytes.len(),
            Column::Postings => sum(Item::postings_bytes),
            Column::Filed => self.filed.iter().map(Vec::len).sum(),
            _ => sum(|item| item.features.len()),
        };
        let length = |column: &Column| {
            let by_counts = column.length(kind, items, views);
            by_counts.unwrap_or_else(|| told(column) as u64)
        };
        columns(format).iter().map(length).collect()
    }

    fn put(&self, out: &mut Vec<u8>, column: Column) {
        let Self {
            items,
            views,
            sources,
            filed,
        } = self;
        let rows = || views.rows.iter().copied();
        match column {
            Column::PdqFirst => put_tiles(out, &views.rows, 0..12),
            Column::PdqSecond => put_tiles(out, &views.rows, 12..16),
            Column::PdqRest => rows().for_each(|(_, view)| out.extend(&view.pdq.0[16..])),
            Column::Quality => out.extend(rows().map(|(_, view)| view.quality)),
            Column::Second => rows().for_each(|(_, view)| out.extend(view.second.0)),
            Column::Framing => out.extend(rows().map(|(framing, _)| framing.to_byte())),
            Column::ExtraItem => {
                out.extend(views.extra_items.iter().flat_map(|it| it.to_le_bytes()))
            }
            Column::Source => {
                out.extend(items.iter().flat_map(|it| sources.number(it).to_le_bytes()))
            }
            Column::Sources => out.extend(&sources.bytes),
            Column::Id => items.iter().for_each(|item| out.extend(item.id.to_bytes())),
            Column::Stamp => out.extend(items.iter().flat_map(|item| item.stamp.to_le_bytes())),
            Column::FeaturesLength => put_lengths(out, items, |item| item.features.len()),
            Column::PostingsLength => put_lengths(out, items, Item::postings_bytes),
            Column::Postings => {
                let postings = items.iter().flat_map(|item| &item.postings);
                postings.for_each(|posting| posting.frame(out));
            }
            Column::Features => items.iter().for_each(|item| out.extend(&item.features)),
            Column::FiledLength => put_lengths(out, filed, Vec::len),
            Column::Filed => filed.iter().for_each(|section| out.extend(section)),
        }
    }
}

fn put_lengths<T>(out: &mut Vec<u8>, items: &[T], length: impl Fn(&T) -> usize) {
    for item in items {
        let length = u32::try_from(length(item));
        out.extend(length.expect("items are bounded").to_le_bytes());
    }
}

/// Some bytes of every PDQ hash, tile by tile: a tile's first byte of all 64, then its second.
fn put_tiles(out: &mut Vec<u8>, rows: &[&(Framing, HashVariant)], bytes: Range<usize>) {
    for tile in rows.chunks(TILE_VIEWS) {
        for byte in bytes.clone() {
            let end = out.len() + TILE_VIEWS;
            out.extend(tile.iter().map(|(_, view)| view.pdq.0[byte]));
            out.resize(end, 0);
        }
    }
}
