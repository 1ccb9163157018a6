//! The tail of the ads' set: packs, each a small segment with the ads that came together, and an item
//! that names it. Features of one ad in an item of its own would cost fourteen times what all the rest
//! of it does, twice: written, and deleted again by compaction.
//!
//! A pack is written before the item that names it, so a reader of the item can read the pack. It is
//! deleted only when no item names it: by then its ads are in a segment that a manifest lists, or are
//! forgotten. So a reader that misses a pack and finds no item any more has its ads elsewhere; one that
//! finds the item still has met a damage.

use std::ops::RangeInclusive;
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use records::Timestamp;
use segments::{Item as SetItem, SegmentEntry, SegmentName, SetKind};

use crate::ads::pages::{AdsPosition, StoredAd, ad_of_item, item_of_ad};
use crate::db::calls::{Query, Range as Keys};
use crate::db::error::{Error, Result};
use crate::db::items::{
    Item, PARTITIONS, check_features, counted, key, ms, number, partition_of, partition_text, text,
};
use crate::sets::building::{build_blocking, chunks};
use crate::sets::objects::{Prefix, items_blocking};
use crate::{AdsSet, Clock, Table};

/// The word that marks an item of the tail.
pub(crate) const PACK: &str = "pack";

const CAME_AT: &str = "came_at_ms";
const OLDEST: &str = "oldest_ms";

/// Most ads of one pack: a stream hands out packs one by one, and one of these is looked up in seconds.
pub const PACK_ADS_MAX: usize = 256;

/// Most bytes of one pack, about.
const PACK_BYTES_MAX: u64 = 4 << 20;

/// Between a pack and its item no more time may pass, or it is written again: well within the
/// [grace](crate::CompactionRule::grace) after which a sweep takes it for one that was left behind. A
/// laptop may sleep in between.
const NAMED_WITHIN: Duration = Duration::from_secs(15 * 60);

const PACK_MISSING: Error = Error::Damaged("pack (missing; next: upkeep's task repair)");

/// Packs read at once.
pub(crate) const PACKS_AT_ONCE: usize = 8;

/// Packs of one page of the tail, where they are read too: a few megabytes.
pub(crate) const PACKS_PER_PAGE: usize = 16;

/// A pack as the tail names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    pub(crate) entry: SegmentEntry,
    /// When it came, in ms since 1970: the stamp of its ads, but for those that are there again.
    pub(crate) came_at_ms: u64,
    /// The oldest stamp of its ads.
    pub(crate) oldest_ms: u64,
}

impl Pack {
    /// The number of its ads.
    pub fn len(&self) -> usize {
        self.entry.items as usize
    }

    /// Its bytes.
    pub fn bytes(&self) -> u64 {
        self.entry.bytes
    }

    /// Whether it has none. Every pack has some.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn name(&self) -> SegmentName {
        self.entry.name
    }

    fn to_item(self) -> Item {
        let mut item = pack_key(&self.entry.name);
        item.insert("kind".into(), text(PACK));
        let entry = Blob::new(self.entry.to_bytes());
        item.insert("entry".into(), AttributeValue::B(entry));
        item.insert(CAME_AT.into(), number(self.came_at_ms));
        if self.oldest_ms != self.came_at_ms {
            item.insert(OLDEST.into(), number(self.oldest_ms));
        }
        item
    }

    pub(crate) fn of_item(item: &Item) -> Result<Self> {
        let entry = item.get("entry").and_then(|value| value.as_b().ok());
        let entry = entry.ok_or(Error::Damaged(PACK))?;
        let came_at_ms = counted(item, CAME_AT, PACK)?;
        let oldest_ms = match item.contains_key(OLDEST) {
            true => counted(item, OLDEST, PACK)?,
            false => came_at_ms,
        };
        Ok(Self {
            entry: SegmentEntry::from_bytes(entry.as_ref())?,
            came_at_ms,
            oldest_ms,
        })
    }
}

/// The key of the item that names a pack.
pub(crate) fn pack_key(name: &SegmentName) -> Item {
    key(pack_pk(name), name.to_string())
}

fn pack_pk(name: &SegmentName) -> String {
    let [first_byte, ..] = name.0;
    partition_of(first_byte)
}

impl AdsSet {
    /// Puts ads into the searchable set, all of them in one pack if it can hold them. To be repeated
    /// until it is done: what is put there once more is searched once more, and meets its copy in a
    /// merge.
    ///
    /// # Errors
    /// [`Error::Rejected`] if a fingerprint is larger than is kept (320 KB): nothing is put then.
    pub async fn put_ads(&self, ads: Vec<StoredAd>, clock: &Clock) -> Result<()> {
        let ads = ads.into_iter().map(|ad| (ad, None)).collect();
        self.put_ads_again(ads, clock).await
    }

    /// As [`AdsSet::put_ads`], of ads that were there before too: each of those with the time from which on it
    /// is kept, which is not now.
    ///
    /// # Errors
    /// As there.
    pub async fn put_ads_again(
        &self,
        ads: Vec<(StoredAd, Option<Timestamp>)>,
        clock: &Clock,
    ) -> Result<()> {
        for (ad, _) in &ads {
            check_features(&ad.fingerprint.features)?;
        }
        let came_at_ms = ms(clock.now());
        let items = ads.into_iter().map(|(ad, kept_since)| {
            let stamp = kept_since.map_or(came_at_ms, |it| ms(it).min(came_at_ms));
            item_of_ad(ad, stamp)
        });
        for part in chunks(items.collect::<Result<_>>()?, PACK_BYTES_MAX) {
            self.put_pack(part, came_at_ms, clock).await?;
        }
        Ok(())
    }

