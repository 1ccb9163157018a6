//! Objects whose event was lost, and objects past their time.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use records::{
    AdKey, BucketScan, ObjectKey, ScanStage, TenantSettings, Timestamp, Upload, UploadState,
};
use store::{ListedObject, ObjectKind};

use crate::scan::{RUN_MAX, ScanListing};
use crate::{Done, Upkeep};

/// Objects of one listing, looked up together.
const PAGE: usize = 1_000;
const AT_ONCE: usize = 16;

/// How long a bundle is kept after its members have come to lie in other objects: long enough to look
/// into what went wrong, short enough that hardly anything is paid for twice.
const BUNDLES_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// What is to be done with an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Nothing,
    Redrive,
    Remove,
}

/// An object, what is to be done with it, and what is known of an ad.
struct Due {
    object: ListedObject,
    action: Action,
    upload: Option<Upload>,
}

impl Due {
    fn of(object: ListedObject, action: Action) -> Self {
        Self {
            object,
            action,
            upload: None,
        }
    }
}

/// So long before a round an ad came of which the next ones ask nothing any more: by then a bundle that was cut is
/// removed.
const SETTLES_AFTER: Duration = Duration::from_secs(2 * 24 * 3_600);

impl Upkeep {
    /// Goes on with the round over both buckets, or begins the next one if it is time. A reference
    /// photo that was not looked at for too long is driven again. So is an ad, whether or not its
    /// tenant has been made; recorded or rejected, and past its retention, it is removed, bundles
    /// sooner. What is pending is never removed. Objects under other keys, or of tenants that there are
    /// none of, are counted and told.
    pub(crate) async fn objects(
        &self,
        tenants: &[TenantSettings],
        done: &mut Done,
    ) -> store::Result<()> {
        let tenants: BTreeSet<_> = tenants.iter().map(|it| &it.tenant).collect();
        let now = self.clock.now();
        let mut round = match self.store.checkpoints.bucket_scan().await? {
            Some(begun) if begun.stage != ScanStage::Over => begun,
            Some(last) if now.since(last.began_at) < self.objects_every => return Ok(()),
            last => BucketScan::next(last.as_ref(), now, self.ads_end_before().await?),
        };
        if let Some(before) = round.ends_before {
            self.go_on_ending(before).await?;
        }
        let until = now.plus(RUN_MAX);
        let mut met = 0;
        while let Some(listed) = ScanListing::at(round.stage) {
            let kind = listed.kind;
            let after = round.after.as_deref();
            // The whole bucket: what lies outside its layout wakes no program, and is seen here alone.
            let page = self
                .store
                .objects
                .objects_page(kind, "", after, PAGE)
                .await?;
            let (items, others): (Vec<_>, Vec<_>) =
                page.items.into_iter().partition(|it| is_of(kind, &it.key));
            let known = |it: &&ListedObject| !tenants.contains(it.key.tenant());
            let unknown = items.iter().filter(known).count() as u64;
            met += page.foreign + others.len() as u64 + unknown;
            round.orphans += page.foreign + others.len() as u64 + unknown;
            self.inspect(kind, items, &mut round, done).await?;
            (round.stage, round.after) = listed.behind(page.next);
            if round.stage == ScanStage::Over {
                round.close(SETTLES_AFTER.max(self.pending_max));
            }
            self.store.checkpoints.save_bucket_scan(&round).await?;
            if self.clock.now() >= until {
                break;
            }
        }
        done.orphans += met;
        if met > 0 {
            batches::orphans(usize::try_from(met).unwrap_or(usize::MAX));
            tracing::error!(
                met,
                "objects lie where no program looks: ads lie under ads/UPLOADER/..., \
                photos under references/UNIT/CASE/..., of tenants that there are"
            );
        }
        Ok(())
    }

    async fn inspect(
        &self,
        kind: ObjectKind,
        objects: Vec<ListedObject>,
        round: &mut BucketScan,
        done: &mut Done,
    ) -> store::Result<()> {
        let now = self.clock.now();
        let is_old = |it: &ListedObject| now.since(it.last_modified) > self.pending_max;
        let old: Vec<ListedObject> = objects.into_iter().filter(is_old).collect();
        let due = match kind {
            ObjectKind::Ad => self.ads_due(old, round).await?,
            ObjectKind::Reference => self.photos_due(old).await?,
        };
        let did: Vec<Action> = stream::iter(due)
            .map(|due| self.carry_out(due, round.ends_before))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let count = |what: Action| did.iter().filter(|it| **it == what).count() as u64;
        done.redriven += count(Action::Redrive);
        done.removed += count(Action::Remove);
        Ok(())
    }

    /// The time before which ads have ended, for a round that begins now; none where they are kept. A whole
    /// second: S3 tells times to the second, in listings sometimes finer, and both are to end at once.
    async fn ads_end_before(&self) -> store::Result<Option<Timestamp>> {
        let ended_by = self.ended_by().await?;
        let before = |kept| Timestamp::from_millis(ended_by.minus(kept).seconds() * 1_000);
        Ok(self.ads_kept.map(before))
    }

