//! Objects whose event was lost, and objects past their time.

use std::collections::HashMap;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use records::{AdKey, BucketScan, ObjectKey, ScanStage, Timestamp, Upload, UploadState};
use store::{ListedObject, ObjectKind};

use crate::walk::{Listed, RUN_MAX};
use crate::{Done, Upkeep};

/// Objects of one listing, looked up together.
const PAGE: usize = 1_000;
const AT_ONCE: usize = 16;

/// How long a bundle is kept after its members have come to lie in other objects: long enough to look
/// into what went wrong, short enough that hardly anything is paid for twice.
const BUNDLES_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// What is to be done with an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing,
    Redrive,
    Remove,
}

impl Upkeep {
    /// Goes on with the round over both buckets, or begins the next one if it is time. A reference
    /// photo that was not looked at for too long is driven again. So is an ad, whether or not its
    /// tenant has been made; recorded or rejected, and past its retention, it is removed, bundles
    /// sooner. What is pending is never removed.
    pub(crate) async fn objects(&self, done: &mut Done) -> store::Result<()> {
        let now = self.clock.now();
        let mut round = match self.store.round().await? {
            Some(begun) if begun.stage != ScanStage::Over => begun,
            Some(last) if now.since(last.began_at) < self.objects_every => return Ok(()),
            _ => BucketScan {
                stage: ScanStage::References,
                after: None,
                began_at: now,
            },
        };
        let until = now.plus(RUN_MAX);
        while let Some(listed) = Listed::at(round.stage) {
            let Listed { kind, prefix, .. } = listed;
            let after = round.after.as_deref();
            let page = self.store.objects_page(kind, prefix, after, PAGE).await?;
            self.look_after(kind, page.items, done).await?;
            (round.stage, round.after) = listed.behind(page.next);
            self.store.note_round(&round).await?;
            if self.clock.now() >= until {
                break;
            }
        }
        Ok(())
    }

    async fn look_after(
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
        let did: Vec<Due> = stream::iter(due)
            .map(|(object, due)| self.carry_out(object, due))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let count = |what: Due| did.iter().filter(|it| **it == what).count() as u64;
        done.redriven += count(Due::Redrive);
        done.removed += count(Due::Remove);
        Ok(())
    }

    async fn ads_due(
        &self,
        objects: Vec<ListedObject>,
        ended_by: Timestamp,
    ) -> store::Result<Vec<(ListedObject, Due)>> {
        let keys: Vec<&AdKey> = objects.iter().filter_map(ad_key).collect();
        let uploads = self.store.uploads_of(&keys).await?.into_iter();
        let uploads: HashMap<AdKey, Upload> =
            uploads.map(|it| (it.object_key.clone(), it)).collect();
        let due = objects.into_iter().map(|object| {
            let upload = ad_key(&object).and_then(|key| uploads.get(key));
            let due = self.ad_due(&object, upload, ended_by);
            (object, due)
        });
        Ok(due.collect())
    }

    fn ad_due(&self, object: &ListedObject, upload: Option<&Upload>, ended_by: Timestamp) -> Due {
        let upload = upload.filter(|upload| {
            upload.state != UploadState::Pending
                && upload.is_about(object.last_modified, object.size_bytes)
        });
        let Some(upload) = upload else {
            return Due::Redrive;
        };
        let kept = match upload.bundle {
            Some(counts) if !counts.holds_members => Some(BUNDLES_KEPT),
            _ => self.ads_kept,
        };
        let age = ended_by.since(object.last_modified);
        match kept {
            Some(kept) if age > kept => Due::Remove,
            _ => Due::Nothing,
        }
    }

    async fn photos_due(
        &self,
        objects: Vec<ListedObject>,
    ) -> store::Result<Vec<(ListedObject, Due)>> {
        let due = stream::iter(objects).map(|object| async move {
            let ObjectKey::Reference(key) = &object.key else {
                return Ok((object, Due::Nothing));
            };
            let enrolled = self.store.enrolled(key).await?;
            let is_done = enrolled.is_some_and(|at| at.seconds() >= object.last_modified.seconds());
            let due = if is_done { Due::Nothing } else { Due::Redrive };
            Ok((object, due))
        });
        due.buffered(AT_ONCE).try_collect().await
    }

    /// What was done in the end.
    async fn carry_out(&self, object: ListedObject, due: Due) -> store::Result<Due> {
        match due {
            Due::Nothing => {}
            Due::Redrive if self.store.redrive(&object.key).await? => {}
            Due::Redrive => return Ok(Due::Nothing), // gone, or overwritten
            Due::Remove => self.store.delete_object(&object.key, None).await?,
        }
        Ok(due)
    }
}

fn ad_key(object: &ListedObject) -> Option<&AdKey> {
    match &object.key {
        ObjectKey::Ad(key) => Some(key),
        ObjectKey::Reference(_) => None,
    }
}
