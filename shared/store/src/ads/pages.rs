//! The set of ads, to be searched from end to end for a new reference.
//!
//! It has two parts: the tail, packs of the ads that came together, and the segments that its manifest
//! lists. Scan the tail first, then ask for the segments: what left the tail since is in the
//! manifest by then. An image may be met in both; none is missed.

use std::ops::Range;

use bytes::Bytes;
use features::fingerprint::AdFingerprint;
use futures::{StreamExt, TryStreamExt, stream};
use records::{ImageSha256, Sighting, TenantId};
use segments::{Id, Item as SetItem, Posting, SegmentEntry, SegmentIndex, SetKind};

use crate::AdsSet;
use crate::ads::packs::PACKS_PER_PAGE;
use crate::db::error::{Error, Result};
use crate::db::items::PARTITIONS;

/// A position in the tail. Positions of [`AdsPosition::starts`] cover it together; each part is
/// walked on its own, in any order or at the same time.
#[derive(Clone, PartialEq, Eq)]
pub struct AdsPosition {
    pub(crate) partition: u8,
    pub(crate) after: Option<String>,
}

impl AdsPosition {
    /// Where the parts of the tail start.
    pub fn starts() -> impl Iterator<Item = Self> {
        (0..PARTITIONS).map(|partition| Self {
            partition,
            after: None,
        })
    }
}

impl std::fmt::Debug for AdsPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdsPosition")
            .field("partition", &self.partition)
            .finish_non_exhaustive()
    }
}

/// One image of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAd {
    /// Whose uploads brought it.
    pub tenant: TenantId,
    /// Its content.
    pub image_sha256: ImageSha256,
    /// Its fingerprint.
    pub fingerprint: AdFingerprint,
    /// Those of its sightings that travel with it, and are not written by
    /// [`Uploads::record_sighting`](crate::Uploads::record_sighting). Read back each once; they are for its leads only.
    pub postings: Vec<Sighting>,
}

/// Some of the tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdsPage {
    /// Images; possibly none even if there is a next page.
    pub items: Vec<StoredAd>,
    /// Where this part of the tail goes on; none at its end.
    pub next: Option<AdsPosition>,
}

/// Some of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPage {
    /// Images.
    pub items: Vec<StoredAd>,
    /// The item from which the segment goes on; none at its end.
    pub next: Option<usize>,
}

/// Bytes of features of one page of a segment, about: enough that a request's own time is small
/// next to its transfer, few enough to hold several in memory. For [`SegmentIndex::page`].
pub const FEATURES_PAGE_BYTES: u64 = 8 << 20;

/// Images of a segment that are read with what lies between them, if that is not more: a request costs as
/// much time as the transfer of two megabytes, and some money.
const GAP_BYTES_MAX: u64 = 256 << 10;

/// Ranges of a segment that are read at once.
const RANGES_AT_ONCE: usize = 8;

impl AdsSet {
    /// Images of the tail from a position on, some megabytes of them. Strongly consistent: every
    /// image that was recorded before the walk began is met here, or in a segment of a manifest that
    /// is read after the walk.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`] if a pack cannot be read: better stop than miss a match.
    pub async fn ads_page(&self, position: &AdsPosition) -> Result<AdsPage> {
        let (packs, next) = self.packs_page(position, Some(PACKS_PER_PAGE)).await?;
        let items = self.items_of_packs(packs).await?;
        Ok(AdsPage {
            items: items.iter().map(ad_of_item).collect::<Result<_>>()?,
            next,
        })
    }

    /// The segments of the set as it stands. Ask after the tail was walked, not before.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`] if the manifest cannot be read.
    pub async fn ads_segments(&self) -> Result<Vec<SegmentEntry>> {
        Ok(self.segments.manifest(SetKind::Ads).await?.manifest.live)
    }

    /// The hashes and identities of a segment, for a scan.
    ///
    /// # Errors
    /// [`crate::Error::Gone`] if it was merged or rewritten concurrently: ask for the segments again.
    /// [`crate::Error::Damaged`] if it is not what the manifest says.
    pub async fn ads_segment_index(&self, segment: &SegmentEntry) -> Result<SegmentIndex> {
        self.segments.segment_index(SetKind::Ads, segment).await
    }

    /// Images of a segment from this item on, with their features.
    ///
    /// # Errors
    /// As [`AdsSet::ads_segment_index`].
    pub async fn segment_page(&self, index: &SegmentIndex, from: usize) -> Result<SegmentPage> {
        let range = index.page(from, FEATURES_PAGE_BYTES);
        let next = (range.end < index.len()).then_some(range.end);
        let items = self.segment_ads(index, range).await?;
        Ok(SegmentPage { items, next })
    }

