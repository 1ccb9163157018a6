//! The end of ads: what is past its retention leaves segments, sightings and records.
//!
//! An ad of a tenant is kept as long as one of its postings is: the latest that lies before the bound ends it.
//! A stamp is the time at which an ad came, so that only segments with old stamps are read; what an old one
//! says is held against the sightings, since a picture that is posted again has no newer stamp. Of an ad that
//! stays the stamp becomes that of its oldest posting which is left. Sightings and records go first, the
//! fingerprint last: what a crash leaves is met again by the next run.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use records::{AdKey, ImageSha256, TenantId, Timestamp, Upload};
use segments::{Id, Item as SetItem, SegmentEntry, SegmentIndex, SetKind, day_of};

use crate::db::calls::Range;
use crate::db::error::{Error, Result};
use crate::db::items::{Item, key, ms, parsed, sort_key, text};
use crate::uploads::{AT_ONCE_WITH, UPLOADED_AT, image_pk, upload_pk};
use crate::{CompactionRule, GarbageCollector, Table, Uploads};

/// Images whose sightings are read at once.
const AT_ONCE: usize = 16;

/// Where it stands which uploads are about to end: no tenant has such a partition.
const ENDING: &str = "ending";

/// Swaps tried for one segment before it is left to the next run.
const SWAPS_MAX: u32 = 10;

/// What one run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedAds {
    /// Ads that left the set.
    pub ads: u64,
    /// Postings that ended, recorded ones and those that travelled with their ad.
    pub sightings: u64,
    /// Segments that were written again or dropped.
    pub segments: u64,
}

/// What an old ad has left: the time of its oldest recorded posting that is not over.
type Left = Option<u64>;

impl GarbageCollector {
    /// Ends every posting of before a time, with its record, and every ad that has no other. Give a time such
    /// that no photo of before it lies in the bucket any more and is recorded. Replaced segments stay for the rule's
    /// grace, as after a merge. Idempotent; safe twice at once, and concurrently with compaction.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a segment cannot be read: it stays where it is.
    pub async fn end_ads(
        &self,
        ended_before: Timestamp,
        rule: &CompactionRule,
        now: Timestamp,
    ) -> Result<EndedAds> {
        let mut done = EndedAds::default();
        let last_day = day_of(ms(ended_before));
        let live = self.segments.manifest(SetKind::Ads).await?.manifest.live;
        for entry in live.iter().filter(|it| it.oldest_day <= last_day) {
            let bounds = (ended_before, now);
            match self.end_in_segment(entry, bounds, rule, &mut done).await {
                Err(Error::Gone(_)) => {} // merged concurrently: the next run meets its ads again
                ended => ended?,
            }
        }
        Ok(done)
    }

    async fn end_in_segment(
        &self,
        entry: &SegmentEntry,
        (before, now): (Timestamp, Timestamp),
        rule: &CompactionRule,
        done: &mut EndedAds,
    ) -> Result<()> {
        let index = self.segments.segment_index(SetKind::Ads, entry).await?;
        let old: Vec<usize> = (0..index.len())
            .filter(|item| is_old(&index, *item, ms(before)))
            .collect();
        if old.is_empty() {
            return Ok(());
        }
        let left: Vec<(usize, Left)> = stream::iter(old)
            .map(|item| self.end_sightings(&index, item, before))
            .buffer_unordered(AT_ONCE)
            .map_ok(|(item, left, ended)| {
                done.sightings += ended;
                (item, left)
            })
            .try_collect()
            .await?;
        let left: HashMap<usize, Left> = left.into_iter().collect();
        let items = self.segments.segment_items(SetKind::Ads, entry).await?;
        let count = items.len();
        let kept: Vec<SetItem> = items
            .into_iter()
            .enumerate()
            .filter_map(|(place, item)| match left.get(&place) {
                Some(left) => without_ended(item, *left, ms(before), done),
                None => Some(item),
            })
            .collect();
        let ended = (count - kept.len()) as u64;
        if self.replace_segment(entry, kept, now, rule).await? {
            done.ads += ended;
            done.segments += 1;
        }
        Ok(())
    }

    /// Ends the recorded postings of an ad that are over, and says what is left and how many went.
    async fn end_sightings(
        &self,
        index: &SegmentIndex,
        place: usize,
        before: Timestamp,
    ) -> Result<(usize, Left, u64)> {
        let item = index.item_without_features(place);
        let Id::Image(image) = item.id else {
            return Err(segments::SegmentError::Another.into());
        };
        let (left, ended) = self
            .uploads
            .end_sightings(&item.owner, &image, before)
            .await?;
        Ok((place, left, ended))
    }

