//! Objects whose event was lost, and objects past their time.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use records::{ObjectKey, UploadState};
use store::{ListedObject, ObjectKind};

use crate::{Done, Upkeep};

/// Objects of one listing, and looked up together.
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
    /// Every ad, whether or not its tenant has been made: pending too long is driven again;
    /// recorded or rejected, and past its retention, is removed, bundles sooner. What is pending is never
    /// removed.
    pub(crate) async fn ads(&self, done: &mut Done) -> store::Result<()> {
        let mut after = None;
        loop {
            let page = self
                .store
                .objects_page(ObjectKind::Ad, "ads/", after.as_deref(), PAGE)
                .await?;
            let due: Vec<(ListedObject, Due)> = stream::iter(page.items)
                .map(|object| async move {
                    let due = self.due(&object).await?;
                    Ok::<_, store::Error>((object, due))
                })
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
            for (object, due) in due {
                self.carry_out(&object.key, due, done).await?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn due(&self, object: &ListedObject) -> store::Result<Due> {
        let ObjectKey::Ad(key) = &object.key else {
            return Ok(Due::Nothing);
        };
        let age = self.clock.now().since(object.last_modified);
        if age <= self.pending_max {
            return Ok(Due::Nothing);
        }
        let upload = self.store.upload(key).await?.filter(|upload| {
            upload.state != UploadState::Pending
                && upload.is_about(object.last_modified, object.size_bytes)
        });
        let Some(upload) = upload else {
            return Ok(Due::Redrive);
        };
        let kept = match upload.bundle {
            Some(counts) if !counts.holds_members => Some(BUNDLES_KEPT),
            _ => self.ads_kept,
        };
        Ok(match kept {
            Some(kept) if age > kept => Due::Remove,
            _ => Due::Nothing,
        })
    }

    async fn carry_out(&self, key: &ObjectKey, due: Due, done: &mut Done) -> store::Result<()> {
        match due {
            Due::Nothing => {}
            Due::Redrive => done.redriven += u64::from(self.store.redrive(key).await?),
            Due::Remove => {
                self.store.delete_object(key, None).await?;
                done.removed += 1;
            }
        }
        Ok(())
    }

    /// Every reference photo that was not looked at for too long is driven again.
    pub(crate) async fn photos(&self, done: &mut Done) -> store::Result<()> {
        let mut after = None;
        loop {
            let kind = ObjectKind::Reference;
            let page = self
                .store
                .objects_page(kind, "references/", after.as_deref(), PAGE)
                .await?;
            for object in page.items {
                let due = self.photo_due(&object).await?;
                self.carry_out(&object.key, due, done).await?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn photo_due(&self, object: &ListedObject) -> store::Result<Due> {
        let ObjectKey::Reference(key) = &object.key else {
            return Ok(Due::Nothing);
        };
        if self.clock.now().since(object.last_modified) <= self.pending_max {
            return Ok(Due::Nothing);
        }
        let enrolled = self.store.enrolled(key).await?;
        let is_done = enrolled.is_some_and(|at| at.seconds() >= object.last_modified.seconds());
        Ok(if is_done { Due::Nothing } else { Due::Redrive })
    }
}
