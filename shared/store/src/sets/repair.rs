//! Bringing a set of ads into agreement again, after something was lost or put back.
//!
//! Bucket and tables may come from different moments: tables were put back to an earlier time, or the
//! bucket lost an object. A repair brings back what lies there as a version, and goes on from the
//! newest manifest. That loses nothing: whatever was in the set at a time is in its segments and packs
//! of that time, and each manifest after it has the same ads, but for those that were to be forgotten.
//! What cannot be brought back stops it: then the set is made again from photos and lists.

use std::collections::BTreeSet;

use records::Timestamp;
use segments::{Manifest, SegmentName, SetKind};

use crate::ads::packs::Pack;
use crate::db::error::{Error, Result};
use crate::db::items::ms;
use crate::sets::manifests::VersionedManifest;
use crate::sets::objects::{Prefix, Stored, StoredVersion};
use crate::{AdsSet, Compacted};

const MANIFEST_LOST: Error = Error::Damaged(
    "manifest of ads (it is gone, and no version of it is left; next: upkeep's task rebuild)",
);
const SEGMENT_LOST: Error = Error::Damaged(
    "segment of ads (it is gone, and no version of it is left; next: upkeep's task rebuild)",
);
const PACK_LOST: Error = Error::Damaged(
    "pack of ads (it is gone, and no version of it is left; next: upkeep's task rebuild)",
);

/// What is to be done where something is gone for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    /// Stop: a person is to know.
    Stops,
    /// Go on without it: photos and lists are taken in again.
    IsLeftOut,
}

impl AdsSet {
    /// Brings tail, segments, manifest and record of ads into agreement, where nothing is lost by
    /// that: a manifest that is newer than its record is the one to go on from; one that is gone, and
    /// segments and packs that are, come back from their versions; packs that were absorbed leave the
    /// tail. What is whole stays as it is. Idempotent; can be cut off anywhere.
    ///
    /// # Errors
    /// [`Error::Damaged`] if something is gone for good: [`AdsSet::begin_rebuild`].
    pub async fn repair(&self, now: Timestamp) -> Result<Compacted> {
        self.mend(Lost::Stops, now).await
    }