    /// Puts segments of these items into the place of one; says whether it was still there.
    async fn replace_segment(
        &self,
        entry: &SegmentEntry,
        kept: Vec<SetItem>,
        now: Timestamp,
        rule: &CompactionRule,
    ) -> Result<bool> {
        for _ in 0..SWAPS_MAX {
            let current = self.segments.manifest(SetKind::Ads).await?;
            if current.manifest.entry(&entry.name).is_none() {
                return Ok(false);
            }
            let generation = current.manifest.generation;
            let with = self
                .put_all(SetKind::Ads, kept.clone(), (now, generation))
                .await?;
            let without = [entry.name].into();
            let due_at_ms = ms(now.plus(rule.grace));
            let next = current.manifest.next(&without, due_at_ms, with);
            if self.segments.swap(&current, &next).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn is_old(index: &SegmentIndex, item: usize, before_ms: u64) -> bool {
    let postings = index.postings(item);
    index.stamp(item) < before_ms || postings.iter().any(|it| it.stamp < before_ms)
}

/// An old ad without the postings that are over; none if that leaves nothing of it.
fn without_ended(
    mut item: SetItem,
    recorded: Left,
    before_ms: u64,
    done: &mut EndedAds,
) -> Option<SetItem> {
    let count = item.postings.len();
    item.postings.retain(|it| it.stamp >= before_ms);
    done.sightings += (count - item.postings.len()) as u64;
    let posted = item.postings.iter().map(|it| it.stamp).min();
    let own = (item.stamp >= before_ms).then_some(item.stamp);
    let oldest = [recorded, posted, own].into_iter().flatten().min()?;
    Some(SetItem {
        stamp: oldest,
        ..item
    })
}

impl Uploads {
    /// Ends the recorded postings of a tenant's image of before a time, with the records of their uploads; says
    /// when the oldest that is left was uploaded, and how many went.
    pub(crate) async fn end_sightings(
        &self,
        tenant: &TenantId,
        image: &ImageSha256,
        before: Timestamp,
    ) -> Result<(Left, u64)> {
        let of_tenant = Range::prefix(&format!("{tenant}#"));
        let (mut left, mut ended): (Left, u64) = (None, 0);
        for sighting in self
            .db
            .query_all(Table::Ads, image_pk(image), of_tenant)
            .await?
        {
            match self.end_sighting(image, &sighting, before).await? {
                Some(at) => left = Some(left.map_or(at, |other| other.min(at))),
                None => ended += 1,
            }
        }
        Ok((left, ended))
    }

    /// Ends a posting if it is over; if not, says when its photo was uploaded last.
    async fn end_sighting(
        &self,
        image: &ImageSha256,
        sighting: &Item,
        before: Timestamp,
    ) -> Result<Left> {
        let posted_at: Timestamp = parsed(sighting, UPLOADED_AT, "sighting")?;
        if posted_at >= before {
            return Ok(Some(ms(posted_at)));
        }
        let object_key: AdKey = parsed(sighting, "object_key", "sighting")?;
        let upload = self.upload(&object_key).await?;
        if let Some(upload) = upload.filter(|it| it.image_sha256 == Some(*image)) {
            if upload.uploaded_at >= before {
                return Ok(Some(ms(upload.uploaded_at)));
            }
            self.end_upload(&object_key, upload.uploaded_at).await?;
        }
        let (pk, sk) = (image_pk(image), sort_key(sighting)?);
        let at = [(":uploaded_at", text(posted_at.as_str()))];
        let ended = self
            .db
            .delete_if(Table::Ads, key(&pk, sk), AT_ONCE_WITH, &at);
        if ended.await? {
            return Ok(None);
        }
        // The same photo was put there again concurrently, or another run ended it.
        let there = self.db.get(Table::Ads, pk, sk).await?;
        let posted_at = there.map(|it| parsed::<Timestamp>(&it, UPLOADED_AT, "sighting"));
        Ok(posted_at.transpose()?.map(ms))
    }

    /// Notes that the object of an upload is about to be removed for its age, and what is known of it after that:
    /// no sighting leads to it, so that what a crash leaves would never be met again. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn begin_end(&self, upload: &Upload) -> Result<()> {
        let mut mark = key(ENDING, upload.object_key.as_str());
        mark.insert(UPLOADED_AT.into(), text(upload.uploaded_at.as_str()));
        self.db.put(Table::Ads, mark).await
    }

    /// Uploads whose end has begun and is not [noted](Self::note_end) as done, by object key; of one that has
    /// ended, or was replaced, only the note is left. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn ends_begun(&self) -> Result<Vec<(AdKey, Option<Upload>)>> {
        let mut begun = Vec::new();
        for mark in self.db.query_all(Table::Ads, ENDING, Range::All).await? {
            let uploaded_at: Timestamp = parsed(&mark, UPLOADED_AT, "end of an upload")?;
            let object_key: AdKey = parsed(&mark, "sk", "end of an upload")?;
            let upload = self.upload(&object_key).await?;
            let upload = upload.filter(|it| it.uploaded_at == uploaded_at);
            begun.push((object_key, upload));
        }
        Ok(begun)
    }

    /// Notes that nothing of an upload's end is left to be done. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn note_end(&self, object_key: &AdKey) -> Result<()> {
        self.db
            .delete(Table::Ads, ENDING, object_key.as_str())
            .await
    }

    /// Forgets what became of an upload of this time, and of no other under its key. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn end_upload(&self, object_key: &AdKey, uploaded_at: Timestamp) -> Result<()> {
        let place = key(upload_pk(object_key.tenant()), object_key.as_str());
        let at = [(":uploaded_at", text(uploaded_at.as_str()))];
        self.db
            .delete_if(Table::Ads, place, AT_ONCE_WITH, &at)
            .await?;
        Ok(())
    }
}