    async fn put_pack(&self, items: Vec<SetItem>, came_at_ms: u64, clock: &Clock) -> Result<()> {
        let oldest_ms = items.iter().map(|item| item.stamp).min();
        let oldest_ms = oldest_ms.unwrap_or(came_at_ms);
        // The number makes the names of two attempts differ: an item that is deleted is this one.
        let number = self.db.jitter.number();
        let built = build_blocking(SetKind::Ads, items, clock.now(), number).await?;
        let entry = SegmentEntry {
            oldest_day: 0, // an older build reads no other
            ..built.entry
        };
        let bytes = Bytes::from(built.bytes);
        loop {
            let began = clock.now();
            self.segments
                .put_bytes(Prefix::Packs, &entry.name, bytes.clone())
                .await?;
            let pack = Pack {
                entry,
                came_at_ms,
                oldest_ms,
            };
            self.db.put_new(Table::AdsTail, pack.to_item()).await?;
            if clock.now() <= began.plus(NAMED_WITHIN) {
                return Ok(());
            }
        }
    }

    /// The items of a pack.
    ///
    /// # Errors
    /// [`Error::Gone`] if the tail does not name it any more; [`Error::Damaged`] if it is missing
    /// although the tail names it, or is not what the tail says.
    pub(crate) async fn pack_items(&self, pack: &Pack) -> Result<Vec<SetItem>> {
        let whole = 0..pack.entry.bytes;
        match self
            .segments
            .segment_bytes(Prefix::Packs, &pack.name(), whole)
            .await
        {
            Err(Error::Gone(_)) if self.tail_names(&pack.name()).await? => Err(PACK_MISSING),
            bytes => items_blocking(SetKind::Ads, &pack.entry, bytes?).await,
        }
    }

    pub(crate) async fn tail_names(&self, name: &SegmentName) -> Result<bool> {
        let range = Keys::prefix(&name.to_string());
        let query = Query::of(Table::AdsTail, pack_pk(name), range);
        let (found, _) = self.db.query(&query).await?;
        Ok(!found.is_empty())
    }

    /// Some packs of the tail, from a position on, at most as many as `limit` says; none: as many as
    /// one read gives. Strongly consistent.
    pub(crate) async fn packs_page(
        &self,
        position: &AdsPosition,
        limit: Option<usize>,
    ) -> Result<(Vec<Pack>, Option<AdsPosition>)> {
        let pk = partition_text(position.partition);
        let mut query = Query::of(Table::AdsTail, pk, Keys::All);
        query.limit = limit;
        query.after = position.after.as_deref();
        let (items, next) = self.db.query(&query).await?;
        let next = next.map(|sk| AdsPosition {
            partition: position.partition,
            after: Some(sk),
        });
        let packs = items.iter().map(Pack::of_item).collect::<Result<_>>()?;
        Ok((packs, next))
    }

    /// Every pack of the tail. Strongly consistent; what was named when this began is among them,
    /// unless compaction took it concurrently.
    pub(crate) async fn all_packs(&self) -> Result<Vec<Pack>> {
        let parts = stream::iter(AdsPosition::starts()).map(|start| async move {
            let (mut packs, mut position) = (Vec::new(), Some(start));
            while let Some(here) = position {
                let (some, next) = self.packs_page(&here, None).await?;
                packs.extend(some);
                position = next;
            }
            Ok::<_, Error>(packs)
        });
        let parts: Vec<Vec<Pack>> = parts
            .buffered(usize::from(PARTITIONS))
            .try_collect()
            .await?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// The items of these packs, without those that the tail does not name any more.
    pub(crate) async fn items_of_packs(&self, packs: Vec<Pack>) -> Result<Vec<SetItem>> {
        let read = stream::iter(packs).map(|pack| async move {
            match self.pack_items(&pack).await {
                Err(Error::Gone(_)) => Ok(Vec::new()),
                items => items,
            }
        });
        let read: Vec<Vec<SetItem>> = read.buffered(PACKS_AT_ONCE).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// The ads of a pack that a stream told of, wherever they are by now: in the pack, or in
    /// segments. Others that came at the same time may be among them. None that is forgotten.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the pack or a segment cannot be read: better stop than miss a match.
    pub async fn ads_of(&self, pack: &Pack) -> Result<Vec<StoredAd>> {
        match self.pack_items(pack).await {
            Err(Error::Gone(_)) => self.ads_absorbed(pack).await,
            items => items?.iter().map(ad_of_item).collect(),
        }
    }

    async fn ads_absorbed(&self, pack: &Pack) -> Result<Vec<StoredAd>> {
        let mut attempts = self.db.attempts("reading segments that others merge");
        loop {
            match self.ads_stamped(pack.oldest_ms..=pack.came_at_ms).await {
                Err(Error::Gone(_)) => attempts.again().await?, // merged concurrently
                ads => return ads,
            }
        }
    }

    async fn ads_stamped(&self, stamps: RangeInclusive<u64>) -> Result<Vec<StoredAd>> {
        let mut ads = Vec::new();
        for entry in self.ads_segments().await? {
            let index = self.ads_segment_index(&entry).await?;
            // An ad that came again has the stamp of then; its postings keep theirs.
            let came_then = |item: &usize| {
                let postings = index.postings(*item);
                let posted = postings.iter().any(|it| stamps.contains(&it.stamp));
                stamps.contains(&index.stamp(*item)) || posted
            };
            for item in (0..index.len()).filter(came_then) {
                ads.extend(self.segment_ads(&index, item..item + 1).await?);
            }
        }
        Ok(ads)
    }
}