    /// These images of a segment, with their features.
    ///
    /// # Errors
    /// As [`AdsSet::ads_segment_index`].
    ///
    /// # Panics
    /// If the segment has fewer.
    pub async fn segment_ads(
        &self,
        index: &SegmentIndex,
        range: Range<usize>,
    ) -> Result<Vec<StoredAd>> {
        let bytes = self
            .bytes_of_segment(index, index.features_range(&range))
            .await?;
        let items = index.items_of(range, &bytes)?;
        items.iter().map(ad_of_item).collect()
    }

    async fn bytes_of_segment(&self, index: &SegmentIndex, range: Range<u64>) -> Result<Bytes> {
        self.segments
            .segment_bytes(SetKind::Ads.into(), &index.name(), range)
            .await
    }

    /// A section of a segment's filed features, for [`features::filed::Section::read`].
    ///
    /// # Errors
    /// As [`AdsSet::ads_segment_index`]; after [`crate::Error::Damaged`] all else of the segment may be
    /// read as before.
    ///
    /// # Panics
    /// If the segment has no such section.
    pub async fn segment_section(&self, index: &SegmentIndex, section: usize) -> Result<Bytes> {
        let range = index.section_range(section);
        let blocks = self.bytes_of_segment(index, range).await?;
        Ok(index.section_of(section, &blocks)?)
    }

    /// These images of a segment, numbered in order, with their features, by as few reads as seem
    /// sensible.
    ///
    /// # Errors
    /// As [`AdsSet::ads_segment_index`].
    ///
    /// # Panics
    /// If the segment has fewer.
    pub async fn segment_ads_at(
        &self,
        index: &SegmentIndex,
        items: &[usize],
    ) -> Result<Vec<StoredAd>> {
        let read = stream::iter(groups(index, items))
            .map(|group| async move { self.segment_group(index, &group).await });
        let read: Vec<Vec<StoredAd>> = read.buffered(RANGES_AT_ONCE).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }

    async fn segment_group(&self, index: &SegmentIndex, group: &[usize]) -> Result<Vec<StoredAd>> {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return Ok(Vec::new());
        };
        let all = *first..*last + 1;
        let range = index.features_range(&all);
        let bytes = self.bytes_of_segment(index, range).await?;
        let items = index.items_of(all, &bytes)?;
        let chosen = group.iter().map(|item| ad_of_item(&items[item - first]));
        chosen.collect()
    }
}

impl StoredAd {
    /// An image of a segment without its features, of which nothing is read.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`] if it is none.
    ///
    /// # Panics
    /// If the segment has no such item.
    pub fn without_features(index: &SegmentIndex, item: usize) -> Result<Self> {
        ad_of_item(&index.item_without_features(item))
    }
}

/// Items of a segment, in groups that are near each other.
fn groups(index: &SegmentIndex, items: &[usize]) -> Vec<Vec<usize>> {
    let are_near = |a: &usize, b: &usize| {
        let range = index.features_range(&(*a..*b + 1));
        range.end - range.start <= GAP_BYTES_MAX
    };
    items.chunk_by(are_near).map(<[usize]>::to_vec).collect()
}

pub(crate) fn ad_of_item(item: &SetItem) -> Result<StoredAd> {
    let Id::Image(image_sha256) = item.id else {
        return Err(segments::SegmentError::Another.into());
    };
    Ok(StoredAd {
        tenant: item.owner.clone(),
        image_sha256,
        fingerprint: item.ad_fingerprint()?,
        postings: item.postings.iter().map(sighting).collect::<Result<_>>()?,
    })
}

/// What travels through the set for an ad that comes now.
pub(crate) fn item_of_ad(ad: StoredAd, came_at_ms: u64) -> Result<SetItem> {
    let postings = ad.postings.iter().map(|it| posting(it, came_at_ms));
    let postings = postings.collect::<Result<_>>()?;
    let item = SetItem::of_ad(ad.tenant, ad.image_sha256, came_at_ms, ad.fingerprint);
    Ok(SetItem { postings, ..item })
}

/// A sighting as JSON: what a field is called stays true in a segment that outlives this build.
fn posting(sighting: &Sighting, stamp: u64) -> Result<Posting> {
    let bytes = serde_json::to_vec(sighting);
    let bytes = bytes.map_err(|_| Error::Rejected("a record cannot be stored"))?;
    Ok(Posting {
        bytes: bytes.into(),
        stamp,
    })
}

fn sighting(posting: &Posting) -> Result<Sighting> {
    serde_json::from_slice(&posting.bytes).map_err(|_| Error::Damaged("posting"))
}