    /// Begins to make the set again from photos and lists: as [`AdsSet::repair`], but what is gone for
    /// good is left out. Until [`AdsSet::end_rebuild`] no search over it is done. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn begin_rebuild(&self, now: Timestamp) -> Result<Compacted> {
        self.segments.save_rebuilding(SetKind::Ads, true).await?;
        self.mend(Lost::IsLeftOut, now).await
    }

    /// Notes that every photo and list was taken in again. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn end_rebuild(&self) -> Result<()> {
        self.segments.save_rebuilding(SetKind::Ads, false).await
    }

    /// Whether the set is being made again, so that ads may be missing yet. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn is_rebuilding(&self) -> Result<bool> {
        let record = self.segments.record(SetKind::Ads).await?;
        Ok(record.is_some_and(|it| it.is_rebuilding))
    }

    async fn mend(&self, lost: Lost, now: Timestamp) -> Result<Compacted> {
        let mut done = Compacted::default();
        let mut attempts = self.db.attempts("repairing the set of ads");
        while !self.mend_manifest(lost, &mut done).await? {
            attempts.again().await?;
        }
        while !self.mend_segments(lost, now, &mut done).await? {
            attempts.again().await?;
        }
        self.mend_tail(lost, &mut done).await?;
        Ok(done)
    }

    /// Lets the newest manifest stand that is known; says whether one does.
    async fn mend_manifest(&self, lost: Lost, done: &mut Compacted) -> Result<bool> {
        let kind = SetKind::Ads;
        let (current, fault) = self.segments.manifest_or_fault(kind).await?;
        if fault.is_none() {
            self.segments.save_manifest_record(&current).await?;
            return Ok(true);
        }
        let from = match current.is_ahead() {
            true => current.manifest.clone(),
            false => match (self.segments.manifest_version(kind).await?, lost) {
                (Some(version), _) => version,
                (None, Lost::Stops) => return Err(MANIFEST_LOST),
                (None, Lost::IsLeftOut) => current.manifest.clone(),
            },
        };
        let generation = current.manifest.generation;
        let next = Manifest { generation, ..from };
        let next = next.next(&BTreeSet::new(), 0, Vec::new());
        let is_swapped = self.segments.swap(&current, &next).await?;
        done.mended += u64::from(is_swapped);
        Ok(is_swapped)
    }

    /// Brings back live segments that are gone; says whether none is missing any more.
    async fn mend_segments(
        &self,
        lost: Lost,
        now: Timestamp,
        done: &mut Compacted,
    ) -> Result<bool> {
        let kind = SetKind::Ads;
        let current: VersionedManifest = self.segments.manifest(kind).await?;
        let live: Vec<SegmentName> = current.manifest.live.iter().map(|it| it.name).collect();
        let missing = self.brought_back(kind.into(), live, done).await?;
        match lost {
            _ if missing.is_empty() => Ok(true),
            Lost::Stops => Err(SEGMENT_LOST),
            Lost::IsLeftOut => {
                let without = current.manifest.next(&missing, ms(now), Vec::new());
                let is_swapped = self.segments.swap(&current, &without).await?;
                done.mended += u64::from(is_swapped);
                Ok(is_swapped)
            }
        }
    }

    /// Takes packs that were absorbed out of the tail, and brings back others that are gone.
    async fn mend_tail(&self, lost: Lost, done: &mut Compacted) -> Result<()> {
        let named: Vec<SegmentName> = self.all_packs().await?.iter().map(Pack::name).collect();
        // After the tail: a pack that was absorbed since then is named here, or gone from the tail.
        let manifest = self.segments.manifest(SetKind::Ads).await?.manifest;
        let is_absorbed = |name: &SegmentName| manifest.absorbed.iter().any(|it| it.name == *name);
        let (absorbed, others): (Vec<_>, Vec<_>) = named.into_iter().partition(is_absorbed);
        for name in absorbed {
            done.cleared += u64::from(self.delete_from_tail(name).await?);
        }
        for name in self.brought_back(Prefix::Packs, others, done).await? {
            if !self.tail_names(&name).await? {
                continue; // compacted concurrently
            }
            match lost {
                Lost::Stops => return Err(PACK_LOST),
                Lost::IsLeftOut => {
                    done.cleared += u64::from(self.delete_from_tail(name).await?);
                    done.mended += 1;
                }
            }
        }
        Ok(())
    }

    /// Brings back what is gone of these, as far as versions of it are left; gives those that stay
    /// missing.
    async fn brought_back(
        &self,
        prefix: Prefix,
        wanted: Vec<SegmentName>,
        done: &mut Compacted,
    ) -> Result<BTreeSet<SegmentName>> {
        let mut missing: BTreeSet<SegmentName> = wanted.into_iter().collect();
        if missing.is_empty() {
            return Ok(missing);
        }
        for it in self.segments.stored_now(prefix).await? {
            if let Stored::Segment(name) = it.stored {
                missing.remove(&name);
            }
        }
        if missing.is_empty() {
            return Ok(missing);
        }
        let versions = self.segments.stored_versions(prefix).await?;
        let named = |it: &StoredVersion, name: &SegmentName| it.stored == Stored::Segment(*name);
        for name in missing.clone() {
            let mut of_it = versions.iter().filter(|it| named(it, &name));
            if !of_it.clone().any(|it| !it.is_marker) {
                continue;
            }
            // What lay under the name was the same each time: the name is that of its content.
            for marker in of_it.by_ref().filter(|it| it.is_marker) {
                self.segments.delete_version(prefix, marker).await?;
            }
            done.mended += 1;
            missing.remove(&name);
        }
        Ok(missing)
    }
}