    /// What is due of ads. Of those that were settled when the last round looked, nothing is asked until their
    /// end: a round over all that is kept costs the listing.
    async fn ads_due(
        &self,
        mut objects: Vec<ListedObject>,
        round: &mut BucketScan,
    ) -> store::Result<Vec<Due>> {
        let (ends_before, settled_before) = (round.ends_before, round.settled_before);
        objects.retain(|it| {
            let has_ended = ends_before.is_some_and(|before| it.last_modified < before);
            has_ended || settled_before.is_none_or(|before| it.last_modified >= before)
        });
        let keys: Vec<&AdKey> = objects.iter().filter_map(ad_key).collect();
        let uploads = self.store.uploads.uploads_of(&keys).await?.into_iter();
        let mut uploads: HashMap<AdKey, Upload> =
            uploads.map(|it| (it.object_key.clone(), it)).collect();
        let mut all = Vec::new();
        for object in objects {
            let upload = ad_key(&object).and_then(|key| uploads.remove(key));
            let action = self.ad_due(&object, upload.as_ref(), round);
            if action == Action::Redrive {
                let oldest = round.unsettled.unwrap_or(object.last_modified);
                round.unsettled = Some(oldest.min(object.last_modified));
            }
            all.push(Due {
                object,
                action,
                upload,
            });
        }
        Ok(all)
    }

    fn ad_due(&self, object: &ListedObject, upload: Option<&Upload>, round: &BucketScan) -> Action {
        let upload = upload.filter(|upload| {
            upload.state != UploadState::Pending
                && upload.is_about(object.last_modified, object.size_bytes)
        });
        let Some(upload) = upload else {
            return Action::Redrive;
        };
        let is_over = |before: Timestamp| object.last_modified < before;
        let is_cut = upload.bundle.is_some_and(|counts| !counts.holds_members);
        let has_ended = round.ends_before.is_some_and(is_over);
        match has_ended || is_cut && is_over(round.began_at.minus(BUNDLES_KEPT)) {
            true => Action::Remove,
            false => Action::Nothing,
        }
    }

    async fn photos_due(&self, objects: Vec<ListedObject>) -> store::Result<Vec<Due>> {
        let due = stream::iter(objects).map(|object| async move {
            let ObjectKey::Reference(key) = &object.key else {
                return Ok(Due::of(object, Action::Nothing));
            };
            let accepted_s = object.last_modified.seconds();
            let due = match self.store.references.is_enrolled(key, accepted_s).await? {
                true => Action::Nothing,
                false => Action::Redrive,
            };
            Ok(Due::of(object, due))
        });
        due.buffered(AT_ONCE).try_collect().await
    }

    /// What was done in the end.
    async fn carry_out(&self, due: Due, ends_before: Option<Timestamp>) -> store::Result<Action> {
        let Due { object, action, .. } = &due;
        match action {
            Action::Nothing => {}
            Action::Redrive if self.store.objects.redrive(&object.key).await? => {}
            Action::Redrive => return Ok(Action::Nothing), // gone, or overwritten
            Action::Remove => return self.remove(&due, ends_before).await,
        }
        Ok(*action)
    }

    /// Removes an object, with what is known of it that no sighting leads to, unless another has come under its
    /// key concurrently.
    async fn remove(&self, due: &Due, ends_before: Option<Timestamp>) -> store::Result<Action> {
        let uploads = &self.store.uploads;
        let has_ended = |it: &&Upload| ends_before.is_some_and(|before| it.uploaded_at < before);
        let ending = due.upload.as_ref().filter(has_ended);
        let ending = ending.filter(|it| it.bundle.is_some() || !has_sighting(it));
        if let Some(upload) = ending {
            uploads.begin_end(upload).await?;
        }
        let is_removed = self.store.objects.delete_listed(&due.object).await?;
        if let (Some(upload), Some(before)) = (ending, ends_before) {
            if is_removed {
                self.end_records(upload, before).await?;
            }
            uploads.note_end(&upload.object_key).await?;
        }
        Ok(match is_removed {
            true => Action::Remove,
            false => Action::Nothing,
        })
    }

    /// Goes on with ends that a crash has cut off.
    async fn go_on_ending(&self, before: Timestamp) -> store::Result<()> {
        let uploads = &self.store.uploads;
        for (object_key, upload) in uploads.ends_begun().await? {
            if let Some(upload) = upload {
                let (key, version) = (object_key.clone().into(), upload.version_id.as_deref());
                if self.store.objects.is_current(&key, version).await? {
                    continue; // the round meets it
                }
                self.end_records(&upload, before).await?;
            }
            uploads.note_end(&object_key).await?;
        }
        Ok(())
    }

    /// Forgets what the end of a photo leaves of records that no sighting leads to: what was refused, and what is
    /// known of a bundle or list as a whole. The others go with their ad's fingerprint.
    async fn end_records(&self, upload: &Upload, before: Timestamp) -> store::Result<()> {
        let uploads = &self.store.uploads;
        let mut over = Vec::new();
        if upload.bundle.is_some() {
            let whole = upload.object_key.whole();
            over.extend(uploads.upload(&whole).await?);
            over.extend(uploads.uploads_within(&whole).await?);
        }
        over.retain(|it| it.object_key != upload.object_key);
        over.push(upload.clone()); // last: it is by this one that a run goes on
        let is_over = |it: &&Upload| it.uploaded_at < before && !has_sighting(it);
        for it in over.iter().filter(is_over) {
            uploads.end_upload(&it.object_key, it.uploaded_at).await?;
        }
        Ok(())
    }
}

/// Whether what is known of an upload goes with the ad's fingerprint.
fn has_sighting(upload: &Upload) -> bool {
    upload.state == UploadState::Recorded && upload.image_sha256.is_some()
}

/// Whether a key is one of its bucket's.
fn is_of(kind: ObjectKind, key: &ObjectKey) -> bool {
    match kind {
        ObjectKind::Ad => matches!(key, ObjectKey::Ad(_)),
        ObjectKind::Reference => matches!(key, ObjectKey::Reference(_)),
    }
}

fn ad_key(object: &ListedObject) -> Option<&AdKey> {
    match &object.key {
        ObjectKey::Ad(key) => Some(key),
        ObjectKey::Reference(_) => None,
    }
}
