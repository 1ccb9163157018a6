//! Segments without what is to be forgotten, and objects that are not needed any more.
//!
//! Both rest on one thing: a swap of the manifest dooms every compaction that is under way, since
//! its own swap is conditioned on the manifest before. So what lay in the bucket before a swap and
//! is not live after it will never be, and may be deleted.

use std::collections::BTreeSet;

use records::Timestamp;
use segments::{Absorbed, Id, Item, Manifest, SegmentEntry, SegmentIndex, SegmentName, SetKind};

use crate::ads::packs::Pack;
use crate::db::error::{Error, Result};
use crate::db::items::ms;
use crate::sets::building::{build_blocking, chunks};
use crate::sets::objects::{Prefix, Stored, StoredVersion, items_blocking};
use crate::{
    AdsSet, Compacted, CompactionRule, Db, Erased, ErasedBy, Erasures, Searches, Segments, Uploads,
};

/// Takes out of the searchable sets what is to be forgotten, and deletes what is not needed any more. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GarbageCollector {
    pub(crate) db: Db,
    pub(crate) segments: Segments,
    pub(crate) ads: AdsSet,
    pub(crate) searches: Searches,
    pub(crate) uploads: Uploads,
    pub(crate) erasures: Erasures,
}

impl GarbageCollector {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            segments: Segments::new(db),
            ads: AdsSet::new(db),
            searches: Searches::new(db),
            uploads: Uploads::new(db),
            erasures: Erasures::new(db),
        }
    }
}

/// Longer than any pack that this build writes.
const PACK_MAX: u64 = 16 << 20;

/// What a set was rid of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Segments that held something to be forgotten.
    pub segments: u64,
    /// Items that were forgotten, in segments and tail.
    pub items: u64,
    /// Objects deleted for good, all their versions.
    pub deleted: u64,
}

impl GarbageCollector {
    /// Forgets items, of all owners: when this returns, no segment holds them, neither live nor
    /// replaced nor half written, and of ads neither does the tail. A reference must have been
    /// withdrawn before, which takes it out of the log. Idempotent; safe concurrently with compaction.
    /// Readers that lose a segment under their hands start again from the manifest. What an erasure
    /// removes so is [saved](crate::Erasures::save_erased) before.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a segment cannot be read, [`Error::Unavailable`] if others kept
    /// changing the manifest.
    pub async fn purge(
        &self,
        kind: SetKind,
        ids: &BTreeSet<Id>,
        now: Timestamp,
        by: Option<ErasedBy<'_>>,
    ) -> Result<Purged> {
        let mut done = Purged::default();
        let at_once = CompactionRule {
            tail_ads_min: 1,
            ..CompactionRule::default()
        };
        let mut attempts = self.db.attempts("rewriting segments");
        loop {
            if kind == SetKind::Ads {
                self.ads.compact_ads(&at_once, now).await?;
            }
            match self.purge_once(kind, ids, (now, by), &mut done).await {
                Ok(true) => return Ok(done),
                Ok(false) | Err(Error::Gone(_)) => attempts.again().await?,
                Err(error) => return Err(error),
            }
        }
    }

