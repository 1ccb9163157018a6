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
            _ => BucketScan {
                stage: ScanStage::References,
                after: None,
                began_at: now,
                orphans: 0,
            },
        };
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
            self.inspect(kind, items, done).await?;
            (round.stage, round.after) = listed.behind(page.next);
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
        done: &mut Done,
    ) -> store::Result<()> {
        let now = self.clock.now();
        let is_old = |it: &ListedObject| now.since(it.last_modified) > self.pending_max;
        let old: Vec<ListedObject> = objects.into_iter().filter(is_old).collect();
        let due = match kind {
            ObjectKind::Ad => self.ads_due(old, self.ended_by().await?).await?,
            ObjectKind::Reference => self.photos_due(old).await?,
        };
        let did: Vec<Action> = stream::iter(due)
            .map(|(object, due)| self.carry_out(object, due))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let count = |what: Action| did.iter().filter(|it| **it == what).count() as u64;
        done.redriven += count(Action::Redrive);
        done.removed += count(Action::Remove);
        Ok(())
    }

    async fn ads_due(
        &self,
        objects: Vec<ListedObject>,
        ended_by: Timestamp,
    ) -> store::Result<Vec<(ListedObject, Action)>> {
        let keys: Vec<&AdKey> = objects.iter().filter_map(ad_key).collect();
        let uploads = self.store.uploads.uploads_of(&keys).await?.into_iter();
        let uploads: HashMap<AdKey, Upload> =
            uploads.map(|it| (it.object_key.clone(), it)).collect();
        let due = objects.into_iter().map(|object| {
            let upload = ad_key(&object).and_then(|key| uploads.get(key));
            let due = self.ad_due(&object, upload, ended_by);
            (object, due)
        });
        Ok(due.collect())
    }

    fn ad_due(
        &self,
        object: &ListedObject,
        upload: Option<&Upload>,
        ended_by: Timestamp,
    ) -> Action {
        let upload = upload.filter(|upload| {
            upload.state != UploadState::Pending
                && upload.is_about(object.last_modified, object.size_bytes)
        });
        let Some(upload) = upload else {
            return Action::Redrive;
        };
        let kept = match upload.bundle {
            Some(counts) if !counts.holds_members => Some(BUNDLES_KEPT),
            _ => self.ads_kept,
        };
        let age = ended_by.since(object.last_modified);
        match kept {
            Some(kept) if age > kept => Action::Remove,
            _ => Action::Nothing,
        }
    }

    async fn photos_due(
        &self,
        objects: Vec<ListedObject>,
    ) -> store::Result<Vec<(ListedObject, Action)>> {
        let due = stream::iter(objects).map(|object| async move {
            let ObjectKey::Reference(key) = &object.key else {
                return Ok((object, Action::Nothing));
            };
            let accepted_s = object.last_modified.seconds();
            let due = match self.store.references.is_enrolled(key, accepted_s).await? {
                true => Action::Nothing,
                false => Action::Redrive,
            };
            Ok((object, due))
        });
        due.buffered(AT_ONCE).try_collect().await
    }

    /// What was done in the end.
    async fn carry_out(&self, object: ListedObject, due: Action) -> store::Result<Action> {
        match due {
            Action::Nothing => {}
            Action::Redrive if self.store.objects.redrive(&object.key).await? => {}
            Action::Redrive => return Ok(Action::Nothing), // gone, or overwritten
            Action::Remove => self.store.objects.delete_object(&object.key, None).await?,
        }
        Ok(due)
    }
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