    async fn purge_once(
        &self,
        kind: SetKind,
        ids: &BTreeSet<Id>,
        (now, by): (Timestamp, Option<ErasedBy<'_>>),
        done: &mut Purged,
    ) -> Result<bool> {
        let current = self.segments.manifest(kind).await?;
        if kind == SetKind::Ads
            && !self
                .packs_are_purged_of(ids, &current.manifest, done)
                .await?
        {
            return Ok(false); // they came concurrently
        }
        let lying = self.segments.stored_versions(kind.into()).await?;
        let affected = self.holding(kind, &current.manifest, ids).await?;
        let held = self.segments.items_of_all(kind, &affected).await?;
        let count = held.len();
        let kept: Vec<Item> = held
            .into_iter()
            .filter(|it| !ids.contains(&it.id))
            .collect();
        let forgotten = (count - kept.len()) as u64;
        let generation = current.manifest.generation;
        let with = self.put_all(kind, kept, (now, generation)).await?;
        let without = affected.iter().map(|entry| entry.name).collect();
        let next = current.manifest.next(&without, ms(now), with);
        if let Some(by) = by {
            let names = without.iter().map(SegmentName::to_string);
            self.erasures
                .save_erased(by, Erased::Segments, names)
                .await?;
        }
        if !self.segments.swap(&current, &next).await? {
            return Ok(false);
        }
        done.segments += without.len() as u64;
        done.items += forgotten;
        if let Some(by) = by {
            let doomed = lying.iter().filter(|it| is_doomed(it, &next));
            let things = doomed.map(StoredVersion::to_string);
            self.erasures
                .save_erased(by, Erased::SegmentObjects, things)
                .await?;
        }
        done.deleted += self.delete_all_but(&next, lying).await?;
        Ok(true)
    }

    /// The live segments that hold any of these items.
    pub(crate) async fn holding(
        &self,
        kind: SetKind,
        manifest: &Manifest,
        ids: &BTreeSet<Id>,
    ) -> Result<Vec<SegmentEntry>> {
        let mut holding = Vec::new();
        if ids.is_empty() {
            return Ok(holding);
        }
        for entry in &manifest.live {
            let index: SegmentIndex = self.segments.segment_index(kind, entry).await?;
            if ids.iter().any(|id| !index.find(id).is_empty()) {
                holding.push(*entry);
            }
        }
        Ok(holding)
    }

    /// Writes items as segments of a bounded size, which no manifest names yet.
    pub(crate) async fn put_all(
        &self,
        kind: SetKind,
        items: Vec<Item>,
        (now, generation): (Timestamp, u64),
    ) -> Result<Vec<SegmentEntry>> {
        let mut entries = Vec::new();
        for part in chunks(items, CompactionRule::default().merge.bytes_max) {
            let built = build_blocking(kind, part, now, generation).await?;
            entries.push(built.entry);
            self.segments.put_segment(kind, built).await?;
        }
        Ok(entries)
    }

    /// Deletes what lay in the bucket before this manifest was swapped in and is not live in it.
    pub(crate) async fn delete_all_but(
        &self,
        manifest: &Manifest,
        lying: Vec<StoredVersion>,
    ) -> Result<u64> {
        let mut deleted = 0;
        for version in lying.iter().filter(|it| is_doomed(it, manifest)) {
            self.delete_for_good(manifest.kind, version).await?;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// Whether no pack holds these items. Those that were absorbed are deleted at once, and so are versions
    /// that were kept; one that the tail names, or that was left behind or is about to be named, is
    /// only looked into.
    async fn packs_are_purged_of(
        &self,
        ids: &BTreeSet<Id>,
        manifest: &Manifest,
        done: &mut Purged,
    ) -> Result<bool> {
        let lying = self.segments.stored_versions(Prefix::Packs).await?;
        let named = self.names_of_packs().await?;
        for version in lying {
            let Stored::Segment(name) = version.stored else {
                continue;
            };
            let is_absorbed = manifest.absorbed.iter().any(|it| it.name == name);
            let is_kept_version = !version.is_latest || version.is_marker;
            if is_kept_version || is_absorbed && !named.contains(&name) {
                self.segments
                    .delete_version(Prefix::Packs, &version)
                    .await?;
                done.deleted += 1;
            } else if self.pack_holds(&name, ids).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn names_of_packs(&self) -> Result<BTreeSet<SegmentName>> {
        let packs = self.ads.all_packs().await?;
        Ok(packs.iter().map(Pack::name).collect())
    }

    async fn delete_for_good(&self, kind: SetKind, version: &StoredVersion) -> Result<()> {
        self.segments.delete_version(kind.into(), version).await?;
        match version.stored {
            Stored::Segment(name) if kind == SetKind::Ads => {
                self.searches.forget_parts(&name).await
            }
            _ => Ok(()),
        }
    }

    /// Removes what is not needed any more, of ads so that [versions](CompactionRule::keeps_versions)
    /// of it are left, if they are to be kept.
    async fn remove(
        &self,
        prefix: Prefix,
        version: &StoredVersion,
        rule: &CompactionRule,
    ) -> Result<()> {
        match (version.stored, prefix) {
            (Stored::Segment(name), _) if keeps(prefix, rule) => {
                self.segments.mark_deleted(prefix, &name).await?;
            }
            _ => self.segments.delete_version(prefix, version).await?,
        }
        match (version.stored, prefix) {
            (Stored::Segment(name), Prefix::Segments(SetKind::Ads)) => {
                self.searches.forget_parts(&name).await
            }
            _ => Ok(()),
        }
    }

    /// What a sweep looks at.
    async fn lying(&self, prefix: Prefix, rule: &CompactionRule) -> Result<Vec<StoredVersion>> {
        match keeps(prefix, rule) {
            true => self.segments.stored_now(prefix).await,
            false => self.segments.stored_versions(prefix).await,
        }
    }

    /// Deletes the segments of a set that were replaced longer ago than their readers run, those
    /// that no manifest names and that have lain there for longer than their writer can be
    /// at work, and versions of the manifest that were replaced as long ago. Idempotent; safe
    /// concurrently with compaction.
    ///
    /// # Errors
    /// As every verb.
    pub async fn sweep(
        &self,
        kind: SetKind,
        rule: &CompactionRule,
        now: Timestamp,
    ) -> Result<Compacted> {
        let mut done = Compacted::default();
        let current = self.segments.manifest(kind).await?;
        self.segments.save_manifest_record(&current).await?; // one of an older build is not noted yet
        let manifest = &current.manifest;
        let (mut due, mut orphans) = (Vec::new(), Vec::new());
        for version in self.lying(kind.into(), rule).await? {
            match liveness_of(&version, manifest, rule, now) {
                Liveness::Live => {}
                Liveness::Expired => due.push(version),
                Liveness::Orphan => orphans.push(version),
            }
        }
        // Those that were live once can be deleted at once: they never are again.
        for version in &due {
            self.remove(kind.into(), version, rule).await?;
            done.deleted += 1;
        }
        let mut next = manifest.next(&BTreeSet::new(), 0, Vec::new());
        next.retired.retain(|it| it.due_at_ms > ms(now));
        if kind == SetKind::Ads {
            done.deleted += self.sweep_packs(&mut next, rule, now).await?;
        }
        let is_shorter = next.retired.len() < manifest.retired.len()
            || next.absorbed.len() < manifest.absorbed.len();
        if orphans.is_empty() && !is_shorter {
            return Ok(done);
        }
        if !self.segments.swap(&current, &next).await? {
            done.lost += 1;
            return Ok(done);
        }
        for orphan in orphans.iter().filter(|it| is_doomed(it, &next)) {
            self.remove(kind.into(), orphan, rule).await?;
            done.deleted += 1;
        }
        Ok(done)
    }
}

impl GarbageCollector {
    /// Deletes packs that the tail does not name: those that were absorbed longer ago than their
    /// readers run, and takes them from the manifest; and those that their writer never named.
    /// What is listed here was written before the tail is read, so one that is named later is too
    /// young to be taken for one that was left behind.
    async fn sweep_packs(
        &self,
        next: &mut Manifest,
        rule: &CompactionRule,
        now: Timestamp,
    ) -> Result<u64> {
        let lying = self.lying(Prefix::Packs, rule).await?;
        if lying.is_empty() && next.absorbed.is_empty() {
            return Ok(0); // an idle deployment does not pay for a walk through its tail
        }
        let named = self.names_of_packs().await?;
        let is_due = |it: &Absorbed| it.due_at_ms.is_some_and(|due| due <= ms(now));
        let mut deleted = 0;
        for version in &lying {
            let Stored::Segment(name) = version.stored else {
                continue;
            };
            let absorbed = next.absorbed.iter().find(|it| it.name == name);
            let is_old = version.modified.plus(rule.grace) <= now;
            if !named.contains(&name) && absorbed.map_or(is_old, is_due) {
                self.remove(Prefix::Packs, version, rule).await?;
                deleted += 1;
            }
        }
        next.absorbed
            .retain(|it| !is_due(it) || named.contains(&it.name));
        Ok(deleted)
    }

    /// Whether a pack holds any of these items; one that is gone does not.
    async fn pack_holds(&self, name: &SegmentName, ids: &BTreeSet<Id>) -> Result<bool> {
        let bytes = self
            .segments
            .small_object(&Prefix::Packs.key(name), PACK_MAX, "reading a pack")
            .await?;
        let Some((bytes, _)) = bytes else {
            return Ok(false);
        };
        let entry = segments::entry_of(SetKind::Ads, &bytes)?;
        let items = items_blocking(SetKind::Ads, &entry, bytes).await?;
        Ok(items.iter().any(|item| ids.contains(&item.id)))
    }
}

/// Whether what goes from there is kept as a version. References never are: their log has them all.
fn keeps(prefix: Prefix, rule: &CompactionRule) -> bool {
    rule.keeps_versions && prefix != Prefix::Segments(SetKind::References)
}

/// Whether what lay in the bucket before this manifest was swapped in has no place in the set any more.
fn is_doomed(version: &StoredVersion, manifest: &Manifest) -> bool {
    matches!(version.stored, Stored::Segment(name) if manifest.entry(&name).is_none())
}

/// How an object lies in the bucket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Liveness {
    /// Part of the set, or until lately.
    Live,
    /// It was part of the set, and its grace is over.
    Expired,
    /// No manifest names it, and its writer has long ended.
    Orphan,
}

fn liveness_of(
    version: &StoredVersion,
    manifest: &Manifest,
    rule: &CompactionRule,
    now: Timestamp,
) -> Liveness {
    let is_old = version.modified.plus(rule.grace) <= now;
    let retired = |name: &SegmentName| manifest.retired.iter().find(|it| it.name == *name);
    match version.stored {
        Stored::OldManifest if is_old => Liveness::Expired,
        Stored::OldManifest => Liveness::Live,
        Stored::Segment(name) if manifest.entry(&name).is_some() => Liveness::Live,
        Stored::Segment(name) => match retired(&name) {
            Some(it) if it.due_at_ms <= ms(now) => Liveness::Expired,
            Some(_) => Liveness::Live,
            None if is_old => Liveness::Orphan,
            None => Liveness::Live,
        },
    }
}
